"""docs/calibration.md says what there is."""

import inspect
import re

import pytest

from tests.calibration.test_result import result
from tests.support import checkout
from tfsnn import calibration, pipelines

pytestmark = pytest.mark.checkout

TEXT = (checkout.ROOT / "docs" / "calibration.md").read_text(encoding="utf-8")
CALL = re.compile(r"`([^`]+)`")


def first_column(heading):
    """Code in the first column of the table below a heading."""
    part = TEXT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in part.splitlines() if "|" in line]
    return [code for row in rows for code in CALL.findall(row)]


PIPELINES = first_column("Which pipeline when")


def test_every_step_is_in_the_table():
    public = [getattr(calibration, name) for name in calibration.__all__]
    steps = {one.__name__ for one in public if hasattr(one, "sets_threshold")}
    assert set(first_column("The steps")) == steps


def test_every_pipeline_is_in_the_table():
    made = {
        name
        for name, one in inspect.getmembers(pipelines, inspect.isfunction)
        if one.__module__ == pipelines.__name__
    }
    assert {call.partition("(")[0] for call in PIPELINES} == made


@pytest.mark.parametrize("call", PIPELINES)
def test_calls_in_the_table_can_be_made(call):
    made = eval(call, vars(pipelines))
    assert isinstance(made, calibration.Pipeline | calibration.Search)


def test_every_entry_of_the_record_is_explained():
    # The lag that was asked for is that of the largest T.
    record = set(result().to_dict()) - {"lag", "seconds"}
    assert set(first_column("The record")) == record


def test_the_example_runs():
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    names = {}
    exec(code.partition("result =")[0], names)
    assert names["mine"].name == "mine"
