"""How much killing a batch survives: processes killed at random moments, stored blocks damaged in between.

    python -m benchmarks.faults [--kills 100] [--minutes M] [--seed N]

A tiny lesson is trained by one and the same command, again and again, while workers, Ray's own processes and the driver
are killed with SIGKILL, until there were so many kills of workers and of drivers. Then it is left in peace, and its
tables are held against those of a run that nobody disturbed.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil

from tests.conftest import TINY
from tests.processes import alive, background, called, events, family, until

STARTING = 0.5  # of the drivers are killed while they start
START = 10.0  # seconds that these get, at most
LIFE = 4.0  # seconds that the others get after their first shard has begun, at most
REST = 1.0  # seconds between two kills of what works for a driver, at most
PILLARS = 0.1  # of these kills hit one of Ray's own processes
EPOCHS = 6000  # make a shard last one to two seconds
BLOCKS = 8  # stored blocks that are damaged between two drivers, at most, so that there is always work


class Siege:
    """A command that is killed and given again.

    `counts` says how many of what were killed or damaged, `seen` holds every process that ever worked for it.
    """

    def __init__(self, words: Sequence[Any], out: Path, generator: np.random.Generator) -> None:
        self.words, self.out, self.generator = words, out, generator
        self.counts: Counter[str] = Counter()
        self.seen: set[psutil.Process] = set()

    def lay(self, workers: int, drivers: int, minutes: float = math.inf) -> None:
        """Kill so many of each, for so long at the most, then let the command finish.

        Raises:
            RuntimeError: a command that nobody killed did not finish its work.
        """
        end = time.monotonic() + 60 * minutes
        while time.monotonic() < end and (self.counts["worker"] < workers or self.counts["driver"] < drivers):
            self._damage()
            self._life()
        with background(*self.words, log=self.out.with_name("log")) as driver:
            if driver.wait(timeout=600):
                raise RuntimeError(self.out.with_name("log").read_text())

    def _life(self) -> None:
        """Give the command, and kill what works for it; in the end, if it has not finished by then, kill it."""
        begun = len(events(self.out))
        with background(*self.words, log=self.out.with_name("log")) as driver:
            if self.generator.random() < STARTING:
                self._sleep(START)
            else:
                until(lambda: driver.poll() is not None or len(events(self.out)) > begun + 1, 180)
                end = time.monotonic() + self.generator.uniform(0, LIFE)
                while driver.poll() is None and time.monotonic() < end:
                    self._sleep(REST)
                    self._kill_one(driver.pid)
            self.seen.update(family(driver.pid))
            if driver.poll() is None:
                driver.kill()
                self.counts["driver"] += 1

    def _kill_one(self, driver: int) -> None:
        kind = "pillar" if self.generator.random() < PILLARS else "worker"
        names = {"pillar": ("raylet", "gcs_server"), "worker": ("ray::train",)}[kind]
        victims = [process for process in family(driver) if called(process) in names]
        if victims:
            victims[self.generator.integers(len(victims))].kill()
            self.counts[kind] += 1

    def _damage(self) -> None:
        """Cut, flip or delete some stored blocks."""
        stored = sorted(self.out.glob("store/*/seeds*.parquet"))
        for block in self.generator.permutation(np.array(stored, object))[: self.generator.integers(BLOCKS + 1)]:
            data = bytearray(block.read_bytes())
            deed = self.generator.integers(3)
            if deed == 0:
                block.unlink()
            elif deed == 1:
                block.write_bytes(data[: self.generator.integers(len(data))])
            else:
                data[self.generator.integers(len(data))] ^= 1 << self.generator.integers(8)
                block.write_bytes(data)
            self.counts["block"] += 1

    def _sleep(self, most: float) -> None:
        time.sleep(self.generator.uniform(0, most))


def main() -> None:
    """Lay the siege, and print what was lost and what was duplicated."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="of workers, and of drivers")
    parser.add_argument("--seed", type=int, default=None, help="another each time, unless it is given")
    parser.add_argument("--minutes", type=float, default=math.inf, help="at the most; then fewer are killed")
    asked = parser.parse_args()
    seed = asked.seed if asked.seed is not None else int(np.random.default_rng().integers(2**32))
    print(f"seed {seed}", flush=True)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "tiny.py").write_text(TINY)
        words = ("run", folder / "tiny.py", "--seeds", "48", "--set", f"epochs={EPOCHS}", "--no-report")
        with background(*words, "--serial", "--out", folder / "clean", log=folder / "log") as clean:
            clean.wait()
        out = folder / "out"
        siege = Siege((*words, "--out", out), out, np.random.default_rng(seed))
        siege.lay(asked.kills, asked.kills, asked.minutes)
        _tell(siege, folder / "clean")
    print(f"{time.monotonic() - begun:.0f} s")


def _tell(siege: Siege, clean: Path) -> None:
    runs, truth = (pd.read_parquet(place / "runs.parquet") for place in (siege.out, clean))
    keys = ["lesson", "variant", "data", "seed"]
    lost = len(truth) - int((runs["status"] == "ok").sum())
    same = (siege.out / "histories.parquet").read_bytes() == (clean / "histories.parquet").read_bytes()
    counts = siege.counts
    print(f"faults injected: {counts.total()}")
    print(f"killed: {counts['worker']} workers, {counts['driver']} drivers, {counts['pillar']} of Ray's own processes")
    print(f"damaged: {counts['block']} stored blocks")
    print(f"of {len(truth)} runs: {lost} lost, {int(runs.duplicated(keys).sum())} duplicated")
    print(
        f"histories.parquet: {'the same bytes' if same else 'OTHER BYTES'}; processes left: {sum(map(alive, siege.seen))}"
    )


if __name__ == "__main__":
    main()
