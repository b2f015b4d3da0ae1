"""What a run leaves: the only place that imports pyarrow, and the owner of every path and of the schema."""

from orchestrator.store.block import Block, BrokenShardError
from orchestrator.store.folder import Store, explained

__all__ = ["Block", "BrokenShardError", "Store", "explained"]
