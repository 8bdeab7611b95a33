"""Addresses and what is left of the errors of graphs."""

import pytest

from tfsnn.serving.messages import address, plain_text


@pytest.mark.parametrize(
    "host, expected",
    [
        ("localhost", "localhost:1"),
        ("127.0.0.1", "127.0.0.1:1"),
        ("::1", "[::1]:1"),
        ("[fe80::2]", "[fe80::2]:1"),
    ],
)
def test_address(host, expected):
    assert address(host, 1) == expected


@pytest.mark.parametrize(
    "text, expected",
    [
        ("Plain words.", "Plain words."),
        ("assertion failed: [No image.]", "No image."),
        ("assertion failed: [No image. Of:] [3]", "No image. Of: 3"),
        (
            "NaN in [2, 3].\n\t [[{{node CheckNumerics}}]]\n\t [[{{node x}}]]",
            "NaN in [2, 3].",
        ),
        (
            "assertion failed: [Shape [None, 8].]\n\t [[{{node Assert}}]]",
            "Shape [None, 8].",
        ),
        (
            "assertion failed: [None.]\n\t [[{{function_node __inference_0}}"
            "{{node Assert/Assert}}]]",
            "None.",
        ),
        ("{{function_node __inference_0}} No: [[{{node x}}]]", "No:"),
    ],
    ids=["plain", "assertion", "values", "node", "both", "function", "first"],
)
def test_plain_text(text, expected):
    assert plain_text(text) == expected
