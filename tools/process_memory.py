"""Memory of this process."""

import resource
import sys


def peak_mb() -> float:
    """Most memory this process had so far, in megabytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
