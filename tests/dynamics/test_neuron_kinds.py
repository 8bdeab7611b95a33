"""Every kind of neuron behind the same contract."""

import itertools
import json
import re

import numpy as np
import pytest
import tensorflow as tf

from tests.reference.neuron_kinds import run_kind
from tests.support.kinds import EXTENDED, KINDS, STEPWISE
from tfsnn.dynamics import (
    NEURON_KINDS,
    BitPlane,
    Burst,
    IntegrateAndFire,
    SignedIntegrateAndFire,
    neuron_kind,
    scan,
)
from tfsnn.numerics import Quantiser

T = 6
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
extended = pytest.mark.parametrize("kind", EXTENDED.values(), ids=EXTENDED)
stepwise = pytest.mark.parametrize("kind", STEPWISE.values(), ids=STEPWISE)


@pytest.fixture
def current(rng):
    """Multiples of 1/16, so that nothing rounds, `[T, B, C]`."""
    return rng.integers(-32, 48, (T, 5, 7)) / 16


def run(kind, current, start, *, lag=0):
    sequence = tf.constant(current)
    potential = tf.fill(sequence.shape[1:], tf.constant(start, tf.float64))
    spikes, state = scan(
        lambda step: sequence[step],
        kind.initial_state(potential),
        lambda state, step: kind.fire(state, step, len(current)),
        timesteps=len(current),
        lag=lag,
    )
    return spikes.numpy(), [part.numpy() for part in state]


def lags(kind):
    return (T,) if kind.needs_two_phase else (0, 1, T)


CASES = [(kind, lag) for kind in KINDS.values() for lag in lags(kind)]
case_ids = [f"{kind.name}, lag {lag}" for kind, lag in CASES]
every_clock = pytest.mark.parametrize(("kind", "lag"), CASES, ids=case_ids)


@every_clock
def test_equals_the_oracle(kind, lag, current):
    spikes, state = run(kind, current, 0.5, lag=lag)
    expected = run_kind(kind.to_dict(), current, 1.0, 0.5, lag=lag)
    assert spikes.any()
    np.testing.assert_array_equal(spikes, expected.spikes)
    np.testing.assert_array_equal(state[0], expected.potential)


@every_clock
def test_what_is_not_sent_is_left_in_the_potential(kind, lag, current):
    spikes, state = run(kind, current, 0.5, lag=lag)
    # Telescoping: mean output = mean input - (v(T) - v(0)) / T, here times T.
    left = 0.5 + current.sum(axis=0) - spikes.sum(axis=0)
    np.testing.assert_array_equal(state[0], left)


@every_clock
def test_the_state_has_the_parts_it_says(kind, lag, current):
    _, state = run(kind, current, 0.5, lag=lag)
    assert len(state) == kind.num_states
    assert all(part.shape == current.shape[1:] for part in state)


@every_kind
def test_charge_in_order_gives_the_quantiser(kind, rng):
    total = rng.integers(-64, 256, (1, 200)) / 32
    start = kind.rounding_charge(T)
    spikes, _ = run(
        kind, np.stack([total] + [total * 0] * (T - 1)), start, lag=T
    )
    quantiser = kind.quantiser(T)
    step = T / quantiser.levels_per_threshold
    levels = np.clip(np.floor(total / step + 0.5), 0, quantiser.num_levels)
    np.testing.assert_array_equal(spikes.sum(axis=0), step * levels)


@every_kind
def test_number_of_levels_is_what_the_mean_can_be(kind):
    count = 3
    fine = np.arange(-16, 64 * count)[None] / 16
    spikes, _ = run(
        kind, np.stack([fine, *[fine * 0] * (count - 1)]), 0.0, lag=count
    )
    found = np.unique(spikes.sum(axis=0))
    assert len(found) == kind.num_levels(count)


LEVELS = {"if": 9, "signed": 9, "burst": 25, "bit_plane": 256}


@every_kind
def test_number_of_levels(kind):
    assert kind.num_levels(8) == LEVELS[kind.name]


QUANTISERS = {
    "if": Quantiser(8, 8),
    "signed": Quantiser(8, 8),
    "burst": Quantiser(24, 8),
    "bit_plane": Quantiser(255, 256),
}


@every_kind
def test_quantiser(kind):
    assert kind.quantiser(8) == QUANTISERS[kind.name]


@pytest.mark.parametrize(
    ("kind", "charge"),
    [
        (IntegrateAndFire(), 1 / 2),
        (SignedIntegrateAndFire(), 1 / 2),
        (Burst(3), 1 / 2),
        (BitPlane(), 6 * 2**-7),
    ],
    ids=KINDS,
)
def test_rounding_charge(kind, charge):
    assert kind.rounding_charge(6) == charge


def test_burst_of_one_is_plain(rng):
    current = rng.normal(0.3, 1.0, (T, 50)).astype("float64")
    for got, wanted in zip(
        run(Burst(1), current, 0.5),
        run(IntegrateAndFire(), current, 0.5),
        strict=True,
    ):
        np.testing.assert_array_equal(got, wanted)


def test_an_early_spike_is_taken_back():
    current = np.array([[1.5], [-2.0], [0.0]])
    plain, (left,) = run(IntegrateAndFire(), current, 0.5)
    np.testing.assert_array_equal(plain[:, 0], [1, 0, 0])
    assert left < 0  # what the plain neuron can never repair
    signed, (left, total) = run(SignedIntegrateAndFire(), current, 0.5)
    np.testing.assert_array_equal(signed[:, 0], [1, -1, 0])
    np.testing.assert_array_equal([left[0], total[0]], [0, 0])


def test_nothing_is_taken_back_that_was_not_sent():
    spikes, _ = run(SignedIntegrateAndFire(), np.full((T, 1), -1.0), 0.5)
    assert not spikes.any()


def test_sixteen_bits_are_a_clipped_relu():
    steps = 16
    value = np.linspace(-0.5, 1.5, 1001)
    kind = BitPlane()
    spikes, _ = run(
        kind,
        np.broadcast_to(value, (steps, len(value))),
        kind.rounding_charge(steps),
        lag=steps,
    )
    # Half a level is 2^-17; at the top a whole one is missing.
    assert np.abs(spikes.mean(axis=0) - np.clip(value, 0, 1)).max() <= 1e-4


STATES = {
    "plain": ("if", (2.5,), 1.0),
    "signed, up": ("signed", (1.5, 0.0), 1.0),
    "signed, down": ("signed", (-0.25, 1.0), -1.0),
    "signed, nothing sent": ("signed", (-0.25, 0.0), 0.0),
    "signed, at zero": ("signed", (0.0, 1.0), 0.0),
    "burst": ("burst", (2.5,), 2.0),
    "burst, at most": ("burst", (9.5,), 3.0),
    "burst, below": ("burst", (-2.5,), 0.0),
    # T = 6, step 1: 6 / 4.
    "bit-plane": ("bit_plane", (1.5,), 1.5),
    "bit-plane, below": ("bit_plane", (1.25,), 0.0),
}


@pytest.mark.parametrize(
    ("name", "state", "spike"), STATES.values(), ids=STATES
)
def test_one_decision(name, state, spike):
    tensors = tuple(tf.constant([part]) for part in state)
    spikes, after = KINDS[name].fire(tensors, 1, T)
    np.testing.assert_array_equal(spikes, [spike])
    np.testing.assert_array_equal(after[0], [state[0] - spike])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@every_kind
def test_a_step_keeps_the_dtype_and_takes_a_tensor(kind, dtype):
    state = kind.initial_state(tf.constant([0.5, 1.5, 4.0], dtype))
    spikes, after = kind.fire(state, tf.constant(2), T)
    assert {part.dtype.name for part in (spikes, *after)} == {dtype}
    wanted, _ = kind.fire(state, 2, T)
    np.testing.assert_array_equal(spikes, wanted)


@every_clock
def test_codes_hold_every_spike(kind, lag, current):
    spikes, _ = run(kind, current, 0.5, lag=lag)
    codes = [
        kind.encode(tf.constant(now), step, T)
        for step, now in enumerate(spikes)
    ]
    assert {code.dtype for code in codes} == {tf.uint8}
    assert np.max(codes) < 2**kind.bits
    options = {"dtype": tf.float64}
    one_by_one = [
        kind.decode(code, step, T, **options) for step, code in enumerate(codes)
    ]
    np.testing.assert_array_equal(one_by_one, spikes)
    at_once = kind.decode(tf.stack(codes), tf.range(T), T, **options)
    np.testing.assert_array_equal(at_once, spikes)


@pytest.mark.parametrize(
    ("most", "bits"), [(1, 1), (2, 2), (3, 2), (4, 3), (7, 3), (8, 4), (255, 8)]
)
def test_bits_of_a_burst(most, bits):
    assert Burst(most).bits == bits


def test_cost_of_spikes():
    spikes = tf.constant([0.0, 1.0, -1.0])
    np.testing.assert_array_equal(
        SignedIntegrateAndFire().accumulates(spikes), [0, 1, 1]
    )
    np.testing.assert_array_equal(
        Burst(3).accumulates(tf.constant([0.0, 1.0, 3.0])), [0, 1, 3]
    )
    np.testing.assert_array_equal(
        BitPlane().accumulates(tf.constant([0.0, 3.0, 0.75])), [0, 1, 1]
    )


@pytest.mark.parametrize("kind", [IntegrateAndFire(), BitPlane()])
def test_events_are_the_steps_with_a_spike(kind, rng):
    total = rng.integers(-64, 512, (1, 200)) / 64
    later = [total * 0] * (T - 1)
    spikes, _ = run(kind, np.stack([total, *later]), 0.0, lag=T)
    levels = spikes.mean(axis=0) * kind.quantiser(T).levels_per_threshold
    assert kind.has_events
    got = kind.events(tf.constant(np.round(levels)))
    np.testing.assert_array_equal(got, (spikes != 0).sum(axis=0))


# Multiples of 1/4: nothing rounds. From far below to several thresholds.
CURRENTS = np.arange(-24, 41)[:, None] / 4
POTENTIALS = np.arange(-40, 41)[None, :] / 4
GRID = np.broadcast_shapes(CURRENTS.shape, POTENTIALS.shape)


@pytest.mark.parametrize("constant", [True, False])
@pytest.mark.parametrize("steps", [1, 2, 4, 8])
@every_kind
def test_count_is_that_of_the_oracle(kind, steps, constant):
    current = np.broadcast_to(CURRENTS, GRID)
    slow = run_kind(
        kind.to_dict(),
        np.broadcast_to(current, (steps, *GRID)),
        1.0,
        POTENTIALS,
        lag=0 if constant else steps,
        at_once=constant and kind.needs_two_phase,
    )
    got = kind.count(
        tf.constant(POTENTIALS), tf.constant(current), steps, constant=constant
    )
    per_threshold = kind.quantiser(steps).levels_per_threshold
    wanted = slow.spikes.mean(axis=0) * per_threshold
    np.testing.assert_array_equal(got, wanted)


def test_a_hard_reset_has_no_count():
    assert not IntegrateAndFire("hard").has_counts
    assert all(kind.has_counts for kind in KINDS.values())


@every_kind
def test_only_the_plain_kind_is_plain(kind):
    assert kind.is_plain == (kind.name == "if")
    assert kind.needs_two_phase == (kind.name == "bit_plane")
    assert "addition" in kind.spike_cost


@every_kind
def test_dictionaries_round_trip(kind):
    values = json.loads(json.dumps(kind.to_dict()))
    assert neuron_kind(values) == kind
    assert hash(neuron_kind(values)) == hash(kind)


def test_kinds_by_name():
    assert list(NEURON_KINDS) == list(KINDS)
    assert neuron_kind("bit_plane") == BitPlane()
    assert neuron_kind(KINDS["burst"]) is KINDS["burst"]


@stepwise
def test_the_step_makes_no_difference(kind):
    state = kind.initial_state(tf.constant([0.5, 1.5, 4.0]))
    fired = [kind.fire(state, step, T)[0].numpy() for step in range(T)]
    assert all(np.array_equal(a, b) for a, b in itertools.pairwise(fired))


WRONG = {
    "name": ("poisson", "Neuron kind 'poisson'. Supported: 'if', 'signed', 'b"),
    "nothing": ({}, "Neuron kind None. Supported: 'if'"),
    "parameter": (
        {"name": "signed", "max_spikes": 2},
        "Neuron kind 'signed' received {'max_spikes': 2}",
    ),
    "reset": ({"name": "if", "reset": "zero"}, "reset='zero'. Supported: 's"),
    "burst": ({"name": "burst", "max_spikes": 0}, "max_spikes=0. Supported: w"),
    "byte": ({"name": "burst", "max_spikes": 256}, "1...255. Typical is 4."),
    "half": ({"name": "burst", "max_spikes": 1.5}, "max_spikes=1.5. Supported"),
}


@pytest.mark.parametrize(("value", "text"), WRONG.values(), ids=WRONG)
def test_other_kinds_are_refused(value, text):
    with pytest.raises(ValueError, match=re.escape(text)):
        neuron_kind(value)
