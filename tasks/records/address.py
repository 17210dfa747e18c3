"""Where a municipality's register may be: in a file of its own folder, or on an allowed server.

A profile is written by the town, and its address must lead to nothing that others own: what an
address can carry beyond host, port, database and user is refused, since libpq and SQLite would read
a file, another host or another address from it.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import URL
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from tasks.errors import RegisterRefused
from tasks.files import NotAFile, is_plain, must_be_own

__all__ = ["URL", "must_be_a_file_of_the_town", "register_url"]

FILE = "permits.db"
_SUFFIXES = (".db", ".sqlite", ".sqlite3")
_BESIDE = ("", "-wal", "-shm", "-journal")  # SQLite opens these, too
_PORT = 5432
_NAME = re.compile(r"[\w-]+")  # libpq takes a database's name with „=“ for another address
_QUERY = {"host": re.compile(r"/.+"), "sslmode": re.compile(r"[a-z-]+")}


def register_url(written: str, folder: Path, hosts: Sequence[str]) -> URL:
    """`written`: of the profile; "" is `permits.db` in `folder`, the municipality's own.

    `hosts`: what the installation allows, as `db.example`, `db.example:5433` or `/run/postgresql`.
    Raises RegisterRefused, whose detail says why and quotes nothing.
    """
    try:
        url = make_url(written or f"sqlite:///{FILE}")
        if url.drivername == "sqlite":
            return _file(url, folder.resolve())
        if url.drivername == "postgresql+psycopg":
            return _server(url, {host.lower() for host in hosts})
    except (ArgumentError, ValueError):
        raise _refused("not the address of a database") from None
    raise _refused("neither sqlite:///NAME.db nor postgresql+psycopg://…")


def must_be_a_file_of_the_town(path: Path) -> None:
    """Raises RegisterRefused for a database that is a link or has a second name; it may be missing.

    So that it holds for the file that is opened, it is asked before each connection.
    """
    for end in _BESIDE:
        file = path.with_name(path.name + end)
        try:
            must_be_own(file.lstat())
        except FileNotFoundError:
            continue
        except NotAFile as error:
            raise _refused(f"{file.name}: {error}") from None


def _file(url: URL, folder: Path) -> URL:
    path = Path(url.database or "")
    if url.query or url.host or url.username or path.parent not in (Path(), folder):
        raise _refused(f"SQLite is a file in the municipality's folder: sqlite:///{FILE}")
    if not is_plain(path.name) or path.suffix not in _SUFFIXES:
        raise _refused(f"the file of a register ends in {', '.join(_SUFFIXES)}")
    return URL.create("sqlite", database=str(folder / path.name))


def _server(url: URL, allowed: set[str]) -> URL:
    for key, value in url.query.items():
        known = _QUERY.get(key)
        if known is None or not (isinstance(value, str) and known.fullmatch(value)):
            raise _refused("behind „?“ only sslmode is read, and host for the folder of a socket")
    named = [host for host in (url.host, url.query.get("host")) if host]
    if len(named) != 1:
        raise _refused("one host must be named")
    host, port = str(named[0]).lower(), url.port or _PORT
    if f"{host}:{port}" not in allowed and not (port == _PORT and host in allowed):
        raise _refused("ANTRAGSLOS_PERMIT_HOSTS does not allow this host and port")
    if not _NAME.fullmatch(url.database or "") or not url.username:
        raise _refused("database and user must be named")
    return url


def _refused(why: str) -> RegisterRefused:
    return RegisterRefused("records.address_refused", detail=why)
