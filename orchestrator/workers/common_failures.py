"""Whether a variant is worth going on with: not when its first shards all failed, and all alike."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from orchestrator.nouns.outcome import Outcome, Status
from orchestrator.nouns.plan import Shard
from orchestrator.store import Block
from orchestrator.workers.worker import Order

FIRST = 2  # shards that are tried before a variant is given up
NOT_TRIED = "not tried: "


def failed(order: Order, status: Status, error: str, trace: str | None = None, final: bool = True) -> Block:
    """The block in which every seed of the order ended alike."""
    engine = order.shard.job.engine
    outcomes = [Outcome(seed, status, engine=engine, error=error, traceback=trace) for seed in order.seeds]
    return Block(tuple(outcomes), "", order.attempt, final, code=order.shard.job.code)


def story(block: Block) -> str | None:
    """What all the block's runs failed of; None where one did not, or of something else."""
    errors = {outcome.error for outcome in block.outcomes}
    return errors.pop() if len(errors) == 1 else None


@dataclass
class CommonFailures:
    """What each variant's shards have failed of so far, in both scopes and in each; None stands for one that did not, or not as a whole."""

    _stories: dict[tuple[str, ...], Counter[str | None]] = field(default_factory=dict)

    def take(self, shard: Shard, block: Block) -> None:
        """Note a shard's end; one that was refused says nothing of the others."""
        if block.refused:
            return
        for whose in _views(shard):
            self._stories.setdefault(whose, Counter())[story(block)] += 1

    def why_not(self, shard: Shard) -> str | None:
        """What all the variant's shards have failed of, or all those in this scope; None while there is hope."""
        for whose in _views(shard):
            told = self._stories.get(whose, Counter())
            cause = next(iter(told), None)
            if len(told) == 1 and cause and told[cause] >= FIRST:
                return cause
        return None

    def not_tried(self, order: Order) -> Block | None:
        """The block of a shard that is not worth sending, for the same command to try again; None while there is hope."""
        cause = self.why_not(order.shard)
        if cause is None:
            return None
        text = f"{NOT_TRIED}the variant's first shards all failed alike ({cause})"
        return replace(failed(order, "failed", text, final=False), attempts=0)


def _views(shard: Shard) -> tuple[tuple[str, ...], tuple[str, ...]]:
    job = shard.job
    return (job.lesson, job.variant), (job.lesson, job.variant, job.data)
