"""The function that is saved."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support.spiking_networks import (
    classifier,
    images,
    make_dyadic,
    residual_network,
    spiking,
)
from tfsnn.errors import ConversionError
from tfsnn.export.serving_function import FOLDED_LIMIT, serving_function
from tfsnn.layers import SpikingActivation, TimeAverage


def made(timesteps=3, lag=0, head=None):
    network = make_dyadic(classifier(head=None))
    if head is not None:
        outputs = head(network.output)
        network = keras.Model(network.input, outputs)
    return spiking(network, timesteps=timesteps, lag=lag)


def value(tensor):
    return keras.ops.convert_to_numpy(tensor)


HEADS = {
    "none": (None, {"logits", "classes"}),
    "Softmax": (
        keras.layers.Softmax(),
        {"logits", "probabilities", "classes"},
    ),
    "softmax": (
        keras.layers.Activation("softmax"),
        {"logits", "probabilities", "classes"},
    ),
    "sigmoid": (
        keras.layers.Activation("sigmoid"),
        {"logits", "probabilities"},
    ),
    "keras.ops": (
        keras.ops.softmax,
        {"logits", "probabilities", "classes"},
    ),
    "tanh": (keras.layers.Activation("tanh"), {"logits", "outputs"}),
}


@pytest.mark.parametrize("head, names", HEADS.values(), ids=HEADS)
def test_outputs_are_named_by_the_last_activation(head, names):
    assert set(
        serving_function(made(head=head)).function.structured_outputs
    ) == (names)


def test_logits_are_before_the_softmax():
    plain, with_head = made(), made(head=keras.layers.Softmax())
    outputs = serving_function(with_head)(images(2))
    np.testing.assert_array_equal(outputs["logits"], value(plain(images(2))))
    np.testing.assert_allclose(
        outputs["probabilities"],
        value(keras.ops.softmax(outputs["logits"])),
        rtol=1e-6,  # The same softmax, fused or not.
    )


def test_several_outputs_are_numbered():
    model = spiking(make_dyadic(residual_network()), timesteps=3)
    outputs = serving_function(model)(images(2))
    assert sorted(outputs) == [
        "classes_0",
        "classes_1",
        "classes_2",
        "logits_0",
        "logits_1",
        "logits_2",
        "probabilities_1",
    ]
    expected = model(images(2))
    np.testing.assert_array_equal(outputs["logits_2"], value(expected[2]))


def test_logits_are_before_the_first_of_several_last_activations():
    model = made()
    shares = keras.layers.Softmax()(model.output)
    model = keras.Model(model.input, keras.layers.Rescaling(2.0)(shares))
    outputs = serving_function(model)(images(2))
    assert sorted(outputs) == ["logits", "outputs"]
    np.testing.assert_array_equal(
        outputs["logits"], serving_function(made())(images(2))["logits"]
    )


def test_no_logits_where_the_last_activation_is_fused():
    model = spiking(classifier(head="softmax"))
    outputs = serving_function(model)(images(2))
    assert sorted(outputs) == ["classes", "probabilities"]
    np.testing.assert_array_equal(
        outputs["classes"], outputs["probabilities"].argmax(-1)
    )


def test_classes_are_those_of_the_largest_logits():
    outputs = serving_function(made())(images(4))
    assert outputs["classes"].dtype == "int64"
    np.testing.assert_array_equal(
        outputs["classes"], outputs["logits"].argmax(-1)
    )


def test_no_classes_of_one_score():
    model = spiking(classifier(num_classes=1))
    assert list(serving_function(model)(images(2))) == ["logits"]


def test_an_output_of_several_averages():
    image = keras.Input((4,))
    spikes = SpikingActivation(3, temporal_input=False)(image)
    means = [TimeAverage(3)(spikes), TimeAverage(3)(spikes)]
    model = keras.Model(image, keras.layers.Add()(means))
    outputs = serving_function(model)(np.ones((2, 4)))
    assert sorted(outputs) == ["classes", "logits"]


@pytest.mark.parametrize(
    "timesteps, execution",
    [(1, "folded"), (FOLDED_LIMIT, "folded"), (FOLDED_LIMIT + 1, "stepping")],
)
def test_execution_follows_the_number_of_steps(timesteps, execution):
    assert serving_function(made(timesteps)).execution == execution


@pytest.mark.parametrize("lag", [0, 2])
def test_stepping_gives_what_the_model_gives(lag):
    model = made(FOLDED_LIMIT + 2, lag=lag, head=keras.layers.Softmax())
    outputs = serving_function(model)(images(2))
    expected = value(model(images(2)))
    # Sums are exact with dyadic weights; the mean over T is not.
    np.testing.assert_allclose(outputs["probabilities"], expected, rtol=1e-6)


@pytest.mark.parametrize("timesteps", [4, FOLDED_LIMIT, 2 * FOLDED_LIMIT])
def test_two_phase_networks_are_served_as_counts(timesteps):
    model = made(timesteps, lag=timesteps, head=keras.layers.Softmax())
    serve = serving_function(model)
    assert serve.execution == "counts"
    types = [x.type for x in serve.function.graph.get_operations()]
    assert not {"While", "StatelessWhile", "Tile"} & set(types)
    outputs = serve(images(3))
    np.testing.assert_allclose(
        outputs["probabilities"],
        value(model(images(3))),
        rtol=1e-6,  # Logits are equal; the softmax is fused or not.
    )


def test_two_phase_logits_are_those_of_the_model():
    model = spiking(make_dyadic(residual_network()), timesteps=4, lag=4)
    outputs = serving_function(model)(images(2))
    first, _, last = model(images(2))
    # Dyadic weights and a power of two as T: nothing rounds.
    np.testing.assert_array_equal(outputs["logits_0"], value(first))
    np.testing.assert_array_equal(outputs["logits_2"], value(last))


@pytest.mark.parametrize(
    "timesteps, lag", [(3, 0), (FOLDED_LIMIT + 1, 0), (4, 4)]
)
def test_batch_size_is_free(timesteps, lag):
    serve = serving_function(made(timesteps, lag))
    every = serve(images(5))["logits"]
    assert every.shape == (5, 3)
    np.testing.assert_array_equal(serve(images(1))["logits"], every[:1])


def test_potentials_start_afresh():
    serve = serving_function(made())
    first, second = serve(images(2)), serve(images(2))
    np.testing.assert_array_equal(first["logits"], second["logits"])


def test_images_are_float32_whatever_the_model_computes_in():
    image = keras.Input((4,), dtype="float64")
    spikes = SpikingActivation(3, temporal_input=False, dtype="float64")(image)
    model = keras.Model(image, TimeAverage(3, dtype="float64")(spikes))
    function = serving_function(model).function
    ((spec,), _) = function.structured_input_signature
    assert spec == tf.TensorSpec([None, 4], tf.float32, "images")
    assert function.structured_outputs["logits"].dtype == tf.float64


@pytest.mark.parametrize(
    "timesteps, lag", [(3, 0), (FOLDED_LIMIT + 1, 0), (4, 4)]
)
def test_equal_weights_are_kept_once(timesteps, lag):
    model = made(timesteps, lag)
    serve = serving_function(model)
    different = {
        (w.dtype, w.shape, value(w).tobytes()): 4 * value(w).size
        for w in model.weights
    }
    assert len(serve.variables) == len(different) < len(model.weights)
    assert serve.num_bytes == sum(different.values())


@pytest.mark.parametrize(
    "timesteps, lag", [(3, 0), (FOLDED_LIMIT + 1, 0), (4, 4)]
)
@pytest.mark.parametrize(
    "received, text",
    [
        (np.full((2, 6, 6, 2), np.nan), "holds values that are not finite"),
        (np.full((2, 6, 6, 2), np.inf), "holds values that are not finite"),
        (np.zeros((0, 6, 6, 2)), "holds no image. Supported: at least one"),
    ],
    ids=["nan", "inf", "empty"],
)
def test_refuses_what_cannot_be_meant(timesteps, lag, received, text):
    with pytest.raises(tf.errors.InvalidArgumentError, match=text):
        serving_function(made(timesteps, lag))(received)


def test_later_changes_of_the_model_are_not_seen():
    model = made()
    serve = serving_function(model)
    before = serve(images(2))["logits"]
    model.set_weights([0 * weight + 1 for weight in model.get_weights()])
    np.testing.assert_array_equal(serve(images(2))["logits"], before)


def test_refuses_an_analog_model():
    with pytest.raises(ConversionError, match="0 SpikingActivation layers"):
        serving_function(classifier())
