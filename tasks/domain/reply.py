"""A reply: what a resident answers to a letter, from its link, its code or on the phone."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class ReplyKind(StrEnum):
    """Stored: never rename a value."""

    DEREGISTER = "deregister"  # the record is no longer needed: Verzicht
    WRONG = "wrong"  # „this is wrong“: a clerk looks (VwVfG § 24, DSGVO Art. 22)
    OBJECT = "object"  # announces an objection (Widerspruch); it does not replace one
    OPT_OUT = "opt_out"  # no further acts of our own motion (DSGVO Art. 21)


class Scope(StrEnum):
    """How far a reply reaches. Stored: never rename a value."""

    CASE = "case"  # this case only
    SERVICE = "service"  # and this service in future
    INFORMATION = "information"  # and every service that only informs


class IdentityDocument(StrEnum):
    """What a clerk looks at before a locked letter opens again. Stored: never rename a value."""

    IDENTITY_CARD = "identity_card"  # Personalausweis
    PASSPORT = "passport"  # Reisepass
    RESIDENCE_TITLE = "residence_title"  # Aufenthaltstitel


@dataclass(frozen=True, slots=True)
class Reply:
    """The resident's own words stay in the database: a rule needs none of them."""

    kind: ReplyKind
    scope: Scope
    received_on: date
