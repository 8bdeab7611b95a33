import keras
import numpy as np
import pytest
import tensorflow as tf

import tfsnn
from tests.support import spiking_networks
from tests.support.spiking_networks import classifier, make_dyadic
from tfsnn import baselines
from tfsnn.baselines import hybrid
from tfsnn.baselines.surrogate_network import SurrogateNetwork
from tfsnn.errors import ConversionError, DataError
from tfsnn.types import NeuronParameters

T, ALPHA, BETA = 5, 0.3, 0.5


def spiking(head=None, neuron="if", reset="soft", timesteps=T, **options):
    model = make_dyadic(classifier(head=head))
    config = tfsnn.ConversionConfig(neuron=neuron, reset=reset)
    conversion = tfsnn.convert(model, config=config)
    return conversion.spiking_model(timesteps, **options)


def images(count=4):
    return spiking_networks.images(count).astype("float32")


def hand_made():
    """One neuron a hidden unit: dense, IF, dense."""
    image = keras.Input((3,))
    x = keras.layers.Dense(4, activation="relu", name="hidden")(image)
    model = keras.Model(image, keras.layers.Dense(2, name="logits")(x))
    rng = np.random.default_rng(0)
    model.set_weights(
        [rng.integers(-4, 7, w.shape) / 8 for w in model.get_weights()]
    )
    conversion = tfsnn.convert(model)
    (name,) = conversion.neuron_names
    threshold = np.array([0.5, 1.0, 0.25, 2.0], "float32")
    parameters = {name: NeuronParameters(threshold, threshold / 2)}
    return conversion.spiking_model(T, parameters=parameters), threshold


def gradient_by_hand(snn, threshold, x):
    """d sum(mean logits) / d hidden kernel, unrolled in NumPy.

    With a detached reset, dv(t) / dkernel is the sum of x / theta up to t, and
    each spike passes on alpha exp(-beta dt) of it.
    """
    kernel, bias = (
        np.asarray(w, "float64") for w in snn.get_layer("hidden").weights
    )
    out = np.asarray(snn.get_layer("logits").kernel, "float64").sum(axis=1)
    current = (x @ kernel + bias) / threshold
    gradient = np.zeros_like(kernel)
    for unit in range(len(threshold)):
        for image in range(len(x)):
            v, elapsed = 0.5, 1000.0
            for step in range(T):
                v += current[image, unit]
                elapsed += 1
                slope = ALPHA * np.exp(-BETA * elapsed)
                charged = (step + 1) * x[image] / threshold[unit]
                gradient[:, unit] += (
                    out[unit] / T * threshold[unit] * slope * charged
                )
                if v >= 1:
                    v, elapsed = v - 1, 0.0
    return gradient


def test_gradient_through_time():
    snn, threshold = hand_made()
    x = (np.random.default_rng(1).integers(-4, 9, (6, 3)) / 8).astype("float32")
    network = SurrogateNetwork(snn, alpha=ALPHA, beta=BETA)
    kernel = network.variables[0]
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(network(tf.constant(x)))
    found = tape.gradient(total, kernel.value)
    expected = gradient_by_hand(snn, threshold, x)
    assert np.abs(expected).max() > 0.1
    # Sums of 30 float32 products.
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@tf.custom_gradient
def spike(potential, elapsed):
    def gradient(upstream):
        return upstream * ALPHA * tf.exp(-BETA * elapsed), None

    return tf.cast(potential >= 1, tf.float32), gradient


def fired_by_steps(layer, currents):
    """A neuron as a loop that the tape follows, reset detached."""
    theta, lag = layer.cell.threshold, layer.lag
    v = tf.zeros_like(currents[0]) + layer.cell.initial_potential / theta
    elapsed = tf.fill(tf.shape(v), 1000.0)
    train = []
    for step in range(T + lag):
        if step < T:
            v += currents[step] / theta
        if step >= lag:
            elapsed += 1
            fired = spike(v, elapsed)
            train.append(fired * theta)
            v -= tf.stop_gradient(fired)
            elapsed *= 1 - tf.stop_gradient(fired)
    return train


@pytest.mark.parametrize("lag", [0, 2, T])
def test_gradient_is_that_of_steps_one_by_one(lag):
    """Of two layers of neurons, the first with a constant current."""
    snn = spiking(lag=lag)
    network = SurrogateNetwork(snn, alpha=ALPHA, beta=BETA)
    x = tf.constant(images())

    def by_steps():
        layer = network.model.get_layer
        currents = [layer("stem")(x)] * T
        for neuron, following in (("first", "conv"), ("second", None)):
            train = fired_by_steps(layer(neuron), currents)
            if following:
                currents = [layer(following)(spikes) for spikes in train]
        flat = [tf.reshape(spikes, (len(x), -1)) for spikes in train]
        return tf.add_n([layer("logits")(spikes) for spikes in flat]) / T

    outputs, gradients = [], []
    for function in (lambda: network(x), by_steps):
        with tf.GradientTape() as tape:
            outputs.append(function())
            loss = tf.reduce_sum(outputs[-1] * [1.0, -2.0, 0.5])
        kernels = [variable.value for variable in network.variables]
        gradients.append(tape.gradient(loss, kernels))
    np.testing.assert_allclose(*outputs, rtol=1e-5)
    for found, expected in zip(*gradients, strict=True):
        assert np.abs(expected).max() > 0.01
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("lag", [0, 2])
@pytest.mark.parametrize(
    "timesteps", [5, pytest.param(80, marks=pytest.mark.slow)]
)
def test_values_are_those_of_the_spiking_model(lag, timesteps):
    """Also where the scan is a loop; dyadic sums are exact."""
    snn = spiking(timesteps=timesteps, lag=lag)
    found = SurrogateNetwork(snn)(tf.constant(images()))
    np.testing.assert_array_equal(found, snn(images()))


def test_a_temporal_bias_is_charged():
    model = make_dyadic(classifier())
    conversion = tfsnn.convert(model)
    values = {
        name: NeuronParameters(
            np.float32(0.5),
            np.float32(0.25),
            temporal_bias=np.full((T, channels), 0.125, "float32"),
        )
        for name, channels in zip(conversion.neuron_names, (4, 5), strict=True)
    }
    snn = conversion.spiking_model(T, parameters=values)
    found = SurrogateNetwork(snn)(tf.constant(images()))
    np.testing.assert_array_equal(found, snn(images()))


def loss_of(model, labels):
    logits = model(images(len(labels))).numpy().astype("float64")
    logits -= logits.max(axis=1, keepdims=True)
    chosen = logits[np.arange(len(labels)), labels]
    return np.mean(np.log(np.exp(logits).sum(axis=1)) - chosen)


@pytest.fixture(scope="module")
def trained():
    snn = spiking()
    before = [w.copy() for w in snn.get_weights()]
    labels = np.arange(12) % 3
    options = baselines.HybridTraining(
        epochs=10, batch_size=4, learning_rate=0.01
    )
    return (
        snn,
        before,
        labels,
        baselines.fine_tune(snn, images(12), labels, options),
    )


def test_training_lowers_the_loss(trained):
    snn, _, labels, better = trained
    assert loss_of(better, labels) < 0.8 * loss_of(snn, labels)


def test_only_weights_change_and_not_those_of_the_source(trained):
    snn, before, _, better = trained
    for a, b in zip(snn.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    for name in ("first", "second"):
        old, new = (m.get_layer(name).get_weights() for m in (snn, better))
        for a, b in zip(old, new, strict=True):
            np.testing.assert_array_equal(a, b)
    for name in ("stem", "conv", "logits"):
        old, new = (m.get_layer(name).kernel.numpy() for m in (snn, better))
        assert np.any(old != new)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights():
    options = baselines.HybridTraining(epochs=1, batch_size=4)
    runs = [
        baselines.fine_tune(spiking(), images(8), np.arange(8) % 3, options)
        for _ in range(2)
    ]
    for a, b in zip(*(run.get_weights() for run in runs), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_softmax_stays():
    options = baselines.HybridTraining(epochs=1, learning_rate=0.01)
    snn = spiking(head="softmax")
    better = baselines.fine_tune(snn, images(6), np.arange(6) % 3, options)
    sums = better(images()).numpy().sum(axis=1)
    np.testing.assert_allclose(sums, 1, rtol=1e-6)
    assert np.any(better(images()).numpy() != snn(images()).numpy())


@pytest.mark.parametrize(
    ("model", "text"),
    [
        (lambda: classifier(), "has no neurons.*plain neurons"),
        (lambda: spiking(neuron="signed"), r"\['first', 'second'\]"),
        (lambda: spiking(reset="hard"), r"\['first', 'second'\]"),
    ],
)
def test_other_models_are_refused(model, text):
    with pytest.raises(ConversionError, match=text):
        baselines.fine_tune(model(), images(), np.arange(4) % 3)


def test_images_of_any_size_are_refused():
    image = keras.Input((None, None, 2))
    x = keras.layers.Conv2D(3, 3, activation="relu")(image)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(image, keras.layers.Dense(3)(x))
    snn = tfsnn.convert(model).spiking_model(2)
    with pytest.raises(ConversionError, match="takes inputs .None, None, 2.*"):
        baselines.HybridTraining().images_at_once(snn)


@pytest.mark.parametrize("dtype", ["float16", "mixed_float16", "float64"])
def test_weights_in_half_precision_are_refused(dtype):
    image = keras.Input((3,), dtype="float32")
    layer = keras.layers.Dense
    x = layer(4, activation="relu", dtype=dtype)(image)
    model = keras.Model(image, layer(2, dtype=dtype)(x))
    snn = tfsnn.convert(model).spiking_model(2)
    options = baselines.HybridTraining(epochs=1)
    x, labels = np.ones((4, 3), "float32"), np.arange(4) % 2
    if dtype != "float16":
        baselines.fine_tune(snn, x, labels, options)
        return
    with pytest.raises(ConversionError, match="weights in float16. Supported"):
        baselines.fine_tune(snn, x, labels, options)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ((images()[:, :3], np.arange(4)), "images of shape .4, 3, 6, 2."),
        ((images(), np.arange(4)), "labels up to 3 for a model with 3 outputs"),
        ((images(), np.arange(3)), "labels of shape .3,."),
        ((images()[:0], np.arange(0)), "no images to train on"),
    ],
)
def test_data_that_do_not_fit(data, text):
    with pytest.raises(DataError, match=text):
        baselines.fine_tune(spiking(), *data)


EACH = T * 4 * 4 * (4 * 4 * 4 + 2 * 2 * 5)
"""Bytes: five steps, four numbers each, 4x4x4 and 2x2x5 neurons."""


@pytest.mark.parametrize(
    "at_once", [1, 2, 3, pytest.param(4, marks=pytest.mark.slow)]
)
def test_a_batch_in_parts_is_the_same_step(at_once):
    labels = np.arange(10) % 3
    weights = []
    for budget in (100 * EACH, at_once * EACH):
        options = baselines.HybridTraining(
            epochs=1, batch_size=5, learning_rate=0.01, memory_budget=budget
        )
        better = baselines.fine_tune(spiking(), images(10), labels, options)
        weights.append(better.get_weights())
    assert options.images_at_once(spiking()) == at_once
    for a, b in zip(*weights, strict=True):
        # Adam divides by the size of a gradient: sums in another order.
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_images_at_once():
    for budget, count in ((10, 4), (3.5, 3), (1, 1), (0.5, 1)):
        options = baselines.HybridTraining(
            batch_size=4, memory_budget=int(budget * EACH)
        )
        assert options.images_at_once(spiking()) == count


def test_parts_are_no_larger_than_memory_is_free(monkeypatch):
    options = baselines.HybridTraining(batch_size=4)
    for free, count in ((3, 3), (1, 1)):
        monkeypatch.setattr(
            hybrid, "available_bytes", lambda free=free: free * EACH
        )
        assert options.images_at_once(spiking()) == count


def test_an_image_that_does_not_fit(monkeypatch):
    monkeypatch.setattr(hybrid, "available_bytes", lambda: EACH - 1)
    options = baselines.HybridTraining()
    text = "One image takes .*0.0 GB are free. Supported: .* Use fewer steps T"
    with pytest.raises(DataError, match=text):
        options.images_at_once(spiking())
    with pytest.raises(DataError, match=text):
        baselines.fine_tune(spiking(), images(), np.arange(4) % 3, options)


def test_a_loss_that_is_no_number():
    snn = spiking()
    snn.get_layer("logits").bias.assign([np.nan] * 3)
    with pytest.raises(FloatingPointError, match="Lower learning_rate"):
        baselines.fine_tune(snn, images(), np.arange(4) % 3)


@pytest.mark.parametrize(
    "options",
    [
        {"epochs": 0},
        {"batch_size": 0},
        {"learning_rate": 0},
        {"alpha": -1},
        {"beta": -0.1},
        {"seed": -1},
        {"memory_budget": 0},
    ],
    ids=str,
)
def test_options_out_of_range(options):
    ((name, value),) = options.items()
    with pytest.raises(ValueError, match=f"{name}={value}. Supported"):
        baselines.HybridTraining(**options)
