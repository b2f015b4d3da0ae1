"""The nouns that all rooms speak of, and what they derive; plain Python, no training library, no disk."""
