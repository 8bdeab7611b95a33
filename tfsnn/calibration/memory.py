"""Whether a calibration fits into memory, beforehand."""

from collections.abc import Callable, Sequence

from tfsnn.conversion import Conversion
from tfsnn.errors import DataError
from tfsnn.free_memory import available_bytes

from .footprint import Footprint
from .images import MIN_IMAGES
from .sweep import SweepConfig

SLACK = 2.5
"""Times the bound that a calibration may take, kept currents apart."""


def check_memory(
    conversion: Conversion,
    images: int,
    timesteps: Sequence[int],
    config: SweepConfig,
) -> None:
    """Refuses T and images whose activations and spikes alone do not fit.

    Refused is what cannot run; named is what will, which is less.

    Args:
        conversion: Of the network.
        images: Calibration images.
        timesteps: Every T.
        config: Has the lag and the budget of currents.

    Raises:
        DataError: If they do not fit; names how many images do, and which T
            does with all of them, or with as few as there can be.
    """
    available, lag = available_bytes(), config.lag
    footprint = Footprint(conversion)
    needed = footprint.held_bytes(images, timesteps, lag)
    if needed is None or needed <= available:
        return

    def fits(images: int, timesteps: Sequence[int]) -> bool:
        held = SLACK * footprint.held_bytes(images, timesteps, lag)
        currents = footprint.current_bytes(images, timesteps, lag)
        # There are two budgets: for neurons' currents, and for junctions'.
        kept = min(currents, 2 * config.current_budget)
        return held + kept <= available

    most = _largest(images, lambda n: fits(n, timesteps))
    longest = max(timesteps) + 1
    steps = _largest(longest, lambda T: fits(images, [T]))
    few = _largest(longest, lambda T: fits(MIN_IMAGES, [T]))
    remedies = [
        *([f"about {most} images"] if most >= MIN_IMAGES else []),
        *([f"one T of about {steps} with all these images"] if steps else []),
    ]
    if not remedies and few:
        remedies = [f"{MIN_IMAGES} images at one T of about {few}"]
    raise DataError(
        f"T={','.join(map(str, timesteps))} with {images} calibration images"
        f" takes at least {needed / 2**30:.1f} GB for activations and spikes,"
        f" and {available / 2**30:.1f} GB are free. Supported here:"
        f" {' or '.join(remedies) or 'smaller networks or images'}. Free"
        " memory, or use fewer images or smaller T."
    )


def _largest(limit: int, fits: Callable[[int], bool]) -> int:
    """The largest number below the limit that fits, of two digits; 0: none."""
    low, high = 0, limit
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    unit = 10 ** max(0, len(str(low)) - 2)
    return low // unit * unit
