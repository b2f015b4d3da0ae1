"""What goes out again: shards that a machine lost, and the seeds of blocks that failed as a whole.

A block that died, hung or raised as a whole says nothing of its seeds. So each is tried alone: the first and the last seed to
begin with, and where both end as the block did, the block has been judged. Else it is one seed's doing, and the others are
tried, too.
"""

from __future__ import annotations

import time
from bisect import insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from operator import itemgetter

from orchestrator.nouns.plan import Shard, Span
from orchestrator.store import Block
from orchestrator.workers.common_failures import CommonFailures, failed, story
from orchestrator.workers.events import Event, Finished, Lost
from orchestrator.workers.worker import Order

PAUSE, LONGEST_PAUSE = 1.0, 30.0  # seconds before a lost shard is sent again: doubled at each attempt
WHOLE = 2  # attempts of a whole block that dies of its own doing, before its seeds are tried one by one


@dataclass
class Search:
    """The search through one block: `whole` is how it ended, `alone` what is known of its seeds since."""

    order: Order
    whole: Block
    alone: dict[int, Block] = field(default_factory=dict)

    @property
    def ends(self) -> tuple[int, int]:
        """The first and the last seed."""
        return self.order.seeds[0], self.order.seeds[-1]

    def begin(self) -> list[Order]:
        """What to try first."""
        return [self._lone(seed) for seed in self.ends]

    def take(self, seed: int, block: Block) -> list[Order]:
        """Note what a seed did alone; gives what to try next."""
        self.alone[seed] = block
        if self.alone.keys() != set(self.ends) or self._alike():
            return []
        return [self._lone(seed) for seed in self.order.seeds if seed not in self.ends]

    def verdict(self) -> Block | None:
        """The block as it is to be stored; None while seeds are out."""
        found = [self.alone[seed] for seed in self.order.seeds if seed in self.alone]
        if self.alone.keys() == set(self.ends) and self._alike():
            return replace(self.whole, attempts=max(block.attempts for block in found))
        if len(found) < len(self.order.seeds):
            return None
        return Block(
            tuple(outcome for block in found for outcome in block.outcomes),
            next((block.node for block in found if block.node), ""),
            max(block.attempts for block in found),
            all(block.final for block in found),
            sum(block.compiling for block in found),
            processor=next((block.processor for block in found if block.processor), ""),
            code=self.order.shard.job.code,
        )

    def _alike(self) -> bool:
        return {story(self.alone[seed]) for seed in self.ends} == {story(self.whole)}

    def _lone(self, seed: int) -> Order:
        return replace(self.order, alone=seed, attempt=self.whole.attempts + 1)


@dataclass
class Retries:
    """What is put off, what is searched, and what was learnt of each variant."""

    retries: int
    common: CommonFailures = field(default_factory=CommonFailures)
    _later: list[tuple[float, Order]] = field(default_factory=list)  # the soonest first
    _searches: dict[Span, Search] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether anything is put off."""
        return bool(self._later)

    def due(self) -> Order | None:
        """An order whose time has come."""
        return self._later.pop(0)[1] if self._later and self._later[0][0] <= time.monotonic() else None

    def send(self, orders: Iterable[Order], pause: float = 0.0) -> None:
        """Put orders off for some seconds."""
        when = time.monotonic() + pause
        for order in orders:
            insort(self._later, (when, order), key=itemgetter(0))

    def forget(self) -> None:
        """Send nothing again."""
        self._later.clear()

    def answer(self, order: Order, block: Block) -> Iterator[Event]:
        """Report a block, unless it failed as a whole: then its seeds are tried alone first."""
        shard = order.shard
        if order.alone is not None:
            search = self._searches[shard.block]
            self.send(search.take(order.alone, block))
            verdict = search.verdict()
            if verdict:
                del self._searches[shard.block]
                yield self._end(shard, verdict)
        elif len(order.seeds) > 1 and story(block) and not block.refused and not self._known(order, story(block)):
            search = self._searches[shard.block] = Search(order, block)
            self.send(search.begin())
            yield Lost(shard, f"{story(block)}; trying its seeds one by one", order.attempt)
        else:
            yield self._end(shard, block)

    def lost(self, order: Order, cause: str, trace: str, own_doing: bool, certain: bool) -> Iterator[Event]:
        """A machine failed under an order: send it again, after a pause, as often as allowed.

        `own_doing` says that it may have been the run's fault, `certain` that there is no doubt of a seed that was alone.
        """
        retries = min(self.retries, WHOLE - 1) if own_doing and len(order.seeds) > 1 else self.retries
        if order.attempt <= retries and not (own_doing and self._known(order, cause)):
            alone = "" if order.alone is None else f"seed {order.alone} alone: "
            self.send([replace(order, attempt=order.attempt + 1)], min(PAUSE * 2 ** (order.attempt - 1), LONGEST_PAUSE))
            yield Lost(order.shard, f"{alone}{cause}; trying again", order.attempt)
        elif own_doing or order.alone is not None:
            yield from self.answer(order, failed(order, "failed", cause, trace, certain and order.alone is not None))
        else:
            yield self._end(order.shard, failed(order, "failed", cause, trace, final=False))

    def _known(self, order: Order, cause: str | None) -> bool:
        """Whether all the variant's shards have failed of this already."""
        return self.common.why_not(order.shard) == cause

    def _end(self, shard: Shard, block: Block) -> Finished:
        self.common.take(shard, block)
        return Finished(shard, block)
