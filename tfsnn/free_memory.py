"""Memory that a run may take."""

import pathlib

SHARE = 0.9
"""Of what is free; the rest is for others."""
MACHINE = pathlib.Path("/proc/meminfo")
CONTAINER = pathlib.Path("/sys/fs/cgroup")
CACHES = ("active_file", "inactive_file", "slab_reclaimable")
"""Of a container, given back when memory is short."""
UNKNOWN = 2**62


def available_bytes() -> int:
    """Bytes of main memory that a run may take, most of what is free now.

    Returns:
        What Linux says of the machine and of the container (cgroup v2) that
        the process is in, the less; elsewhere more than there is, so that
        nothing is refused.
    """
    return int(SHARE * max(0, min(_of_machine(), _of_container())))


def _of_machine() -> int:
    """What is free, and what caches would give back."""
    try:
        return 1024 * _value(MACHINE, "MemAvailable:")
    except (OSError, LookupError):
        return UNKNOWN


def _of_container() -> int:
    """The same up to the limit of the container."""
    try:
        limit = (CONTAINER / "memory.max").read_text(encoding="ascii").strip()
        used = (CONTAINER / "memory.current").read_text(encoding="ascii")
        cached = sum(_value(CONTAINER / "memory.stat", key) for key in CACHES)
    except (OSError, LookupError):
        return UNKNOWN
    return UNKNOWN if limit == "max" else int(limit) - int(used) + cached


def _value(path: pathlib.Path, name: str) -> int:
    """The number behind a name in a list of them, one a line."""
    for line in path.read_text(encoding="ascii").splitlines():
        key, *fields = line.split() or [""]
        if key == name and fields:
            return int(fields[0])
    raise LookupError(name)
