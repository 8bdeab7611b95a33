"""Addresses and errors of servers as people write and read them."""

import re

_FUNCTION = re.compile(r"(\{\{function_node [^}]*\}\}\s*)+")
_NODE = re.compile(r"\s*\[*\{\{(function_)?node .*", re.DOTALL)
_ASSERTION = re.compile(r"assertion failed: \[(.*)\]", re.DOTALL)


def address(host: str, port: int) -> str:
    """Host and port; an IPv6 address in brackets.

    Args:
        host: A name or an address, with or without brackets.
        port: The port.

    Returns:
        For example `127.0.0.1:8500` or `[::1]:8500`.
    """
    bare = host.removeprefix("[").removesuffix("]")
    return f"[{bare}]:{port}" if ":" in bare else f"{bare}:{port}"


def plain_text(text: str) -> str:
    """What a graph says, without where in the graph it says it.

    Args:
        text: Message of a server. TensorFlow writes `assertion failed: [...]`
            around that of a check, and names the node on a second line.

    Returns:
        The message.
    """
    beginning = _FUNCTION.match(text)
    text = text[beginning.end() :] if beginning else text
    text = _NODE.sub("", text)
    found = _ASSERTION.search(text)
    if found:
        text = found[1].replace("] [", " ")
    return " ".join(text.split())
