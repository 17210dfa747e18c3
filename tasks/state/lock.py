"""One process at a time works on a municipality; the lock dies with the process that holds it.

A lease with a time-out would leave a municipality waiting after a crash, or let two work at once
after a pause. PostgreSQL's session lock and the kernel's file lock end at the very moment the
process ends, kill -9 included: whoever holds the lock knows that every claim it finds is a dead
one's.
"""

import fcntl
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from tasks.errors import MunicipalityBusy

_NAMESPACE = 0x616E7472  # "antr"


@contextmanager
def municipality_lock(engine: Engine, municipality: str, folder: Path) -> Iterator[None]:
    """Raises MunicipalityBusy at once where another process holds it. `folder` must exist."""
    if engine.dialect.name == "postgresql":
        with _advisory_lock(engine, municipality):
            yield
    else:
        with _file_lock(folder / ".lock", municipality):
            yield


@contextmanager
def _advisory_lock(engine: Engine, municipality: str) -> Iterator[None]:
    number = zlib.crc32(municipality.encode()) - 2**31
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        got = connection.execute(
            text("SELECT pg_try_advisory_lock(:space, :number)"),
            {"space": _NAMESPACE, "number": number},
        ).scalar_one()
        if not got:
            raise MunicipalityBusy("state.municipality_busy", municipality)
        try:
            yield
        finally:
            with suppress(DBAPIError):  # a lost connection has lost its lock as well
                connection.execute(
                    text("SELECT pg_advisory_unlock(:space, :number)"),
                    {"space": _NAMESPACE, "number": number},
                )


@contextmanager
def _file_lock(path: Path, municipality: str) -> Iterator[None]:
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise MunicipalityBusy("state.municipality_busy", municipality) from None
        yield
