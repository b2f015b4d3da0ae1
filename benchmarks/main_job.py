"""The whole main job from nothing: wall time by part, processor time by kind of process, and memory.

    python benchmarks/main_job.py [--seeds 30] [--repository ../another]

Store and compile cache are new, in a temporary folder. The whole process tree is looked at four times a second: memory is
resident size, processor time what each process had taken when it was last seen. `--repository` is another checkout of the
program, with an environment of its own in `.venv`: how the two compare is to be measured one after the other on one machine.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

LOOK = 0.25  # seconds
MARK = "MAIN_JOB"  # in the environment of every process of the job, whoever its parent is by now
RAYS = ("raylet", "gcs_server", "log_monitor", "dashboard", "monitor", "agent")


@dataclass
class Seen:
    """A process as it was last seen: what it is, its processor seconds, and its largest resident size in bytes."""

    kind: str
    seconds: float = 0.0
    memory: int = 0


@dataclass
class Job:
    """The processes of a job, by their ids; and those that are none of it."""

    mark: str
    driver: int = 0
    seen: dict[int, Seen] = field(default_factory=dict)
    others: set[tuple[int, float]] = field(default_factory=set)

    def look(self) -> None:
        """Note what every process of the job has taken by now."""
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                self._note(process)

    def _note(self, process: psutil.Process) -> None:
        known = (process.pid, process.create_time())
        if known in self.others:
            return
        if process.pid not in self.seen:
            if process.environ().get(MARK) != self.mark:
                self.others.add(known)
                return
            self.seen[process.pid] = Seen("")
        seen, times = self.seen[process.pid], process.cpu_times()
        seen.kind = self._kind(process) or seen.kind
        seen.seconds = times.user + times.system
        seen.memory = max(seen.memory, process.memory_info().rss)

    def _kind(self, process: psutil.Process) -> str:
        words = process.cmdline()
        if not words:  # it has ended, and waits to be buried
            return ""
        if process.pid == self.driver:
            return "driver"
        if words[0].startswith("ray::"):
            return "workers" if "Agent" not in words[0] else "Ray"
        return "Ray" if any(name in word for name in RAYS for word in words[:4]) else "planning and the rest"

    def taken(self) -> dict[str, float]:
        """Processor seconds by kind of process."""
        kinds = dict.fromkeys(("workers", "driver", "planning and the rest", "Ray"), 0.0)
        for seen in self.seen.values():
            kinds[seen.kind] = kinds.get(seen.kind, 0.0) + seen.seconds
        return kinds

    def peak(self, kind: str) -> int:
        """The largest resident size of a process of this kind, bytes."""
        return max((seen.memory for seen in self.seen.values() if seen.kind == kind), default=0)


def main() -> None:
    """Run the job once and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="30")
    parser.add_argument("--repository", type=Path, default=Path(__file__).parents[1])
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "results"
        python = asked.repository.absolute() / ".venv" / "bin" / "python"
        command = [str(python), "-m", "orchestrator", "run", "all", "--seeds", asked.seeds, "--out", str(out)]
        job = Job(folder)
        environment = {**os.environ, "XDG_CACHE_HOME": str(Path(folder) / "cache"), MARK: job.mark}
        begun = time.perf_counter()
        with (Path(folder) / "said").open("w+") as said:
            process = subprocess.Popen(command, env=environment, stdout=said, cwd=asked.repository)
            job.driver = process.pid
            while process.poll() is None:
                job.look()
                time.sleep(LOOK)
            wall = time.perf_counter() - begun
            said.seek(0)
            lines = [line for line in said.read().splitlines() if line.endswith(" s in all")]
        size = sum(path.stat().st_size for path in out.glob("*.html"))
    print(f"exit code {process.returncode}, {wall:.1f} s of wall time", *lines, sep="\n  ")
    taken = job.taken()
    parts = ", ".join(f"{kind} {seconds:.0f}" for kind, seconds in taken.items())
    print(f"{sum(taken.values()):.0f} s of processor time: {parts}")
    memory = ", ".join(f"{kind} {job.peak(kind) / 2**20:.0f} MB" for kind in ("driver", "workers"))
    print(f"largest process of its kind: {memory}; pages {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
