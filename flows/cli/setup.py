"""Commands that prepare a municipality."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.places import Municipality, counted
from tasks.errors import PermanentError
from tasks.municipality import PROFILE, open_municipality, zones_without_list
from tasks.profile import SLUG
from tasks.records.importing import import_permits as import_into
from tasks.records.importing import read_permits
from tasks.settings import TEMPLATES, settings
from tasks.state import intake
from tasks.state.database import reading

FOLDERS = ("inbox", "done", "rejected", "receipts", "spool", "templates")


def new_municipality(
    municipality: Annotated[str, typer.Argument(help="Its name: lower-case letters, hyphens.")],
) -> None:
    """Copy the profile template for a new municipality into the home folder."""
    if not SLUG.fullmatch(municipality):
        raise PermanentError(
            "municipality.bad_name",
            detail="Use lower-case letters, digits and hyphens, as in bad-musterstadt.",
        )
    folder = settings().folder(municipality)
    if (folder / PROFILE).exists():
        raise PermanentError("municipality.exists", municipality, f"{folder} is there already.")
    copy_profile(TEMPLATES / "municipality", folder)
    typer.echo(f"{folder / PROFILE} is ready to be filled in.")
    typer.echo(f"Then: antragslos check --municipality {municipality}")


def copy_profile(source: Path, folder: Path) -> None:
    for name in FOLDERS:
        (folder / name).mkdir(parents=True, exist_ok=True)
    for path in sorted(source.iterdir()):
        if path.is_file():
            shutil.copyfile(path, folder / path.name)


def import_permits(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="CSV or JSON Lines of permits.")
    ],
    municipality: Municipality,
) -> None:
    """Import resident parking permits. Doing it twice changes nothing."""
    town = open_municipality(municipality, settings())
    with reading(town.engine) as session:
        lengths = intake.key_lengths(session, town.slug)
    result = import_into(town.register, read_permits(file, lengths))
    typer.echo(
        f"{result.new} new, {result.changed} changed, {result.unchanged} unchanged, "
        f"{counted(len(result.problems), 'problem')}"
    )
    for warning in zones_without_list(town):
        typer.echo(f"look at: {warning}", err=True)
    for problem in result.problems:
        typer.echo(str(problem), err=True)
    if result.problems:
        raise typer.Exit(1)
