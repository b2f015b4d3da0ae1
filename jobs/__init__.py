"""The lessons: each is the file of that name in this folder."""

LESSONS = (
    "framework",
    "batch-size",
    "learning-rate-schedule",
    "batch-normalization",
    "weight-regularization",
    "noise",
    "early-stopping",
)
"""The seven of the course, in its order: those that `all` means."""

MORE = ("stack",)
