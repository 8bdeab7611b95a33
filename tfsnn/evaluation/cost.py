"""What a spiking network costs, from the spikes it really sent."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from tfsnn.numerics.energy import (
    ENERGY_MODELS,
    MEMORY_MODELS,
    energy_rows,
)
from tfsnn.numerics.operations import Operations, synaptic_operations

from .connections import Target

ASSUMPTIONS = (
    "Counts are for one image, a mean over the images evaluated; spikes are"
    " measured, and each is charged the connections it really has (borders,"
    " strides, groups).",
    "Analog: a multiply-accumulate a connection, zeros and biases left out,"
    " batch norms folded, pools not counted; padding is not multiplied.",
    "Spiking: an addition for each spike and connection; pools and scales are"
    " thought of as folded into what they lead to. What is the same at every"
    " step (the first layer) multiplies once. A kernel that reads values"
    " instead of spikes multiplies at every step.",
    "A max pool is taken to pass on every spike in its window: what comes"
    " behind it is an upper end.",
    "A neuron is updated at each of the T steps plus its lag; an update costs"
    " an addition where the table says so.",
    "Energy is arithmetic alone. Memory is a separate estimate and an upper"
    " end: no word is used twice.",
)


@dataclasses.dataclass(frozen=True)
class LayerCost:
    """Operations for one image that end at one neuron layer.

    Attributes:
        name: Name of the neuron layer; `"readout"` for the rest.
        analog_macs: Multiply-accumulates of the analog network.
        macs: Multiply-accumulates that are left in the spiking one.
        accumulates: Additions because of spikes (synaptic operations).
        neuron_updates: Updates of potentials.
    """

    name: str
    analog_macs: float
    macs: float
    accumulates: float
    neuron_updates: float


@dataclasses.dataclass(frozen=True)
class Cost:
    """Operations and energy of a spiking network, and of its analog one.

    Attributes:
        layers: One row a neuron layer, and the read-out.
    """

    layers: list[LayerCost]

    @property
    def analog(self) -> Operations:
        """Operations of the analog network for one image."""
        return Operations(macs=sum(row.analog_macs for row in self.layers))

    @property
    def spiking(self) -> Operations:
        """Operations of the spiking network for one image."""
        return Operations(
            sum(row.macs for row in self.layers),
            sum(row.accumulates for row in self.layers),
            sum(row.neuron_updates for row in self.layers),
        )

    def energy(self, models: Sequence = ENERGY_MODELS) -> list[dict]:
        """Joules an image under each model, see `energy_rows`.

        Args:
            models: Tables of constants; your own may be among them.

        Returns:
            One row a model.
        """
        return energy_rows(self.analog, self.spiking, models)

    def to_dict(self) -> dict:
        """Layers, and what follows from them, as plain types."""
        return {
            "layers": [dataclasses.asdict(row) for row in self.layers],
            "analog": dataclasses.asdict(self.analog),
            "spiking": dataclasses.asdict(self.spiking),
            "energy": self.energy(),
            "memory": self.energy(MEMORY_MODELS),
            "assumptions": list(ASSUMPTIONS),
        }

    @classmethod
    def from_dict(cls, values: dict) -> "Cost":
        """The inverse of `to_dict`."""
        return cls([LayerCost(**row) for row in values["layers"]])


def cost_of(
    targets: Sequence[Target],
    accumulates: Mapping[str, np.ndarray],
    timesteps: int,
) -> Cost:
    """Puts connections and spikes together.

    Args:
        targets: See `connections`.
        accumulates: Name of a neuron layer to what the spikes of each of its
            neurons for one image count as, `[...]`: additions a connection.
        timesteps: T.

    Returns:
        The cost.
    """
    rows = []
    for target in targets:
        added = sum(
            synaptic_operations(accumulates[name], fan_out)
            for name, fan_out in target.fan_out.items()
        )
        rows.append(
            LayerCost(
                name=target.name,
                analog_macs=target.analog_macs,
                macs=target.constant_macs + timesteps * target.step_macs,
                accumulates=float(added),
                neuron_updates=float(
                    target.num_neurons * (timesteps + target.lag)
                ),
            )
        )
    return Cost(rows)
