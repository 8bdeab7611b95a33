"""A network with two inputs through the whole house."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support.convertible import conv
from tests.support.networks import with_random_weights
from tfsnn import (
    ConversionConfig,
    SweepConfig,
    calibrate,
    check,
    convert,
    diagnose,
    evaluate,
    export_saved_model,
    pipelines,
    survey,
)
from tfsnn.baselines import fine_tune
from tfsnn.calibration.images import CalibrationImages
from tfsnn.conversion import draw_segments
from tfsnn.conversion.stepping import SteppingForm
from tfsnn.conversion.stepping_model import stepping_model
from tfsnn.errors import ConversionError, DataError, ExportError
from tfsnn.evaluation import spike_rasters, threshold_curves
from tfsnn.evaluation.labelled import labelled_batches
from tfsnn.exchange import export_litert
from tfsnn.export import (
    ImageDecoding,
    export_bundle,
    reload_check,
    second_batch,
)
from tfsnn.inputs import input_shapes

layers = keras.layers
N = 32
SHAPES = {"view": (6, 6, 2), "side": (5,)}
RNG = np.random.default_rng(0)
PIXELS = RNG.normal(size=(N, 6, 6, 2)).astype("float32")
SIDE = RNG.normal(size=(N, 5)).astype("float32")
LABELS = RNG.integers(0, 3, N)
BOTH = (PIXELS, SIDE)
NAMED = {"side": SIDE, "view": PIXELS}


def network(*, named=False):
    view = keras.Input((6, 6, 2), name="view")
    side = keras.Input((5,), name="side")
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(conv(view, 5)))
    x = layers.Concatenate()([layers.Dense(5)(x), side])
    x = layers.Dense(3)(layers.ReLU()(layers.Dense(6)(x)))
    inputs = [view, side]
    if named:
        inputs = {"side": side, "view": view}
    model = keras.Model(inputs, layers.Softmax()(x), name="two_inputs")
    return with_random_weights(model, np.random.default_rng(1))


@functools.cache
def source():
    return network()


@functools.cache
def calibrated(lag=0):
    config = SweepConfig(lag=lag)
    return calibrate(source(), BOTH, timesteps=[4, 8], config=config)


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        rows = slice(8 * index, 8 * index + 8)
        return (PIXELS[rows], SIDE[rows]), LABELS[rows]


def representative():
    for view, side in zip(PIXELS, SIDE, strict=True):
        yield [view[None], side[None]]


def dataset(*elements):
    return tf.data.Dataset.from_tensor_slices(*elements)


UNLABELLED = {
    "tuple": BOTH,
    "list": list(BOTH),
    "dict": NAMED,
    "dict of tensors": {name: tf.constant(x) for name, x in NAMED.items()},
    "representative data set": representative,
    "tf.data of tuples": dataset(BOTH).batch(5),
    "tf.data of dicts": dataset(NAMED),
    "list of batches": [(PIXELS[:20], SIDE[:20]), (PIXELS[20:], SIDE[20:])],
}
LABELLED = {
    "tuple": (BOTH, LABELS),
    "list in a tuple": (list(BOTH), LABELS),
    "dict in a tuple": (NAMED, LABELS),
    "list": [BOTH, LABELS],
    "dict": {**NAMED, "label": LABELS},
    "tf.data of tuples": dataset((BOTH, LABELS)).batch(5),
    "tf.data of dicts": dataset((NAMED, LABELS)),
    "PyDataset": Batches(),
    "callable": lambda: (NAMED, LABELS, np.ones(N)),
}


@pytest.mark.parametrize("form", [*UNLABELLED, *LABELLED])
def test_forms_of_calibration_data(form):
    for data in (forms.get(form) for forms in (UNLABELLED, LABELLED)):
        if data is not None:
            found = CalibrationImages.from_any(data, input_shape=SHAPES)
            np.testing.assert_array_equal(found.images[0], PIXELS)
            np.testing.assert_array_equal(found.images[1], SIDE)


@pytest.mark.parametrize("form", LABELLED)
def test_forms_of_labelled_data(form):
    batches = list(
        labelled_batches(LABELLED[form], input_shape=SHAPES, batch_size=12)
    )
    assert [len(labels) for _, labels in batches] == [12, 12, 8]
    for wanted, *parts in zip(
        BOTH, *(images for images, _ in batches), strict=True
    ):
        np.testing.assert_array_equal(np.concatenate(parts), wanted)
    found = np.concatenate([labels for _, labels in batches])
    np.testing.assert_array_equal(found, LABELS)


def test_draws_the_same_rows_of_each_input():
    numbers = np.arange(40, dtype="float32")[:, None]
    found = CalibrationImages.from_any(
        (numbers, -numbers),
        input_shape={"a": (1,), "b": (1,)},
        max_images=16,
        seed=3,
    )
    assert len(found) == 16
    np.testing.assert_array_equal(found.images[0], -found.images[1])
    assert len(np.unique(found.images[0])) == 16


@pytest.mark.parametrize(
    ("data", "text"),
    [
        pytest.param(
            (PIXELS, LABELS),
            r"Input 'side': Received integers of shape \(32,\) as images: these"
            r" look like labels in the data. Supported: \[B, 5\]. Pass the"
            r" inputs in a tuple, \(\(view, side\), labels\), or as a dict",
            id="labels for the second input",
        ),
        pytest.param(
            (PIXELS, SIDE, LABELS),
            r"3 entries in a tuple, of shapes .* with 2 inputs: view, side."
            r".*\(\(view, side\), labels\)",
            id="labels behind the inputs",
        ),
        pytest.param(PIXELS, "one ndarray as the data", id="one array"),
        pytest.param(
            {"view": PIXELS, "sides": SIDE},
            r"entries \['view', 'sides'\], without \['side'\],",
            id="another name",
        ),
        pytest.param(
            (SIDE, PIXELS), "Input 'view': Received images", id="exchanged"
        ),
        pytest.param(
            (PIXELS, SIDE[:30]),
            r"\{'view': 32, 'side': 30\} rows. Supported: as many rows",
            id="another number",
        ),
        pytest.param(
            (PIXELS, np.full_like(SIDE, np.nan)), "160 NaN", id="not finite"
        ),
        pytest.param(
            dataset((PIXELS, LABELS)).batch(8),
            "Input 'side': Received integers",
            id="labels in tf.data",
        ),
    ],
)
def test_says_what_was_received(data, text):
    with pytest.raises(DataError, match=text):
        calibrate(source(), data, timesteps=[2])


def test_arrays_side_by_side_are_no_labelled_data():
    with pytest.raises(DataError, match="Pass .*view, side.*, labels"):
        evaluate(source(), BOTH)
    with pytest.raises(DataError, match="Pass .*view, side.*, labels"):
        evaluate(source(), dataset(BOTH).batch(4))


def test_survey_and_picture(tmp_path):
    assert check(source()).ok
    found = survey(source(), timesteps=4)
    read = {one for row in found.segments for one in row.sources}
    assert {"/view", "/side"} <= read
    assert found.estimate.analog_seconds > 0
    assert draw_segments(found, tmp_path / "segments.svg").stat().st_size


@pytest.mark.parametrize("named", [False, True])
def test_large_t_comes_near(named):
    model = network(named=named)
    conversion = convert(model, sample=NAMED if named else BOTH)
    wanted = model(NAMED if named else list(BOTH))
    config = SweepConfig(lag=256)
    result = calibrate(conversion, NAMED, timesteps=[256], config=config)
    got = result[256](NAMED if named else list(BOTH))
    # Held-out images may lie beyond a threshold.
    assert np.quantile(np.abs(got - np.asarray(wanted)), 0.9) <= 2e-3


SOME = ("uncalibrated", "temporal", "fitted")
TRAINING = ("trained", "reconstructed", "advanced", "published_code")


@pytest.mark.parametrize(
    "name",
    [*SOME, *(pytest.param(n, marks=pytest.mark.slow) for n in TRAINING)],
)
@pytest.mark.parametrize("lag", [0, 4])
def test_every_pipeline(name, lag):
    result = calibrate(
        source(),
        BOTH,
        timesteps=[4],
        pipeline=getattr(pipelines, name)(),
        config=SweepConfig(lag=lag),
    )
    assert np.isfinite(result[4](list(BOTH))).all()


@pytest.mark.parametrize(
    "options",
    [
        {"spikes": "unit", "average_pool": "neuron", "equalise": True},
        {"neuron": "bit_plane"},
        {"neuron": "burst"},
    ],
    ids=str,
)
def test_options_of_the_conversion(options):
    conversion = convert(source(), config=ConversionConfig(**options))
    result = calibrate(
        conversion, BOTH, timesteps=[8], pipeline=pipelines.uncalibrated()
    )
    wanted = np.asarray(source()(list(BOTH)))
    got = np.asarray(result[8](list(BOTH)))
    assert np.quantile(np.abs(got - wanted), 0.9) <= 0.1


@pytest.mark.slow
def test_search(tmp_path):
    config = SweepConfig(checkpoint=tmp_path / "run")
    result = calibrate(
        source(),
        BOTH,
        timesteps=[4],
        pipeline=pipelines.best(budget=1),
        config=config,
    )
    assert any(trial.error is not None for trial in result.trials)


@pytest.mark.parametrize(
    ("lag", "T", "execution"),
    [(0, 4, "folded"), (0, 8, "stepping"), (8, 8, "counts")],
)
def test_evaluates(lag, T, execution):
    model = calibrated(lag)[T]
    found = evaluate(model, (NAMED, LABELS), reference=source(), batch_size=8)
    assert found.execution == execution
    wanted = np.argmax(model.predict(list(BOTH), verbose=0), axis=1)
    analog = np.argmax(source().predict(list(BOTH), verbose=0), axis=1)
    assert found.accuracy == pytest.approx(np.mean(wanted == LABELS))
    assert found.agreement == pytest.approx(np.mean(wanted == analog))
    again = evaluate(model, (BOTH, LABELS), reference=analog, num_images=20)
    assert again.num_images == 20


def test_refuses_a_reference_with_inputs_in_another_order():
    one, other = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    outputs = layers.Dense(2)(layers.ReLU()(layers.Subtract()([one, other])))
    model = keras.Model([one, other], outputs)
    reference = keras.Model([other, one], outputs)
    data = ((SIDE[:, :3], SIDE[:, :3]), LABELS % 2)
    with pytest.raises(ValueError, match="Supported: equal shapes"):
        evaluate(model, data, reference=reference)


def test_steps():
    model = calibrated()[4]
    wanted = np.asarray(model(list(BOTH)))
    form = SteppingForm(model)
    for images in (BOTH, list(BOTH), NAMED):
        np.testing.assert_allclose(form.run(images), wanted, atol=1e-6)
    *_, last = form.per_step(BOTH)
    np.testing.assert_allclose(last, wanted, atol=1e-6)
    step = stepping_model(model, batch_size=N)
    mean = sum(np.asarray(step(BOTH)) for _ in range(4)) / 4
    np.testing.assert_allclose(keras.ops.softmax(mean), wanted, atol=1e-5)
    with pytest.raises(DataError, match="2 inputs: view, side"):
        form.run(PIXELS)


def test_explains_itself():
    model = calibrated()[4]
    assert diagnose(model, BOTH, reference=source()).num_images == N
    assert spike_rasters(model, NAMED)[0]["spikes"]
    assert threshold_curves(source(), (BOTH, LABELS))[0]["maximum"] > 0


def reloaded(folder, version, signature, **inputs):
    loaded = tf.saved_model.load(folder / str(version))
    found = loaded.signatures[signature](**inputs)
    return {name: value.numpy() for name, value in found.items()}


def test_exports(tmp_path):
    record = export_saved_model(calibrated(), tmp_path / "served")
    for one in record.manifest["models"]:
        assert {"serving_default", "trace", "anytime"} == set(one["signatures"])
        inputs = one["signatures"]["serving_default"]["inputs"]
        assert {n: x["shape"][1:] for n, x in inputs.items()} == {
            name: list(shape) for name, shape in SHAPES.items()
        }
    second = second_batch(BOTH)
    checked = reload_check(
        record.path,
        BOTH,
        record.expected(BOTH),
        expected_second=record.expected(second),
    )
    assert checked[4].second_equal
    wanted = calibrated()[4].predict(list(BOTH), verbose=0)
    version = record.versions[4]
    inputs = {name: tf.constant(value) for name, value in NAMED.items()}
    got = reloaded(record.path, version, "serving_default", **inputs)
    np.testing.assert_allclose(got["probabilities"], wanted, atol=1e-5)
    trace = reloaded(record.path, version, "trace", **inputs)["logits"]
    np.testing.assert_allclose(trace[:, -1], got["logits"], atol=1e-5)
    anytime = reloaded(
        record.path,
        version,
        "anytime",
        **inputs,
        confidence=tf.fill([N], 2.0),
        max_steps=tf.fill([N], 4),
    )
    np.testing.assert_allclose(anytime["logits"], got["logits"], atol=1e-5)
    with pytest.raises(tf.errors.InvalidArgumentError, match="as many in each"):
        short = {**inputs, "side": inputs["side"][:3]}
        reloaded(record.path, version, "serving_default", **short)


@pytest.mark.slow
def test_exports_a_bundle(tmp_path):
    record = export_bundle(calibrated(4), tmp_path / "bundle")
    checked = reload_check(record.path, BOTH, record.expected(BOTH))
    assert all(one.equal for one in checked.values())


def test_refuses_what_takes_one_input(tmp_path):
    model = calibrated()[4]
    with pytest.raises(ExportError, match="'serialized': one input"):
        export_saved_model(model, tmp_path / "a", decoding=ImageDecoding())
    with pytest.raises(ExportError, match="has 2 inputs"):
        export_litert(model, tmp_path / "a.tflite")
    with pytest.raises(ConversionError, match="through time: one input"):
        fine_tune(model, PIXELS, LABELS)
    assert not list(tmp_path.iterdir())


def test_refuses_names_that_a_signature_needs(tmp_path):
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="confidence")
    outputs = layers.Dense(2)(layers.ReLU()(layers.Add()([a, b])))
    spiking = convert(keras.Model([a, b], outputs)).spiking_model(4)
    with pytest.raises(ExportError, match="would be called .'confidence'."):
        export_saved_model(spiking, tmp_path / "served")


def test_refuses_inputs_that_are_no_numbers():
    words = keras.Input((3,), dtype="int32", name="words")
    view = keras.Input((3,), name="view")
    outputs = layers.ReLU()(layers.Embedding(5, 3)(words)[:, 0] + view)
    with pytest.raises(ConversionError, match="words.*its dtype is int32"):
        convert(keras.Model([words, view], outputs))


def test_shapes_of_inputs():
    assert input_shapes(source()) == SHAPES
    one = keras.Sequential([keras.Input((None, 3)), layers.Dense(2)])
    assert input_shapes(one) == (None, 3)
