"""A parcel to start from, and servers that speak SMTP well or badly."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope

from tasks.channels import Parcel

PDF = b"%PDF-1.7\n" + bytes(range(256)) * 40


def a_parcel(letter_id: str = "l-7f3k", **changes: Any) -> Parcel:
    values: dict[str, Any] = {
        "letter_id": letter_id,
        "municipality": "musterstadt",
        "created": date(2026, 11, 23),
        "pages": 1,
        "subject": "Ihr Bewohnerparkausweis gilt jetzt in Zone A2 – Sie müssen nichts tun",
        "text": "Guten Tag Łukasz Wójcik,\n\nIhr Ausweis gilt jetzt in Zone A2.\n.\nGrüße\n",
        "html": "<p>Guten Tag Łukasz Wójcik,</p><p>Ihr Ausweis gilt jetzt in Zone A2.</p>",
        "pdf": PDF + letter_id.encode(),
        "recipient": "lukasz.wojcik@example.org",
        "sender_name": "Musterstadt, Straßenverkehrsbehörde",
        "sender_address": "parken@musterstadt.example",
        "reply_to": "buergerbuero@musterstadt.example",
    }
    return Parcel(**values | changes)


@dataclass
class Inbox:
    """Keeps what a server took in."""

    port: int = 0
    received: list[Envelope] = field(default_factory=list)

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:
        self.received.append(envelope)
        return "250 kept"


@contextmanager
def mail_server(**options: Any) -> Iterator[Inbox]:
    inbox = Inbox(port=free_port())
    server = Controller(inbox, hostname="127.0.0.1", port=inbox.port, **options)
    server.start()
    try:
        yield inbox
    finally:
        server.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def rude_server(behave: Callable[["Talk"], None]) -> Iterator[int]:
    """A server that does as told, once for each connection. Gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)

        def serve() -> None:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.settimeout(5)
            with connection:
                behave(Talk(connection))

        thread = threading.Thread(target=serve)
        thread.start()
        yield int(listener.getsockname()[1])
        thread.join(10)


class Talk:
    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._file = connection.makefile("rb")

    def say(self, *lines: str) -> None:
        self._connection.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def say_raw(self, some: bytes) -> None:
        """Not a whole line; quiet once the other side has hung up."""
        with suppress(OSError):
            self._connection.sendall(some)

    def hear(self) -> str:
        return self._file.readline().decode(errors="replace").strip()

    def reset(self) -> None:
        """Hangs up at once, with what is on its way."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._file.close()
        self._connection.close()

    def hear_message(self) -> str:
        lines = []
        while (line := self._file.readline()) not in (b".\r\n", b""):
            lines.append(line.decode(errors="replace"))
        return "".join(lines)


def answering(**answers: str) -> Callable[[Talk], None]:
    """A server that answers well except where told; an empty answer hangs up instead."""

    def behave(talk: Talk) -> None:
        def reply(step: str, usual: str) -> bool:
            answer = answers.get(step, usual)
            if answer:
                talk.say(*answer.split("\n"))
            return answer.startswith(("2", "3"))

        usual = {"ehlo": "250 hello", "mail": "250 ok", "rcpt": "250 ok", "data": "354 go on"}
        if not reply("greeting", "220 rude.example"):
            return
        while verb := talk.hear().partition(" ")[0].lower():
            if verb not in usual:
                reply(verb, "221 bye")
                return
            if not reply(verb, usual[verb]):
                return
            if verb == "data":
                talk.hear_message()
                if not reply("end", "250 kept"):
                    return

    return behave
