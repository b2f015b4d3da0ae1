"""Who may write to an object store, and the ledger that is kept there: leases against a real S3-compatible server."""

from __future__ import annotations

import json
import subprocess
import threading
import time

import pytest

from orchestrator.errors import StoreLockedError, StoreLostError
from orchestrator.store import Store, lease, ledger
from orchestrator.store.remote import Remote
from tests import s3


@pytest.fixture(scope="module")
def bucket():
    """A bucket, and in the environment what opens it."""
    with pytest.MonkeyPatch.context() as patch, s3.bucket("key", "secret") as made:
        for name, value in {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}.items():
            patch.setenv(name, value)
        yield made


@pytest.mark.parametrize(("host", "waits"), [("here", False), ("elsewhere", True)])
def test_a_dead_driver_is_succeeded(bucket, monkeypatch, host, waits):
    """A claim whose process is gone is taken over at once; one of another machine when it has not changed for a while."""
    store = Store(bucket.uri(host))
    store.prepare()
    gone = subprocess.Popen(["true"])
    gone.wait()
    with store.locked("x"):
        claim = store.holder() | {"pid": gone.pid}
    if host == "elsewhere":
        claim["host"] = "elsewhere"
    bucket.write(host, "drivers/old.json", json.dumps(claim).encode())
    monkeypatch.setattr(lease, "DEAD_AFTER", 1.5 if waits else 60)
    begun = time.monotonic()
    assert not store.is_held()
    with store.locked("successor"):
        assert store.holder()["command"] == "successor"
    took = time.monotonic() - begun
    assert took > 2 * 1.5 if waits else took < 60


def test_a_driver_that_was_succeeded_stops(bucket):
    """One whose claim another has removed, because it was not heard of for long, writes no further event."""
    store = Store(bucket.uri("slept"))
    store.prepare()

    def told():
        """Whether it has learnt of its claim's removal."""
        for name in bucket.names("slept"):
            if name.startswith("drivers/"):
                bucket.client.delete_object(Bucket="bucket", Key=f"slept/{name}")
        try:
            store.append_event({"event": "began"})
        except StoreLostError as error:
            return "another driver has taken" in str(error)
        return False

    with store.locked("sleeper"):
        end = time.monotonic() + 30
        while not told():
            assert time.monotonic() < end
            time.sleep(0.2)


def test_drivers_that_start_at_once_are_never_both_let_in(bucket):
    """Of four that claim the same place in the same moment, at most one goes on."""
    Store(bucket.uri("race")).prepare()
    inside, most, guard = [], [], threading.Lock()

    def drive(number):
        with Store(bucket.uri("race")).locked(str(number)):
            with guard:
                inside.append(number)
                most.append(len(inside))
            time.sleep(1)
            inside.remove(number)

    def dare(number):
        try:
            drive(number)
        except StoreLockedError:
            return

    threads = [threading.Thread(target=dare, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most, default=0) <= 1


def test_the_ledger_keeps_its_order_over_many_pieces(bucket, monkeypatch):
    """Events come back in the order in which they were told, whatever pieces they were written in."""
    monkeypatch.setattr(ledger, "LONG", 200)
    files = Remote(bucket.uri("ledger"))
    for part in range(3):
        one = ledger.Ledger(files)  # as each command makes its own
        for number in range(30):
            one.append(json.dumps({"n": 30 * part + number}))
            if number % 7 == 0:
                one.flush()
        one.flush()
    assert [event["n"] for event in Store(bucket.uri("ledger")).ledger()] == list(range(90))
    assert len(bucket.names("ledger")) > 3
