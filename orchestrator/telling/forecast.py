"""How long a command still takes: what its shards were expected to take, put right by those that have ended.

A process that takes a program up for the first time sets it up: traces it, and compiles it or finds it in the cache.
That is counted apart from training, once a program and process. A shard at work is credited with the time since it
began. Pure: whoever asks says what time it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.nouns.plan import Shard, Span

COMPILE, FETCH = 3.0, 0.8  # seconds to set a program up: where it was never compiled, and where it lies in the cache
RESTART = 6.0  # seconds until another process stands in for one that died
START = 6.0  # seconds that a command takes until it trains, on a machine for which the costs in `plan` are meant
CROWDED = 0.7  # power of a slow start by which shards are slower: starting has more processes at work than training
MOST = 6.0  # times slower that a machine is taken to be for its start alone: it may have waited for a cluster
TRACE = 0.3  # seconds of a first shard's training that go into tracing
HEAVY = 1.5  # times, beyond what the start told, by which training shows how much slower the machine is
TRUST = 3.0  # seconds of training that count as much as how long the start took
OVERDUE = 0.1  # of its expected time that a shard has left when it has had all of it
FAR, FEW = 1.4, 5.0  # times, and seconds, by which what was shown must be wrong before it rises unasked
TABLES, REPORT = (0.3, 0.001), (2.75, 0.0067)  # seconds that they take, and what each run adds


@dataclass(frozen=True)
class Work:
    """A shard that a process has taken up."""

    shard: Shard
    begun: float
    sets_up: bool

    @property
    def kind(self) -> tuple[str, bool, float]:
        """What tells how long it takes: its program, whether that is to be set up, and its share of a shard of full width."""
        return self.shard.job.program, self.sets_up, self.shard.share


@dataclass
class Mean:
    """A mean that grows."""

    total: float = 0.0
    count: int = 0

    def add(self, value: float) -> None:
        """Take in a value."""
        self.total, self.count = self.total + value, self.count + 1

    @property
    def value(self) -> float:
        """The mean so far."""
        return self.total / self.count


@dataclass
class Forecast:
    """What is left of a plan.

    Attributes:
        slots: says how many shards train at once. closing: seconds that tables and report are meant to take.
        known: what a shard of full width took here before, in seconds, by program; such a program lies in the cache.
        started: seconds until training began, which tells how crowded this machine is.
    """

    shards: Sequence[Shard]
    slots: Callable[[], int]
    closing: float = 0.0
    known: Mapping[str, float] = field(default_factory=dict)
    started: float = START
    _first: dict[str, Mean] = field(default_factory=dict)  # by program, what shards trained that set it up
    _took: dict[str, Mean] = field(default_factory=dict)  # and what others did, which is surer
    _running: dict[Span, Work] = field(default_factory=dict)
    _setups: dict[bool, Mean] = field(default_factory=lambda: {True: Mean(), False: Mean()})  # the first of a program
    _ready: Counter[str] = field(default_factory=Counter)  # by program: the processes that have it
    _setting_up: Counter[str] = field(default_factory=Counter)  # and those at work on it
    _restarts: float = 0.0
    _spent: float = 0.0
    _meant: float = 0.0
    _late: float = 1.0

    def __post_init__(self) -> None:
        self._waiting: dict[str, set[Span]] = {}
        self._shares: dict[str, float] = {}  # by program, of the shards that wait
        for shard in self.shards:
            self._wait(shard)
        self._costs = {shard.job.program: self.known.get(shard.job.program, shard.job.cost) for shard in self.shards}
        self._crowding: float = min(max(1.0, self.started / START) ** CROWDED, MOST)
        self._measure()

    def begin(self, shard: Shard, now: float) -> None:
        """A process took the shard up."""
        self._leave(shard)
        work = self._running[shard.block] = Work(shard, now, self._had(shard.job.program) < self.slots())
        self._setting_up[shard.job.program] += work.sets_up

    def end(self, shard: Shard, now: float, trained: float) -> None:
        """A shard has its answer, after so many seconds of training proper."""
        program = shard.job.program
        work = self._leave(shard)
        if work is None:  # it was not even tried
            return
        self._spent += trained
        self._meant += shard.cost
        if work.sets_up:
            trained = max(trained - TRACE, trained / 2)
            self._setups[not self._ready[program]].add(max(0.0, now - work.begun - trained))
            self._ready[program] += 1
        (self._first if work.sets_up else self._took).setdefault(program, Mean()).add(trained / shard.share)
        self._measure()

    def lose(self, shard: Shard) -> None:
        """The process under a shard died, and with it every program that it had."""
        self._leave(shard)
        self._wait(shard)
        self._ready -= Counter(self._ready.keys())
        self._restarts += RESTART

    def _wait(self, shard: Shard) -> None:
        program = shard.job.program
        self._waiting.setdefault(program, set()).add(shard.block)
        self._shares[program] = self._shares.get(program, 0.0) + shard.share

    def _leave(self, shard: Shard) -> Work | None:
        """A shard waits no more, and is at work no more; gives its work, if it was."""
        waiting = self._waiting[shard.job.program]
        if shard.block in waiting:
            waiting.remove(shard.block)
            self._shares[shard.job.program] -= shard.share
        work = self._running.pop(shard.block, None)
        self._setting_up[shard.job.program] -= bool(work and work.sets_up)
        return work

    def paces(self) -> dict[str, float]:
        """Seconds that a shard of full width trains where nothing else is at work, for each program of which any has ended."""
        return {program: self._expected(program) / self._crowding for program in self._seen}

    def left(self, now: float) -> float:
        """Seconds until the command ends."""
        oldest = {work.kind: work.begun for work in reversed(self._running.values())}
        self._late = 1.0
        self._late = max((self._lateness(*kind, now - begun) for kind, begun in oldest.items()), default=1.0)
        whole = {kind: self._whole(*kind) for kind in oldest}
        running = [
            max(whole[work.kind] - (now - work.begun), OVERDUE * whole[work.kind]) for work in self._running.values()
        ]
        waiting = {program: len(blocks) for program, blocks in self._waiting.items() if blocks}
        longest = [min(1.0, self._shares[program]) * self._expected(program) for program in waiting]
        training = sum(self._shares[program] * self._expected(program) for program in waiting)
        setups = sum(self._setups_left(program, n) for program, n in waiting.items())
        together = sum(running) + training + setups + self._restarts * bool(waiting)
        return max(together / max(1, self.slots()), *running, *longest, 0.0) + self.closes

    @property
    def closes(self) -> float:
        """Seconds that tables and report will take, on a machine as fast as this one was all in all.

        Training that takes much longer than was meant tells of its models more than of the machine.
        """
        pace = (self._spent + TRUST * self._crowding) / (self._meant + TRUST)
        return self.closing * min(pace, HEAVY * self._crowding)

    @property
    def compiling(self) -> tuple[int, int] | None:
        """The programs that were taken up, and how many there are; None once all are set up."""
        running = {work.shard.job.program for work in self._running.values()} - self._seen
        untouched = {program for program, blocks in self._waiting.items() if blocks} - self._seen - running
        return (len(self._costs) - len(untouched), len(self._costs)) if running | untouched else None

    @property
    def _seen(self) -> set[str]:
        """The programs of which any shard has ended."""
        return self._took.keys() | self._first.keys()

    def _expected(self, program: str) -> float:
        """Seconds that a shard of a program trains, at its full width."""
        if program in self._took:
            return self._took[program].value
        if program in self._first:
            return self._first[program].value * self._drift
        return self._costs[program] * self._pace()

    def _measure(self) -> None:
        """Find how much longer shards take than was told or meant: by all programs at once, so not for each anew."""
        both, seen = self._took.keys() & self._first.keys(), self._seen
        took, first = (sum(means[program].value for program in both) for means in (self._took, self._first))
        self._drift = (took + TRUST) / (first + TRUST)  # than those that set their programs up told of
        took, meant = sum(map(self._expected, seen)), sum(self._costs[program] for program in seen)
        self._slower = (took + TRUST * self._crowding) / (meant + TRUST)  # than programs were meant to

    def _pace(self) -> float:
        """How much longer programs take than they were meant to, by those of which any shard has ended."""
        return self._late * self._slower

    def _lateness(self, program: str, sets_up: bool, share: float, age: float) -> float:
        """How many times as long as expected a first shard of a program has been at work, where it is overdue."""
        unseen = program not in self._seen
        return max(1.0, age / (self._whole(program, sets_up, share) or 1.0)) if unseen else 1.0

    def _whole(self, program: str, sets_up: bool, share: float) -> float:
        """Seconds that a shard takes from beginning to end."""
        return share * self._expected(program) + sets_up * self._setup(program, first=not self._ready[program])

    def _had(self, program: str) -> int:
        """How many processes have a program, or are setting it up."""
        return self._ready[program] + self._setting_up[program]

    def _setup(self, program: str, first: bool) -> float:
        """Seconds to set a program up, for the first process or a further one."""
        seen = self._setups[first]
        meant = COMPILE if first and program not in self.known else FETCH
        return seen.value if seen.count else meant * self._pace()

    def _setups_left(self, program: str, waiting: int) -> float:
        had = self._had(program)
        times = max(0, min(self.slots() - had, waiting))
        first = min(times, int(not had))
        return first * self._setup(program, first=True) + (times - first) * self._setup(program, first=False)


@dataclass
class Countdown:
    """Time left as it is shown: it falls, and rises only where there is a reason to tell.

    Attributes:
        why: why it rose, where it ever did.
    """

    shown: float | None = None
    why: str = ""

    def show(self, left: float, reason: str = "") -> float:
        """The seconds to show where so many are left; `reason` is why they may be more than before."""
        reason = reason or ("slower than expected" if self.shown is not None and left > FAR * self.shown + FEW else "")
        if self.shown is not None and left > self.shown and reason:
            self.why = reason
        if self.shown is None or reason or left < self.shown:
            self.shown = left
        return self.shown


def closing(runs: int, report_too: bool) -> float:
    """Seconds that tables and report are meant to take."""
    return sum(least + each * runs for least, each in (TABLES, *([REPORT] if report_too else [])))
