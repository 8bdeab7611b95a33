"""Memory that a run may take."""

import pathlib

SHARE = 0.9
"""Of what is free; the rest is for others."""


def available_bytes() -> int:
    """Bytes of main memory that a run may take, most of what is free now."""
    try:
        text = pathlib.Path("/proc/meminfo").read_text(encoding="ascii")
    except OSError:  # Not on Linux: nothing is refused.
        return 2**62
    (line,) = [x for x in text.splitlines() if x.startswith("MemAvailable:")]
    return int(SHARE * 1024 * int(line.split()[1]))
