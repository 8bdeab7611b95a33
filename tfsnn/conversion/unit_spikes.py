"""Neurons with a threshold of one: the thresholds move into the weights."""

from typing import Any

import keras
import numpy as np

from tfsnn.errors import ConversionError
from tfsnn.graph.passes.kernel_layers import Affine, folded_weights
from tfsnn.graph.rewrite import rewrite, unchanged
from tfsnn.graph.trace import trace
from tfsnn.graph.view import Call, Graph
from tfsnn.layers import ChannelAffine

from .scale_plan import ScalePlan, plan_scales
from .scale_rules import ONE, FiringRule, KernelRule, Scale, same


def with_unit_spikes(model: keras.Model) -> keras.Model:
    """Rewrites a spiking model so that its spikes are 0 or 1.

    Those of neurons that are not plain become multiples of one threshold:
    whole numbers, or T times a power of two for bit planes.

        W' = W * theta_in / theta_out,    b' = (b + b_n) / theta_out    (Eq. 5)
        v0' = v0 / theta,    theta' = 1

    The kernel layers take up the thresholds in front of and behind them, and
    the bias currents b_n of the neurons. Where spikes meet a current without
    a kernel between them, as on the identity edge of a residual block, a
    `ChannelAffine` makes up for the ratio of the thresholds. In exact
    arithmetic all spike trains and outputs stay the same; for thresholds that
    are powers of two they do in floating point.

    A neuron whose threshold differs between positions, and a neuron that is
    not an `IFCell`, stays as it is.

    Args:
        model: A spiking model, from `Conversion.spiking_model` or a file; it
            is not changed.

    Returns:
        `keras.Model` with the inputs, outputs and layer names of `model`; a
        layer that is applied with several scales is copied for each.

    Raises:
        TypeError: If `model` is not a `keras.Model`.
        ConversionError: If its graph is not known, or if it has no neuron
            that can be rewritten.

    References:
        Li et al., A Free Lunch From ANN, ICML 2021, Eq. 5.
    """
    graph = trace(model)
    plan = plan_scales(graph)
    if not any(isinstance(rule, FiringRule) for rule in plan.rules.values()):
        raise ConversionError(
            f"Model '{model.name}' has no SpikingActivation with an IFCell and"
            " one threshold a layer or channel. Supported: spiking models."
            " Convert it first: tfsnn.convert(model).spiking_model(timesteps)."
        )
    visitor = _UnitVisitor(graph, plan)
    return rewrite(graph, visitor.visit, finish=visitor.finish).model


class _UnitVisitor:
    """Carries the plan out."""

    def __init__(self, graph: Graph, plan: ScalePlan):
        self._plan = plan
        self._scales: dict[int, tuple[Any, Scale]] = {}
        self._copies: dict[tuple, keras.Layer] = {}
        self._rescaled: dict[tuple, keras.KerasTensor] = {}
        self._policy = next(
            call.operation.dtype_policy
            for call in graph
            if isinstance(plan.rules[id(call)], FiringRule)
        )

    def visit(self, rewriter, call, args, kwargs):
        args, kwargs = self._with_targets(rewriter, call, args, kwargs)
        rule = self._plan.rules[id(call)]
        if isinstance(rule, FiringRule):
            outputs = self._neuron(rewriter, call, rule.neuron, args, kwargs)
        elif isinstance(rule, KernelRule):
            outputs = self._kernel(rewriter, call, args, kwargs)
        else:
            outputs = unchanged(rewriter, call, args, kwargs)
        for old, new in zip(
            call.output_tensors, keras.tree.flatten(outputs), strict=True
        ):
            self._scales[id(new)] = (new, self._plan.scales[id(old)])
        return outputs

    def finish(self, rewriter, tensor):
        """An output of the model, at scale one and in its own dtype."""
        _, scale = self._scales.get(id(tensor), (tensor, ONE))
        return self._rescale(
            rewriter, tensor, scale, "output_rescale", dtype=tensor.dtype
        )

    def _with_targets(self, rewriter, call, args, kwargs):
        given = iter(call.input_tensors)
        targets = iter(self._plan.targets[id(call)])
        dtype = getattr(call.operation, "dtype_policy", self._policy)

        def with_target(leaf):
            if not isinstance(leaf, keras.KerasTensor):
                return leaf
            ratio = self._plan.scales[id(next(given))] / next(targets)
            name = f"{call.name}_rescale"
            return self._rescale(rewriter, leaf, ratio, name, dtype=dtype)

        return keras.tree.map_structure(with_target, (args, kwargs))

    def _rescale(self, rewriter, tensor, ratio, name, *, dtype):
        if same(ratio, ONE):
            return tensor
        key = (id(tensor), ratio.tobytes())
        if key not in self._rescaled:
            layer = ChannelAffine(
                use_offset=False, name=rewriter.unused_name(name), dtype=dtype
            )
            self._rescaled[key] = rewriter.apply(layer, tensor)
            layer.set_weights([np.broadcast_to(ratio, tensor.shape[-1:])])
        return self._rescaled[key]

    def _neuron(self, rewriter, call, neuron, args, kwargs):
        layer = neuron.rebuilt(
            rewriter.name_of_use(call.operation),
            with_bias=neuron.bias is not None
            and id(call) not in self._plan.without_bias,
        )
        spikes = rewriter.apply(layer, *args, **kwargs)
        neuron.assign(layer)
        return spikes

    def _kernel(self, rewriter, call, args, kwargs):
        """One layer for all calls with the same scales and bias."""
        (before,) = self._plan.targets[id(call)]
        (output,) = call.output_tensors
        after = self._plan.scales[id(output)]
        bias = self._plan.biases.get(id(call))
        values = [
            None if v is None else v.tobytes() for v in (before, after, bias)
        ]
        key = (id(call.operation), *values)
        if key in self._copies:
            return rewriter.apply(self._copies[key], *args, **kwargs)
        config, weights = _rescaled_layer(call, before, after, bias)
        config["name"] = rewriter.name_of_use(call.operation)
        layer = type(call.operation).from_config(config)
        outputs = rewriter.apply(layer, *args, **kwargs)
        layer.set_weights(weights)
        self._copies[key] = layer
        return outputs


def _rescaled_layer(
    call: Call, before: Scale, after: Scale, bias: np.ndarray | None
) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Configuration and weights with the scales of both sides in them."""
    layer = call.operation
    config = layer.get_config()
    shift = np.zeros(()) if bias is None else bias
    if isinstance(layer, ChannelAffine):
        scale, *offset = layer.get_weights()
        offset = [(one + shift) / after for one in offset]
        return config, [scale * before / after, *offset]
    affine = Affine(1 / after, shift / after)
    weights = folded_weights(
        layer, before=Affine(before, np.zeros(())), after=affine
    )
    if not layer.use_bias and bias is None:
        return config, weights[:-1]
    return {**config, "use_bias": True}, weights
