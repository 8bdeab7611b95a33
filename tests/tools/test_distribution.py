import socket
import sys
import time

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


@pytest.mark.parametrize("address", ["nonsense", "host:x", "", "ray://host"])
def test_what_is_no_address(address):
    with pytest.raises(ValueError, match="Ray address .*Supported: HOST:PORT"):
        distribution.check_address(address)


@pytest.mark.parametrize("form", ["127.0.0.1:{}", "ray://127.0.0.1:{}"])
def test_an_address_at_which_nothing_answers(form):
    """Said within seconds; Ray itself tries for minutes."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        address = form.format(listener.getsockname()[1])
        distribution.check_address(address)
    with pytest.raises(ValueError, match="nothing answers: .*ray start --head"):
        distribution.check_address(address)


def test_addresses_that_name_no_host():
    for address in (None, "local", "auto"):
        distribution.check_address(address)


@pytest.mark.slow
def test_a_job_that_ends_its_worker_is_reported_and_the_rest_go_on():
    pytest.importorskip("ray", reason="needs the extra 'distributed'")

    def job(number):
        import os

        if number == 1:
            os._exit(1)
        return number**2

    def lost(number, error):
        return f"{number}: {type(error).__name__}"

    found = dict(distribution.run_with_ray(job, range(3), "local", lost=lost))
    assert found == {0: 0, 1: "1: WorkerCrashedError", 2: 4}


@pytest.mark.slow
def test_a_lost_node_does_not_change_the_results(tmp_path):
    """Two workers of a local cluster; one is killed half way."""
    pytest.importorskip("ray", reason="needs the extra 'distributed'")
    import ray
    from ray.cluster_utils import Cluster

    folder = str(tmp_path)

    def job(number):
        """All but the first three last until one node is gone.

        Those on the lost one never end, should it take long to die.
        """
        import pathlib
        import time

        import ray

        node = ray.get_runtime_context().get_node_id()
        pathlib.Path(folder, f"{number}-{node}").touch()
        deadline = time.monotonic() + 120
        while number > 2 and time.monotonic() < deadline:
            gone = pathlib.Path(folder, "gone")
            if gone.exists() and gone.read_text() not in ("", node):
                break
            time.sleep(0.1)
        return square_of(number)

    def wait_until_it_works(node):
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            begun = [p.name for p in tmp_path.glob(f"*-{node.node_id}")]
            if any(int(name.partition("-")[0]) > 2 for name in begun):
                return
            time.sleep(0.1)

    def square_of(number):
        return number**2

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    try:
        nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
        cluster.wait_for_nodes()
        ray.init(address=cluster.address, log_to_driver=False)
        found = {}
        for number, result in distribution.run_with_ray(
            job, list(range(8)), cluster.address, num_cpus=1
        ):
            found[number] = result
            if len(found) == 3:
                wait_until_it_works(nodes[0])
                cluster.remove_node(nodes[0], allow_graceful=False)
                (tmp_path / "gone").write_text(nodes[0].node_id)
        assert found == dict(distribution.run_here(square_of, range(8)))
        # Some job was begun by both nodes: that of the lost one, again.
        begun = [p.name.partition("-")[0] for p in tmp_path.glob("*-*")]
        assert len(begun) > len(set(begun)) == 8
    finally:
        ray.shutdown()
        cluster.shutdown()
