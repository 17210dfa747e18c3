"""Prefect's temporary server, which a command starts where no other is set, ends with the command.

Prefect stops it at a clean end only: a command that is killed would leave it behind, 200 MB each.
"""

import subprocess
from typing import Any

# The pipe closes when our process ends, however it ends, SIGKILL included.
WATCH = 'read -r _; kill "$0"'


def tie_to_us() -> None:
    """To be called before the command's flow runs. Twice changes nothing."""
    from prefect.server.api.server import SubprocessASGIServer

    start = SubprocessASGIServer._run_uvicorn_command
    if getattr(start, "tied", False):
        return

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
