"""What every part of the history has in common: one line of it, and how things are worded."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from typing import Any

from tasks.domain.decision import Decision
from tasks.state.documents import DECISION
from tasks.state.story import Chain
from tasks.state.tables import CaseRow, DecisionRow, History

UNRECORDED = "the moment itself was not recorded"

# Also the order of what happened at the same moment.
KINDS = (
    "event",
    "later_event",
    "related",
    "opened",
    "link",
    "reply",
    "opt_out",
    "answer",
    "answer_confirmed",
    "decision",
    "question_withdrawn",
    "question",
    "effect",
    "letter",
    "letter_claimed",
    "letter_settled",
    "status",
    "token",
    "forgotten",
)

REPLIES = {
    "deregister": "deregister, the record is no longer needed",
    "wrong": "this is wrong",
    "object": "announces an objection",
    "opt_out": "no further acts without being asked",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timeline. `ref` names the row it tells of; each row is told once."""

    at: datetime
    case: str
    kind: str
    ref: str
    who: str
    what: str
    details: tuple[str, ...] = ()
    run: str = ""
    about: str = ""  # the related case that this line only points to


@dataclass(frozen=True)
class View:
    """What is told, and how. `replays`: a decision's ref -> whether it comes out the same today."""

    chain: Chain
    replays: Mapping[str, bool | None]
    zone: tzinfo

    def mine(self, rows: Sequence[Any], case: CaseRow) -> list[Any]:
        return [row for row in rows if row.case_id == case.id]

    def moment(self, at: datetime) -> str:
        return f"{at.astimezone(self.zone):%Y-%m-%d %H:%M}"

    def midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.zone).astimezone(UTC)


def decision_ref(row: DecisionRow) -> str:
    return f"decision:{row.case_id}:{row.seq}"


def stored_decision(row: DecisionRow) -> Decision | None:
    """None where it was forgotten, or is older than the words it is written in."""
    try:
        return DECISION.validate_json(row.decision)
    except ValueError:
        return None


def who_of(by: str) -> str:
    who, _, why = by.partition(": ")
    return f"{who} ({why})" if why else who


def closes_question(move: History) -> bool:
    """A clerk's answer took effect: tasks/state/answers.py."""
    return move.old == move.new and move.by.startswith("clerk ")


def effect_words(effect: Mapping[str, Any]) -> str:
    return f"{effect['kind']} {effect['record']} {flat(effect.get('data', {}))}".rstrip()


def flat(data: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in data.items())


def quoted(text: str) -> list[str]:
    return [f"> {line}" for line in text.splitlines()]


def documents(text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(text) if text else []
    return found


def document(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text) if text else {}
    return found
