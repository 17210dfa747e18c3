"""A delta: one change in one person's data, as one record of a registry delivery told it."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from tasks.domain.person import Person, PersonKey


class DeltaKind(StrEnum):
    """What happened. Stored: never rename a value."""

    STOCK = "stock"  # first filling or reconciliation: state, not an event
    FIRST_REGISTRATION = "first_registration"  # a new-born, or never registered before
    ARRIVAL = "arrival"
    MOVE = "move"
    MOVE_AWAY = "move_away"
    ADDRESS_UPDATE = "address_update"  # renamed street, put right: nobody moved
    STATUS_CHANGE = "status_change"  # main dwelling becomes secondary, or back
    SECONDARY_DWELLING = "secondary_dwelling"  # taken or given up
    CHILD_BORN = "child_born"  # the parent's record
    DEATH = "death"
    NAME_CHANGE = "name_change"
    LOCK_CHANGE = "lock_change"
    FAMILY_CHANGE = "family_change"  # marriage, partnership, death of a related person
    GUARDIAN_CHANGE = "guardian_change"
    DOCUMENT_CHANGE = "document_change"
    KEY_CHANGE = "key_change"  # Ordnungsmerkmal or AGS of the person is another one now
    DELETION = "deletion"  # person.loeschen: gone from the register, without a reason
    MISSING = "missing"  # not in a full delivery that should name everyone: no deletion
    MOVE_REVERSED = "move_reversed"  # the move never happened (seen in the snapshots, not the code)
    DEATH_REVERSED = "death_reversed"
    OTHER_REVERSED = "other_reversed"
    OTHER = "other"  # 390: read the snapshots
    IRRELEVANT = "irrelevant"  # no service may or need look at it


@dataclass(frozen=True, slots=True)
class Delta:
    """One change with the person's snapshot before and after it.

    `before` is None for a person not seen until now, `after` is None for a deletion. `event` is the
    registry's own sign (ereignis.zeichen). `reverses` is the event sign of the delta taken back.
    """

    key: PersonKey
    event: str
    kind: DeltaKind
    received_on: date
    reason_code: str = ""
    before: Person | None = None
    after: Person | None = None
    reverses: str = ""


def address_changed(before: Person | None, after: Person | None) -> bool:
    """Whether the dwelling that counts in this municipality is another, or is gone."""
    old = before.home() if before else None
    new = after.home() if after else None
    return (old.address if old else None) != (new.address if new else None)
