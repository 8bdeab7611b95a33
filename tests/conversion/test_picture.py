import pytest

from tests.support.convertible import build, classify, network
from tfsnn import survey
from tfsnn.conversion.picture import draw_segments, places
from tfsnn.errors import ConversionError
from tfsnn.graph.segments import INPUT


def test_a_segment_stands_below_all_it_reads():
    segments = survey(build("pre_activation")).segments
    found = places(segments)
    assert found[INPUT] == (0, 0)
    for segment in segments:
        for source in segment.sources:
            assert found[source][1] < found[segment.name][1]
    assert len(set(found.values())) == len(segments) + 1


@pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf"])
def test_formats(suffix, tmp_path):
    path = draw_segments(survey(build("residual")), tmp_path / f"a{suffix}")
    assert path.stat().st_size > 1000
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("build_model", "name", "message"),
    [
        (lambda: build("residual"), "a.gif", "Supported: .svg, .png, .pdf"),
        (lambda: build("residual"), "no/a.svg", "cannot be written"),
        (lambda: network(classify), "a.svg", "no segments to draw"),
    ],
)
def test_refusals(build_model, name, message, tmp_path):
    with pytest.raises(ConversionError, match=message):
        draw_segments(survey(build_model()), tmp_path / name)


def test_without_matplotlib(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    with pytest.raises(ConversionError, match=r"pip install 'tfsnn\[plot\]'"):
        draw_segments(survey(build("residual")), tmp_path / "a.svg")
