"""Options of the conversion."""

import dataclasses

from tfsnn.dynamics.integrate_and_fire import RESETS

AVERAGE_POOL = ("linear", "neuron")
SPIKES = ("threshold", "unit")


@dataclasses.dataclass(frozen=True)
class ConversionConfig:
    """What a conversion leaves to choose.

    Attributes:
        average_pool: `"linear"` keeps average pooling as it is; `"neuron"`
            makes it a depthwise convolution with a neuron of its own, so that
            only spikes travel (paper, section 4.4).
        reset: `"soft"` subtracts the threshold (Eq. 3), `"hard"` sets to zero.
        spikes: Value of a spike. `"threshold"`: the neuron's threshold;
            `"unit"`: one, the thresholds are in the weights (Eq. 5), see
            `with_unit_spikes`. Calibration is the same for both.
    """

    average_pool: str = "linear"
    reset: str = "soft"
    spikes: str = "threshold"

    def __post_init__(self):
        """Checks the values.

        Raises:
            ValueError: If one is unknown.
        """
        for field, choices in (
            ("average_pool", AVERAGE_POOL),
            ("reset", tuple(RESETS)),
            ("spikes", SPIKES),
        ):
            if getattr(self, field) not in choices:
                raise ValueError(
                    f"{field}={getattr(self, field)!r}. Supported:"
                    f" {', '.join(map(repr, choices))}."
                )

    def to_dict(self) -> dict:
        """Plain types, for manifests."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> "ConversionConfig":
        """The inverse of `to_dict`."""
        return cls(**values)
