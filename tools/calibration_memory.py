"""Whether a calibration fits into memory, beforehand."""

import bisect
from collections.abc import Callable, Sequence

import tfsnn
from tfsnn.calibration.footprint import held_bytes
from tfsnn.calibration.images import MIN_IMAGES
from tfsnn.conversion.lags import Lag
from tfsnn.errors import DataError


def check(
    conversion: tfsnn.Conversion,
    *,
    timesteps: Sequence[int],
    lag: Lag | None,
    images: int,
    available: int,
) -> None:
    """Refuses T and images whose activations and spikes alone do not fit.

    Args:
        conversion: Of the network.
        timesteps: Every T.
        lag: Of its neurons; None: the default.
        images: Calibration images.
        available: Bytes.

    Raises:
        DataError: If they do not fit; names how many images do, and which T
            does with all of them.
    """

    def fits(images: int, timesteps: Sequence[int]) -> bool:
        needed = held_bytes(conversion, images, timesteps, lag)
        return needed is None or needed <= available

    if fits(images, timesteps):
        return
    most = _largest(images, lambda n: fits(n, timesteps))
    steps = _largest(max(timesteps), lambda T: fits(images, [T]))
    remedies = [
        *([f"up to {most} images"] if most >= MIN_IMAGES else []),
        *([f"one T of up to {steps} with all these images"] if steps else []),
    ]
    supported = " or ".join(remedies) or "smaller networks or images"
    needed = held_bytes(conversion, images, timesteps, lag)
    raise DataError(
        f"T={','.join(map(str, timesteps))} with {images} calibration images"
        f" takes at least {needed / 2**30:.1f} GB for activations and spikes,"
        f" and {available / 2**30:.1f} GB are free. Supported: {supported}."
        " Use fewer images, fewer steps, or a machine with more memory."
    )


def _largest(limit: int, fits: Callable[[int], bool]) -> int:
    """The largest number below the limit that fits, 0 if none does."""
    return bisect.bisect_left(
        range(1, limit), True, key=lambda number: not fits(number)
    )
