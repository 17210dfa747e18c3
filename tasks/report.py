"""Report: what a municipality's run looks like, as counts and opaque ids in markdown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from tasks.domain.case import Status
from tasks.municipality import Municipality
from tasks.stage import Counts
from tasks.state import report
from tasks.state.database import reading
from tasks.state.report import Waiting

FAILED = Status.FAILED.value


@dataclass(frozen=True)
class Report:
    deltas: list[tuple[str, int]]
    cases: list[tuple[str, str, str, int]]
    letters: list[tuple[str, str, int]]
    questions: list[Waiting]
    failed: list[Waiting]
    open_questions: int
    quarantined: list[tuple[int, int, int, str]]
    waiting_letters: list[tuple[str, str, int]]


def read_report(town: Municipality) -> Report:
    with reading(town.engine) as session:
        return Report(
            report.deltas_by_kind(session, town.slug),
            report.cases_by_outcome(session, town.slug),
            report.letters_by_channel(session, town.slug),
            report.open_questions(session, town.slug),
            report.failed_cases(session, town.slug),
            report.count_open_questions(session, town.slug),
            report.quarantined(session, town.slug),
            report.waiting_letters(session, town.slug),
        )


def touched_by(town: Municipality, run: str) -> tuple[dict[str, int], int]:
    """Cases that the run moved, by their status now; and how many of them wait for a clerk."""
    with reading(town.engine) as session:
        return report.touched_by(session, town.slug, run)


def run_markdown(slug: str, day: date, counts: Counts, problems: list[str], now: Report) -> str:
    """The history page of a municipality: one of these a run."""
    lines = [f"# {slug}, {day}", ""]
    if problems:
        lines += ["**Needs an admin:** " + ", ".join(f"`{code}`" for code in problems), ""]
    lines += ["## This run", "", *_table(("what", "number"), sorted(counts.items())), ""]
    lines += ["## Cases so far", ""]
    lines += [*_table(("service", "status", "code", "number"), now.cases), ""]
    lines += ["## Letters so far", ""]
    lines += [*_table(("channel", "status", "number"), now.letters), ""]
    return "\n".join(lines)


def waiting_markdown(slug: str, day: date, now: Report) -> str:
    """Case ids and codes only: what stands behind them is seen with `antragslos explain CASE`."""
    lines = [f"# What waits in {slug}, {day}", ""]
    lines += [f"## For clerks: {now.open_questions}", ""]
    rows = [(f"`{item.case}`", item.service, item.code, item.text) for item in now.questions]
    lines += [*_table(("case", "service", "code", "question"), rows), ""]
    lines += [f"## For admins: {len(now.failed)}", ""]
    rows = [(f"`{item.case}`", item.service, item.step, item.code) for item in now.failed]
    lines += [*_table(("case", "service", "failed at", "code"), rows), ""]
    lines += [f"## Letters for their channel: {sum(one[2] for one in now.waiting_letters)}", ""]
    lines += [*_table(("channel", "why", "number"), now.waiting_letters), ""]
    lines += [f"## For the registration office: {len(now.quarantined)}", ""]
    lines += [*_table(("delivery", "packet", "record", "code"), now.quarantined), ""]
    return "\n".join(lines)


def _table(head: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> list[str]:
    if not rows:
        return ["nothing"]
    return [
        "| " + " | ".join(head) + " |",
        "|" + " --- |" * len(head),
        *("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows),
    ]
