"""`antragslos`: the pipeline for people at a shell, for cron and for scripts."""

import os
import sys
from collections.abc import Callable

import typer

from flows.cli import demo, look, run, setup
from tasks.errors import AntragslosError, ProfileInvalid

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Proactive public services: registry deltas in, decisions with grounds and letters out.",
    pretty_exceptions_enable=False,  # a traceback with local values would print personal data
)

COMMANDS: tuple[tuple[str, Callable[..., None]], ...] = (
    ("deliver", run.deliver),
    ("rerun", run.rerun),
    ("cases", look.cases),
    ("explain", look.explain),
    ("letter", look.letter),
    ("check", look.check),
    ("new-municipality", setup.new_municipality),
    ("import-permits", setup.import_permits),
    ("demo", demo.demo),
)
for name, command in COMMANDS:
    app.command(name)(command)


def main() -> None:
    try:
        app()
    except ProfileInvalid as error:
        _say(f"The profile of {error.ref} cannot be used:", *error.problems)
    except AntragslosError as error:
        _say(str(error), error.detail)
    except BrokenPipeError:  # `antragslos cases | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _say(*lines: str) -> None:
    for line in lines:
        if line:
            typer.echo(line, err=True)
    sys.exit(1)
