"""Prefect's temporary server, which a command starts where no other is set, is the command's alone.

It ends with the command: Prefect stops it at a clean end only, and a command that is killed would
leave it behind, 200 MB each. It answers the command only: Prefect's own lets every user of the
machine run code.
"""

import os
import subprocess
from typing import Any

from flows._login import closed, new_login

# The pipe closes when our process ends, however it ends, SIGKILL included.
WATCH = 'read -r _; kill "$0"'


def tie_to_us() -> None:
    """To be called before the command's flow runs. Twice changes nothing."""
    from prefect.server.api.server import SubprocessASGIServer

    start = SubprocessASGIServer._run_uvicorn_command
    if getattr(start, "tied", False):
        return
    shut()

    def tied(self: SubprocessASGIServer) -> "subprocess.Popen[Any]":
        server = start(self)
        server.watch = subprocess.Popen(  # type: ignore[attr-defined]  # noqa: S603
            ["/bin/sh", "-c", WATCH, str(server.pid)],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        return server

    tied.tied = True  # type: ignore[attr-defined]
    SubprocessASGIServer._run_uvicorn_command = tied  # type: ignore[method-assign]


def shut() -> None:
    """A log-in for the server that is to start, and for us. Where another server is set, its own
    stays."""
    from prefect.context import refresh_global_settings_context
    from prefect.settings import get_current_settings

    if get_current_settings().api.url:
        return
    os.environ.update(closed(new_login()))
    refresh_global_settings_context()
