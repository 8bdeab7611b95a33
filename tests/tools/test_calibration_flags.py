import pytest
from absl import app, flags

from tfsnn import ConversionConfig
from tfsnn.calibration import (
    GaussianThreshold,
    MaximumThreshold,
    MmseThreshold,
    PercentileThreshold,
)
from tfsnn_tools import calibration_flags, command_line


def parsed(*arguments):
    values = flags.FlagValues()
    calibration_flags.define_calibration(values)
    calibration_flags.define_conversion(values)
    command_line.parse(["tfsnn x", *arguments], values)
    return values


@pytest.mark.parametrize(
    ("text", "expected"),
    [("8", [8]), ("8,16,32", [8, 16, 32]), (" 4, 2 ", [4, 2]), ("1", [1])],
)
def test_timesteps(text, expected):
    assert (
        calibration_flags.timesteps(parsed(f"--timesteps={text}")) == expected
    )


def test_default_timesteps():
    assert calibration_flags.timesteps(parsed()) == [8, 16, 32]


@pytest.mark.parametrize("text", ["0", "-1", "8,x", "8,8", "1.5", "8,,4", ""])
def test_timesteps_out_of_range(text):
    with pytest.raises(app.UsageError, match="whole numbers T >= 1"):
        calibration_flags.timesteps(parsed(f"--timesteps={text}"))


@pytest.mark.parametrize("lag", [0, 4, 8])
def test_lag(lag):
    options = parsed(f"--lag={lag}")
    assert calibration_flags.lag(options, [4, 8]) == lag


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("conv1_relu:0,conv2_relu:2", {"conv1_relu": 0, "conv2_relu": 2}),
        (" a : 3 ", {"a": 3}),
        ("block:1/relu:4", {"block:1/relu": 4}),
        (" 2 ", 2),
        ("T", 8),
    ],
)
def test_lag_of_some_neurons(text, expected):
    options = parsed(f"--lag={text}")
    assert calibration_flags.lag(options, [4, 8]) == expected


@pytest.mark.parametrize(
    "text", ["-1", "x", "a:x", "a:-1", "1,2", "1,a:2", "a:1,a:2", ":1", ""]
)
def test_lag_that_is_none(text):
    with pytest.raises(
        app.UsageError, match="--lag=.*a whole number from 0, or"
    ):
        calibration_flags.lag(parsed(f"--lag={text}"), [8])


def test_lag_of_a_neuron_beyond_every_t():
    with pytest.raises(app.UsageError, match="--lag=a:1,b:9 with T up to 8"):
        calibration_flags.lag(parsed("--lag=a:1,b:9"), [4, 8])


def test_no_lag():
    assert calibration_flags.lag(parsed(), [4, 8]) is None


def test_lag_beyond_every_t():
    with pytest.raises(app.UsageError, match="--lag=9 with T up to 8.*0...8"):
        calibration_flags.lag(parsed("--lag=9"), [4, 8])


def test_light_pipeline_gets_its_flags():
    pipeline = calibration_flags.pipeline(
        parsed(
            "--per=layer", "--rounding=floor", "--iterations=2", "--damping=0.5"
        )
    )
    threshold, *biases = pipeline.strategies
    assert (threshold.per, threshold.rounding) == ("layer", "floor")
    assert [bias.damping for bias in biases] == [0.5, 0.5]


@pytest.mark.parametrize("pipeline", ["light", "uncalibrated"])
@pytest.mark.parametrize(
    ("name", "strategy"),
    [
        ("maximum", MaximumThreshold("layer")),
        ("percentile", PercentileThreshold(99.9, "layer")),
        ("gaussian", GaussianThreshold("layer")),
        ("mmse", MmseThreshold("layer")),
    ],
)
def test_threshold(pipeline, name, strategy):
    options = parsed(
        f"--pipeline={pipeline}", f"--threshold={name}", "--per=layer"
    )
    assert calibration_flags.pipeline(options).strategies[0] == strategy


@pytest.mark.parametrize("pipeline", ["light", "temporal"])
def test_gaussian_thresholds_have_a_rounding(pipeline):
    options = parsed(
        f"--pipeline={pipeline}", "--threshold=gaussian", "--rounding=floor"
    )
    threshold, *_ = calibration_flags.pipeline(options).strategies
    assert threshold == GaussianThreshold("channel", "floor")


def test_weights_are_trained_for_the_rounding_of_the_thresholds():
    options = parsed(
        "--pipeline=advanced", "--threshold=gaussian", "--rounding=floor"
    )
    threshold, weights, _ = calibration_flags.pipeline(options).strategies
    assert threshold.rounding == weights.rounding == "floor"


def test_rounding_is_of_quantisers_only():
    options = parsed("--threshold=maximum", "--rounding=floor")
    with pytest.raises(app.UsageError, match="--rounding with --threshold=max"):
        calibration_flags.pipeline(options)


def test_conversion_config():
    options = parsed("--average_pool=neuron", "--reset=hard", "--spikes=unit")
    config = calibration_flags.conversion_config(options)
    assert config == ConversionConfig("neuron", "hard", "unit")


def test_equalise():
    config = calibration_flags.conversion_config(parsed("--equalise"))
    assert config == ConversionConfig(equalise=True)


def test_kind_of_neuron():
    options = parsed("--neuron=burst", "--max_spikes=2")
    config = calibration_flags.conversion_config(options)
    assert config == ConversionConfig(neuron="burst", max_spikes=2)


def test_what_a_kind_does_not_have():
    options = parsed("--neuron=burst", "--reset=hard")
    with pytest.raises(app.UsageError, match="reset='hard' with neuron='burs"):
        calibration_flags.conversion_config(options)


def test_default_conversion_config():
    assert calibration_flags.conversion_config(parsed()) == ConversionConfig()


def test_uncalibrated_pipeline():
    options = parsed("--pipeline=uncalibrated", "--per=layer")
    pipeline = calibration_flags.pipeline(options)
    assert pipeline.name == "uncalibrated"
    assert pipeline.strategies[0].per == "layer"


@pytest.mark.parametrize("damping", [0, 2])
def test_damping_out_of_range(damping):
    with pytest.raises(app.UsageError, match="damping"):
        calibration_flags.pipeline(parsed(f"--damping={damping}"))


@pytest.mark.parametrize("name", ["advanced", "temporal", "trained"])
def test_other_pipelines_take_thresholds(name):
    options = parsed(f"--pipeline={name}", "--threshold=maximum")
    pipeline = calibration_flags.pipeline(options)
    assert pipeline.strategies[0] == MaximumThreshold("channel")
    assert pipeline.name == name


def test_published_code_takes_no_flags():
    options = parsed("--pipeline=published_light", "--per=layer")
    with pytest.raises(app.UsageError, match="Supported there: none"):
        calibration_flags.pipeline(options)


@pytest.mark.parametrize("flag", ["--iterations=1", "--damping=0.5"])
def test_hyper_parameter_of_another_pipeline(flag):
    options = parsed("--pipeline=uncalibrated", flag)
    name = flag.partition("=")[0]
    with pytest.raises(app.UsageError, match=f"{name} with --pipeline=unc"):
        calibration_flags.pipeline(options)


@pytest.mark.parametrize(
    "flag",
    [
        "--pipeline=x",
        "--per=x",
        "--rounding=x",
        "--threshold=x",
        "--average_pool=x",
        "--reset=x",
        "--spikes=x",
        "--neuron=x",
    ],
)
def test_choice_that_does_not_exist(flag):
    with pytest.raises(flags.IllegalFlagValueError, match="should be one of"):
        parsed(flag)


@pytest.mark.parametrize("flag", ["--max_images=15", "--iterations=-1"])
def test_number_out_of_range(flag):
    with pytest.raises(
        flags.IllegalFlagValueError, match="is not (a .* )?integer"
    ):
        parsed(flag)
