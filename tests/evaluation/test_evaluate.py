"""One run over the data gives what a slow count gives."""

import logging
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.reference.classifier import run_classifier
from tests.support.kinds import EXTENDED
from tests.support.spiking_networks import (
    IMAGE_SHAPE,
    classifier,
    images,
    make_dyadic,
    residual_network,
    spiking,
)
from tfsnn.conversion import CompiledNeurons, with_unit_spikes
from tfsnn.dynamics import BitPlane
from tfsnn.errors import ConversionError, DataError
from tfsnn.evaluation import evaluate
from tfsnn.layers import SpikingActivation
from tfsnn.types import NeuronParameters

T = 6
N = 30
IMAGES = images(N)
LABELS = np.random.default_rng(1).integers(0, 3, N)
EXECUTIONS = {"folded": 2**30, "stepping": 1}
every_execution = pytest.mark.parametrize("execution", EXECUTIONS)


@pytest.fixture(scope="module")
def network():
    return make_dyadic(classifier())


def share(predicted, wanted):
    return np.mean(predicted == wanted, axis=-1)


def evaluated(model, execution="folded", **options):
    record = evaluate(
        model,
        (IMAGES, LABELS),
        memory_budget=EXECUTIONS[execution],
        batch_size=7 if execution == "folded" else None,
        **options,
    )
    assert record.execution == execution
    return record


@every_execution
def test_every_entry_without_lag(network, execution):
    record = evaluated(spiking(network, timesteps=T), execution)
    slow = run_classifier(network, IMAGES, T)
    steps = np.arange(1, T + 1)[:, None, None]
    # Float32, so that equal logits tie as they do in the library.
    means = (np.cumsum(slow.logits, axis=0).astype("float32") / steps).astype(
        "float32"
    )
    accuracy_at = share(np.argmax(means, axis=-1), LABELS)
    assert record.accuracy_at == pytest.approx(accuracy_at)
    assert record.accuracy == record.accuracy_at[-1]
    rates = {name: train.mean() for name, train in slow.spikes.items()}
    assert record.firing_rates == pytest.approx(rates)
    every = np.concatenate([s.ravel() for s in slow.spikes.values()])
    assert record.mean_firing_rate == pytest.approx(every.mean())
    assert (record.timesteps, record.latency_steps, record.lag) == (T, T, 0)
    assert (record.num_images, record.model) == (N, "classifier_t6")
    assert record.agreement is None


@every_execution
def test_every_entry_with_lag(network, execution):
    record = evaluated(spiking(network, timesteps=T, lag=2), execution)
    slow = run_classifier(network, IMAGES, T, lag=2)
    predicted = np.argmax(slow.logits.sum(axis=0), axis=-1)
    assert record.accuracy == pytest.approx(share(predicted, LABELS))
    assert record.accuracy_at is None
    rates = {name: train.mean() for name, train in slow.spikes.items()}
    assert record.firing_rates == pytest.approx(rates)
    assert (record.latency_steps, record.lag) == (T + 2, 2)


@pytest.mark.parametrize("unit", [False, True], ids=["threshold", "unit"])
def test_every_entry_on_counts(network, unit):
    steps = 8  # A power of two: means of dyadic numbers do not round.
    model = spiking(network, timesteps=steps, lag=steps)
    model = with_unit_spikes(model) if unit else model
    record = evaluate(model, (IMAGES, LABELS), reference=network, batch_size=7)
    assert (record.execution, record.batch_size) == ("counts", 7)
    slow = run_classifier(network, IMAGES, steps, lag=steps)
    predicted = np.argmax(slow.logits.sum(axis=0), axis=-1)
    assert record.accuracy == pytest.approx(share(predicted, LABELS))
    wanted = np.argmax(network(IMAGES), axis=-1)
    assert record.agreement == pytest.approx(share(predicted, wanted))
    assert record.accuracy_at is record.agreement_at is None
    rates = {name: train.mean() for name, train in slow.spikes.items()}
    assert record.firing_rates == pytest.approx(rates)
    every = np.concatenate([s.ravel() for s in slow.spikes.values()])
    assert record.mean_firing_rate == pytest.approx(every.mean())
    clock = (record.timesteps, record.lag, record.latency_steps)
    assert clock == (steps, steps, 2 * steps)


def trains_of(model, batch):
    """Spike trains by name."""
    neurons = [x for x in model.layers if isinstance(x, SpikingActivation)]
    outputs = {layer.name: layer.output for layer in neurons}
    trains = keras.Model(model.input, outputs)(batch)
    return {name: np.asarray(train) for name, train in trains.items()}


@every_execution
@pytest.mark.parametrize("kind", EXTENDED.values(), ids=EXTENDED)
def test_every_spike_counts_once_whatever_it_is_worth(network, kind, execution):
    # Pipelined where there is a choice; T bits would be run on counts.
    kinds = {"kind": kind, "timesteps": T}
    model = spiking(
        single_layer() if kind.needs_two_phase else network, **kinds
    )
    trains = trains_of(model, IMAGES)
    assert any(len(np.unique(train)) > 2 for train in trains.values())
    record = evaluated(model, execution)
    rates = {name: np.mean(train != 0) for name, train in trains.items()}
    assert record.firing_rates == pytest.approx(rates)
    wanted = share(np.argmax(model(IMAGES), axis=-1), LABELS)
    assert record.accuracy == pytest.approx(wanted)
    assert record.neuron == kind.name
    assert (record.accuracy_at is None) == kind.needs_two_phase


def single_layer():
    """A network whose only neurons have a constant current."""
    image = keras.Input(IMAGE_SHAPE)
    x = keras.layers.ReLU(name="first")(keras.layers.Conv2D(2, 3)(image))
    x = keras.layers.Dense(3)(keras.layers.Flatten()(x))
    return make_dyadic(keras.Model(image, x))


def test_bits_are_counted_without_steps(network):
    steps = 8
    model = spiking(network, timesteps=steps, kind=BitPlane())
    record = evaluate(model, (IMAGES, LABELS))
    assert (record.execution, record.latency_steps) == ("counts", 2 * steps)
    rates = {
        name: np.mean(train != 0)
        for name, train in trains_of(model, IMAGES).items()
    }
    assert record.firing_rates == pytest.approx(rates)


@pytest.mark.parametrize("name", ["signed", "burst"])
def test_levels_that_do_not_tell_the_spikes_are_run_in_time(network, name):
    model = spiking(network, timesteps=T, lag=T, kind=EXTENDED[name])
    record = evaluate(model, (IMAGES, LABELS))
    assert record.execution == "folded"
    rates = {
        name: np.mean(train != 0)
        for name, train in trains_of(model, IMAGES).items()
    }
    assert record.firing_rates == pytest.approx(rates)


def test_counts_of_thresholds_by_channel(network):
    threshold = NeuronParameters(np.array([0.3, 0.7, 1.1, 5.0]), np.zeros(4))
    options = {"timesteps": 1000, "parameters": {"first": threshold}}
    model = spiking(network, lag=1000, **options)
    # On a constant current the first neuron has the same clock in both.
    wanted = evaluate(spiking(network, lag=999, **options), (IMAGES, LABELS))
    got = evaluate(model, (IMAGES, LABELS))
    assert (got.execution, wanted.execution) == ("counts", "stepping")
    # A thousand roundings of the potential against one.
    assert got.firing_rates["first"] == pytest.approx(
        wanted.firing_rates["first"], rel=1e-3
    )


def test_a_hundred_thousand_steps(network):
    record = evaluate(
        spiking(network, timesteps=100_000, lag=100_000), (IMAGES, LABELS)
    )
    assert record.execution == "counts"
    assert record.latency_steps == 200_000


@every_execution
def test_agreement_with_a_reference(network, execution):
    model = spiking(network, timesteps=T)
    record = evaluated(model, execution, reference=network)
    wanted = np.argmax(network(IMAGES), axis=-1)
    got = np.argmax(model(IMAGES), axis=-1)
    assert record.agreement == pytest.approx(share(got, wanted))
    assert record.agreement_at[-1] == record.agreement
    assert len(record.agreement_at) == T
    assert record.reference_accuracy == pytest.approx(share(wanted, LABELS))


def branches():
    """A network with two neurons, and logits of each."""
    network = classifier()
    early = keras.layers.Flatten()(network.get_layer("first").output)
    early = keras.layers.Dense(3)(early)
    return network.input, network.output, early


def ending(build):
    image, late, early = branches()
    return make_dyadic(keras.Model(image, build(image, late, early)))


def shares(x):
    return keras.layers.Softmax()(x)


FINALES = {
    "reversed": lambda image, a, b: 1 - keras.layers.Activation("sigmoid")(a),
    "ensemble": lambda image, a, b: keras.layers.Average()(
        [shares(a), shares(b)]
    ),
    "meets-time": lambda image, a, b: keras.layers.Add()([shares(a), b]),
    "meets-constant": lambda image, a, b: keras.layers.Add()(
        [shares(a), image[:, 0, :3, 0]]
    ),
    "headed": lambda image, a, b: shares(
        keras.layers.Subtract()([keras.layers.Activation("tanh")(a), b])
    ),
    "maps": lambda image, a, b: keras.layers.GlobalAveragePooling1D()(
        keras.layers.Reshape((2, 3))(shares(keras.layers.Concatenate()([a, b])))
    ),
}
every_finale = pytest.mark.parametrize(
    "build", FINALES.values(), ids=FINALES.keys()
)


@every_execution
@every_finale
def test_what_follows_the_readout_counts(build, execution):
    network = ending(build)
    record = evaluated(spiking(network, timesteps=T), execution)
    wanted = [
        share(np.argmax(spiking(network, timesteps=t)(IMAGES), axis=-1), LABELS)
        for t in range(1, T + 1)
    ]
    assert record.accuracy_at == pytest.approx(wanted)


@every_execution
def test_what_follows_the_readout_counts_with_lag(execution):
    model = spiking(ending(FINALES["ensemble"]), timesteps=T, lag=2)
    wanted = share(np.argmax(model(IMAGES), axis=-1), LABELS)
    record = evaluated(model, execution)
    assert record.accuracy == pytest.approx(wanted)
    assert record.accuracy_at is None


@every_finale
def test_what_follows_the_readout_counts_on_counts(build):
    model = spiking(ending(build), timesteps=8, lag=8)
    record = evaluate(model, (IMAGES, LABELS))
    assert record.execution == "counts"
    wanted = share(np.argmax(model(IMAGES), axis=-1), LABELS)
    assert record.accuracy == pytest.approx(wanted)


def test_heads_of_spiking_networks_do_not_tie(network):
    headed = classifier(head="linear")
    headed.set_weights(network.get_weights())
    headed.layers[-1].bias.assign([90.0, 100.0, 95.0])
    output = keras.layers.Activation("sigmoid")(headed.output)
    model = spiking(keras.Model(headed.input, output), timesteps=T)
    assert len(set(np.asarray(model(IMAGES))[0])) == 1
    record = evaluate(model, (IMAGES, np.ones(N)))
    assert record.accuracy_at == [1.0] * T


def pooled(height):
    image = keras.Input((height, height, 2))
    x = keras.layers.ReLU(name="n")(keras.layers.Conv2D(4, 3)(image))
    x = keras.layers.ReLU(name="m")(keras.layers.Conv2D(4, 3)(x))
    x = keras.layers.GlobalAveragePooling2D()(x)
    return make_dyadic(keras.Model(image, keras.layers.Dense(3)(x)))


@pytest.mark.parametrize("timesteps", [4, 40])
def test_images_of_any_size(timesteps):
    options = {"timesteps": timesteps}
    known, unknown = (
        evaluate(spiking(pooled(height), **options), (IMAGES, LABELS))
        for height in (6, None)
    )
    assert unknown.execution == "folded"
    assert unknown.accuracy_at == known.accuracy_at
    assert unknown.firing_rates == pytest.approx(known.firing_rates)
    assert unknown.mean_firing_rate == pytest.approx(known.mean_firing_rate)


def test_images_of_any_size_on_counts():
    options = {"timesteps": 1024, "lag": 1024}
    known, unknown = (
        evaluate(spiking(pooled(height), **options), (IMAGES, LABELS))
        for height in (6, None)
    )
    assert unknown.execution == known.execution == "counts"
    assert unknown.accuracy == known.accuracy
    assert unknown.firing_rates == known.firing_rates


def test_too_many_steps_for_images_of_any_size():
    with pytest.raises(ConversionError, match="T=513.*Give the Input a full"):
        evaluate(spiking(pooled(None), timesteps=513), (IMAGES, LABELS))


def stored(network, form):
    logits = np.asarray(network(IMAGES))
    forms = {"logits": logits, "tensor": tf.constant(logits)}
    return {**forms, "classes": np.argmax(logits, axis=-1)}[form]


@pytest.mark.parametrize("form", ["logits", "tensor", "classes"])
def test_predictions_stand_for_the_reference(network, form):
    model = spiking(network, timesteps=T)
    wanted = evaluated(model, reference=network)
    got = evaluated(model, reference=stored(network, form))
    names = ("agreement", "agreement_at", "reference_accuracy")
    for name in names:
        assert getattr(got, name) == getattr(wanted, name)


def test_more_predictions_than_images_to_use(network):
    record = evaluate(
        network,
        (IMAGES, LABELS),
        reference=stored(network, "classes"),
        num_images=5,
    )
    assert record.agreement == 1.0


@pytest.mark.parametrize("kind", ["plain", *EXECUTIONS])
def test_many_evaluations_do_not_warn_of_retracing(network, kind):
    model = network if kind == "plain" else spiking(network, timesteps=2)
    lines = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    tf.get_logger().addHandler(handler)
    try:
        for _ in range(7):
            evaluate(
                model,
                (IMAGES[:1], LABELS[:1]),
                reference=network,
                memory_budget=EXECUTIONS.get(kind, 1),
            )
    finally:
        tf.get_logger().removeHandler(handler)
    assert lines == []


def test_heads_do_not_count(network):
    headed = classifier(head="softmax")
    headed.set_weights(network.get_weights())
    plain = evaluate(network, (IMAGES, LABELS))
    assert evaluate(headed, (IMAGES, LABELS)).accuracy == plain.accuracy


def test_plain_networks_have_no_time(network):
    record = evaluate(network, (IMAGES, LABELS), reference=network)
    wanted = share(np.argmax(network(IMAGES), axis=-1), LABELS)
    assert record.accuracy == pytest.approx(wanted)
    assert record.agreement == 1.0
    assert record.execution == "plain"
    nothing = ("timesteps", "accuracy_at", "agreement_at", "firing_rates")
    assert [getattr(record, name) for name in nothing] == [None] * 4


def test_stepping_compiles_the_neurons(network, monkeypatch):
    made = []

    class Recorded(CompiledNeurons):
        def __init__(self):
            super().__init__()
            made.append(self)

    # The package's function has the name of the module it comes from.
    module = sys.modules["tfsnn.evaluation.evaluate"]
    monkeypatch.setattr(module, "CompiledNeurons", Recorded)
    evaluated(spiking(network, timesteps=T), "stepping")
    assert [len(neurons) for neurons in made] == [2]


def test_two_thousand_steps(network):
    record = evaluate(
        spiking(network, timesteps=2048), (IMAGES, LABELS), reference=network
    )
    assert record.execution == "stepping"
    assert len(record.accuracy_at) == 2048
    assert record.accuracy_at[-1] == record.accuracy


def test_first_images_only(network):
    record = evaluate(network, (IMAGES, LABELS), num_images=5, batch_size=3)
    assert (record.num_images, record.batch_size) == (5, 3)
    wanted = np.argmax(network(IMAGES[:5]), axis=-1)
    assert record.accuracy == pytest.approx(share(wanted, LABELS[:5]))


def test_more_images_than_there_are(network):
    assert evaluate(network, (IMAGES, LABELS), num_images=99).num_images == N


def smaller():
    image = keras.Input(IMAGE_SHAPE)
    x = keras.layers.Dense(2)(keras.layers.Flatten()(image))
    return keras.Model(image, x, name="smaller")


REFUSALS = {
    "no-labels": (IMAGES, {}, DataError, "without labels"),
    "no-images": ((IMAGES[:0], LABELS[:0]), {}, DataError, "data are empty"),
    "shape": ((IMAGES[:, 1:], LABELS), {}, DataError, r"\(30, 5, 6, 2\)"),
    "classes": (
        (IMAGES, LABELS + 4),
        {},
        DataError,
        "Received the label 6 for a network with 3 logits",
    ),
    "number": ((IMAGES, LABELS), {"num_images": 0}, ValueError, "num_images=0"),
    "share": (
        (IMAGES, LABELS),
        {"num_images": 2.5},
        ValueError,
        "num_images=2.5. Supported: whole numbers, 1 and more",
    ),
    "batch": ((IMAGES, LABELS), {"batch_size": 0}, ValueError, "batch_size=0"),
    "budget": (
        (IMAGES, LABELS),
        {"memory_budget": 0},
        ValueError,
        "memory_budget=0",
    ),
    "reference-output": (
        (IMAGES, LABELS),
        {"reference": smaller()},
        ValueError,
        r"'smaller' has input and output \[\(6, 6, 2\), \(2,\)\]",
    ),
    "reference-type": (
        (IMAGES, LABELS),
        {"reference": "model.keras"},
        TypeError,
        "reference is a builtins.str.*or an array of predictions",
    ),
    "reference-shorter": (
        (IMAGES, LABELS),
        {"reference": LABELS[:7]},
        DataError,
        "with 7 predictions for at least 30 images",
    ),
    "reference-longer": (
        (IMAGES[:7], LABELS[:7]),
        {"reference": LABELS},
        DataError,
        "with 30 predictions for 7 images",
    ),
}


@pytest.mark.parametrize(
    "data, options, error, text", REFUSALS.values(), ids=REFUSALS.keys()
)
def test_bad_input_is_refused(network, data, options, error, text):
    with pytest.raises(error, match=text):
        evaluate(network, data, **options)


def maps():
    image = keras.Input(IMAGE_SHAPE)
    return keras.Model(image, keras.layers.Conv2D(3, 3)(image), name="maps")


def regression():
    image = keras.Input(IMAGE_SHAPE)
    flat = keras.layers.Flatten()(image)
    return keras.Model(image, keras.layers.Dense(1)(flat), name="height")


@pytest.mark.parametrize(
    "build, text",
    [
        pytest.param(
            lambda: spiking(residual_network(), timesteps=T),
            "Supported: built networks with one output",
            id="three-outputs",
        ),
        pytest.param(maps, r"outputs \[\(None, 4, 4, 3\)\]", id="maps"),
        pytest.param(regression, "has one output, so there are no", id="one"),
        pytest.param(
            lambda: keras.Sequential([keras.layers.Dense(3)], name="unbuilt"),
            r"'unbuilt' has inputs \[\]",
            id="unbuilt",
        ),
    ],
)
def test_other_networks_are_refused(build, text):
    with pytest.raises(ValueError, match=text):
        evaluate(build(), (IMAGES, LABELS))
