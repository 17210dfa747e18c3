"""Commands that only look. `explain` and `letter` show what Prefect may never see."""

import json
import os
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from flows._login import problems_of
from flows.cli.places import Municipality, counted, must_be_something, there
from tasks.access import access_log
from tasks.domain.case import Status
from tasks.domain.service import Service
from tasks.errors import PermanentError, SettingsInvalid
from tasks.explain import as_lines
from tasks.explain import explain as explain_case
from tasks.letters.render import LetterContent, LetterRenderer, sample_content
from tasks.letters.sample import in_words, samples
from tasks.municipality import Municipality as Town
from tasks.municipality import check_municipality, look_at, municipalities, open_municipality
from tasks.render import letterhead
from tasks.services import all_services
from tasks.settings import TEMPLATES, settings
from tasks.state.database import open_database, reading
from tasks.state.story import list_cases

AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]


def cases(
    municipality: Annotated[str, typer.Option("--municipality", "-m", help="Only this one.")] = "",
    status: Annotated[Status | None, typer.Option(help="Only these.")] = None,
    service: Annotated[str, typer.Option(help="For example resident_parking.")] = "",
    as_json: AsJson = False,
) -> None:
    """List cases: opaque ids, status and code, no personal data."""
    must_be_something()
    with reading(open_database(settings().state_url)) as session:
        found = list_cases(session, municipality, status or "", service)
    if not found:  # the cases of what was switched off or removed since are still listed
        there(municipality)
        _known_service(service)
    if as_json:
        typer.echo(json.dumps([asdict(line) for line in found], indent=2))
        return
    table = Table(
        "case", "municipality", "service", "event", "status", "code", "question", "settles on"
    )
    for line in found:
        table.add_row(
            line.case,
            line.municipality,
            line.service,
            line.event,
            line.status,
            line.code,
            line.question,
            line.settles_on,
        )
    console().print(table)
    typer.echo(counted(len(found), "case"))


def explain(
    case: Annotated[str, typer.Argument(help="The case's id, such as c-4k7m2x9qtbnr.")],
    chain: Annotated[
        bool, typer.Option("--chain", help="With the cases that follow it up or take it back.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Tell the whole life of a case in order: what happened, who or what caused it, on what law."""
    must_be_something()
    story = explain_case(case, settings(), chain)
    cases = " ".join([case, *(other["case"] for other in story.get("chain", []))])
    access_log(settings().home).info("%s shell explain %s", story["municipality"], cases)
    if as_json:
        typer.echo(json.dumps(story, indent=2, ensure_ascii=False))
        return
    for line in as_lines(story, chain):
        typer.echo(line)


def letter(
    service: Annotated[str, typer.Argument(help="For example resident_parking.")],
    out: Annotated[Path, typer.Option(help="Folder for the three forms.")] = Path(),
    municipality: Municipality = "",
    every: Annotated[
        bool, typer.Option("--all", help="Of every kind, in each wording of the municipality.")
    ] = False,
) -> None:
    """Render a service's letter with made-up data as PDF, text and HTML."""
    known = all_services()
    _known_service(service)
    town = open_municipality(municipality, settings()) if municipality else None  # a clear error
    renderer = town.renderer if town else LetterRenderer([TEMPLATES])
    out.mkdir(parents=True, exist_ok=True)
    letters = _letters(known[service], town) if every else {service: sample_content(known[service])}
    for name, content in letters.items():
        rendered = renderer.render(content)
        (out / f"{name}.pdf").write_bytes(rendered.pdf)
        (out / f"{name}.txt").write_text(rendered.text, encoding="utf-8")
        (out / f"{name}.html").write_text(rendered.html, encoding="utf-8")
        typer.echo(f"{rendered.subject}\n{out / name}.pdf, .txt, .html")


def _letters(service: Service, town: Town | None) -> dict[str, LetterContent]:
    """File name -> letter. Of a municipality with its own head, texts and words."""
    contents = list(samples(service))
    enabled = town.services.get(service.name) if town else None
    wordings = service.wordings(enabled.parameters) if enabled else {}
    if town:
        texts = town.profile.texts
        names = ("legal_remedy", "privacy_notice", "contact", "signed_by")
        own = {name: getattr(texts, name) for name in names} | {"town": town.profile.name}
        contents = [replace(one, letterhead=letterhead(town), **own) for one in contents]
    return {
        "-".join(filter(None, (f"{number:02}", content.sections[0].code, form))): in_words(
            content, words
        )
        for form, words in (wordings or {"": {}}).items()
        for number, content in enumerate(contents, start=1)
    }


def check(municipality: Municipality = "") -> None:
    """Check settings, Prefect's server, profile, zone list and templates; every error at once.

    What it only asks to look at, such as a gap within a street, hinders nothing.
    """
    wanted = [municipality] if municipality else municipalities(settings())
    if not wanted:
        typer.echo(f"There is no municipality in {settings().home}: antragslos new-municipality M")
        raise typer.Exit(1)
    bad = not all([_prefect_is_shut(), _key_is_good()])
    for slug in wanted:
        problems = check_municipality(slug, settings())
        bad = bad or bool(problems)
        typer.echo(f"{slug}: {counted(len(problems), 'problem') if problems else 'ready'}")
        for problem in problems:
            typer.echo(f"  {problem}")
        for warning in look_at(slug, settings(), datetime.now(UTC).date()):
            typer.echo(f"  look at: {warning}")
    if bad:
        raise typer.Exit(1)


def _prefect_is_shut() -> bool:
    api, login = (os.environ.get(f"PREFECT_API_{name}", "") for name in ("URL", "AUTH_STRING"))
    if not api:
        typer.echo("Prefect: not looked at, since PREFECT_API_URL is not in the environment")
        return True
    try:
        problems = problems_of(api, login)
    except OSError as error:
        typer.echo(f"Prefect: not looked at, since its API cannot be asked: {error}")
        return True
    typer.echo(f"Prefect: {counted(len(problems), 'problem') if problems else 'ready'}")
    for problem in problems:
        typer.echo(f"  its API {problem}")
    return not problems


def _key_is_good() -> bool:
    try:
        settings().must_have_a_good_key()
    except SettingsInvalid as error:
        problem = error.detail
    except OSError as error:
        problem = f"secret.key cannot be read: {error.strerror or error}"
    else:
        return True
    typer.echo(f"Key: 1 problem\n  {problem}")
    return False


def _known_service(service: str) -> None:
    known = all_services()
    if service and service not in known:
        raise PermanentError("service.unknown", service, f"There are: {', '.join(known)}.")


def console() -> Console:
    # Not a terminal: no wrapping of ids in the middle.
    return Console(width=None if Console().is_terminal else 160, highlight=False)
