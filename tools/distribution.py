"""Runs jobs here one after the other, or on many machines with Ray."""

import socket
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")
RETRIES = 3
LOCAL, AUTO = "local", "auto"
ANSWER_SECONDS = 10


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
    *,
    lost: Callable[[Job, Exception], Result] | None = None,
    **resources: Any,
) -> Iterator[tuple[Job, Result]]:
    """Runs jobs as Ray tasks; those of a lost worker run again elsewhere.

    Args:
        function: Of one job; importable on every machine. Its result must
            depend on the job alone.
        jobs: What can be pickled.
        address: Of the cluster, `HOST:PORT`, `ray://...` or `auto`; `"local"`
            or None: starts Ray on this machine, and ends it.
        lost: Result of a job whose worker was lost each time, or could not
            begin; None: raises what Ray does.
        **resources: What a task needs, such as `num_cpus=2`.

    Yields:
        Each job and its result, as they come in.

    Raises:
        ImportError: If Ray is not installed.
        ValueError: If nothing answers at the address.
    """
    ray = _ray()
    check_address(address)
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
            job = waiting.pop(done)
            try:
                result = ray.get(done)
            except ray.exceptions.RayError as error:
                if lost is None:
                    raise
                result = lost(job, error)
            yield job, result
    finally:
        if starts:
            ray.shutdown()


def check_address(address: str | None) -> None:
    """Refuses an address at which nothing answers; Ray would try for minutes.

    Args:
        address: See `run_with_ray`.

    Raises:
        ValueError: If it is none, or nothing answers within seconds.
    """
    if address in (None, LOCAL, AUTO):
        return
    supported = (
        f"Supported: HOST:PORT of the head of a cluster that runs, {AUTO} for"
        f" one on this machine, or {LOCAL} to start one. Start the head with"
        " ray start --head, and check host and port."
    )
    try:
        parts = urllib.parse.urlsplit(
            address if "://" in address else f"ray://{address}"
        )
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port:
        raise ValueError(f"Received the Ray address '{address}'. {supported}")
    try:
        socket.create_connection((host, port), ANSWER_SECONDS).close()
    except OSError as error:
        raise ValueError(
            f"Received the Ray address '{address}', at which nothing answers:"
            f" {error}. {supported}"
        ) from error


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
