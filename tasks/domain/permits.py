"""What a rule may ask of permits, and the effects it may ask for."""

import hashlib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

from tasks.domain.effect import Act, Effect, EffectKind
from tasks.domain.person import Dwelling, Name
from tasks.domain.plate import same as same_plate
from tasks.domain.record import ACTIVE, ENDED, Link, LinkedBy, Permit

GRACE, OLD_UNTIL, DROPPED_UNTIL = "grace_days", "old_until", "dropped_until"  # in effects' data

_TITLES = {"dr", "prof", "frau", "herr"}


def held_for_certain(links: Iterable[Link]) -> tuple[Permit, ...]:
    return tuple(link.permit for link in links if link.by is not LinkedBy.SUGGESTED)


def held_perhaps(links: Iterable[Link]) -> tuple[Permit, ...]:
    return tuple(link.permit for link in links if link.by is LinkedBy.SUGGESTED)


def running(permits: Iterable[Permit], day: date) -> tuple[Permit, ...]:
    """Not ended, and not over on that day. One that begins only later counts as well: it must not
    be forgotten when its holder moves."""
    return tuple(p for p in permits if p.status == ACTIVE and p.valid_until >= day and not p.unread)


def tolerated(permits: Iterable[Permit], day: date) -> tuple[Permit, ...]:
    """Ended, and good for some days still, until a letter counts as known."""
    return tuple(p for p in permits if p.status == ENDED and p.valid_until > day and not p.unread)


def unclear(permits: Iterable[Permit], day: date) -> tuple[Permit, ...]:
    """Which nobody but a person can judge; not those that are over anyway."""
    return tuple(
        p for p in permits if p.unclear and p.status != ENDED and (p.unread or p.valid_until >= day)
    )


def renewed(permits: Iterable[Permit]) -> tuple[Permit, ...]:
    """The same permits in the order of time where each goes on after the one before it, for the
    same vehicle and zone: one permit and its renewals. Else none."""
    row = tuple(sorted(permits, key=lambda permit: (permit.valid_from, permit.valid_until)))
    goes_on = all(
        same_plate(one.plate, following.plate)
        and one.zone == following.zone
        and one.valid_from < following.valid_from
        # Not one day later: the year 9999, for ever, has no day after it.
        and following.valid_from - one.valid_until <= timedelta(days=1)
        and one.valid_until < following.valid_until
        for one, following in pairwise(row)
    )
    return row if goes_on else ()


def with_renewals(permits: Sequence[Permit]) -> str:
    """As a letter names them, in the order of time."""
    return " mit Verlängerung ".join(permit.number for permit in permits)


def numbers(permits: Iterable[Permit]) -> str:
    return ", ".join(permit.number for permit in permits)


def handle(permit: Permit, event: str) -> str:
    """Names a permit in a choice: always the same, and says nothing to whom sees it in Prefect."""
    return hashlib.blake2b(f"{event}:{permit.number}".encode(), digest_size=4).hexdigest()


def described(permit: Permit) -> str:
    """For the clerks' page."""
    parts = [f"{permit.number}, Zone {permit.zone}, {permit.plate}, {permit.holder}"]
    if not permit.unread:
        parts.append(f"gültig {permit.valid_from:%d.%m.%Y} bis {permit.valid_until:%d.%m.%Y}")
    return ", ".join(parts)


def is_printed(name: Name, holder: str) -> bool:
    """A permit may lack a title and further forenames, may name the family first („Brandt, Antje“)
    and be in capitals; the family name must be right."""
    before, comma, after = holder.partition(",")
    words = _words(f"{after} {before}" if comma else holder)
    family = _words(name.family)
    split = max(len(words) - len(family), 0)
    given = {*_words(name.given), *_words(name.usual)}
    right = words[split:] == family and given.issuperset(words[:split])
    return right and (split > 0 or not given)


def _words(text: str) -> list[str]:
    """Without titles and whatever else is shortened: „Dr.“, „rer. nat.“, „A.“."""
    words = unicodedata.normalize("NFC", text).casefold().split()
    return [word for word in words if "." not in word and word not in _TITLES]


def known_on(today: date, grace_days: int) -> date:
    """The day on which a letter of today counts as known (VwVfG § 41 Abs. 2). Up to and on it what
    held before is tolerated."""
    return today + timedelta(days=grace_days)


def end(
    permits: Iterable[Permit], last_day: date, grace_days: int | None = None
) -> tuple[Effect, ...]:
    """With the day up to which it was valid: a letter on the way back must name it. One that is
    only tolerated any more ends sooner.

    `grace_days`: those that `last_day` leaves to whoever is told of it; None: nobody is.
    """

    def of(permit: Permit) -> Effect:
        before = permit.valid_until
        last = min(last_day, before)
        data = {"valid_until": last.isoformat(), "valid_until_before": before.isoformat()}
        if permit.status == ENDED:
            data["expected_status"] = ENDED
        if grace_days is not None:
            data[GRACE] = str(grace_days)
        return Effect(EffectKind.END, permit.number, data)

    return tuple(map(of, permits))


def update_name(permits: Iterable[Permit], name: Name) -> tuple[Effect, ...]:
    """Only for the permits that do not carry the name already."""
    data = {"holder": f"{name.given} {name.family}".strip()}
    wrong = (permit for permit in permits if not is_printed(name, permit.holder))
    return tuple(Effect(EffectKind.UPDATE_NAME, permit.number, dict(data)) for permit in wrong)


def update_address(permit: Permit, home: Dwelling) -> Effect:
    return Effect(EffectKind.UPDATE_ADDRESS, permit.number, _address(home))


def switch_zone(
    permit: Permit,
    zone: str,
    home: Dwelling,
    valid_from: date,
    *,
    end_old: bool,
    grace_days: int = 0,
) -> Effect:
    """A new permit that ends when the old one would have.

    It is valid at once, and the old one until its holder counts as told (`grace_days` later): there
    is no day without a permit, in neither zone.
    """
    starts = max(valid_from, permit.valid_from)
    data = {
        "zone": zone,
        "expected_zone": permit.zone,
        "valid_from": starts.isoformat(),
        "valid_until": permit.valid_until.isoformat(),
        "end_old": "true" if end_old else "false",
    }
    if end_old:
        last = max(starts - timedelta(days=1), known_on(valid_from, grace_days))
        data[OLD_UNTIL] = min(last, permit.valid_until).isoformat()
    data[GRACE] = str(grace_days)
    return Effect(EffectKind.SWITCH_ZONE, permit.number, data | _address(home))


def switch_back(act: Act, today: date) -> Effect:
    """The inverse of a switch. Who was told of the new permit may park with it until they count as
    told that it is not to be (VwVfG § 41 Abs. 2), as they might with the old one before."""
    grace = act.effect.data.get(GRACE)
    new = next((p for p in act.permits if p.number != act.effect.record), None)
    if grace is None or new is None or new.valid_from > today:
        return act.inverse
    data = {
        "dropped": new.number,
        DROPPED_UNTIL: min(known_on(today, int(grace)), new.valid_until).isoformat(),
        "valid_until": new.valid_until.isoformat(),
        GRACE: grace,
    }
    return replace(act.inverse, data=act.inverse.data | data)


def _last_day(effect: Effect) -> tuple[str, str, str, str] | None:
    """Of a permit that goes: its number, its last day, the one beyond which it never held, and as
    what letters tell it."""
    data = effect.data
    if GRACE not in data:
        return None
    if effect.kind is EffectKind.END:
        last, most = data["valid_until"], data["valid_until_before"]
        return effect.record, last, most, "valid_until last_day"
    if effect.kind is EffectKind.RESTORE:
        return data["dropped"], data[DROPPED_UNTIL], data["valid_until"], DROPPED_UNTIL
    if OLD_UNTIL not in data:  # the old permit is left to a clerk
        return None
    return effect.record, data[OLD_UNTIL], data["valid_until"], data.get("told_as", OLD_UNTIL)


def still_tolerated(done: Iterable[Effect], today: date) -> tuple[Effect, ...]:
    """The last days of permits that go and come before a letter of today counts as known, moved on.

    `done`: what was carried out in one case, in its order.
    """
    last = {days[0]: (days, e.data[GRACE]) for e in done if (days := _last_day(e))}
    moved: list[Effect] = []
    for (record, until, at_most, told), grace in last.values():
        day = min(known_on(today, int(grace)), date.fromisoformat(at_most))
        if day > date.fromisoformat(until):
            data = {
                OLD_UNTIL: day.isoformat(),
                "old_until_before": until,
                "valid_until": at_most,
                GRACE: grace,
                "told_as": told,
            }
            moved.append(Effect(EffectKind.TOLERATE, record, data))
    return tuple(moved)


def _address(home: Dwelling) -> dict[str, str]:
    return {"street": home.address.street, "house_number": home.address.house_number()}
