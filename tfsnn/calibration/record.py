"""What happened in a calibration, one row a step."""

import dataclasses


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
        error_after: Error with what was proposed.
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

    def to_dict(self) -> dict:
        """Plain types."""
        return dataclasses.asdict(self)


def lag_at(lag: int, timesteps: int) -> int:
    """The lag used at one T of a calibration for several, at most T."""
    return min(lag, timesteps)
