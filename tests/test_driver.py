"""The driver on a real cluster of logical resources."""

import time

import pytest

from orchestrator import catalog
from orchestrator.errors import ClusterError
from orchestrator.plan import Job, Shard
from orchestrator.worker import Order
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
    return [Order(Shard(job, (seed,), "not trained yet"), source, (("epochs", 1),)) for seed in range(4)]


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

    from orchestrator.driver import Driver, Options
    from orchestrator.events import Finished

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
    from orchestrator.driver import Driver, Options

    with pytest.raises(ClusterError, match="4 CPU, 1 GPU"):
        Driver(Options(address=cluster.address, gpus=2))


def test_every_node_tells_its_versions(cluster):
    """The survey that `doctor` prints has a row a node, with the versions that must agree."""
    from orchestrator import worker
    from orchestrator.driver import Driver, Options

    driver = Driver(Options(address=cluster.address))
    try:
        assert driver.survey() == [worker.facts()]
    finally:
        driver.close()
