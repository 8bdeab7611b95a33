"""Named sequences of strategies."""

import dataclasses

from .arguments import checked_whole
from .biases import BiasCalibration
from .strategy import Strategy, describe, repeat
from .thresholds import MmseThreshold


@dataclasses.dataclass(frozen=True)
class Pipeline:
    """What is done to every segment, in order.

    Attributes:
        name: For reports and manifests.
        strategies: The steps; the first one sets the threshold.
        guarded: Whether a step is kept only if the error on held-out images
            does not grow. If not, whatever is finite is kept, as in codes that
            do not look.
    """

    name: str
    strategies: tuple[Strategy, ...]
    guarded: bool = True

    def __post_init__(self):
        """Checks the order.

        Raises:
            ValueError: If the first step does not set the threshold.
        """
        first = self.strategies[0] if self.strategies else None
        if not getattr(first, "sets_threshold", False):
            raise ValueError(
                f"Pipeline '{self.name}' starts with {first!r}. Supported: a"
                " first step that sets the threshold. Put MmseThreshold() in"
                " front."
            )

    def to_dict(self) -> dict:
        """Name and every step with its hyper-parameters, plain types."""
        steps = [describe(strategy) for strategy in self.strategies]
        return {
            "name": self.name,
            "strategies": steps,
            "guarded": self.guarded,
        }


def uncalibrated(
    *,
    per: str = "channel",
    rounding: str = "round",
    threshold: Strategy | None = None,
) -> Pipeline:
    """Thresholds, of least squared error by default, and nothing else.

    Args:
        per: Thresholds per `"layer"` or `"channel"`.
        rounding: Quantiser of the threshold search, `"floor"` or `"round"`.
        threshold: Sets the thresholds, instead of `per` and `rounding`: for
            example `MaximumThreshold("channel")`.

    Returns:
        A pipeline: the paper's MMSE row without calibration.
    """
    threshold = threshold or MmseThreshold(per, rounding)
    return Pipeline("uncalibrated", (threshold,))


def light(
    *,
    per: str = "channel",
    rounding: str = "round",
    iterations: int = 3,
    damping: float = 1.0,
    threshold: Strategy | None = None,
) -> Pipeline:
    """The Light pipeline: thresholds, then bias calibration.

    `light(per="layer", rounding="floor", iterations=1)` is the paper's; the
    defaults measure better.

    Args:
        per: Thresholds per `"layer"` or `"channel"`.
        rounding: Quantiser of the threshold search, `"floor"` or `"round"`.
        iterations: Sweeps of bias calibration over each segment.
        damping: Share of the error added a sweep.
        threshold: Sets the thresholds, instead of `per` and `rounding`: for
            example `MaximumThreshold("channel")`.

    Returns:
        A pipeline.

    References:
        Li et al., A Free Lunch From ANN, ICML 2021, section 4.3.
    """
    threshold = threshold or MmseThreshold(per, rounding)
    iterations = checked_whole("iterations", iterations, low=0, default=3)
    biases = repeat(BiasCalibration(damping), iterations)
    return Pipeline("light", (threshold, *biases))
