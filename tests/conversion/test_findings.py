import json

import pytest

from tfsnn.conversion import Finding, Findings

ONE = Finding("pool", "MaxPooling2D", "no maximum", "Use a mean.")
TWO = Finding("act", "Activation", "swish", "Use ReLU.")


def test_a_finding_is_a_line():
    assert str(ONE) == "'pool' (MaxPooling2D): no maximum. Use a mean."


def test_no_findings_are_good_news():
    found = Findings("net", (), num_neuron_layers=3, num_operations=9)
    assert found.ok
    assert str(found) == (
        "Model 'net' converts: 3 neuron layers, 9 operations looked at."
    )


@pytest.mark.parametrize(
    ("findings", "words"),
    [((ONE,), "1 finding, 9 "), ((ONE, TWO), "2 findings, 9 ")],
)
def test_text_lists_all(findings, words):
    first, *lines = str(Findings("net", findings, 1, 9)).splitlines()
    assert first.startswith(f"Model 'net' does not convert: {words}")
    assert lines == [f"  {n}. {one}" for n, one in enumerate(findings, 1)]


def test_is_a_collection():
    found = Findings("net", (ONE, TWO))
    assert not found.ok
    assert list(found) == [ONE, TWO]
    assert len(found) == 2


def test_json():
    found = Findings("net", (ONE,), 1, 9)
    assert json.loads(found.to_json()) == {
        "model": "net",
        "ok": False,
        "num_neuron_layers": 1,
        "num_operations": 9,
        "warnings": [],
        "findings": [
            {
                "layer": "pool",
                "kind": "MaxPooling2D",
                "reason": "no maximum",
                "remedy": "Use a mean.",
            }
        ],
    }
