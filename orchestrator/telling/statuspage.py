"""The page that tells how far a command is, for a browser anywhere: it reloads itself, and says how old it is.

A command that was killed can't say so. The page can: it is written anew every few seconds while the command is at work.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape

from orchestrator.reports.page.policy import policy

RENEWED = (5.0, 15.0)  # seconds between two pages: in a folder, and where each is an upload
STALE = 6  # times as long as that, and nobody is at work any more

STYLE = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 46rem; padding: 0 1rem; }
code { overflow-wrap: anywhere; }
table { border-collapse: collapse; }
th, td { padding: .15rem 1.5rem .15rem 0; text-align: right; font-weight: inherit; }
th:first-child { text-align: left; }
thead th { border-bottom: 1px solid; }
#line { font-size: 1.2rem; }
.old { font-weight: bold; }
"""
SCRIPT = """
const age = document.getElementById("age");
const tell = () => {
  const s = Math.max(0, Math.round(Date.now() / 1000 - age.dataset.written));
  const old = s > age.dataset.stale;
  const time = s < 120 ? `${s} s` : s < 7200 ? `${Math.round(s / 60)} min` : `${Math.round(s / 3600)} h`;
  age.textContent = old
    ? `This page is ${time} old: the command was killed, or its machine can't be reached. The same command goes on from there.`
    : `Written ${time} ago.`;
  age.classList.toggle("old", old);
};
tell();
setInterval(tell, 1000);
"""


@dataclass(frozen=True)
class View:
    """What there is to tell.

    Attributes:
        line: what the command is at. rows: per lesson its name, and the shards done, in all and running, and failed runs.
        told: failures, losses and the like. end: how the command ended, empty while it is at work.
        every: seconds until the next page. report: whether there is one beside it.
    """

    command: str
    line: str
    rows: tuple[tuple[str, int, int, int, int], ...] = ()
    told: tuple[str, ...] = ()
    end: str = ""
    every: float = RENEWED[0]
    report: bool = False
    now: float = field(default_factory=time.time)


def page(view: View) -> str:
    """The page as HTML; while the command is at work it reloads itself."""
    reload = "" if view.end else f'<meta http-equiv="refresh" content="{view.every:.0f}">\n'
    script = "" if view.end else f"<script>{SCRIPT}</script>\n"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy(STYLE, *([] if view.end else [SCRIPT]))}">
<meta name="viewport" content="width=device-width, initial-scale=1">
{reload}<title>{escape(view.end or view.line)}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>How far it is</h1>
<p><code>{escape(view.command)}</code></p>
<p id="line">{escape(view.end[:1].upper() + view.end[1:] or view.line)}</p>
{_table(view)}{_age(view)}{_told(view)}{'<p><a href="report.html">The report</a></p>' if view.report else ""}
{script}</body>
</html>
"""


def _age(view: View) -> str:
    moment = datetime.fromtimestamp(view.now, UTC).isoformat(sep=" ", timespec="seconds").replace("+00:00", " UTC")
    if view.end:
        return f"<p>Written at {moment}, when the command ended.</p>\n"
    return (
        f"<p>Written at {moment}, and anew every {view.every:.0f} s while the command is at work."
        f' <span id="age" data-written="{view.now:.0f}" data-stale="{STALE * view.every:.0f}"></span></p>\n'
    )


def _table(view: View) -> str:
    if not view.rows:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{done} of {total}</td><td>{running}</td><td>{failed}</td></tr>\n'
        for name, done, total, running, failed in view.rows
    )
    heads = "".join(f'<th scope="col">{head}</th>' for head in ("lesson", "shards done", "running", "failed runs"))
    return f"<table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n"


def _told(view: View) -> str:
    lines = "".join(f"<li>{escape(line)}</li>\n" for line in view.told)
    return f"<h2>What it told</h2>\n<ul>\n{lines}</ul>\n" if lines else ""
