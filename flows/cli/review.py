"""Commands for clerks at a shell: see what is asked, and answer."""

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.table import Table

from flows.cli.look import console
from flows.cli.places import Municipality, counted
from flows.cli.run import Day
from tasks.domain.decision import Choice
from tasks.domain.reply import IdentityDocument
from tasks.domain.statements import STATEMENTS
from tasks.errors import PermanentError
from tasks.municipality import Municipality as Town
from tasks.municipality import open_municipality
from tasks.reopen import look
from tasks.reopen import reopen as reopen_letter
from tasks.review import check_clerk, open_questions, record_answers
from tasks.settings import settings
from tasks.take_up import opt_in as opt_in_again

_WHY = {
    "question.answered": "Somebody was faster, or an answer waits for a second clerk.",
    "question.bad_day": "known_since is a day up to today, as 2026-11-25.",
    "question.year_over": "More than a year since the authority came to know (VwVfG § 48 Abs. 4).",
}


def questions(municipality: Municipality) -> None:
    """List what clerks must answer, and what may be answered. No personal data."""
    asked = open_questions(open_municipality(municipality, settings()))
    table = Table("case", "service", "question", "choices, the proposed one first")
    for question in asked:
        names = ", ".join(map(_named, question.choices))
        table.add_row(question.case, question.service, question.text, names)
    console().print(table)
    typer.echo(counted(len(asked), "question"))


def answer(
    case: Annotated[str, typer.Argument(help="The case's id, such as c-4k7m2x9qtbnr.")],
    choice: Annotated[str, typer.Argument(help="One of those that `questions` lists.")],
    municipality: Municipality,
    clerk: Annotated[str, typer.Option(help="Your sign (Zeichen), not your name.")],
    note: Annotated[
        str, typer.Option(help="Why. Kept with the case, never shown to Prefect.")
    ] = "",
    state: Annotated[
        list[str] | None,
        typer.Option(help="Why a right is taken away, each as name=words: see `questions`."),
    ] = None,
    on: Day = None,
) -> None:
    """Answer a question. `apply-replies` or the next delivery carries it out."""
    town = open_municipality(municipality, settings())
    today = on.date() if on else datetime.now(ZoneInfo(town.profile.timezone)).date()
    given = {case: choice}
    stated = {name: words for name, _, words in (one.partition("=") for one in state or ())}
    (result,) = record_answers(
        town, given, by=clerk, via="shell", today=today, note=note, stated=stated
    )
    if result.status not in ("valid", "proposed"):
        raise PermanentError(result.status, case, _what_there_is(town, case, result.status))
    waits = " A second clerk must agree." if result.status == "proposed" else ""
    typer.echo(f"{case}: {choice}.{waits}")


def opt_in(
    case: Annotated[
        str, typer.Argument(help="A case of the resident, as „Unser Zeichen“ leads to.")
    ],
    municipality: Municipality,
    reason: Annotated[str, typer.Option(help="Kept in the case's history; no personal data.")],
) -> None:
    """Take an opt-out back: the resident wants this service, and information, of our own motion."""
    town = open_municipality(municipality, settings())
    left = opt_in_again(town, case, reason)
    if not left:
        typer.echo("There is no opt-out of this resident and service.")
        raise typer.Exit(1)
    typer.echo(f"{case}: {', '.join(left)} may act of its own motion again.")


def reopen(
    letter: Annotated[str, typer.Argument(help="„Unser Zeichen“, such as l-4k7m2x9qtbnr.")],
    municipality: Municipality,
    clerk: Annotated[str, typer.Option(help="Your sign (Zeichen), not your name.")],
    document: Annotated[IdentityDocument, typer.Option(help="Which one you have looked at.")],
) -> None:
    """Give a new code for a letter that five wrong birth dates have locked, to whom it is for."""
    place, town = settings(), open_municipality(municipality, settings())
    today = datetime.now(ZoneInfo(town.profile.timezone)).date()
    check_clerk(town, clerk)
    asked = look(town.engine, place, town.slug, letter, by=clerk, today=today)
    typer.echo(f"{asked.letter} of {asked.dated} is for {asked.name}, born {asked.born}.")
    typer.confirm("Does the document show this person, who stands before you?", abort=True)
    code = reopen_letter(
        town.engine,
        place,
        town.slug,
        asked.letter,
        by=clerk,
        document=document,
        seen=asked.seen,
        today=today,
    )
    typer.echo(f"The new code is {code}. The link and the codes that were sent open nothing now.")


def _named(choice: Choice) -> str:
    needed = ", ".join(_needed(choice))
    return f"{choice.name} (--state {needed})" if needed else choice.name


def _needed(choice: Choice) -> tuple[str, ...]:
    return STATEMENTS[choice.takes] if choice.takes else ()


def _what_there_is(town: Town, case: str, code: str) -> str:
    if code in _WHY:
        return _WHY[code]
    asked = {question.case: question for question in open_questions(town)}
    if case not in asked:
        return f"No question is open there. See: antragslos questions -m {town.slug}"
    if code == "question.no_words":
        needed = (f"--state {name}=…" for one in asked[case].choices for name in _needed(one))
        return f"The letter gives the reasons. Needed: {' '.join(dict.fromkeys(needed))}"
    names = ", ".join(choice.name for choice in asked[case].choices)
    return f"{asked[case].text} It may be answered: {names}."
