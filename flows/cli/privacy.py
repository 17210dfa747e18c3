"""Commands on what is kept of people: remove what is over, tell a person what is stored.

`disclose` shows what Prefect may never see; it runs no flow.
"""

import os
from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from flows.cli.places import Municipalities, Municipality
from flows.cli.temporary_server import tie_to_us
from tasks.access import access_log
from tasks.disclose import disclose as disclose_person
from tasks.disclose import find
from tasks.municipality import open_municipality
from tasks.settings import settings

Day = Annotated[
    datetime | None,
    typer.Option("--on", formats=["%Y-%m-%d"], help="Replay this day. Default: today."),
]


def forget(
    municipality: Municipalities = [],  # noqa: B006  typer reads the default, nobody changes it
    for_real: Annotated[bool, typer.Option("--for-real", help="Default: only count.")] = False,
    on: Day = None,
) -> None:
    """Remove personal data whose period is over; without --for-real only count it."""
    from flows.forget import ForgetParameters
    from flows.forget import forget as run

    parameters = ForgetParameters(
        municipalities=municipality, dry_run=not for_real, on=on.date() if on else None
    )
    tie_to_us()
    state = run(parameters, return_state=True)
    typer.echo(f"{state.name}: {state.message}")
    if not state.is_completed():
        raise typer.Exit(1)


def disclose(
    municipality: Municipality,
    name: Annotated[str, typer.Option(help="One or more of the person's names.")] = "",
    birth_date: Annotated[
        datetime | None, typer.Option("--birth-date", formats=["%Y-%m-%d"], help="With --name.")
    ] = None,
    key: Annotated[str, typer.Option(help="AGS:NUMBER, as the registry writes them.")] = "",
    person: Annotated[str, typer.Option(help="p-…, where several match.")] = "",
    out: Annotated[
        Path, typer.Option(dir_okay=False, help="The file to write; only you may read it.")
    ] = Path("auskunft.html"),
) -> None:
    """Write all that is stored about one person into one page (Art. 15 DSGVO)."""
    town = open_municipality(municipality, settings())
    born = birth_date.date().isoformat() if birth_date else ""
    found = find(town, key=key, person=person, name=name, born=born)
    if not found:
        typer.echo("Nobody matches: nothing is stored under this name and date.", err=True)
        raise typer.Exit(1)
    seen = " ".join(match.person for match in found)
    access_log(settings().home).info("%s shell disclose %s", town.slug, seen)
    if len(found) > 1:
        typer.echo("Several people match. Choose one with --person:", err=True)
        for match in found:
            typer.echo(f"  {match.person}  {match.name}, {match.born}, {match.home}", err=True)
        raise typer.Exit(1)
    today = datetime.now(ZoneInfo(town.profile.timezone)).date()
    told = disclose_person(town, found[0].person, today)
    _write(out, told.html)
    typer.echo(f"{out}: read it, and make sure who asks for it, before you hand it out.")
    if told.locked:
        typer.echo(
            "This person has an information lock (BMG § 51): hand it to nobody else, send it to "
            "no address, and ask the registration office first.",
            err=True,
        )


def _write(path: Path, text: str) -> None:
    """Never over another file, and readable by its owner alone from the first byte on."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
