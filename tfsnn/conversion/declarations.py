"""Whether what may be affine, or was declared so, is."""

import keras
import numpy as np

from tfsnn.graph.custom_rules import custom_rule
from tfsnn.graph.view import Call
from tfsnn.layers import DeclaredAffine

from .findings import Finding
from .operation_rules import TRIED

TOLERANCE = {"float64": 1e-9, "float32": 1e-4}
LOOSE = 5e-2


def is_declared(call: Call) -> bool:
    """Whether a call is affine because its user said so."""
    operation = call.operation
    return isinstance(operation, DeclaredAffine) or (
        custom_rule(operation) is not None
    )


def is_tried(call: Call) -> bool:
    """Whether it depends on its arguments if a call is affine."""
    layer = isinstance(call.operation, keras.Layer)
    return is_declared(call) or (not layer and call.kind in TRIED)


def false_declarations(calls: list[Call]) -> list[Finding]:
    """Tries declared layers, and some operations, on random numbers.

    An affine f satisfies f((x + y) / 2) = (f(x) + f(y)) / 2; and of samples
    that are treated alone, the outputs of a batch are those of its halves.

    Args:
        calls: Calls of a traced model.

    Returns:
        One finding for each layer that fails.
    """
    rng = np.random.default_rng(0)
    found = []
    for call in filter(is_tried, calls):
        reason = _failure(call, rng)
        if reason is None:
            continue
        if is_declared(call):
            found.append(
                Finding(
                    call.name,
                    _kind(call),
                    f"it was declared affine and {reason}",
                    "Withdraw the declaration, and use layers for which there"
                    " is a rule.",
                )
            )
        else:
            found.append(
                Finding(
                    call.name,
                    call.kind,
                    f"with these arguments it {reason}",
                    "Use a Keras layer that does the same, or move it out of"
                    " the network.",
                )
            )
    return found


def _kind(call: Call) -> str:
    operation = call.operation
    if isinstance(operation, DeclaredAffine):
        operation = operation.layer
    return type(operation).__name__


def _failure(call: Call, rng: np.random.Generator) -> str | None:
    first, second = _draw(call, rng), _draw(call, rng)
    middle = [(a + b) / 2 for a, b in zip(first, second, strict=True)]
    ends = _apply(call, first), _apply(call, second)
    if ends[0].shape[:1] != first[0].shape[:1]:
        return "does not keep the batch axis"
    largest = max(np.abs(end).max(initial=0) for end in ends)
    allowed = _tolerance(call) * max(largest, np.finfo("float32").tiny)
    expected = (ends[0] + ends[1]) / 2
    if not np.abs(_apply(call, middle) - expected).max(initial=0) <= allowed:
        return "is not affine"
    halves = [_apply(call, [a[part] for a in first]) for part in _HALVES]
    together = np.concatenate(halves)
    if together.shape != ends[0].shape:
        return "does not keep the batch axis"
    if not np.abs(together - ends[0]).max(initial=0) <= allowed:
        return "mixes the samples of a batch"
    return None


_HALVES = (slice(0, 1), slice(1, None))


def _draw(call: Call, rng: np.random.Generator) -> list[np.ndarray]:
    return [
        rng.normal(size=(3, *(axis or 8 for axis in tensor.shape[1:])))
        for tensor in call.input_tensors
    ]


def _apply(call: Call, values: list[np.ndarray]) -> np.ndarray:
    given = iter(values)
    args, kwargs = keras.tree.map_structure(
        lambda leaf: (
            keras.ops.cast(next(given), leaf.dtype)
            if isinstance(leaf, keras.KerasTensor)
            else leaf
        ),
        (call.args, call.kwargs),
    )
    outputs = keras.tree.flatten(call.operation(*args, **kwargs))
    return keras.ops.convert_to_numpy(outputs[0]).astype("float64")


def _tolerance(call: Call) -> float:
    dtypes = [tensor.dtype for tensor in call.output_tensors]
    return max(TOLERANCE.get(dtype, LOOSE) for dtype in dtypes)
