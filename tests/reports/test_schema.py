"""The schema of a report is documented."""

import re

import pytest

from tests.support import checkout
from tests.support.run_records import run
from tfsnn.reports import build_report

pytestmark = pytest.mark.checkout


def test_every_entry_is_documented():
    text = (checkout.ROOT / "docs" / "reports.md").read_text(encoding="utf-8")
    text = text[text.index("`tfsnn report --json`") :]
    documented = set(re.findall(r"`(\w+)`", text))
    report = build_report([run()])
    (entry,) = report["runs"]
    point = entry["points"][0]
    rows = [report, report["overview"][0], entry, entry["steps"][0], point]
    rows += [point["layers"][0], point["energy"][0], point["memory"][0]]
    fields = set().union(*rows)
    assert {"pareto_energy", "contributions", "histogram"} <= fields
    assert fields <= documented
