"""From runs to numbers: one score a run, pairs by seed, and what can be said of their differences."""
