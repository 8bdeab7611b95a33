"""One file that needs nothing else, in which every text is escaped."""

import html.parser
import re

import pytest

from tests.support.run_records import large_run, run
from tfsnn.errors import ReportError
from tfsnn.reports import Run, build_report, drawing, write_html
from tfsnn.reports.page import render

EVIL = "<script>alert('$x_1$ & \"')</script>"
VOID = {"meta", "link", "br", "path", "use", "rect", "image", "stop"}


class Checker(html.parser.HTMLParser):
    """Collects tags and ids; fails where tags do not close."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.ids, self.text = [], [], [], []

    def handle_starttag(self, tag, attributes):
        self.seen.append(tag)
        self.ids += [value for name, value in attributes if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.seen.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def parsed(text):
    checker = Checker()
    checker.feed(text)
    assert checker.open == []
    return checker


@pytest.fixture(scope="module")
def page():
    return render(build_report([run("light"), run("other", timesteps=(4,))]))


def test_every_part_is_there(page):
    checker = parsed(page)
    assert checker.seen.count("svg") == 3 + 2 * 8 + 3
    assert checker.seen.count("table") == 1 + 3 * 3 + 2
    anchors = re.findall(r'href="#([^"]+)"', page)
    assert {a for a in anchors if a.startswith("run")} <= set(checker.ids)
    assert "tfsnn calibrate --model=net.keras" in page
    assert "mostly by clipping: 3 % of its activations" in page


def test_nothing_is_loaded(page):
    outside = re.findall(r'(?:src|href)="(?!#|data:)([^"]*)"', page)
    assert outside == []
    urls = set(re.findall(r"https?://[^\"'<> )]+", page))
    # Names of XML vocabularies are no addresses that are visited.
    assert urls <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert "default-src 'none'" in page


def test_figures_take_the_colour_of_the_page(page):
    assert "currentColor" in page
    assert drawing.INK not in page


def test_names_are_text():
    record = run().record
    record["command"] = EVIL
    for point in record["points"]:
        point["diagnosis"]["explanation"] = EVIL
        point["neurons"][0]["layer"] = EVIL
        point["rasters"][0]["layer"] = EVIL
        for row in point["evaluation"]["activity"]:
            row["name"] = EVIL
    record["thresholds"][0]["layer"] = EVIL
    page = render(build_report([Run(EVIL, record)]))
    checker = parsed(page)
    assert checker.seen.count("script") == 1
    assert "alert('$x_1$" in "".join(checker.text)


def test_what_is_not_measured_is_left_out():
    record = run().record
    for point in record["points"]:
        point.update(
            evaluation=None, diagnosis=None, rasters=None, neurons=None
        )
    record["thresholds"] = None
    checker = parsed(render(build_report([Run("bare", record)])))
    assert checker.seen.count("svg") == 1  # The steps of calibration.


def test_the_same_report_has_the_same_bytes():
    report = build_report([run(timesteps=(4,))])
    assert render(report) == render(report)


def test_file_is_replaced_whole(tmp_path):
    path = tmp_path / "new" / "report.html"
    report = build_report([run(timesteps=(4,))])
    write_html(report, path)
    write_html(report, path)
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert [p.name for p in path.parent.iterdir()] == ["report.html"]


def test_file_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ReportError, match="which cannot be written"):
        write_html(build_report([run()]), tmp_path / "file" / "r.html")


def test_nothing_is_left_where_a_folder_is_in_the_way(tmp_path):
    (tmp_path / "r.html").mkdir()
    with pytest.raises(ReportError, match="which cannot be written"):
        write_html(build_report([run(timesteps=(4,))]), tmp_path / "r.html")
    assert [p.name for p in tmp_path.iterdir()] == ["r.html"]


def test_missing_extra():
    with pytest.raises(ReportError, match=r"pip install 'tfsnn\[report\]'"):
        drawing.require("no_such_module")


@pytest.mark.slow
def test_five_runs_stay_small():
    runs = [large_run(f"run {n}") for n in range(5)]
    text = render(build_report(runs))
    assert 1e6 < len(text.encode()) < 5e6
    assert "The first 12 of 15." in text


def test_a_run_with_an_underscore_is_in_the_legends():
    page = render(build_report([run("_mine"), run("other")]))
    drawn = re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)
    assert sum("_mine" in figure for figure in drawn) >= 3
