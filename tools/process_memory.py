"""Memory of this process, and what is free for it."""

import pathlib
import resource
import sys

MEMORY_SHARE = 0.9


def peak_mb() -> float:
    """Most memory this process had so far, in megabytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def available_bytes() -> int:
    """Bytes that a run may take: most of what is free now."""
    try:
        text = pathlib.Path("/proc/meminfo").read_text(encoding="ascii")
    except OSError:  # Not on Linux: nothing is refused.
        return 2**62
    (line,) = [x for x in text.splitlines() if x.startswith("MemAvailable:")]
    return int(MEMORY_SHARE * 1024 * int(line.split()[1]))
