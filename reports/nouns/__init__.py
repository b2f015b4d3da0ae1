"""What every room speaks of: a lesson as its tables describe it, an endpoint, an effect."""
