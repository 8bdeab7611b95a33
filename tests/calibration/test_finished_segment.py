import dataclasses
import io
import json

import ml_dtypes
import numpy as np
import pytest

from tfsnn.calibration import Step
from tfsnn.calibration.finished_segment import (
    MALFORMED,
    FinishedSegment,
    decode,
    encode,
)
from tfsnn.types import NeuronParameters

THRESHOLD = np.array([0.1, np.nextafter(np.float32(1), 2)], "float32")
STEPS = (
    Step("a", 4, "MmseThreshold", None, 0.1 + 0.2, True, 1.5),
    Step("a", 4, "BiasCalibration", 0.1 + 0.2, float("inf"), False, 1e-9),
)
WEIGHTS = {
    "conv/1": (np.ones((3, 3, 1, 2), "float32"), np.zeros(2, "float16")),
    "none": (),
    "record": (np.array([1.5, -2], ml_dtypes.bfloat16),),
}
PARAMETERS = {
    "scalars": NeuronParameters(np.float32(0.1), np.float32(-0.0)),
    "bias": NeuronParameters(THRESHOLD, THRESHOLD / 2, bias=-THRESHOLD),
    "temporal bias": NeuronParameters(
        THRESHOLD, THRESHOLD, temporal_bias=np.ones((4, 2))
    ),
    "weights": NeuronParameters(THRESHOLD, THRESHOLD, weights=WEIGHTS),
    "no weights": NeuronParameters(THRESHOLD, THRESHOLD, weights={}),
}


def assert_same_bits(first, second):
    first, second = np.asarray(first), np.asarray(second)
    assert (first.dtype, first.shape) == (second.dtype, second.shape)
    assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize("parameters", PARAMETERS.values(), ids=PARAMETERS)
def test_everything_comes_back(parameters):
    finished = FinishedSegment("a", 4, parameters, STEPS)
    again, seconds = decode(encode(finished, 2.5))
    assert (again.segment, again.timesteps, seconds) == ("a", 4, 2.5)
    assert again.steps == STEPS
    for field in dataclasses.fields(NeuronParameters):
        before, after = (
            getattr(p, field.name) for p in (parameters, again.parameters)
        )
        if before is None or field.name == "weights":
            continue
        assert_same_bits(before, after)
    before, after = parameters.weights, again.parameters.weights
    assert (before and list(before)) == (after and list(after))
    for layer in before or ():
        for values in zip(before[layer], after[layer], strict=True):
            assert_same_bits(*values)


def test_absent_stays_absent():
    parameters = NeuronParameters(THRESHOLD, THRESHOLD)
    again, _ = decode(encode(FinishedSegment("a", 4, parameters, ()), 0.0))
    got = again.parameters
    assert (got.bias, got.temporal_bias, got.weights) == (None, None, None)


def test_the_file_needs_no_pickle_and_no_tfsnn():
    content = encode(FinishedSegment("a", 4, PARAMETERS["bias"], STEPS), 0.0)
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        np.testing.assert_array_equal(file["threshold"], THRESHOLD)
        record = json.loads(str(file["record"]))
    assert [step["strategy"] for step in record["steps"]] == [
        "MmseThreshold",
        "BiasCalibration",
    ]


def archive(**arrays):
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


OTHERS = {
    "text": b"something else",
    "nothing": b"",
    "half": encode(FinishedSegment("a", 4, PARAMETERS["bias"], ()), 0)[:-40],
    "no record": archive(threshold=THRESHOLD),
    "no json": archive(record=np.array("{")),
    "list": archive(record=np.array("[]")),
}


@pytest.mark.parametrize("content", OTHERS.values(), ids=OTHERS)
def test_other_content_is_refused(content):
    with pytest.raises(MALFORMED):
        decode(content)
