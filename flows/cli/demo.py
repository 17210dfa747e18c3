"""`antragslos demo`: Musterstadt, from nothing to letters, with Prefect's UI to look at."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from flows.demo.place import Place, environment


def demo(
    home: Annotated[Path, typer.Option(help="Folder that holds all of the demo.")] = Path(
        "var/demo"
    ),
    port: Annotated[int, typer.Option(help="Of the UI. Taken: the next free one.")] = 4200,
    mail_port: Annotated[int, typer.Option(help="Of the mail catcher. Likewise.")] = 8025,
    reply_port: Annotated[int, typer.Option(help="Of the residents' page. Likewise.")] = 8300,
    leave: Annotated[
        bool, typer.Option("--exit", help="End after the table, for scripts.")
    ] = False,
) -> None:
    """Start everything, play Musterstadt's deliveries, show what happened, stay until Ctrl-C."""
    place = Place.choose(home, port, mail_port, reply_port)
    # A fresh process: Prefect and our settings read the environment once, when first imported.
    arguments = [sys.executable, "-m", "flows.demo", *place.arguments(), *(["--exit"] * leave)]
    os.execve(sys.executable, arguments, environment(place, os.environ))  # noqa: S606
