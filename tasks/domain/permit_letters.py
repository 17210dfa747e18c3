"""What letters say when a permit ends, or when what was done to it is taken back.

The same for every service on permits. Dates are in ISO form; keys are those of the templates.
"""

from collections.abc import Mapping
from datetime import date

from tasks.domain.decision import Decision
from tasks.domain.effect import Effect, EffectKind
from tasks.domain.follow_up import known_permits, withdraws
from tasks.domain.permits import end, numbers, running
from tasks.domain.service import Situation


def taken_back(situation: Situation) -> Mapping[str, str]:
    """What holds again, and what was taken back."""
    switches = [act for act in situation.acts if act.effect.kind is EffectKind.SWITCH_ZONE]
    act = (switches or situation.acts)[-1]
    effect, permits = act.effect, {p.number: p for p in known_permits(situation)}
    permit, switch = permits[effect.record], bool(switches)
    dropped = [p.number for p in act.permits if p.number != effect.record]
    what = {
        EffectKind.SWITCH_ZONE: "zone",
        EffectKind.UPDATE_NAME: "name",
        EffectKind.END: "end",
    }
    ends = {"valid_until": permit.valid_until.isoformat()} | effect.data
    return {
        "permit_number": permit.number,
        "plate": permit.plate,
        "zone_old": effect.data["zone"] if switch else permit.zone,
        "zone_new": effect.data["expected_zone"] if switch else permit.zone,
        "valid_until": ends.get("valid_until_before", ends["valid_until"]),
        "dropped_permit": ", ".join(dropped) if switch else "",
        "reason": "clerk" if situation.reply else "registry",
        "what": what.get(effect.kind, "address"),
        "words": _reasons(situation, "undo") if withdraws(situation) else "",
    }


def ended(situation: Situation, decision: Decision, *, revoked: bool) -> Mapping[str, str]:
    """`why` is the code of the question on which a clerk ended them.

    `revoked`: with the clerk's own words. Without, these are a note and stay in the house.
    """
    permits = {permit.number: permit for permit in known_permits(situation)}
    ends = [effect for effect in decision.effects if effect.kind is EffectKind.END]
    named = [permits[effect.record] for effect in ends]
    why = [ground.facts["why"] for ground in decision.grounds if "why" in ground.facts]
    ended = [f"{p.number} (Zone {p.zone}, Kennzeichen {p.plate})" for p in named]
    return {
        "permit_number": numbers(named),
        "plate": named[-1].plate,
        "zone_old": named[-1].zone,
        "valid_until": ends[-1].data["valid_until"],
        "why": why[-1] if why else "resident",
        "words": _reasons(situation, "end") if revoked else "",
        "ended": "; ".join(ended),
        "last_day": ends[-1].data["valid_until"],
    }


def _reasons(situation: Situation, choice: str) -> str:
    words = [answer.words for answer in situation.answers if answer.choice == choice]
    return words[-1] if words else ""


def ending(situation: Situation, today: date) -> tuple[Effect, ...]:
    """Whoever deregisters gives up every permit that the letter was about."""
    touched = {permit.number: permit for act in situation.acts for permit in act.permits}
    return end(running(touched.values(), today), today)
