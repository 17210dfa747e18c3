"""A mail server that delivers nothing: it keeps every message as a file."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

from flows.demo.place import HOST

_UNSAFE = re.compile(r"[^A-Za-z0-9@.+_-]")


class MailFolder:
    """`0001 name@example.eml`, in the order of arrival; any mail program opens them."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._kept = len(list(folder.glob("*.eml")))

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self._kept += 1
        recipient = _UNSAFE.sub("_", ",".join(envelope.rcpt_tos))[:100]
        path = self._folder / f"{self._kept:04d} {recipient}.eml"
        part = path.with_name(f".{path.name}.part")
        part.write_bytes(envelope.original_content)
        os.replace(part, path)
        return "250 OK"


@contextmanager
def mail_catcher(folder: Path, port: int) -> Iterator[None]:
    controller = Controller(MailFolder(folder), hostname=HOST, port=port, ready_timeout=30)
    controller.start()
    try:
        yield
    finally:
        controller.stop()
