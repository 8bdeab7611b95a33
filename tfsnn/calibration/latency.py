"""How many steps a calibrated network takes from the image to its output."""

from tfsnn.conversion import Conversion
from tfsnn.conversion.check import is_head, is_neuron
from tfsnn.conversion.lags import Lag, lag_of
from tfsnn.graph.segments import JUNCTION, NEURON, cut, is_input


def latency_of(conversion: Conversion, lag: Lag, timesteps: int) -> int:
    """T plus the largest sum of lags along a path.

    Equals `latency_steps` of the spiking model, which need not be built.

    Args:
        conversion: The network.
        lag: Lag of its neurons with a temporal current, at most T.
        timesteps: T.

    Returns:
        Steps.
    """
    offsets: dict[str, int] = {}
    constant = set()
    for segment in cut(conversion.graph, is_neuron=is_neuron, is_head=is_head):
        steady = all(s in constant or is_input(s) for s in segment.sources)
        offset = max(offsets.get(source, 0) for source in segment.sources)
        if segment.role == NEURON and not steady:
            offset += lag_of(lag, segment.name)
        elif segment.role == JUNCTION and steady:
            constant.add(segment.name)
        offsets[segment.name] = offset
    return timesteps + max(offsets.values())
