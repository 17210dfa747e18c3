"""`antragslos replies`: the page on which residents answer and clerks decide."""

import os
import threading
from typing import Annotated

import typer

from tasks.settings import settings


def replies(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8300,
    behind_proxy: Annotated[
        bool, typer.Option(help="A proxy of yours sets X-Forwarded-For and -Proto.")
    ] = False,
) -> None:
    """Serve the residents' page and the clerks' page (/sachbearbeitung), until Ctrl-C.

    Needs no Prefect: it only records. With PREFECT_API_URL set, each reply starts a run of
    apply-replies within a minute; without, the schedule or `antragslos apply-replies` does.
    """
    import uvicorn

    from tasks.serve import reply_pages

    app = reply_pages(settings(), announce if os.environ.get("PREFECT_API_URL") else _quiet)
    typer.echo(f"Residents: {settings().public_url}  Clerks: http://{host}:{port}/sachbearbeitung")
    uvicorn.run(
        app,
        host=host,
        port=port,
        access_log=False,  # it would keep the secrets of links
        log_level="warning",
        proxy_headers=behind_proxy,
        server_header=False,
        h11_max_incomplete_event_size=16_384,
    )


def announce() -> None:
    """An event for the trigger of apply-replies. Without a name or number: it only wakes.

    In a thread and for good or ill: a page never waits for Prefect, and the schedule finds what an
    event has missed.
    """
    threading.Thread(target=_emit, daemon=True).start()


def _emit() -> None:
    from prefect.events import emit_event

    try:
        emit_event(
            event="antragslos.reply.recorded",
            resource={"prefect.resource.id": "antragslos.replies.page"},
        )
    except Exception:
        return


def _quiet() -> None:
    return
