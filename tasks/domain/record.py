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


RESIDENT = "resident"  # Bewohnerparkausweis
# What the permit system may hold besides: an exemption (StVO § 46 Abs. 1 Nr. 11) for other people.
KINDS = frozenset({RESIDENT, "visitor", "disabled", "business", "care", "garage", "carsharing"})
ACTIVE, ENDED = "active", "ended"
DIGITAL, PAPER = "digital", "paper"  # the form of a permit
BLOCKED = "blocked"  # gesperrt: neither valid nor ended, for a reason that only clerks know


@dataclass(frozen=True, slots=True)
class Permit:
    """A parking permit as the permit system holds it.

    `kind`, `status` and `form` are what that system says, in the words above where they are known.
    A row of it that cannot be read is a permit all the same: `unread` names its columns, which hold
    nothing that counts, and no machine acts on it.
    """

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
    kind: str = RESIDENT
    status: str = ACTIVE
    standing_application: bool = False  # the first application asks for a switch at every move
    email: str = ""
    email_consent: bool = False  # consent to electronic delivery is recorded
    form: str = ""  # DIGITAL or PAPER; "": the permit system does not say
    unread: tuple[str, ...] = ()

    @property
    def unclear(self) -> bool:
        """Whether nobody but a person can say if it is valid, and what for."""
        return bool(self.unread) or self.kind not in KINDS or self.status not in (ACTIVE, ENDED)


@dataclass(frozen=True, slots=True)
class Link:
    """A permit together with the reason why we think it belongs to the person."""

    permit: Permit
    by: LinkedBy
    score: int = 100  # 0..100, for SUGGESTED
