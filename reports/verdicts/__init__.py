"""Every comparison with its numbers, the verdict on it, and sentences made of both."""
