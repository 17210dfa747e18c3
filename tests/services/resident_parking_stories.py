"""One story per code: a situation that leads to it. Complete, and a test says so."""

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from tasks.domain.decision import Decision, Outcome
from tasks.domain.delta import DeltaKind
from tasks.domain.effect import Effect, EffectKind
from tasks.domain.person import DwellingStatus, Lock, PartialDate
from tasks.domain.record import LinkedBy
from tasks.domain.service import Gate, LaterEvent, LegalMode, SamePlate, Situation
from tasks.services.resident_parking import ResidentParkingParameters, decide
from tests.builders import (
    DAY,
    ELSEWHERE,
    TODAY,
    a_delta,
    a_dwelling,
    a_gate,
    a_link,
    a_move,
    a_name,
    a_new_dwelling,
    a_paper_form,
    a_person,
    a_situation,
    an_act,
    an_answer,
    parking_rules,
)

GRANTED, DECLINED = Outcome.GRANTED, Outcome.DECLINED
REVIEW, SUPPRESSED, HELD = Outcome.NEEDS_REVIEW, Outcome.SUPPRESSED, Outcome.HELD


def decided(
    situation: Situation, today: date = TODAY, gate: Gate | None = None, **parameters: Any
) -> Decision:
    return decide(situation, parking_rules(**parameters), gate or a_gate(), today)


def proposal(decision: Decision) -> tuple[Effect, ...]:
    assert decision.question is not None
    return decision.question.proposal


def an_end(on: date, number: str = "BPA-0001", instead_of: str = "2028-02-29") -> Effect:
    data = {"valid_until": on.isoformat(), "valid_until_before": instead_of}
    return Effect(EffectKind.END, number, data)


KNOWN = TODAY + 4 * DAY  # a letter of today counts as known (VwVfG § 41 Abs. 2)


def an_end_once_known(on: date = KNOWN) -> Effect:
    """An end of which a letter tells: not before it is known."""
    effect = an_end(on)
    return replace(effect, data=effect.data | {"grace_days": "4"})


@dataclass(frozen=True)
class Story:
    outcome: Outcome
    situation: Situation
    gate: Gate = field(default_factory=a_gate)
    parameters: dict[str, Any] = field(default_factory=dict)

    def settings(self) -> ResidentParkingParameters:
        return parking_rules(**self.parameters)


def moved_away() -> Situation:
    gone = replace(a_dwelling(), current=False, moved_out=PartialDate(2026, 11, 15))
    new = a_new_dwelling("Karl-Liebknecht-Straße", "3", ags=ELSEWHERE)
    delta = a_delta(DeltaKind.MOVE_AWAY, after=a_person(gone, new))
    return a_situation(delta, after=())


def a_return(**fields: Any) -> Situation:
    """Antje Brandt had left, and lives in the zone of her old permit again."""
    before = moved_away().delta.after
    assert before is not None
    home = a_new_dwelling("Wollenweberstraße", "14")
    delta = a_delta(DeltaKind.ARRIVAL, before=before, after=a_person(home))
    return a_situation(delta, before=(), **({"after": ("A3",)} | fields))


def a_second_home_given_up(**fields: Any) -> Situation:
    """The permit for A3 was granted for a second home; the main one is in A2."""
    main = a_new_dwelling(status=DwellingStatus.MAIN)
    second = a_dwelling(status=DwellingStatus.SECONDARY)
    delta = a_delta(
        DeltaKind.SECONDARY_DWELLING,
        before=a_person(main, second),
        after=a_person(main, replace(second, current=False)),
    )
    return a_situation(delta, **({"before": ("A2",), "after": ("A2",)} | fields))


def a_renamed_street() -> Situation:
    delta = a_delta(DeltaKind.ADDRESS_UPDATE, after=a_person(a_dwelling("Am Alten Friedhof", "5")))
    return a_situation(delta, after=())


def a_new_name() -> Situation:
    delta = a_delta(DeltaKind.NAME_CHANGE, after=a_person(name=a_name("Brandt-Roth")))
    return a_situation(delta, after=("A3",))


def a_death() -> Situation:
    dead = a_person(replace(a_dwelling(), current=False), died=PartialDate(2026, 11, 13))
    return a_situation(a_delta(DeltaKind.DEATH, after=dead), after=())


def a_secondary_home() -> Situation:
    home = a_dwelling(status=DwellingStatus.SECONDARY, status_changed=date(2026, 11, 18))
    main = a_new_dwelling("Hauptstraße", "1", ags=ELSEWHERE, status=DwellingStatus.MAIN)
    return a_situation(a_delta(DeltaKind.STATUS_CHANGE, after=a_person(home, main)), after=("A3",))


def a_reversal(**fields: Any) -> Situation:
    home = a_dwelling()
    delta = a_delta(
        DeltaKind.MOVE_REVERSED, before=a_move().after, after=a_person(home), reverses="E0002-0001"
    )
    return a_situation(delta, before=("A2",), after=("A3",), **fields)


def later(kind: DeltaKind, address_changed: bool = False, reverses: str = "") -> Any:
    return {"later": (LaterEvent(kind, address_changed, reverses),)}


ELSEWHERE_AGAIN = a_person(replace(a_new_dwelling(), current=False), a_new_dwelling("Große Straße"))

STORIES: dict[str, Story] = {
    "zone_switched": Story(GRANTED, a_situation()),
    "address_updated": Story(GRANTED, a_situation(after=("A3",))),
    "name_updated": Story(GRANTED, a_new_name()),
    "no_permit": Story(DECLINED, a_situation(links=())),
    "no_active_permit": Story(DECLINED, a_situation(links=(a_link(status="ended"),))),
    "permit_expired": Story(DECLINED, a_situation(links=(a_link(valid_until=TODAY - DAY),))),
    "nothing_changes": Story(DECLINED, a_situation(a_delta(DeltaKind.ADDRESS_UPDATE))),
    "name_unchanged": Story(DECLINED, a_situation(a_delta(DeltaKind.NAME_CHANGE))),
    "reversal_before_effect": Story(DECLINED, a_reversal()),
    "future_move": Story(HELD, a_situation(a_move(to=a_new_dwelling(moved_in=TODAY + DAY)))),
    "reversed": Story(
        SUPPRESSED,
        a_situation(**later(DeltaKind.MOVE_REVERSED, address_changed=True, reverses="E0002-0001")),
    ),
    "superseded": Story(
        SUPPRESSED,
        a_situation(now=ELSEWHERE_AGAIN, **later(DeltaKind.MOVE, address_changed=True)),
    ),
    "opted_out": Story(SUPPRESSED, a_situation(opted_out=True)),
    "holder_died": Story(REVIEW, a_death()),
    "holder_vanished": Story(REVIEW, a_situation(a_delta(DeltaKind.DELETION, after=None))),
    "holder_missing": Story(REVIEW, a_situation(a_delta(DeltaKind.MISSING, after=None))),
    "returned": Story(REVIEW, a_return()),
    "second_home_given_up": Story(REVIEW, a_second_home_given_up()),
    "holder_uncertain": Story(REVIEW, a_situation(links=(a_link(LinkedBy.SUGGESTED),))),
    "address_locked": Story(REVIEW, a_situation(a_move(locks=(Lock("3", date(2028, 11, 19)),)))),
    "conditional_lock": Story(
        REVIEW, a_situation(a_move(to=a_new_dwelling(conditional_lock=True)))
    ),
    "guardianship": Story(REVIEW, a_situation(a_move(has_guardian=True))),
    "open_clerk_case": Story(REVIEW, a_situation(open_clerk_case=True)),
    "contradicting_data": Story(REVIEW, a_situation(a_move(to=a_new_dwelling(moved_in=None)))),
    "several_permits": Story(REVIEW, a_situation(links=(a_link(), a_link(number="BPA-0002")))),
    "minor": Story(REVIEW, a_situation(a_move(born="2010-05-05"))),
    "secondary_dwelling": Story(REVIEW, a_secondary_home()),
    "moved_away": Story(REVIEW, moved_away()),
    "no_zone": Story(REVIEW, a_situation(after=())),
    "zone_ambiguous": Story(REVIEW, a_situation(after=("A3", "W2"))),
    "no_postal_address": Story(REVIEW, a_situation(a_move(to=a_new_dwelling(postcode="")))),
    "zone_list_gap": Story(REVIEW, a_renamed_street()),
    "permit_zone_conflict": Story(REVIEW, a_situation(before=("H1",))),
    "other_kind": Story(DECLINED, a_situation(links=(a_link(kind="visitor"),))),
    "permit_unclear": Story(REVIEW, a_situation(links=(a_link(status="blocked"),))),
    "plate_elsewhere": Story(
        REVIEW, a_situation(elsewhere=(SamePlate("BPA-0001", "BPA-0009", TODAY),))
    ),
    "foreign_plate": Story(REVIEW, a_situation(links=(a_link(plate="WA 12345"),))),
    "vehicle_unchecked": Story(REVIEW, a_situation(), parameters={"vehicle_check": "required"}),
    "death_reversed": Story(REVIEW, a_situation(a_delta(DeltaKind.DEATH_REVERSED), after=("A3",))),
    "reversal_after_effect": Story(REVIEW, a_reversal(acts=(an_act(),))),
    "taken_back": Story(
        GRANTED, a_reversal(acts=(an_act(),), told=True), parameters={"resolutory_condition": True}
    ),
    "undone_already": Story(DECLINED, a_reversal(acts=(an_act(),), undone=True)),
    "record_changed": Story(REVIEW, a_reversal(acts=(an_act(intact=False),))),
    "permit_ended": Story(GRANTED, a_situation(after=(), answers=(an_answer("no_zone", "end"),))),
    "permit_kept": Story(DECLINED, a_situation(after=(), answers=(an_answer("no_zone", "keep"),))),
    "served_again": Story(
        DECLINED,
        a_situation(
            a_delta(DeltaKind.DEATH_REVERSED),
            after=("A3",),
            answers=(an_answer("death_reversed", "serve_again"),),
        ),
    ),
    "settled_by_hand": Story(
        DECLINED, a_situation(after=(), answers=(an_answer("no_zone", "by_hand"),))
    ),
    "key_changed": Story(REVIEW, a_situation(a_delta(DeltaKind.KEY_CHANGE))),
    "form_unknown": Story(REVIEW, a_situation(links=(a_link(form="paper"),))),
    "form_by_clerk": Story(
        REVIEW,
        a_situation(links=(a_link(form="paper"),)),
        parameters={"paper": a_paper_form(lane="clerk")},
    ),
    "no_automation_norm": Story(REVIEW, a_situation(), a_gate(automation_norm="")),
    "clerk_decides": Story(REVIEW, a_situation(), a_gate(legal_mode=LegalMode.CLERK)),
    "no_standing_application": Story(
        REVIEW, a_situation(links=(a_link(standing_application=False),))
    ),
    "no_legal_basis_ref": Story(REVIEW, a_situation(), a_gate(legal_basis_ref="")),
}
