"""The whole main job from nothing: wall time by part, and memory.

    python benchmarks/main_job.py [--seeds 30]

Store and compile cache are new, in a temporary folder. Memory is resident size, looked at four times a second over the whole process tree.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

LOOK = 0.25  # seconds


def main() -> None:
    """Run the job once and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="30")
    seeds = parser.parse_args().seeds
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "results"
        command = [sys.executable, "-m", "orchestrator", "run", "all", "--seeds", seeds, "--out", str(out)]
        environment = {**os.environ, "XDG_CACHE_HOME": str(Path(folder) / "cache")}
        begun = time.perf_counter()
        with (Path(folder) / "said").open("w+") as said:
            job = subprocess.Popen(command, env=environment, stdout=said)
            driver, worker = watch(job)
            wall = time.perf_counter() - begun
            said.seek(0)
            lines = said.read().splitlines()
        size = sum(path.stat().st_size for path in out.glob("*.html"))
    print(f"exit code {job.returncode}, {wall:.1f} s of wall time, of which")
    print(f"  {lines[-1]}")
    print(
        f"driver {driver / 2**20:.0f} MB at its peak, the largest worker {worker / 2**20:.0f} MB; pages {size / 1e6:.1f} MB"
    )


def watch(job: subprocess.Popen[bytes]) -> tuple[int, int]:
    """Peak resident bytes of the driver and of its largest worker."""
    driver = worker = 0
    process = psutil.Process(job.pid)
    while job.poll() is None:
        try:
            driver = max(driver, process.memory_info().rss)
            for child in process.children(recursive=True):
                if child.name().startswith("ray::"):
                    worker = max(worker, child.memory_info().rss)
        except psutil.NoSuchProcess:
            continue
        time.sleep(LOOK)
    return driver, worker


if __name__ == "__main__":
    main()
