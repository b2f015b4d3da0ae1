"""What a run leaves: the only place that imports pyarrow, and the owner of every path and of the schema."""

from orchestrator.store.block import Block, BrokenShardError
from orchestrator.store.folder import Store
from orchestrator.store.generation import Runs
from orchestrator.store.strays import older, strays
from orchestrator.store.uri import without_secrets

__all__ = ["Block", "BrokenShardError", "Runs", "Store", "older", "strays", "without_secrets"]
