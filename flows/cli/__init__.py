"""`antragslos`: the pipeline for people at a shell, for cron and for scripts."""

import os
import sys

# Before Prefect is imported: nobody is told that we run, and no heartbeat disturbs SQLite.
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")
# Prefect gives the server it starts for a single call 20 seconds, which a busy machine lacks.
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")

import typer
from pydantic import ValidationError

from flows.cli.clerks import add_clerk, clerks, remove_clerk
from flows.cli.demo import demo
from flows.cli.look import cases, check, explain, letter
from flows.cli.privacy import disclose, forget
from flows.cli.replies import replies
from flows.cli.review import answer, opt_in, questions, reopen
from flows.cli.run import apply_replies, deliver, rerun
from flows.cli.setup import import_permits, new_municipality
from tasks.errors import AntragslosError, ProfileInvalid
from tasks.settings import private_files

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Proactive public services: registry deltas in, decisions with grounds and letters out.",
    pretty_exceptions_enable=False,  # a traceback with local values would print personal data
)

for command in (
    deliver,
    apply_replies,
    rerun,
    replies,
    cases,
    explain,
    questions,
    answer,
    opt_in,
    reopen,
    add_clerk,
    clerks,
    remove_clerk,
    letter,
    forget,
    disclose,
    check,
    new_municipality,
    import_permits,
    demo,
):
    app.command()(command)


def main() -> None:
    private_files()
    try:
        app()
    except ProfileInvalid as error:
        _say(f"The profile of {error.ref} cannot be used:", *error.problems)
    except AntragslosError as error:
        _say(str(error), error.detail)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        _say(*(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in problems))
    except BrokenPipeError:  # `antragslos cases | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        _say(f"{error.strerror}: {error.filename}" if error.strerror else type(error).__name__)


def _say(*lines: str) -> None:
    for line in lines:
        if line:
            typer.echo(line, err=True)
    sys.exit(1)
