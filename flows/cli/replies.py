"""`antragslos replies`: the page on which residents answer and clerks decide."""

import contextlib
import ipaddress
import os
import socket
import threading
from typing import Annotated

import typer

from tasks.errors import SettingsInvalid
from tasks.settings import settings

WIDEST = 7  # bits of a network of proxies: 10.0.0.0/8 is one, half of the internet is not


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

    from flows.cli.connections import AT_A_TIME, Patient, make_room
    from tasks.serve import reply_pages

    if behind_proxy:
        check_proxies(os.environ.get("FORWARDED_ALLOW_IPS", ""))
    make_room()
    app = reply_pages(settings(), announce if os.environ.get("PREFECT_API_URL") else _quiet)
    config = uvicorn.Config(
        app,
        http=Patient,
        ws="none",
        access_log=False,  # it would keep the secrets of links
        log_level="error",  # whoever sends rubbish would fill the system's log with warnings
        proxy_headers=behind_proxy,
        server_header=False,
        h11_max_incomplete_event_size=16_384,
        limit_concurrency=AT_A_TIME,
    )
    with _listening(host, port) as ours:
        typer.echo(
            f"Residents: {settings().public_url}  Clerks: http://{host}:{port}/sachbearbeitung"
        )
        with contextlib.suppress(KeyboardInterrupt):  # raised again once everything is closed
            uvicorn.Server(config).run(sockets=[ours])


def check_proxies(trusted: str) -> None:
    """Raises SettingsInvalid where whoever connects may say who they are: no limit would hold."""
    for one in filter(None, map(str.strip, trusted.split(","))):
        try:
            anybody = ipaddress.ip_network(one, strict=False).prefixlen < WIDEST
        except ValueError:
            anybody = one == "*"  # anything else is the name of a socket
        if anybody:
            raise SettingsInvalid(
                "settings.any_proxy",
                detail=f"FORWARDED_ALLOW_IPS={one} believes everybody's X-Forwarded-For, and no "
                "limit of wrong tries would hold. Name the addresses of your proxies.",
            )


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError):
        message = f"Port {port} of {host} is taken or not allowed: choose another with --port."
        typer.echo(message, err=True)
        raise typer.Exit(1) from None


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
