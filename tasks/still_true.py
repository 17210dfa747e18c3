"""Is what a letter says still so, and may it still reach its resident? Asked just before it leaves.

A lock or a death may have arrived after the decision (BMG §§ 51, 52), the resident may have moved
or married, the registry may have taken the event back, somebody may have changed the record.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from tasks.domain.automation import FILTER_CODES, may_be_told
from tasks.domain.person import Person
from tasks.municipality import Municipality
from tasks.render import addressee
from tasks.state import facts
from tasks.state.database import Session
from tasks.state.tables import CaseRow, LetterRow

# What it says is wrong for good: sent again, it would be stopped again.
FOR_GOOD = {"superseded", "reversed"}
SENTENCES = FILTER_CODES | {"record_changed": "The record is no longer as the letter says."}
Told = Mapping[str, Sequence[CaseRow]]  # letter id -> the cases that it tells of


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a letter must not leave. `fields`: what is no longer so on the record."""

    code: str
    fields: frozenset[str] = frozenset()

    @property
    def for_good(self) -> bool:
        return self.code in FOR_GOOD

    @property
    def text(self) -> str:
        """For the clerk, without personal data."""
        changed = f" Changed: {', '.join(sorted(self.fields))}." if self.fields else ""
        return f"{SENTENCES[self.code]}{changed} The letter was stopped."


def what_forbids(
    town: Municipality, session: Session, letters: Sequence[LetterRow], told: Told, today: date
) -> dict[str, Objection]:
    """letter id -> what forbids it; letters that may leave are not in the answer."""
    people = facts.people_now(session, {letter.person_id for letter in letters})
    taken_back = _taken_back(session, told)
    untrue = untrue_of(town, session, told)
    found: dict[str, Objection] = {}
    for letter in letters:
        person = people[letter.person_id]
        if code := may_be_told(person, today) or _overtaken(letter, person, today):
            found[letter.id] = Objection(code)
        elif taken_back.intersection(case.id for case in told[letter.id]):
            found[letter.id] = Objection("reversed")
        elif letter.id in untrue:
            found[letter.id] = untrue[letter.id]
    return found


def _taken_back(session: Session, told: Told) -> set[str]:
    """Cases whose event the registry has taken back, and whose own undo is not done yet."""
    rows = [case for found in told.values() for case in found if not case.cause]
    later = facts.later_events(session, {case.person_id for case in rows})
    events = facts.signs(session, {case.delta_id for case in rows if case.delta_id})
    return {
        case.id
        for case in rows
        for delta_id, event in later[case.person_id]
        if delta_id > (case.delta_id or 0) and event.reverses == events[case.delta_id or 0]
    }


def untrue_of(town: Municipality, session: Session, told: Told) -> dict[str, Objection]:
    """Letters whose records are not as our last effect that they tell of has left them.

    What was changed by hand can be put right. What a later case of ours has changed has overtaken
    the letter for good.
    """
    done = facts.touches_of(session, {case.person_id for found in told.values() for case in found})
    own: dict[str, list[facts.Touch]] = {}
    for letter_id, found in told.items():
        ids = {case.id for case in found}
        if ours := [one for one in done.get(found[0].person_id, []) if one.case_id in ids]:
            own[letter_id] = ours
    if not own:
        return {}
    changed = town.register.changed_since([[one.key for one in ours] for ours in own.values()])
    return {
        letter_id: Objection("superseded")
        if _is_changed_by_us(own[letter_id], done[told[letter_id][0].person_id])
        else Objection("record_changed", fields)
        for letter_id, fields in zip(own, changed, strict=True)
        if fields
    }


def _is_changed_by_us(own: Sequence[facts.Touch], done: Sequence[facts.Touch]) -> bool:
    """Whether a later effect of ours that still stands has touched one of the same records."""
    records = frozenset[str]().union(*(one.records for one in own))
    undone = {one.undoes for one in done}
    return any(
        not records.isdisjoint(one.records)
        for one in done[done.index(own[-1]) + 1 :]
        if one.key not in undone and one.undoes is None
    )


def _overtaken(letter: LetterRow, person: Person | None, today: date) -> str:
    """The code of why a letter has lost its addressee: moved again, never moved, other name."""
    dwelling = person.reached_at(today) if person else None
    lines = addressee(person, dwelling) if person and dwelling else ()
    return "" if "\n".join(lines) == letter.addressee else "superseded"
