import pytest

from tfsnn import free_memory

MACHINE = "MemTotal:  9000 kB\nMemAvailable:    1000 kB\nHugePages: 5\n"


@pytest.fixture
def said(monkeypatch, tmp_path):
    """What the system says; a file that is not named is missing."""

    def said(machine=None, **container):
        for name, text in {"meminfo": machine, **container}.items():
            if text is not None:
                (tmp_path / name.replace("_", ".")).write_text(text)
        monkeypatch.setattr(free_memory, "MACHINE", tmp_path / "meminfo")
        monkeypatch.setattr(free_memory, "CONTAINER", tmp_path)
        return free_memory.available_bytes()

    return said


def test_most_of_what_is_free(said):
    assert said(MACHINE) == 0.9 * 1000 * 1024


@pytest.mark.parametrize(
    ("limit", "used", "free"),
    [
        ("500000", "300000", 200_000 + 70_000),
        ("500000", "600000", 0),
        ("max", "300000", 1000 * 1024),
        ("5000000", "300000", 1000 * 1024),
    ],
)
def test_a_container_has_a_limit_of_its_own(said, limit, used, free):
    """Files that were read are in its memory, and given back."""
    container = {
        "memory_max": f"{limit}\n",
        "memory_current": f"{used}\n",
        "memory_stat": "anon 230000\nactive_file 30000\n"
        "inactive_file 35000\nslab_reclaimable 5000\n",
    }
    assert said(MACHINE, **container) == int(0.9 * free)


@pytest.mark.parametrize(
    "machine", [None, "", "\nMemAvailable:\nMemFree: 9 kB\n"]
)
def test_nothing_is_refused_where_it_is_not_known(said, machine):
    assert said(machine) > 2**60
