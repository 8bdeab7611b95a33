"""Small networks with weights that mean something."""

import contextlib

import keras
import numpy as np

_POSITIVE = {"moving_variance", "variance"}


@contextlib.contextmanager
def default_dtype(name):
    """Inputs and layers made inside have this dtype."""
    policy = keras.config.dtype_policy()
    floatx = keras.config.floatx()
    keras.config.set_floatx(name)
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_floatx(floatx)
        keras.config.set_dtype_policy(policy)


def with_random_weights(model, rng):
    """Draws every weight, moving statistics too; returns the model.

    Kernels keep the size of the activations, so that no tolerance is spent on
    large or vanishing numbers.
    """
    for variable in model.weights:
        name = variable.name
        if "int" in keras.backend.standardize_dtype(variable.dtype):
            continue
        value = rng.normal(size=variable.shape)
        if name in _POSITIVE or name == "gamma":
            value = rng.uniform(0.5, 2, variable.shape)
        if name == "gamma":
            value *= rng.choice([-1, 1], variable.shape)
        if "kernel" in name:
            value *= np.sqrt(2 / max(np.prod(variable.shape[:-1]), 1))
        variable.assign(value)
    return model


def random_inputs(model, rng, batch=3):
    """A batch for every input of a model, in the model's structure."""
    sequential = isinstance(model, keras.Sequential)
    return keras.tree.map_structure(
        lambda tensor: rng.normal(size=(batch, *tensor.shape[1:])).astype(
            tensor.dtype
        ),
        model.inputs[0] if sequential else model.input,
    )


def outputs_of(model, inputs):
    """All outputs at inference, as a list of arrays."""
    outputs = model(inputs, training=False)
    return [np.asarray(tensor) for tensor in keras.tree.flatten(outputs)]


def kinds(model):
    """Class names of everything but the inputs, in order."""
    return [
        type(operation).__name__
        for operation in model.operations
        if not isinstance(operation, keras.layers.InputLayer)
    ]
