"""Networks of neurons that are not plain."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support.convertible import build, make_images
from tests.support.kinds import EXTENDED, KINDS, STEPWISE
from tests.support.networks import outputs_of
from tests.support.spike_counts import counts, folded_levels
from tests.support.spiking_networks import (
    IMAGE_SHAPE,
    classifier,
    images,
    make_dyadic,
    residual_network,
    spiking,
)
from tfsnn import ConversionConfig, convert
from tfsnn.conversion import (
    SteppingForm,
    counting_model,
    latency_steps,
    stepping_model,
    with_dtype_policy,
    with_unit_spikes,
)
from tfsnn.conversion.counting_model import runs_on_counts
from tfsnn.conversion.timetable import timetable
from tfsnn.dynamics import BitPlane, Burst
from tfsnn.graph.trace import trace
from tfsnn.types import NeuronParameters

T = 5
BATCHES = (1, 2, 3)
extended = pytest.mark.parametrize("kind", EXTENDED.values(), ids=EXTENDED)
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


@functools.cache
def residual():
    return make_dyadic(residual_network())


def model_of(kind, timesteps=T, **options):
    return spiking(residual(), timesteps=timesteps, kind=kind, **options)


def assert_same_bits(run, model, batch_sizes=BATCHES):
    """Compares all outputs; dyadic weights leave nothing to round."""
    for count in batch_sizes:
        batch = images(count, seed=count)
        for got, wanted in zip(
            keras.tree.flatten(run(batch)),
            keras.tree.flatten(model(batch)),
            strict=True,
        ):
            assert np.ptp(wanted) > 0
            np.testing.assert_array_equal(got, wanted)


def clocks():
    for kind in EXTENDED.values():
        for lag in (T,) if kind.needs_two_phase else (0, 1, T):
            yield pytest.param(kind, lag, id=f"{kind.name}, lag {lag}")


@pytest.mark.parametrize(("kind", "lag"), list(clocks()))
def test_stepping_equals_the_folded_model(kind, lag):
    model = model_of(kind, lag=lag)
    form = SteppingForm(model)
    spec = [tf.TensorSpec([None, *IMAGE_SHAPE])]
    assert_same_bits(tf.function(form.run, input_signature=spec), model)


@pytest.mark.parametrize(("kind", "lag"), list(clocks()))
def test_telescoping_of_every_layer(kind, lag):
    """What a layer received and did not send is left in its potentials."""
    model = model_of(kind, lag=lag)
    form = SteppingForm(model)
    batch = images(2)
    calls = form.timetable.neurons
    tensors = [(call.input_tensors[0], call.outputs) for call in calls]
    trains = keras.Model(form.model.input, tensors)(batch)
    constants, state = form.prelude(batch), form.initial_state(2)
    start = [neuron[0] for neuron in state.neurons]
    for _ in range(form.latency_steps):
        _, state = form.step(constants, state)
    for call, (current, train), first, last in zip(
        calls, trains, start, state.neurons, strict=True
    ):
        current, train = np.asarray(current), np.asarray(train)
        temporal = call.operation.temporal_input
        steps = T if temporal else 1
        mean = current.reshape(steps, 2, *current.shape[1:]).mean(axis=0)
        sent = train.reshape(T, 2, *train.shape[1:]).mean(axis=0)
        # Means over five steps round.
        np.testing.assert_allclose(
            sent, mean - (last[0] - first) / T, atol=1e-5
        )


@extended
def test_initial_state_fits_its_specification(kind):
    form = SteppingForm(model_of(kind))
    spec, state = form.state_spec(), form.initial_state(3)
    tf.nest.assert_same_structure(spec, state)
    for part, wanted in zip(
        tf.nest.flatten(state), tf.nest.flatten(spec), strict=True
    ):
        assert wanted.is_compatible_with(part)


@extended
def test_stepping_model(kind):
    folded = spiking(make_dyadic(classifier()), timesteps=T, kind=kind)
    model = stepping_model(folded, batch_size=2)
    steps = [model(images(2)).numpy() for _ in range(latency_steps(folded))]
    np.testing.assert_array_equal(
        sum(steps[-T:]) / np.float32(T), folded(images(2))
    )
    model.reset_state()
    np.testing.assert_array_equal(model(images(2)), steps[0])


def dyadic_parameters(kind, timesteps):
    """Powers of two; potentials below zero and above the threshold, too."""
    rng = np.random.default_rng(0)
    parameters = {}
    for number, name in enumerate(("first", "inner", "block", "strided")):
        threshold = 2.0 ** rng.integers(-2, 1, 3)
        start = threshold * rng.integers(-3, 8, 3) / 4
        if kind.needs_two_phase:
            start = threshold * kind.rounding_charge(timesteps)
        bias = rng.integers(-2, 3, 3) / 8 if number % 2 else None
        parameters[name] = NeuronParameters(threshold, start, bias)
    return parameters


@pytest.mark.parametrize("unit", [False, True], ids=["threshold", "unit"])
@every_kind
def test_counts_are_those_of_the_folded_model(kind, unit):
    steps = 8
    model = model_of(
        kind, steps, lag=steps, parameters=dyadic_parameters(kind, steps)
    )
    model = with_unit_spikes(model) if unit else model
    counting = counting_model(model)
    assert_same_bits(counting, model)
    expected = folded_levels(model, images(2))
    for name, found in counts(counting, images(2)).items():
        np.testing.assert_array_equal(found.counts, expected[name])


@pytest.mark.parametrize("steps", [1, 3, 12])
def test_counts_of_bit_planes(steps):
    model = spiking(
        make_dyadic(classifier()),
        timesteps=steps,
        kind=BitPlane(),
        parameters={
            "second": NeuronParameters(
                np.array(4.0), np.array(4.0 * BitPlane().rounding_charge(steps))
            )
        },
    )
    counting = counting_model(model)
    expected = folded_levels(model, images(4))
    for name, found in counts(counting, images(4)).items():
        assert len(np.unique(found.counts)) > 1
        np.testing.assert_array_equal(found.counts, expected[name])
    # The means of three and twelve steps round.
    np.testing.assert_allclose(
        counting(images(4)), model(images(4)), rtol=1e-5, atol=1e-5
    )


@extended
def test_unit_spikes_give_the_same_bits(kind):
    model = model_of(kind, parameters=dyadic_parameters(kind, T))
    unit = with_unit_spikes(model)
    assert_same_bits(unit, model)
    for name in ("first", "block"):
        cell = unit.get_layer(name).cell
        assert (cell.threshold, cell.kind) == (1.0, kind)


@extended
def test_unit_spikes_in_half_precision(kind):
    unit = with_unit_spikes(model_of(kind))
    model = with_dtype_policy(unit, "mixed_bfloat16")
    assert model.get_layer("first").cell.kind == kind
    assert_same_bits(SteppingForm(model).run, model, [2])


@extended
def test_reloaded_models_are_bitwise_equal(kind, tmp_path):
    model = model_of(kind)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.get_layer("block").cell.kind == kind
    assert_same_bits(loaded, model, [2])
    assert_same_bits(SteppingForm(loaded).run, model, [2])


@extended
def test_saved_model(kind, tmp_path):
    model = model_of(kind)
    module = tf.Module()
    module.form = SteppingForm(model)
    module.run = tf.function(
        module.form.run, input_signature=[tf.TensorSpec([None, *IMAGE_SHAPE])]
    )
    tf.saved_model.save(module, tmp_path / "saved")
    loaded = tf.saved_model.load(tmp_path / "saved")
    assert_same_bits(loaded.run, model, [2])


@pytest.mark.parametrize("jit", [False, True], ids=["graph", "xla"])
@extended
def test_compiled_models(kind, jit):
    model = spiking(make_dyadic(classifier()), timesteps=T, kind=kind)
    run = tf.function(lambda x: model(x, training=False), jit_compile=jit)
    assert_same_bits(run, model, [2])


def covering(conversion, batch):
    """Thresholds that no activation exceeds, and the charge that rounds."""
    kind = conversion.config.kind
    names = conversion.neuron_names
    analog = conversion.analog
    outputs = [analog.get_layer(name).output for name in names]
    found = {}
    for name, values in zip(
        names,
        outputs_of(keras.Model(analog.input, outputs), batch),
        strict=True,
    ):
        threshold = np.float32(max(values.max(), 1e-3) * 1.01)
        found[name] = NeuronParameters(
            threshold, threshold * np.float32(kind.rounding_charge(16))
        )
    return found


def test_sixteen_bit_planes_are_the_network():
    config = ConversionConfig(neuron="bit_plane")
    conversion = convert(build("residual"), config=config)
    batch = make_images(3)
    model = conversion.spiking_model(16, parameters=covering(conversion, batch))
    (got,), (wanted,) = (
        outputs_of(one, batch) for one in (model, build("residual"))
    )
    # Each unit is off by theta 2^-17.
    assert np.abs(got - wanted).max() <= 1e-4 * np.abs(wanted).max()


def test_signed_neurons_come_nearer_than_plain_ones():
    batch = make_images(8)
    errors = {}
    for neuron in ("if", "signed"):
        conversion = convert(
            build("residual"), config=ConversionConfig(neuron=neuron)
        )
        model = conversion.spiking_model(
            16, parameters=covering(conversion, batch)
        )
        (got,), (wanted,) = (
            outputs_of(one, batch) for one in (model, conversion.analog)
        )
        errors[neuron] = np.linalg.norm(got - wanted)
    assert errors["signed"] < errors["if"]


@pytest.mark.parametrize(
    ("neuron", "lag", "potential"),
    [("if", 0, 0.5), ("signed", 0, 0.5), ("burst", 0, 0.5)]
    + [("bit_plane", 4, 4 * 2.0**-5)],
)
def test_defaults_of_a_conversion(neuron, lag, potential):
    config = ConversionConfig(neuron=neuron, max_spikes=3)
    conversion = convert(build("residual"), config=config)
    model = conversion.spiking_model(4)
    lags = [model.get_layer(n).lag for n in conversion.neuron_names]
    assert lags == [0, lag, lag]
    for name in conversion.neuron_names:
        cell = model.get_layer(name).cell
        assert cell.kind == config.kind
        assert float(cell.initial_potential) == potential


def test_bit_planes_of_another_lag_are_refused():
    config = ConversionConfig(neuron="bit_plane")
    conversion = convert(build("residual"), config=config)
    with pytest.raises(ValueError, match="lag=0 with timesteps=4 and neurons"):
        conversion.spiking_model(4, lag=0)
    with pytest.raises(ValueError, match="timesteps=25 with neurons of kind"):
        conversion.spiking_model(25)


def test_bit_planes_have_one_number_of_steps():
    form = SteppingForm(model_of(BitPlane()))
    text = "timesteps=6 for model 'functional.*t5', whose neurons fire 5 bits"
    with pytest.raises(ValueError, match=text):
        form.run(images(1), timesteps=6)


def single(kind):
    """A network whose only neurons have a constant current."""
    image = keras.Input(IMAGE_SHAPE)
    x = keras.layers.Conv2D(2, 3, name="conv")(image)
    x = keras.layers.Flatten()(keras.layers.ReLU(name="neuron")(x))
    model = keras.Model(image, keras.layers.Dense(3)(x))
    return spiking(make_dyadic(model), timesteps=4, kind=kind)


def test_bit_planes_of_a_constant_add_no_latency():
    model = single(BitPlane())
    assert latency_steps(model) == 4
    assert_same_bits(SteppingForm(model).run, model)


def test_bit_planes_have_no_outputs_so_far():
    form = SteppingForm(single(BitPlane()))
    with pytest.raises(ValueError, match="or bit-plane neurons. Supported: o"):
        form.per_step(images(1))
    assert len(list(SteppingForm(single(Burst(2))).per_step(images(1)))) == 4


@every_kind
def test_two_phase_networks_run_on_counts(kind):
    assert runs_on_counts(timetable(trace(model_of(kind, lag=T))))


@pytest.mark.parametrize("kind", STEPWISE.values(), ids=STEPWISE)
def test_pipelined_networks_do_not(kind):
    assert not runs_on_counts(timetable(trace(model_of(kind))))
