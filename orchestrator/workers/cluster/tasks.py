"""What runs on a cluster's machines: Ray tasks.

The task that trains is a generator: the node it came to, where the driver left that to Ray, and then of each order "I have
begun", a self-check's verdict where one was made, and the trained block, so that the driver knows what runs where and since
when. Ray retries nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from orchestrator.errors import ClusterError
from orchestrator.lessons.catalog import Value
from orchestrator.workers import worker
from orchestrator.workers.cluster.losses import line_of
from orchestrator.workers.common_failures import story
from orchestrator.workers.worker import Order

ANSWER_WITHIN = 120.0  # seconds that a node has to tell what it is like


@ray.remote(max_retries=0, num_returns="streaming")  # type: ignore[untyped-decorator]
def train(orders: Sequence[Order], value: Value | None, share: float, says_where: bool) -> Iterator[Any]:
    """Train the seeds of orders of one program, until one fails as a whole; tells of each step."""
    if says_where:
        yield ray.get_runtime_context().get_node_id()
    verdict = None
    for order in orders:
        order = replace(order.carrying(value), verdict=order.verdict or verdict)  # noqa: PLW2901
        worker.warm(order.shard.job.engine, order.gpu, share)
        yield worker.place()
        verdict = worker.check(order) or order.verdict
        if verdict and not order.verdict:
            yield verdict
        block = worker.train(order)
        yield block
        if story(block):
            return


@ray.remote(max_retries=0)  # type: ignore[untyped-decorator]
def warm(engine: str, gpu: bool, share: float) -> int:
    """Load the training libraries."""
    return worker.warm(engine, gpu, share)


_question = ray.remote(max_retries=0, num_cpus=0)
machine, sees_gpu, last_words = _question(worker.machine), _question(worker.sees_gpu), _question(worker.last_words)


def on(node: str) -> NodeAffinitySchedulingStrategy:
    """A task's place: this node and no other."""
    return NodeAffinitySchedulingStrategy(node, soft=False)


@cache
def training(node: str, cpus: float, gpus: float) -> Any:
    """The task that trains, as it is sent to this node; to one that Ray chooses where none is named."""
    where = {"scheduling_strategy": on(node)} if node else {}
    return train.options(num_cpus=cpus, num_gpus=gpus, **where)


def ask(task: Any, nodes: Iterable[str], *words: Any, **needs: float) -> list[Any]:
    """What a task gives on each of these nodes.

    Raises:
        ClusterError: a node does not answer.
    """
    try:
        asked = [task.options(scheduling_strategy=on(node), **needs).remote(*words) for node in nodes]
        return ray.get(asked, timeout=ANSWER_WITHIN)  # type: ignore[no-any-return]
    except RayError as error:
        raise ClusterError(f"a node does not answer ({line_of(error)}); `ray status` tells which there are") from None
