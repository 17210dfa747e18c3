"""A case's life: one table of allowed transitions.

                   ┌────────────► declined
open ──────────────┼────────────► granted ──► acted ──► lettered ──► sent ──► closed
  ▲                ├────────────► needs_review ──(clerk)──► granted | declined
  │ (held)         └────────────► suppressed (reversal, later event, opt-out)
  └── stays open until the day that the decision names

open | granted | acted | lettered ──► failed(step, code) ──(rerun)──► where it failed
granted | needs_review ──(later delta, before anything was done)──► decided again
granted | acted | lettered | sent | closed ──(reply, reversal, clerk)──► undone

What undoes a case is a case of its own: that of the reversal, or one that follows up a reply or a
clerk's answer. Its effects are the inverse ones, and it has its own letter.
"""

from enum import StrEnum


class Status(StrEnum):
    """Drives the machine. Stored: never rename a value."""

    OPEN = "open"
    GRANTED = "granted"
    DECLINED = "declined"
    NEEDS_REVIEW = "needs_review"
    SUPPRESSED = "suppressed"
    ACTED = "acted"
    LETTERED = "lettered"
    SENT = "sent"
    CLOSED = "closed"
    FAILED = "failed"
    UNDONE = "undone"


class Step(StrEnum):
    LINK = "link"
    DECIDE = "decide"
    ACT = "act"
    RENDER = "render"
    SEND = "send"


_DECIDED = {Status.GRANTED, Status.DECLINED, Status.NEEDS_REVIEW, Status.SUPPRESSED}

TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.OPEN: frozenset(_DECIDED | {Status.FAILED}),
    # Decided again until something was done: a correction or a lock may arrive meanwhile.
    Status.GRANTED: frozenset(
        _DECIDED - {Status.GRANTED} | {Status.OPEN, Status.ACTED, Status.FAILED, Status.UNDONE}
    ),
    # Back to lettered: a letter that was stopped may go after all; closed: it need not.
    Status.NEEDS_REVIEW: frozenset(
        _DECIDED - {Status.NEEDS_REVIEW}
        | {Status.OPEN, Status.FAILED, Status.LETTERED, Status.CLOSED, Status.UNDONE}
    ),
    Status.ACTED: frozenset({Status.LETTERED, Status.CLOSED, Status.FAILED, Status.UNDONE}),
    Status.LETTERED: frozenset({Status.SENT, Status.NEEDS_REVIEW, Status.FAILED, Status.UNDONE}),
    Status.SENT: frozenset({Status.CLOSED, Status.UNDONE}),
    Status.CLOSED: frozenset({Status.UNDONE}),
    Status.FAILED: frozenset(
        {
            Status.OPEN,
            Status.GRANTED,
            Status.ACTED,
            Status.LETTERED,
            Status.NEEDS_REVIEW,
            Status.UNDONE,
        }
    ),
    Status.DECLINED: frozenset(),
    Status.SUPPRESSED: frozenset(),
    Status.UNDONE: frozenset(),
}

UNDONE_YET = (Status.OPEN, Status.GRANTED, Status.NEEDS_REVIEW)  # nothing was carried out so far

# Where a failed case continues: the status it had when the step began.
BEFORE_STEP: dict[Step, Status] = {
    Step.LINK: Status.OPEN,
    Step.DECIDE: Status.OPEN,
    Step.ACT: Status.GRANTED,
    Step.RENDER: Status.ACTED,
    Step.SEND: Status.LETTERED,
}


def may_become(old: Status, new: Status) -> bool:
    return new in TRANSITIONS[old]
