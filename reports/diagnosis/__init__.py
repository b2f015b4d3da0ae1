"""What kinds of problem a model has: numbers read off its curves, held against borders."""
