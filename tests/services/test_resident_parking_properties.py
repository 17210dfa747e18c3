"""Whatever happens to whom, in whatever order: what must never be."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from functools import partial

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from tasks.domain.area import AreaAnswer
from tasks.domain.check import ANSWER
from tasks.domain.decision import Choice, Decision, Outcome, Result, Then
from tasks.domain.delta import Delta, DeltaKind
from tasks.domain.effect import EffectKind
from tasks.domain.follow_up import FOLLOW_UP_CODES, decide_follow_up
from tasks.domain.permits import end, handle
from tasks.domain.person import Dwelling, DwellingStatus, Lock, Name, PartialDate, Person
from tasks.domain.record import Link, LinkedBy, Permit
from tasks.domain.reply import Reply, ReplyKind, Scope
from tasks.domain.service import Gate, LaterEvent, LegalMode, Situation
from tasks.services.resident_parking import (
    CODES,
    ResidentParkingParameters,
    decide,
    letter_data,
    service,
)
from tests.builders import (
    AGS,
    ELSEWHERE,
    KEY,
    TODAY,
    a_form,
    a_gate,
    a_move,
    a_name_act,
    a_new_dwelling,
    a_paper_form,
    a_situation,
    an_act,
    an_address,
    an_address_act,
    an_answer,
    an_end_act,
    parking_rules,
)

DAYS = st.integers(-40, 40).map(lambda days: TODAY + timedelta(days=days))
ZONES = st.sampled_from(["A1", "A2", "A3", "W2"])
AREAS = st.sets(ZONES, max_size=2).map(lambda zones: AreaAnswer(tuple(sorted(zones))))
BORN = st.sampled_from(["", "1984", "1984-03-12", "2008-11-23", "2008-11", "2008", "2015-01-01"])
NAMES = st.builds(Name, st.sampled_from(["Brandt", "von Ahn", ""]), st.sampled_from(["Antje", ""]))
DWELLINGS = st.builds(
    Dwelling,
    st.builds(
        lambda street, number, ags: an_address(street, number, ags=ags),
        st.sampled_from(["Am Strom", "Seestraße"]),
        st.sampled_from(["1", "2", ""]),
        st.sampled_from([AGS, AGS, ELSEWHERE]),
    ),
    status=st.sampled_from(DwellingStatus),
    current=st.booleans(),
    moved_in=st.none() | DAYS,
    moved_out=st.sampled_from([PartialDate(), PartialDate(2026, 11), PartialDate(2026, 11, 9)]),
    status_changed=st.none() | DAYS,
    conditional_lock=st.sampled_from([False, False, False, True]),
)
PEOPLE = st.builds(
    Person,
    key=st.just(KEY),
    name=NAMES,
    born=BORN.map(PartialDate.parse),
    died=st.sampled_from([None, None, None, PartialDate(), PartialDate(2026, 11, 13)]),
    locks=st.lists(st.builds(Lock, st.sampled_from(["3", "5"]), st.none() | DAYS), max_size=1).map(
        tuple
    ),
    dwellings=st.lists(DWELLINGS, max_size=3).map(tuple),
    has_guardian=st.sampled_from([False, False, True]),
)
PERMITS = st.builds(
    Permit,
    number=st.sampled_from(["BPA-0001", "BPA-0002"]),
    zone=ZONES,
    valid_from=DAYS,
    valid_until=DAYS,
    plate=st.sampled_from(["ZZ-MU 101", "WA 12345", ""]),
    holder=st.sampled_from(["Antje Brandt", "", "Brandt"]),
    status=st.sampled_from(["active", "active", "ended"]),
    street=st.sampled_from(["", "Seestraße"]),
    standing_application=st.booleans(),
    form=st.sampled_from(["", "digital", "paper", "Plakette"]),
)
LINKS = st.lists(
    st.builds(Link, PERMITS, st.sampled_from(LinkedBy)),
    max_size=2,
    unique_by=lambda link: link.permit.number,
).map(tuple)
ACTS = st.sampled_from(
    [
        (),
        (an_act(),),
        (an_act(intact=False),),
        (an_address_act(),),
        (a_name_act(), an_act()),
        (an_end_act(),),
        (an_act(), an_end_act()),
    ]
)
MOSTLY = st.sampled_from([True, True, True, False])
GATES = st.just(a_gate()) | st.builds(
    Gate,
    st.sampled_from(["StVO § 46 Abs. 5", ""]),
    st.sampled_from(LegalMode),
    st.sampled_from(["HV 2026-04", ""]),
)
PARAMETERS = st.builds(
    ResidentParkingParameters,
    secondary_dwelling_allowed=st.booleans(),
    resolutory_condition=st.booleans(),
    vehicle_check=st.sampled_from(["waived", "required"]),
    foreign_plates_allowed=st.booleans(),
    default_form=st.sampled_from(["digital", "digital", "paper", ""]),
    digital=st.just(a_form()),
    paper=st.sampled_from([None, a_paper_form(), a_paper_form(lane="clerk")]),
)


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    after = draw(st.none() | PEOPLE)
    delta = Delta(
        KEY,
        "E1",
        draw(st.sampled_from(sorted(service.triggers))),
        TODAY,
        before=draw(st.none() | PEOPLE),
        after=after,
    )
    return Situation(
        delta=delta,
        now=draw(st.just(after) | st.none() | PEOPLE),
        links=draw(LINKS),
        areas_before=draw(AREAS),
        areas_after=draw(AREAS),
        areas_earlier=tuple(draw(st.sets(ZONES, max_size=1))),
        later=tuple(
            draw(
                st.lists(
                    st.builds(
                        LaterEvent,
                        st.sampled_from(DeltaKind),
                        st.booleans(),
                        st.sampled_from(["", "E1"]),
                    ),
                    max_size=2,
                )
            )
        ),
        open_clerk_case=draw(st.sampled_from([False, False, True])),
        acts=draw(ACTS),
        told=draw(st.booleans()),
        undone=draw(st.sampled_from([False, False, True])),
        opted_out=draw(st.sampled_from([False, False, True])),
    )


@st.composite
def follow_ups(draw: st.DrawFn) -> Situation:
    situation = replace(draw(situations()), acts=draw(ACTS.filter(bool)))
    reply = draw(
        st.none() | st.builds(Reply, st.sampled_from(ReplyKind), st.sampled_from(Scope), DAYS)
    )
    if reply:
        return replace(situation, reply=reply)
    permits = [permit for act in situation.acts for permit in act.permits]
    ends = end(draw(st.lists(st.sampled_from(permits), unique_by=lambda p: p.number)), draw(DAYS))
    left = Choice("end", "It ends.", Then.DO, ends, "permit_ended", notify=draw(st.booleans()))
    return replace(situation, left=left)


@st.composite
def clear_cases(draw: st.DrawFn) -> Situation:
    """Nothing but the law stands in the way, so that the guarantees on grants are tested."""
    days = draw(st.integers(0, 40).map(timedelta))
    moved_in = TODAY - days if draw(MOSTLY) else TODAY + days
    home = a_new_dwelling(moved_in=moved_in, status=draw(st.sampled_from(DwellingStatus)))
    delta = a_move(to=home, born=draw(st.sampled_from(["1984-03-12", "1971", "2008-11"])))
    kind = draw(st.sampled_from([DeltaKind.MOVE, DeltaKind.ADDRESS_UPDATE, DeltaKind.NAME_CHANGE]))
    permit = replace(draw(PERMITS), status="active", plate="ZZ-MU 101", valid_until=TODAY + days)
    return a_situation(
        replace(delta, kind=kind),
        links=[Link(permit, LinkedBy.KEY)],
        before=[permit.zone],
        after=[
            draw(ZONES.filter(lambda zone: zone != permit.zone)) if draw(MOSTLY) else permit.zone
        ],
    )


@pytest.mark.parametrize("code", ["zone_switched", "address_updated", "name_updated"])
def test_the_clear_cases_do_lead_to_grants(code: str) -> None:
    """Otherwise the properties below would say nothing."""
    find(
        clear_cases(),
        lambda case: decide(case, parking_rules(), a_gate(), TODAY).code == code,
        settings=settings(max_examples=500, deadline=None, phases=[Phase.generate]),
    )


ANY = settings(max_examples=60, deadline=None)
SITUATIONS = situations() | clear_cases()


@ANY
@given(SITUATIONS, PARAMETERS, GATES, DAYS)
def test_every_situation_is_decided_and_the_same_again(
    situation: Situation, parameters: ResidentParkingParameters, gate: Gate, today: date
) -> None:
    decision = decide(situation, parameters, gate, today)

    assert decision == decide(situation, parameters, gate, today)
    assert decision.code in CODES
    assert decision.grounds
    letter_data(situation, decision, parameters)


@ANY
@given(SITUATIONS, PARAMETERS, GATES)
def test_only_a_grant_has_effects_and_only_a_review_asks_first(
    situation: Situation, parameters: ResidentParkingParameters, gate: Gate
) -> None:
    decision = decide(situation, parameters, gate, TODAY)

    granted = decision.outcome is Outcome.GRANTED
    assert bool(decision.effects) == granted
    assert granted == all(ground.result is Result.MET for ground in decision.grounds)
    if any(ground.result is Result.UNCLEAR for ground in decision.grounds):
        assert decision.outcome is not Outcome.GRANTED
    if decision.outcome is Outcome.NEEDS_REVIEW:
        assert decision.question is not None
    assert decision.notify <= granted


@ANY
@given(clear_cases(), PARAMETERS, GATES)
def test_a_protected_person_is_never_served_by_a_machine(
    situation: Situation, parameters: ResidentParkingParameters, gate: Gate
) -> None:
    assert situation.now is not None
    person = situation.now
    locked = replace(person, locks=(Lock("11"),))
    dwellings = tuple(replace(home, conditional_lock=True) for home in person.dwellings)
    sheltered = replace(person, dwellings=dwellings)

    for protected in (locked, sheltered):
        delta = replace(situation.delta, after=protected)
        decision = decide(replace(situation, delta=delta, now=protected), parameters, gate, TODAY)
        assert decision.outcome is not Outcome.GRANTED


@ANY
@given(clear_cases(), PARAMETERS, GATES)
def test_a_machine_never_grants_without_norm_and_application_and_never_for_longer(
    situation: Situation, parameters: ResidentParkingParameters, gate: Gate
) -> None:
    decision = decide(situation, parameters, gate, TODAY)
    permits = {link.permit.number: link.permit for link in situation.links}

    for effect in decision.effects:
        assert gate.legal_mode is not LegalMode.CLERK
        assert gate.legal_basis_ref
        if effect.kind is not EffectKind.SWITCH_ZONE:
            continue
        permit = permits[effect.record]
        assert gate.automation_norm
        assert permit.standing_application or gate.legal_mode is LegalMode.NOTICE_ONLY
        assert effect.data["valid_until"] == permit.valid_until.isoformat()
        assert effect.data["valid_from"] >= TODAY.isoformat()
        assert effect.data["zone"] != permit.zone


@ANY
@given(SITUATIONS, PARAMETERS, GATES)
def test_a_machine_ends_nothing(
    situation: Situation, parameters: ResidentParkingParameters, gate: Gate
) -> None:
    decision = decide(situation, replace(parameters, resolutory_condition=False), gate, TODAY)

    assert EffectKind.END not in {effect.kind for effect in decision.effects}
    assert "true" not in {effect.data.get("end_old") for effect in decision.effects}


# Clerks and residents


def after_answers(
    situation: Situation,
    parameters: ResidentParkingParameters,
    gate: Gate,
    data: st.DataObject,
    decided: Callable[..., Decision] = decide,
) -> tuple[Situation, Decision]:
    """Clerks answer one question after another, as they please."""
    decision = decided(situation, parameters, gate, TODAY)
    while decision.outcome is Outcome.NEEDS_REVIEW:
        assert decision.question is not None
        asked, choices = decision.question.code, decision.question.choices
        assert asked not in {answer.question for answer in situation.answers}
        assert choices[-1].name == "by_hand"
        choice = data.draw(st.sampled_from(choices))
        answers = (*situation.answers, an_answer(asked, choice.name))
        situation = replace(situation, answers=answers)
        decision = decided(situation, parameters, gate, TODAY)
    return situation, decision


@ANY
@given(SITUATIONS, PARAMETERS, GATES, st.data())
def test_clerks_can_bring_every_case_to_an_end(
    situation: Situation, parameters: ResidentParkingParameters, gate: Gate, data: st.DataObject
) -> None:
    situation, decision = after_answers(situation, parameters, gate, data)

    assert decision == decide(situation, parameters, gate, TODAY)
    assert decision.code in CODES
    letter_data(situation, decision, parameters)
    if decision.outcome is not Outcome.GRANTED:
        assert (decision.effects, decision.notify) == ((), False)
        return
    assert decision.effects
    assert all(g.result is Result.MET or ANSWER in g.facts for g in decision.grounds)
    used = {ground.facts.get(ANSWER) for ground in decision.grounds}
    assert {answer.choice for answer in situation.answers} <= used


@ANY
@given(SITUATIONS, PARAMETERS, GATES, st.data())
def test_nobodys_permit_is_touched_but_ones_own(
    situation: Situation, parameters: ResidentParkingParameters, gate: Gate, data: st.DataObject
) -> None:
    situation, decision = after_answers(situation, parameters, gate, data)

    certain = {link.permit.number for link in situation.links if link.by is not LinkedBy.SUGGESTED}
    said = {a.choice.partition(":")[2] for a in situation.answers if a.choice.startswith("link:")}
    event = situation.delta.event
    named = {link.permit.number for link in situation.links if handle(link.permit, event) in said}
    acted_on = {act.effect.record for act in situation.acts}
    assert {effect.record for effect in decision.effects} <= certain | named | acted_on
    restored = [effect for effect in decision.effects if effect.kind is EffectKind.RESTORE]
    assert bool(restored) == decision.undoes


@ANY
@given(follow_ups(), PARAMETERS, GATES, st.data())
def test_every_reply_and_every_part_left_comes_to_an_end(
    situation: Situation, parameters: ResidentParkingParameters, gate: Gate, data: st.DataObject
) -> None:
    situation, decision = after_answers(
        situation, parameters, gate, data, partial(decide_follow_up, service)
    )

    assert decision.code in {*FOLLOW_UP_CODES, *CODES, "opted_out"}
    letter_data(situation, decision, parameters)
    touched = {permit.number for act in situation.acts for permit in act.permits}
    touched |= {act.effect.record for act in situation.acts}
    assert {effect.record for effect in decision.effects} <= touched
    for effect in decision.effects:
        if effect.kind is EffectKind.END:
            assert effect.data["valid_until"] >= TODAY.isoformat()  # never back in time
    if situation.now is None or situation.now.died:
        assert not decision.notify
    if situation.undone and not situation.answers:
        assert decision.effects == ()


@ANY
@given(situations(), PARAMETERS, GATES)
def test_a_machine_takes_back_only_what_needs_no_discretion(
    situation: Situation, parameters: ResidentParkingParameters, gate: Gate
) -> None:
    decision = decide(situation, parameters, gate, TODAY)
    if decision.code != "taken_back":
        return

    kinds = {act.effect.kind for act in situation.acts}
    assert EffectKind.END not in kinds
    assert parameters.resolutory_condition or EffectKind.SWITCH_ZONE not in kinds
    assert all(act.intact for act in situation.acts)
    assert not situation.undone
    inverses = tuple(act.inverse for act in reversed(situation.acts))
    assert decision.effects == inverses
    assert decision.notify <= situation.told
