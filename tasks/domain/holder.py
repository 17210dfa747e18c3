"""Is the permit surely this person's, and what if its holder dies, vanishes or never moved?

The same for every service on permits. None of it is ever decided by a machine to a person's
disadvantage: a permit is ended, or given back, by a clerk.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from functools import partial

from tasks.domain.automation import REVERSALS, can_be_written_to
from tasks.domain.check import SETTLED_BY_HAND, Check, check
from tasks.domain.decision import Choice, Outcome, Then
from tasks.domain.delta import DeltaKind
from tasks.domain.effect import Effect
from tasks.domain.follow_up import undo_choices
from tasks.domain.permits import (
    described,
    end,
    handle,
    held_for_certain,
    held_perhaps,
    numbers,
    running,
    unclear,
)
from tasks.domain.record import ACTIVE, KINDS, Link, LinkedBy, Permit
from tasks.domain.service import Situation
from tasks.domain.statements import NORMS, Taking

LINK = "link:"  # begins the choice that names a permit as the person's
SERVE_AGAIN = Choice(
    "serve_again",
    "The permit stays as it is now; the person is served and written to again.",
    code="served_again",
)
OF_KIND, SET_ASIDE = "of_kind", "set_aside"  # what a clerk says of a permit that is not understood
ALIKE = 99  # name, and birth date or address, as the person's: it may well be a second permit
LAPSE = "VwVfG § 43 Abs. 2"  # an act ends by time, by condition or by death

# Ground → section of law, and the condition in one sentence. Stored: never rename a ground.
CONDITIONS = {
    "permit_active": (LAPSE, "The person holds a permit that has not been ended."),
    "holder_certain": ("BMeldDAV Anlage", "The permit is surely this person's."),
    "record_understood": (
        "VwVfG § 24 Abs. 1",
        "Kind, status and data of the person's permits are understood.",
    ),
    "permit_valid": (LAPSE, "The permit is valid on the day of the change."),
    "holder_alive": (LAPSE, "The holder is alive."),
    "holder_known": ("VwVfG § 24 Abs. 1", "The holder is still in the register."),
    "holder_named": ("VwVfG § 24 Abs. 1", "The registry's full delivery names the holder."),
    "key_unchanged": ("VwVfG § 24 Abs. 1", "The person's registry key is still the same."),
    "event_stands": ("BMG § 6 Abs. 1", "The event that was decided on still stands."),
    "not_undone": (LAPSE, "What was carried out on the event still stands."),
    "record_intact": ("VwVfG § 24 Abs. 1", "Nobody has changed the permit since."),
    "undo_by_machine": (
        "VwVfG § 36 Abs. 2 Nr. 2; VwVfG § 43 Abs. 2",
        "Putting it back needs no discretion: the permit lapsed by its own condition, "
        "or only its data were changed.",
    ),
}
_check = partial(check, CONDITIONS)

# Code → one sentence without personal data; for needs_review it is the clerk's question. Stored:
# never rename a code.
HOLDER_CODES = {
    "no_permit": "The person holds no permit.",
    "no_active_permit": "The person's permits have been ended.",
    "other_kind": "The person's permit is of a kind that this service does not touch.",
    "permit_unclear": "A permit's kind, status or data are not understood. What is it?",
    "permit_expired": "The permit runs out before the change takes effect.",
    "holder_uncertain": "A permit only looks as if it were this person's. Is it?",
    "holder_died": "The holder has died. When does the permit end, and whom to ask?",
    "holder_missing": "The holder is missing in a full delivery of the register. What happened?",
    "key_changed": "The person's registry key has changed. Which key shall the permit carry?",
    "death_reversed": "The holder is alive. Restore the permit, resume letters, apologise?",
    "reversal_after_effect": "The event was taken back after it had effect. Restore the permit?",
    "taken_back": "What was done was taken back.",
    "undone_already": "What was to be taken back had been undone before.",
    "record_changed": "Somebody has changed the record since. How shall it be put back?",
    "permit_ended": "A clerk has ended the permit.",
    SETTLED_BY_HAND: "A clerk has settled the case outside of the software.",
    "permit_kept": "A clerk has left the permit as it is.",
    "served_again": "The holder is alive after all, and is served and written to again.",
    "reversal_before_effect": "The event was taken back before it had effect: the permit stands.",
}


def permit_checks(situation: Situation, today: date, other_kind: bool = False) -> list[Check]:
    """Is there a permit at all, surely this person's, and is it understood? Nothing is decided on a
    similarity, and nothing on a part of what may be the person's.

    `other_kind`: the person has a permit of a kind that the service does not touch.
    """
    certain, similar = held_for_certain(situation.links), held_perhaps(situation.links)
    # A clerk may have ended the permit on an event that is now taken back.
    restores = bool(situation.acts) or situation.delta.kind is DeltaKind.DEATH_REVERSED
    sure = any(restores or permit.status == ACTIVE or permit.unclear for permit in certain)
    sure = sure or bool(situation.acts)  # carried out for this very person
    exists = sure or bool(_perhaps_valid(similar, today))
    missing = "no_active_permit" if situation.links else "no_permit"
    if _chosen(situation, "permit_unclear", SET_ASIDE):
        missing = "permit_kept"
    elif other_kind and not situation.links:
        missing = "other_kind"
    permits = numbers(certain or similar)
    strange = () if situation.acts else unclear(certain, today)
    by_clerk = {
        handle(link.permit, situation.delta.event)
        for link in situation.links
        if link.by is LinkedBy.CLERK and link.permit.status == ACTIVE
    }
    return [
        _check("permit_active", exists, missing, Outcome.DECLINED),
        _check(
            "holder_certain",
            True if sure and not _more(situation, today) else None,
            "holder_uncertain",
            choices=_whose(situation, today, sure=sure),
            permits=permits,
            answer=f"{LINK}{min(by_clerk)}" if by_clerk else None,
        ),
        _check(
            "record_understood",
            None if strange else True,
            "permit_unclear",
            choices=_what_it_is(strange),
            permits=numbers(strange) or None,
            kind=", ".join(sorted({p.kind for p in strange if p.kind not in KINDS})) or None,
            state=", ".join(sorted({p.status for p in strange if p.status != ACTIVE})) or None,
            unread=", ".join(sorted({name for p in strange for name in p.unread})) or None,
        ),
    ]


def of_kind(situation: Situation, kind: str) -> Situation:
    """Without the permits of another kind, which the service does not touch. What nobody knows the
    kind of stays, for a clerk."""
    if not situation.links:
        return situation
    links = (link for link in situation.links if link.permit.kind in {kind, *_unknown(link)})
    return replace(situation, links=tuple(links))


def _unknown(link: Link) -> set[str]:
    return {link.permit.kind} - KINDS


def _perhaps_valid(permits: Iterable[Permit], today: date) -> tuple[Permit, ...]:
    every = tuple(permits)
    return tuple(dict.fromkeys((*running(every, today), *unclear(every, today))))


def _more(situation: Situation, today: date) -> bool:
    """Whether another permit looks so much like this person's that their permits are not sure."""
    if situation.acts:
        return False
    alike = [
        link.permit
        for link in situation.links
        if link.by is LinkedBy.SUGGESTED and link.score >= ALIKE
    ]
    return bool(_perhaps_valid(alike, today))


def _chosen(situation: Situation, question: str, choice: str) -> bool:
    return any((a.question, a.choice) == (question, choice) for a in situation.answers)


def _what_it_is(strange: tuple[Permit, ...]) -> tuple[Choice, ...]:
    if not strange:
        return ()
    aside = Choice(
        SET_ASIDE, "It stays as it is, and only what else the person holds is tested.", Then.GO_ON
    )
    if any(permit.unread or permit.status != ACTIVE for permit in strange):
        return (aside,)
    text = "It is a permit of the kind that the service is for; the rest is tested."
    return (Choice(OF_KIND, text, Then.GO_ON), aside)


def as_clerks_say(situation: Situation, kind: str, today: date) -> Situation:
    """A permit that a clerk has recognised as the person's is linked by that; one that is no
    business of the service is left out, and one of an unknown kind is what a clerk says it is."""
    if not situation.links or not situation.answers:
        return situation
    said = {a.choice for a in situation.answers if a.question == "holder_uncertain"}
    event = situation.delta.event
    links = tuple(
        replace(link, by=LinkedBy.CLERK)
        if link.by is LinkedBy.SUGGESTED and f"{LINK}{handle(link.permit, event)}" in said
        else link
        for link in situation.links
    )
    if "not_theirs" in said:
        links = tuple(link for link in links if link.by is not LinkedBy.SUGGESTED)
    strange = {permit.number for permit in unclear((link.permit for link in links), today)}
    if _chosen(situation, "permit_unclear", SET_ASIDE):
        links = tuple(link for link in links if link.permit.number not in strange)
    if _chosen(situation, "permit_unclear", OF_KIND):
        links = tuple(
            replace(link, permit=replace(link.permit, kind=kind)) if _unknown(link) else link
            for link in links
        )
    return replace(situation, links=links)


def _whose(situation: Situation, today: date, *, sure: bool) -> tuple[Choice, ...]:
    similar = _perhaps_valid(held_perhaps(situation.links), today)
    if not similar:
        return ()
    theirs = tuple(
        Choice(
            f"{LINK}{handle(permit, situation.delta.event)}",
            f"The permit for zone {permit.zone} is this person's; the rest is tested.",
            Then.GO_ON,
            reason=described(permit),
        )
        for permit in similar
    )
    if sure:
        text = "None of these is this person's; the rest is tested."
        return (*theirs, Choice("not_theirs", text, Then.GO_ON))
    none = Choice("not_theirs", "No permit is this person's: nothing is done.", code="no_permit")
    return (*theirs, none)


def end_choices(
    ends: tuple[Effect, ...],
    *,
    notify: bool,
    takes: Taking | None = None,
    known_since: date | None = None,
) -> tuple[Choice, ...]:
    """To end the permit, or to leave it.

    `takes`: it does not lapse by itself. Then a clerk states all that the norm asks for, whether a
    letter can tell it or somebody must: the year runs from `known_since`.
    """
    if not ends:
        return ()
    told = "and the resident is told so" if notify else "without a letter"
    norm = f" It is revoked ({NORMS[takes]}); the hearing (§ 28) was held." if takes else ""
    ending = Choice(
        "end",
        f"The permit ends, {told}.{norm}",
        Then.DO,
        ends,
        code="permit_ended",
        notify=notify,
        takes=takes,
        known_since=known_since if takes else None,
    )
    return (ending, Choice("keep", "The permit stays as it is.", code="permit_kept"))


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
            choices = end_choices(ends, notify=False)
            died_ = _check("holder_alive", False, "holder_died", proposal=ends, choices=choices)
            return [valid, died_]
        case DeltaKind.DELETION:
            ends = end(permits, today)
            choices = end_choices(ends, notify=False)
            gone = _check("holder_known", False, "holder_vanished", proposal=ends, choices=choices)
            return [valid, gone]
        case DeltaKind.MISSING:
            ends = end(permits, today)
            choices = end_choices(ends, notify=False)
            named = _check("holder_named", False, "holder_missing", proposal=ends, choices=choices)
            return [valid, named]
        case DeltaKind.KEY_CHANGE:
            return [valid, _check("key_unchanged", False, "key_changed")]
        case kind if kind in REVERSALS:
            return [_event_stands(situation, today)]
    return []


def _event_stands(situation: Situation, today: date) -> Check:
    """What was taken back before it had any effect leaves the permit as it stands."""
    if situation.delta.kind is DeltaKind.DEATH_REVERSED:
        choices = (*_restore_choices(situation, today), SERVE_AGAIN)
        return _check("event_stands", False, "death_reversed", choices=choices)
    return _check("event_stands", False, "reversal_before_effect", Outcome.DECLINED)


def _restore_choices(situation: Situation, today: date) -> tuple[Choice, ...]:
    """What was done on a death of which nobody told the holder; an apology may go with it."""
    undone = undo_choices(situation, today)
    if not undone or not can_be_written_to(situation.now):
        return undone
    text = "What was done is taken back, and the resident is told so, with an apology."
    return (replace(undone[0], name="restore", text=text, notify=True), *undone)


def undo_checks(situation: Situation, today: date, *, machine: bool) -> list[Check]:
    """An event that had effect was taken back. `machine`: it may put all of it back by itself."""
    intact = all(act.intact for act in situation.acts)
    choices = undo_choices(situation, today)
    return [
        _check("not_undone", not situation.undone, "undone_already", Outcome.DECLINED),
        _check("record_intact", True if intact else None, "record_changed"),
        _check("undo_by_machine", machine, "reversal_after_effect", choices=choices),
    ]
