"""Options of the conversion."""

import dataclasses

from tfsnn.dynamics.burst_neuron import Burst
from tfsnn.dynamics.integrate_and_fire import RESETS
from tfsnn.dynamics.neuron_kind import NeuronKind
from tfsnn.dynamics.neuron_kinds import NEURON_KINDS
from tfsnn.dynamics.plain_neuron import IntegrateAndFire

AVERAGE_POOL = ("linear", "neuron")
SPIKES = ("threshold", "unit")
MAX_POOL = ("spiking", "average", "refuse")


@dataclasses.dataclass(frozen=True)
class ConversionConfig:
    """What a conversion leaves to choose.

    Attributes:
        average_pool: `"linear"` keeps average pooling as it is; `"neuron"`
            makes it a depthwise convolution with a neuron of its own, so that
            only spikes travel (paper, section 4.4).
        reset: `"soft"` subtracts the threshold (Eq. 3), `"hard"` sets to
            zero; the latter for plain neurons only.
        spikes: Value of a spike. `"threshold"`: the neuron's threshold;
            `"unit"`: one, the thresholds are in the weights (Eq. 5), see
            `with_unit_spikes`. Calibration is the same for both.
        neuron: Kind of neuron. `"if"`: plain integrate-and-fire. The others
            are not plain, their spikes have several values: `"signed"` takes
            back early spikes, `"burst"` fires several at once, `"bit_plane"`
            fires the bits of its value. See `tfsnn.dynamics`.
        max_spikes: Most spikes of a burst in one step, 1...255; not used for
            other kinds.
        equalise: Whether the ranges of channels are evened out between
            layers, see `tfsnn.graph.passes.equalise`: for thresholds that a
            layer's channels share.
        max_pool: `"spiking"` pools the sum of what has come so far, so that
            the total is exact in every clock, see `SpikingMaxPooling`;
            `"average"` replaces it by average pooling, which the paper trains
            with and which changes the accuracy of a network that was not;
            `"refuse"` makes it a finding.
        affine: Names of layers that are affine and treat every sample alone,
            though there is no rule for them, as a `Lambda`.
    """

    average_pool: str = "linear"
    reset: str = "soft"
    spikes: str = "threshold"
    neuron: str = "if"
    max_spikes: int = 4
    equalise: bool = False
    max_pool: str = "spiking"
    affine: tuple[str, ...] = ()

    def __post_init__(self):
        """Checks the values.

        Raises:
            ValueError: If one is unknown, or the reset is not that of the
                kind of neuron.
        """
        for field, choices in (
            ("average_pool", AVERAGE_POOL),
            ("max_pool", MAX_POOL),
            ("reset", tuple(RESETS)),
            ("spikes", SPIKES),
            ("neuron", tuple(NEURON_KINDS)),
            ("equalise", (False, True)),
        ):
            if getattr(self, field) not in choices:
                raise ValueError(
                    f"{field}={getattr(self, field)!r}. Supported:"
                    f" {', '.join(map(repr, choices))}."
                )

        if self.reset != "soft" and self.neuron != IntegrateAndFire.name:
            raise ValueError(
                f"reset={self.reset!r} with neuron={self.neuron!r}. Supported:"
                " 'soft'; only plain neurons, 'if', also reset to zero. Leave"
                " the reset out."
            )
        if isinstance(self.affine, str):
            raise ValueError(
                f"affine={self.affine!r}. Supported: several names of layers."
                f" Write affine=({self.affine!r},)."
            )
        object.__setattr__(self, "affine", tuple(self.affine))
        Burst(self.max_spikes)  # Raises if it is out of range.

    @property
    def kind(self) -> NeuronKind:
        """The kind of neuron."""
        if self.neuron == IntegrateAndFire.name:
            return IntegrateAndFire(self.reset)
        if self.neuron == Burst.name:
            return Burst(self.max_spikes)
        return NEURON_KINDS[self.neuron]()

    def to_dict(self) -> dict:
        """Plain types, for manifests."""
        return {**dataclasses.asdict(self), "affine": list(self.affine)}

    @classmethod
    def from_dict(cls, values: dict) -> "ConversionConfig":
        """The inverse of `to_dict`."""
        return cls(**values)
