"""Reopen: a letter that wrong birth dates have locked, once a clerk has seen who asks for it."""

import hashlib
from dataclasses import dataclass
from datetime import date

from tasks.access import access_log
from tasks.domain.reply import IdentityDocument
from tasks.errors import ReplyRefused
from tasks.replies.tokens import digest, new_token
from tasks.settings import Settings
from tasks.state import reopening
from tasks.state.database import Engine, reading
from tasks.state.reopening import Locked
from tasks.state.replies import durably


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom the document must show. `seen`: a mark of it, for the answer."""

    letter: str
    subject: str
    dated: date
    name: str
    born: str  # ISO, as far as the register knows it
    seen: str


def look(
    engine: Engine, settings: Settings, town: str, reference: str, *, by: str, today: date
) -> Asked:
    """Raises ReplyRefused: reply.unknown, reply.not_locked, reply.expired."""
    with reading(engine) as session:
        asked = _asked(reopening.find(session, town, reference, today))
    access_log(settings.home).info("%s clerk %s looked whom %s is for", town, by, asked.letter)
    return asked


def reopen(
    engine: Engine,
    settings: Settings,
    town: str,
    letter: str,
    *,
    by: str,
    document: IdentityDocument,
    seen: str,
    today: date,
) -> str:
    """The new code: it is shown once, and kept as a digest only.

    Raises as `look`, and question.changed where the register knows the person otherwise by now.
    """
    token, key = new_token(), settings.signing_key()
    digests = digest(token.link_secret, key), digest(token.short_code, key)
    with durably(engine) as session:
        if _asked(reopening.find(session, town, letter, today)).seen != seen:
            raise ReplyRefused("question.changed", letter)
        reopening.reopen(
            session, town, letter, digests, by=by, document=document.value, today=today
        )
    access_log(settings.home).info("%s clerk %s reopened %s", town, by, letter)
    return token.short_code


def _asked(found: Locked) -> Asked:
    said, born = found.person.name.full(), str(found.person.born)
    mark = hashlib.sha256(repr((found.letter, said, born)).encode()).hexdigest()
    return Asked(found.letter, found.subject, found.dated, said, born, mark)
