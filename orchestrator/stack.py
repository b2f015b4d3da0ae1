"""A stack of techniques taken apart: what does each add to the rest, and which of them could be left out?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import combinations
from typing import Any

from orchestrator.errors import LessonError
from orchestrator.lesson import FRESH, Data, Lesson, Variant, check_model
from orchestrator.reports.nouns.contrast import Contrast
from orchestrator.reports.nouns.endpoint import Endpoint

PLACES = ("epochs", "batch_size", "callbacks", "fit", "data")
"""Of a technique's words those that are a variant's own; all others are arguments of the model function."""
MOST = 8  # techniques in a stack
TAKEN = ("none", "all")


def stack(
    model: Callable[..., Any],
    techniques: Mapping[str, Mapping[str, Any]],
    *,
    data: Data,
    epochs: int,
    batch_size: int = 32,
    callbacks: Sequence[Any] = (),
    fit: Mapping[str, Any] | None = None,
    title: str = "Stack",
    about: str = "",
    endpoint: Endpoint = FRESH,
    **more: Any,
) -> Lesson:
    """A lesson of one model with none of some techniques, each alone, all but one, and all of them.

    What decides is what each adds to the rest: all of them minus all but that one. Each alone, all together, and of two or
    three techniques what two do beyond the sum of what each does, are looked into besides.

    Args:
        model: builds and compiles the model; it is called with the arguments of the techniques that are in.
        techniques: by name (two to eight) what it consists of: arguments for `model`, and what a `Variant` has (epochs,
            batch_size, callbacks, fit, data). Callbacks and arguments for `fit` of several add up.
        data: where the rows come from.
        epochs: as for `fit`, where no technique says otherwise.
        batch_size: likewise.
        callbacks: Keras callbacks of every variant.
        fit: further arguments for `fit` in every variant.
        title: what the page calls it.
        about: the question; without one it is made of the techniques' names.
        endpoint: what decides.
        **more: what else a `Lesson` takes.

    Raises:
        LessonError: there are too few or too many techniques, or two of them set the same argument.
    """
    if not (isinstance(techniques, Mapping) and all(isinstance(each, Mapping) for each in techniques.values())):
        raise LessonError("a stack takes techniques by name, each with what it sets: {'noise': {'noise': 0.1}, ...}")
    names = tuple(techniques)
    if not 2 <= len(names) <= MOST:
        raise LessonError(f"a stack has {len(names)} techniques; it takes 2 to {MOST}")
    for name in names:
        if name in TAKEN or str(name).startswith("all but "):
            raise LessonError(f"a technique is named {name!r}, as a variant of every stack is; give it another name")
    base = {"epochs": epochs, "batch_size": batch_size, "callbacks": callbacks, "fit": fit or {}}
    settings = {called(some, names): _setting(some, techniques) for some in subsets(names)}
    variants = tuple(_variant(name, model, base, setting) for name, setting in settings.items())
    question = about or f"What does each of {', '.join(names)} add to the rest?"
    return Lesson(title, question, data, variants, endpoint, contrasts=contrasts(names, endpoint), **more)


def subsets(names: Sequence[str]) -> list[tuple[str, ...]]:
    """The techniques that are in, variant by variant: none, each alone, all but one, all."""
    rest = [tuple(other for other in names if other != name) for name in names]
    return list(dict.fromkeys([(), *((name,) for name in names), *rest, tuple(names)]))


def called(some: Sequence[str], names: Sequence[str]) -> str:
    """What the variant with these techniques is called."""
    left_out = [name for name in names if name not in some]
    if not some or not left_out:
        return "all" if some else "none"
    return some[0] if len(some) == 1 else f"all but {left_out[0]}"


def contrasts(names: Sequence[str], endpoint: Endpoint) -> tuple[Contrast, ...]:
    """What each technique adds to the rest, which decides; then what is looked into besides."""
    rest = {name: called([other for other in names if other != name], names) for name in names}
    adds = [Contrast(name, {"all": 1, rest[name]: -1}, f"{name} on top of the rest", keep=True) for name in names]
    alone = [Contrast(f"{name}, alone", {name: 1, "none": -1}, f"{name} alone", decides=False) for name in names]
    whole = Contrast("all of it", {"all": 1, "none": -1}, "all of it", decides=False)
    pairs = [_beyond(pair, names) for pair in combinations(names, 2)] if _has_pairs(names, endpoint) else []
    return (*adds, *alone, whole, *pairs)


def _has_pairs(names: Sequence[str], endpoint: Endpoint) -> bool:
    """Whether two techniques without the others are a variant, and sums of runs mean something."""
    return len(names) <= 3 and endpoint.statistic == "mean"


def _beyond(pair: tuple[str, str], names: Sequence[str]) -> Contrast:
    one, other = pair
    weights = {called(pair, names): 1, one: -1, other: -1, "none": 1}
    said = f"{one} and {other}, beyond the sum of both"
    return Contrast(f"{one} with {other}", weights, said, decides=False)


def _setting(some: Sequence[str], techniques: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What these techniques say together."""
    found: dict[str, Any] = {"callbacks": [], "fit": {}}
    whose: dict[tuple[str, str], str] = {}
    for technique in some:
        for name, value in techniques[technique].items():
            if name == "callbacks":
                found["callbacks"].extend(value if isinstance(value, Sequence) else [value])
                continue
            parts = [("fit", key, each) for key, each in value.items()] if name == "fit" else [("", name, value)]
            for place, key, each in parts:
                first = whose.setdefault((place, key), technique)
                if first != technique:
                    raise LessonError(
                        f"techniques {first!r} and {technique!r} both set {key}; one argument can be of one technique"
                    )
                (found["fit"] if place else found)[key] = each
    return found


def _variant(name: str, model: Callable[..., Any], base: Mapping[str, Any], setting: Mapping[str, Any]) -> Variant:
    own = {place: setting[place] for place in PLACES if place in setting}
    arguments = {key: value for key, value in setting.items() if key not in PLACES}
    check_model(model, arguments)
    own["callbacks"] = [*base["callbacks"], *setting["callbacks"]]
    own["fit"] = {**base["fit"], **setting["fit"]}
    return Variant(name, partial(model, **arguments) if arguments else model, **{**base, **own})
