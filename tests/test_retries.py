"""Tests of `orchestrator/workers/retries.py` and `orchestrator/workers/common_failures.py`: what goes out again, without any cluster."""

import time
from dataclasses import replace

import pytest

from orchestrator.lessons.catalog import Source
from orchestrator.nouns.outcome import Outcome
from orchestrator.nouns.plan import Job, Shard
from orchestrator.store import Block
from orchestrator.workers.common_failures import failed
from orchestrator.workers.events import Finished, Lost
from orchestrator.workers.retries import Retries
from orchestrator.workers.worker import Order

SEEDS = tuple(range(8))


def order(first=0, variant="one", width=8, data="fixed"):
    """A shard on its way."""
    job = Job("tiny", variant, data, f"k-{variant}-{data}", "p", "compiled", width, 1.0)
    return Order(Shard(job, tuple(range(first, first + width)), "not trained yet"), Source("tiny", None, "", ""), ())


def train(order, bad, cause="its process died"):
    """What trains when `bad` seeds take their whole program down: a good block, or a failed one."""
    if bad & set(order.seeds):
        return failed(order, "failed", cause)
    return Block(tuple(Outcome(seed, "ok") for seed in order.seeds), "here", order.attempt)


def settle(tries, first, bad):
    """Train until nothing is put off; gives the finished blocks by first seed, and how many orders that took."""
    blocks, sent, waiting = {}, 0, list(first)
    while waiting or tries:
        order = tries.due() or waiting.pop(0)
        sent += 1
        for event in tries.answer(order, train(order, bad)):
            if isinstance(event, Finished):
                blocks[event.shard.seeds[0]] = event.block
    return blocks, sent


@pytest.mark.parametrize("bad", [{0}, {7}, {3}, {0, 3}, {1, 2, 3, 4, 5, 6}, set(range(1, 8)), set(range(7))])
def test_only_the_seeds_that_bring_a_block_down_fail(bad):
    """Whichever seeds take their block down, the others end well, in order, and the bad ones alone fail."""
    blocks, sent = settle(Retries(3), [order()], bad)
    assert [(o.seed, o.status) for o in blocks[0].outcomes] == [(s, "failed" if s in bad else "ok") for s in SEEDS]
    assert sent == 9
    assert blocks[0].attempts == 2


def test_a_block_whose_ends_fail_alike_is_judged_as_one():
    """Where all seeds fail, the whole block and two of them alone are enough to know."""
    blocks, sent = settle(Retries(3), [order()], set(SEEDS))
    assert [o.error for o in blocks[0].outcomes] == ["its process died"] * 8
    assert sent == 3


def test_a_block_of_one_seed_is_not_searched():
    """The fit engine's shards are one seed each: their failure is theirs."""
    blocks, sent = settle(Retries(3), [order(width=1)], {0})
    assert (blocks[0].outcomes[0].status, sent) == ("failed", 1)


def losses(tries, order, own_doing):
    """Lose an order again and again; gives the numbers of its attempts that were lost, and what came out at last."""
    attempts, out = [], []
    while order:
        attempts.append((order.attempt, order.alone))
        events = list(tries.lost(order, "its process died", "", own_doing, certain=True))
        out += [event.block for event in events if isinstance(event, Finished)]
        order = tries._later.pop(0)[1] if tries._later else None
    return attempts, out


def test_a_machines_failures_are_retried_as_often_as_allowed_and_never_final():
    """With two retries a shard whose node dies is sent three times; what then is stored is for the same command to try again."""
    attempts, out = losses(Retries(2), order(), own_doing=False)
    assert attempts == [(1, None), (2, None), (3, None)]
    assert [(block.attempts, block.final) for block in out] == [(3, False)]


def test_a_block_that_may_have_killed_its_worker_is_sent_whole_twice_then_seed_by_seed():
    """A shard that dies with its worker goes out whole twice; from the third attempt its first and last seed go alone."""
    attempts, _ = losses(Retries(3), order(), own_doing=True)
    assert attempts == [(1, None), (2, None), (3, 0), (3, 7), (4, 0), (4, 7)]


def test_pauses_double_up_to_half_a_minute():
    """The pause before a lost shard goes out again is 1, 2, 4, ... seconds and at most 30."""
    tries = Retries(8)
    for attempt in range(1, 9):
        begun = time.monotonic()
        assert isinstance(next(tries.lost(replace(order(), attempt=attempt), "", "", False, False)), Lost)
        pause = tries._later[-1][0] - begun
        assert pause == pytest.approx((1, 2, 4, 8, 16, 30, 30, 30)[attempt - 1], abs=0.5)


def test_what_may_go_out_soonest_goes_first():
    """A shard that is put off later than another, for less long, does not wait for it; of those put off alike, the first goes first."""
    tries = Retries(3)
    tries.send([order(0)], pause=60.0)
    tries.send([order(8), order(16)])
    assert [tries.due().seeds[0] for _ in range(2)] == [8, 16]
    assert (tries.due(), bool(tries)) == (None, True)


def test_a_seed_that_died_alone_is_final_only_beside_one_that_did_not():
    """A seed that kills its worker while its neighbours live is an answer; a block that dies with every seed may be the machine's."""
    tries = Retries(0)
    first = order()
    list(tries.lost(first, "its process died", "", own_doing=True, certain=True))
    blocks = []
    while tries:
        lone = tries.due()
        dies = lone.alone == 3
        events = (
            tries.lost(lone, "its process died", "", True, True) if dies else tries.answer(lone, train(lone, set()))
        )
        blocks += [event.block for event in events if isinstance(event, Finished)]
    assert [(block.final, [o.status for o in block.outcomes].count("failed")) for block in blocks] == [(True, 1)]
    _, out = losses(Retries(0), order(), own_doing=True)
    assert [(block.final, len(block.outcomes)) for block in out] == [(False, 8)]


def test_a_variant_whose_first_shards_fail_alike_is_given_up():
    """After two shards that failed of one cause the rest is recorded as not tried, for later; another variant goes on."""
    tries = Retries(3)
    settle(tries, [order(0), order(8)], set(range(16)))
    block = tries.common.not_tried(order(16))
    assert (block.attempts, block.final) == (0, False)
    assert {o.error for o in block.outcomes} == {
        "not tried: the variant's first shards all failed alike (its process died)"
    }
    assert tries.common.not_tried(order(16, "two")) is None


@pytest.mark.parametrize("bad", [set(range(8)), set(range(15)), set()])
def test_a_variant_with_any_good_run_is_not_given_up(bad):
    """One shard that failed, or two of which one has a good run, are no reason to give up."""
    tries = Retries(3)
    settle(tries, [order(0), order(8)], bad)
    assert tries.common.not_tried(order(16)) is None


def test_a_scope_is_given_up_alone_when_the_other_does_well():
    """Where redrawn data fail every shard alike and the fixed data train, only what is redrawn is left untried."""
    tries = Retries(3)
    settle(tries, [order(0), order(8)], set())
    settle(tries, [order(first, data="redrawn") for first in (0, 8)], set(range(16)))
    assert tries.common.not_tried(order(16, data="redrawn")).outcomes[0].error.endswith("(its process died)")
    assert tries.common.not_tried(order(16)) is None
