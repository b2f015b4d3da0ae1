"""Who ran what, where, with which versions: what a reader needs to judge and repeat the results."""

from __future__ import annotations

import os
import platform
import resource
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator import __version__
from orchestrator.nouns import literals
from orchestrator.store import without_secrets

if TYPE_CHECKING:
    from orchestrator.planning.session import Prepared, Request

LIBRARIES = (
    "ray",
    "keras",
    "jax",
    "jaxlib",
    "tensorflow",
    "tensorflow-cpu",
    "numpy",
    "scikit-learn",
    "scipy",
    "statsmodels",
    "pandas",
    "pyarrow",
    "matplotlib",
)


@dataclass(frozen=True)
class Moment:
    """A moment on two clocks: the wall's tells when it was, the monotonic one how long ago."""

    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    tick: float = field(default_factory=time.monotonic)

    @property
    def age(self) -> float:
        """Seconds since, whatever was done to the wall clock."""
        return time.monotonic() - self.tick


def asked(request: Request, prepared: Prepared, begun: Moment) -> dict[str, Any]:
    """What is known of a command when it begins: enough for others to see how far it is, and to give it again.

    A job's "seeds" says how many of "seeds", the first ones, it is asked for.
    """
    return {
        "command": request.command,
        "started": begun.at.isoformat(timespec="seconds"),
        "host": platform.node(),
        "cores": os.cpu_count(),
        "versions": {"orchestrator": __version__, "python": platform.python_version(), **_versions()},
        "git": git(),
        "seeds": sorted({seed for job in prepared.plan.jobs for seed in job.seeds}),
        "engine": request.engine,
        "lessons": [source.name for source in request.sources],
        "scopes": list(request.scopes),
        "settings": literals.written(request.settings),
        "until": asdict(request.until) if request.until else None,
        "jobs": [
            {
                "lesson": j.lesson,
                "variant": j.variant,
                "data": j.data,
                "key": j.key,
                "cost": j.cost,
                "engine": j.engine,
                "seeds": len(j.seeds),
            }
            for j in prepared.plan.jobs
        ],
    }


def spent(begun: Moment, timings: Mapping[str, float], resources: Mapping[str, float]) -> dict[str, Any]:
    """What the command took, up to now."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "finished": (begun.at + timedelta(seconds=begun.age)).isoformat(timespec="seconds"),
        "wall_seconds": round(begun.age, 2),
        "cpu_seconds": round(own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime, 2),
        "gpus": resources.get("GPU", 0),
        "cluster": {name: amount for name, amount in resources.items() if name in ("CPU", "GPU", "memory")},
        "timings": {name: round(seconds, 2) for name, seconds in timings.items()},
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def git() -> dict[str, Any] | None:
    """The program's own commit, and whether it was changed since; None outside its own checkout."""
    here = Path(__file__).resolve().parent.parent

    def ask(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=here, capture_output=True, text=True, check=True).stdout.strip()

    try:
        top, commit = ask("rev-parse", "--show-toplevel", "HEAD").splitlines()
        if Path(top) != here.parent:
            return None  # installed in an environment that lies in somebody's repository
        return {"commit": commit, "dirty": bool(ask("status", "--porcelain"))}
    except (OSError, subprocess.CalledProcessError):
        return None


def command_line() -> str:
    """The command as typed."""
    return shlex.join(["python", "-m", "orchestrator", *map(without_secrets, sys.argv[1:])])
