"""Drawings for the page, each with its words and its numbers."""
