"""Every ReLU becomes a neuron; time runs from the first one to the read-out."""

from collections.abc import Mapping
from typing import Any

import keras

from tfsnn.dynamics.neuron_kind import NeuronKind
from tfsnn.graph.passes.max_pools import is_max_pool
from tfsnn.graph.rewrite import Rewriter, rewrite, unchanged
from tfsnn.graph.trace import trace
from tfsnn.graph.view import Call, Graph, symbolic_tensors
from tfsnn.layers import (
    RepeatTime,
    SpikingActivation,
    SpikingMaxPooling,
    TimeAverage,
)
from tfsnn.layers.extended_cell import neuron_cell
from tfsnn.layers.timesteps import (
    check_kind_lag,
    check_kind_timesteps,
    checked_lag,
    checked_timesteps,
    default_lag,
)
from tfsnn.types import (
    NeuronParameters,
    Parameters,
    ReadoutParameters,
    granularity_of,
)

from .check import is_head, is_neuron
from .lags import Lag, lag_of


def build_spiking_model(
    graph: Graph,
    *,
    timesteps: int,
    lag: Lag | None,
    kind: NeuronKind,
    parameters: Mapping[str, Parameters],
) -> keras.Model:
    """Rewrites a prepared graph into a spiking model.

    Args:
        graph: A prepared graph.
        timesteps: T.
        lag: Lag of the neurons with a temporal current; None: the default
            of the kind.
        kind: Kind of neuron.
        parameters: Neuron name to parameters; of a read-out by any name.

    Returns:
        The spiking model, see `Conversion.spiking_model`.
    """
    timesteps = checked_timesteps(timesteps)
    check_kind_timesteps(kind, timesteps)
    if lag is None:
        lag = default_lag(kind, timesteps)
    for one in lag.values() if isinstance(lag, Mapping) else [lag]:
        check_kind_lag(kind, checked_lag(one, timesteps), timesteps)
    visitor = _SpikingVisitor(timesteps, lag, kind, parameters)
    model = rewrite(
        graph,
        visitor.visit,
        finish=visitor.average,
        name=f"{graph.model.name}_t{timesteps}",
    ).model
    for values in parameters.values():
        for name, weights in (values.weights or {}).items():
            model.get_layer(name).set_weights(weights)
    return model


class _SpikingVisitor:
    """Knows which new tensors carry time, and which come after its end."""

    def __init__(self, timesteps, lag, kind, parameters):
        self._timesteps = timesteps
        self._lag = lag
        self._kind = kind
        self._parameters = parameters
        self._temporal = {}
        self._repeated = {}
        self._averaged = {}
        self._late = {}

    def visit(self, rewriter, call, args, kwargs):
        if is_neuron(call):
            return self._neuron(rewriter, call, args[0])
        if is_head(call) or self._reads_late(args, kwargs):
            return self._after_time(rewriter, call, args, kwargs)
        if not any(map(self._is_temporal, symbolic_tensors((args, kwargs)))):
            return unchanged(rewriter, call, args, kwargs)
        args, kwargs = keras.tree.map_structure(
            lambda leaf: self._with_time(rewriter, leaf), (args, kwargs)
        )
        outputs = in_time(rewriter, call, args, kwargs, self._timesteps)
        for tensor in symbolic_tensors(outputs):
            self._mark(tensor)
        return outputs

    def average(self, rewriter, leaf):
        """The time mean of a temporal tensor; anything else as it is."""
        if not self._is_temporal(leaf):
            return leaf
        if id(leaf) not in self._averaged:
            layer = TimeAverage(
                self._timesteps,
                weights=self._step_weights(),
                name=rewriter.unused_name("readout"),
            )
            self._averaged[id(leaf)] = rewriter.apply(layer, leaf)
        return self._averaged[id(leaf)]

    def _step_weights(self):
        """Those of the one read-out that has some; None: none has."""
        found = [
            values.step_weights
            for values in self._parameters.values()
            if isinstance(values, ReadoutParameters)
            and values.step_weights is not None
        ]
        if found and self._averaged:
            raise ValueError(
                "parameters give step_weights to a network with several"
                " read-outs. Supported: one read-out. Leave step_weights out."
            )
        return found[0] if found else None

    def _neuron(self, rewriter, call, current):
        temporal = self._is_temporal(current)
        layer = neuron_layer(
            call.name,
            self._parameters.get(call.name),
            feature_shape=tuple(current.shape[1:]),
            kind=self._kind,
            dtype=call.operation.dtype_policy,
            timesteps=self._timesteps,
            lag=lag_of(self._lag, call.name) if temporal else 0,
            temporal_input=temporal,
        )
        spikes = rewriter.apply(layer, current)
        assign_parameters(layer, self._parameters.get(call.name))
        self._mark(spikes)
        return spikes

    def _after_time(self, rewriter, call, args, kwargs):
        """A head, or what it leads to: whatever it meets is averaged, too."""
        args, kwargs = keras.tree.map_structure(
            lambda leaf: self.average(rewriter, leaf), (args, kwargs)
        )
        outputs = unchanged(rewriter, call, args, kwargs)
        for tensor in symbolic_tensors(outputs):
            self._late[id(tensor)] = tensor
        return outputs

    def _reads_late(self, args, kwargs):
        tensors = symbolic_tensors((args, kwargs))
        return any(id(tensor) in self._late for tensor in tensors)

    def _with_time(self, rewriter, leaf):
        if not isinstance(leaf, keras.KerasTensor) or self._is_temporal(leaf):
            return leaf
        if id(leaf) not in self._repeated:
            layer = RepeatTime(
                self._timesteps, name=rewriter.unused_name("repeat_time")
            )
            self._repeated[id(leaf)] = (leaf, rewriter.apply(layer, leaf))
        return self._repeated[id(leaf)][1]

    def _is_temporal(self, leaf):
        return id(leaf) in self._temporal

    def _mark(self, tensor):
        self._temporal[id(tensor)] = tensor


def in_time(
    rewriter: Rewriter, call: Call, args: tuple, kwargs: dict, timesteps: int
) -> Any:
    """Applies an affine layer or a pool to values that carry time.

    Args:
        rewriter: Of the new graph.
        call: The call of the prepared graph.
        args: Its arguments in folded time.
        kwargs: Its keyword arguments in folded time.
        timesteps: T.

    Returns:
        What stands for the call's outputs.
    """
    pool = call.operation
    if not is_max_pool(pool):
        return unchanged(rewriter, call, args, kwargs)
    layer = SpikingMaxPooling(
        timesteps,
        pool,
        name=rewriter.name_of_use(pool),
        dtype=pool.dtype_policy,
    )
    return rewriter.apply(layer, *symbolic_tensors((args, kwargs)))


def with_spiking_pools(model: keras.Model, timesteps: int) -> keras.Model:
    """A model without neurons whose inputs all carry time.

    Args:
        model: The affine part of a segment; it is not changed.
        timesteps: T.

    Returns:
        `model` if it has no max pooling; else one with the same layer names
        and weights of its own, folded time to folded time.
    """
    if not any(is_max_pool(layer) for layer in model.layers):
        return model

    def visit(rewriter, call, args, kwargs):
        return in_time(rewriter, call, args, kwargs, timesteps)

    return rewrite(trace(model), visit).model


def neuron_layer(
    name: str,
    parameters: NeuronParameters | None,
    *,
    feature_shape: tuple,
    kind: NeuronKind,
    dtype: keras.DTypePolicy | str,
    **clock,
) -> SpikingActivation:
    """An unbuilt neuron layer whose variables fit `parameters`.

    Args:
        name: Name of the layer.
        parameters: What it will hold; None: one value for the layer, no bias,
            and the initial potential with which it rounds.
        feature_shape: Shape of the feature map, without the batch.
        kind: Kind of neuron.
        dtype: Dtype policy; potentials are kept in at least float32.
        **clock: `timesteps`, `lag`, `temporal_input`.

    Returns:
        The layer.
    """
    granularities = {}
    temporal = parameters is not None and parameters.temporal_bias is not None
    if parameters is not None:
        for key in ("threshold", "initial_potential", "bias"):
            values = getattr(parameters, key)
            if values is not None:
                granularities[f"{key}_per"] = granularity_of(
                    values, feature_shape
                )
    wide = _potential_dtype(dtype)
    start = kind.rounding_charge(clock["timesteps"])
    cell = neuron_cell(
        kind, 1.0, start, name="cell", dtype=wide, **granularities
    )
    return SpikingActivation(
        cell=cell,
        name=name,
        dtype=dtype,
        use_temporal_bias=temporal,
        **clock,
    )


def _potential_dtype(dtype):
    variable_dtype = keras.dtype_policies.get(dtype).variable_dtype
    return "float64" if variable_dtype == "float64" else "float32"


def assign_parameters(
    layer: SpikingActivation, parameters: NeuronParameters | None
) -> None:
    """Writes parameters into the variables of a built neuron layer."""
    if parameters is None:
        return
    cell = layer.cell
    cell.threshold.assign(parameters.threshold)
    cell.initial_potential.assign(parameters.initial_potential)
    if parameters.bias is not None:
        cell.bias.assign(parameters.bias)
    if parameters.temporal_bias is not None:
        layer.temporal_bias.assign(parameters.temporal_bias)
