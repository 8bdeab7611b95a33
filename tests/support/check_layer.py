"""Everything a Keras user may do with a layer, in one call."""

import json
import pathlib
from collections.abc import Callable, Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf

Make = Callable[[str], keras.layers.Layer]


def check_layer(
    make: Make,
    batches: Sequence[np.ndarray],
    policy: str,
    folder: pathlib.Path,
) -> None:
    """Asserts that a layer survives configs, files, graphs and compilers.

    Weights are set to new dyadic values first, so that a reload which only
    repeats the initialisers is found out. All comparisons are bitwise: batches
    of small dyadic numbers leave nothing to round.

    Args:
        make: A new layer for a dtype policy.
        batches: Two inputs that differ in the batch axis.
        policy: Dtype policy of the layer.
        folder: Where files may be written.
    """
    layer = make(policy)
    batches = [batch.astype(layer.variable_dtype) for batch in batches]
    model = _model(layer, batches[0])
    _set_dyadic_weights(layer)
    expected = [np.asarray(model(batch)) for batch in batches]
    _check_spec(model.output, expected)
    _check_config(layer)
    for way, run in _ways(layer, model, folder):
        for batch, wanted in zip(batches, expected, strict=True):
            got = np.asarray(run(tf.constant(batch)))
            assert got.dtype == wanted.dtype, way
            np.testing.assert_array_equal(got, wanted, err_msg=way)


def _model(layer, batch) -> keras.Model:
    inputs = keras.Input(batch.shape[1:], dtype=str(batch.dtype))
    return keras.Model(inputs, layer(inputs))


def _set_dyadic_weights(layer) -> None:
    rng = np.random.default_rng(0)
    layer.set_weights(
        [rng.integers(2, 6, value.shape) / 4 for value in layer.get_weights()]
    )


def _check_spec(spec, outputs) -> None:
    for output in outputs:
        assert keras.backend.standardize_dtype(output.dtype) == spec.dtype
        assert tf.TensorShape(spec.shape).is_compatible_with(output.shape)


def _check_config(layer) -> None:
    text = json.dumps(layer.get_config(), sort_keys=True)
    twin = type(layer).from_config(json.loads(text))
    assert json.dumps(twin.get_config(), sort_keys=True) == text


def _ways(layer, model, folder) -> Iterator[tuple[str, Callable]]:
    """Names and functions that must all compute what the model does."""
    twin = type(layer).from_config(layer.get_config())
    twin.build((None, *model.input.shape[1:]))
    twin.set_weights(layer.get_weights())
    yield "from_config", twin

    model.save(folder / "layer.keras")
    yield ".keras", keras.models.load_model(folder / "layer.keras")

    spec = tf.TensorSpec([None, *model.input.shape[1:]], model.input.dtype)
    graph = tf.function(lambda inputs: layer(inputs), input_signature=[spec])
    yield "tf.function", graph
    yield "jit_compile", tf.function(lambda x: layer(x), jit_compile=True)

    module = tf.Module()
    module.layer, module.run = layer, graph
    tf.saved_model.save(module, folder / "module")
    loaded = tf.saved_model.load(folder / "module")
    yield "SavedModel of a tf.Module", loaded.run

    model.export(folder / "exported", verbose=False)
    exported = tf.saved_model.load(folder / "exported")
    yield "model.export", exported.serve
