"""One step of a neuron of any kind as a Keras RNN cell."""

from collections.abc import Mapping
from typing import Any

import keras

from tfsnn.dynamics.neuron_kind import NeuronKind
from tfsnn.dynamics.neuron_kinds import neuron_kind

from .if_cell import IFCell


@keras.saving.register_keras_serializable(package="tfsnn")
class ExtendedCell(IFCell):
    """Neurons of any kind, `(current, [v, ...]) -> (spikes, [v, ...])`.

    An `IFCell` that fires as its `NeuronKind` says: signed spikes, bursts, bit
    planes. Spikes are multiples of the threshold, so these are not plain
    neurons. Bit planes are not fired step by step, but in a
    `SpikingActivation`.

    Args:
        threshold: As in `IFCell`.
        initial_potential: As in `IFCell`, but bit planes need a number:
            `threshold * kind.rounding_charge(T)` makes them round.
        kind: The kind of neuron, or what its `to_dict` gives.
        **kwargs: Other arguments as in `IFCell`, without `reset`.

    Call arguments:
        inputs: Current of one step `[B, ...]`, activation units.
        states: List with the potential `[B, ...]` in thresholds, then what
            else the kind keeps.

    Raises:
        ValueError: If an argument is outside its range.
    """

    def __init__(
        self,
        threshold: float = 1.0,
        initial_potential: float | None = None,
        *,
        kind: NeuronKind | Mapping[str, Any],
        **kwargs,
    ):
        """See the class."""
        kind = neuron_kind(kind)
        reset = getattr(kind, "reset", "soft")
        super().__init__(threshold, initial_potential, reset=reset, **kwargs)
        if kind.needs_two_phase and initial_potential is None:
            raise ValueError(
                f"initial_potential=None with kind={kind}. Supported: a number;"
                " T is not known here. With threshold *"
                " kind.rounding_charge(T) it rounds."
            )
        self.kind = kind

    def get_config(self):
        """The constructor's arguments."""
        config = super().get_config()
        del config["reset"]
        return {**config, "kind": self.kind.to_dict()}


CELLS = (IFCell, ExtendedCell)
"""The neurons whose parameters and firing are known; no subclass of them."""


def neuron_cell(kind: NeuronKind, *args, **kwargs) -> IFCell:
    """A cell of a kind: an `IFCell` if that is plain.

    Args:
        kind: The kind of neuron.
        *args: As in `IFCell`.
        **kwargs: As in `IFCell`, without `reset`.

    Returns:
        The cell.
    """
    if kind.is_plain:
        return IFCell(*args, reset=kind.reset, **kwargs)
    return ExtendedCell(*args, kind=kind, **kwargs)
