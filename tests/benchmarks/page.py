"""The figures of one run as a page of Markdown. It names the kind of machine and nothing of it."""

import os
import platform
import subprocess
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

Result = dict[str, Any]
ROOT = Path(__file__).resolve().parents[2]
FIGURES = {
    "deltas": "deltas",
    "cases": "cases",
    "letters": "letters",
    "seconds": "seconds",
    "deltas a second": "rate",
    "client: CPU s": "cpu",
    "client: peak MB": "rss_mb",
    "task runs": "task_runs",
    "of them recorded": "runs",
    "as completed": "completed",
    "server: CPU s": "server_cpu",
    "server: busy after, s": "lag",
    "Prefect's database: + MB": "mb",
}
RATIOS = {
    "seconds": ["seconds"],
    "client CPU": ["cpu"],
    "CPU with server": ["cpu", "server_cpu"],
    "Prefect's database": ["mb"],
}
WITHOUT_RENDER = "all of these without render"
AROUND = "between and around them"
IDLE = "an idle town"
AS_BARE = "A with its server (first: B)"
PAGE = """# Performance

What the guarantees and Prefect cost, written by `make bench`: 10,000 deltas, about twenty minutes
on two idle cores. For fewer:
`.venv/bin/python -m tests.benchmarks --deltas 200 --naive 50 --to FILE`.

A is this flow with a Prefect server beside it. B is the bare loop: the same parsing, rule, letters
and facts kept, no Prefect, and nothing made safe. C is the bare loop with one Prefect task for each
case and step, on fewer deltas. All work on one generated town, on SQLite, each in a fresh process
on a copy of the same home; taking in the full delivery is not timed. The machine may be shared: the
ratios count, not the seconds, and those of CPU time most.

{machine}

{people:,} people, {movers:,} of them move, {permits:,} permits.

## Against the first release

{first}

{same}

CPU time of all threads of the client, in ms. The first release is checked out beside this tree and
works turn by turn with it, on the same interpreter and packages, and on a town that its own code
has made from the same seed; the quicker turn of each counts. Another commit is named
with `--first COMMIT`. An idle town is one of {towns} that know their people and have nothing to do:
what one more of them adds to a run.

## Figures

{figures}

## Ratios for each delta

{ratios}

C ran on {fewer:,} deltas. On all {deltas:,}, scaled linearly, it would take {scaled}.

## Where A's time goes

Own time under a profiler, the ten largest.

{profile}
"""
# What a stage may cost, as a share of what it cost in the first release.
GOALS = {"render": 0.6, WITHOUT_RENDER: 0.5, IDLE: 0.2, AS_BARE: 1.15}


def page(
    town: Result,
    a: Result,
    b: Result,
    c: Result,
    first: Result,
    idle: tuple[Result, Result],
    profile: Sequence[Sequence[str]],
) -> str:
    """`first` is empty where there is nothing to compare with."""
    return PAGE.format(
        **town,
        machine=_machine(),
        first=_table(["CPU, ms", "first", "now", "ratio", "goal"], _since(a, b, first, idle)),
        same=_made(first),
        towns=idle[0]["towns"],
        figures=_table(
            ["", "A: antragslos", "B: bare loop", "C: task per step"], _figures(a, b, c)
        ),
        ratios=_table(["", "A / B", "C / A", "C / B"], _ratios(a, b, c)),
        fewer=c["deltas"],
        scaled=_scaled(c, a["deltas"] / c["deltas"]),
        profile=_table(["s", "function", "module"], profile),
    )


def _since(a: Result, b: Result, first: Result, idle: tuple[Result, Result]) -> Iterator[list[str]]:
    now, then = _costs(a, idle[0]), _costs(first, idle[1])
    for name, cost in now.items():
        before = then.get(name)
        ratio = f"{cost / before:.2f}" if before else "–"
        yield [name, f"{before:.2f}" if before else "–", f"{cost:.2f}", ratio, _goal(name)]
    ours, bare = ((r["cpu"] + r.get("server_cpu", 0)) * 1000 / r["deltas"] for r in (a, b))
    yield [AS_BARE, f"{bare:.2f}", f"{ours:.2f}", f"{ours / bare:.2f}", _goal(AS_BARE)]


def _made(first: Result) -> str:
    """It may be a few more or less than A's: the rule was corrected since."""
    if not first:
        return ""
    return (
        f"The first release made {first['cases']:,} cases and {first['letters']:,} letters of it."
    )


def _costs(ours: Result, idle: Result) -> dict[str, float]:
    """Milliseconds: of each stage a delta, and of an idle town."""
    if not ours:
        return {}
    stages = {name: cpu * 1000 / ours["deltas"] for name, (cpu, _) in ours["stages"].items()}
    without = sum(cost for name, cost in stages.items() if name != "render")
    around = ours["cpu"] * 1000 / ours["deltas"] - sum(stages.values())
    return {**stages, WITHOUT_RENDER: without, AROUND: around, IDLE: idle["cpu"] * 1000}


def _goal(name: str) -> str:
    return f"≤ {GOALS[name]}" if name in GOALS else ""


def _machine() -> str:
    parts = [
        f"{os.cpu_count()} cores ({platform.machine()})",
        f"Python {platform.python_version()}",
        f"Prefect {version('prefect')}",
        f"commit {_commit()}",
        f"{datetime.now(UTC):%Y-%m-%d}",
    ]
    return ", ".join(parts) + "."


def _commit() -> str:
    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True)
        return done.stdout.strip()

    changed = " and what is not committed" if git("status", "--porcelain", "flows", "tasks") else ""
    return (git("rev-parse", "--short=12", "HEAD") or "unknown") + changed


def _table(head: Sequence[str], rows: Iterator[Sequence[str]] | Sequence[Sequence[str]]) -> str:
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows))


def _figures(*results: Result) -> Iterator[list[str]]:
    for label, key in FIGURES.items():
        yield [label, *(_figure(result.get(key)) for result in results)]


def _figure(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def _ratios(a: Result, b: Result, c: Result) -> Iterator[list[str]]:
    for label, keys in RATIOS.items():
        yield [label, *(_ratio(*pair, keys) for pair in ((a, b), (c, a), (c, b)))]


def _ratio(one: Result, other: Result, keys: Sequence[str]) -> str:
    """For each delta; a dash where the other one has none of it, as B has no server."""
    mine, others = (sum(r.get(key, 0) for key in keys) / r["deltas"] for r in (one, other))
    return f"{mine / others:.2f}" if others else "–"


def _scaled(c: Result, scale: float) -> str:
    kinds = {"s": "seconds", "s of server CPU": "server_cpu", "MB": "mb"}
    return ", ".join(f"{c.get(key, 0) * scale:,.0f} {unit}" for unit, key in kinds.items())
