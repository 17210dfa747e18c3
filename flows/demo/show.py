"""What the demo shows: progress while it works, a table at the end. Case ids, no personal data."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from flows.demo.place import Place

if TYPE_CHECKING:  # the first line of progress must not wait for all of Prefect
    from tasks.report import Report


class Screen:
    def __init__(self, began: float) -> None:
        terminal = Console()
        # Not a terminal: no wrapping of paths and ids in the middle.
        self.console = terminal if terminal.is_terminal else Console(width=160)
        self._began = began

    def say(self, text: str) -> None:
        self.console.print(f"[dim]{time.monotonic() - self._began:5.1f} s[/]  {text}")

    @contextmanager
    def step(self, doing: str) -> Iterator[None]:
        if not self.console.is_terminal:
            self.say(f"{doing} …")
            yield
            return
        with self.console.status(f"{doing} …"):
            yield

    def report(self, report: "Report") -> None:
        for title, columns, rows in (
            ("Deltas", ("kind", "number"), report.deltas),
            ("Cases", ("service", "status", "code", "number"), report.cases),
            ("Letters", ("channel", "status", "number"), report.letters),
            (
                f"Waiting for a clerk: {report.open_questions}",
                ("case", "question"),
                [(waiting.case, waiting.text) for waiting in report.questions],
            ),
            (
                f"Waiting for an admin: {len(report.failed)}",
                ("case", "failed at", "code"),
                [(waiting.case, waiting.step, waiting.code) for waiting in report.failed],
            ),
        ):
            if rows:
                self._table(title, columns, rows)

    def _table(
        self, title: str, columns: Sequence[str], rows: Sequence[tuple[object, ...]]
    ) -> None:
        table = Table(title=title, title_justify="left", title_style="bold", pad_edge=False)
        for column in columns:
            table.add_column(column, justify="right" if column == "number" else "left")
        for row in rows:
            table.add_row(*map(str, row))
        self.console.print()
        self.console.print(table)

    def where(
        self, place: Place, folder: Path, report: "Report", showcase: tuple[str, str]
    ) -> None:
        from flows.demo.town import CLERKS, PASSWORD

        link, born = showcase
        case = report.questions[0].case if report.questions else "CASE"
        self.console.print()
        for what, there in (
            ("Prefect", f"{place.ui}/v2/runs"),
            ("  log-in", f"the line in {_short(place.login_file)}"),
            ("E-mails", f"{_short(place.mail)}  (*.eml, {_number(place.mail, '*.eml')} of them)"),
            ("Post", f"{_short(folder / 'spool')}  (*.pdf, {_number(folder / 'spool', '*.pdf')})"),
            ("Resident", f"{link}  (a letter's QR code; born {born})" if link else place.replies),
            (
                "Clerks",
                f"{place.replies}/sachbearbeitung"
                f"  ({folder.name}, {' or '.join(CLERKS)}, {PASSWORD})",
            ),
            ("At a shell", f"export ANTRAGSLOS_HOME={quote(str(place.home))}"),
            ("  then", f".venv/bin/antragslos explain {case}"),
            ("Logs", _short(place.logs)),
            ("Anew", f"rm -r {_short(place.home)}"),
        ):
            self.console.print(f"[bold]{what:10}[/] {there}", highlight=False, soft_wrap=True)


def letters_left(report: "Report") -> str:
    left = sum(number for _, status, number in report.letters if status == "handed_over")
    return f"{left or 'no'} letter{'' if left == 1 else 's'} so far"


def _short(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _number(folder: Path, pattern: str) -> int:
    return len(list(folder.glob(pattern)))
