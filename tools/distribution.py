"""Runs jobs here one after the other, or on many machines with Ray."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")
RETRIES = 3
LOCAL = "local"


def run_here(
    function: Callable[[Job], Result], jobs: Sequence[Job]
) -> Iterator[tuple[Job, Result]]:
    """Runs jobs in this process.

    Args:
        function: Of one job.
        jobs: In order.

    Yields:
        Each job and its result.
    """
    for job in jobs:
        yield job, function(job)


def run_with_ray(
    function: Callable[[Job], Result],
    jobs: Sequence[Job],
    address: str | None,
    **resources: Any,
) -> Iterator[tuple[Job, Result]]:
    """Runs jobs as Ray tasks; those of a lost worker run again elsewhere.

    Args:
        function: Of one job; importable on every machine. Its result must
            depend on the job alone.
        jobs: What can be pickled.
        address: Of the cluster, `HOST:PORT`, `ray://...` or `auto`; `"local"`
            or None: starts Ray on this machine, and ends it.
        **resources: What a task needs, such as `num_cpus=2`.

    Yields:
        Each job and its result, as they come in.

    Raises:
        ImportError: If Ray is not installed.
    """
    ray = _ray()
    starts = not ray.is_initialized()
    if starts:
        ray.init(
            address=None if address in (None, LOCAL) else address,
            include_dashboard=False,
            log_to_driver=False,
        )
    try:
        task = ray.remote(max_retries=RETRIES, **resources)(function)
        waiting = {task.remote(job): job for job in jobs}
        while waiting:
            (done, *_), _ = ray.wait(list(waiting), num_returns=1)
            yield waiting.pop(done), ray.get(done)
    finally:
        if starts:
            ray.shutdown()


def _ray():
    try:
        import ray
    except ImportError as error:
        raise ImportError(
            "Jobs are sent to other machines through Ray, which is not"
            " installed. Run: pip install 'tfsnn[distributed]', or leave"
            " --ray-address out."
        ) from error
    return ray
