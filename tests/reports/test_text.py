from tests.support.run_records import run
from tfsnn.reports import build_report, report_text


def test_overview_and_sentences():
    text = report_text(build_report([run("light [b]x[/b]")]), width=120)
    lines = [line.split() for line in text.splitlines()]
    assert ["light", "[b]x[/b]", "4", "light", "4", "68.00", "%"] in [
        line[:7] for line in lines
    ]
    assert "mostly by clipping" in text
    assert "\x1b" not in text


def test_lines_fit():
    text = report_text(build_report([run("light")]), width=80)
    assert max(len(line) for line in text.splitlines()) <= 80
