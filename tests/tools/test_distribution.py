import sys

import pytest

from tfsnn_tools import distribution


def square(number):
    return number**2


def test_here_jobs_run_in_order_and_one_at_a_time():
    seen = []

    def watch(job):
        seen.append(job)
        return square(job)

    results = distribution.run_here(watch, [3, 1, 2])
    assert next(results) == (3, 9)
    assert seen == [3]
    assert list(results) == [(1, 1), (2, 4)]


def test_without_ray_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ImportError, match=r"pip install 'tfsnn\[distributed\]"):
        list(distribution.run_with_ray(square, [1], "local"))
