"""What really happened to a person: the snapshot before against the snapshot after.

No reason code says „this never happened“. A reversal is seen in the state alone, so what the
snapshots show wins over any code:

    died before, alive now                                              -> DEATH_REVERSED
    a dwelling given up is current again with its old move-in date
    and without a move-out                                              -> MOVE_REVERSED
    the home is gone altogether, and an older one is the home again     -> MOVE_REVERSED

A real move back is another dwelling at the old address: it has a move-in date of its own.

A record that puts the day of a move off to one that lies ahead says two things at once: today the
person lives in the old home, as if the move had been taken back, and a move is to come.

Where the registry tells a state and no event (a full delivery, code 102), what differs from the
state before it is the event: found by comparison.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from tasks.domain.delta import DeltaKind
from tasks.domain.person import Dwelling, PartialDate, Person

REVERSALS = frozenset({DeltaKind.MOVE_REVERSED, DeltaKind.DEATH_REVERSED, DeltaKind.OTHER_REVERSED})


# Reasons for which a record is sent that may tell of more: whoever marries often takes a name.
_SAYS_LITTLE = frozenset(
    {
        DeltaKind.FAMILY_CHANGE,
        DeltaKind.LOCK_CHANGE,
        DeltaKind.GUARDIAN_CHANGE,
        DeltaKind.CHILD_BORN,
        DeltaKind.DOCUMENT_CHANGE,
        DeltaKind.IRRELEVANT,
    }
)
_NOBODY_STAYS = frozenset({DeltaKind.DEATH, DeltaKind.MOVE_AWAY, DeltaKind.MOVE})
_SAYS_MORE = _NOBODY_STAYS | {
    DeltaKind.ADDRESS_UPDATE,
    DeltaKind.STATUS_CHANGE,
    DeltaKind.NAME_CHANGE,
}

Told = tuple[DeltaKind, Person | None, Person | None]  # what happened, the person before and after


def told(
    record_kind: DeltaKind, before: Person | None, after: Person | None, day: date
) -> tuple[Told, ...]:
    """What one record that arrives on that day says, one after the other."""
    meanwhile = _until_then(before, after, day) if before and after else None
    if meanwhile is None or after is None:
        return ((classify(record_kind, before, after), before, after),)
    ahead = any(d.current and _begins_after(d, day) for d in after.dwellings)
    to_come = DeltaKind.MOVE if ahead else _seen(meanwhile, after)
    return ((DeltaKind.MOVE_REVERSED, before, meanwhile), (to_come, meanwhile, after))


def classify(record_kind: DeltaKind, before: Person | None, after: Person | None) -> DeltaKind:
    """`before` None: a person not seen until now. `after` None: gone from the register."""
    if after is None:
        return DeltaKind.DELETION
    if before is None:
        return record_kind
    if _death_reversed(record_kind, before, after):
        return DeltaKind.DEATH_REVERSED
    if _move_reversed(before, after) or _move_replaced(record_kind, before, after):
        return DeltaKind.MOVE_REVERSED
    if record_kind in REVERSALS and before == after:
        return DeltaKind.OTHER  # what it takes back never reached us
    if record_kind == DeltaKind.STOCK:
        return _found(before, after)
    return _weightier(record_kind, before, after)


def _weightier(record_kind: DeltaKind, before: Person, after: Person) -> DeltaKind:
    """What is seen, where the code says less. Of who had no home, data are only cleared away."""
    if record_kind == DeltaKind.OTHER:
        return _seen(before, after)
    if record_kind not in _SAYS_LITTLE | {DeltaKind.NAME_CHANGE} or before.home() is None:
        return record_kind
    more = _NOBODY_STAYS if record_kind == DeltaKind.NAME_CHANGE else _SAYS_MORE
    seen = _seen(before, after)
    return seen if seen in more else record_kind


def _until_then(before: Person, after: Person, day: date) -> Person | None:
    """The person with the home of today, where a home left behind counts again until a day ahead.

    Where the record does not name it, it is the one left last; if none is known, there is no home.
    """
    if before.died or after.died:
        return None
    lived, lives = before.lived_in(day), after.lived_in(day)
    if lives is not None:
        if not _is_back(before, lived, lives, day):
            return None
        again: Dwelling | None = lives
    elif _is_put_off(lived, after.home()):
        again = before.left_last()
    else:
        return None
    here = (replace(again, current=True, moved_out=PartialDate()),) if again else ()
    others = (d for d in after.dwellings if d is not again and not _begins_after(d, day))
    return replace(after, dwellings=(*here, *others))


def _is_back(before: Person, lived: Dwelling | None, lives: Dwelling, day: date) -> bool:
    """A stay that was given up goes on to a day ahead. Without one, it is simply taken back."""
    out = lives.moved_out.full()
    if out is None or out <= day or (lived and lived.address.place == lives.address.place):
        return False
    return _is_among([d for d in before.dwellings if not d.current], lives)


def _is_put_off(lived: Dwelling | None, home: Dwelling | None) -> bool:
    """A home that was lived in, and now is to come; the record says nothing of the one before."""
    return bool(lived and home and lived.address.place == home.address.place)


def _begins_after(dwelling: Dwelling, day: date) -> bool:
    return dwelling.moved_in is not None and dwelling.moved_in > day


def newcomer(last: Person | None, after: Person) -> DeltaKind:
    """Somebody whom a state tells of and who was not here. `last`: as deleted from the register."""
    if after.home() is None or after.died is not None:
        return DeltaKind.STOCK
    stays = [d for d in last.dwellings if d.current] if last else []
    back = any(d.current and _is_among(stays, d) for d in after.dwellings)
    return DeltaKind.OTHER_REVERSED if back else DeltaKind.ARRIVAL


def _found(before: Person, after: Person) -> DeltaKind:
    """Dwellings given up long ago are in one delivery and not in the next: that is no event."""
    same = before == after or _state(before) == _state(after)
    return DeltaKind.STOCK if same else _seen(before, after)


def _state(person: Person) -> Person:
    """Without what says nothing about today: the order of lists, and dwellings given up."""
    return replace(
        person,
        locks=tuple(sorted(person.locks, key=str)),
        dwellings=tuple(sorted((d for d in person.dwellings if d.current), key=str)),
        children=tuple(sorted(person.children, key=str)),
        guardians=tuple(sorted(person.guardians, key=str)),
    )


def _death_reversed(record_kind: DeltaKind, before: Person, after: Person) -> bool:
    if before.died is None or after.died is not None:
        return False
    # Retention (305, 701) may take the date of death away with the rest; the dead have no home.
    return record_kind != DeltaKind.IRRELEVANT or after.home() is not None


def _move_reversed(before: Person, after: Person) -> bool:
    given_up = [d for d in before.dwellings if not d.current]
    kept = [d for d in before.dwellings if d.current]
    return any(
        _is_among(given_up, d) and d.moved_out == PartialDate() and not _is_among(kept, d)
        for d in after.dwellings
        if d.current
    )


def _move_replaced(record_kind: DeltaKind, before: Person, after: Person) -> bool:
    """For senders that name no old dwellings. A move in the same house puts its own day right."""
    old, new = before.home(), after.home()
    if record_kind != DeltaKind.MOVE or old is None or new is None:
        return False
    return _never_moved(old, new, after) and old.address.place != new.address.place


def _never_moved(old: Dwelling, new: Dwelling, after: Person) -> bool:
    """A real move leaves the old dwelling behind. Where it is gone and an older stay is back that
    no earlier snapshot had told us of, the move in between never happened."""
    older = old.moved_in is not None and new.moved_in is not None and new.moved_in < old.moved_in
    return older and not _is_among(after.dwellings, old)


def _is_among(dwellings: Sequence[Dwelling], one: Dwelling) -> bool:
    return any(_same_stay(one, other) for other in dwellings)


def _same_stay(one: Dwelling, other: Dwelling) -> bool:
    """A dwelling is one stay: the same house since the same day."""
    return one.moved_in == other.moved_in and one.address.place == other.address.place


def _seen(before: Person, after: Person) -> DeltaKind:
    """For „Sonstige Änderungen“ and records without a code: the weightiest change there is."""
    if before.died is None and after.died is not None:
        return DeltaKind.DEATH
    old, new = before.home(), after.home()
    if old is None and new is not None:
        return DeltaKind.ARRIVAL
    if old is not None and new is None:
        return DeltaKind.MOVE_AWAY
    if old is not None and new is not None:
        if old.address != new.address and not _same_stay(old, new):
            return _other_home(old, new, after)
        if old.status != new.status:
            return DeltaKind.STATUS_CHANGE
        if old.moved_in != new.moved_in:
            return DeltaKind.ADDRESS_UPDATE
    if _places(before) != _places(after):
        return DeltaKind.SECONDARY_DWELLING
    if before.name != after.name:  # before a lock: who looks at a name is stopped by the lock
        return DeltaKind.NAME_CHANGE
    if old is not None and new is not None and old.address != new.address:
        return DeltaKind.ADDRESS_UPDATE  # within the house
    if set(before.locks) != set(after.locks):
        return DeltaKind.LOCK_CHANGE
    if _guardians(before) != _guardians(after):
        return DeltaKind.GUARDIAN_CHANGE
    if set(after.children) - set(before.children):
        return DeltaKind.CHILD_BORN
    return DeltaKind.OTHER


def _places(person: Person) -> set[object]:
    return {dwelling.address.place for dwelling in person.current_here()}


def _guardians(person: Person) -> tuple[object, ...]:
    return person.has_guardian, frozenset(person.guardians)


def _other_home(old: Dwelling, new: Dwelling, after: Person) -> DeltaKind:
    if old.moved_in == new.moved_in:
        return DeltaKind.ADDRESS_UPDATE
    return DeltaKind.MOVE_REVERSED if _never_moved(old, new, after) else DeltaKind.MOVE
