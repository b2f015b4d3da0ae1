"""Training logs of any format, read into curves."""
