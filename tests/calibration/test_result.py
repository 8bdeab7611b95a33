import dataclasses
import functools
import json

import numpy as np
import pytest

from tests.support.convertible import build
from tfsnn import ConversionConfig, convert
from tfsnn.calibration import CalibrationResult, Step, Trial
from tfsnn.calibration.pipelines import uncalibrated
from tfsnn.calibration.result import parameter_bytes
from tfsnn.types import NeuronParameters

STEP = Step("neuron", 4, "MmseThreshold", None, 0.25, True, 1.5)


@functools.cache
def result(lag=6):
    conversion = convert(build("relu_layers"))
    return CalibrationResult(
        conversion=conversion,
        pipeline=uncalibrated(),
        lag=lag,
        parameters={
            T: {
                name: NeuronParameters(np.float32(T), np.float32(T / 4))
                for name in conversion.neuron_names
            }
            for T in (8, 4)
        },
        steps=(STEP,),
        num_images=16,
        digest="0" * 64,
        seed=3,
        seconds=2.5,
    )


def test_is_a_mapping_from_t():
    assert result().timesteps == (8, 4)
    assert list(result()) == [8, 4]
    assert len(result()) == 2


def test_asking_for_membership_builds_no_model():
    fresh = result(lag=5)
    assert 4 in fresh
    assert 99 not in fresh
    assert not fresh._models


def test_another_t_is_refused():
    with pytest.raises(KeyError, match=r"T=99 was not calibrated.*\[8, 4\]"):
        result()[99]
    assert result().get(99) is None


@pytest.mark.parametrize(("timesteps", "lag"), [(8, 6), (4, 4)])
def test_models_have_their_clock_and_parameters(timesteps, lag):
    first, second = result().conversion.neuron_names
    model = result()[timesteps]
    assert model.get_layer(first).lag == 0
    assert model.get_layer(second).lag == lag
    assert model.get_layer(first).timesteps == timesteps
    assert float(model.get_layer(second).cell.threshold) == timesteps


def test_a_model_is_built_once():
    assert result()[4] is result()[4]


def test_to_dict_is_plain():
    row = result().to_dict()
    assert json.loads(json.dumps(row)) == row
    assert row["lags"] == {"8": 6, "4": 4}
    # The current of the first of two neurons is constant.
    assert row["latency_steps"] == {"8": 14, "4": 8}
    assert row["steps"] == [STEP.to_dict()]
    assert row["pipeline"]["name"] == "uncalibrated"
    assert row["conversion"] == ConversionConfig().to_dict()
    assert [row[k] for k in ("timesteps", "lag", "num_images", "seed")] == [
        [8, 4],
        6,
        16,
        3,
    ]


def test_a_step_is_a_row():
    assert STEP.to_dict() == {
        "segment": "neuron",
        "timesteps": 4,
        "strategy": "MmseThreshold",
        "error_before": None,
        "error_after": 0.25,
        "accepted": True,
        "seconds": 1.5,
        "unevenness_before": None,
        "unevenness_after": None,
        "contributions": None,
    }


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_none_in_a_record(value):
    step = dataclasses.replace(
        STEP, error_after=value, contributions={"clipped": value, "round": 0.5}
    )
    row = step.to_dict()
    assert json.dumps(row, allow_nan=False)
    assert row["error_after"] is None
    assert row["contributions"] == {"clipped": None, "round": 0.5}
    trial = Trial("light", 4, value).to_dict()
    assert trial["error"] is None


def test_is_printed_in_one_line():
    assert repr(result()) == str(result())
    assert str(result()) == (
        "CalibrationResult(pipeline='uncalibrated', timesteps=[8, 4], lag=6,"
        " num_images=16, kept 1 of 1 steps, 2.5 s)"
    )


def test_bytes_of_every_kind_of_parameter():
    """The kinds of the paper's section 5.4."""
    one = NeuronParameters(
        np.zeros(3, "float32"),
        np.zeros((2, 2, 3), "float32"),
        temporal_bias=np.zeros((8, 3), "float32"),
        weights={"conv": (np.zeros((3, 3, 1, 3), "float32"), np.zeros(3))},
    )
    assert parameter_bytes({"a": one, "b": one}) == {
        "threshold": 2 * 3 * 4,
        "initial_potential": 2 * 12 * 4,
        "bias": 0,
        "temporal_bias": 2 * 24 * 4,
        "weights": 2 * (27 * 4 + 3 * 8),
        "step_weights": 0,
    }
