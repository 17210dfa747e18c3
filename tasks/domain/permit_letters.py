"""What letters say when a permit ends, or when what was done to it is taken back.

The same for every service on permits. Dates are in ISO form; keys are those of the templates. A
sentence of a letter stands on one of these facts, or on none: what is not "" holds.
"""

from collections.abc import Mapping
from datetime import date, timedelta

from tasks.domain.decision import Decision
from tasks.domain.delta import Delta, DeltaKind
from tasks.domain.effect import Effect, EffectKind
from tasks.domain.follow_up import known_permits
from tasks.domain.permits import (
    DROPPED_UNTIL,
    end,
    held_for_certain,
    numbers,
    running,
    tolerated,
    with_renewals,
)
from tasks.domain.record import Permit
from tasks.domain.service import Situation
from tasks.domain.statements import taking_of

NOTICE = timedelta(weeks=6)  # whose permit ends that soon has something to do


def lasting(situation: Situation, permit: Permit, until: date) -> Mapping[str, str]:
    """How long it lasts, and from which day on a letter must say that this is soon: not where the
    next permit for the same vehicle is there already."""
    renewed = any(
        other.plate == permit.plate and other.status == "active" and other.valid_until > until
        for other in held_for_certain(situation.links)
        if other.number != permit.number
    )
    return {
        "valid_until": until.isoformat(),
        "ends_soon_from": "" if renewed else (until - NOTICE).isoformat(),
    }


def came_by(delta: Delta) -> str:
    """How the home came to be another: "move", "status" (main and secondary dwelling have changed
    places), or "" where the registry has put the address right."""
    old = delta.before.home() if delta.before else None
    new = delta.after.home() if delta.after else None
    if old is None or new is None or delta.before is None:
        return ""
    had = {dwelling.address.place for dwelling in delta.before.dwellings if dwelling.current}
    if new.address.place in had:
        return "status" if old.address.place != new.address.place else ""
    if delta.kind is DeltaKind.MOVE:
        return "move"
    return "move" if old.moved_in and new.moved_in and new.moved_in > old.moved_in else ""


def _has_moved(delta: Delta) -> bool:
    return delta.kind is DeltaKind.MOVE_AWAY or came_by(delta) == "move"


def taken_back(situation: Situation, decision: Decision) -> Mapping[str, str]:
    """What holds again, and what was taken back."""
    acts = [act for act in situation.acts if act.effect.kind is not EffectKind.TOLERATE]
    switches = [act for act in acts if act.effect.kind is EffectKind.SWITCH_ZONE]
    act = (switches or acts)[-1]
    effect, permits = act.effect, {p.number: p for p in known_permits(situation)}
    permit, switch = permits[effect.record], bool(switches)
    alike = [one for one in acts if one.effect.kind is effect.kind]
    records = [permits[one.effect.record] for one in alike]
    dropped = [p.number for one in alike for p in one.permits if p.number != one.effect.record]
    what = {
        EffectKind.SWITCH_ZONE: "zone",
        EffectKind.UPDATE_NAME: "name",
        EffectKind.END: "end",
    }
    ends = {"valid_until": permit.valid_until.isoformat()} | effect.data
    until = date.fromisoformat(ends.get("valid_until_before", ends["valid_until"]))
    return {
        **lasting(situation, permit, until),
        "permit_number": with_renewals(records),
        "plate": permit.plate,
        "zone_old": effect.data["zone"] if switch else permit.zone,
        "zone_new": effect.data["expected_zone"] if switch else permit.zone,
        "dropped_permit": ", ".join(dropped) if switch else "",
        "dropped_until": max((e.data.get(DROPPED_UNTIL, "") for e in decision.effects), default=""),
        "reason": _why_taken_back(situation),
        "what": what.get(effect.kind, "address"),
        **_stated(situation, "undo"),
    }


def _why_taken_back(situation: Situation) -> str:
    """ "clerk", "registry" where it took the event back, "put_off" where it is only to come."""
    if situation.reply:
        return "clerk"
    delta, now = situation.delta, situation.now
    home = delta.after.home() if delta.after else None
    lives = now.lived_in(delta.received_on) if now else None
    is_to_come = now is not None and now.home() != lives
    return (
        "put_off" if is_to_come and lives and home and lives.address == home.address else "registry"
    )


def ended(situation: Situation, decision: Decision) -> Mapping[str, str]:
    """`why` is the code of the question on which a clerk ended them; "" where the resident did."""
    permits = {permit.number: permit for permit in known_permits(situation)}
    ends = [effect for effect in decision.effects if effect.kind is EffectKind.END]
    named = [permits[effect.record] for effect in ends]
    why = [ground.facts["why"] for ground in decision.grounds if "why" in ground.facts]
    successors = [
        permit
        for act in situation.acts
        if act.effect.kind is EffectKind.SWITCH_ZONE
        for permit in act.permits
        if permit.status == "active" and permit not in named
    ]
    ended = [f"{p.number} (Zone {p.zone}, Kennzeichen {p.plate})" for p in named]
    return {
        "permit_number": numbers(named),
        "plate": named[-1].plate,
        "zone_old": named[-1].zone,
        "valid_until": ends[-1].data["valid_until"],
        "why": why[-1] if why else "",
        **_stated(situation, "end"),
        "ended": "; ".join(ended),
        "new_permit": numbers(successors),
        "moved": "yes" if not situation.acts and _has_moved(situation.delta) else "",
        "last_day": ends[-1].data["valid_until"],
    }


def _stated(situation: Situation, choice: str) -> Mapping[str, str]:
    """`taking`: by which norm a clerk took a right away, with all that it asked for; or ""."""
    every = [answer.stated for answer in situation.answers if answer.choice == choice]
    stated = every[-1] if every else {}
    return {"taking": taking_of(stated) or "", **stated}


def ending(situation: Situation, today: date) -> tuple[Effect, ...]:
    """Whoever deregisters gives up every permit that the letter was about, and needs the one before
    it no longer, which was tolerated until the letter is known."""
    touched = {permit.number: permit for act in situation.acts for permit in act.permits}.values()
    valid = running(touched, today)
    return end((*valid, *tolerated(touched, today)), today) if valid else ()
