"""The kinds of neuron, by name."""

from collections.abc import Mapping
from typing import Any

from .bit_plane_neuron import BitPlane
from .burst_neuron import Burst
from .neuron_kind import NeuronKind
from .plain_neuron import IntegrateAndFire
from .signed_neuron import SignedIntegrateAndFire

NEURON_KINDS: dict[str, type[NeuronKind]] = {
    kind.name: kind
    for kind in (IntegrateAndFire, SignedIntegrateAndFire, Burst, BitPlane)
}


def neuron_kind(value: NeuronKind | str | Mapping[str, Any]) -> NeuronKind:
    """A kind of neuron from what configurations hold.

    Args:
        value: A name, what `NeuronKind.to_dict` returns, or a kind.

    Returns:
        The kind; the same object for a kind.

    Raises:
        ValueError: If there is no such kind, or a parameter does not fit.
    """
    if isinstance(value, NeuronKind):
        return value
    values = {"name": value} if isinstance(value, str) else dict(value)
    name = values.pop("name", None)
    if name not in NEURON_KINDS:
        raise ValueError(
            f"Neuron kind {name!r}. Supported:"
            f" {', '.join(map(repr, NEURON_KINDS))}."
        )
    try:
        return NEURON_KINDS[name](**values)
    except TypeError as error:
        raise ValueError(
            f"Neuron kind {name!r} received {values}: {error}. Supported: what"
            f" its to_dict() gives, {NEURON_KINDS[name]().to_dict()}."
        ) from error
