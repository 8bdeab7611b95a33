"""What an export takes from its calibration, and what it refuses."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
from absl import app

from tfsnn.export import ImageDecoding
from tfsnn_tools import export
from tfsnn_tools.preprocessing import Preprocessing
from tfsnn_tools.recorded_preprocessing import FIELDS, decoding, for_data

COLOUR = Preprocessing(
    scale=1 / 255, mean=(0.5, 0.4, 0.3), std=(0.25, 0.25, 0.5)
)
FUNCTION = Preprocessing(function="os:abort")


@dataclasses.dataclass
class Models:
    """Stands in for a calibration read back."""

    provenance: dict


def models(recorded):
    text = recorded.describe()
    return Models({"preprocessing": text, FIELDS: recorded.to_dict()})


def options(*arguments):
    values = export.define_flags()
    values(["export", *arguments])
    return values


def test_default_of_files():
    expected = ImageDecoding(COLOUR.scale, COLOUR.mean, COLOUR.std)
    assert decoding(options(), models(COLOUR)) == expected


@pytest.mark.parametrize(
    "recorded, text",
    [
        ({}, "no record of how the images of the calibration were scaled. St"),
        (Models({"preprocessing": "x * 2"}), "only the text 'x . 2'. State"),
        (models(Preprocessing()), "on images as they were stored"),
        (models(FUNCTION), "a Python function, which no graph holds"),
    ],
    ids=["nothing", "old record", "as stored", "function"],
)
def test_where_nothing_is_certain_files_need_a_flag(recorded, text):
    with pytest.raises(app.UsageError, match=f"{text}.*--scale=1/255"):
        decoding(options(), recorded)
    assert decoding(options("--scale=1"), recorded) == ImageDecoding()
    assert decoding(options("--std=2"), recorded) == ImageDecoding(std=(2.0,))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--scale=1/255", "--mean=0.5,0.4,0.3", "--std=0.25,0.25,0.5"],
        ["--mean=127.5,102,76.5", "--std=63.75,63.75,127.5"],
    ],
    ids=["same numbers", "same line"],
)
def test_flags_that_say_the_same(arguments):
    found = decoding(options(*arguments), models(COLOUR))
    assert found.mean[0] / found.std[0] == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["--scale=1/255"],
        ["--scale=1/255", "--mean=0.5,0.4,0.3"],
        ["--scale=1/255", "--mean=0.5,0.4,0.3,0", "--std=0.25"],
    ],
    ids=["scale", "mean", "channels"],
)
def test_flags_that_contradict_the_record(arguments):
    with pytest.raises(app.UsageError, match="calibrated on.*calibrate again"):
        decoding(options(*arguments), models(COLOUR))


@pytest.mark.parametrize("size", [(40, 30), (19, 64), (8, 8)], ids=str)
def test_files_are_cropped_as_for_the_calibration(size):
    cropped = dataclasses.replace(COLOUR, crop=(8, 8))
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    files = tf.io.encode_png(pixels)[tf.newaxis]
    found = decoding(options(), models(cropped))
    found = tf.function(found.decoder([keras.Input((8, 8, 3))]))(files)
    expected = cropped.resized(pixels).astype("float32")
    expected = cropped.transform()(expected[np.newaxis])
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_flags_say_whether_files_are_cropped():
    said = decoding(options("--crop=8,8"), models(COLOUR))
    assert said.crop == (8, 8)
    cropped = models(dataclasses.replace(COLOUR, crop=(8, 8)))
    assert decoding(options("--crop=8,8"), cropped).crop == (8, 8)
    assert decoding(options("--scale=1"), {}).crop is None
    resized = models(dataclasses.replace(COLOUR, resize=(8, 8)))
    for arguments, recorded in (
        (["--crop=8,8"], resized),
        (["--resize=8,8"], cropped),
        (["--crop=9,9"], cropped),
    ):
        with pytest.raises(app.UsageError, match="otherwise than for the cal"):
            decoding(options(*arguments), recorded)


def test_a_function_may_have_changed_the_size():
    """What it got is then not what the network takes."""
    recorded = models(Preprocessing(function="a:b", crop=(12, 12)))
    assert decoding(options("--scale=1"), recorded).crop is None
    assert decoding(options("--scale=1", "--crop=8,8"), recorded).crop
    stated = for_data(options("--scale=2"), recorded)
    assert stated == Preprocessing(scale=2)


def test_default_of_data():
    assert for_data(options(), models(COLOUR)) == COLOUR
    assert for_data(options(), {}) == Preprocessing()
    stated = for_data(options("--scale=2"), models(COLOUR))
    assert stated == Preprocessing(scale=2)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], Preprocessing(scale=0.5, crop=(8, 8))),
        (["--scale=2"], Preprocessing(scale=2, crop=(8, 8))),
        (["--resize=8,8"], Preprocessing(scale=0.5, resize=(8, 8))),
        (["--crop=9,9"], Preprocessing(scale=0.5, crop=(9, 9))),
        (["--preprocess=a:b"], Preprocessing(function="a:b", crop=(8, 8))),
    ],
    ids=str,
)
def test_what_no_flag_says_is_recorded(arguments, expected):
    """Of the size and of the values."""
    cropped = models(Preprocessing(scale=0.5, crop=(8, 8)))
    assert for_data(options(*arguments), cropped) == expected


def test_no_function_is_run_because_a_file_names_it():
    with pytest.raises(app.UsageError, match="Say --preprocess=os:abort, or"):
        for_data(options(), models(FUNCTION))
    with pytest.raises(app.UsageError, match="Say --preprocess=os:abort, or"):
        for_data(options("--crop=8,8"), models(FUNCTION))
    stated = for_data(options("--preprocess=a:b"), models(FUNCTION))
    assert stated == Preprocessing(function="a:b")
