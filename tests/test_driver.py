"""The driver on a real cluster of logical resources."""

import platform
import shutil
import time
from dataclasses import replace

import pytest

from orchestrator.errors import ClusterError
from orchestrator.lessons import catalog
from orchestrator.nouns.plan import Job, Shard
from orchestrator.workers import worker
from orchestrator.workers.worker import Order
from tests.conftest import TINY


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A Ray node that believes it has four processors and one GPU."""
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    patch = pytest.MonkeyPatch()
    patch.delenv("CUDA_VISIBLE_DEVICES", raising=False)  # Ray would count the GPUs named there
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 4, "num_gpus": 1, "include_dashboard": False})
    yield made
    ray.shutdown()
    made.shutdown()
    patch.undo()


@pytest.fixture
def orders(tmp_path):
    """Four shards of the tiny lesson, one seed each, through fit."""
    path = tmp_path / "tiny.py"
    path.write_text(TINY)
    source = catalog.find([str(path)])[0]
    job = Job("tiny", "one", "fixed", "k", "p", "fit-jax", 1, 1.0)
    return [Order(Shard(job, (seed,), "not trained yet"), source, (("epochs", "1"),)) for seed in range(4)]


def given_back(ray):
    """Whether, in some seconds, all that the cluster has is free again; Ray tells of it with a delay."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        free = ray.available_resources()
        if all(free.get(name, 0) == ray.cluster_resources()[name] for name in ("CPU", "GPU")):
            return True
        time.sleep(0.2)
    return False


def test_shards_share_a_gpu_by_fractions(cluster, orders):
    """Where the cluster has a GPU each shard asks for a quarter of it, so that four run at once, and afterwards all is given back."""
    import ray

    from orchestrator.workers.cluster.driver import Driver, Options
    from orchestrator.workers.events import Finished

    driver = Driver(Options(address=cluster.address))
    try:
        assert (driver.gpus, driver.slots) == (0.25, 4)
        finished = [event for event in driver.run(orders) if isinstance(event, Finished)]
        assert sorted(event.shard.seeds[0] for event in finished) == [0, 1, 2, 3]
        assert [event.block.outcomes[0].error for event in finished] == [None] * 4
        assert given_back(ray)
    finally:
        driver.close()


def test_more_than_any_node_has_is_refused(cluster):
    """Two GPUs a shard on a node of one is an error that names what there is."""
    from orchestrator.workers.cluster.driver import Driver, Options

    with pytest.raises(ClusterError, match=r"no node has that \(4 CPU, 1 GPU\)"):
        Driver(Options(address=cluster.address, gpus=2))


def test_every_node_tells_its_versions(cluster):
    """The survey that `doctor` prints has a row a node, with the versions that must agree."""
    from orchestrator.workers.cluster.driver import Driver, Options

    driver = Driver(Options(address=cluster.address))
    try:
        assert [(found.node, found.versions) for found in driver.survey()] == [(platform.node(), worker.versions())]
    finally:
        driver.close()


def test_a_gpu_that_only_ray_counts_is_found_out(cluster, tmp_path):
    """Before a run, a node on which JAX finds no GPU though Ray counts one ends the command with what to install."""
    if shutil.which("nvidia-smi"):
        pytest.skip("this machine has a GPU that JAX may see")
    from orchestrator.store import Store
    from orchestrator.workers import health
    from orchestrator.workers.cluster.driver import Driver, Options

    driver = Driver(Options(address=cluster.address))
    try:
        with pytest.raises(ClusterError, match=rf"no GPU on {platform.node()}; install jax\[cuda12\]"):
            list(health.preflight(driver, Store(tmp_path)))
    finally:
        driver.close()


def test_other_versions_on_a_node_end_the_command(cluster, tmp_path, monkeypatch):
    """Before a run, a node whose Keras is not the one here ends the command, with both versions."""
    from orchestrator.store import Store
    from orchestrator.workers import health
    from orchestrator.workers.cluster.driver import Driver, Options

    driver = Driver(Options(address=cluster.address, gpus=0))
    try:
        assert list(health.preflight(driver, Store(tmp_path))) == []
        there = worker.versions()
        monkeypatch.setattr(worker, "versions", lambda: {**there, "keras": "3.0.0"})
        with pytest.raises(ClusterError, match=rf"keras {there['keras']} \(here 3.0.0\)"):
            list(health.preflight(driver, Store(tmp_path)))
    finally:
        driver.close()


def test_what_a_worker_cannot_write_to_is_said_before_the_run(cluster, tmp_path):
    """A URI that only the driver can write to is no obstacle, but told of, node by node."""
    from orchestrator.store import Store
    from orchestrator.workers import health
    from orchestrator.workers.cluster.driver import Driver, Options

    driver = Driver(Options(address=cluster.address, gpus=0))
    try:
        store = Store("s3://bucket/x?region=us-east-1&endpoint_override=http://127.0.0.1:1")
        (said,) = health.preflight(driver, store)
        assert said.startswith(f"node {platform.node()}: ")
        assert said.endswith("; its results will come through this process")
    finally:
        driver.close()


@pytest.mark.long  # machines come and go
def test_a_cluster_without_its_last_worker_waits_for_another(orders):
    """Shards of a node that dies are told of as lost; with room nowhere the driver says so, and a node that joins gets them all."""
    import ray
    from ray.cluster_utils import Cluster

    from orchestrator.workers.cluster.driver import Driver, Options
    from orchestrator.workers.events import Finished, Lost, Started, Waiting

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    node = made.add_node(num_cpus=1)
    driver = Driver(Options(address=made.address))
    happened = []
    try:
        for event in driver.run(orders):
            happened.append(event)
            if isinstance(event, Started) and node:
                made.remove_node(node, allow_graceful=False)
                node = None
            if isinstance(event, Waiting):
                assert "no node has that (0 CPU, 0 GPU)" in event.why
                made.add_node(num_cpus=1)
    finally:
        driver.close()
        ray.shutdown()
        made.shutdown()
    kinds = [type(event) for event in happened]
    assert (kinds[0], kinds.count(Lost), kinds.count(Waiting), kinds.count(Finished)) == (Started, 1, 1, 4)
    assert [event.block.outcomes[0].error for event in happened if isinstance(event, Finished)] == [None] * 4


@pytest.mark.long  # machines come and go
def test_a_node_that_joins_with_other_versions_gets_no_shard(orders, monkeypatch):
    """A machine that joins a run and has another Keras is told of with both versions, and whatever trains does so elsewhere."""
    import ray
    from ray.cluster_utils import Cluster

    from orchestrator.workers.cluster.driver import Driver, Options
    from orchestrator.workers.events import Barred, Finished, Started

    orders = [replace(order, settings=(("epochs", "400"),)) for order in orders]  # a node needs seconds to join
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    made.add_node(num_cpus=1)
    driver, happened = Driver(Options(address=made.address)), []
    there = worker.versions()
    try:
        (first,) = driver.nodes.has.keys() - {row["NodeID"] for row in ray.nodes() if not row["Resources"].get("CPU")}
        for event in driver.run(orders):
            happened.append(event)
            if len(happened) == 1:
                monkeypatch.setattr(worker, "versions", lambda: {**there, "keras": "3.0.0"})
                made.add_node(num_cpus=1)
            if isinstance(event, Finished) and not any(isinstance(e, Barred) for e in happened):
                until = time.monotonic() + 60  # shards are short: give the question time
                while not driver._asked and time.monotonic() < until:
                    list(driver._follow())
                ray.wait(list(driver._asked.values()), timeout=60)
            assert {flight.node for flight in driver._flights.values()} <= {first, ""}
    finally:
        driver.close()
        ray.shutdown()
        made.shutdown()
    (barred,) = (event for event in happened if isinstance(event, Barred))
    assert f"keras {there['keras']} (here 3.0.0)" in barred.why
    assert isinstance(happened[0], Started)
    assert [event.block.outcomes[0].error for event in happened if isinstance(event, Finished)] == [None] * 4


@pytest.mark.parametrize(("mode", "said"), [("disabled", "token"), ("token", "disabled")])
def test_a_cluster_is_talked_to_as_it_demands(mode, said, orders, monkeypatch):
    """Whatever the environment says, shards come home from a cluster that asks for a token, and from one that does not."""
    import ray
    from ray._raylet import AuthenticationTokenLoader, Config
    from ray.cluster_utils import Cluster

    from orchestrator.workers.cluster.driver import Driver, Options
    from orchestrator.workers.events import Finished

    monkeypatch.setenv("RAY_AUTH_TOKEN", "f" * 64)
    AuthenticationTokenLoader.instance().reset_cache()
    monkeypatch.setenv("RAY_AUTH_MODE", mode)
    Config.initialize("")
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    monkeypatch.setenv("RAY_AUTH_MODE", said)
    monkeypatch.setenv("RAY_ADDRESS", made.address)  # so that "auto" means none of another test's
    try:
        driver = Driver(Options(address="auto"))
        try:
            (event,) = (event for event in driver.run(orders[:1]) if isinstance(event, Finished))
        finally:
            driver.close()
    finally:
        ray.shutdown()
        made.shutdown()
        Config.initialize("")
        monkeypatch.undo()
        AuthenticationTokenLoader.instance().reset_cache()
    assert event.block.outcomes[0].error is None
