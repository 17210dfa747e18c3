"""Bewohnerparken: after a move the resident's parking permit is switched to the new zone.

Law: VwV-StVO zu § 45 (on application, to who is registered and lives in the zone, one each); StVG
§ 6 Abs. 1 Satz 1 Nr. 15 Buchst. b with StVO § 45 Abs. 1b Satz 1 Nr. 2a (zones); StVO § 46 Abs. 5 (a
machine may grant, not revoke); VwVfG § 41 Abs. 2 (nobody must know of a change before the fourth
day), § 49 Abs. 2 (revocation is discretionary, so the old permit ends by machine only where it
carries a resolutory condition). In the same zone nothing is decided: the address is put right.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Literal

from tasks.domain.area import DOUBTS
from tasks.domain.automation import (
    ABOUT_THE_ADDRESS,
    FILTER_CODES,
    REVERSALS,
    automation_filter,
    can_be_written_to,
    gate_checks,
    postal_check,
    puts_back,
    same_home,
)
from tasks.domain.check import (
    GO_ON,
    Check,
    all_met,
    answered,
    by_clerk,
    check,
    conclude,
    taken_out,
)
from tasks.domain.decision import Choice, Decision, Outcome, Question, Then, granted
from tasks.domain.delta import Delta, DeltaKind
from tasks.domain.effect import Effect, EffectKind
from tasks.domain.follow_up import known_permits, undo
from tasks.domain.holder import (
    HOLDER_CODES,
    as_clerks_say,
    end_choices,
    event_checks,
    of_kind,
    permit_checks,
    undo_checks,
    valid_check,
)
from tasks.domain.permit_forms import (
    FORM_CODES,
    Forms,
    PermitForm,
    doubtful,
    form_checks,
    form_of,
    form_words,
    unsaid,
)
from tasks.domain.permit_letters import came_by, ended, ending, lasting, taken_back
from tasks.domain.permits import (
    OLD_UNTIL,
    described,
    end,
    handle,
    held_for_certain,
    known_on,
    numbers,
    renewed,
    running,
    switch_zone,
    update_address,
    update_name,
    with_renewals,
)
from tasks.domain.person import Dwelling, DwellingStatus, Person
from tasks.domain.plate import are_several, is_german
from tasks.domain.record import DIGITAL, PAPER, RESIDENT, Permit
from tasks.domain.service import Gate, LegalMode, Sample, Service, Situation
from tasks.domain.statements import KNOWN_SINCE, NORMS, Taking

# BMG §§ 17, 21 give no right to park: the register only shows who lives where.
WHO_MAY = "VwV-StVO zu § 45"
ON_APPLICATION = f"permits are granted on application ({WHO_MAY}): has everybody asked for it?"
ZONES = "StVG § 6 Abs. 1 Satz 1 Nr. 15 Buchst. b; StVO § 45 Abs. 1b Satz 1 Nr. 2a"

# Ground → section of law, and the condition in one sentence. Stored: never rename a ground.
CONDITIONS = {
    "main_dwelling": (WHO_MAY, "A dwelling in the municipality gives a right to park."),
    "address_differs": (WHO_MAY, "The person lives in another house now."),
    "moved_in": (WHO_MAY, "The person has moved in already."),
    "one_permit": (
        WHO_MAY,
        "The person holds exactly one valid permit, renewals apart.",
    ),
    "adult": ("VwVfG § 12 Abs. 1 Nr. 1; BGB § 2", "The person is old enough to act alone."),
    "one_zone": (ZONES, "The new address lies in exactly one parking zone."),
    "permit_zone_agrees": (ZONES, "The permit is for the zone of the address."),
    "plate_once": (WHO_MAY, "Nobody else holds a permit for the same vehicle."),
    "plate_german": (WHO_MAY, "The plate is a German one, or others are allowed."),
    "vehicle_check": (
        "StVG § 35 Abs. 1 Nr. 22; StVG § 36 Abs. 2m",
        "The vehicle register was asked, or the municipality waives it.",
    ),
    "held_since": (
        "VwVfG § 43 Abs. 2",
        "The permit was granted since the person came to live here.",
    ),
    "second_home_kept": (
        WHO_MAY,
        "No second home was given up for which the permit may have been granted.",
    ),
    "record_differs": ("DSGVO Art. 5 Abs. 1 lit. d", "The permit carries another address."),
    "name_differs": ("DSGVO Art. 5 Abs. 1 lit. d", "The permit carries another name."),
}
_check = partial(check, CONDITIONS)

PERMIT, ZONE = "permit:", "zone:"  # begin the choices that name a permit, or a zone
IN_NO_ZONE = Choice("in_no_zone", "The address lies in no zone; the rest is tested.", Then.GO_ON)
ONLY_DATA = {EffectKind.UPDATE_ADDRESS, EffectKind.UPDATE_NAME}

# Code → one sentence without personal data; for needs_review it is the clerk's question. Stored:
# never rename a code.
CODES = (
    FILTER_CODES
    | HOLDER_CODES
    | FORM_CODES
    | {
        "zone_switched": "The permit was switched to the zone of the new address.",
        "address_updated": "The permit stays in its zone; its address was put right.",
        "name_updated": "The name on the permit was put right.",
        "nothing_changes": "The permit already fits the new data.",
        "name_unchanged": "The permit already carries the right name.",
        "future_move": "The move-in lies ahead; the case is decided on that day.",
        "several_permits": "The person holds several permits. Which one is meant?",
        "minor": "The holder is under age, or the age is unknown. May the permit be changed?",
        "secondary_dwelling": "Only a secondary dwelling is left here. Does the permit end?",
        "moved_away": "The holder no longer lives in the municipality. Does the permit end?",
        "returned": "The holder has come to live here and has a permit from before. Does it stand?",
        "second_home_given_up": "A second home was given up that the permit may be for. "
        "Does it end?",
        "no_zone": "The new address lies in no parking zone. Does the permit end?",
        "zone_ambiguous": "The new address can lie in several parking zones. Which one is right?",
        "zone_list_gap": "The address was only put right, but the zone list lacks its new wording.",
        "permit_zone_conflict": "The permit's zone is not that of the address. Which one is right?",
        "plate_elsewhere": "Somebody else has a permit for the same plate. Who parks the vehicle?",
        "foreign_plate": "The plate is not known to be German. May the vehicle have a permit?",
        "vehicle_unchecked": "The vehicle register was not asked. Is the holder still the keeper?",
        "end_old_permit": "The new permit is granted. Does the old one end?",
    }
)
BY_CONDITION = "By its resolutory condition it has lapsed."
BY_REVOCATION = {
    Taking.REVOKES: f"Revocation is discretionary ({NORMS[Taking.REVOKES]}) and needs later facts, "
    "public interest in danger, the year of § 48 Abs. 4 and a hearing (§ 28).",
    Taking.AS_RESERVED: f"Revocation was reserved ({NORMS[Taking.AS_RESERVED]}); it is "
    "discretionary and needs the year of § 48 Abs. 4 and a hearing (§ 28).",
}


@dataclass(frozen=True, slots=True)
class ResidentParkingParameters:
    """What a municipality decides for itself; each field is a setting of its profile."""

    grace_days: int = 4
    """Days after a letter on which it counts as known (VwVfG § 41 Abs. 2): until then the old zone
    is tolerated."""
    settling_days: int = 2
    """Days between arrival and decision, because corrections come within days."""
    secondary_dwelling_allowed: bool = False
    """Whether a Nebenwohnung is enough for a permit."""
    resolutory_condition: bool = False
    """Whether permits lapse when the holder leaves the zone (auflösende Bedingung)."""
    revocation_reserved: bool = False
    """Whether permits are granted with a reservation of revocation (VwVfG § 36 Abs. 2 Nr. 3)."""
    vehicle_check: Literal["waived", "required"] = "waived"
    """Whether the vehicle register must be asked (StVG § 36 Abs. 2m) before a new permit."""
    minimum_age: int = 18
    """Completed years from which a holder is served without a clerk."""
    notify_same_zone: bool = True
    """Whether a letter goes out when only the address was put right."""
    notify_name_change: bool = True
    """Whether a letter goes out when only the name was put right."""
    foreign_plates_allowed: bool = False
    """Whether a vehicle with a foreign plate may have a permit."""
    default_form: Literal["", "digital", "paper"] = ""
    """The form of permits whose record says none; "": a clerk is asked."""
    digital: PermitForm | None = None
    paper: PermitForm | None = None
    """What is said of such permits; None: there are none here."""

    @property
    def forms(self) -> Forms:
        both = {DIGITAL: self.digital, PAPER: self.paper}
        return {name: form for name, form in both.items() if form is not None}


@dataclass(frozen=True, slots=True)
class _Case:
    """What the conditions of law look at."""

    situation: Situation
    parameters: ResidentParkingParameters
    gate: Gate
    today: date
    person: Person | None  # as known today
    home: Dwelling | None  # after the event
    day: date  # on which the change takes effect
    held: tuple[Permit, ...]  # surely the person's, and not over on that day
    permits: tuple[Permit, ...]  # of these: the one that a clerk has named, or all in their order
    by_clerk: bool  # a person has decided something already


def decide(
    situation: Situation, parameters: ResidentParkingParameters, gate: Gate, today: date
) -> Decision:
    every = as_clerks_say(situation, RESIDENT, today)
    situation = of_kind(every, RESIDENT)
    checks = permit_checks(situation, today, other_kind=situation != every)
    if decision := conclude(checks, CODES, situation.answers):
        return decision
    checks += automation_filter(situation, today)
    if decision := conclude(checks, CODES, situation.answers):
        return decision
    checks = answered(checks, situation.answers)
    case = _case(situation, parameters, gate, today, by_clerk(checks))
    checks = answered([*checks, *_legal_checks(case)], situation.answers)
    decision = conclude(checks, CODES, situation.answers)
    return decision or taken_out(checks, situation.answers) or _grant(case, checks)


def _case(
    situation: Situation,
    parameters: ResidentParkingParameters,
    gate: Gate,
    today: date,
    answered_before: bool,
) -> _Case:
    delta = situation.delta
    home = delta.after.home() if delta.after else None
    day = today
    if delta.kind in ABOUT_THE_ADDRESS and home and home.moved_in:
        day = max(home.moved_in, today)  # never back in time, however late the move was registered
    held = running(held_for_certain(situation.links), day)
    meant = {a.choice for a in situation.answers if a.question == "several_permits"}
    named = tuple(p for p in held if f"{PERMIT}{handle(p, delta.event)}" in meant)
    return _Case(
        situation,
        parameters,
        gate,
        today,
        person=situation.now or delta.after,
        home=home,
        day=day,
        held=held,
        permits=named or renewed(held) or held,
        by_clerk=answered_before,
    )


def _legal_checks(case: _Case) -> list[Check]:
    situation, kind = case.situation, case.situation.delta.kind
    if puts_back(situation):
        return _undo_checks(case)
    came_to_nothing = kind is DeltaKind.DEATH_REVERSED and situation.areas_earlier
    if kind is DeltaKind.MOVE_REVERSED or came_to_nothing:
        return [_zone_stands(situation), *event_checks(situation, case.permits, case.today)]
    if checks := event_checks(situation, case.permits, case.today):
        return checks
    valid = valid_check(case.permits, case.day)
    if not valid.passed:  # until the day of moving in it may be renewed
        return [valid] if case.day <= case.today else [_moved_in(case)]
    if kind is not DeltaKind.NAME_CHANGE:
        checks = [valid, *_address_checks(case)]
        if not (_ends_in_nothing(checks) and _is_renamed(situation.delta)):
            return checks
    effects = _name_effects(case)
    differs = _check("name_differs", bool(effects), "name_unchanged", Outcome.DECLINED)
    checks = [valid, differs, _one_permit(case, effects), _adult(case, effects)]
    told = case.parameters.notify_name_change
    return checks + _record_gate(case, checks, effects, told=told)


def _ends_in_nothing(checks: list[Check]) -> bool:
    return next((c.code for c in checks if not c.passed), "") == "nothing_changes"


def _is_renamed(delta: Delta) -> bool:
    return bool(delta.before and delta.after and delta.before.name != delta.after.name)


def _record_gate(
    case: _Case, checks: list[Check], effects: tuple[Effect, ...], *, told: bool
) -> list[Check]:
    """For a record that is only put right: no administrative act."""
    own = [postal_check(case.person, effects)] if told else []
    own += _form(case, [*checks, *own], case.permits, effects)
    decided = _is_by_clerk(case, [*checks, *own])
    gate = gate_checks(case.gate, administrative_act=False, by_clerk=decided, proposal=effects)
    return [*own, *gate]


def _is_by_clerk(case: _Case, checks: list[Check]) -> bool:
    return case.by_clerk or by_clerk(answered(checks, case.situation.answers))


def _form(
    case: _Case,
    before: list[Check],
    permits: tuple[Permit, ...],
    effects: tuple[Effect, ...],
    *,
    takes_back: bool = False,
) -> list[Check]:
    return form_checks(
        permits,
        case.parameters.forms,
        case.parameters.default_form,
        case.situation.answers,
        by_clerk=_is_by_clerk(case, before),
        proposal=effects,
        takes_back=takes_back,
    )


def _undo_checks(case: _Case) -> list[Check]:
    """A switch lapses by the new permit's own condition, or a clerk takes it back (§ 48).

    The condition must have been there when it was granted. What a clerk has ended, a clerk
    restores.
    """
    effects = [
        act.effect for act in case.situation.acts if act.effect.kind is not EffectKind.TOLERATE
    ]
    switches = [effect for effect in effects if effect.kind is EffectKind.SWITCH_ZONE]
    by_condition = all(effect.data.get("end_old") == "true" for effect in switches)
    lapses = case.parameters.resolutory_condition and by_condition
    by_itself = ONLY_DATA | ({EffectKind.SWITCH_ZONE} if lapses else set())
    machine = {effect.kind for effect in effects} <= by_itself
    areas = case.situation.areas_after.areas
    right = {effect.data["expected_zone"] for effect in switches} <= set(areas)
    agrees = _check(
        "permit_zone_agrees",
        True if right else None,
        "permit_zone_conflict",
        choices=(GO_ON,),
        areas=", ".join(areas),
    )
    touched = tuple(permit for act in case.situation.acts for permit in act.permits)
    ended = any(effect.kind is EffectKind.END for effect in effects)  # would it run otherwise?
    valid = valid_check(touched if ended else running(touched, case.today), case.today)
    *before, by_machine = undo_checks(case.situation, case.today, machine=machine)
    before = [*before, valid]
    way_back = undo(case.situation, case.today)
    form = _form(case, [*before, agrees, by_machine], touched, way_back, takes_back=True)
    decided = _is_by_clerk(case, [*before, agrees, *form])
    # The old permit is granted anew by it; the application for that stands as it did.
    norms = gate_checks(
        case.gate,
        administrative_act=True,
        standing_application=True,
        by_clerk=decided,
        proposal=way_back,
    )
    if not switches:
        return [*before, by_machine]
    # The zone first: a clerk who takes it back must have seen that nobody lives there.
    return [*before, agrees, by_machine, *form, *norms]


def _one_permit(case: _Case, proposal: tuple[Effect, ...] = ()) -> Check:
    single, permits = bool(renewed(case.held)), numbers(case.held)
    choices = tuple(
        Choice(
            f"{PERMIT}{handle(p, case.situation.delta.event)}",
            f"The permit for zone {p.zone} is meant, valid {p.valid_from} to {p.valid_until}.",
            Then.GO_ON,
            reason=described(p),
        )
        for p in (case.held if not single else ())
    )
    return _check(
        "one_permit",
        single,
        "several_permits",
        proposal=proposal,
        choices=choices,
        permits=permits,
    )


def _adult(case: _Case, proposal: tuple[Effect, ...] = ()) -> Check:
    age = case.person.age(case.today) if case.person else None
    adult = age is not None and age >= case.parameters.minimum_age
    return _check("adult", adult, "minor", proposal=proposal, choices=(GO_ON,), age=age)


def _zone_stands(situation: Situation) -> Check:
    """A move before what was taken back may have come to nothing because of it, and be due now."""
    areas = situation.areas_after.areas
    zones = {permit.zone for permit in held_for_certain(situation.links)}
    stands = None if areas and zones.isdisjoint(areas) else True
    return _check(
        "permit_zone_agrees",
        stands,
        "permit_zone_conflict",
        choices=(GO_ON,),
        areas=", ".join(areas),
    )


def _address_checks(case: _Case) -> list[Check]:
    """In the order of the law; what makes sense only once the rest is settled comes later."""
    delta, home = case.situation.delta, case.home
    if home is None:
        return [_lost(case, "main_dwelling", "moved_away", _left_on(delta))]
    dwelling = _main_dwelling(case, home)
    # Whoever moves away may keep a secondary dwelling, or have another home here.
    kept = delta.kind in (DeltaKind.STATUS_CHANGE, DeltaKind.MOVE_AWAY)
    checks = [dwelling] if kept else []
    if not all_met(checks):
        return checks
    if unfit := _of_a_home_given_up(case, home):
        return [*checks, _second_home_given_up(case, unfit)]
    if delta.kind is not DeltaKind.MOVE:
        same = same_home(delta.before, delta.after) and not _overtook(case)
        checks.append(_check("address_differs", not same, "nothing_changes", Outcome.DECLINED))
    checks.append(_moved_in(case))
    checks = answered(checks, case.situation.answers)
    if not all_met(checks):
        return checks
    single = bool(renewed(case.permits))
    checks += [
        _one_permit(case),
        _adult(case),
        *([] if dwelling in checks else [dwelling]),
        *([_held_since(case, home)] if single and _has_come(delta) else []),
        _one_zone(case, home),
        *([_zone_agrees(case, case.permits[0])] if single else []),
    ]
    checks = answered(checks, case.situation.answers)
    if not all_met(checks):
        return checks
    return checks + _action_checks(case, home, checks)


def _moved_in(case: _Case) -> Check:
    arrived, day = case.day <= case.today, case.day
    return _check("moved_in", arrived, "future_move", Outcome.HELD, until=day, day=day)


def _has_come(delta: Delta) -> bool:
    """To live here, anew or for the first time."""
    here_before = delta.before is not None and delta.before.home() is not None
    return delta.kind is DeltaKind.ARRIVAL or (
        delta.kind is DeltaKind.SECONDARY_DWELLING and not here_before
    )


def _is_from_before(permit: Permit, home: Dwelling) -> bool:
    return home.moved_in is None or permit.valid_from < home.moved_in


def _held_since(case: _Case, home: Dwelling) -> Check:
    """Who comes back has lost the right in between: with a condition the permit has lapsed, without
    one it is discretionary. Who just got it at the counter is only now told by the registry."""
    before = _is_from_before(case.permits[0], home)
    ends = _end_once_known(case, case.permits)
    return _check(
        "held_since",
        None if before else True,
        "returned",
        choices=(GO_ON, *_end_choices(case, ends)) if before else (),
        since=home.moved_in,
        why="returned" if before else None,
    )


def _of_a_home_given_up(case: _Case, home: Dwelling) -> tuple[Permit, ...]:
    """Permits that do not fit the home that is left, once another one here was given up."""
    delta = case.situation.delta
    if delta.before is None or delta.after is None or not same_home(delta.before, delta.after):
        return ()
    left = {d.address.place for d in delta.after.current_here()}
    if {d.address.place for d in delta.before.current_here()} <= left:
        return ()
    zones = case.situation.areas_after.areas
    return tuple(p for p in case.permits if p.zone not in zones or _names_another(p, home))


def _second_home_given_up(case: _Case, permits: tuple[Permit, ...]) -> Check:
    ends = _end_once_known(case, permits)
    return _check(
        "second_home_kept",
        None,
        "second_home_given_up",
        proposal=ends,
        choices=_end_choices(case, ends),
        permits=numbers(permits),
        why="second_home_given_up",
    )


def _main_dwelling(case: _Case, home: Dwelling) -> Check:
    if home.status is not DwellingStatus.SECONDARY or case.parameters.secondary_dwelling_allowed:
        return _check("main_dwelling", True, "secondary_dwelling", status=home.status)
    since = home.status_changed or case.situation.delta.received_on
    return _lost(case, "main_dwelling", "secondary_dwelling", since)


def _one_zone(case: _Case, home: Dwelling) -> Check:
    delta, found = case.situation.delta, case.situation.areas_after
    if _said_of_zone(case) == IN_NO_ZONE.name and found.doubt:
        return _lost(case, "one_zone", "no_zone", _left_on(delta))
    if found.areas:
        open_ = () if found.only else found.areas
        choices = tuple(
            Choice(f"{ZONE}{area}", f"The address lies in zone {area}.", Then.GO_ON)
            for area in open_
        )
        why = DOUBTS[found.doubt] if found.doubt else f"There are {len(found.areas)}."
        return _check(
            "one_zone",
            True if found.only else None,
            "zone_ambiguous",
            question=f"{CODES['zone_ambiguous']} {why}",
            choices=(*choices, IN_NO_ZONE) if found.doubt else choices,
            zones=", ".join(found.areas),
            doubt=found.doubt,
        )
    old = delta.before.home() if delta.before else None
    same_stay = old is not None and old.moved_in == home.moved_in
    overtook, was_listed = _overtook(case), bool(case.situation.areas_before.areas)
    if delta.kind is DeltaKind.ADDRESS_UPDATE and same_stay and (was_listed or not overtook):
        # With a move still due, the address is not put right alone: the zone would stay behind.
        effects = tuple(update_address(permit, home) for permit in case.permits if not overtook)
        return _check(
            "one_zone", None, "zone_list_gap", proposal=effects, choices=_put_right(case, effects)
        )
    return _lost(case, "one_zone", "no_zone", _left_on(delta))


def _put_right(case: _Case, effects: tuple[Effect, ...]) -> tuple[Choice, ...]:
    if not effects:
        return ()
    text = "The permit stays in its zone; its address is put right."
    notify = case.parameters.notify_same_zone and can_be_written_to(case.person)
    return (Choice("put_right", text, Then.DO, effects, code="address_updated", notify=notify),)


def _overtook(case: _Case) -> bool:
    """Whether a move that came to nothing because of this event is still due with it."""
    before, earlier = case.situation.areas_before.areas, case.situation.areas_earlier
    return any(p.zone in earlier and p.zone not in before for p in case.permits)


def _zone_agrees(case: _Case, permit: Permit) -> Check:
    situation = case.situation
    known = (*situation.areas_before.areas, *situation.areas_earlier)
    stays = permit.zone == _zone(case)
    agrees = stays or (permit.zone in known and not _keeps_old_home(case))
    # Of who has come back, a clerk has said that the permit from before stands.
    back = case.home is not None and _is_from_before(permit, case.home)
    agrees = agrees or (back and _has_come(situation.delta))
    return _check(
        "permit_zone_agrees",
        True if agrees else None,
        "permit_zone_conflict",
        choices=(GO_ON,),
        permit=permit.zone,
        areas=", ".join(known),
    )


def _zone(case: _Case) -> str | None:
    """The zone of the new address; where it could be several, the one that a clerk has named."""
    areas = case.situation.areas_after
    said = _said_of_zone(case)
    return areas.only or next((area for area in areas.areas if f"{ZONE}{area}" == said), None)


def _said_of_zone(case: _Case) -> str:
    said = (a.choice for a in case.situation.answers if a.question == "zone_ambiguous")
    return next(said, "")


def _keeps_old_home(case: _Case) -> bool:
    """As a dwelling that still gives a right to park: the resident says which zone it shall be."""
    before, home, person = case.situation.delta.before, case.home, case.person
    old = before.home() if before else None
    if old is None or home is None or person is None or old.address.place == home.address.place:
        return False
    kept = any(d.current and d.address.place == old.address.place for d in person.dwellings)
    return kept and case.parameters.secondary_dwelling_allowed


def _action_checks(case: _Case, home: Dwelling, before: list[Check]) -> list[Check]:
    """All is clear: may it be done now, and by a machine? A clerk is proposed the very same."""
    permit, (code, effects) = case.permits[0], _change(case, home)
    if code == "address_updated":
        differs = _check("record_differs", bool(effects), "nothing_changes", Outcome.DECLINED)
        told = case.parameters.notify_same_zone
        return [differs, *_record_gate(case, before, effects, told=told)]
    foreign = case.parameters.foreign_plates_allowed and not are_several(permit.plate)
    german = foreign or is_german(permit.plate)
    ours = {one.number for one in case.permits}
    others = [
        one.other for one in case.situation.elsewhere if one.own in ours and one.until >= case.today
    ]
    waived = case.parameters.vehicle_check == "waived"
    vehicle = [
        _check(
            "plate_german",
            True if german else None,
            "foreign_plate",
            proposal=effects,
            choices=(GO_ON,),
            plate=permit.plate,
        ),
        _check(
            "plate_once",
            None if others else True,
            "plate_elsewhere",
            proposal=effects,
            choices=(GO_ON,),
            permits=", ".join(others) or None,
        ),
        _check(
            "vehicle_check",
            True if waived else None,
            "vehicle_unchecked",
            law=WHO_MAY if waived else "",  # a query that never took place is no reason
            proposal=effects,
            choices=(GO_ON,),
        ),
        postal_check(case.person, effects),
    ]
    vehicle += _form(case, [*before, *vehicle], case.permits, effects)
    gate = gate_checks(
        case.gate,
        administrative_act=True,
        standing_application=all(one.standing_application for one in case.permits),
        by_clerk=_is_by_clerk(case, [*before, *vehicle]),
        proposal=effects,
    )
    return [*vehicle, *gate]


def _grant(case: _Case, checks: list[Check]) -> Decision:
    grounds, situation = [check.ground for check in checks], case.situation
    reached = can_be_written_to(case.person)  # else a clerk tells the person
    if puts_back(situation):
        told = situation.told and reached
        return granted(
            "taken_back", grounds, *undo(situation, case.today), notify=told, undoes=True
        )
    if "name_differs" in {ground.name for ground in grounds} or case.home is None:
        notify = case.parameters.notify_name_change and reached
        return granted("name_updated", grounds, *_name_effects(case), notify=notify)
    code, effects = _change(case, case.home)
    if code == "address_updated":
        notify = case.parameters.notify_same_zone and reached
        return granted(code, grounds, *effects, notify=notify)
    question = None
    if takes := _taking(case.parameters):
        text = f"{CODES['end_old_permit']} {BY_REVOCATION[takes]}"
        ends = _end_once_known(case, case.permits)
        question = Question("end_old_permit", text, ends, _end_choices(case, ends, notify=True))
    return granted(code, grounds, *effects, notify=reached, left_to_clerk=question)


def _change(case: _Case, home: Dwelling) -> tuple[str, tuple[Effect, ...]]:
    """What a new address means for the one permit: a code and the effects."""
    zone, permits = _zone(case), case.permits
    if zone is None or zone == permits[0].zone:
        updates = tuple(update_address(p, home) for p in permits if _is_new(case, p, home))
        if not updates:
            return "address_updated", ()
        names = _name_effects(case) if _is_renamed(case.situation.delta) else ()
        return "address_updated", (*names, *updates)
    end_old = case.parameters.resolutory_condition
    grace = case.parameters.grace_days
    switches = (
        switch_zone(p, zone, home, case.today, end_old=end_old, grace_days=grace) for p in permits
    )
    # The new permit takes over the name of the old one, which must be right first.
    return "zone_switched", (*_name_effects(case), *switches)


def _is_new(case: _Case, permit: Permit, home: Dwelling) -> bool:
    delta = case.situation.delta
    if not permit.street:  # the permit system keeps no address: go by the register
        return not _has_come(delta) and not same_home(delta.before, delta.after)
    return _names_another(permit, home)


def _names_another(permit: Permit, home: Dwelling) -> bool:
    """Whether it carries another address; one that carries none names no other."""
    written = {"street": permit.street, "house_number": permit.house_number}
    return bool(permit.street) and written != update_address(permit, home).data


def _name_effects(case: _Case) -> tuple[Effect, ...]:
    return update_name(case.permits, case.person.name) if case.person else ()


def _end_once_known(
    case: _Case, permits: tuple[Permit, ...], since: date | None = None
) -> tuple[Effect, ...]:
    """By a clerk or by its own condition: nobody is fined for what they could not know yet."""
    grace = case.parameters.grace_days
    known = known_on(case.today, grace)
    return end(permits, max(since or known, known), grace)


def _lost(case: _Case, ground: str, code: str, since: date) -> Check:
    """The right to a permit is gone. It ends by its own condition, or a clerk revokes it."""
    takes = _taking(case.parameters)
    question = f"{CODES[code]} {BY_REVOCATION[takes] if takes else BY_CONDITION}"
    ends = _end_once_known(case, case.permits, since)
    return _check(
        ground,
        False,
        code,
        question=question,
        proposal=ends,
        choices=_end_choices(case, ends),
        since=since,
        why=code,
    )


def _taking(parameters: ResidentParkingParameters) -> Taking | None:
    """By which norm a permit can be taken away that does not lapse by itself."""
    if parameters.resolutory_condition:
        return None
    return Taking.AS_RESERVED if parameters.revocation_reserved else Taking.REVOKES


def _end_choices(
    case: _Case, ends: tuple[Effect, ...], *, notify: bool | None = None
) -> tuple[Choice, ...]:
    return end_choices(
        ends,
        notify=can_be_written_to(case.person) if notify is None else notify,
        takes=_taking(case.parameters),
        known_since=case.situation.delta.received_on,
    )


def _left_on(delta: Delta) -> date:
    """The day on which the old home was left, as well as the register tells it."""
    old = delta.before.home() if delta.before else None
    after = delta.after
    for dwelling in after.dwellings if after and old else ():
        moved_out = dwelling.moved_out.full()
        same = old and dwelling.address.place == old.address.place
        if moved_out and same and not dwelling.current:
            return moved_out
    new = (after.home() or after.left_to()) if after else None
    return (new and new.moved_in) or delta.received_on


def letter_data(
    situation: Situation, decision: Decision, parameters: ResidentParkingParameters
) -> Mapping[str, str]:
    """Dates in ISO form. The number of a new permit comes from the register and is added later."""
    if decision.code == "taken_back":
        return {**taken_back(situation, decision), **_words(situation, decision, parameters)}
    if not decision.effects:
        return {}
    effect = decision.effects[-1]  # a zone switch comes last
    if effect.kind is EffectKind.END:
        return {**ended(situation, decision), **_words(situation, decision, parameters)}
    held = {link.permit.number: link.permit for link in situation.links}
    alike = [one for one in decision.effects if one.kind is effect.kind]  # one for each renewal
    permits = [held[one.record] for one in alike]
    permit = permits[-1]
    home = situation.delta.after.home() if situation.delta.after else None
    data, before = effect.data, situation.areas_before.areas
    zone = data.get("zone", permit.zone)
    came = came_by(situation.delta)
    return {
        **lasting(situation, permit, permit.valid_until),
        **_words(situation, decision, parameters),
        "permit_number": with_renewals(permits),
        "plate": permit.plate,
        "holder_old": permit.holder,
        "holder": decision.effects[0].data.get("holder", permit.holder),
        "zone_old": permit.zone,
        "zone_new": zone,
        # Whoever had a permit for another zone than that of the old home has moved into no zone.
        "came_by": "" if came == "move" and zone in before else came,
        "in_zone": "yes" if zone in situation.areas_after.areas else "",
        "valid_from": alike[0].data.get("valid_from", permits[0].valid_from.isoformat()),
        "new_address": home.address.line() if home else "",
        "old_until": _old_until(alike, permits),
        "old_permit": {"true": "ended", "false": "clerk", "": "kept"}[data.get("end_old", "")],
    }


def _old_until(switches: list[Effect], permits: list[Permit]) -> str:
    """The last day on which an old permit is good; "" where it never is again, or stays."""
    days = [
        effect.data[OLD_UNTIL]
        for effect, permit in zip(switches, permits, strict=True)
        if OLD_UNTIL in effect.data and effect.data[OLD_UNTIL] >= permit.valid_from.isoformat()
    ]
    return max(days, default="")


def _words(
    situation: Situation, decision: Decision, parameters: ResidentParkingParameters
) -> Mapping[str, str]:
    """What the municipality says of permits of this form."""
    records = {effect.record for effect in decision.effects}
    permits = [permit for permit in known_permits(situation) if permit.number in records]
    form = form_of(permits, parameters.forms, parameters.default_form, situation.answers)
    return form_words(parameters.forms.get(form))


def _unsaid(parameters: ResidentParkingParameters) -> list[str]:
    grace = ["grace_days: not below 0"] if parameters.grace_days < 0 else []
    return grace + unsaid(parameters.forms)


def _look_at(parameters: ResidentParkingParameters, gate: Gate) -> list[str]:
    found = doubtful(parameters.forms)
    if gate.legal_mode is LegalMode.NOTICE_ONLY:
        found.append(f"legal_mode: notice_only, but {ON_APPLICATION}")
    return found


def _wordings(parameters: ResidentParkingParameters) -> Mapping[str, Mapping[str, str]]:
    return {name: form_words(form) for name, form in parameters.forms.items()}


# Made-up words of a town, for the samples alone.
_DIGITAL = PermitForm(
    nothing_to_do=True,
    display_text="Ihr Ausweis ist digital. Sie müssen nichts ins Auto legen.",
    fee_text="Für diese Umstellung erheben wir keine Gebühr.",
    old_permit_text="Der bisherige Ausweis ist ebenfalls digital. Sie müssen nichts zurückgeben.",
)
_PAPER = PermitForm(
    display_text="Die neue Karte holen Sie bitte bei uns ab und legen sie gut sichtbar ins Auto.",
    fee_text="Die Umstellung kostet 10,20 Euro. Sie zahlen, wenn Sie die neue Karte abholen.",
    old_permit_text="Die Karte, die nicht mehr gilt, geben Sie bitte bei uns ab.",
    taken_back_text="Haben Sie die Karte schon umgetauscht? Dann tauschen wir sie zurück.",
    correction_text="Auf der Karte können wir die Angaben bei uns ändern.",
)
_FORM_WORDS, _PAPER_WORDS = dict(form_words(_DIGITAL)), dict(form_words(_PAPER))

_PERMIT = {
    "permit_number": "BPA-0002",
    "plate": "MU-LW 91",
    "holder_old": "Łukasz Wójcik",
    "holder": "Łukasz Wójcik",
    "zone_old": "A3",
    "zone_new": "A2",
    "came_by": "move",
    "in_zone": "yes",
    "valid_from": "2026-11-24",
    "valid_until": "2027-12-31",
    "ends_soon_from": "2027-11-19",
    "new_address": "Kröpeliner Str. 40",
    "old_permit": "ended",
    "old_until": "2026-11-28",
    **_FORM_WORDS,
}
_SWITCH = _PERMIT | {"new_permit_number": "BPA-0002/2"}
_SOON = {
    "came_by": "status",
    "holder": "Łukasz Wójcik-Brandt",
    "valid_until": "2026-11-30",
    "ends_soon_from": "2026-10-19",
}
_TAKEN_BACK = {
    "permit_number": "BPA-0002",
    "plate": "MU-LW 91",
    "zone_old": "A2",
    "zone_new": "A3",
    "valid_until": "2027-12-31",
    "ends_soon_from": "2027-11-19",
    **_FORM_WORDS,
    "dropped_permit": "BPA-0002/2",
    "dropped_until": "2026-11-28",
    "reason": "registry",
    "what": "zone",
    "taking": "",
}
_ENDED = {
    "permit_number": "BPA-0002",
    "plate": "MU-LW 91",
    "zone_old": "A3",
    "valid_until": "2026-11-30",
    "why": "end_old_permit",
    "ended": "BPA-0002 (Zone A3, Kennzeichen MU-LW 91)",
    "new_permit": "BPA-0002/2",
    "taking": "",
    "moved": "yes",
    **_FORM_WORDS,
}
_STATED = {
    KNOWN_SINCE: "2026-11-24",
    "discretion": "Ihr Interesse daran, den Ausweis zu behalten, wiegt weniger schwer.",
    "hearing": "Sie haben sich am 23. November 2026 geäußert und nichts eingewandt.",
}
_REVOKED = {
    "taking": "revokes",
    "facts": "Sie sind am 15. November 2026 aus der Zone A3 ausgezogen.",
    "public_interest": "Die Plätze der Zone A3 reichen schon für die nicht, die dort wohnen.",
}
_WITHDRAWN = {
    "taking": "withdraws",
    "unlawful": "Die Anschrift lag schon am Tag der Umstellung nicht in der Zone A2.",
}
_REASONS = ("one_permit", "adult", "main_dwelling", "one_zone", "plate_german")
_LAWS = {name: CONDITIONS[name][0] for name in _REASONS} | {
    "vehicle_check": WHO_MAY,
    "permit_valid": "VwVfG § 43 Abs. 2",
    "automation_norm": "StVO § 46 Abs. 5",
    "legal_mode": "VwVfG § 22",
}
_UNDO_LAWS = {
    "undo_by_machine": "VwVfG § 36 Abs. 2 Nr. 2; VwVfG § 43 Abs. 2",
    "permit_zone_agrees": ZONES,
    "automation_norm": "StVO § 46 Abs. 5",
}
_BY_CLERK = {"clerk_decided": "VwVfG § 35"}

service = Service(
    name="resident_parking",
    title="Bewohnerparken",
    triggers=frozenset(
        {
            DeltaKind.MOVE,
            DeltaKind.MOVE_AWAY,
            DeltaKind.ADDRESS_UPDATE,
            DeltaKind.STATUS_CHANGE,
            DeltaKind.NAME_CHANGE,
            DeltaKind.KEY_CHANGE,
            DeltaKind.DEATH,
            DeltaKind.DELETION,
            DeltaKind.MISSING,
            DeltaKind.ARRIVAL,
            DeltaKind.SECONDARY_DWELLING,
            *REVERSALS,
        }
    ),
    decide=decide,
    parameters=ResidentParkingParameters,
    automation_norm="StVO § 46 Abs. 5",
    rule_version="2026-11-25.2",
    records="parking_permits",
    areas="parking_zones",
    letter_data=letter_data,
    unsaid=_unsaid,
    look_at=_look_at,
    wordings=_wordings,
    ending=ending,
    hidden=frozenset({"new_address"}),
    samples=(
        Sample("zone_switched", _SWITCH, _LAWS),
        Sample(
            "zone_switched", _SWITCH | {"valid_from": "2026-12-01", "old_permit": "clerk"}, _LAWS
        ),
        Sample("zone_switched", _SWITCH | _SOON, _LAWS),
        Sample("zone_switched", _SWITCH | _PAPER_WORDS, _LAWS),
        Sample("address_updated", _PERMIT | {"zone_new": "A3"}, _LAWS),
        Sample("address_updated", _PERMIT | {"zone_new": "A3"} | _PAPER_WORDS, _LAWS),
        Sample("taken_back", _TAKEN_BACK, _UNDO_LAWS),
        Sample("taken_back", _TAKEN_BACK | _PAPER_WORDS | {"reason": "clerk"}, _BY_CLERK),
        Sample("taken_back", _TAKEN_BACK | _STATED | _WITHDRAWN, _BY_CLERK),
        Sample(
            "taken_back",
            _TAKEN_BACK | {"zone_old": "A3", "dropped_permit": "", "what": "address"},
            {},
        ),
        Sample("permit_ended", _ENDED, _BY_CLERK),
        Sample(
            "permit_ended", _ENDED | _PAPER_WORDS | {"why": "no_zone", "new_permit": ""}, _BY_CLERK
        ),
        Sample("permit_ended", _ENDED | _STATED | _REVOKED, _BY_CLERK),
        Sample("permit_ended", _ENDED | _STATED | _REVOKED | {"taking": "as_reserved"}, _BY_CLERK),
        Sample("name_updated", _PERMIT | {"holder": "Łukasz Wójcik-Brandt"}, _LAWS),
        Sample("name_updated", _PERMIT | _SOON, _LAWS),
    ),
)
