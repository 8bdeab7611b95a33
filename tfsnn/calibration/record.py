"""What happened in a calibration, one row a step."""

import dataclasses
import math
from typing import Any

from tfsnn.conversion.lags import Lag, lag_within
from tfsnn.dynamics.neuron_kind import NeuronKind
from tfsnn.layers.timesteps import default_lag


@dataclasses.dataclass(frozen=True)
class Step:
    """One strategy on one segment.

    Errors are on held-out images: mean squared difference between analog and
    mean spiking activation, over the mean square of the analog one. Where that
    is below 1e-12, as for a silent layer, the mean squared difference itself.

    Attributes:
        segment: Name of the neuron layer.
        timesteps: T.
        strategy: Class name of the strategy.
        error_before: Error with the parameters before; None: none were set.
        error_after: Error with what was proposed; where that is no number,
            NaN or infinite, and None in a record.
        unevenness_before: Where a temporal bias was proposed: mean squared
            difference between what a channel emits in each step, on average,
            and its analog mean, over the same mean square as the errors;
            before. None for other proposals.
        unevenness_after: The same with what was proposed. Error and unevenness
            together must not grow.
        contributions: If asked for, what `error_after` is made of: part to
            contribution, see `tfsnn.numerics.error_parts`; they add up to it.
            Those before are those of the last step that was accepted.
        accepted: Whether the proposal was kept.
        seconds: Time for proposing and measuring.
    """

    segment: str
    timesteps: int
    strategy: str
    error_before: float | None
    error_after: float
    accepted: bool
    seconds: float
    unevenness_before: float | None = None
    unevenness_after: float | None = None
    contributions: dict[str, float] | None = None

    def to_dict(self) -> dict:
        """Plain types; None for errors that are no numbers."""
        return _finite(dataclasses.asdict(self))


@dataclasses.dataclass(frozen=True)
class Trial:
    """One pipeline of a search at one T.

    Attributes:
        pipeline: Its name.
        timesteps: T.
        error: Squared difference of the outputs of the spiking and the analog
            network on held-out images, over the square of the latter; None:
            it was left out, because the time did not suffice, or the kind of
            neuron, or the network, cannot have one of its steps.
        seconds: Duration of its calibration for all T.
        chosen: Whether its parameters were kept.
    """

    pipeline: str
    timesteps: int
    error: float | None = None
    seconds: float = 0.0
    chosen: bool = False

    def judged(self, best: str) -> "Trial":
        """A copy that knows whether it is the best.

        Args:
            best: Name of the pipeline that is.

        Returns:
            The copy.
        """
        return dataclasses.replace(self, chosen=self.pipeline == best)

    def to_dict(self) -> dict:
        """Plain types; None for an error that is no number."""
        return _finite(dataclasses.asdict(self))


def lag_at(lag: Lag | None, timesteps: int, kind: NeuronKind) -> Lag:
    """The lag used at one T of a calibration for several.

    Args:
        lag: What was asked for; None: the default of the kind.
        timesteps: T.
        kind: Kind of neuron.

    Returns:
        0...T, of all neurons or by name.
    """
    if lag is None:
        return default_lag(kind, timesteps)
    return lag_within(lag, timesteps)


def _finite(value: Any) -> Any:
    """JSON has neither NaN nor infinity."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
