import sys

import pytest

from tfsnn_tools import tables


def test_table_has_title_headers_and_rows(capsys):
    tables.print_table("Title", ("name", "T"), [("a", "8"), ("b", "16")])
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["Title"]
    assert ["name", "T"] in lines
    assert ["a", "8"] in lines
    assert ["b", "16"] in lines


def test_brackets_are_text_not_markup(capsys):
    tables.print_table("[bold]T", ("a",), [("[red]x",)])
    out = capsys.readouterr().out
    assert "[bold]T" in out
    assert "[red]x" in out


def test_nothing_is_cut_where_output_is_a_file(capsys):
    long = "x" * 80
    tables.print_table("T", ("a", "b"), [(long, "1")])
    assert not sys.stdout.isatty()
    assert long in capsys.readouterr().out


@pytest.mark.parametrize(
    ("share", "text"), [(0.934, "93.40 %"), (1, "100.00 %"), (None, "-")]
)
def test_percent(share, text):
    assert tables.percent(share) == text
