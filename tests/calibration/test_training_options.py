import dataclasses

import numpy as np
import pytest

from tfsnn.calibration.training_options import TrainingOptions


def test_defaults_are_the_papers():
    options = TrainingOptions()
    assert (options.iterations, options.batch_size) == (5000, 32)
    assert (options.optimizer, options.learning_rate) == ("sgd", 1e-5)
    assert (options.momentum, options.rounding) == (0.9, "floor")
    assert options.weight_penalty == options.drop_quantiser == 0


def test_numbers_become_plain():
    options = TrainingOptions(
        iterations=np.int64(3), learning_rate=np.float32(0.5), weight_penalty=1
    )
    assert type(options.iterations) is int
    assert type(options.learning_rate) is float
    assert type(options.weight_penalty) is float


@pytest.mark.parametrize(
    "name", ["iterations", "batch_size", "check_every", "patience"]
)
@pytest.mark.parametrize("value", [0, -1, 1.5, True, None])
def test_counts_out_of_range_are_refused(name, value):
    with pytest.raises(ValueError, match=f"{name}={value!r}. Supported: whole"):
        TrainingOptions(**{name: value})


@pytest.mark.parametrize("value", [-1, 2**31, "0"])
def test_seed_out_of_range_is_refused(value):
    with pytest.raises(ValueError, match=f"seed={value!r}. Supported: whole"):
        TrainingOptions(seed=value)


@pytest.mark.parametrize(
    ("name", "values", "supported"),
    [
        ("learning_rate", [0, -1, np.inf], "above 0, finite"),
        ("momentum", [-0.1, 1], "from 0 to below 1"),
        ("drop_quantiser", [-0.1, 1.1], "0...1"),
        ("weight_penalty", [-1, np.inf], "from 0, finite"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_numbers_out_of_range_are_refused(name, values, supported):
    for value in (*values, np.nan, "1", True, None):
        message = f"{name}={value!r}. Supported: numbers, {supported}"
        with pytest.raises(ValueError, match=message):
            TrainingOptions(**{name: value})


@pytest.mark.parametrize(
    ("name", "supported"),
    [
        ("optimizer", "'sgd', 'adam'"),
        ("rounding", "'floor', 'neuron'"),
        ("train_bias", "True, False"),
        ("train_threshold", "True, False"),
    ],
)
def test_other_choices_are_refused(name, supported):
    message = f"`{name}` is 'other'. Supported: {supported}"
    with pytest.raises(ValueError, match=message):
        TrainingOptions(**{name: "other"})


def test_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError, match="seed"):
        TrainingOptions().seed = 1
