"""The lessons, in course order: each is the file of that name in this folder."""

LESSONS = (
    "framework",
    "batch-size",
    "learning-rate-schedule",
    "batch-normalization",
    "weight-regularization",
    "noise",
    "early-stopping",
)
