"""What a technique and its variants are called on the page."""

from orchestrator.reports.nouns.lesson import Lesson

PLAIN = ("without", "with")


def article_free(text: str) -> str:
    """`A learning-rate schedule` as it stands in a table: `Learning-rate schedule`."""
    for article in ("A ", "An ", "The "):
        if text.startswith(article):
            rest = text.removeprefix(article)
            return rest[:1].upper() + rest[1:]
    return text


def technique(lesson: Lesson) -> str:
    """What a lesson tries, without article."""
    return article_free(lesson.technique)


def called_so(lesson: Lesson, name: str) -> str:
    """What a sentence calls a contrast: as its lesson says, else by its name."""
    return lesson.contrast(name).says or name


def comparison(lesson: Lesson, variant: str) -> str:
    """A comparison by its technique: `Weight averaging`; where a lesson has several, `Batch size: stochastic`."""
    if lesson.elsewhere or (not lesson.several and variant == PLAIN[1]):
        return technique(lesson)
    contrast = lesson.contrast(variant)
    return f"{technique(lesson)}: {contrast.variant if contrast.seeds else variant}"


def label(lesson: Lesson, variant: str) -> str:
    """A variant's name at the end of its line: the technique's, where the variant is only called `with`."""
    return technique(lesson) if variant == PLAIN[1] else variant


def quoted(name: str) -> str:
    """A variant's name within a sentence, in quotation marks where it would fall apart."""
    return f"“{name}”" if "," in name or ";" in name or len(name.split()) > 2 else name


def spoken(lesson: Lesson, variant: str) -> str:
    """A comparison within a sentence: `weight averaging`, `stochastic batch size`; names in capitals keep them."""
    if lesson.contrast(variant).says:
        return lesson.contrast(variant).says
    name = technique(lesson)
    low = name if name[1:2].isupper() else name[:1].lower() + name[1:]
    if not lesson.several and variant == PLAIN[1]:
        return low
    if name != lesson.technique or len(name.split()) > 3:  # no name that a variant's could stand before
        return f"“{variant}”"
    return f"{low} ({variant})" if lesson.baseline.name == PLAIN[0] else f"{variant} {low}"


def subject(lesson: Lesson, variant: str) -> str:
    """A comparison as a sentence's subject: `A learning-rate schedule`."""
    if says := lesson.contrast(variant).says:
        return says[:1].upper() + says[1:]
    if not lesson.several and variant == PLAIN[1]:
        return lesson.technique
    return comparison(lesson, variant)
