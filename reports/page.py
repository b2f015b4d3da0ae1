"""The page: one file that needs nothing else, from results to HTML."""

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from reports import answers, causes, colours, limits, provenance, tables, ward
from reports.answers import chip, on_scale, said
from reports.borders import BORDERS
from reports.figures import Table, table
from reports.forest import Bar, forest
from reports.levels import WHOLE
from reports.policy import policy
from reports.provenance import duration
from reports.results import Results, several
from reports.sections import sections
from reports.sureness import correlations
from reports.verdicts import CATEGORIES
from reports.words import count, listed, place, prose, signed, typeset

HERE = Path(__file__).parent
COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
WHERE = {
    ("fixed",): ", all on one data set",
    ("redrawn",): ", each on data drawn anew",
    ("fixed", "redrawn"): ": once on one data set for all, once on data drawn anew for each",
}


@dataclass(frozen=True)
class Overview:
    """The forest plot for wide and for narrow pages, and its numbers."""

    broad: str
    slim: str
    table: Table


def render(results: Results, out: Path) -> str:
    """The whole of `report.html`; `out` is where the tables lie that it links to."""
    style = f"\n{colours.stylesheet()}{(HERE / 'page.css').read_text('utf-8')}"
    script = f"\n{(HERE / 'page.js').read_text('utf-8')}"
    text = (
        environment()
        .get_template("page.html.j2")
        .render(
            policy=policy(style, script),
            style=style,
            script=script,
            lessons=listed([lesson["title"] for lesson in results.lessons]),
            lede=_lede(results),
            scopes={scope for lesson in results.lessons for scope in results.scopes(lesson["id"])},
            facts=_facts(results),
            lines=answers.lines(results),
            tally=_tally(results),
            correlations=correlations(results),
            chips=answers.legend(results),
            overview=_overview(results),
            sections=sections(results),
            columns=list(tables.COLUMNS),
            rounds=ward.rounds(results),
            families=ward.families(results),
            borders=BORDERS.values(),
            causes=causes.causes(results),
            runs=len(results.runs),
            limits=limits.limits(results),
            detectable=limits.found(results),
            files=provenance.files(out),
            rebuild=provenance.REBUILD,
            origin=provenance.origin(results.provenance),
            notices=provenance.notices(results.provenance),
        )
    )
    return text.replace(" %", "\N{NO-BREAK SPACE}%")


def environment() -> Environment:
    """Templates that escape whatever they are given, and fail on names they don't know."""
    found = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    found.filters |= {"typeset": typeset, "prose": prose, "capital": lambda text: text[:1].upper() + text[1:]}
    return found


def _lede(results: Results) -> str:
    n = len(results.lessons)
    lessons = f"{COUNTS[n] if n < len(COUNTS) else f'{n:,}'} {'lesson asks' if n == 1 else 'lessons ask'}"
    scopes = {scope for lesson in results.lessons for scope in results.scopes(lesson["id"])}
    starts = count(int(results.runs["seed"].nunique()), "random start")
    return (
        f"{lessons[:1].upper()}{lessons[1:]} what a technique does to a neural network. Each network is trained with"
        f" and without it from {starts} (seeds){WHERE.get(tuple(sorted(scopes)), '')}. The numbers below say what the"
        " technique changed; the brackets, intervals, what the runs do not rule out."
    )


def _tally(results: Results) -> str:
    """How many verdicts of each kind there are, and how many lessons would claim something by chance."""
    verdicts = [str(row["verdict"]) for row in results.rows if row["primary"]]
    found = listed([f"{verdicts.count(kind)} “{kind}”" for kind in CATEGORIES if kind in verdicts])
    lessons = len({row["lesson"] for row in results.rows})
    return (
        f"{count(len(verdicts), 'verdict')}: {found}. If no technique did anything at all, chance would still show"
        f" something in one lesson of twenty, however often it is looked at: in {WHOLE * lessons:.2g} of"
        f" {'this one' if lessons == 1 else f'these {lessons}'}."
    )


def _facts(results: Results) -> list[tuple[str, str]]:
    runs = results.runs
    trained = runs.drop_duplicates(["key", "data", "seed"]) if "key" in runs else runs
    numbers = [
        (len(results.lessons), "lesson", "lessons"),
        (int(runs["seed"].nunique()), "seed", "seeds"),
        (len(trained), "training run", "training runs"),
        (int(trained["epochs"].fillna(0).sum()), "epoch", "epochs"),
    ]
    facts = [(f"{n:,}", one if n == 1 else many) for n, one, many in numbers]
    spent = float(trained["seconds"].fillna(0).sum()) if "seconds" in trained else 0.0
    return facts + ([(duration(spent), "of training")] if spent else [])


def _overview(results: Results) -> Overview | None:
    bars = _bars(results)
    if not bars:
        return None
    numbers = [(bar.name, place(bar.scope), bar.text, *map(signed, (bar.estimate, bar.low, bar.high))) for bar in bars]
    head = ("comparison", "scope", "effect in its own unit", "in multiples of what matters", "from", "to")
    return Overview(forest("effects-broad", bars), forest("effects-slim", bars, narrow=True), table(head, numbers))


def _bars(results: Results) -> list[Bar]:
    lessons = {lesson["id"]: lesson for lesson in results.lessons}
    bars = []
    for row in results.rows:
        if row["primary"]:
            lesson = lessons[row["lesson"]]
            name = f"{lesson['title']}: {row['variant']}" if several(lesson) else lesson["title"]
            low, high = sorted(on_scale(row, row[end]) for end in ("low", "high"))
            text = " ".join(filter(None, said(row))) or "not testable"
            bars.append(Bar(name, row["data"], on_scale(row, row["effect"]), low, high, text, chip(row).role))
    return bars
