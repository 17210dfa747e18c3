"""A record: a row in one of the municipality's own systems, here a resident parking permit."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from tasks.domain.person import PersonKey


class LinkedBy(StrEnum):
    """How a record was linked to a person. Stored: never rename a value."""

    KEY = "key"  # the record carries the registry's key
    STATUTORY = "statutory"  # BMeldDAV Anlage: names, birth date and address agree
    CLERK = "clerk"  # a clerk has said so, in this very case
    SUGGESTED = "suggested"  # similar only: shown to a clerk, never decided on


@dataclass(frozen=True, slots=True)
class Permit:
    """A Bewohnerparkausweis as the permit system holds it."""

    number: str
    zone: str
    valid_from: date
    valid_until: date  # the last day on which it is valid
    plate: str
    holder: str  # name as printed on the permit
    birth_date: str = ""  # YYYY, YYYY-MM or YYYY-MM-DD
    key: PersonKey | None = None
    street: str = ""  # the address the permit was granted for, where the system has it
    house_number: str = ""
    status: str = "active"  # active | ended
    standing_application: bool = False  # the first application asks for a switch at every move
    email: str = ""
    email_consent: bool = False  # consent to electronic delivery is recorded


@dataclass(frozen=True, slots=True)
class Link:
    """A permit together with the reason why we think it belongs to the person."""

    permit: Permit
    by: LinkedBy
    score: int = 100  # 0..100, for SUGGESTED
