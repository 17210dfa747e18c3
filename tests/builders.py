"""Builders with valid defaults: a test states only what matters to it.

The default story: Antje Brandt moved on 2026-11-15 from Wollenweberstraße 12 (zone A3) to
Kröpeliner Straße 40 (zone A2), holds one permit for A3, and all that law asks for is there.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from tasks.domain.address import Address
from tasks.domain.area import AreaAnswer
from tasks.domain.decision import Answer
from tasks.domain.delta import Delta, DeltaKind
from tasks.domain.effect import Act, Effect, EffectKind
from tasks.domain.permit_forms import PermitForm, form_words
from tasks.domain.permits import handle
from tasks.domain.person import (
    Dwelling,
    DwellingStatus,
    Name,
    PartialDate,
    Person,
    PersonKey,
)
from tasks.domain.record import Link, LinkedBy, Permit
from tasks.domain.reply import Reply, ReplyKind, Scope
from tasks.domain.service import Gate, LegalMode, Situation
from tasks.domain.statements import STATEMENTS, Taking
from tasks.services.resident_parking import ResidentParkingParameters

TODAY = date(2026, 11, 23)
DAY = timedelta(days=1)
MOVED = date(2026, 11, 15)
AGS = "09000009"
ELSEWHERE = "14713000"
KEY = PersonKey(AGS, "000000010017")


def an_address(street: str = "Wollenweberstraße", number: str = "12", **fields: Any) -> Address:
    defaults = {"postcode": "18055", "town": "Musterstadt", "ags": AGS}
    return Address(street, number, **(defaults | fields))


def a_dwelling(
    street: str = "Wollenweberstraße", number: str = "12", ags: str = AGS, **fields: Any
) -> Dwelling:
    defaults = {"status": DwellingStatus.SOLE, "moved_in": date(2015, 3, 1)}
    where = {name: fields.pop(name) for name in ("postcode", "district") if name in fields}
    return Dwelling(an_address(street, number, ags=ags, **where), **(defaults | fields))


def a_new_dwelling(
    street: str = "Kröpeliner Straße", number: str = "40", **fields: Any
) -> Dwelling:
    return a_dwelling(street, number, **({"moved_in": MOVED} | fields))


def a_name(family: str = "Brandt", given: str = "Antje", **fields: Any) -> Name:
    return Name(family, given, **fields)


def a_person(*dwellings: Dwelling, born: str = "1984-03-12", **fields: Any) -> Person:
    defaults = {"key": KEY, "name": a_name(), "dwellings": dwellings or (a_dwelling(),)}
    return Person(born=PartialDate.parse(born), **(defaults | fields))


def a_permit(**fields: Any) -> Permit:
    defaults = {
        "number": "BPA-0001",
        "zone": "A3",
        "valid_from": date(2026, 3, 1),
        "valid_until": date(2028, 2, 29),
        "plate": "ZZ-MU 101",
        "holder": "Antje Brandt",
        "standing_application": True,
    }
    return Permit(**(defaults | fields))


def a_link(by: LinkedBy = LinkedBy.KEY, **permit: Any) -> Link:
    return Link(a_permit(**permit), by)


def an_act(kind: EffectKind = EffectKind.SWITCH_ZONE, **fields: Any) -> Act:
    """The switch of the default story, carried out: BPA-0001/2 in A2 instead of BPA-0001 in A3."""
    data = {
        "zone": "A2",
        "expected_zone": "A3",
        "valid_from": "2026-11-23",
        "valid_until": "2028-02-29",
        "end_old": "true",
        "street": "Kröpeliner Straße",
        "house_number": "40",
    }
    old = a_permit(status="ended", valid_until=TODAY - DAY)
    new = a_permit(number="BPA-0001/2", zone="A2", valid_from=TODAY)
    defaults = {
        "effect": Effect(kind, "BPA-0001", data),
        "inverse": Effect(EffectKind.RESTORE, "BPA-0001", {"undo": "c-1:1:0"}),
        "permits": (old, new),
    }
    return Act(**(defaults | fields))


def an_address_act() -> Act:
    """Only the address on the permit was put right."""
    effect = Effect(
        EffectKind.UPDATE_ADDRESS,
        "BPA-0001",
        {"street": "Kröpeliner Straße", "house_number": "40"},
    )
    return Act(effect, Effect(EffectKind.RESTORE, "BPA-0001", {"undo": "c-1:1:1"}), (a_permit(),))


def a_name_act() -> Act:
    effect = Effect(EffectKind.UPDATE_NAME, "BPA-0001", {"holder": "Antje Brandt-Roth"})
    return Act(effect, Effect(EffectKind.RESTORE, "BPA-0001", {"undo": "c-1:1:2"}), (a_permit(),))


def an_end_act(last_day: date = TODAY) -> Act:
    """A clerk has ended BPA-0001, which was valid up to 2028-02-29."""
    data = {"valid_until": last_day.isoformat(), "valid_until_before": "2028-02-29"}
    return Act(
        Effect(EffectKind.END, "BPA-0001", data),
        Effect(EffectKind.RESTORE, "BPA-0001", {"undo": "c-1:1:3"}),
        (a_permit(status="ended", valid_until=last_day),),
    )


def an_answer(question: str, choice: str, by: str = "sb-1") -> Answer:
    return Answer(question, choice, by)


def stated(taking: Taking = Taking.REVOKES, **said: str) -> dict[str, str]:
    """All that a clerk must state who takes a right away."""
    words = {
        "facts": "Sie sind aus der Zone ausgezogen.",
        "unlawful": "Die Anschrift lag nie in dieser Zone.",
        "known_since": "2026-11-23",
        "public_interest": "Die Plätze reichen schon für die nicht, die dort wohnen.",
        "discretion": "Ihr Interesse wiegt weniger schwer.",
        "hearing": "Angehört am 2. November, nichts eingewandt.",
    }
    return {name: words[name] for name in STATEMENTS[taking]} | said


def a_reply(kind: ReplyKind = ReplyKind.DEREGISTER, **fields: Any) -> Reply:
    return Reply(kind, **({"scope": Scope.CASE, "received_on": TODAY} | fields))


def choosing(kind: str, number: str, event: str = "E0002-0001") -> str:
    """The choice („permit“ or „link“) that names this permit without saying its number."""
    return f"{kind}:{handle(a_permit(number=number), event)}"


def a_delta(kind: DeltaKind = DeltaKind.MOVE, **fields: Any) -> Delta:
    """Nothing changed in the snapshots unless told so."""
    defaults = {
        "key": KEY,
        "event": "E0002-0001",
        "received_on": TODAY,
        "before": a_person(),
        "after": a_person(),
    }
    return Delta(kind=kind, **(defaults | fields))


def a_move(*, to: Dwelling | None = None, leaving: Dwelling | None = None, **fields: Any) -> Delta:
    """A real move leaves the old dwelling behind; `fields` are those of the person after it."""
    old, new = leaving or a_dwelling(), to or a_new_dwelling()
    left = PartialDate.parse(new.moved_in.isoformat()) if new.moved_in else PartialDate()
    gone = replace(old, current=False, moved_out=left)
    return a_delta(before=a_person(old), after=a_person(gone, new, **fields))


def areas(*names: str) -> AreaAnswer:
    return AreaAnswer(tuple(sorted(names)), street_known=bool(names))


def a_situation(
    delta: Delta | None = None,
    links: Iterable[Link] | None = None,
    before: Iterable[str] = ("A3",),
    after: Iterable[str] = ("A2",),
    **fields: Any,
) -> Situation:
    """`before` and `after` are the zones; `now` is the person as the delta told it."""
    delta = delta or a_move()
    defaults = {
        "now": delta.after,
        "links": tuple(links) if links is not None else (a_link(),),
        "areas_before": areas(*before),
        "areas_after": areas(*after),
    }
    return Situation(delta=delta, **(defaults | fields))


def a_form(**fields: Any) -> PermitForm:
    """Digital, free of charge, and changed by machine."""
    defaults = {
        "lane": "machine",
        "nothing_to_do": True,
        "display_text": "Ihr Ausweis ist digital.",
        "fee_text": "Das kostet nichts.",
        "old_permit_text": "Auch der bisherige ist digital.",
    }
    return PermitForm(**(defaults | fields))


FORM_WORDS = dict(form_words(a_form()))  # as letters name them


def a_paper_form(**fields: Any) -> PermitForm:
    """A card that is fetched and paid for; changed by machine unless told otherwise."""
    defaults = {
        "nothing_to_do": False,
        "display_text": "Die neue Karte holen Sie bitte ab.",
        "fee_text": "Das kostet 10,20 Euro.",
        "old_permit_text": "Die ungültige Karte geben Sie bitte ab.",
        "taken_back_text": "Karten tauschen wir zurück.",
    }
    return a_form(**(defaults | fields))


def parking_rules(**fields: Any) -> ResidentParkingParameters:
    """Of a town whose permits are digital."""
    defaults = {"default_form": "digital", "digital": a_form()}
    return ResidentParkingParameters(**(defaults | fields))


def a_gate(**fields: Any) -> Gate:
    defaults = {
        "automation_norm": "StVO § 46 Abs. 5",
        "legal_mode": LegalMode.STANDING_APPLICATION,
        "legal_basis_ref": "HV 2026-04",
    }
    return Gate(**(defaults | fields))
