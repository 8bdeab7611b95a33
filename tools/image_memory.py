"""Whether images fit into memory, before they are read."""

import math
from collections.abc import Sequence

from tfsnn.errors import DataError
from tfsnn.free_memory import available_bytes

BYTES = 4
COPIES = 2
"""As they are read, and as the network takes them."""


def check_images(count: int, *, spec: str, shape: Sequence[int | None]) -> None:
    """Refuses more images than fit.

    Args:
        count: Images to be read; below 0: nobody knows.
        spec: What they are read from.
        shape: `(H, W, C)` of one as the network takes it.

    Raises:
        DataError: If they do not fit; names the number that does.
    """
    if None in shape:
        return
    available = available_bytes()
    each = COPIES * BYTES * math.prod(shape)
    if count * each <= available:
        return
    raise DataError(
        f"Received {spec}, of which {count} images of"
        f" {'x'.join(map(str, shape))} take about {count * each / 2**30:.1f}"
        f" GB, and {available / 2**30:.1f} GB are free. Supported: up to"
        f" {available // each} at once. Ask for fewer: with --max_images to"
        " calibrate, --num_images to evaluate, --images (four times as many are"
        " read), --test_images or --hybrid_images to reproduce. From Python,"
        " tfsnn.evaluate reads a tf.data.Dataset as it goes."
    )
