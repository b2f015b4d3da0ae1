"""Tests of `orchestrator/workers/cluster/bundles.py`: which shards one task trains."""

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.lessons.catalog import Source
from orchestrator.nouns.plan import Job, plan, seeded
from orchestrator.workers.cluster.bundles import LONGEST, Bundles
from orchestrator.workers.worker import Order


def waiting(costs, seeds=30):
    """What two scopes of programs wait for, whose shards are guessed to take so many seconds."""
    jobs = [
        Job("lesson", f"variant {i}", scope, f"{i} {scope}", f"{i}", "compiled", 8, cost)
        for i, cost in enumerate(costs)
        for scope in ("fixed", "redrawn")
    ]
    source = Source("lesson", 1, "", "")
    return Bundles(Order(shard, source, ()) for shard in plan(seeded(jobs, range(seeds)), {}).shards)


def all_of(bundles, slots):
    """Every bundle, as it would be sent."""
    return list(iter(lambda: bundles.take(slots), []))


@given(st.lists(st.floats(0.001, 100), min_size=1, max_size=5), st.integers(1, 40), st.integers(1, 12))
def test_every_shard_is_in_one_bundle_of_its_program(costs, seeds, slots):
    """Nothing is sent twice or left; a bundle is of one program, and of several shards only where they take half a minute at the most."""
    sent = all_of(waiting(costs, seeds), slots)
    blocks = [order.shard.block for bundle in sent for order in bundle]
    assert len(blocks) == len(set(blocks)) == len(costs) * 2 * -(-seeds // 8)
    for bundle in sent:
        assert len({order.shard.job.program for order in bundle}) == 1
        assert len(bundle) == 1 or sum(order.shard.cost for order in bundle) <= LONGEST


def test_both_scopes_of_the_same_seeds_follow_each_other():
    """A worker that has made the weights of seeds for one scope trains them in the other next."""
    (bundle, *_) = all_of(waiting([0.1, 0.1]), 1)
    seeds = [order.seeds for order in bundle]
    assert seeds[0::2] == seeds[1::2]
    assert {order.shard.job.data for order in bundle[:2]} == {"fixed", "redrawn"}


def test_all_programs_have_their_turn_and_nobody_is_left_with_much():
    """No two workers compile the same program at once while there are others, and the last bundles are single shards."""
    sent = all_of(waiting([1.0, 1.0, 1.0]), 2)
    assert len({bundle[0].shard.job.program for bundle in sent[:3]}) == 3
    assert len(sent[0]) > 1
    assert len(sent[-1]) == 1
