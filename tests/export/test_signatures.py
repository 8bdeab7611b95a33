"""What each signature gives, and which are left out."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support import served
from tests.support.spiking_networks import (
    classifier,
    images,
    make_dyadic,
    residual_network,
    spiking,
)
from tfsnn.dynamics import BitPlane
from tfsnn.export.anytime_signature import confidence_of
from tfsnn.export.signatures import served_model

T = 6


@pytest.fixture(scope="module")
def network():
    return make_dyadic(classifier())


@pytest.fixture(scope="module")
def functions(network):
    return served_model(spiking(network, timesteps=T)).functions


def anytime(functions, batch, confidence, max_steps):
    size = len(batch)
    found = functions["anytime"](
        images=tf.constant(batch),
        confidence=tf.constant(np.broadcast_to(confidence, size), tf.float32),
        max_steps=tf.constant(np.broadcast_to(max_steps, size), tf.int32),
    )
    return {name: value.numpy() for name, value in found.items()}


def trace(functions, batch):
    return functions["trace"](images=tf.constant(batch))["logits"].numpy()


def test_trace_ends_with_the_logits(functions):
    rows = trace(functions, images(3))
    assert rows.shape == (3, T, 3)
    answer = functions["serving_default"](images=tf.constant(images(3)))
    # Sums are exact with dyadic weights; the mean over 6 steps rounds.
    np.testing.assert_allclose(rows[:, -1], answer["logits"], rtol=1e-6)


@pytest.mark.parametrize("steps", [1, 4])
def test_row_t_is_what_a_network_of_t_steps_gives(network, functions, steps):
    short = spiking(network, timesteps=steps)
    expected = keras.ops.convert_to_numpy(short(images(3)))
    rows = trace(functions, images(3))
    np.testing.assert_array_equal(rows[:, steps - 1], expected)


def test_trace_with_lags_is_the_mean_of_what_has_arrived(network):
    late = served_model(spiking(network, timesteps=4, lag=2)).functions
    rows = trace(late, images(3))
    answer = late["serving_default"](images=tf.constant(images(3)))
    np.testing.assert_array_equal(rows[:, -1], answer["logits"])
    assert not (rows[:, 0] == rows[:, -1]).all()


def test_each_image_stops_at_its_own_step(functions):
    batch = images(8)
    rows = trace(functions, batch)
    sure = np.array(confidence_of(rows))
    asked = np.linspace(0.4, 0.9, 8, dtype="float32")
    found = anytime(functions, batch, asked, T)
    for number in range(8):
        reached = np.flatnonzero(sure[number] >= asked[number])
        step = reached[0] + 1 if len(reached) else T
        assert found["steps"][number] == step
        np.testing.assert_array_equal(
            found["logits"][number], rows[number, step - 1]
        )
    assert len(set(found["steps"])) > 1
    np.testing.assert_array_equal(found["classes"], found["logits"].argmax(-1))
    np.testing.assert_allclose(found["probabilities"].sum(-1), 1, rtol=1e-6)


@pytest.mark.parametrize(
    "confidence, max_steps, steps",
    [(2.0, T, T), (2.0, 99, T), (2.0, 3, 3), (2.0, -1, 1), (0.0, T, 1)]
    + [(np.nan, 4, 4)],
    ids=["all", "more", "fewer", "negative", "unsure", "nan"],
)
def test_number_of_steps(functions, confidence, max_steps, steps):
    found = anytime(functions, images(2), confidence, max_steps)
    np.testing.assert_array_equal(found["steps"], [steps, steps])


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("name", ["confidence", "max_steps"])
def test_one_value_for_each_image(functions, name, count):
    values = {"confidence": tf.ones([2]), "max_steps": tf.ones([2], tf.int32)}
    values[name] = tf.repeat(values[name][:1], count)
    with pytest.raises(tf.errors.InvalidArgumentError, match=name):
        functions["anytime"](images=tf.constant(images(2)), **values)


def test_an_image_does_not_depend_on_others(functions):
    batch = images(8)
    together = anytime(functions, batch, 0.6, T)
    alone = anytime(functions, batch[2:3], 0.6, T)
    assert alone["steps"] == together["steps"][2]
    np.testing.assert_array_equal(alone["logits"][0], together["logits"][2])


def test_anytime_with_lags_counts_steps_of_the_read_out(network):
    late = served_model(spiking(network, timesteps=4, lag=2)).functions
    found = anytime(late, images(3), 2.0, 4)
    np.testing.assert_array_equal(found["steps"], 4)
    answer = late["serving_default"](images=tf.constant(images(3)))
    np.testing.assert_array_equal(found["logits"], answer["logits"])


def test_files_are_decoded_resized_and_scaled():
    functions = served_model(
        spiking(served.network(), timesteps=2), decoding=served.DECODING
    ).functions
    files = served.image_files(3)
    pixels = [
        tf.image.resize(
            tf.io.decode_image(file, expand_animations=False), (8, 8)
        )
        for file in files
    ]
    decoded = (np.array(pixels) * np.float32(1 / 255)).astype("float32")
    decoded = (decoded - np.float32([0.5, 0.4, 0.3])) / np.float32(0.25)
    expected = functions["serving_default"](images=tf.constant(decoded))
    found = functions["serialized"](serialized=tf.constant(files))
    assert sorted(found) == sorted(expected)
    np.testing.assert_allclose(
        found["logits"],
        expected["logits"],
        atol=1e-5,  # Scaled by an operation more or less.
    )


def omitted(model):
    return dict(served_model(model).omitted)


def test_nothing_is_omitted_but_files(network):
    assert list(omitted(spiking(network))) == ["serialized"]


def test_bit_planes_have_no_mean_so_far(network):
    model = spiking(network, timesteps=3, lag=3, kind=BitPlane())
    reasons = omitted(model)
    assert sorted(reasons) == ["anytime", "serialized", "trace"]
    assert "bits" in reasons["trace"]


def test_several_outputs_have_no_trace():
    reasons = omitted(spiking(make_dyadic(residual_network())))
    assert "no single output" in reasons["anytime"]


def test_images_of_any_size_are_not_stepped():
    image = keras.Input((None, None, 2))
    x = keras.layers.ReLU()(keras.layers.Conv2D(3, 3)(image))
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = spiking(keras.Model(image, keras.layers.Dense(4)(x)))
    found = served_model(model)
    assert sorted(found.omitted) == ["anytime", "serialized", "trace"]
    assert "any size" in found.omitted["trace"]
    for size in (5, 8):
        batch = np.random.default_rng(0).random((2, size, 6, 2), "float32")
        logits = found.functions["serving_default"](tf.constant(batch))
        np.testing.assert_allclose(
            logits["logits"], model(batch), rtol=1e-5, atol=1e-6
        )


def test_one_score_has_no_confidence():
    reasons = omitted(spiking(classifier(num_classes=1)))
    assert sorted(reasons) == ["anytime", "serialized"]
    assert "classifier" in reasons["anytime"]


def test_all_signatures_read_the_same_variables(functions, network):
    model = spiking(network, timesteps=T)
    found = served_model(model)
    read = {
        id(variable)
        for function in found.functions.values()
        for variable in function.variables
    }
    assert read == {id(variable) for variable in found.serving.variables}
