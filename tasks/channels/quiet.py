"""Keeps Apprise's log to ourselves: it names recipients.

The filter sits on Apprise's one logger, so a diverted line reaches no handler at all, neither one
of ours nor the root's. A context variable says whose line it is: parallel sends do not mix.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_lines: ContextVar[list[str] | None] = ContextVar("apprise_lines", default=None)


class _Divert(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        lines = _lines.get()
        if lines is None:
            return True
        cause = record.exc_info[0] if record.exc_info else None
        lines.append(f"{record.getMessage()} {cause.__name__ if cause else ''}".strip())
        return False


logging.getLogger("apprise").addFilter(_Divert())


@contextmanager
def diverted() -> Iterator[list[str]]:
    """What Apprise logs within this block, in this thread, goes into the list and nowhere else."""
    lines: list[str] = []
    token = _lines.set(lines)
    try:
        yield lines
    finally:
        _lines.reset(token)
