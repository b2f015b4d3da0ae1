"""What is missing: a request, what the store holds, and how far a run goes."""
