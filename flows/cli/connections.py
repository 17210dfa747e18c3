"""Connections to the pages: who does not say what they want makes room for those who do.

uvicorn waits for the rest of a request as long as its sender likes. Here a request has some seconds
to arrive whole, and of the connections that have not sent one the oldest go when there are too
many: however many somebody opens, the next one is heard.
"""

import asyncio
from collections import OrderedDict
from contextlib import suppress
from resource import RLIM_INFINITY, RLIMIT_NOFILE, getrlimit, setrlimit

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

SECONDS = 15.0  # for a whole request; a form has 64 KiB at most
WAITING = 200  # connections without a whole request
AT_A_TIME = 400  # connections in all; whoever comes then is told so

FILES = 4_096

_waiting: OrderedDict["Patient", None] = OrderedDict()


class Patient(H11Protocol):
    """One connection, patient for a while."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        super().on_response_complete()  # the next request may be there already
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        super().connection_lost(exc)

    def _look(self) -> None:
        whole = self.conn.their_state not in (h11.IDLE, h11.SEND_BODY)
        if whole or self.transport.is_closing():
            self._stop()
        elif self._timer is None:
            self._wait()

    def _wait(self) -> None:
        self._timer = self.loop.call_later(SECONDS, self._give_up)
        _waiting[self] = None
        while len(_waiting) > WAITING:
            oldest = next(iter(_waiting))
            oldest._give_up()

    def _stop(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = None
        _waiting.pop(self, None)

    def _give_up(self) -> None:
        self._stop()
        self.transport.abort()


def make_room() -> None:
    """Open files for all of these connections: some systems give a process 256 unless it asks."""
    soft, hard = getrlimit(RLIMIT_NOFILE)
    wanted = FILES if hard == RLIM_INFINITY else min(FILES, hard)
    if soft != RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):
            setrlimit(RLIMIT_NOFILE, (wanted, hard))
