"""What a rule may ask of permits, and the effects it may ask for."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from datetime import date

from tasks.domain.effect import Effect, EffectKind
from tasks.domain.person import Dwelling, Name
from tasks.domain.record import Link, LinkedBy, Permit

_GERMAN_PLATE = re.compile(
    r"[A-ZÄÖÜ]{1,3}(-[A-Z]{1,2}[- ]?| [A-Z]{1,2} ?)[1-9][0-9]{0,3} ?[EH]?"  # electric, historic
    r"( (0[1-9]|1[0-2])[-/](0[1-9]|1[0-2]))?"  # the months of a seasonal plate
)
_TITLES = {"dr", "prof", "frau", "herr"}


def held_for_certain(links: Iterable[Link]) -> tuple[Permit, ...]:
    return tuple(link.permit for link in links if link.by is not LinkedBy.SUGGESTED)


def held_perhaps(links: Iterable[Link]) -> tuple[Permit, ...]:
    return tuple(link.permit for link in links if link.by is LinkedBy.SUGGESTED)


def running(permits: Iterable[Permit], day: date) -> tuple[Permit, ...]:
    """Not ended, and not over on that day. One that begins only later counts as well: it must not
    be forgotten when its holder moves."""
    return tuple(p for p in permits if p.status == "active" and p.valid_until >= day)


def numbers(permits: Iterable[Permit]) -> str:
    return ", ".join(permit.number for permit in permits)


def handle(permit: Permit, event: str) -> str:
    """Names a permit in a choice: always the same, and says nothing to whom sees it in Prefect."""
    return hashlib.blake2b(f"{event}:{permit.number}".encode(), digest_size=4).hexdigest()


def described(permit: Permit) -> str:
    """For the clerks' page."""
    return f"{permit.number}, Zone {permit.zone}, {permit.plate}, {permit.holder}"


def is_german_plate(plate: str) -> bool:
    """Plates without letters after the district (authorities, Bundeswehr) are not recognised."""
    return _GERMAN_PLATE.fullmatch(plate.strip().upper()) is not None


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


def end(permits: Iterable[Permit], last_day: date) -> tuple[Effect, ...]:
    """With the day up to which it was valid: a letter on the way back must name it."""

    def of(permit: Permit) -> Effect:
        before = permit.valid_until
        last = min(last_day, before)
        data = {"valid_until": last.isoformat(), "valid_until_before": before.isoformat()}
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
    permit: Permit, zone: str, home: Dwelling, valid_from: date, *, end_old: bool
) -> Effect:
    """A new permit that ends when the old one would have."""
    data = {
        "zone": zone,
        "expected_zone": permit.zone,
        "valid_from": max(valid_from, permit.valid_from).isoformat(),
        "valid_until": permit.valid_until.isoformat(),
        "end_old": "true" if end_old else "false",
    }
    return Effect(EffectKind.SWITCH_ZONE, permit.number, data | _address(home))


def _address(home: Dwelling) -> dict[str, str]:
    return {"street": home.address.street, "house_number": home.address.house_number()}
