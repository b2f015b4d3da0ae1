"""Train every variant of a lesson over many seeds, and say what the technique really does.

A lesson file needs no more than these names; importing them loads neither Ray nor a training library.
"""

from orchestrator.lesson import SECONDARY, Data, Endpoint, Lesson, Split, Variant

__all__ = ["SECONDARY", "Data", "Endpoint", "Lesson", "Split", "Variant"]
__version__ = "0.1.0"
