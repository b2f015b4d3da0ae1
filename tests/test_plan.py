"""Tests of `orchestrator/nouns/plan.py`."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.nouns.identity import Identity, sketch
from orchestrator.nouns.plan import Job, blocks, plan, seeded
from orchestrator.planning.precedent import Precedent

SEEDS = st.lists(st.integers(0, 60), min_size=1, unique=True).map(sorted)


def job(lesson="l", variant="v", key="k", program="p", width=8, cost=1.0):
    """A job, with what matters to the test."""
    return Job(lesson, variant, "fixed", key, program, "compiled", width, cost)


@given(SEEDS, SEEDS, st.sampled_from([1, 8]))
def test_a_plan_covers_exactly_what_is_missing(seeds, stored_seeds, width):
    """Every seed asked for is stored or in one shard, no shard is stored, and no seed is in two."""
    stored = {("k", first): "stored" for first in blocks(stored_seeds, width)}
    made = plan(seeded([job(width=width)], seeds), stored)
    trained = [seed for shard in made.shards for seed in shard.seeds]
    kept = {seed for _, first in stored for seed in range(first, first + width)}
    assert len(trained) == len(set(trained))
    assert set(seeds) <= set(trained) | kept
    assert not set(trained) & kept
    assert made.stored + sum(seed in trained for seed in seeds) == made.runs


def test_thirty_then_fifty_seeds_trains_the_further_blocks():
    """Blocks of eight are aligned, so after 30 seeds (32 trained) 50 seeds need three blocks more, and the reason says so."""
    stored = {("k", first): "stored" for first in (0, 8, 16, 24)}
    made = plan(seeded([job()], range(50)), stored)
    assert [shard.seeds[0] for shard in made.shards] == [32, 40, 48]
    assert {shard.why for shard in made.shards} == {"further seeds"}


def test_what_two_lessons_share_trains_once():
    """Two jobs of one key give one set of shards; the second's runs count as shared."""
    made = plan(seeded([job("a"), job("b")], range(8)), {})
    assert (len(made.shards), made.shards[0].job.lesson, made.shared, made.runs) == (1, "a", 8, 16)


def test_failures_stand_until_they_are_asked_for():
    """A failed block is an answer: it trains again only when failures are to be retried. A damaged one always does."""
    stored = {("k", 0): "failed", ("k", 8): "broken"}
    assert [s.seeds[0] for s in plan(seeded([job()], range(16)), stored).shards] == [8]
    again = plan(seeded([job()], range(16)), stored, frozenset({"failed"}))
    assert {s.seeds[0]: s.why for s in again.shards} == {0: "failed before, tried again", 8: "its file was damaged"}


def test_long_programs_start_first_and_none_is_compiled_twice_at_once():
    """The first shards are of different programs, longest first; only then come the others."""
    jobs = [job(key="a1", program="a", cost=1), job(key="b1", program="b", cost=5), job(key="b2", program="b", cost=5)]
    order = [(s.job.program, s.job.key, s.seeds[0]) for s in plan(seeded(jobs, range(16)), {}).shards]
    assert [program for program, _, _ in order[:2]] == ["b", "a"]
    assert [program for program, _, _ in order[2:]] == ["b", "b", "b", "a"]


def test_why_a_job_is_missing_is_found_by_its_name_alone():
    """Of a thousand keys that a store knows, a job's reason asks those alone that its own lesson, variant and scope had before."""
    asked = []

    class About(dict):
        def get(self, name, default=None):
            asked.append(name)
            return super().get(name, default)

    identity = Identity("p", "s", sketch([]), sketch([]))
    about = {**identity.parts(), "variant": "v", "data": "fixed", "rows": "other"}
    before = Precedent({}, {f"k{n}": About(about, lesson=f"l{n}") for n in range(1000)})
    mine = replace(job("l7"), identity=identity)
    assert before.why_missing(mine) == "its rows changed"
    asked.clear()
    assert before.why_missing(mine) == "its rows changed"
    assert len(asked) < 10
