"""Commands for the accounts of clerks on their page."""

from typing import Annotated

import typer
from rich.table import Table

from flows.cli.look import console
from flows.cli.places import Municipality, counted
from tasks.municipality import open_municipality
from tasks.settings import settings
from tasks.state import clerks as accounts
from tasks.state.database import Engine, reading, writing

Sign = Annotated[str, typer.Argument(help="A sign (Zeichen) such as sb-12; never a name.")]


def add_clerk(
    sign: Sign,
    municipality: Municipality,
    password_from: Annotated[
        typer.FileText | None,
        typer.Option(help="File whose first line is the password; - reads standard input."),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            help="As letters that this clerk decides are signed: A. Beispiel. Empty: as it is, "
            "or as the profile's signed_by says."
        ),
    ] = None,
) -> None:
    """Let a clerk log in to their page, or give a new password; that ends their sessions."""
    engine = _engine(municipality)
    if name is None and password_from is None:
        name = typer.prompt("Name in letters (A. Beispiel)", default="", show_default=False)
    if password_from is None:
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        password = password_from.readline().rstrip("\r\n")
    with writing(engine) as session:
        new = accounts.add_clerk(session, municipality, sign, password, name or "")
    typer.echo(f"{sign} {'may log in' if new else 'has a new password'} at {municipality}.")


def clerks(municipality: Municipality) -> None:
    """List the clerks of a municipality."""
    with reading(_engine(municipality)) as session:
        found = accounts.clerks_of(session, municipality)
    table = Table("sign", "state", "since", "name in letters")
    for clerk in found:
        state = "active" if clerk.active else "removed"
        since = clerk.created_at.date().isoformat()
        table.add_row(clerk.sign, state, since, clerk.name)
    console().print(table)
    typer.echo(counted(len(found), "clerk"))


def remove_clerk(sign: Sign, municipality: Municipality) -> None:
    """Shut a clerk out, at once; the sign stays in the histories."""
    with writing(_engine(municipality)) as session:
        accounts.remove_clerk(session, municipality, sign)
    typer.echo(f"{sign} may no longer log in at {municipality}.")


def _engine(municipality: str) -> Engine:
    return open_municipality(municipality, settings()).engine  # or a clear error
