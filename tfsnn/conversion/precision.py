"""The same network computed in another precision."""

import keras

from tfsnn.graph.rewrite import rewrite
from tfsnn.graph.trace import trace
from tfsnn.layers import SpikingActivation, TimeAverage


def with_dtype_policy(
    model: keras.Model, policy: keras.DTypePolicy | str
) -> keras.Model:
    """Rewrites a model with every layer's dtype policy replaced.

    What follows the average over time is computed once, not at every step,
    and stays in the policy's variable dtype, so that the outputs do too. The
    neurons' potentials are never kept in less than float32. Spikes survive a
    half-precision policy exactly if they are 0 and 1: apply
    `with_unit_spikes` first.

    Args:
        model: A Functional or Sequential model; it is not changed.
        policy: Floating-point policy, for example `"mixed_bfloat16"`.

    Returns:
        `keras.Model` with the same weights and layer names; the dtype of its
        inputs stays.

    Raises:
        TypeError: If `model` is not a `keras.Model`.
        ValueError: If `policy` names none or quantises.
        ConversionError: If the model's graph is not known.
    """
    policy = _checked(policy)
    outer = keras.DTypePolicy(policy.variable_dtype)
    averaged: set[int] = set()

    def visit(rewriter, call, args, kwargs):
        operation = call.operation
        if not isinstance(operation, keras.Layer):
            copy = rewriter.copy(operation)
        elif _is_averaged(call, averaged):
            averaged.update(id(tensor) for tensor in call.output_tensors)
            copy = rewriter.copy(operation, dtype=outer)
        else:
            copy = rewriter.copy(operation, **_changes(operation, policy))
        return rewriter.apply(copy, *args, **kwargs)

    return rewrite(trace(model), visit).model


def _is_averaged(call, averaged):
    return isinstance(call.operation, TimeAverage) or any(
        id(tensor) in averaged for tensor in call.input_tensors
    )


def _changes(layer, policy):
    changes = {"dtype": policy}
    if isinstance(layer, SpikingActivation):
        wide = "float64" if policy.variable_dtype == "float64" else "float32"
        config = {**layer.cell.get_config(), "dtype": wide}
        changes["cell"] = type(layer.cell).from_config(config)
    return changes


def _checked(policy):
    policy = keras.dtype_policies.get(policy)
    if policy.quantization_mode is not None:
        raise ValueError(
            f"policy={policy.name!r} quantises. Supported: floating-point"
            " policies. Use 'mixed_bfloat16', 'mixed_float16', 'float32' or"
            " 'float64'."
        )
    return policy
