import numpy as np
import pytest
import tensorflow as tf

from tests.reference.neuron import integrate_and_fire
from tests.reference.neuron_kinds import run_kind
from tests.support.kinds import EXTENDED, KINDS
from tfsnn.calibration.graphs import Graphs
from tfsnn.calibration.neuron_run import NeuronRun
from tfsnn.calibration.spike_store import train_of
from tfsnn.conversion.spiking import assign_parameters, neuron_layer
from tfsnn.dynamics import Burst, IntegrateAndFire
from tfsnn.types import NeuronParameters

FEATURES = (2, 3)
BATCH = 3
PARAMETERS = {
    "layer": NeuronParameters(np.float32(2), np.float32(1)),
    "channel": NeuronParameters(
        np.float32([1, 2, 4]),
        np.float32([0.5, 1, 0]),
        np.float32([0, 0.25, -0.5]),
    ),
    "neuron": NeuronParameters(
        np.full(FEATURES, 2, "float32"),
        np.eye(2, 3, dtype="float32"),
        np.float32(0.25),
    ),
    "temporal": NeuronParameters(
        np.array([1.0, 2.0, 0.5], "float32"),
        np.array([0.5, 1.0, 0.25], "float32"),
        np.array([0.25, 0, -0.5], "float32"),
        # Longer than any run here: more than one piece of each kind.
        (np.arange(3 * 70).reshape(70, 3) % 7 / 8 - 0.375).astype("float32"),
    ),
}
PLAIN = IntegrateAndFire()
extended = pytest.mark.parametrize("kind", EXTENDED.values(), ids=EXTENDED)
every_granularity = pytest.mark.parametrize("granularity", PARAMETERS)


def currents(timesteps, dtype="float32"):
    """Multiples of 1/8 `[T, B, ...]`: nothing rounds."""
    rng = np.random.default_rng(timesteps)
    return (rng.integers(-8, 17, (timesteps, BATCH, *FEATURES)) / 8).astype(
        dtype
    )


def parameters_of(granularity, timesteps):
    parameters = PARAMETERS[granularity]
    if parameters.temporal_bias is None:
        return parameters
    return parameters.replace(
        temporal_bias=parameters.temporal_bias[:timesteps]
    )


def run_of(granularity, timesteps, **options):
    options = {"lag": 0, "kind": PLAIN, "constant": False, **options}
    parameters = parameters_of(granularity, timesteps)
    return NeuronRun(parameters, timesteps=timesteps, **options)


def train(run, current, timesteps, kind=PLAIN):
    """What is stored, in activation units."""
    packed = run.packed_train(current)
    return train_of(packed, kind, timesteps, tf.float32) * run.threshold


def expected_spikes(granularity, current, **options):
    parameters = parameters_of(granularity, len(current))
    bias = 0 if parameters.bias is None else parameters.bias
    return integrate_and_fire(
        current,
        parameters.threshold,
        parameters.initial_potential,
        bias=bias,
        temporal_bias=parameters.temporal_bias,
        **options,
    ).spikes


def folded(current):
    return tf.reshape(tf.constant(current), [-1, *FEATURES])


@pytest.mark.parametrize("reset", ["soft", "hard"])
@pytest.mark.parametrize(("timesteps", "lag"), [(1, 0), (4, 2), (7, 7)])
@every_granularity
def test_is_the_reference_neuron(granularity, timesteps, lag, reset):
    current = currents(timesteps)
    kind = IntegrateAndFire(reset)
    run = run_of(granularity, timesteps, lag=lag, kind=kind)
    spikes = expected_spikes(granularity, current, lag=lag, reset=reset)
    # T is no power of two everywhere: the mean may round once.
    np.testing.assert_allclose(
        run.mean_output(folded(current)), spikes.mean(0), rtol=1e-6
    )
    got = train(run, folded(current), timesteps)
    np.testing.assert_array_equal(got, spikes)


@pytest.mark.parametrize("granularity", ["channel", "temporal"])
def test_runs_of_more_steps_than_are_unrolled(granularity):
    current = currents(70)
    run = run_of(granularity, 70, lag=3)
    spikes = expected_spikes(granularity, current, lag=3)
    got = train(run, folded(current), 70)
    np.testing.assert_array_equal(got, spikes)
    np.testing.assert_allclose(
        run.mean_output(folded(current)), spikes.mean(0), rtol=1e-6
    )


@every_granularity
def test_a_constant_current_has_no_lag(granularity):
    current = currents(1)[0]
    run = run_of(granularity, 8, lag=8, constant=True)
    spikes = expected_spikes(granularity, [current] * 8)
    np.testing.assert_array_equal(
        run.mean_output(tf.constant(current)), spikes.mean(0)
    )


def clocks():
    for name, kind in KINDS.items():
        for lag in (4,) if kind.needs_two_phase else (0, 4):
            yield pytest.param(kind, lag, id=f"{name}, lag {lag}")


@every_granularity
@pytest.mark.parametrize(("kind", "lag"), list(clocks()))
def test_is_the_layer_of_the_spiking_model(granularity, kind, lag):
    layer = neuron_layer(
        "neuron",
        parameters_of(granularity, 4),
        feature_shape=FEATURES,
        kind=kind,
        dtype="float32",
        timesteps=4,
        lag=lag,
        temporal_input=True,
    )
    rng = np.random.default_rng(0)
    current = tf.constant(rng.normal(size=(4 * BATCH, *FEATURES)), tf.float32)
    layer.build(current.shape)
    assign_parameters(layer, parameters_of(granularity, 4))
    run = run_of(granularity, 4, lag=lag, kind=kind)
    got = train(run, current, 4, kind)
    np.testing.assert_array_equal(folded(got), layer(current))


def expected_of(kind, current, granularity, **options):
    """The reference neuron of a kind, one channel at a time."""
    parameters = PARAMETERS[granularity]
    bias = 0 if parameters.bias is None else parameters.bias
    threshold, start, bias = (
        np.broadcast_to(values, FEATURES)
        for values in (parameters.threshold, parameters.initial_potential, bias)
    )
    spikes = np.zeros(current.shape)
    for index in np.ndindex(*FEATURES):
        at = (slice(None), slice(None), *index)
        spikes[at] = run_kind(
            kind.to_dict(),
            current[at] + bias[index],
            threshold[index],
            start[index],
            **options,
        ).spikes
    return spikes


@extended
@pytest.mark.parametrize("timesteps", [1, 7, 19])
@pytest.mark.parametrize("granularity", ["layer", "channel", "neuron"])
def test_is_the_reference_neuron_of_its_kind(granularity, timesteps, kind):
    """Of more than one byte; 19 steps are several pieces."""
    lag = timesteps if kind.needs_two_phase else timesteps // 3
    current = currents(timesteps) * (3 if kind.name == "burst" else 1)
    run = run_of(granularity, timesteps, lag=lag, kind=kind)
    spikes = expected_of(kind, current, granularity, lag=lag)
    got = train(run, folded(current), timesteps, kind)
    # What a bit is worth, T 2^-(t+1), is exact; times the threshold, too.
    np.testing.assert_array_equal(got, spikes)
    np.testing.assert_allclose(
        run.mean_output(folded(current)), spikes.mean(0), rtol=1e-6
    )
    assert len(np.unique(spikes)) > (2 if timesteps > 1 else 1)


@extended
def test_a_constant_current_of_every_kind(kind):
    """It is known at once: bit planes of it do not wait."""
    current = currents(1)[0]
    run = run_of("channel", 8, lag=8, kind=kind, constant=True)
    train_in = np.repeat(current[None], 8, axis=0)
    at_once = kind.needs_two_phase
    spikes = expected_of(kind, train_in, "channel", at_once=at_once)
    np.testing.assert_array_equal(
        run.mean_output(tf.constant(current)), spikes.mean(0)
    )


def test_bursts_of_one_are_plain_spikes():
    current = folded(currents(19))
    plain, burst = (
        run_of("channel", 19, kind=kind).packed_train(current)
        for kind in (PLAIN, Burst(1))
    )
    np.testing.assert_array_equal(plain, burst)


@pytest.mark.parametrize("dtype", ["float64", "bfloat16", "float16"])
@pytest.mark.parametrize("constant", [False, True])
def test_currents_of_any_precision(dtype, constant):
    current = currents(4)[:1] if constant else currents(4)
    run = run_of("channel", 4, constant=constant)
    got = run.mean_output(tf.cast(folded(current), dtype))
    assert got.dtype == tf.float32
    np.testing.assert_array_equal(got, run.mean_output(folded(current)))


def test_graphs_are_shared_by_batches_and_runs():
    graphs = Graphs()
    for batch in (1, 2, 5):
        run = run_of("channel", 2, graphs=graphs)
        run.mean_output(tf.zeros([2 * batch, *FEATURES]))
    assert len(graphs) == 1
