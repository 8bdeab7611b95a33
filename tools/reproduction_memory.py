"""Whether the spike trains of one cell fit into memory, before it is run."""

import math

import tfsnn
from tfsnn.errors import DataError

BYTES = 4


def check(
    conversion: tfsnn.Conversion,
    *,
    timesteps: int,
    images: int,
    available: int,
) -> None:
    """Refuses a T of which not even the widest layer would fit.

    Counted are its spikes for all calibration images, one bit each, and its
    current for one image, float32: what a calibration has at the least.

    Args:
        conversion: Of the network.
        timesteps: T.
        images: Calibration images.
        available: Bytes.

    Raises:
        DataError: If they do not fit; names the largest T that does.
    """
    neurons = max(
        math.prod(conversion.analog.get_layer(name).output.shape[1:])
        for name in conversion.neuron_names
    )
    each = neurons * (images / 8 + BYTES)
    if timesteps * each <= available:
        return
    raise DataError(
        f"T={timesteps} with {images} calibration images takes at least"
        f" {timesteps * each / 2**30:.1f} GB for the spikes of one layer, and"
        f" {available / 2**30:.1f} GB are free. Supported: up to"
        f" T={int(available // each)}. Use fewer steps or fewer images."
    )
