"""What is asked, and what would be dropped or sent unscaled."""

import pathlib

import pytest
from absl import app

from tfsnn_tools import request
from tfsnn_tools.request_signature import choose


def chosen(*arguments):
    options = request.define_flags()
    _, *files = options(["request", "--model=net", *arguments])
    return choose(options, [pathlib.Path(file) for file in files])


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (["a.png"], "serialized"),
        (["a.npy"], "serving_default"),
        (["--scale=1/255", "a.png"], "serving_default"),
        (["--std=2", "a.png", "a.npy"], "serving_default"),
        (["--confidence=1", "a.npy"], "anytime"),
        (["--max_steps=3", "--scale=1", "a.png"], "anytime"),
        (["--signature=t4_serialized", "a.png"], "t4_serialized"),
        (["--signature=t4_anytime", "--confidence=0", "a.npy"], "t4_anytime"),
        (["--signature=trace", "a.npy"], "trace"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_choice(arguments, expected):
    assert chosen(*arguments) == expected


@pytest.mark.parametrize(
    "arguments",
    [
        ["--confidence=0.9"],
        ["--max_steps=3"],
        ["--signature=trace"],
        ["--signature=serving_default"],
        ["--signature=t8"],
        ["a.npy"],
    ],
    ids=lambda value: value[0],
)
def test_pixels_are_never_sent_unscaled_unasked(arguments):
    with pytest.raises(app.UsageError, match="how they are scaled.*--scale=1 "):
        chosen(*arguments, "a.png")
    chosen(*arguments, "--scale=1", "a.png")


@pytest.mark.parametrize(
    "arguments, text",
    [
        (
            ["--signature=t4_serialized", "--confidence=0.9", "a.png"],
            "--confidence with --signature=t4_serialized, which runs all",
        ),
        (
            ["--signature=t4", "--max_steps=2", "a.npy"],
            "--max_steps with --signature=t4, which runs all",
        ),
        (
            ["--signature=serialized", "--scale=1/255", "--std=2", "a.png"],
            "--scale, --std with --signature=serialized, whose graph scales",
        ),
        (
            ["--signature=serialized", "a.npy"],
            "a.npy with --signature=serialized, which takes image files",
        ),
        (["--mean=1", "a.npy"], "--mean with .npy files only"),
    ],
    ids=["confidence", "steps", "scale", "array", "only arrays"],
)
def test_nothing_is_dropped(arguments, text):
    with pytest.raises(app.UsageError, match=text):
        chosen(*arguments)


@pytest.mark.parametrize("value", ["nan", "-5", "1.5", "inf"])
def test_confidence_is_a_share(value):
    with pytest.raises(app.UsageError, match="Supported: 0...1"):
        chosen(f"--confidence={value}", "a.npy")


def test_all_problems_at_once():
    with pytest.raises(app.UsageError, match="scales.*runs all.*0...1"):
        chosen("--signature=serialized", "--scale=2", "--confidence=7", "a.png")


def test_command_line(command, tmp_path):
    """Before the server is asked: there is none."""
    outcome = command("request", "--model=net", "--confidence=1", "a.png")
    assert outcome.code == 2
    assert "how they are scaled" in outcome.err
