import pytest
from absl import app, flags

from tests.support.tiny import NUM_IMAGES, tiny_network
from tfsnn.errors import DataError
from tfsnn_tools import command_line, flag_groups


def parsed(*arguments):
    values = flags.FlagValues()
    flag_groups.define_data(values, "Images")
    flag_groups.define_calibration(values)
    flag_groups.define_conversion(values)
    flag_groups.define_output(values)
    flag_groups.define_json(values)
    command_line.parse(["tfsnn x", *arguments], values)
    return values


@pytest.mark.parametrize(
    ("text", "expected"),
    [("8", [8]), ("8,16,32", [8, 16, 32]), (" 4, 2 ", [4, 2]), ("1", [1])],
)
def test_timesteps(text, expected):
    assert flag_groups.timesteps(parsed(f"--timesteps={text}")) == expected


def test_default_timesteps():
    assert flag_groups.timesteps(parsed()) == [8, 16, 32]


@pytest.mark.parametrize("text", ["0", "-1", "8,x", "8,8", "1.5", "8,,4", ""])
def test_timesteps_out_of_range(text):
    with pytest.raises(app.UsageError, match="whole numbers T >= 1"):
        flag_groups.timesteps(parsed(f"--timesteps={text}"))


def test_light_pipeline_gets_its_flags():
    pipeline = flag_groups.pipeline(
        parsed(
            "--per=layer", "--rounding=floor", "--iterations=2", "--damping=0.5"
        )
    )
    threshold, *biases = pipeline.strategies
    assert (threshold.per, threshold.rounding) == ("layer", "floor")
    assert [bias.damping for bias in biases] == [0.5, 0.5]


def test_uncalibrated_pipeline():
    options = parsed("--pipeline=uncalibrated", "--per=layer")
    pipeline = flag_groups.pipeline(options)
    assert pipeline.name == "uncalibrated"
    assert pipeline.strategies[0].per == "layer"


@pytest.mark.parametrize("damping", [0, 2])
def test_damping_out_of_range(damping):
    with pytest.raises(app.UsageError, match="damping"):
        flag_groups.pipeline(parsed(f"--damping={damping}"))


@pytest.mark.parametrize("flag", ["--iterations=1", "--damping=0.5"])
def test_hyper_parameter_of_another_pipeline(flag):
    options = parsed("--pipeline=uncalibrated", flag)
    name = flag.partition("=")[0]
    with pytest.raises(app.UsageError, match=f"{name} with --pipeline=unc"):
        flag_groups.pipeline(options)


@pytest.mark.parametrize(
    "flag", ["--pipeline=x", "--per=x", "--rounding=x", "--average_pool=x"]
)
def test_choice_that_does_not_exist(flag):
    with pytest.raises(flags.IllegalFlagValueError, match="should be one of"):
        parsed(flag)


@pytest.mark.parametrize(
    "flag", ["--lag=-1", "--seed=-1", "--max_images=0", "--iterations=-1"]
)
def test_number_out_of_range(flag):
    with pytest.raises(
        flags.IllegalFlagValueError, match="is not a .* integer"
    ):
        parsed(flag)


def test_preprocessing():
    options = parsed("--scale=1/4", "--mean=1,2", "--std=3", "--resize=4,5")
    described = flag_groups.preprocessing(options).describe()
    assert described == (
        "(x * 0.25 - (1, 2)) / (3), x resized to 4x5 (bilinear)"
    )


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
