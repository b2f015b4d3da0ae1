"""The page: one file that needs nothing else, from results to HTML."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from scipy.stats import false_discovery_control

from orchestrator.reports.figures import colours
from orchestrator.reports.figures.figure import Table, table
from orchestrator.reports.figures.forest import Bar, forest
from orchestrator.reports.nouns.effect import Effect
from orchestrator.reports.page import diagnoses, failed_runs, limitations, provenance, tables
from orchestrator.reports.page.policy import policy
from orchestrator.reports.page.sections import Section, sections
from orchestrator.reports.statistics.levels import WHOLE
from orchestrator.reports.verdicts import chips, summary
from orchestrator.reports.verdicts.chips import chip, on_scale
from orchestrator.reports.verdicts.plain_words import plain
from orchestrator.reports.verdicts.results import Results
from orchestrator.reports.verdicts.since_last_look import since
from orchestrator.reports.verdicts.sureness import correlations
from orchestrator.reports.verdicts.technique_names import comparison
from orchestrator.reports.verdicts.verdict import CATEGORIES, HARMS, IMPROVES, SMALL
from orchestrator.reports.wording.phrases import confidence, percent
from orchestrator.reports.wording.scopes import scope_heading
from orchestrator.reports.wording.words import count, listed, prose, signed, typeset

HERE = Path(__file__).parent
MEANINGS = {"fixed": "one for all seeds", "redrawn": "each seed draws its own, same source"}
MEANINGS_ELSEWHERE = {"fixed": "one for all runs", "redrawn": "each run drew its own"}


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
    found, diagnosed = sections(results), diagnoses.by_scope(results)
    files = provenance.files(out)
    text = (
        environment()
        .get_template("page.html.j2")
        .render(
            policy=policy(style, script),
            style=style,
            script=script,
            names=listed([section.name for section in found]),
            headline=summary.headline(results),
            lede=_lede(results),
            sorted_out=summary.sorted_out(results),
            scopes=results.all_scopes,
            meanings=MEANINGS_ELSEWHERE if results.elsewhere else MEANINGS,
            lines=summary.lines(results),
            guarded=summary.guarded(results),
            since=since(results),
            tally=_tally(results),
            accuracies=any(row.measure.endswith("accuracy") for row in results.effects),
            correlations=correlations(results),
            chips=chips.legend(results),
            overview=overview(results),
            sections=found,
            kinds=_kinds(found),
            columns=list(tables.COLUMNS),
            diagnosed=diagnosed,
            diagnosed_variants=diagnoses.by_variant(diagnosed),
            families=diagnoses.families(results),
            borders=list(dict.fromkeys(border for each in diagnosed for border in each.borders)),
            causes=failed_runs.causes(results),
            stuck=failed_runs.stuck(results),
            runs=len(results.runs),
            limits=limitations.limitations(results),
            detectable=limitations.detectable_effects(results),
            files=files,
            digests=[file for file in files if file.digest],
            rebuild=provenance.REBUILD,
            origin=provenance.origin(results),
            further=provenance.further(results.provenance),
            notices=provenance.notices(results.provenance),
            elsewhere=results.elsewhere,
            unpaired=not results.paired,
        )
    )
    return text.replace(" %", "\N{NO-BREAK SPACE}%")


def environment() -> Environment:
    """Templates that escape whatever they are given, and fail on names they don't know."""
    found = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    found.filters |= {
        "typeset": typeset,
        "prose": prose,
        "scope_heading": scope_heading,
        "capital": lambda text: text[:1].upper() + text[1:],
    }
    return found


def _lede(results: Results) -> str:
    """How it was found out, with the words that the rows below need."""
    fresh = any(row.measure.startswith("fresh_") for row in results.effects if row.primary or row.guards)
    points = any(row.measure.endswith("accuracy") for row in results.deciding)
    levels = listed(sorted({confidence(row).removesuffix(" %") for row in results.deciding}), "or")
    told = [
        f"{_sides(results)}{limitations.on_what(results)}.",
        f"Brackets ({levels} % intervals) hold what these runs do not rule out.",
        "Accuracy is measured on fresh points, rows that no training saw." if fresh and points else "",
        "80 % to 83 % is 3 points." if points else "",
    ]
    return " ".join(filter(None, told))


def _sides(results: Results) -> str:
    if not results.paired:
        return "Runs of the one are compared with runs of the other, which no seed joins"
    starts = count(int(results.runs["seed"].nunique()), "seed" if results.elsewhere else "random start")
    return f"Each is compared with its baseline from the same {starts}{'' if results.elsewhere else ' (seeds)'}"


def _kinds(found: list[Section]) -> list[str]:
    """The kinds of figure there are, in the page's order."""
    figures = [figure for section in found for figure in (section.figure, *section.further) if figure]
    return list(dict.fromkeys(figure.kind for figure in figures))


def _tally(results: Results) -> str:
    """How many verdicts of each kind there are, and with what chance any of them claims what is not there."""
    rows = sorted(results.deciding, key=lambda row: CATEGORIES.index(row.verdict))
    shown = Counter(chip(row).words for row in rows)
    found = listed([f"{n} “{words}”" for words, n in shown.items()])
    lessons = len({row.lesson for row in results.effects})
    chance = f"a lesson claims an effect that is not there with a chance of at most {percent(WHOLE)}, however often it is looked at"
    all_of_them = f"; any of these {lessons}, of at most {percent(min(1.0, WHOLE * lessons))}" if lessons > 1 else ""
    among = _among_all(rows) if lessons > 1 else ""
    return f"{count(len(rows), 'verdict')}: {found}. How many may be luck: {chance}{all_of_them}.{among}"


def _among_all(rows: Sequence[Effect]) -> str:
    """How many of the effects that are claimed would stay if all comparisons of the page were one family."""
    known = [row for row in rows if not math.isnan(_p(row))]
    claimed = [row.verdict in (IMPROVES, HARMS, SMALL) for row in known]
    if not any(claimed):
        return ""
    adjusted = false_discovery_control([_p(row) for row in known])
    stay = sum(p <= WHOLE for p, claims in zip(adjusted, claimed, strict=True) if claims)
    which = "all" if stay == sum(claimed) else f"{stay}"
    return (
        f" Of {count(sum(claimed), 'effect')} that are claimed, {which} stay at a false discovery rate of {percent(WHOLE)}"
        f" among all {len(known)} comparisons (Benjamini and Hochberg)."
    )


def _p(row: Effect) -> float:
    """The p that its verdict went by: that of the interval, or of the bad runs where these decided."""
    by_rate = row.p_bad <= row.alpha and row.statistic != "rate"
    return row.p_bad if by_rate else row.p_interval


def overview(results: Results) -> Overview | None:
    """Every verdict's effect in one figure; None where there is none."""
    bars = _bars(results)
    if not bars:
        return None
    numbers = [(bar.name, scope_heading(bar.scope), *map(signed, (bar.estimate, bar.low, bar.high))) for bar in bars]
    head = ("comparison", "scope", "times what matters", "from", "to")
    return Overview(forest("effects-broad", bars), forest("effects-slim", bars, narrow=True), table(head, numbers))


def _bars(results: Results) -> list[Bar]:
    bars = []
    for row in results.deciding:
        low, high = sorted(on_scale(row, end) for end in (row.low, row.high))
        text = typeset(plain(row)[0]) or "not testable"
        name = comparison(results.lesson(row.lesson), row.variant)
        bars.append(Bar(name, row.data, on_scale(row, row.effect), low, high, text, chip(row).role))
    return bars
