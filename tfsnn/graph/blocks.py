"""Divides segments into blocks: between two, one source carries everything."""

from .segments import INPUT, Segment


def blocks(segments: list[Segment]) -> list[tuple[Segment, ...]]:
    """The shortest runs of segments that only read each other and one source.

    Behind the last segment of a block no other segment so far is read, and the
    input is not. A residual block is one, with its shortcut; in a plain chain
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
    farthest = last_reader.get(INPUT, -1)
    for number, segment in enumerate(segments):
        block.append(segment)
        if farthest <= number:
            found.append(tuple(block))
            block = []
        farthest = max(farthest, last_reader.get(segment.name, -1))
    return found
