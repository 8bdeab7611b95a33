"""Whether the images of one cell fit into memory, beforehand."""

import math
from collections.abc import Sequence

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
