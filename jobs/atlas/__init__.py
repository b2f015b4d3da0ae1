"""An atlas of techniques, a lesson each, on small data that ships with the libraries: what `run atlas` means."""

LESSONS = (
    "dropout",
    "weight-constraint",
    "activity-penalty",
    "gradient-clipping",
    "activation",
    "loss",
    "label-smoothing",
    "augmentation",
    "input-scaling",
    "averaged-branches",
    "training-set-size",
)
