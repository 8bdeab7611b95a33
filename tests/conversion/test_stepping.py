"""Step by step gives what all steps at once give."""

import collections
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support.convertible import CASES
from tests.support.spiking_networks import (
    IMAGE_SHAPE,
    classifier,
    images,
    make_dyadic,
    residual_network,
    spiking,
    with_lags,
)
from tfsnn.conversion import with_dtype_policy, with_unit_spikes
from tfsnn.conversion.stepping import SteppingForm
from tfsnn.errors import ConversionError
from tfsnn.layers import SpikingActivation
from tfsnn.types import NeuronParameters

T = 5
SIGNATURE = [tf.TensorSpec([None, *IMAGE_SHAPE])]


def compiled(form):
    return tf.function(form.run, input_signature=SIGNATURE)


def assert_same_bits(run, model, batch_sizes=(1, 2, 3)):
    """Compares all outputs; dyadic weights leave nothing to round."""
    for count in batch_sizes:
        batch = images(count, seed=count)
        outputs = keras.tree.flatten(model(batch))
        for got, wanted in zip(
            keras.tree.flatten(run(batch)), outputs, strict=True
        ):
            assert np.ptp(wanted) > 0
            np.testing.assert_array_equal(got, wanted)


@pytest.fixture(scope="module")
def residual():
    return make_dyadic(residual_network())


@pytest.mark.parametrize("lag", [0, 1, 2, T])
def test_outputs_equal_those_of_the_folded_model(residual, lag):
    model = spiking(residual, timesteps=T, lag=lag)
    assert_same_bits(compiled(SteppingForm(model)), model)


def test_windows_compile(residual):
    model = spiking(residual, timesteps=T, lag=1)
    form = SteppingForm(model)
    batch = images(2)
    got = tf.function(form.run, jit_compile=True)(batch)
    for one, wanted in zip(
        keras.tree.flatten(got), keras.tree.flatten(model(batch)), strict=True
    ):  # XLA divides by T with another rounding.
        np.testing.assert_allclose(one, wanted, atol=1e-6)


@pytest.mark.parametrize("lag", [0, 1, T])
def test_each_layer_runs_in_its_window_alone(residual, lag, monkeypatch):
    """T times; without that T and all the lags on the way."""
    form = SteppingForm(spiking(residual, timesteps=T, lag=lag))
    layers = [
        call.name
        for call in form.timetable.steps
        if call.kind in ("Conv2D", "Dense")
    ]
    batch = images(2)
    constants = form.prelude(batch)
    state = form.initial_state(2)
    runs = collections.Counter()
    for kind in (keras.layers.Conv2D, keras.layers.Dense):
        call = kind.call

        def counted(self, *args, call=call, **kwargs):
            runs[self.name] += 1
            return call(self, *args, **kwargs)

        monkeypatch.setattr(kind, "call", counted)
    for _ in range(form.latency_steps):
        _, state = form.step(constants, state)
    assert len(layers) > 3
    assert runs == dict.fromkeys(layers, T)


def test_paths_with_different_lags(residual):
    lags = {"first": 2, "inner": 0, "block": 3, "strided": 1, "joined": T}
    model = with_lags(spiking(residual, timesteps=T), lags)
    assert_same_bits(compiled(SteppingForm(model)), model)


@pytest.mark.parametrize("lag", [0, 2, T])
@pytest.mark.parametrize("unit", [False, True])
def test_max_pooling(lag, unit):
    """Of spikes, of currents, of a constant, and where windows differ."""
    model = make_dyadic(CASES["max_pooled"]())
    model = spiking(model, timesteps=T, lag=lag)
    if unit:
        model = with_unit_spikes(model)
    assert_same_bits(compiled(SteppingForm(model)), model)


def test_more_steps_than_are_unrolled():
    model = spiking(make_dyadic(classifier()), timesteps=80, lag=1)
    assert_same_bits(compiled(SteppingForm(model)), model)


PARAMETERS = {
    "channel": NeuronParameters(
        np.array([0.5, 1.0, 2.0, 1.0]), np.zeros(4), np.full(4, 0.25)
    ),
    "neuron": NeuronParameters(
        np.full((4, 4, 4), 0.5), np.full((4, 4, 4), 0.125), np.array(-0.125)
    ),
}


@pytest.mark.parametrize("reset", ["soft", "hard"])
@pytest.mark.parametrize("per", PARAMETERS)
def test_every_kind_of_parameter(reset, per):
    model = spiking(
        make_dyadic(classifier()),
        lag=1,
        reset=reset,
        parameters={"first": PARAMETERS[per]},
    )
    assert_same_bits(compiled(SteppingForm(model)), model)


@pytest.mark.parametrize("lag", [0, 2, T])
@pytest.mark.parametrize("unit", [False, True])
def test_temporal_bias(residual, lag, unit):
    charges = (np.arange(3 * T).reshape(T, 3) % 5 - 2) / 4
    parameters = {
        name: NeuronParameters(np.full(3, 2.0), np.ones(3), None, charges)
        for name in ("first", "block")
    }
    options = {"timesteps": T, "lag": lag}
    without = spiking(residual, **options)
    model = spiking(residual, **options, parameters=parameters)
    if unit:
        folded, model = model, with_unit_spikes(model)
        for a, b in zip(folded(images(2)), model(images(2)), strict=True):
            np.testing.assert_array_equal(a, b)
    assert np.any(without(images(2))[0] != model(images(2))[0])
    assert_same_bits(compiled(SteppingForm(model)), model)


def test_unit_spikes_in_half_precision(residual):
    model = with_unit_spikes(spiking(residual, timesteps=T, lag=1))
    model = with_dtype_policy(model, "mixed_bfloat16")
    assert_same_bits(compiled(SteppingForm(model)), model)


def test_reloaded_models(residual, tmp_path):
    model = spiking(residual, timesteps=T, lag=1)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert_same_bits(compiled(SteppingForm(loaded)), model, [2])


def test_saved_model_takes_any_batch(residual, tmp_path):
    model = spiking(residual, timesteps=T, lag=1)
    module = tf.Module()
    module.form = SteppingForm(model)
    module.run = compiled(module.form)
    tf.saved_model.save(module, tmp_path / "saved")
    loaded = tf.saved_model.load(tmp_path / "saved")
    assert_same_bits(loaded.run, model)


def spike_counts(model, batch):
    """Spikes of each neuron over time, by the folded model."""
    neurons = [x for x in model.layers if isinstance(x, SpikingActivation)]
    trains = keras.Model(model.input, [x.output for x in neurons])(batch)
    return {
        layer.name: np.sum(
            np.reshape(train, (T, len(batch), *train.shape[1:])), axis=0
        )
        for layer, train in zip(neurons, trains, strict=True)
    }


@pytest.mark.parametrize("lag", [0, 2])
def test_spike_counts_with_random_weights(lag):
    keras.utils.set_random_seed(0)
    model = spiking(residual_network(), timesteps=T, lag=lag)
    batch = np.random.default_rng(0).uniform(size=(32, *IMAGE_SHAPE))
    form = SteppingForm(model)

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
        return form.over_time(
            form.prelude(batch), update, zeros, batch_size=len(batch)
        )

    counted = count(batch.astype("float32"))
    for name, wanted in spike_counts(model, batch).items():
        # A sum rounded otherwise may move a potential over the threshold.
        assert np.mean(counted[name] != wanted) <= 1e-3
        assert np.sum(wanted) > 0


def test_steps_by_hand(residual):
    model = spiking(residual, timesteps=T, lag=2)
    form = SteppingForm(model)
    batch = images(2)
    constants, state = form.prelude(batch), form.initial_state(2)
    seen = []
    for _ in range(form.latency_steps):
        readouts, state = form.step(constants, state)
        seen.append([np.any(readout) for readout in readouts])
    windows = np.transpose(seen)
    starts = [form.latency_steps - T, form.latency_steps - T, 0]
    for window, start in zip(windows, starts, strict=True):
        inside = np.arange(form.latency_steps) - start
        np.testing.assert_array_equal(window, (inside >= 0) & (inside < T))
    assert int(state.step) == form.latency_steps


def test_state_fits_its_specification(residual):
    form = SteppingForm(spiking(residual, lag=2))
    spec, state = form.state_spec(), form.initial_state(3)
    tf.nest.assert_same_structure(spec, state)
    for part, wanted in zip(
        tf.nest.flatten(state), tf.nest.flatten(spec), strict=True
    ):
        assert wanted.is_compatible_with(part)


@pytest.mark.parametrize("lag", [0, 1])
def test_another_number_of_steps(residual, lag):
    form = SteppingForm(spiking(residual, timesteps=T, lag=lag))
    other = spiking(residual, timesteps=3, lag=lag)
    assert_same_bits(lambda batch: form.run(batch, timesteps=3), other, [2])


@pytest.mark.parametrize(
    "timesteps, text", [(0, "timesteps=0"), (1, "lag=2 with timesteps=1")]
)
def test_steps_out_of_range_are_refused(residual, timesteps, text):
    form = SteppingForm(spiking(residual, lag=2))
    with pytest.raises(ValueError, match=text):
        form.run(images(1), timesteps=timesteps)


def test_outputs_so_far_are_those_of_shorter_runs(residual):
    form = SteppingForm(spiking(residual, timesteps=T))
    batch = images(2)
    so_far = list(form.per_step(batch))
    assert len(so_far) == T
    for number, outputs in enumerate(so_far, start=1):
        wanted = form.run(batch, timesteps=number)
        for a, b in zip(outputs, wanted, strict=True):
            # Eager and compiled softmax may round differently.
            np.testing.assert_allclose(a, b, rtol=1e-6)


def test_outputs_so_far_need_no_lag(residual):
    form = SteppingForm(spiking(residual, lag=1))
    with pytest.raises(ValueError, match="lags of up to 1 steps"):
        form.per_step(images(1))


def test_source_is_copied(residual):
    model = spiking(residual)
    before = SteppingForm(model).run(images(1))[0]
    form = SteppingForm(model)
    model.set_weights([w * 0 for w in model.get_weights()])
    np.testing.assert_array_equal(form.run(images(1))[0], before)


def test_plain_networks_are_refused():
    with pytest.raises(ConversionError, match="0 SpikingActivation"):
        SteppingForm(classifier())


def test_unknown_axes_are_refused():
    image = keras.Input((None, None, 2))
    x = keras.layers.ReLU()(keras.layers.Conv2D(3, 3)(image))
    model = keras.Model(image, keras.layers.GlobalAveragePooling2D()(x))
    with pytest.raises(ConversionError, match=r"shape \(None, None, 3\)"):
        SteppingForm(spiking(model))


MEMORY_PROGRAM = """
import resource, keras, numpy as np, tensorflow as tf
from tfsnn.conversion import convert
from tfsnn.conversion.stepping import SteppingForm
image = keras.Input((32, 32, 1))
x = keras.layers.ReLU()(keras.layers.Conv2D(8, 1)(image))
x = keras.layers.ReLU()(keras.layers.Conv2D(8, 1)(x))
x = keras.layers.GlobalAveragePooling2D()(x)
form = SteppingForm(convert(keras.Model(image, x)).spiking_model(2048))
run = tf.function(form.run, autograph=False)
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
images = np.ones((8, 32, 32, 1), "float32")
run(images, timesteps=8)
before = peak()
run(images, timesteps=2048)
print(peak() - before)
"""


def test_memory_does_not_grow_with_the_steps():
    result = subprocess.run(
        [sys.executable, "-c", MEMORY_PROGRAM],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    one_train = 2048 * 8 * 32 * 32 * 8 * 4 / 1024  # 512 MiB, in KiB
    assert int(result.stdout) < one_train / 10
