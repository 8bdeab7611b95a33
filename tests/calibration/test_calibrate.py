import dataclasses
import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support.convertible import (
    SHAPE,
    build,
    classify,
    make_images,
    network,
)
from tfsnn import calibrate, convert, pipelines
from tfsnn.calibration import SweepConfig
from tfsnn.errors import DataError, UnsupportedLayerError

QUIET = SweepConfig(progress=False)
COUNT = 20


@functools.cache
def conversion():
    return convert(build("relu_layers"))


def run(images=None, timesteps=4, model=None, **options):
    images = make_images(COUNT) if images is None else images
    model = conversion() if model is None else model
    options = {"config": QUIET, **options}
    return calibrate(model, images, timesteps=timesteps, **options)


def arrays(result):
    return [
        np.asarray(value)
        for T in result.timesteps
        for parameters in result.parameters[T].values()
        for value in dataclasses.asdict(parameters).values()
        if value is not None
    ]


def assert_same(first, second):
    for a, b in zip(arrays(first), arrays(second), strict=True):
        np.testing.assert_array_equal(a, b)


@functools.cache
def plain():
    return run()


def test_the_same_seed_gives_the_same_bits():
    again = run()
    assert_same(again, plain())
    assert [s.error_after for s in again.steps] == [
        s.error_after for s in plain().steps
    ]
    images = make_images()
    np.testing.assert_array_equal(again[4](images), plain()[4](images))


def test_another_seed_holds_out_other_images():
    other = run(seed=1)
    assert other.seed == 1
    assert other.steps[0].error_after != plain().steps[0].error_after


def test_several_t_are_several_calls():
    together = run(timesteps=[8, 4])
    assert together.timesteps == (8, 4)
    alone = run(timesteps=8)
    assert_same(run(timesteps=[8]), alone)
    images = make_images()
    np.testing.assert_array_equal(together[8](images), alone[8](images))
    np.testing.assert_array_equal(together[4](images), plain()[4](images))


@pytest.mark.parametrize(
    "form",
    [
        lambda images, labels: (images, labels),
        lambda images, labels: tf.data.Dataset.from_tensor_slices(
            (images, labels)
        ).batch(7),
        lambda images, labels: {"image": images, "label": labels},
    ],
    ids=["tuple", "dataset", "dict"],
)
def test_labels_are_dropped(form):
    labels = np.arange(COUNT)
    got = run(form(make_images(COUNT), labels))
    assert got.digest == plain().digest
    assert_same(got, plain())


def test_calibration_brings_the_outputs_nearer():
    images = make_images(8, seed=1)
    expected = build("relu_layers")(images)
    uncalibrated = conversion().spiking_model(4)
    errors = [
        float(np.square(model(images) - expected).mean())
        for model in (plain()[4], uncalibrated)
    ]
    assert errors[0] < 0.5 * errors[1]


def test_more_steps_are_nearer():
    result = run(timesteps=[2, 32])
    few, many = (
        [s.error_after for s in result.steps if s.timesteps == T]
        for T in (2, 32)
    )
    assert max(many) < min(few)


@pytest.mark.parametrize(
    "name", ["pre_activation", "constant_shortcut", "neuron_as_output"]
)
def test_networks_with_shortcuts(name):
    images = make_images(24)
    result = run(images, 32, convert(build(name)))
    expected = np.asarray(build(name)(images))
    error = np.square(result[32](images) - expected).mean()
    # The error of one layer is about 1 / (12 T^2) of the range, squared.
    assert error < 0.02 * np.square(expected).mean()


def test_a_model_is_converted_first():
    model = build("relu_layers")
    weights = model.get_weights()
    assert_same(run(model=model), plain())
    for a, b in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_conversion_stays_as_it_is():
    images = make_images()
    before = np.asarray(conversion().analog(images))
    run()
    np.testing.assert_array_equal(conversion().analog(images), before)


def test_the_result_tells_how_it_came_about():
    result = run(pipeline=pipelines.uncalibrated(), seed=5)
    assert result.pipeline.name == "uncalibrated"
    assert (result.num_images, result.seed, result.lag) == (COUNT, 5, 0)
    assert len(result.digest) == 64
    assert result.seconds > 0
    assert result.conversion is conversion()


def test_light_is_the_default():
    assert plain().pipeline == pipelines.light()


def test_lag_reaches_the_models():
    config = dataclasses.replace(QUIET, lag=6)
    result = run(timesteps=[4, 8], config=config)
    assert (result.lag, result.lags) == (6, {4: 4, 8: 6})
    for timesteps, lag in result.lags.items():
        model = result[timesteps]
        lags = [model.get_layer(n).lag for n in conversion().neuron_names]
        assert lags == [0, lag]


def test_a_lag_beyond_every_t_is_refused():
    text = r"lag=100 with T up to 4. Supported: 0\.\.\.4;.*smaller lag"
    with pytest.raises(ValueError, match=text):
        run(timesteps=[4, 2], config=SweepConfig(lag=100))


def test_lags_by_name_reach_the_models():
    _, last = conversion().neuron_names
    result = run(
        timesteps=[4, 8], config=dataclasses.replace(QUIET, lag={last: 6})
    )
    assert result.lags == {4: {last: 4}, 8: {last: 6}}
    for timesteps, lag in result.lags.items():
        assert result[timesteps].get_layer(last).lag == lag[last]


@pytest.mark.parametrize(
    ("lag", "text"),
    [
        ({"nothing": 1}, r"no neuron of this network: \['nothing'\]"),
        ({"nothing": 9}, r"lag=\{'nothing': 9\} with T up to 4"),
    ],
)
def test_lags_by_name_that_do_not_fit_are_refused(lag, text):
    with pytest.raises(ValueError, match=text):
        run(timesteps=[4], config=SweepConfig(lag=lag))


@pytest.mark.parametrize("config", [{"lag": 1}, SweepConfig, 4])
def test_what_is_no_config_is_refused(config):
    with pytest.raises(TypeError, match="config is .*Supported: a SweepConfig"):
        run(config=config)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"seed": -1}, "seed=-1. Supported: whole numbers, 0 and more"),
        ({"seed": None}, "seed=None"),
        ({"seed": 0.5}, "seed=0.5"),
        ({"max_images": 15}, "max_images=15. Supported: .* 16 and more"),
        ({"max_images": 20.0}, "max_images=20.0"),
        ({"max_images": None}, "max_images=None"),
    ],
    ids=str,
)
def test_numbers_out_of_range_are_refused(options, text):
    with pytest.raises(ValueError, match=text):
        run(**options)


def test_numpy_integers_are_numbers():
    result = run(seed=np.int64(0), max_images=np.int32(1024))
    assert_same(result, plain())
    assert type(result.seed) is int


def test_max_images():
    assert run(max_images=16).num_images == 16


NAN = make_images(COUNT)
NAN[3, 0, 0, 0] = np.nan


@pytest.mark.parametrize(
    ("images", "text"),
    [
        (make_images(15), "15 images"),
        (make_images(0), "no images|0 images|empty"),
        (make_images(COUNT, (5, 6, 2)), "5, 6, 2"),
        (make_images(COUNT)[..., 0], "6, 6"),
        (NAN, "NaN|not finite"),
        ("images.npz", "str"),
    ],
    ids=["few", "none", "shape", "rank", "nan", "path"],
)
def test_data_that_do_not_fit_are_refused(images, text):
    with pytest.raises(DataError, match=text):
        run(images)


@pytest.mark.parametrize("timesteps", [0, -1, 2.5, True, None, "8", [8, 0]])
def test_timesteps_out_of_range_are_refused(timesteps):
    with pytest.raises(ValueError, match="timesteps=.*at least 1"):
        run(timesteps=timesteps)


@pytest.mark.parametrize("timesteps", [[], [8, 8], (4, 8, 4)])
def test_each_t_is_given_once(timesteps):
    with pytest.raises(ValueError, match="at least one T, each once"):
        run(timesteps=timesteps)


@pytest.mark.parametrize("timesteps", [range(2, 4), (2, 3), np.array([2, 3])])
def test_any_sequence_of_t(timesteps):
    options = {"pipeline": pipelines.uncalibrated()}
    assert run(timesteps=timesteps, **options).timesteps == (2, 3)


def test_a_model_that_does_not_convert_is_refused():
    with pytest.raises(UnsupportedLayerError, match="no ReLU"):
        run(model=network(classify))


@pytest.mark.parametrize("model", ["model.keras", 3])
def test_what_is_no_model_is_refused(model):
    with pytest.raises(TypeError, match="model is a builtins"):
        run(model=model)


@pytest.mark.parametrize("pipeline", ["light", pipelines.light, ()])
def test_what_is_no_pipeline_is_refused(pipeline):
    with pytest.raises(TypeError, match="pipeline is .*Call a function"):
        run(pipeline=pipeline)


def test_input_shape_may_be_unknown():
    def function(x):
        x = keras.layers.Conv2D(2, 3, activation="relu")(x)
        return keras.layers.GlobalAveragePooling2D()(x)

    model = network(function, (None, None, SHAPE[-1]))
    result = run(model=model, pipeline=pipelines.uncalibrated())
    assert result[4](make_images()).shape == (3, 2)
