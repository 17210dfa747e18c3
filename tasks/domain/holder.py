"""Is the permit surely this person's, and what if its holder dies, vanishes or never moved?

The same for every service on permits. None of it is ever decided by a machine to a person's
disadvantage: a permit is ended, or given back, by a clerk.
"""

from datetime import date
from functools import partial

from tasks.domain.automation import REVERSALS
from tasks.domain.check import Check, check
from tasks.domain.decision import Outcome
from tasks.domain.delta import DeltaKind
from tasks.domain.permits import end, held_for_certain, held_perhaps, numbers, running
from tasks.domain.record import Permit
from tasks.domain.service import Situation

LAPSE = "VwVfG § 43 Abs. 2"  # an act ends by time, by condition or by death

# Ground → section of law, and the condition in one sentence. Stored: never rename a ground.
CONDITIONS = {
    "permit_active": (LAPSE, "The person holds a permit that has not been ended."),
    "holder_certain": ("BMeldDAV Anlage", "The permit is surely this person's."),
    "permit_valid": (LAPSE, "The permit is valid on the day of the change."),
    "holder_alive": (LAPSE, "The holder is alive."),
    "holder_known": ("VwVfG § 24 Abs. 1", "The holder is still in the register."),
    "key_unchanged": ("VwVfG § 24 Abs. 1", "The person's registry key is still the same."),
    "event_stands": ("BMG § 6 Abs. 1", "The event that was decided on still stands."),
}
_check = partial(check, CONDITIONS)

# Code → one sentence without personal data; for needs_review it is the clerk's question. Stored:
# never rename a code.
HOLDER_CODES = {
    "no_permit": "The person holds no permit.",
    "no_active_permit": "The person's permits have been ended.",
    "permit_expired": "The permit runs out before the change takes effect.",
    "holder_uncertain": "A permit only looks as if it were this person's. Is it?",
    "holder_died": "The holder has died. When does the permit end, and whom to ask?",
    "key_changed": "The person's registry key has changed. Which key shall the permit carry?",
    "death_reversed": "The holder is alive. Restore the permit, resume letters, apologise?",
    "reversal_after_effect": "The event was taken back after it had effect. Restore the permit?",
    "reversal_before_effect": "The event was taken back before it had effect: the permit stands.",
}


def permit_checks(situation: Situation, today: date) -> list[Check]:
    """Is there a permit at all, and surely this person's? Nothing is decided on a similarity."""
    certain, similar = held_for_certain(situation.links), held_perhaps(situation.links)
    # A clerk may have ended the permit on an event that is now taken back.
    restores = situation.reversed_case_acted or situation.delta.kind is DeltaKind.DEATH_REVERSED
    sure = any(restores or permit.status == "active" for permit in certain)
    exists = sure or bool(running(similar, today))
    missing = "no_active_permit" if situation.links else "no_permit"
    permits = numbers(certain or similar)
    return [
        _check("permit_active", exists, missing, Outcome.DECLINED),
        _check("holder_certain", True if sure else None, "holder_uncertain", permits=permits),
    ]


def valid_check(permits: tuple[Permit, ...], day: date) -> Check:
    return _check("permit_valid", bool(permits), "permit_expired", Outcome.DECLINED, day=day)


def event_checks(situation: Situation, permits: tuple[Permit, ...], today: date) -> list[Check]:
    """For the events after which there is nothing to grant; empty for all others."""
    valid, delta = valid_check(permits, today), situation.delta
    match delta.kind:
        case DeltaKind.DEATH:
            person = situation.now or delta.after
            died = person.died.latest() if person and person.died else None
            ends = end(permits, died or today)
            return [valid, _check("holder_alive", False, "holder_died", proposal=ends)]
        case DeltaKind.DELETION:
            ends = end(permits, today)
            return [valid, _check("holder_known", False, "holder_vanished", proposal=ends)]
        case DeltaKind.KEY_CHANGE:
            return [valid, _check("key_unchanged", False, "key_changed")]
        case kind if kind in REVERSALS:
            return [_event_stands(situation)]
    return []


def _event_stands(situation: Situation) -> Check:
    """What was taken back before it had any effect leaves the permit as it stands."""
    if situation.delta.kind is DeltaKind.DEATH_REVERSED:
        return _check("event_stands", False, "death_reversed")
    if situation.reversed_case_acted:
        return _check("event_stands", False, "reversal_after_effect")
    return _check("event_stands", False, "reversal_before_effect", Outcome.DECLINED)
