import shlex
import types

import pytest
from absl import app, flags

from tfsnn_tools import command_line


def values():
    own = flags.FlagValues()
    flags.DEFINE_string("model", None, "A file.", flag_values=own)
    flags.DEFINE_integer("lag", 3, "Steps. " * 20, 0, flag_values=own)
    flags.DEFINE_bool("json", False, "Print JSON.", flag_values=own)
    return own


def parse(*arguments, **options):
    own = values()
    rest = command_line.parse(["tfsnn x", *arguments], own, **options)
    return own, rest


def test_a_record_can_be_typed_again():
    argv = ["tfsnn x", "--model=my net.keras", "--note=it's", "a&b"]
    line = command_line.as_typed(argv)
    assert line.startswith("tfsnn x '--model=my net.keras' ")
    assert shlex.split(line)[2:] == argv[1:]


def test_flags_and_arguments_in_any_order():
    own, rest = parse("--lag=2", "file", "--json", positional=("FILE",))
    assert (own.lag, own.json, rest) == (2, True, ["file"])


def test_dashed_argument_after_the_separator():
    _, rest = parse("--", "--file", positional=("FILE",))
    assert rest == ["--file"]


@pytest.mark.parametrize("word", ["--max-images=a-b", "--max_images=a-b"])
def test_names_with_dashes_and_values_as_they_are(word):
    own = flags.FlagValues()
    flags.DEFINE_string("max_images", None, "", flag_values=own)
    rest = command_line.parse(["x", word, "c-d"], own, positional=("FILE",))
    assert (own.max_images, rest) == ("a-b", ["c-d"])


def test_missing_flag():
    with pytest.raises(app.UsageError, match="--model is missing"):
        parse(required=("model",))


def test_zero_is_given():
    own, _ = parse("--lag=0", required=("lag",))
    assert own.lag == 0


def test_missing_flag_and_argument():
    with pytest.raises(app.UsageError, match="--model, FILE are missing"):
        parse(required=("model",), positional=("FILE",))


def test_unexpected_argument():
    with pytest.raises(app.UsageError, match="unexpected arguments: b c"):
        parse("a", "b", "c", positional=("FILE",))


def test_unknown_flag():
    with pytest.raises(flags.UnrecognizedFlagError, match="Did you mean: lag"):
        parse("--lagg=2")


@pytest.mark.parametrize("text", ["-1", "x"])
def test_illegal_value(text):
    with pytest.raises(flags.IllegalFlagValueError, match="flag --lag"):
        parse(f"--lag={text}")


def test_commands_do_not_see_each_others_flags():
    parse("--lag=2")
    with pytest.raises(flags.UnrecognizedFlagError, match="lag"):
        command_line.parse(["tfsnn x", "--lag=2"], flags.FlagValues())


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--help"], True),
        (["file", "-h"], True),
        (["--helpfull"], True),
        (["--", "--help"], False),
        (["--model=--help"], False),
        ([], False),
    ],
)
def test_wants_help(arguments, expected):
    assert command_line.wants_help(arguments) is expected


def test_help_text():
    module = types.ModuleType("x", "Does things.\n")
    module.USAGE = "tfsnn x FILE"
    module.define_flags = values
    text = command_line.help_text(module)
    assert text.startswith("usage: tfsnn x FILE\n\nDoes things.\n\nFlags:\n")
    assert "  --model\n      A file.\n" in text
    assert "  --[no]json\n      Print JSON. (default: 'false')\n" in text
    assert "(default: '3')" in text
    assert max(map(len, text.splitlines())) <= 80


def numbers(text):
    values = flags.FlagValues()
    flags.DEFINE_list("counts", [], "", flag_values=values)
    command_line.parse(["tfsnn x", f"--counts={text}"], values)
    return values


def test_whole_numbers():
    assert command_line.whole_numbers(numbers("3,1"), "counts", low=1) == [3, 1]
    assert command_line.whole_numbers(numbers(""), "counts", low=1) == []


@pytest.mark.parametrize("text", ["0", "1,x", "2,-1", "1.5", ""])
def test_what_is_no_whole_number_is_refused(text):
    with pytest.raises(
        app.UsageError,
        match=f"--counts={text}. Supported: whole numbers from 1, with commas",
    ):
        command_line.whole_numbers(
            numbers(text), "counts", low=1, required=True
        )
