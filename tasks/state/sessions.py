"""Sessions at the pages: who came in with password or birth date, and has not left since.

A cookie holds a secret; here stands its digest, so that a copy of the database opens nothing. Who
logs out is out, whoever has kept a copy of the cookie.
"""

import hashlib
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, or_, update
from sqlmodel import Session, col

from tasks.errors import StateUnavailable
from tasks.state.database import Engine, insert_rows, reading
from tasks.state.replies import durably
from tasks.state.tables import PageSession

_NOTED = timedelta(minutes=1)  # so exactly is known when a session was last used
_PATIENCE = 0.2  # seconds: a click does not wait for a run only to be noted


@dataclass(frozen=True, slots=True)
class Lasts:
    idle: timedelta
    longest: timedelta  # however busy


@dataclass(frozen=True, slots=True)
class Held:
    """Whose session it is: a clerk's, by the sign, or a resident's, by the letter's door."""

    municipality: str
    clerk: str = ""
    door: str = ""


def begin(session: Session, held: Held, now: datetime, lasts: Lasts) -> str:
    """The secret for the cookie. Sessions that are over leave with it."""
    session.execute(delete(PageSession).where(_over(now, lasts)))
    secret = secrets.token_urlsafe(32)
    row = PageSession(
        digest=_digest(secret),
        municipality=held.municipality,
        clerk=held.clerk,
        door=held.door,
        since=now,
        last_used=now,
    )
    insert_rows(session, PageSession, [row.model_dump()])
    return secret


def held(engine: Engine, secret: str, now: datetime, lasts: Lasts) -> Held | None:
    """None: there is no such session, or it is over. Waits for no writer."""
    with reading(engine) as session:
        row = session.get(PageSession, _digest(secret))
    if row is None or now - row.last_used > lasts.idle or now - row.since > lasts.longest:
        return None
    if now - row.last_used >= _NOTED:
        mine = update(PageSession).where(col(PageSession.digest) == row.digest)
        with suppress(StateUnavailable), durably(engine, _PATIENCE) as session:
            session.execute(mine.values(last_used=now))
    return Held(row.municipality, row.clerk, row.door)


def end(engine: Engine, secret: str) -> Held | None:
    """Whose it was; None, and nothing is written, where there is none."""
    with reading(engine) as session:
        row = session.get(PageSession, _digest(secret))
    if row is None:
        return None
    with durably(engine) as session:
        session.execute(delete(PageSession).where(col(PageSession.digest) == row.digest))
    return Held(row.municipality, row.clerk, row.door)


def end_all(session: Session, municipality: str, clerk: str) -> None:
    """Removed, or another password: whoever came in with the old one is out."""
    session.execute(
        delete(PageSession).where(
            col(PageSession.municipality) == municipality, col(PageSession.clerk) == clerk
        )
    )


def _over(now: datetime, lasts: Lasts) -> ColumnElement[bool]:
    return or_(
        col(PageSession.last_used) < now - lasts.idle, col(PageSession.since) < now - lasts.longest
    )


def _digest(secret: str) -> str:
    """Of 256 random bits: there is nothing to guess, and no key is needed."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
