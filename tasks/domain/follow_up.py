"""What follows a case that was carried out: its resident replies, or a clerk settles its last part.

The same for every service. A service only says what ends when its resident deregisters
(`Service.ending`). Like any decision it has grounds, and is made anew on the day it is carried out.
"""

from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

from tasks.domain.automation import FILTER_CODES, FULL_AGE, can_be_written_to, person_checks
from tasks.domain.check import Check, answered, check, conclude, taken_out
from tasks.domain.decision import Choice, Decision, Outcome, Then, granted
from tasks.domain.effect import Act, Effect, EffectKind
from tasks.domain.permits import GRACE, end, is_printed, known_on, running, switch_back
from tasks.domain.person import Person
from tasks.domain.record import Permit
from tasks.domain.reply import ReplyKind
from tasks.domain.service import Gate, Service, Situation
from tasks.domain.statements import NORMS, Taking

# Ground → section of law, and the condition in one sentence. Stored: never rename a ground.
CONDITIONS = {
    "reply_genuine": (
        "VwVfG § 24 Abs. 1",
        "The reply came with the letter's own code and the resident's birth date.",
    ),
    "holder_alive": ("VwVfG § 11 Nr. 1", "The resident is alive."),
    "act_stands": ("VwVfG § 43 Abs. 2", "What the reply is about has not been undone meanwhile."),
    "resident_of_age": (
        "VwVfG § 12 Abs. 1 Nr. 1; BGB § 2",
        "The resident is old enough to give a right up alone.",
    ),
    "something_to_end": (
        "VwVfG § 43 Abs. 2",
        "There is a valid record that the resident can give up.",
    ),
    "reply_settled": (
        "VwVfG § 24 Abs. 1 Satz 3",
        "A person has looked at what the resident says.",
    ),
    "clerk_decided": ("VwVfG § 35", "A clerk has decided this part."),
}
_check = partial(check, CONDITIONS)

# Code → one sentence without personal data; for needs_review it is the clerk's question. Stored:
# never rename a code.
FOLLOW_UP_CODES = {
    "deregistered": "The resident has given the record up; it was ended.",
    "nothing_to_end": "There was nothing left to end.",
    "resident_says_wrong": "The resident says that it is wrong. What is right?",
    "resident_objects": "The resident announces an objection. Does the act stand?",
    "resident_is_minor": "A minor gives a right up. Do the parents agree?",
    "reply_crosses_undo": "The act was undone before the reply was taken up. What is wanted now?",
    "stands": "A clerk has looked at what the resident says: it stays as it is.",
}
_SENTENCES = FILTER_CODES | FOLLOW_UP_CODES | {"holder_died": "The holder has died. What is meant?"}


def decide_follow_up(
    service: Service, situation: Situation, parameters: Any, gate: Gate, today: date
) -> Decision:
    """`decide` of a case that follows another one up."""
    reply = situation.reply
    if reply is None:
        return _part(situation, today)
    genuine = _check("reply_genuine", True, "reply_crosses_undo", kind=reply.kind)
    if reply.kind is ReplyKind.OPT_OUT:
        return granted("opted_out", [genuine.ground], notify=_reachable(situation))
    if reply.kind is ReplyKind.DEREGISTER:
        return _deregister(service, situation, genuine, today)
    code = "resident_objects" if reply.kind is ReplyKind.OBJECT else "resident_says_wrong"
    ending = _end(service, situation, today)
    choices = (*_stands(situation), *undo_choices(situation, today), *ending)
    checks = [
        genuine,
        # What is undone does not „stand“, whatever a clerk has said before.
        _check("act_stands", not situation.undone, "reply_crosses_undo", choices=ending),
        _check("reply_settled", None, code, choices=choices),
    ]
    decision = conclude(checks, _SENTENCES, situation.answers)
    assert decision is not None  # an unclear ground is never passed without a choice
    return decision


def _deregister(service: Service, situation: Situation, genuine: Check, today: date) -> Decision:
    ends = service.ending(situation, today)
    checks = [
        genuine,
        # First, so that a second reply of the same kind is no work for a clerk.
        _check("something_to_end", bool(ends), "nothing_to_end", Outcome.DECLINED),
        *_person_checks(situation, today),
        # Once undone, the record is another one than the letter told of.
        _check("act_stands", not situation.undone, "reply_crosses_undo"),
    ]
    choices = _end(service, situation, today)
    checks = answered([_with_choices(check, choices) for check in checks], situation.answers)
    decision = conclude(checks, _SENTENCES, situation.answers)
    if decision := decision or taken_out(checks, situation.answers):
        return decision
    grounds = [check.ground for check in checks]
    notify = _reachable(situation)
    return granted("deregistered", grounds, *ends, notify=notify, undoes=True)


def _person_checks(situation: Situation, today: date) -> list[Check]:
    """A reply never passes a lock by, and the dead do not reply: a clerk looks."""
    now = situation.now
    if now is None:
        return []
    alive, *others = person_checks(now, [now], today)
    died = _check("holder_alive", alive.passed, "holder_died", died=now.died)
    age = now.age(today)
    of_age = _check("resident_of_age", age is None or age >= FULL_AGE, "resident_is_minor", age=age)
    return [died, of_age, *others]


def _with_choices(check: Check, choices: tuple[Choice, ...]) -> Check:
    """Each question by itself: an answer to one must not pass by what came after it."""
    if check.choices or not check.for_clerks:
        return check
    return replace(check, choices=tuple(replace(choice, then=Then.GO_ON) for choice in choices))


def _reachable(situation: Situation) -> bool:
    return can_be_written_to(situation.now)


def _stands(situation: Situation) -> tuple[Choice, ...]:
    notify = _reachable(situation)
    text = f"It stays as it is, {_telling(notify)}."
    return (Choice("stands", text, Then.DO, code="stands", notify=notify),)


def _telling(notify: bool) -> str:
    return "and the resident is told so" if notify else "without a letter"


def undo_choices(situation: Situation, today: date) -> tuple[Choice, ...]:
    """What was done is taken back, where that is possible still."""
    acts = situation.acts
    if not acts or situation.undone or not all(act.intact for act in acts):
        return ()
    notify = situation.told and _reachable(situation)
    telling = _telling(notify) if situation.told else "of which the resident was never told"
    takes = Taking.WITHDRAWS if situation.told and withdraws(situation) else None
    norm = f" It is withdrawn ({NORMS[takes]}); the hearing (§ 28) was held." if takes else ""
    return (
        Choice(
            "undo",
            f"What was done is taken back, {telling}.{norm}",
            Then.DO,
            undo(situation, today),
            code="taken_back",
            notify=notify,
            undoes=True,
            takes=takes,
            known_since=situation.delta.received_on if takes else None,
        ),
    )


def withdraws(situation: Situation) -> bool:
    """Whether taking it back is a Rücknahme that nobody has asked for: it is discretionary (VwVfG
    § 48), so the letter says what was weighed (§ 39 Abs. 1 Satz 3)."""
    granted_ = any(act.effect.kind is EffectKind.SWITCH_ZONE for act in situation.acts)
    return granted_ and situation.reply is None


def undo(situation: Situation, today: date) -> tuple[Effect, ...]:
    """The way back, the last effect first.

    A name that was put right along with a zone stays, where the register still says it: who never
    moved may have married all the same, and the letter tells of the zone only.
    """
    acts = [act for act in situation.acts if not _is_still_the_name(act, situation.now)]
    return tuple(
        switch_back(act, today)
        if situation.told and act.effect.kind is EffectKind.SWITCH_ZONE
        else act.inverse
        for act in reversed(acts or situation.acts)
    )


def _is_still_the_name(act: Act, person: Person | None) -> bool:
    if person is None or act.effect.kind is not EffectKind.UPDATE_NAME:
        return False
    return is_printed(person.name, act.effect.data.get("holder", ""))


def _end(service: Service, situation: Situation, today: date) -> tuple[Choice, ...]:
    ends, notify = service.ending(situation, today), _reachable(situation)
    if not ends:
        return ()
    return (
        Choice(
            "deregister",
            f"The resident gives the record up: it ends today, {_telling(notify)}.",
            Then.DO,
            ends,
            code="deregistered",
            notify=notify,
            undoes=True,
        ),
    )


def _part(situation: Situation, today: date) -> Decision:
    """A clerk has settled what the machine was not allowed to decide."""
    left = situation.left
    assert left is not None
    valid = {permit.number: permit for permit in running(known_permits(situation), today)}
    effects = tuple(
        effect
        for planned in left.effects
        if planned.record in valid
        for effect in _as_of(planned, valid[planned.record], today)
    )
    checks = [
        _check("clerk_decided", True, "nothing_to_end", choice=left.name, why="end_old_permit"),
        # Once undone, the old record is all that the resident has.
        _check("act_stands", not situation.undone, "nothing_to_end", Outcome.DECLINED),
        _check("something_to_end", bool(effects), "nothing_to_end", Outcome.DECLINED),
    ]
    if decision := conclude(checks, _SENTENCES):
        return decision
    grounds = [check.ground for check in checks]
    return granted(left.code, grounds, *effects, notify=left.notify and _reachable(situation))


def _as_of(planned: Effect, permit: Permit, today: date) -> tuple[Effect, ...]:
    """The question may have waited: a revocation has no effect on the past (§ 49 Abs. 2)."""
    if planned.kind is not EffectKind.END:
        return (planned,)
    grace = int(planned.data.get(GRACE, "0"))
    return end(
        [permit],
        max(known_on(today, grace), date.fromisoformat(planned.data["valid_until"])),
        grace if GRACE in planned.data else None,
    )


def known_permits(situation: Situation) -> tuple[Permit, ...]:
    """Those linked to the person, and those that our effects have touched; each once."""
    permits = {link.permit.number: link.permit for link in situation.links}
    permits |= {permit.number: permit for act in situation.acts for permit in act.permits}
    return tuple(permits.values())
