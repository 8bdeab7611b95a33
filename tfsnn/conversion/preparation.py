"""From a traced source to the graph that becomes spiking, as options say."""

from tfsnn.graph.passes.equalise import equalise
from tfsnn.graph.passes.max_pools import max_to_average
from tfsnn.graph.passes.operation_pools import operation_pools
from tfsnn.graph.passes.pool_to_convolution import pool_to_convolution
from tfsnn.graph.view import Graph

from .config import ConversionConfig


def reference_graph(source: Graph, config: ConversionConfig) -> Graph:
    """The network that the prepared one has to equal.

    Args:
        source: What `trace` returns; it is not changed.
        config: Options of the conversion.

    Returns:
        The source; with average pools in place of max pools if
        `config.max_pool` says so.
    """
    if config.max_pool != "average":
        return source
    # After the pass that makes layers of functions.
    return max_to_average(operation_pools(source))


def with_options(prepared: Graph, config: ConversionConfig) -> Graph:
    """What options change after the passes that every network takes.

    Args:
        prepared: What `prepare` returns; it is not changed.
        config: Options of the conversion.

    Returns:
        A graph with the same outputs.
    """
    if config.average_pool == "neuron":
        prepared = pool_to_convolution(prepared)
    return equalise(prepared) if config.equalise else prepared
