"""Accounts of clerks: who may answer questions on the clerks' page of a municipality.

A sign (Zeichen, `sb-12`) and not a name: it stands in histories, and a shell or a form may carry it
into Prefect. Passwords are kept with scrypt; salt and parameters stand in the stored text, so that
stronger parameters can come later without locking anybody out.
"""

import hashlib
import hmac
import re
import secrets
from base64 import b64decode, b64encode
from collections.abc import Sequence

from sqlmodel import Session, select

from tasks.errors import PermanentError, ReplyRefused
from tasks.state import sessions
from tasks.state.database import Engine, reading, utcnow
from tasks.state.tables import Clerk

SIGN = re.compile(r"[a-z0-9][a-z0-9-]{1,31}")
MIN_LENGTH = 12
LONGEST_NAME = 80
MAX_LENGTH = 1024  # a longer one only makes us work

_COST, _BLOCK, _LANES = 2**15, 8, 3  # 32 MiB and about a quarter of a second a try
_MEMORY = 64 * 2**20


class BadClerk(PermanentError):
    """The sign is none, or the password is too short."""


def add_clerk(
    session: Session, municipality: str, sign: str, password: str, name: str = ""
) -> bool:
    """A new account, or a new password for one that is there, which ends its sessions.

    `name`: who signs what this clerk decides (VwVfG § 37 Abs. 3 Satz 1); "" leaves it as it is.
    Returns whether it is new.
    """
    if not SIGN.fullmatch(sign):
        raise BadClerk(
            "clerk.bad_sign",
            detail="A sign is 2 to 32 lower-case letters, digits and hyphens, as in sb-12.",
        )
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise BadClerk(
            "clerk.bad_password", sign, f"A password has {MIN_LENGTH} to {MAX_LENGTH} characters."
        )
    name = " ".join(name.split())
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise BadClerk(
            "clerk.bad_name", sign, f"A name has at most {LONGEST_NAME} printable characters."
        )
    clerk = session.get(Clerk, (municipality, sign))
    if clerk is None:
        clerk = Clerk(municipality=municipality, sign=sign, password="", created_at=utcnow())
    new = not clerk.password
    clerk.password, clerk.active = hashed(password), True
    clerk.name = name or clerk.name
    session.add(clerk)
    sessions.end_all(session, municipality, sign)
    return new


def remove_clerk(session: Session, municipality: str, sign: str) -> None:
    """The row stays: histories name the sign, and nobody else may get it unnoticed. The name goes:
    it stays in the letters alone that were signed with it."""
    clerk = session.get(Clerk, (municipality, sign))
    if clerk is None:
        raise BadClerk("clerk.unknown", sign, "antragslos clerks lists those that are there.")
    clerk.active, clerk.name = False, ""
    sessions.end_all(session, municipality, sign)


def printed_names(session: Session, municipality: str) -> dict[str, str]:
    """sign -> the name that letters print; only of accounts that have one."""
    return {clerk.sign: clerk.name for clerk in clerks_of(session, municipality) if clerk.name}


def clerks_of(session: Session, municipality: str) -> Sequence[Clerk]:
    query = select(Clerk).where(Clerk.municipality == municipality)
    return session.exec(query.order_by(Clerk.sign)).all()


def check(engine: Engine, municipality: str, sign: str, password: str) -> str:
    """Which password was right, as `agrees` asks for it: opaque, another one for each password.

    Raises ReplyRefused("clerk.refused"), after the same work whatever was wrong: nobody learns by
    the clock which signs there are. It only reads, and waits for no writer.
    """
    with reading(engine) as session:
        stored = _stored_for(session, municipality, sign)
    if not _agrees(password, stored or _NOBODY) or not stored:
        raise ReplyRefused("clerk.refused")
    return _mark(stored)


def agrees(session: Session, municipality: str, sign: str, mark: str) -> bool:
    """Whether the account is there, with the password of `mark`."""
    stored = _stored_for(session, municipality, sign)
    return bool(stored) and hmac.compare_digest(mark.encode(), _mark(stored).encode())


def still(engine: Engine, municipality: str, sign: str) -> None:
    """Raises clerk.refused when there is no such account, or it was removed."""
    with reading(engine) as session:
        if not _stored_for(session, municipality, sign):
            raise ReplyRefused("clerk.refused")


def known(engine: Engine, municipality: str, sign: str) -> bool:
    """Whether the sign was ever somebody's there: only then may a log name it."""
    with reading(engine) as session:
        return session.get(Clerk, (municipality, sign)) is not None


def _stored_for(session: Session, municipality: str, sign: str) -> str:
    clerk = session.get(Clerk, (municipality, sign))
    return clerk.password if clerk and clerk.active else ""


def _mark(stored: str) -> str:
    """Of the salted hash: says nothing of the password."""
    return hashlib.sha256(stored.encode()).hexdigest()[:16]


def hashed(password: str) -> str:
    """`scrypt$32768$8$3$salt$hash`"""
    salt = secrets.token_bytes(16)
    key = _scrypt(password, salt, _COST, _BLOCK, _LANES)
    return _stored(salt, key)


def _stored(salt: bytes, key: bytes) -> str:
    parts = b64encode(salt).decode(), b64encode(key).decode()
    return f"scrypt${_COST}${_BLOCK}${_LANES}${parts[0]}${parts[1]}"


def _agrees(password: str, stored: str) -> bool:
    _, cost, block, lanes, salt, key = stored.split("$")
    tried = _scrypt(password[:MAX_LENGTH], b64decode(salt), int(cost), int(block), int(lanes))
    return hmac.compare_digest(tried, b64decode(key))


def _scrypt(password: str, salt: bytes, cost: int, block: int, lanes: int) -> bytes:
    data = password.encode(errors="surrogatepass")
    return hashlib.scrypt(data, salt=salt, n=cost, r=block, p=lanes, maxmem=_MEMORY, dklen=32)


# Nobody's password: no text has this hash with this salt.
_NOBODY = _stored(bytes(16), bytes(32))
