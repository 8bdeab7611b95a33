"""One run over the data gives what a slow count gives."""

import keras
import numpy as np
import pytest

from tests.reference.classifier import run_classifier
from tests.support.spiking_networks import (
    IMAGE_SHAPE,
    classifier,
    images,
    make_dyadic,
    residual_network,
    spiking,
)
from tfsnn.errors import DataError
from tfsnn.evaluation import evaluate

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
        "reference is a builtins.str",
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


@pytest.mark.parametrize(
    "build, text",
    [
        pytest.param(
            lambda: spiking(residual_network(), timesteps=T),
            "one input and one output",
            id="three-outputs",
        ),
        pytest.param(maps, r"outputs \[\(None, 4, 4, 3\)\]", id="maps"),
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
