import pathlib

from tfsnn import free_memory


def test_most_of_what_is_free(monkeypatch):
    text = "MemTotal:  10 kB\nMemAvailable:    1000 kB\nSwapFree: 5 kB\n"
    monkeypatch.setattr(pathlib.Path, "read_text", lambda *_, **__: text)
    assert free_memory.available_bytes() == 0.9 * 1000 * 1024


def test_a_kernel_that_does_not_say(monkeypatch):
    monkeypatch.setattr(pathlib.Path, "read_text", lambda *_, **__: "MemFree:")
    assert free_memory.available_bytes() > 2**60


def test_nothing_is_refused_where_it_is_not_known(monkeypatch):
    def missing(*_, **__):
        raise FileNotFoundError

    monkeypatch.setattr(pathlib.Path, "read_text", missing)
    assert free_memory.available_bytes() > 2**60
