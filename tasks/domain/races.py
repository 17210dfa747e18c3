"""Reversals and races: what may come in between, where a case may stand then, and the answer.

                 open ► granted ► acting ► acted ► lettered ► sent
    reversed     └─── suppressed ───┘└─ undone, nobody told ─┘  └ undone and told
    locked       └──── a clerk ─────┘└─ the letter stops ────┘  └ nothing
    moved on     └── decided anew ──┘└─ told, then followed ─┘  └ followed

The rules behind the table: what was not carried out is decided anew on what is known by then. What
was carried out stands until it is undone (VwVfG § 43 Abs. 2), by a case of its own. Nobody is told
of what was undone before its letter left; whoever may have been told of the act is told of its
undoing. A letter that would be untrue, or could reach somebody else, never leaves by itself. The
machine undoes only what the registry itself takes back; all else is a clerk's (VwVfG §§ 48, 49).

Data, and no part of the pipeline. tests/steps/test_races.py plays every cell for real.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Race(StrEnum):
    """What comes in between."""

    EVENT_REVERSED = "event_reversed"  # the move never happened (390, 32, by the snapshots)
    RECORD_DELETED = "record_deleted"  # person.loeschen, or a cancelled person (34)
    KEY_CHANGED = "key_changed"  # the person has another registry key now (29)
    MOVED_AGAIN = "moved_again"
    LOCKED = "locked"  # BMG § 51
    DIED = "died"
    PERMIT_CHANGED = "permit_changed"  # by hand, in the permit system
    DEREGISTERED = "deregistered"  # the resident's reply to the letter of this very case
    SAYS_WRONG = "says_wrong"  # the same
    OPTED_OUT = "opted_out"  # with the code of an earlier letter of the service
    CLERK_ANSWERS = "clerk_answers"  # the question of this case, with what was proposed
    SWITCHED_OFF = "switched_off"  # the municipality switches the service off


class Stand(StrEnum):
    """Where the case of a move stands when it comes."""

    OPEN = "open"  # the day of moving in lies ahead
    GRANTED = "granted"  # settling
    ACTING_NOT_REACHED = "acting_not_reached"  # killed before the register had the effect
    ACTING_REACHED = "acting_reached"  # killed after it, before we had noted it
    ACTED = "acted"  # killed before the letter was written
    LETTERED = "lettered"  # killed before the letter left, or the channel is away
    LETTER_STOPPED = "letter_stopped"  # carried out; a clerk is asked about the letter
    NEEDS_REVIEW = "needs_review"  # nothing carried out; a clerk is asked about the case
    SENT = "sent"
    CLOSED = "closed"  # only the address was put right, and nobody is told of that
    DECLINED = "declined"  # a clerk has settled it by hand
    SUPPRESSED = "suppressed"  # the resident had opted out before
    UNDONE = "undone"  # the resident has deregistered
    FAILED_DECIDE = "failed_decide"
    FAILED_ACT = "failed_act"
    FAILED_RENDER = "failed_render"
    FAILED_SEND = "failed_send"
    UNCERTAIN = "uncertain"  # the letter may have left


class Reaction(StrEnum):
    """What becomes of the case."""

    NOTHING = "nothing"  # case, permit and letter stay as they are
    SUPPRESSED = "suppressed"  # nothing is carried out, nobody is told
    CARRIED_OUT = "carried_out"  # it goes its way: the permit is switched, the resident told
    DECIDED_ANEW = "decided_anew"  # only the later event is carried out, and told
    FOLLOWED = "followed"  # it stands and is told; the later event is carried out, and told
    ASKS_CLERK = "asks_clerk"  # nothing is carried out before a clerk has answered
    UNDONE_SILENTLY = "undone_silently"  # put back; the letter, if there is one, never leaves
    UNDONE_AND_TOLD = "undone_and_told"  # put back; told at the address that holds again
    GIVEN_UP = "given_up"  # the permit is ended as the resident wishes, and the resident told
    LETTER_STOPPED = "letter_stopped"  # it stands; the letter waits for a clerk
    NEVER_TOLD = "never_told"  # it stands; nobody is left to be told
    CLOSED = "closed"  # it stands; the clerk has settled the letter
    WAITS = "waits"  # as it stands, until the service is switched on again
    WAITS_FOR_RERUN = "waits_for_rerun"  # an admin continues it; then as where its step begins
    IMPOSSIBLE = "impossible"  # the two exclude each other


@dataclass(frozen=True, slots=True)
class Cell:
    """`asks`: the codes of all questions that clerks have afterwards."""

    reaction: Reaction
    why: str
    asks: frozenset[str] = frozenset()


# Where a failed case stands once it is continued: what the table says there holds for it.
CONTINUES = {
    Stand.FAILED_DECIDE: Stand.GRANTED,
    Stand.FAILED_ACT: Stand.GRANTED,
    Stand.FAILED_RENDER: Stand.ACTED,
    Stand.FAILED_SEND: Stand.LETTERED,
}


def once_continued(race: Race, stand: Stand) -> Cell:
    """What becomes of a failed case that waits for a rerun when the rerun comes."""
    return _CONTINUED_LATE.get((race, stand), RACES[race, CONTINUES[stand]])


_S, _R = Stand, Reaction
_BEFORE = (_S.OPEN, _S.GRANTED, _S.ACTING_NOT_REACHED)
_UNWRITTEN = (_S.ACTING_REACHED, _S.ACTED)
_UNTOLD = (*_UNWRITTEN, _S.LETTERED)
_FAILED = tuple(CONTINUES)
_NO_LETTER = "the letter has not left, so its code opens nothing"
_NO_QUESTION = "no question is open"

# Stands, reaction, why, and the questions afterwards.
_Row = tuple[tuple[Stand, ...], Reaction, str, str]

_TABLE: dict[Race, tuple[_Row, ...]] = {
    Race.EVENT_REVERSED: (
        ((*_BEFORE, _S.NEEDS_REVIEW), _R.SUPPRESSED, "there was no move to act on", ""),
        (_UNTOLD, _R.UNDONE_SILENTLY, "put back before anybody knew", ""),
        ((_S.LETTER_STOPPED,), _R.UNDONE_SILENTLY, "its question is withdrawn, too", ""),
        ((_S.CLOSED,), _R.UNDONE_SILENTLY, "nobody was told of the act either", ""),
        ((_S.FAILED_RENDER, _S.FAILED_SEND), _R.UNDONE_SILENTLY, "an undo needs no rerun", ""),
        ((_S.SENT,), _R.UNDONE_AND_TOLD, "the Bescheid is known: so must its end be (§ 41)", ""),
        ((_S.UNCERTAIN,), _R.UNDONE_AND_TOLD, "the letter may have been read", ""),
        ((_S.DECLINED,), _R.NOTHING, "the permit stands in the zone that is right again", ""),
        ((_S.SUPPRESSED,), _R.NOTHING, "nothing was done", ""),
        ((_S.UNDONE,), _R.NOTHING, "given up is given up: a new permit needs a new wish", ""),
        ((_S.FAILED_DECIDE, _S.FAILED_ACT), _R.WAITS_FOR_RERUN, "nothing was carried out", ""),
    ),
    Race.RECORD_DELETED: (
        ((*_BEFORE, _S.NEEDS_REVIEW), _R.SUPPRESSED, "a deletion says no why", "holder_vanished"),
        (_UNWRITTEN, _R.NEVER_TOLD, "there is no address any more", "holder_vanished"),
        ((_S.LETTERED,), _R.LETTER_STOPPED, "it may come back (41)", "holder_vanished"),
        (
            (_S.LETTER_STOPPED,),
            _R.NOTHING,
            "the letter waits already",
            "address_locked holder_vanished",
        ),
        (
            (_S.SENT, _S.CLOSED, _S.DECLINED, _S.UNCERTAIN),
            _R.NOTHING,
            "a permit ends by no deletion (§ 43 Abs. 2)",
            "holder_vanished",
        ),
        (
            (_S.SUPPRESSED,),
            _R.NOTHING,
            "a record does not outlive its holder by an opt-out",
            "holder_vanished",
        ),
        ((_S.UNDONE,), _R.NOTHING, "there is no permit left to ask about", ""),
        (_FAILED, _R.WAITS_FOR_RERUN, "what failed is not repeated by itself", "holder_vanished"),
    ),
    Race.KEY_CHANGED: (
        (
            (*_BEFORE, *_UNTOLD),
            _R.CARRIED_OUT,
            "nobody moved; a clerk enters the new key",
            "holder_uncertain",
        ),
        (
            (_S.LETTER_STOPPED,),
            _R.NOTHING,
            "the letter waits already",
            "address_locked holder_uncertain",
        ),
        (
            (_S.NEEDS_REVIEW,),
            _R.NOTHING,
            "its question stays",
            "holder_uncertain no_standing_application",
        ),
        (
            (_S.SENT, _S.CLOSED, _S.DECLINED, _S.UNCERTAIN),
            _R.NOTHING,
            "a clerk enters the new key",
            "holder_uncertain",
        ),
        ((_S.SUPPRESSED,), _R.NOTHING, "the permit must be found again", "holder_uncertain"),
        ((_S.UNDONE,), _R.NOTHING, "there is no permit left to ask about", ""),
        (_FAILED, _R.WAITS_FOR_RERUN, "what failed is not repeated by itself", "holder_uncertain"),
    ),
    Race.MOVED_AGAIN: (
        (_BEFORE, _R.DECIDED_ANEW, "one switch, from the zone of the permit to the last one", ""),
        (_UNWRITTEN, _R.FOLLOWED, "told at the new address, as long as it is true", ""),
        (
            (_S.LETTERED,),
            _R.LETTER_STOPPED,
            "it would go to a house just left; the second move goes on",
            "superseded",
        ),
        (
            (_S.LETTER_STOPPED,),
            _R.FOLLOWED,
            "the letter waits already; the second move goes on",
            "address_locked",
        ),
        (
            (_S.NEEDS_REVIEW,),
            _R.SUPPRESSED,
            "the same question, about the last move only",
            "no_standing_application",
        ),
        ((_S.SENT, _S.CLOSED, _S.UNCERTAIN), _R.FOLLOWED, "a move like any other", ""),
        ((_S.DECLINED,), _R.NOTHING, "nobody knows what was done by hand", "permit_zone_conflict"),
        ((_S.SUPPRESSED,), _R.NOTHING, "opted out of this move, too", ""),
        ((_S.UNDONE,), _R.NOTHING, "there is no permit to switch", ""),
        (
            (_S.FAILED_DECIDE, _S.FAILED_ACT),
            _R.WAITS_FOR_RERUN,
            "the second move goes on from the zone of the permit",
            "",
        ),
        (
            (_S.FAILED_RENDER, _S.FAILED_SEND),
            _R.WAITS_FOR_RERUN,
            "the second move goes on",
            "",
        ),
    ),
    Race.LOCKED: (
        (_BEFORE, _R.ASKS_CLERK, "BMG § 51: out of every automatic lane", "address_locked"),
        ((_S.NEEDS_REVIEW,), _R.ASKS_CLERK, "the weightier question", "address_locked"),
        (_UNTOLD, _R.LETTER_STOPPED, "no letter without a person's eye", "address_locked"),
        ((_S.LETTER_STOPPED,), _R.NOTHING, "the letter waits already", "address_locked"),
        (
            (_S.SENT, _S.CLOSED, _S.DECLINED, _S.SUPPRESSED, _S.UNDONE, _S.UNCERTAIN),
            _R.NOTHING,
            "nothing is about to leave",
            "",
        ),
        (_FAILED, _R.WAITS_FOR_RERUN, "looked at again before anything is done", ""),
    ),
    Race.DIED: (
        ((*_BEFORE, _S.NEEDS_REVIEW), _R.SUPPRESSED, "the dead move nowhere", "holder_died"),
        (_UNWRITTEN, _R.NEVER_TOLD, "no letter to the dead", "holder_died"),
        ((_S.LETTERED,), _R.LETTER_STOPPED, "no letter to the dead", "holder_died"),
        (
            (_S.LETTER_STOPPED,),
            _R.NOTHING,
            "the letter waits already",
            "address_locked holder_died",
        ),
        (
            (_S.SENT, _S.CLOSED, _S.DECLINED, _S.UNCERTAIN),
            _R.NOTHING,
            "a clerk ends the permit (§ 43 Abs. 2)",
            "holder_died",
        ),
        (
            (_S.SUPPRESSED,),
            _R.NOTHING,
            "a record does not outlive its holder by an opt-out",
            "holder_died",
        ),
        ((_S.UNDONE,), _R.NOTHING, "there is no permit left to end", ""),
        (_FAILED, _R.WAITS_FOR_RERUN, "what failed is not repeated by itself", "holder_died"),
    ),
    Race.PERMIT_CHANGED: (
        (_BEFORE, _R.ASKS_CLERK, "decided on the permit as it is now", "permit_zone_conflict"),
        (
            (_S.ACTING_REACHED, _S.ACTED, _S.LETTERED),
            _R.LETTER_STOPPED,
            "it would say what is no longer so",
            "record_changed",
        ),
        ((_S.LETTER_STOPPED,), _R.NOTHING, "looked at before it leaves", "address_locked"),
        (
            (_S.NEEDS_REVIEW,),
            _R.NOTHING,
            "looked at when the answer comes",
            "no_standing_application",
        ),
        (
            (_S.SENT, _S.CLOSED, _S.DECLINED, _S.SUPPRESSED, _S.UNDONE, _S.UNCERTAIN),
            _R.NOTHING,
            "the permit is the clerk's; a later undo asks first",
            "",
        ),
        (_FAILED, _R.WAITS_FOR_RERUN, "looked at when it is continued", ""),
    ),
    Race.DEREGISTERED: (
        ((*_BEFORE, *_UNTOLD, _S.LETTER_STOPPED), _R.IMPOSSIBLE, _NO_LETTER, ""),
        (
            (_S.NEEDS_REVIEW, _S.CLOSED, _S.DECLINED, _S.SUPPRESSED, *_FAILED),
            _R.IMPOSSIBLE,
            _NO_LETTER,
            "",
        ),
        ((_S.SENT,), _R.GIVEN_UP, "the resident's own right", ""),
        ((_S.UNCERTAIN,), _R.GIVEN_UP, "so the letter did arrive", ""),
        ((_S.UNDONE,), _R.NOTHING, "the same reply once more", ""),
    ),
    Race.SAYS_WRONG: (
        ((*_BEFORE, *_UNTOLD, _S.LETTER_STOPPED), _R.IMPOSSIBLE, _NO_LETTER, ""),
        (
            (_S.NEEDS_REVIEW, _S.CLOSED, _S.DECLINED, _S.SUPPRESSED, *_FAILED),
            _R.IMPOSSIBLE,
            _NO_LETTER,
            "",
        ),
        (
            (_S.SENT, _S.UNCERTAIN),
            _R.NOTHING,
            "it stands until a clerk has looked (VwVfG § 24, DSGVO Art. 22)",
            "resident_says_wrong",
        ),
        ((_S.UNDONE,), _R.NOTHING, "what is wanted now?", "reply_crosses_undo"),
    ),
    Race.OPTED_OUT: (
        ((*_BEFORE, _S.NEEDS_REVIEW), _R.SUPPRESSED, "DSGVO Art. 21: no act from now on", ""),
        (_UNTOLD, _R.CARRIED_OUT, "what was carried out is told", ""),
        ((_S.LETTER_STOPPED,), _R.NOTHING, "the letter is the clerk's", "address_locked"),
        (
            (_S.SENT, _S.CLOSED, _S.DECLINED, _S.SUPPRESSED, _S.UNDONE, _S.UNCERTAIN),
            _R.NOTHING,
            "it holds for what comes",
            "",
        ),
        (_FAILED, _R.WAITS_FOR_RERUN, "what failed is not repeated by itself", ""),
    ),
    Race.CLERK_ANSWERS: (
        ((_S.NEEDS_REVIEW,), _R.CARRIED_OUT, "decided with the answer, on that very day", ""),
        ((_S.LETTER_STOPPED,), _R.CLOSED, "told in another way, says the clerk", ""),
        ((*_BEFORE, *_UNTOLD, *_FAILED), _R.IMPOSSIBLE, _NO_QUESTION, ""),
        (
            (_S.SENT, _S.CLOSED, _S.DECLINED, _S.SUPPRESSED, _S.UNDONE, _S.UNCERTAIN),
            _R.IMPOSSIBLE,
            _NO_QUESTION,
            "",
        ),
    ),
    Race.SWITCHED_OFF: (
        (_BEFORE, _R.WAITS, "nothing is decided for a service that is off", ""),
        (_UNTOLD, _R.CARRIED_OUT, "what was carried out is told", ""),
        ((_S.LETTER_STOPPED,), _R.NOTHING, "the letter is the clerk's", "address_locked"),
        ((_S.NEEDS_REVIEW,), _R.NOTHING, "an answer waits with it", "no_standing_application"),
        (
            (_S.SENT, _S.CLOSED, _S.DECLINED, _S.SUPPRESSED, _S.UNDONE, _S.UNCERTAIN),
            _R.NOTHING,
            "it is over",
            "",
        ),
        (
            (_S.FAILED_DECIDE, _S.FAILED_ACT),
            _R.NOTHING,
            "a rerun says that the service is off",
            "",
        ),
        ((_S.FAILED_RENDER, _S.FAILED_SEND), _R.WAITS_FOR_RERUN, "the letter is still due", ""),
    ),
}


# Continued after the later event was carried out.
_CONTINUED_LATE = {
    (Race.MOVED_AGAIN, Stand.FAILED_RENDER): Cell(
        Reaction.LETTER_STOPPED,
        "the second move has switched the permit already",
        frozenset({"superseded"}),
    ),
}


def _cells() -> Iterator[tuple[tuple[Race, Stand], Cell]]:
    for race, rows in _TABLE.items():
        for stands, reaction, why, asks in rows:
            for stand in stands:
                yield (race, stand), Cell(reaction, why, frozenset(asks.split()))


RACES: Mapping[tuple[Race, Stand], Cell] = dict(_cells())
