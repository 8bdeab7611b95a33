"""Refusals of what files cannot be."""

import keras
import pytest

from tfsnn.errors import ExportError
from tfsnn.export import ImageDecoding


@pytest.mark.parametrize(
    "values",
    [
        {"scale": 0},
        {"scale": float("nan")},
        {"std": (0.0,)},
        {"mean": (float("inf"),)},
    ],
    ids=str,
)
def test_refuses_numbers_that_cannot_be_meant(values):
    with pytest.raises(ValueError, match="Supported: finite numbers, a scale"):
        ImageDecoding(**values)


@pytest.mark.parametrize("crop", [True, 8, (8,), (8, 0), (8, 8.5)], ids=str)
def test_refuses_a_crop_that_cannot_be_meant(crop):
    with pytest.raises(ValueError, match="crop=.*Supported: None, or height"):
        ImageDecoding(crop=crop)


@pytest.mark.parametrize(
    "shape", [(8, 8, 2), (None, 8, 3), (64,)], ids=["channels", "size", "rank"]
)
def test_refuses_images_that_no_file_holds(shape):
    with pytest.raises(ExportError, match="Export without it"):
        ImageDecoding().decoder([keras.Input(shape)])


def test_refuses_numbers_of_other_channels():
    decoding = ImageDecoding(mean=(0.5, 0.5))
    with pytest.raises(ExportError, match="2 numbers in mean=.* of 3 channels"):
        decoding.decoder([keras.Input((8, 8, 3))])


def test_refuses_a_crop_of_another_size():
    decoding = ImageDecoding(crop=(8, 4))
    with pytest.raises(ExportError, match=r"crop=\(8, 4\) for .*: \(8, 8\)"):
        decoding.decoder([keras.Input((8, 8, 3))])


def test_plain_types():
    assert ImageDecoding(0.5, (1.0,)).to_dict() == {
        "scale": 0.5,
        "mean": [1.0],
        "std": [],
        "crop": None,
    }
