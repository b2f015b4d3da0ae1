"""Tests of `orchestrator/nouns/plan.py`."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.nouns.identity import Identity, sketch
from orchestrator.nouns.plan import Job, Span, plan, seeded, stretches
from orchestrator.planning.precedent import Precedent

SEEDS = st.lists(st.integers(0, 60), min_size=1, unique=True).map(sorted)


def job(lesson="l", variant="v", key="k", program="p", width=8, cost=1.0, whole=False):
    """A job, with what matters to the test."""
    return Job(lesson, variant, "fixed", key, program, "compiled", width, cost, whole=whole)


@given(SEEDS, SEEDS, st.sampled_from([1, 8]), st.booleans())
def test_a_plan_covers_exactly_what_is_missing(seeds, stored_seeds, width, whole):
    """Every seed asked for is stored or in one shard; no seed is in two, and none is trained for nothing, but where a program takes all at once."""
    stored = {Span("k", some[0], some[-1]): "stored" for some in stretches(stored_seeds, width)}
    made = plan(seeded([job(width=width, whole=whole)], seeds), stored)
    trained = [seed for shard in made.shards for seed in shard.seeds]
    lacking = set(seeds) - set(stored_seeds)
    assert len(trained) == len(set(trained))
    assert lacking <= set(trained)
    assert {seed // width for seed in trained} == {seed // width for seed in lacking}
    assert all(len({seed // width for seed in shard.seeds}) == 1 for shard in made.shards)
    if whole:
        assert {len(shard.seeds) for shard in made.shards} <= {width}
    else:
        assert set(trained) == lacking
        assert made.stored + len(trained) == made.runs


def test_thirty_then_fifty_seeds_trains_twenty():
    """Thirty seeds are four shards, the last of six; fifty seeds need the other twenty, and the reason says so."""
    first = plan(seeded([job()], range(30)), {})
    assert sorted(len(shard.seeds) for shard in first.shards) == [6, 8, 8, 8]
    made = plan(seeded([job()], range(50)), {shard.block: "stored" for shard in first.shards})
    assert sorted(shard.seeds for shard in made.shards) == [(30, 31), (*range(32, 40),), (*range(40, 48),), (48, 49)]
    assert {shard.why for shard in made.shards} == {"further seeds"}


def test_fewer_seeds_cost_less_unless_all_train_side_by_side():
    """A shard of two of eight seeds costs a quarter; where a program trains all of its seeds at once, it has all eight and costs the whole."""
    apart, together = (plan(seeded([job(whole=whole)], [1, 2]), {}).shards[0] for whole in (False, True))
    assert (apart.seeds, apart.cost) == ((1, 2), 0.25)
    assert (together.seeds, together.cost) == (tuple(range(8)), 1.0)


def test_what_two_lessons_share_trains_once():
    """Two jobs of one key give one set of shards; the second's runs count as shared."""
    made = plan(seeded([job("a"), job("b")], range(8)), {})
    assert (len(made.shards), made.shards[0].job.lesson, made.shared, made.runs) == (1, "a", 8, 16)


def test_failures_stand_until_they_are_asked_for():
    """A failed block is an answer: it trains again only when failures are to be retried. A damaged or lost one always does, as it was."""
    stored = {Span("k", 0, 7): "failed", Span("k", 8, 15): "broken"}
    stored[Span("k", 16, 18)] = "lost"
    assert [s.seeds[0] for s in plan(seeded([job()], range(16)), stored).shards] == [8]
    assert [s.seeds for s in plan(seeded([job()], [17]), stored).shards] == [(16, 17, 18)]
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
