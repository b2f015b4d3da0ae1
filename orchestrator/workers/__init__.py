"""Where it runs: shards go to workers, on Ray or without, and come back whatever happens to them."""
