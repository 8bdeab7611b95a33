"""Divides segments into blocks: between two, one source carries everything."""

from .segments import Segment, is_input


def blocks(segments: list[Segment]) -> list[tuple[Segment, ...]]:
    """The shortest runs of segments that only read each other and one source.

    Behind the last segment of a block no other segment so far is read, and no
    input is. A residual block is one, with its shortcut; in a plain chain
    every segment is its own block.

    Args:
        segments: All of a network, in topological order.

    Returns:
        The same segments in the same order, divided.
    """
    last_reader = {
        source: number
        for number, segment in enumerate(segments)
        for source in segment.sources
    }
    found, block = [], []
    of_inputs = [n for source, n in last_reader.items() if is_input(source)]
    farthest = max(of_inputs, default=-1)
    for number, segment in enumerate(segments):
        block.append(segment)
        if farthest <= number:
            found.append(tuple(block))
            block = []
        farthest = max(farthest, last_reader.get(segment.name, -1))
    return found
