import pytest
from absl import flags

from tests.support.tiny import NUM_IMAGES, tiny_network
from tfsnn.errors import DataError
from tfsnn_tools import command_line, flag_groups


def parsed(*arguments):
    values = flags.FlagValues()
    flag_groups.define_data(values, "Images")
    flag_groups.define_output(values)
    flag_groups.define_json(values)
    command_line.parse(["tfsnn x", *arguments], values)
    return values


def test_negative_seed():
    with pytest.raises(flags.IllegalFlagValueError, match="flag --seed=-1"):
        parsed("--seed=-1")


def test_preprocessing():
    options = parsed("--scale=1/4", "--mean=1,2", "--std=3", "--resize=4,5")
    described = flag_groups.preprocessing(options).describe()
    assert described == (
        "(x * 0.25 - (1, 2)) / (3), x resized to 4x5 (bilinear)"
    )


def test_crop():
    described = flag_groups.preprocessing(parsed("--crop=4,5")).describe()
    assert described == "x, x cropped to 4x5 of the middle"


def test_preprocessing_that_cannot_be_meant():
    with pytest.raises(DataError, match="Received 'x' in scale"):
        flag_groups.preprocessing(parsed("--scale=x"))


def test_data(images_file):
    options = parsed(f"--data=npz:{images_file}", "--scale=1/255")
    images, labels = flag_groups.load_data(
        options, tiny_network(), split="test", max_images=5
    )
    assert images.shape == (5, 8, 8, 1)
    assert images.max() <= 1
    assert labels.shape == (5,)


def test_all_data(images_file):
    options = parsed(f"--data=npz:{images_file}:calibration")
    images, _ = flag_groups.load_data(
        options, tiny_network(), split="test", max_images=None
    )
    assert len(images) == NUM_IMAGES


def test_output():
    options = parsed("--output=here", "--overwrite", "--json")
    assert (options.output, options.overwrite, options.json) == (
        "here",
        True,
        True,
    )
