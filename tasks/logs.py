"""Log files of ours: for their owner's eyes, and not to be washed away by many requests."""

import logging
import os
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

MOST_KINDS = 1_000  # that are counted in a minute; more are written as one


class PrivateLog(RotatingFileHandler):
    """Of records with a `kind` (in `extra`) the first in a minute is written, the rest are counted.

    How many they were stands there with the first record that comes after that minute.
    """

    def __init__(self, path: Path, keep: int) -> None:
        self._minute = 0
        self._counted: dict[str, int] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        super().__init__(path, maxBytes=10_000_000, backupCount=keep, encoding="utf-8")

    def emit(self, record: logging.LogRecord) -> None:
        minute = int(record.created // 60)
        if minute != self._minute:
            self._tell(record.created)
            self._minute = minute
        kind = getattr(record, "kind", "")
        if kind and kind not in self._counted and len(self._counted) >= MOST_KINDS:
            kind = "other"
        if kind in self._counted:
            self._counted[kind] += 1
            return
        if kind:
            self._counted[kind] = 0
        super().emit(record)

    def close(self) -> None:
        if self.stream:
            self._tell(None)
        super().close()

    def _tell(self, now: float | None) -> None:
        for kind, more in self._counted.items():
            if more:
                line = logging.LogRecord(
                    "", logging.INFO, "", 0, "%s: %s more within a minute", (kind, more), None
                )
                line.created = now or line.created
                super().emit(line)
        self._counted = {}

    def _open(self) -> TextIOWrapper:
        file = super()._open()
        os.chmod(self.baseFilename, 0o600)  # also after each rotation
        return file
