"""Time left, on the events of real runs: of both kinds of cache, of one and two workers, and of one whose worker was killed."""

import json
from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks.left import errors, replay
from orchestrator.nouns.plan import Job, Shard
from orchestrator.telling.forecast import Countdown, Forecast, closing

RECORDINGS = {path.stem: json.loads(path.read_text()) for path in sorted(Path(__file__).parent.glob("left/*.json"))}
TOLERATED = 0.3  # of the true time left


def shards(*programs, cost=2.0):
    """A shard for each program named, in this order."""
    jobs = [
        Job("lesson", "variant", "fixed", f"key {i}", program, "compiled", 8, cost)
        for i, program in enumerate(programs)
    ]
    return [Shard(job, tuple(range(8)), "not trained yet") for job in jobs]


@pytest.mark.parametrize("name", sorted(RECORDINGS))
def test_time_left_is_within_a_third_from_the_first_tenth_on(name):
    """At each tenth of a real command's time, from the first or from when its plan was made, what is shown is within 30 % of what it then took."""
    found = errors(RECORDINGS[name])
    assert len(found) >= 7
    assert {tenth: error for tenth, error in found.items() if abs(error) > TOLERATED} == {}


@pytest.mark.parametrize("name", RECORDINGS)
def test_time_left_never_counts_up_but_for_a_loss_which_is_told(name):
    """What is shown falls from second to second; where a worker was killed it may rise, once, and says why."""
    shown = list(replay(RECORDINGS[name]))
    rises = [why for (_, before, _), (_, after, why) in pairwise(shown) if after > before]
    assert rises in ([], ["a worker died"])
    assert rises == [] or any(event[1] == "lost" for event in RECORDINGS[name]["events"])


def test_the_recordings_are_of_all_kinds_of_runs():
    """Cold and warm, with one worker and two, and with one that was killed."""
    assert {"cold-1", "cold-2", "warm-1", "warm-2", "killed-2"} <= RECORDINGS.keys()


def test_a_shard_at_work_is_credited_with_the_time_since_it_began():
    """Of two shards that take ten seconds each, one after the other, sixteen seconds are left after four."""
    one, two = shards("a", "a")
    forecast = Forecast([one, two], lambda: 1, known={"a": 10.0})
    forecast.begin(one, 100.0)
    before = forecast.left(100.0)
    assert forecast.left(104.0) == pytest.approx(before - 4)


def test_compilation_counts_once_a_program_and_process_and_not_as_training():
    """A first shard that took 30 s, of which it trained 2, says that the seven others of its program take about 2 s each."""
    first, *others = shards(*"a" * 8)
    forecast = Forecast([first, *others], lambda: 1)
    forecast.begin(first, 0.0)
    forecast.end(first, 30.0, 2.0)
    assert forecast.left(30.0) == pytest.approx(14.0, rel=0.2)


def test_what_ended_corrects_what_was_expected_of_others():
    """Where the first program took three times as long as expected, so will the second, or nearly."""
    one, two = shards("a", "b", cost=50.0)
    forecast = Forecast([one, two], lambda: 1, known={"a": 50.0, "b": 50.0})
    forecast.begin(one, 0.0)
    forecast.end(one, 150.0, 150.0)
    assert forecast.left(150.0) == pytest.approx(150.0, rel=0.1)


def test_a_shard_that_was_not_even_tried_teaches_nothing():
    """What is given up without training shortens what is left by its own time alone."""
    one, two = shards("a", "a", cost=10.0)
    forecast = Forecast([one, two], lambda: 1, known={"a": 10.0})
    before = forecast.left(0.0)
    forecast.end(one, 0.0, 0.0)
    assert forecast.left(0.0) == pytest.approx(before - 10.0)


def test_a_first_shard_that_is_overdue_says_that_all_will_take_longer():
    """Where the first shard has been at work for ten times as long as expected and has not ended, the others will take longer, too."""
    first, *others = shards(*"abcd")
    forecast = Forecast([first, *others], lambda: 1)
    forecast.begin(first, 0.0)
    before = forecast.left(0.0)
    assert forecast.left(50.0) > 2 * before


def test_a_worker_that_died_costs_its_restart_and_what_it_had_set_up():
    """After a loss the shard trains again, and its program is set up again by another process."""
    one, two = shards("a", "a")
    forecast = Forecast([one, two], lambda: 1, known={"a": 10.0})
    forecast.begin(one, 0.0)
    forecast.end(one, 12.0, 10.0)
    forecast.begin(two, 12.0)
    before = forecast.left(17.0)
    forecast.lose(two)
    assert forecast.left(17.0) > before + 5 + 2


def test_what_is_shown_rises_only_for_a_reason():
    """A little more is not shown, much more is, and says why; so is any more after a loss."""
    countdown = Countdown()
    assert [countdown.show(left) for left in (100.0, 90.0, 95.0, 80.0)] == [100.0, 90.0, 90.0, 80.0]
    assert (countdown.show(200.0), countdown.why) == (200.0, "slower than expected")
    assert (countdown.show(210.0, "a shard was lost"), countdown.why) == (210.0, "a shard was lost")


def test_tables_and_report_are_part_of_it():
    """Of 900 runs they take seconds, and without a report less."""
    assert 5 < closing(900, report_too=True) < 12
    assert closing(900, report_too=False) < 2


def test_the_work_of_a_look_grows_with_the_programs_and_not_with_their_square(monkeypatch):
    """Half-way through four times as many programs, time left is found by four times as many expectations."""
    asked = []
    one = Forecast._expected
    monkeypatch.setattr(Forecast, "_expected", lambda self, program: asked.append(program) or one(self, program))

    def expectations(count):
        forecast = Forecast(shards(*map(str, range(count))), lambda: 2)
        for shard in forecast.shards[: count // 2]:
            forecast.begin(shard, 0.0)
            forecast.end(shard, 1.0, 0.5)
        asked.clear()
        forecast.left(2.0)
        return len(asked)

    assert expectations(160) <= 4 * expectations(40)
