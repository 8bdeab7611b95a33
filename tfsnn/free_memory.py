"""Memory that a run may take."""

import pathlib

SHARE = 0.9
"""Of what is free; the rest is for others."""


UNKNOWN = 2**62


def available_bytes() -> int:
    """Bytes of main memory that a run may take, most of what is free now.

    Returns:
        What Linux says; elsewhere more than there is, so nothing is refused.
    """
    try:
        text = pathlib.Path("/proc/meminfo").read_text(encoding="ascii")
    except OSError:
        return UNKNOWN
    for line in text.splitlines():
        if line.startswith("MemAvailable:"):
            return int(SHARE * 1024 * int(line.split()[1]))
    return UNKNOWN
