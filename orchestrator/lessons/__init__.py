"""What is asked: lessons found, loaded, and made into jobs with keys."""
