"""LiteRT files, in LiteRT's own interpreter."""

import keras
import numpy as np
import pytest

from tests.support.spiking_networks import (
    classifier,
    images,
    make_dyadic,
    spiking,
)
from tfsnn.errors import ConversionError, ExportError
from tfsnn.exchange import export_litert, with_int8_weights

interpreter = pytest.importorskip("ai_edge_litert.interpreter")


def run(path, batch):
    made = interpreter.Interpreter(model_path=str(path))
    serve = made.get_signature_runner("serving_default")
    return serve(images=batch)


def value(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.mark.parametrize(
    "form, lag, batch_size",
    [("folded", 0, 1), ("folded", 4, 3), ("counts", 4, 3)],
)
def test_outputs_are_those_of_the_model(tmp_path, form, lag, batch_size):
    model = spiking(make_dyadic(classifier()), timesteps=4, lag=lag)
    path = export_litert(
        model, tmp_path / "x.tflite", form=form, batch_size=batch_size
    )
    batch = images(batch_size)
    # Dyadic weights and a power of two as T: nothing rounds.
    np.testing.assert_array_equal(
        run(path, batch)["output_0"], value(model(batch))
    )
    assert [x.name for x in tmp_path.iterdir()] == ["x.tflite"]


def test_several_outputs(tmp_path):
    network = make_dyadic(classifier())
    shares = keras.layers.Softmax()(network.output)
    network = keras.Model(network.input, [network.output, shares])
    model = spiking(network, timesteps=2)
    path = export_litert(model, tmp_path / "x.tflite")
    found = run(path, images(1))
    for number, expected in enumerate(model(images(1))):
        np.testing.assert_allclose(
            found[f"output_{number}"], value(expected), rtol=1e-6
        )


@pytest.mark.parametrize(
    "options",
    [{"form": "step"}, {"batch_size": 0}, {"weights": "int4"}],
    ids=str,
)
def test_refuses_other_options(tmp_path, options):
    with pytest.raises(ValueError, match="Supported: folded, counts; float"):
        export_litert(spiking(classifier()), tmp_path / "x", **options)


def test_refuses_many_steps(tmp_path):
    with pytest.raises(ExportError, match="runs 129 steps.*form='counts'"):
        export_litert(spiking(classifier(), timesteps=129), tmp_path / "x")


def test_refuses_counts_of_a_pipelined_network(tmp_path):
    with pytest.raises(ConversionError, match="has no count form"):
        export_litert(spiking(classifier()), tmp_path / "x", form="counts")


def test_keeps_an_existing_file(tmp_path):
    (tmp_path / "x").write_text("mine")
    with pytest.raises(ExportError, match="exists. Supported: a new file"):
        export_litert(spiking(classifier()), tmp_path / "x")
    assert (tmp_path / "x").read_text() == "mine"


def wide_classifier():
    """Large enough for the converter to store it in 8 bits."""
    keras.utils.set_random_seed(0)
    image = keras.Input((6, 6, 8))
    x = keras.layers.ReLU()(keras.layers.Conv2D(32, 3)(image))
    x = keras.layers.ReLU()(keras.layers.Conv2D(32, 3)(x))
    x = keras.layers.Flatten()(x)
    return keras.Model(image, keras.layers.Dense(32)(x))


def test_rounded_weights_are_stored_in_8_bits(tmp_path):
    model = spiking(with_int8_weights(wide_classifier()), timesteps=4)
    plain = export_litert(model, tmp_path / "x.tflite")
    small = export_litert(model, tmp_path / "y.tflite", weights="int8")
    assert small.stat().st_size < 0.6 * plain.stat().st_size
    # Whole numbers and their largest as a scale of one: exact in 8 bits.
    batch = np.random.default_rng(0).integers(0, 2, (1, 6, 6, 8))
    batch = batch.astype("float32")
    expected, received = (run(p, batch)["output_0"] for p in (plain, small))
    assert np.ptp(expected) > 0
    np.testing.assert_allclose(received, expected, atol=1e-5)
