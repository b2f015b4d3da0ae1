"""Tests of `orchestrator/workers/cluster/flights.py`: what is on its way, with a stand-in for Ray's tasks."""

from collections import Counter

import pytest

pytest.importorskip("ray")

from orchestrator.workers.cluster import flights as module
from orchestrator.workers.cluster.flights import Flight, Flights


@pytest.fixture
def flights():
    """Five: two to a, one to b, two that Ray may place."""
    made = Flights()
    made.update({task: Flight([f"order {task}"], node) for task, node in enumerate(["a", "a", "b", "", ""])})
    return made


def test_flights_to_each_node_are_counted(flights, monkeypatch):
    """Whatever is sent, comes somewhere, ends or is taken back, a node's count is what is on its way there."""
    monkeypatch.setattr(module.ray, "cancel", lambda _task, force: None)
    flights.move(3, "b")
    del flights[0]
    assert flights.take_back_unbound() == ["order 4"]
    assert flights.take_back_unbound() == []
    assert +flights.by_node == Counter({"a": 1, "b": 2})
    assert {task: flight.node for task, flight in flights.items()} == {1: "a", 2: "b", 3: "b"}
    flights.clear()
    assert not +flights.by_node


@pytest.mark.parametrize(("ready", "looks"), [({0, 2, 4}, 1), (set(), 2)])
def test_all_that_is_ready_is_taken_at_one_look(flights, monkeypatch, ready, looks):
    """Ray is asked once for all that have something to tell, and only where none has is one waited for."""
    asked = []

    def wait(tasks, num_returns, timeout, fetch_local):
        asked.append((num_returns, timeout))
        return [task for task in tasks if task in ready], []

    monkeypatch.setattr(module.ray, "wait", wait)
    assert set(flights.ready(0.2)) == ready
    assert asked == [(5, 0), (1, 0.2)][:looks]


def test_of_a_bundle_the_first_is_at_work_and_the_next_is_not_begun():
    """When a shard of a bundle has ended, the one behind it counts as begun only once a worker says so; its deadline starts then."""
    flight = Flight(["a", "b"])
    flight.begun = 1.0
    assert (flight.end(), flight.order, flight.has_begun) == ("a", "b", False)
