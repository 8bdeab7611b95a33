"""What the documents name exists: files, commands, make targets."""

import re
import shlex

import pytest

from tests.support import checkout
from tfsnn_tools import command_line, main

pytestmark = pytest.mark.checkout

ROOT = checkout.ROOT
DOCUMENTS = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *sorted((ROOT / "docs").glob("*.md")),
    )
}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


class ParsedError(Exception):
    """The command line was read; nothing was done."""


def prose(text):
    return FENCE.sub("", text)


def shell_lines(text):
    """Lines of the shell blocks, continued ones joined, comments dropped."""
    blocks = [body for kind, body in FENCE.findall(text) if kind == "sh"]
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True) for line in lines if line.strip()]


def commands(text):
    return [words for words in shell_lines(text) if words[:1] == ["tfsnn"]]


def make_targets(text):
    words = [code.split() for code in CODE.findall(prose(text))]
    found = []
    for line in [*shell_lines(text), *words]:
        if line[:1] == ["make"]:
            found += [w for w in line[1:] if "=" not in w]
    return found


def anchors(text):
    """Links to headings, in the spelling of forges."""
    return {
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        for heading in HEADING.findall(prose(text))
    }


def pairs(find):
    """A pytest parameter for everything found in a document."""
    return [
        pytest.param(name, found, id=f"{name}: {found}")
        for name, text in DOCUMENTS.items()
        for found in find(text)
    ]


def local_links(text):
    return [link for link in LINK.findall(prose(text)) if "://" not in link]


@pytest.mark.parametrize(("name", "link"), pairs(local_links))
def test_linked_files_exist(name, link):
    path, _, anchor = link.partition("#")
    target = (ROOT / name).parent / path if path else ROOT / name
    assert target.exists()
    if anchor:
        assert anchor in anchors(target.read_text(encoding="utf-8"))


def stopping(reader):
    """Reads a command line, and goes no further."""
    real = getattr(command_line, reader)

    def parse(*arguments, **options):
        real(*arguments, **options)
        raise ParsedError

    return parse


@pytest.mark.parametrize(("name", "words"), pairs(commands))
def test_command_lines_can_be_read(name, words, monkeypatch):
    for reader in ("parse", "parse_many"):
        monkeypatch.setattr(command_line, reader, stopping(reader))
    _, command, *_ = words
    if command == "version":
        return
    with pytest.raises(ParsedError):
        main.run(words)


@pytest.mark.parametrize(("name", "target"), pairs(make_targets))
def test_make_targets_exist(name, target):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE)


def test_something_is_found():
    readme = DOCUMENTS["README.md"]
    assert [words[1] for words in commands(readme)] == [
        "check",
        "calibrate",
        "evaluate",
        "export",
        "inspect",
        "serve",
        "request",
        "benchmark",
        "evaluate",
        "report",
    ]
    assert "quickstart" in make_targets(readme)
    assert "docs/benchmarks.md" in local_links(readme)


@pytest.mark.parametrize(
    "line",
    ["tfsnn calibrate --modle=x", "tfsnn check", "tfsnn train x", "tfsnn x"],
)
def test_wrong_command_lines_are_found(line, capsys):
    assert main.run(shlex.split(line)) == main.USAGE_ERROR
