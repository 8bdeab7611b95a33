"""Whether images fit into memory, before they are read."""

import math
from collections.abc import Sequence

from tfsnn.errors import DataError
from tfsnn.free_memory import available_bytes

BYTES = 4
"""Of a value that the network takes."""
PART_BYTES = 2**26
COPIES = 2
"""Of all values, at times while they are read and used."""


def check_images(count: int, *, spec: str, shape: Sequence[int | None]) -> None:
    """Refuses more images than fit.

    Refused is what cannot be read; named is what can be used, which is less.

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
    each = _bytes_of(shape)
    if count * each <= available:
        return
    most = available // (COPIES * each)
    supported = f"up to {most} at once" if most else "not even one"
    raise DataError(
        f"Received {spec}, of which {count} images of"
        f" {'x'.join(map(str, shape))} take at least"
        f" {count * each / 2**30:.1f} GB, and {available / 2**30:.1f} GB are"
        f" free. Supported: {supported}. Ask for fewer: --max_images"
        " (calibrate), --images (a quarter of the number) or --hybrid_images"
        " (reproduce)."
    )


def check_size(size: tuple[int, int]) -> None:
    """Refuses a height and width of which not even one channel fits.

    Args:
        size: Of an image that is to be made.

    Raises:
        DataError: If it does not fit.
    """
    if _bytes_of(size) <= available_bytes():
        return
    raise DataError(
        f"Received images of {size[0]}x{size[1]}, of which one takes at least"
        f" {_bytes_of(size) / 2**30:.1f} GB, and"
        f" {available_bytes() / 2**30:.1f} GB are free. Supported: sizes that"
        " fit. State a smaller --crop or --resize."
    )


def fits(count: int, shape: Sequence[int | None]) -> bool:
    """Whether images can be used from memory.

    Args:
        count: Images to be read; below 0: nobody knows.
        shape: `(H, W, C)` of one as the network takes it.

    Returns:
        False where they certainly cannot; True where the size is not known.
    """
    if None in shape:
        return True
    return COPIES * count * _bytes_of(shape) <= available_bytes()


def images_of_a_part(shape: Sequence[int]) -> int:
    """How many images are read at a time, where all would not fit."""
    return max(1, PART_BYTES // _bytes_of(shape))


def _bytes_of(shape: Sequence[int]) -> int:
    return BYTES * math.prod(shape)
