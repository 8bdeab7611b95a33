"""Weights trained with PyTorch for the networks of the zoo."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from .torch_names import NAMINGS, Names

IGNORED = "num_batches_tracked"
NORM = ("weight", "bias", "running_mean", "running_var")
SHOWN = 8


def load_torch_weights(
    model: keras.Model, network: str, state: Mapping[str, Any]
) -> str:
    """Puts a PyTorch state dict into a network of the zoo.

    Kernels are transposed to `[H, W, C_in, C_out]`, the first dense layer
    behind a feature map to the order height, width, channel. The bias of a
    convolution in front of a batch norm, which the zoo does not have, goes
    into the moving mean: `BN(x + b; mean) = BN(x; mean - b)`. Padding and
    batch norm's epsilon are PyTorch's, so outputs are the same wherever
    activations and pooling are: the zoo has ReLU and average pooling.

    Args:
        model: What the builder of `network` made, of the width and classes of
            the weights; changed only if everything fits.
        network: Its name in the registry.
        state: Name to array, or to a tensor that `numpy.asarray` takes; as
            `torch_model.state_dict()`, also of torchvision, timm and
            pytorchcv, with or without a leading `module.`.

    Returns:
        Whose names they were, for example `"timm"`.

    Raises:
        ValueError: If the network has no known naming, or tensors are missing,
            left over, of another shape or not finite; lists all problems.
    """
    if network not in NAMINGS:
        raise ValueError(
            f"Received weights for '{network}'. Supported:"
            f" {', '.join(NAMINGS)}. Build one of these."
        )
    state = {
        name.removeprefix("module."): value
        for name, value in state.items()
        if not name.endswith(IGNORED)
    }
    package, names = _best_naming(model, network, state)
    weights, problems = {}, []
    used = set()
    for layer in model.layers:
        # Those of a normalisation of the input are not trained.
        if layer.trainable_variables:
            values = _Values(names.get(layer.name, layer.name), state)
            weights[layer.name] = _weights_of(layer, values, model)
            problems += values.problems
            used |= values.used
    problems += _left_over(model, names, state, used, weights, problems)
    if problems:
        raise ValueError(_refusal(model, network, package, problems))
    for name, arrays in weights.items():
        model.get_layer(name).set_weights(arrays)
    return package


class _Values:
    """Tensors under one prefix; notes what is missing and what was used."""

    def __init__(self, prefix: str, state: Mapping[str, Any]):
        self.prefix = prefix
        self.problems: list[str] = []
        self.used: set[str] = set()
        self._state = state

    def has(self, name: str) -> bool:
        return f"{self.prefix}.{name}" in self._state

    def get(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """An array of this shape; zeros where there is a problem."""
        key = f"{self.prefix}.{name}"
        if key not in self._state:
            self.problems.append(f"'{key}' is missing")
            return np.zeros(shape, "float32")
        self.used.add(key)
        value = _numbers(key, self._state[key], self.problems)
        # A linear layer may come as a convolution over the whole map.
        if value.size == np.prod(shape) and len(shape) == 2:
            value = value.reshape(shape)
        if value.shape != tuple(shape):
            self.problems.append(
                f"'{key}' has the shape {value.shape}, the network {shape}"
            )
            return np.zeros(shape, "float32")
        return value


def _numbers(key: str, value: Any, problems: list[str]) -> np.ndarray:
    """As float32; notes what is no finite number."""
    try:
        value = np.asarray(value).astype("float32")
    except (ValueError, TypeError):
        kind = getattr(value, "dtype", type(value).__name__)
        problems.append(f"'{key}' holds {kind}, not numbers that NumPy reads")
        return np.zeros(getattr(value, "shape", ()), "float32")
    if not np.isfinite(value).all():
        problems.append(f"'{key}' holds NaN or infinite values")
    return value


def _best_naming(model, network, state) -> tuple[str, Names]:
    """The package most of whose names are there."""

    def found(names):
        prefixes = {names.get(layer.name) for layer in model.layers}
        return sum(f"{p}.weight" in state for p in prefixes - {None})

    named = {
        package: naming(model) for package, naming in NAMINGS[network].items()
    }
    package = max(named, key=lambda one: found(named[one]))
    return package, named[package]


def _weights_of(layer, values: _Values, model) -> list[np.ndarray]:
    """What `set_weights` takes."""
    if isinstance(layer, keras.layers.BatchNormalization):
        channels = (layer.gamma.shape[0],)
        return [values.get(name, channels) for name in NORM]
    shape = tuple(layer.kernel.shape)
    if isinstance(layer, keras.layers.Dense):
        kernel = values.get("weight", shape[::-1])
        kernel = _flattened(kernel, layer, model).T
    elif isinstance(layer, keras.layers.DepthwiseConv2D):
        rows, columns, channels, one = shape
        kernel = values.get("weight", (channels, one, rows, columns))
        kernel = kernel.transpose(2, 3, 0, 1)
    else:
        rows, columns, inputs, outputs = shape
        kernel = values.get("weight", (outputs, inputs, rows, columns))
        kernel = kernel.transpose(2, 3, 1, 0)
    if not layer.use_bias:
        return [kernel]
    return [kernel, values.get("bias", tuple(layer.bias.shape))]


def _flattened(kernel, layer, model):
    """Inputs in the order height, width, channel behind a flattened map."""
    names = [one.name for one in model.layers]
    position = names.index(layer.name)
    before = model.layers[position - 1]
    if not isinstance(before, keras.layers.Flatten):
        return kernel
    rows, columns, channels = before.input.shape[1:]
    kernel = kernel.reshape(-1, channels, rows, columns)
    return kernel.transpose(0, 2, 3, 1).reshape(len(kernel), -1)


def _left_over(model, names, state, used, weights, problems) -> list[str]:
    """Takes biases in front of batch norms over; names what is left."""
    layers = {layer.name: layer for layer in model.layers}
    for name in list(weights):
        norm = name.removesuffix("_conv") + "_bn"
        bias = f"{names.get(name)}.bias"
        if bias in state and bias not in used and norm in layers:
            used.add(bias)
            gamma, beta, mean, variance = weights[norm]
            value = _numbers(bias, state[bias], problems)
            if value.shape != mean.shape:
                problems.append(
                    f"'{bias}' has the shape {value.shape}, the network"
                    f" {mean.shape}"
                )
                continue
            weights[norm] = [gamma, beta, mean - value, variance]
    return [f"'{key}' is left over" for key in sorted(set(state) - used)]


def _refusal(model, network, package, problems) -> str:
    more = len(problems) - SHOWN
    listed = "\n- ".join(
        [*problems[:SHOWN], *([f"and {more} more"] if more > 0 else [])]
    )
    return (
        f"The weights do not fit the network '{model.name}' ('{network}'); the"
        f" nearest names are those of {package}:\n- {listed}\nSupported: state"
        f" dicts of the same architecture, width and classes, named as by"
        f" {', '.join(NAMINGS[network])}. Build the network with the options"
        " of the weights, such as batch_norm or num_classes."
    )
