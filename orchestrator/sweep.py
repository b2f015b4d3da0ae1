"""A dose: how much of something is best, and is the best of it better than none?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from orchestrator.errors import LessonError
from orchestrator.lesson import FRESH, Data, Lesson, Variant, check_model
from orchestrator.reports.nouns.contrast import Contrast
from orchestrator.reports.nouns.endpoint import Endpoint

OWN = ("epochs", "batch_size")
"""What a variant has itself; every other name is an argument of the model function."""
CHOSEN = "the chosen one"
MOST = 20  # doses


def sweep(
    model: Callable[..., Any],
    name: str,
    doses: Sequence[Any],
    *,
    data: Data | Callable[[Any], Data],
    epochs: int = 0,
    batch_size: int = 32,
    callbacks: Sequence[Any] = (),
    fit: Mapping[str, Any] | None = None,
    title: str = "",
    about: str = "",
    endpoint: Endpoint = FRESH,
    **more: Any,
) -> Lesson:
    """A lesson of one model at several doses of one thing, the first of which is the baseline.

    The even seeds choose the best of the other doses, the odd ones judge it against the first; the choice stays as the first look
    made it. The effect of every dose beside the first is drawn with a band that holds for all of them at once, and each is
    compared with the last, to see from where on more of it makes no difference.

    Args:
        model: builds and compiles the model; it is called with the dose as the argument `name`, unless the dose is of the data.
        name: the argument that is swept, or `epochs` or `batch_size`, or what `data` is a function of.
        doses: three to twenty different values, the first one being none of it, or the usual.
        data: where the rows come from; or a function that gives it for a dose, such as a number of rows.
        epochs: as for `fit`.
        batch_size: likewise.
        callbacks: Keras callbacks of every variant.
        fit: further arguments for `fit` in every variant.
        title: what the page calls it.
        about: the question; without one it is made of the name.
        endpoint: what chooses and decides: the mean of a final score.
        **more: what else a `Lesson` takes.

    Raises:
        LessonError: there are too few or too many doses, two are the same, or the endpoint is no mean of a final score.
    """
    if isinstance(doses, str) or not isinstance(doses, Iterable):
        raise LessonError(f"a sweep takes a list of doses, not {doses!r}")
    if not (isinstance(data, Data) or callable(data)):
        raise LessonError(f"data must be a Data, or a function that gives one for a dose, not {type(data).__name__}")
    doses = list(doses)
    names = [called(name, dose) for dose in doses]
    if not 3 <= len(doses) <= MOST or len({*names}) < len(names):
        raise LessonError(f"a sweep has the doses {', '.join(names) or 'none'}; it takes 3 to {MOST} different ones")
    if endpoint.statistic != "mean" or endpoint.measure in ("wobble", "gap", "epochs_to_threshold"):
        raise LessonError(
            f"a sweep is decided by {endpoint.measure} ({endpoint.statistic}); it takes the mean of a final score"
        )
    base = {"epochs": epochs, "batch_size": batch_size, "callbacks": callbacks, "fit": fit or {}}
    variants = [_variant(model, name, dose, called(name, dose), base, data) for dose in doses]
    first = data if isinstance(data, Data) else data(doses[0])
    question = about or f"How much {name} is best, and is that better than {names[0]}?"
    return Lesson(
        title or f"A sweep of {name}", question, first, variants, endpoint, contrasts=contrasts(names), **more
    )


def called(name: str, dose: Any) -> str:
    """What the variant of a dose is called."""
    return f"{name} {dose:g}" if isinstance(dose, int | float) and not isinstance(dose, bool) else f"{name} {dose}"


def contrasts(names: Sequence[str]) -> tuple[Contrast, ...]:
    """The best of the others against the first, which decides; each against the first, and against the last, is looked into."""
    first, last = names[0], names[-1]
    chosen = Contrast(CHOSEN, {first: -1}, among=tuple(names[1:]))
    each = [Contrast(f"{name} against {first}", {name: 1, first: -1}, decides=False) for name in names[1:]]
    short = [Contrast(f"{name} against {last}", {name: 1, last: -1}, decides=False) for name in names[1:-1]]
    return (chosen, *each, *short)


def _variant(
    model: Callable[..., Any],
    name: str,
    dose: Any,
    title: str,
    base: Mapping[str, Any],
    data: Data | Callable[[Any], Data],
) -> Variant:
    if not isinstance(data, Data):
        return Variant(title, model, data=data(dose), **base)
    if name in OWN:
        return Variant(title, model, **{**base, name: dose})
    check_model(model, {name: dose})
    return Variant(title, partial(model, **{name: dose}), **base)
