"""Whether images and spikes of one cell fit into memory, beforehand."""

import math
from collections.abc import Sequence

import tfsnn
from tfsnn.errors import DataError

BYTES = 4
COPIES = 2
"""Of the images: as they are read, and stacked."""


def check_images(
    count: int | None, *, shape: Sequence[int | None], available: int
) -> None:
    """Refuses more images than fit.

    Args:
        count: Images to be read; None: nobody knows, all there are.
        shape: `(H, W, C)` of one as the network takes it.
        available: Bytes.

    Raises:
        DataError: If they do not fit; names the number that does.
    """
    if count is None or None in shape:
        return
    each = COPIES * BYTES * math.prod(shape)
    if count * each <= available:
        return
    raise DataError(
        f"{count} images of {'x'.join(map(str, shape))} take about"
        f" {count * each / 2**30:.1f} GB, and {available / 2**30:.1f} GB are"
        f" free. Supported: up to {available // each} at once. Set"
        " --test_images, or --hybrid_images for hybrid training; of"
        " --images four times as many are read."
    )


def check_spikes(
    conversion: tfsnn.Conversion,
    *,
    timesteps: int,
    images: int,
    available: int,
) -> None:
    """Refuses a T of which not even the widest layer would fit.

    Counted are its spikes for all calibration images, one bit each, and its
    current for one image, float32: what a calibration has at the least. The
    spikes of the last layer are not kept, for no neuron reads them.

    Args:
        conversion: Of the network.
        timesteps: T.
        images: Calibration images.
        available: Bytes.

    Raises:
        DataError: If they do not fit; names the largest T that does.
    """
    shapes = [
        conversion.analog.get_layer(name).output.shape[1:]
        for name in conversion.neuron_names
    ]
    if any(None in shape for shape in shapes):
        return  # Images of any size: nothing is known.
    neurons = [math.prod(shape) for shape in shapes]
    each = max(neurons[:-1], default=0) * images / 8 + max(neurons) * BYTES
    if timesteps * each <= available:
        return
    raise DataError(
        f"T={timesteps} with {images} calibration images takes at least"
        f" {timesteps * each / 2**30:.1f} GB for the spikes of one layer, and"
        f" {available / 2**30:.1f} GB are free. Supported: up to"
        f" T={int(available // each)}. Use fewer steps or fewer images."
    )
