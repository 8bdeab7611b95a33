import numpy as np
import pytest
import tensorflow as tf

from tests.reference.neuron import integrate_and_fire
from tfsnn.calibration.graphs import Graphs
from tfsnn.calibration.neuron_run import NeuronRun
from tfsnn.calibration.spike_store import unpack
from tfsnn.conversion.spiking import assign_parameters, neuron_layer
from tfsnn.dynamics import IntegrateAndFire
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
    options = {"lag": 0, "reset": "soft", "constant": False, **options}
    parameters = parameters_of(granularity, timesteps)
    return NeuronRun(parameters, timesteps=timesteps, **options)


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
    run = run_of(granularity, timesteps, lag=lag, reset=reset)
    spikes = expected_spikes(granularity, current, lag=lag, reset=reset)
    # T is no power of two everywhere: the mean may round once.
    np.testing.assert_allclose(
        run.mean_output(folded(current)), spikes.mean(0), rtol=1e-6
    )
    train = unpack(run.packed_train(folded(current)), timesteps, run.threshold)
    np.testing.assert_array_equal(train, spikes)


@pytest.mark.parametrize("granularity", ["channel", "temporal"])
def test_runs_of_more_steps_than_are_unrolled(granularity):
    current = currents(70)
    run = run_of(granularity, 70, lag=3)
    spikes = expected_spikes(granularity, current, lag=3)
    train = unpack(run.packed_train(folded(current)), 70, run.threshold)
    np.testing.assert_array_equal(train, spikes)
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


@every_granularity
@pytest.mark.parametrize("lag", [0, 4])
def test_is_the_layer_of_the_spiking_model(granularity, lag):
    layer = neuron_layer(
        "neuron",
        parameters_of(granularity, 4),
        feature_shape=FEATURES,
        kind=IntegrateAndFire(),
        dtype="float32",
        timesteps=4,
        lag=lag,
        temporal_input=True,
    )
    rng = np.random.default_rng(0)
    current = tf.constant(rng.normal(size=(4 * BATCH, *FEATURES)), tf.float32)
    layer.build(current.shape)
    assign_parameters(layer, parameters_of(granularity, 4))
    run = run_of(granularity, 4, lag=lag)
    train = unpack(run.packed_train(current), 4, run.threshold)
    np.testing.assert_array_equal(folded(train), layer(current))


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
