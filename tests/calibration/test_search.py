import json

import pytest

from tfsnn.calibration import Search
from tfsnn.calibration.pipelines import best, light, uncalibrated


def test_best_starts_with_the_quickest():
    search = best(60)
    assert search.candidates[0] == light()
    assert search.costs[0] == 1
    assert list(search.costs) == sorted(search.costs)
    assert search.budget == 60


def test_to_dict_is_plain():
    row = best().to_dict()
    assert json.loads(json.dumps(row)) == row
    names = [candidate["name"] for candidate in row["candidates"]]
    assert names[0] == "light"


@pytest.mark.parametrize("budget", [0, -1, float("nan"), "1", True])
def test_budget_out_of_range_is_refused(budget):
    with pytest.raises(ValueError, match="budget=.*Supported: numbers above"):
        best(budget)


@pytest.mark.parametrize(
    ("candidates", "costs"),
    [((), ()), ((light(),), ()), ((light(), uncalibrated()), (1,))],
)
def test_every_candidate_has_a_cost(candidates, costs):
    with pytest.raises(ValueError, match="candidates and . costs. Supported"):
        Search("mine", candidates, costs, 1)


def test_candidates_are_told_apart_by_name():
    twice = (light(), light(iterations=1))
    with pytest.raises(ValueError, match="'light', 'light'.*Rename one"):
        Search("mine", twice, (1, 1), 1)


def test_costs_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r"costs=\(0,\). Supported"):
        Search("mine", (light(),), (0,), 1)
