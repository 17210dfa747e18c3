"""Display, fee and the old permit are the town's decisions: without its words nothing is done."""

from dataclasses import fields
from typing import Any

import pytest

from tasks.domain.decision import Decision, Outcome
from tasks.domain.effect import EffectKind
from tasks.domain.permit_forms import MUST_BE_SAID, PermitForm, doubtful, unsaid
from tasks.domain.service import LegalMode
from tasks.services.resident_parking import letter_data, service
from tests.builders import (
    a_form,
    a_gate,
    a_link,
    a_move,
    a_paper_form,
    a_situation,
    an_act,
    an_answer,
    parking_rules,
)
from tests.services.resident_parking_stories import a_new_name, a_reversal, decided

BOTH = {"digital": a_form(), "paper": a_paper_form()}


def choices(decision: Decision) -> list[str]:
    assert decision.question is not None
    return [choice.name for choice in decision.question.choices]


def moved(form: str, *answers: Any, **rules: Any) -> Decision:
    situation = a_situation(links=(a_link(form=form),), answers=answers)
    return decided(situation, **({"default_form": ""} | rules))


def test_a_form_promises_nothing_by_itself() -> None:
    form = PermitForm()

    assert form.lane == "clerk"
    assert not form.nothing_to_do
    assert not any(getattr(form, one.name) for one in fields(form) if one.name.endswith("_text"))


@pytest.mark.parametrize("form", ["digital", "paper"])
def test_a_permit_of_a_form_that_the_profile_describes_is_switched(form: str) -> None:
    assert moved(form, **BOTH).code == "zone_switched"


@pytest.mark.parametrize(
    ("form", "default", "towns", "offered"),
    [
        ("", "", BOTH, ["form:digital", "form:paper"]),
        ("Plakette", "digital", BOTH, ["form:digital", "form:paper"]),
        ("", "", {"digital": a_form(), "paper": None}, ["form:digital"]),
        ("paper", "digital", {"digital": a_form(), "paper": None}, []),
        ("", "paper", {"digital": a_form(), "paper": None}, []),
        ("digital", "", {"digital": None, "paper": a_paper_form()}, []),
    ],
)
def test_a_form_that_is_not_known_or_not_described_is_a_clerks_question(
    form: str, default: str, towns: dict[str, Any], offered: list[str]
) -> None:
    decision = moved(form, default_form=default, **towns)

    assert (decision.outcome, decision.code) == (Outcome.NEEDS_REVIEW, "form_unknown")
    assert choices(decision) == [*offered, "by_hand"]


def test_what_a_record_does_not_say_is_what_the_profile_says() -> None:
    assert moved("", default_form="digital", **BOTH).code == "zone_switched"


def test_a_letter_has_the_words_of_the_form_that_a_clerk_has_named() -> None:
    answer = an_answer("form_unknown", "form:paper")
    situation = a_situation(links=(a_link(),), answers=(answer,))
    rules = {"default_form": "", **BOTH}

    data = letter_data(situation, decided(situation, **rules), parking_rules(**rules))

    assert data["fee"] == a_paper_form().fee_text
    assert not data["nothing_to_do"]


def test_no_answer_makes_a_form_known_that_the_profile_does_not_describe() -> None:
    answer = an_answer("form_unknown", "form:digital")

    assert moved("paper", answer, digital=a_form(), paper=None).code == "form_unknown"


def test_renewals_of_two_forms_are_a_clerks_question() -> None:
    first = a_link(form="paper", valid_until=a_link().permit.valid_until.replace(year=2027, day=28))
    then = a_link(number="BPA-0009", form="digital", valid_from=first.permit.valid_until)

    decision = decided(a_situation(links=(first, then)), **BOTH)

    assert (decision.code, choices(decision)) == ("form_unknown", ["by_hand"])


@pytest.mark.parametrize(
    "situation",
    [
        a_situation(links=(a_link(form="paper"),)),
        a_situation(links=(a_link(form="paper"),), after=("A3",)),
        a_situation(a_new_name().delta, links=(a_link(form="paper"),), after=("A3",)),
    ],
)
def test_permits_of_a_form_that_is_the_clerks_are_proposed_and_no_others(situation: Any) -> None:
    ours = {"digital": a_form(), "paper": a_paper_form(lane="clerk")}
    decision = decided(situation, **ours)

    assert (decision.outcome, decision.code) == (Outcome.NEEDS_REVIEW, "form_by_clerk")
    assert decision.question is not None
    by_machine = decided(situation, **BOTH)
    assert decision.question.proposal == by_machine.effects
    digital = a_situation(situation.delta, links=(a_link(),), after=situation.areas_after.areas)
    assert decided(digital, **ours).outcome is Outcome.GRANTED


def test_once_a_clerk_has_said_so_a_permit_of_paper_is_switched() -> None:
    ours = {"paper": a_paper_form(lane="clerk")}

    assert moved("paper", an_answer("form_by_clerk", "go_on"), **ours).code == "zone_switched"


@pytest.mark.parametrize(
    ("form", "code"),
    [
        (a_paper_form(), "taken_back"),
        (a_paper_form(taken_back_text=""), "form_by_clerk"),
        (a_paper_form(taken_back_text="", nothing_to_do=True), "taken_back"),
        (a_paper_form(lane="clerk"), "form_by_clerk"),
        (None, "form_unknown"),
    ],
)
def test_a_switch_is_taken_back_by_machine_only_with_words_for_what_becomes_of_the_cards(
    form: PermitForm | None, code: str
) -> None:
    cards = [link.permit for link in (a_link(form="paper"), a_link(form="paper", zone="A2"))]
    act = an_act(EffectKind.SWITCH_ZONE, permits=tuple(cards))
    situation = a_reversal(acts=(act,), told=True)

    assert decided(situation, resolutory_condition=True, paper=form).code == code


def test_each_text_that_a_form_lacks_is_named_with_what_must_be_said() -> None:
    assert unsaid({"digital": a_form(), "paper": a_paper_form()}) == []
    for key, what in MUST_BE_SAID.items():
        assert unsaid({"paper": a_paper_form(**{key: " "})}) == [f"paper.{key}: {what}"]
    (nothing,) = unsaid({})
    assert nothing.startswith("digital or paper:")


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("Das kostet 10,20 EUR.", True),
        ("Das kostet 15 Euro.", True),
        ("Bringen Sie die Karte bitte mit.", True),
        ("Das kostet nichts.", False),
        ("Sie müssen nichts zurückgeben.", False),
        ("Die Gebühr beträgt 0 Euro.", False),
    ],
)
def test_nothing_to_do_beside_a_sum_or_a_request_is_asked_to_be_looked_at(
    text: str, doubt: bool
) -> None:
    assert bool(doubtful({"digital": a_form(fee_text=text)})) is doubt
    assert not doubtful({"digital": a_form(fee_text=text, nothing_to_do=False)})


@pytest.mark.parametrize("mode", LegalMode)
def test_of_its_own_motion_is_asked_to_be_looked_at_as_permits_are_granted_on_application(
    mode: LegalMode,
) -> None:
    said = service.look_at(parking_rules(), a_gate(legal_mode=mode))

    assert ["VwV-StVO zu § 45" in one for one in said] == [True] * (mode is LegalMode.NOTICE_ONLY)


@pytest.mark.parametrize("delta", [a_move(), a_new_name().delta], ids=["a move", "a name"])
def test_reasons_never_name_the_law_on_registration_as_a_right_to_park(delta: Any) -> None:
    after = ("A2",) if delta.kind == "move" else ("A3",)
    grounds = decided(a_situation(delta, after=after)).grounds

    right = {"main_dwelling", "address_differs", "moved_in", "one_permit", "one_zone", "plate_once"}
    laws = [ground.law for ground in grounds if ground.name in right]
    assert not [law for law in laws if "BMG" in law]
