"""Several segments trained as one, for what the last of them answers."""

import keras
import numpy as np
import pytest

from tests.support.networks import with_random_weights
from tests.support.segments import SHAPE, current_of, neuron_of
from tfsnn.calibration.block_training import train_block
from tfsnn.calibration.horizon import Horizon
from tfsnn.calibration.training_options import TrainingOptions
from tfsnn.dynamics import IntegrateAndFire
from tfsnn.graph.segments import INPUT, JUNCTION, NEURON, Segment
from tfsnn.numerics import response

layers = keras.layers
T = 16
QUICK = {
    "iterations": 60,
    "batch_size": 8,
    "check_every": 5,
    "optimizer": "adam",
    "learning_rate": 1e-2,
    "rounding": "neuron",
}
HELD = slice(3, None, 4)


def model_of(seed, shapes, function):
    inputs = [keras.Input(shape) for shape in shapes]
    output = function(*inputs)
    model = keras.Model(inputs[0] if len(inputs) == 1 else inputs, output)
    return with_random_weights(model, np.random.default_rng(seed))


def conv(name):
    return layers.Conv2D(2, 3, padding="same", name=name)


def block(last=NEURON):
    """A residual block: the second segment also reads the first's source."""
    first = model_of(0, [SHAPE], conv("one"))
    second = model_of(
        1, [SHAPE, SHAPE], lambda x, y: layers.Add()([x, conv("two")(y)])
    )
    return (
        Segment("first", NEURON, (INPUT,), first),
        Segment("second", last, (INPUT, "first"), second),
    )


def answer(segment, sources, parameters):
    """A segment's mean output in NumPy; a junction's current."""
    read = [sources[name] for name in segment.sources]
    current = current_of(segment, read, parameters)
    if segment.role == JUNCTION:
        return current
    potential = parameters.initial_potential
    return response(current, parameters.threshold, T, potential)


def answers(segments, inputs, parameters):
    known = dict(inputs)
    for segment in segments:
        known[segment.name] = answer(
            segment, known, parameters.get(segment.name)
        ).astype("float32")
    return known


def problem(segments, count=64, factor=1.5):
    """Analog activations; more of them at the end than there should be."""
    rng = np.random.default_rng(2)
    inputs = {INPUT: np.abs(rng.normal(size=(count, *SHAPE))).astype("float32")}
    known, parameters = dict(inputs), {}
    for segment in segments:
        read = [known[name] for name in segment.sources]
        current = current_of(segment, read).astype("float32")
        known[segment.name] = current
        if segment.role == NEURON:
            known[segment.name] = np.maximum(current, 0)
            parameters[segment.name] = neuron_of(known[segment.name])
    targets = {segment.name: known[segment.name] for segment in segments}
    targets[segments[-1].name] *= factor
    return Horizon(segments, inputs, targets), parameters


def train(horizon, parameters, fixed=frozenset(), **options):
    return train_block(
        horizon,
        parameters,
        T,
        kind=IntegrateAndFire(),
        options=TrainingOptions(**{**QUICK, **options}),
        fixed=fixed,
    )


def end_error(horizon, parameters):
    """On the images that are not trained on."""
    inputs = {name: v[HELD] for name, v in horizon.inputs.items()}
    last = horizon.segments[-1].name
    found = answers(horizon.segments, inputs, parameters)[last]
    return np.square(found - horizon.targets[last][HELD]).mean()


@pytest.mark.parametrize("role", [NEURON, JUNCTION])
def test_the_first_is_trained_for_the_end(role):
    horizon, parameters = problem(block(role))
    # What follows stays as it is: only the first can help.
    got = train(horizon, parameters, fixed=frozenset({"two"}))
    assert set(got.weights) == {"one"}
    after = {**parameters, "first": got}
    assert end_error(horizon, after) < 0.98 * end_error(horizon, parameters)


def test_alone_it_is_trained_for_itself():
    horizon, parameters = problem(block())
    alone = Horizon(
        horizon.segments[:1],
        horizon.inputs,
        {"first": horizon.targets["first"]},
    )
    ends = [
        end_error(horizon, {**parameters, "first": train(one, parameters)})
        for one in (horizon, alone)
    ]
    assert ends[0] < ends[1]


def test_what_follows_is_trained_with_it():
    """It takes its share of what is missing."""
    horizon, parameters = problem(block())
    before = horizon.segments[0].model.get_layer("one").get_weights()[0]
    together, alone = (
        train(horizon, parameters, fixed=frozenset(fixed)).weights["one"][0]
        for fixed in ((), ("two",))
    )
    moved = [np.abs(w - before).mean() for w in (together, alone)]
    assert moved[0] < moved[1]


def test_the_segments_are_untouched():
    horizon, parameters = problem(block())
    before = [s.model.get_weights() for s in horizon.segments]
    train(horizon, parameters, train_bias=True, train_threshold=True)
    for segment, weights in zip(horizon.segments, before, strict=True):
        for a, b in zip(segment.model.get_weights(), weights, strict=True):
            np.testing.assert_array_equal(a, b)


def test_everything_can_be_trained():
    horizon, parameters = problem(block())
    got = train(
        horizon,
        parameters,
        train_bias=True,
        train_threshold=True,
        drop_quantiser=0.5,
        weight_penalty=1e-3,
    )
    assert got.bias.shape == (2,)
    assert (got.threshold != parameters["first"].threshold).any()
    np.testing.assert_allclose(
        got.initial_potential / got.threshold, 0.5, rtol=1e-6
    )


def test_a_seed_gives_the_same_bits():
    horizon, parameters = problem(block())
    first, second, other = (
        train(horizon, parameters, drop_quantiser=0.5, seed=seed).weights
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first["one"][0], second["one"][0])
    assert (first["one"][0] != other["one"][0]).any()


def test_dropping_draws_anew_for_each_segment(monkeypatch):
    seeds = []

    def remember(output, current, largest, *, probability, seed):
        seeds.append(seed)
        return output

    monkeypatch.setattr(
        "tfsnn.calibration.segment_training.drop_quantiser", remember
    )
    horizon, parameters = problem(block())
    train(horizon, parameters, drop_quantiser=0.5, iterations=1)
    assert len(seeds) == 2  # Traced once, one a neuron.
    assert seeds[0] is not seeds[1]


def test_a_first_segment_that_is_fixed_stays():
    horizon, parameters = problem(block())
    got = train(horizon, parameters, fixed=frozenset({"one"}), train_bias=True)
    assert got is parameters["first"]


@pytest.mark.parametrize("size", [0.0, 1e-30, 1e30])
def test_odd_targets_give_finite_results(size):
    horizon, parameters = problem(block())
    targets = {
        name: v * np.float32(size) for name, v in horizon.targets.items()
    }
    odd = Horizon(horizon.segments, horizon.inputs, targets)
    got = train(odd, parameters, learning_rate=1e-4, train_threshold=True)
    assert got.is_finite()
    assert (got.threshold > 0).all()
