"""Whether spike counts say everything about a network."""

from collections.abc import Sequence

from tfsnn.conversion.lags import Lag, lag_of
from tfsnn.dynamics.neuron_kind import NeuronKind
from tfsnn.graph.segments import JUNCTION, NEURON, Segment, is_input


def is_two_phase(
    segments: Sequence[Segment], lag: Lag, timesteps: int, kind: NeuronKind
) -> bool:
    """Whether a network is two-phase, and its neurons have counts.

    Args:
        segments: All that are calibrated, in topological order.
        lag: Of its neurons at this T.
        timesteps: T.
        kind: Kind of neuron.

    Returns:
        True if every neuron whose current varies in time first integrates all
        of it and then fires, so that only the number of its spikes matters.
    """
    lags = [lag_of(lag, name) for name in temporal_neurons(segments)]
    return kind.has_counts and all(one == timesteps for one in lags)


def temporal_neurons(segments: Sequence[Segment]) -> list[str]:
    """The neurons that a lag means something to.

    Args:
        segments: All that are calibrated, in topological order.

    Returns:
        Names of those whose current is not the same at every step.
    """
    constant, found = set(), []
    for segment in segments:
        steady = all(s in constant or is_input(s) for s in segment.sources)
        if steady and segment.role == JUNCTION:
            constant.add(segment.name)
        elif segment.role == NEURON and not steady:
            found.append(segment.name)
    return found
