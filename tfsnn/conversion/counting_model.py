"""A two-phase network without its time axis: spike counts in one pass."""

import keras

from tfsnn.errors import ConversionError
from tfsnn.graph.rewrite import Rewriter, rewrite, unchanged
from tfsnn.graph.trace import trace
from tfsnn.graph.view import Call, Graph
from tfsnn.layers import (
    CountActivation,
    RepeatTime,
    SpikingActivation,
    TimeAverage,
)
from tfsnn.layers.extended_cell import CELLS

from .operation_rules import AFFINE
from .rules import REMOVED, rule_for
from .timetable import Timetable, is_pool, is_spiking, timetable


def counting_model(model: keras.Model) -> keras.Model:
    """Rewrites a two-phase spiking model so that it needs no time axis.

    A neuron that first integrates all T steps and then fires (lag = T) is
    fully described by how often it fires (Eq. 9-10), and between the neurons
    everything is affine, so that means over time can be passed on instead of
    spikes: any T for the price of the analog network. The outputs are those
    of `model` up to rounding, and to the bit for dyadic weights and T a power
    of two. Of neurons that are not plain the sum of their spikes has a closed
    form as well, see `NeuronKind.count`.

    Spikes are exact in half precision where they are 0 and 1; their means are
    rounded there (see `CountActivation`).

    Args:
        model: A spiking model, from `Conversion.spiking_model` with
            `lag=timesteps` or from a file; it is not changed.

    Returns:
        `keras.Model` with the inputs, outputs and neuron names of `model` and
        its own weights.

    Raises:
        TypeError: If `model` is not a `keras.Model`.
        ConversionError: If it is no spiking model, a neuron with a temporal
            current has another lag than T, a neuron resets hard, has a
            temporal bias or is not an `IFCell`, or a layer between the
            neurons is not affine.

    References:
        Li et al., A Free Lunch From ANN, ICML 2021, Eq. 9-10, 15.
    """
    graph = trace(model)
    return counting_graph(graph, timetable(graph)).model


def counting_graph(graph: Graph, table: Timetable) -> Graph:
    """The same for a graph that is known, see `counting_model`.

    Args:
        graph: A traced spiking model.
        table: Its timetable.

    Returns:
        A new graph.

    Raises:
        ConversionError: As `counting_model`.
    """
    received = _obstacle(table)
    if received is not None:
        raise ConversionError(
            f"Model '{graph.model.name}' has no count form: {received}."
            " Supported: affine layers between IFCell neurons with soft reset"
            " and no temporal bias, all of them with lag=T where the current"
            " varies in time. Build it with spiking_model(timesteps,"
            " lag=timesteps), or run it as it is."
        )
    return rewrite(graph, _visit)


def runs_on_counts(table: Timetable) -> bool:
    """Whether a network is best run in its count form.

    Args:
        table: Timetable of a spiking model.

    Returns:
        True if it is two-phase, `counting_model` takes it, and means over time
        are not rounded to half precision.
    """
    wide = all(_computes_wide(call.operation) for call in table.steps)
    return table.max_lag > 0 and wide and _obstacle(table) is None


def _computes_wide(operation):
    if not isinstance(operation, keras.Layer):
        return True  # It has the dtype of its inputs.
    return operation.compute_dtype in ("float32", "float64")


def _obstacle(table: Timetable) -> str | None:
    """What keeps a network from being run on counts; None: nothing."""
    for call in table.steps:
        found = (
            _obstacle_at_neuron(call, table)
            if is_spiking(call)
            else _obstacle_between(call)
        )
        if found is not None:
            return f"'{call.name}' ({call.kind}) {found}"
    for call in table.readouts:
        if call.operation.step_weights is not None:
            return f"'{call.name}' ({call.kind}) has weights of its steps"
    return None


def _obstacle_at_neuron(call, table):
    layer = call.operation
    cell = type(layer.cell)
    if type(layer) is not SpikingActivation or cell not in CELLS:
        return f"is a neuron of its own kind ({cell.__name__})"
    if not layer.cell.kind.has_counts:
        return f"has reset={layer.cell.reset!r}"
    if layer.use_temporal_bias:
        return "has a temporal bias, a charge for each firing step"
    constant = table.arrival(call) is None
    if layer.lag == table.timesteps or (constant and not layer.lag):
        return None
    current = "a constant" if constant else "a temporal"
    return f"has {current} current, lag={layer.lag} and T={table.timesteps}"


def _obstacle_between(call):
    if is_pool(call):
        return None
    ruling = rule_for(call)
    if ruling.role in (AFFINE, REMOVED) and not ruling.has_neuron:
        return None
    return "is not affine"


def _visit(rewriter: Rewriter, call: Call, args: tuple, kwargs: dict):
    if is_spiking(call):
        return _counting(rewriter, call, args[0])
    if isinstance(call.operation, RepeatTime):
        return args[0]
    if is_pool(call):
        return _plain_pool(rewriter, call, args[0])
    if isinstance(call.operation, TimeAverage):
        return _as_logits(rewriter, call, args[0])
    return unchanged(rewriter, call, args, kwargs)


def _counting(rewriter, call, current):
    spiking = call.operation
    layer = CountActivation(
        spiking.timesteps,
        type(spiking.cell).from_config(spiking.cell.get_config()),
        # A constant that is first integrated counts like any other current.
        temporal_input=spiking.lag == spiking.timesteps,
        name=rewriter.name_of_use(spiking),
        dtype=spiking.dtype_policy,
    )
    means = rewriter.apply(layer, current)
    layer.cell.set_weights(spiking.cell.get_weights())
    return means


def _plain_pool(rewriter, call, means):
    """The pool of the means, of which the pool over time is the mean."""
    pool = call.operation.pool
    config = {
        **pool.get_config(),
        "name": rewriter.name_of_use(call.operation),
        "dtype": call.operation.dtype_policy,
    }
    return rewriter.apply(type(pool).from_config(config), means)


def _as_logits(rewriter, call, mean):
    """The mean in the dtype that the read-out gives."""
    dtype = call.operation.variable_dtype
    if mean.dtype == dtype:
        return mean
    name = rewriter.name_of_use(call.operation)
    return rewriter.apply(keras.layers.Identity(name=name, dtype=dtype), mean)
