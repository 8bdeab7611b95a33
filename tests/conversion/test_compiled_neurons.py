"""Compiled neurons give the bits that plain operations give."""

import gc
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support.kinds import KINDS
from tests.support.spiking_networks import (
    IMAGE_SHAPE,
    images,
    make_dyadic,
    residual_network,
    spiking,
)
from tfsnn.conversion import SteppingForm, with_dtype_policy, with_unit_spikes
from tfsnn.conversion.compiled_neurons import CompiledNeurons
from tfsnn.conversion.neuron_step import neuron_step
from tfsnn.dynamics import IntegrateAndFire
from tfsnn.layers import SpikingActivation
from tfsnn.layers.extended_cell import neuron_cell
from tfsnn.types import NeuronParameters

T = 5
FEATURES = (4, 3, 6)
ALL_KINDS = {**KINDS, "hard": IntegrateAndFire("hard")}
every_kind = pytest.mark.parametrize("kind", ALL_KINDS.values(), ids=ALL_KINDS)
policies = pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])


def neuron(kind, policy="float32", *, lag=0, constant=False, **options):
    """A built neuron layer with random parameters of every shape."""
    cell = neuron_cell(
        kind,
        1.0,
        0.5,
        threshold_per=options.pop("threshold_per", "channel"),
        initial_potential_per="neuron",
        bias_per="channel",
        **options,
    )
    if kind.needs_two_phase:
        lag = 0 if constant else T
    layer = SpikingActivation(
        T,
        cell,
        lag=lag,
        temporal_input=not constant,
        use_temporal_bias=True,
        dtype=policy,
    )
    layer.build((None, *FEATURES))
    rng = np.random.default_rng(0)
    for variable in layer.variables:
        variable.assign(rng.uniform(0.3, 1.7, variable.shape))
    return layer


def run_of(neuron_step, layer, count=3, constant=False):
    """All that a neuron gives over a run, also outside of its windows."""
    rng = np.random.default_rng(count)
    currents = rng.normal(1.0, size=(T + layer.lag + 2, count, *FEATURES))
    currents = tf.cast(currents, layer.compute_dtype)
    if constant:
        currents = tf.cast(currents, layer.cell.variable_dtype)

    state, seen = layer.cell.initial_state(currents.shape[1:]), []
    for step, current in enumerate(currents):
        # Eagerly, for a graph optimiser may add up in another order.
        outputs = neuron_step(
            layer,
            current,
            state,
            tf.constant(step - 1),
            window=T,
            is_scaled=constant,
        )
        state = outputs.state
        seen.append(tf.nest.map_structure(np.asarray, outputs))
    return seen


def assert_same(found, wanted):
    tf.nest.assert_same_structure(found, wanted)
    pairs = zip(tf.nest.flatten(found), tf.nest.flatten(wanted), strict=True)
    for got, value in pairs:
        assert got.dtype == value.dtype
        np.testing.assert_array_equal(got, value)


@policies
@every_kind
@pytest.mark.parametrize("spike_values", ["threshold", "unit"])
def test_bits_of_a_neuron(kind, policy, spike_values):
    layer = neuron(kind, policy, lag=2, spike_values=spike_values)
    wanted = run_of(neuron_step, layer)
    assert len({float(np.sum(outputs.spikes)) for outputs in wanted}) > 2
    assert_same(run_of(CompiledNeurons(), layer), wanted)


@policies
@every_kind
def test_bits_of_a_constant_current(kind, policy):
    layer = neuron(kind, policy, constant=True)
    wanted = run_of(neuron_step, layer, constant=True)
    assert_same(run_of(CompiledNeurons(), layer, constant=True), wanted)


@policies
@pytest.mark.parametrize("per", [None, "layer", "channel", "neuron"])
def test_every_threshold(policy, per):
    layer = neuron(IntegrateAndFire(), policy, threshold_per=per)
    wanted = run_of(neuron_step, layer)
    assert_same(run_of(CompiledNeurons(), layer), wanted)


def test_float64():
    layer = neuron(IntegrateAndFire(), "float64", dtype="float64")
    wanted = run_of(neuron_step, layer)
    assert wanted[0].state[0].dtype == np.float64
    assert_same(run_of(CompiledNeurons(), layer), wanted)


def test_equal_neurons_share_a_graph_whatever_their_variables():
    neurons = CompiledNeurons()
    one, other = (neuron(IntegrateAndFire()) for _ in range(2))
    other.cell.threshold.assign(np.full(FEATURES[-1], 0.2))
    for layer in (one, other):
        assert_same(run_of(neurons, layer), run_of(neuron_step, layer))
    assert len(neurons) == 1


def test_batches_share_a_graph():
    neurons, layer = CompiledNeurons(), neuron(IntegrateAndFire())
    for count in (1, 2, 3):
        wanted = run_of(neuron_step, layer, count)
        assert_same(run_of(neurons, layer, count), wanted)
    assert len(neurons) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"lag": 1},
        {"policy": "mixed_bfloat16"},
        {"spike_values": "unit"},
        {"threshold_per": "layer"},
        {"kind": IntegrateAndFire("hard")},
    ],
    ids=str,
)
def test_different_neurons_do_not_share(change):
    neurons = CompiledNeurons()
    layers = [
        neuron(**{"kind": IntegrateAndFire(), **options})
        for options in ({}, change)
    ]
    for layer in layers:
        assert_same(run_of(neurons, layer), run_of(neuron_step, layer))
    assert len(neurons) == 2


def networks(lag, unit, policy):
    """The same network with plain and with compiled neurons."""
    charges = (np.arange(3 * T).reshape(T, 3) % 5 - 2) / 4
    parameters = NeuronParameters(np.full(3, 2.0), np.ones(3), None, charges)
    model = spiking(
        make_dyadic(residual_network()),
        timesteps=T,
        lag=lag,
        parameters={"first": parameters},
    )
    if unit:
        model = with_unit_spikes(model)
    model = with_dtype_policy(model, policy)
    return SteppingForm(model), SteppingForm(model, neurons=CompiledNeurons())


def compiled(form):
    spec = [tf.TensorSpec([None, *IMAGE_SHAPE])]
    return tf.function(form.run, input_signature=spec)


@policies
@pytest.mark.parametrize("lag", [0, 2, T])
@pytest.mark.parametrize("unit", [False, True])
def test_bits_of_a_network(lag, unit, policy):
    plain, fast = map(compiled, networks(lag, unit, policy))
    for count in (1, 3):
        for got, wanted in zip(
            fast(images(count)), plain(images(count)), strict=True
        ):
            assert np.ptp(wanted) > 0
            np.testing.assert_array_equal(got, wanted)


def compiles(function):
    """Whether any part of a concrete function is compiled by XLA."""
    graph = function.graph.as_graph_def()
    parts = [part.attr for part in graph.library.function]
    return any(attr["_XlaMustCompile"].b for attr in parts)


def test_only_what_is_asked_for_is_compiled():
    plain, fast = networks(0, True, "float32")
    assert not compiles(compiled(plain).get_concrete_function())
    assert compiles(compiled(fast).get_concrete_function())


def test_steps_by_hand():
    plain, fast = networks(1, True, "float32")
    batch = images(2)
    found = []
    for form in (plain, fast):
        constants, state = form.prelude(batch), form.initial_state(2)
        spikes = {}
        for _ in range(3):
            readouts, state = form.step(
                constants, state, observe=spikes.__setitem__
            )
        found.append((readouts, state, spikes))
    assert_same(*(tf.nest.map_structure(np.asarray, one) for one in found))


def spike_counts(form, batch):
    """Spikes of each neuron over time."""

    @tf.function
    def count(batch):
        def update(step, readouts, spikes, counts):
            return {name: counts[name] + spikes[name] for name in spikes}

        zeros = {
            call.name: tf.zeros_like(state[0])
            for call, state in zip(
                form.timetable.neurons,
                form.initial_state(len(batch)).neurons,
                strict=True,
            )
        }
        constants = form.prelude(batch)
        return form.over_time(constants, update, zeros, batch_size=len(batch))

    return count(batch)


def test_random_weights():
    keras.utils.set_random_seed(0)
    model = spiking(residual_network(), timesteps=T, lag=1)
    batch = np.random.default_rng(0).uniform(size=(32, *IMAGE_SHAPE))
    plain, fast = (
        spike_counts(form, batch.astype("float32"))
        for form in (
            SteppingForm(model),
            SteppingForm(model, neurons=CompiledNeurons()),
        )
    )
    for name, wanted in plain.items():
        # Plain sums may be added up in another order by the graph optimiser.
        assert np.mean(fast[name] != wanted) <= 1e-3
        assert np.sum(wanted) > 0


def test_graphs_are_freed_with_their_owner():
    neurons, layer = CompiledNeurons(), neuron(IntegrateAndFire())
    run_of(neurons, layer)
    assert len(neurons) == 1
    freed = weakref.ref(layer)
    del neurons, layer
    gc.collect()
    assert freed() is None
