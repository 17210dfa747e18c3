"""What each effect does to permits. Pure: permits in, changed permits out.

    switch_zone     zone, valid_from, valid_until, street, house_number, end_old, expected_zone;
                    old_until (with end_old) is the old permit's last day
    update_address  street, house_number
    update_name     holder
    end             valid_until; expected_status where it has been ended already and is tolerated
    tolerate        old_until, old_until_before: of a permit that has been ended
    restore         undo: the idempotency key of the effect to take back; dropped_until: the last
                    day of the permit that it had created, which is tolerated; else it goes at once

`expected_zone` may stand in any of them: the zone the decision was made on.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date

from tasks.domain.effect import Effect, EffectKind
from tasks.domain.record import ACTIVE, ENDED, Permit
from tasks.errors import RecordConflict

_NAMES = tuple(f.name for f in fields(Permit))
_FIELDS = frozenset(_NAMES)
_CONTACT = frozenset({"email", "email_consent", "standing_application"})  # the resident's own word

# What a switch decides on the permit it creates; the rest is the old permit's.
SWITCHED = frozenset({"zone", "valid_from", "valid_until", "status", "street", "house_number"})

# What letters tell of a permit, whatever the effect has changed on it.
_TOLD = frozenset({"zone", "plate", "holder", "valid_from", "valid_until", "status", "form"})

# Permits by number; None: there is no such permit.
State = Mapping[str, Permit | None]


@dataclass(frozen=True, slots=True)
class Change:
    """The permits an effect touches, before and after it."""

    before: State
    after: State
    created: str = ""
    data: dict[str, str] = field(default_factory=dict)
    # Once both were forgotten: the fields of each permit that the effect has settled.
    settled: Mapping[str, frozenset[str]] = field(default_factory=dict)


def settled(change: Change, number: str) -> frozenset[str]:
    """The fields of this permit that an effect has settled."""
    if change.settled:
        return change.settled.get(number, frozenset())
    before, after = change.before.get(number), change.after.get(number)
    if after is None:
        return frozenset()
    return frozenset(differing(before, after)) if before else SWITCHED


def forgotten(change: Change) -> Change:
    """Without the permits: it cannot be undone any more, and still stands."""
    if change.settled:
        return change
    names = {number: settled(change, number) for number in change.after}
    return replace(change, before={}, after={}, settled=names)


def change_of(
    key: str, effect: Effect, state: State, new_number: Callable[[str], str] = str
) -> Change:
    """`new_number` gives the number of the permit that follows another. Raises RecordConflict.

    `key` is the idempotency key, the only thing an error names.
    """
    permit = state.get(effect.record)
    if permit is None:
        raise RecordConflict("records.unknown", key)
    if effect.kind != EffectKind.TOLERATE:
        _check_expected(key, permit, effect.data)
    try:
        if effect.kind == EffectKind.SWITCH_ZONE:
            return _switch(permit, effect.data, new_number)
        if effect.kind == EffectKind.TOLERATE:
            changed = _tolerated(key, permit, effect)
        else:
            changed = _changed(permit, effect)
    except (KeyError, ValueError):
        raise RecordConflict("records.bad_effect", key) from None
    return Change({permit.number: permit}, {permit.number: changed})


def _check_expected(key: str, permit: Permit, data: Mapping[str, str]) -> None:
    zone, status = data.get("expected_zone", permit.zone), data.get("expected_status", ACTIVE)
    if permit.status != status or permit.unread or permit.zone != zone:
        raise RecordConflict("records.changed_meanwhile", key)


def undo(key: str, done: Change, state: State, dropped_until: str = "") -> Change:
    """The way back, as long as nobody has touched since what `done` has changed.

    What it did not change (a new e-mail address) stays as it is now.
    """
    now = {number: state.get(number) for number in done.after}
    after = {
        number: _before(key, done.before[number], left, now[number])
        for number, left in done.after.items()
    }
    created = now.get(done.created)
    if created is not None and dropped_until:
        after[done.created] = _ended(created, date.fromisoformat(dropped_until))
    return Change(before=now, after=after)


def changed_since(changes: Iterable[Change], now: State) -> frozenset[str]:
    """Fields that are no longer as the last of these changes left them: those that letters tell,
    and all that the changes have settled. `number`: a permit is gone, or there again.

    What was forgotten cannot be compared, and counts as changed.
    """
    left: dict[str, Permit | None] = {}
    told: dict[str, frozenset[str]] = {}
    found: set[str] = set()
    for change in changes:
        for number in change.settled or change.after:
            told[number] = told.get(number, _TOLD) | settled(change, number)
        found.update(*change.settled.values())
        left |= change.after
    for number, permit in left.items():
        there = now.get(number)
        if permit is None or there is None:
            found.update({"number"} if permit is not there else ())
        else:
            found |= told[number].intersection(differing(permit, there))
    return frozenset(found)


def differing(one: Permit, other: Permit) -> tuple[str, ...]:
    """Names of the fields in which they differ."""
    return tuple(name for name in _NAMES if getattr(one, name) != getattr(other, name))


def _before(
    key: str, before: Permit | None, left: Permit | None, now: Permit | None
) -> Permit | None:
    if left is None or now is None:
        if left is not now:
            raise RecordConflict("records.changed_meanwhile", key)
        return before
    changed = set(differing(before, left)) if before else _FIELDS - _CONTACT
    if changed.intersection(differing(left, now)):
        raise RecordConflict("records.changed_meanwhile", key)
    return replace(now, **{name: getattr(before, name) for name in changed}) if before else None


def _changed(permit: Permit, effect: Effect) -> Permit:
    data = effect.data
    match effect.kind:
        case EffectKind.UPDATE_ADDRESS:
            return replace(permit, street=data["street"], house_number=data["house_number"])
        case EffectKind.UPDATE_NAME:
            return replace(permit, holder=data["holder"])
        case EffectKind.END:
            return _ended(permit, date.fromisoformat(data["valid_until"]))
        case _:
            raise ValueError(effect.kind)


def _switch(permit: Permit, data: Mapping[str, str], new_number: Callable[[str], str]) -> Change:
    valid_from = date.fromisoformat(data["valid_from"])
    new = replace(
        permit,
        number=new_number(permit.number),
        zone=data["zone"],
        valid_from=valid_from,
        valid_until=date.fromisoformat(data["valid_until"]),
        street=data["street"],
        house_number=data["house_number"],
    )
    before: dict[str, Permit | None] = {new.number: None}
    after: dict[str, Permit | None] = {new.number: new}
    if {"true": True, "false": False}[data["end_old"]]:
        before[permit.number] = permit
        after[permit.number] = _ended(permit, date.fromisoformat(data["old_until"]))
    return Change(before, after, created=new.number, data={"new_permit_number": new.number})


def _tolerated(key: str, permit: Permit, effect: Effect) -> Permit:
    before, until = (date.fromisoformat(effect.data[n]) for n in ("old_until_before", "old_until"))
    if permit.status != ENDED or permit.unread or permit.valid_until < before:
        raise RecordConflict("records.changed_meanwhile", key)
    return replace(permit, valid_until=max(permit.valid_until, until))


def _ended(permit: Permit, last_day: date) -> Permit:
    # Ending never makes a permit valid for longer than it was.
    return replace(permit, status=ENDED, valid_until=min(permit.valid_until, last_day))
