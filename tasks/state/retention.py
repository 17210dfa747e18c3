"""What may be forgotten: whose period is over, and for whom nobody waits any more.

A case, the cases that follow it up, and the event that takes it back with its cases are one chain:
they leave together, when the period of the last of them is over. Of a person with a case that still
waits for somebody nothing leaves, since the next decision looks at the earlier events.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from tasks.domain.case import Status
from tasks.state.documents import load_person
from tasks.state.tables import (
    AnswerRow,
    CaseRow,
    Delivery,
    DeltaRow,
    EffectRow,
    History,
    LetterRow,
    PersonRow,
    QuestionRow,
    ReplyRow,
    SectionRow,
)

RETENTION = "retention"
FINAL = {Status.CLOSED, Status.SENT, Status.DECLINED, Status.SUPPRESSED, Status.UNDONE}
_UNDERWAY = ["ready", "claimed", "uncertain"]  # letters


@dataclass(frozen=True, slots=True)
class Periods:
    """In days; the last day of each is still kept."""

    objection: int
    nothing_done: int
    held_back: int
    gone_person: int
    zone: ZoneInfo  # in which a moment has its day


@dataclass(frozen=True, slots=True)
class Leaving:
    """What is over of one person."""

    person: str
    gone: bool  # no longer lives here: the mirror's row goes as well
    deltas: tuple[int, ...]
    cases: tuple[str, ...]


def people(session: Session, municipality: str, after: str, limit: int) -> list[str]:
    """Ids of those not emptied, in order: the next ones behind `after`."""
    query = (
        select(PersonRow.id)
        .where(PersonRow.municipality == municipality, PersonRow.ags != "", PersonRow.id > after)
        .order_by(PersonRow.id)
        .limit(limit)
    )
    return list(session.exec(query))


def leaving(
    session: Session, municipality: str, ids: Collection[str], periods: Periods, day: date
) -> list[Leaving]:
    """What of these people is over on this day."""
    known = _Known(session, municipality, ids, periods)
    return [found for person in known.people if (found := known.leaving(person, day)) is not None]


@dataclass(frozen=True, slots=True)
class _Event:
    id: int
    event: str
    reverses: str
    received_on: date
    linked: bool


class _Known:
    """All that decides when the data of a batch of people leaves: one query a table."""

    def __init__(
        self, session: Session, municipality: str, ids: Collection[str], periods: Periods
    ) -> None:
        self._periods = periods
        self.people = session.exec(
            select(PersonRow)
            .where(PersonRow.municipality == municipality, col(PersonRow.id).in_(ids))
            .where(PersonRow.ags != "")
            .order_by(PersonRow.id)
        ).all()
        self._events = _events(session, ids)
        self._cases: dict[str, list[CaseRow]] = defaultdict(list)
        for case in session.exec(
            select(CaseRow)
            .where(col(CaseRow.person_id).in_(ids))
            .order_by(col(CaseRow.delta_id), col(CaseRow.id))
        ):
            self._cases[case.person_id].append(case)
        self._last = _last_steps(session, ids, periods.zone)
        self._letters: dict[str, set[str]] = defaultdict(set)
        for case_id, status in session.execute(
            select_columns(col(SectionRow.case_id), col(LetterRow.status))
            .join(LetterRow, col(LetterRow.id) == col(SectionRow.letter_id))
            .where(col(LetterRow.person_id).in_(ids))
        ):
            self._letters[case_id].add(status)
        self._acted = set(
            session.scalars(
                select_columns(col(EffectRow.case_id))
                .join(CaseRow, col(CaseRow.id) == col(EffectRow.case_id))
                .where(col(CaseRow.person_id).in_(ids))
            )
        )
        self._busy = _waited_for(session, ids)
        self._full_delivery = session.scalar(
            select_columns(func.max(Delivery.received_on)).where(
                col(Delivery.municipality) == municipality,
                col(Delivery.kind) == "full",
                col(Delivery.status) == "accepted",
            )
        )

    def leaving(self, row: PersonRow, day: date) -> Leaving | None:
        if not self._at_rest(row.id):
            return None
        chains = [(chain, self._last_day(*chain)) for chain in self._chains(row.id)]
        over = [chain for chain, last in chains if last < day]
        gone = _is_gone(row)
        # A death or a deletion that never happened is recognised by what was before it: all of a
        # person who is gone leaves at once.
        if gone and (len(over) < len(chains) or self._last_day_in_mirror(row.id) >= day):
            return None
        if not gone and not over:
            return None
        return Leaving(
            row.id,
            gone,
            tuple(event.id for events, _ in over for event in events),
            tuple(case.id for _, members in over for case in members),
        )

    def _at_rest(self, person: str) -> bool:
        return (
            person not in self._busy
            and all(event.linked for event in self._events[person])
            and all(self._is_final(case) for case in self._cases[person])
        )

    def _is_final(self, case: CaseRow) -> bool:
        if case.status == Status.LETTERED:  # test mode ends here: the letter never leaves
            return self._letters[case.id] == {"held_back"}
        return Status(case.status) in FINAL

    def _chains(self, person: str) -> list[tuple[list[_Event], list[CaseRow]]]:
        chain = _Union()
        by_sign: dict[str, int] = {}
        for event in self._events[person]:
            chain.add(event.id)
            if event.reverses in by_sign:
                chain.join(event.id, by_sign[event.reverses])
            by_sign[event.event] = event.id
        for case in self._cases[person]:
            chain.add(case.id)
            for other in (case.delta_id, case.follows):
                if other:
                    chain.join(case.id, other)
        found: dict[object, tuple[list[_Event], list[CaseRow]]] = {}
        for event in self._events[person]:
            found.setdefault(chain.root(event.id), ([], []))[0].append(event)
        for case in self._cases[person]:
            found.setdefault(chain.root(case.id), ([], []))[1].append(case)
        return list(found.values())

    def _last_day(self, events: Sequence[_Event], members: Sequence[CaseRow]) -> date:
        """The last day on which a chain is kept."""
        days = [self._last[case.id] + timedelta(days=self._kept(case)) for case in members]
        looked_at = {case.delta_id for case in members}
        for event in events:
            if event.id not in looked_at:  # no service is concerned
                days.append(event.received_on + timedelta(days=self._periods.nothing_done))
        return max(days)

    def _kept(self, case: CaseRow) -> int:
        letters = self._letters[case.id]
        if "handed_over" in letters:
            return self._periods.objection
        if "held_back" in letters:
            return self._periods.held_back
        return self._periods.objection if case.id in self._acted else self._periods.nothing_done

    def _last_day_in_mirror(self, person: str) -> date:
        """Counted from the last that the registry said about them."""
        told = [event.received_on for event in self._events[person]]
        last = max(told, default=self._full_delivery)
        return last + timedelta(days=self._periods.gone_person) if last else date.max


class _Union:
    """Which events and cases hang together."""

    def __init__(self) -> None:
        self._parents: dict[object, object] = {}

    def add(self, one: object) -> None:
        self._parents.setdefault(one, one)

    def join(self, one: object, other: object) -> None:
        self.add(one)
        self.add(other)
        self._parents[self.root(one)] = self.root(other)

    def root(self, one: object) -> object:
        while self._parents[one] != one:
            one = self._parents[one]
        return one


def _events(session: Session, ids: Collection[str]) -> dict[str, list[_Event]]:
    found: dict[str, list[_Event]] = defaultdict(list)
    for person, *event in session.execute(
        select_columns(
            col(DeltaRow.person_id),
            col(DeltaRow.id),
            col(DeltaRow.event),
            col(DeltaRow.reverses),
            col(DeltaRow.received_on),
            col(DeltaRow.linked),
        )
        .where(col(DeltaRow.person_id).in_(ids))
        .order_by(col(DeltaRow.id))
    ):
        found[person].append(_Event(*event))
    return found


def _last_steps(session: Session, ids: Collection[str], zone: ZoneInfo) -> dict[str, date]:
    """case id -> the day of the last that happened to it: a move, a letter, an answer, a reply."""
    mine = col(CaseRow.person_id).in_(ids)
    moved = col(History.case_id), func.max(History.at)
    sent = col(SectionRow.case_id), func.max(LetterRow.handed_over_at)
    answered = col(AnswerRow.case_id), func.max(AnswerRow.at)
    replied = col(ReplyRow.case_id), func.max(ReplyRow.at)
    queries: list[Select[Any]] = [
        select_columns(col(CaseRow.id), col(CaseRow.created_at)).where(mine),
        select_columns(*moved)
        .join(CaseRow, col(CaseRow.id) == moved[0])
        .where(mine, col(History.by) != RETENTION)
        .group_by(moved[0]),
        select_columns(*sent)
        .join(LetterRow, col(LetterRow.id) == col(SectionRow.letter_id))
        .where(col(LetterRow.person_id).in_(ids))
        .group_by(sent[0]),
        select_columns(*answered)
        .join(CaseRow, col(CaseRow.id) == answered[0])
        .where(mine)
        .group_by(answered[0]),
        select_columns(*replied)
        .join(CaseRow, col(CaseRow.id) == replied[0])
        .where(mine)
        .group_by(replied[0]),
    ]
    last: dict[str, date] = {}
    for query in queries:
        for case_id, moment in session.execute(query):
            if moment is not None:
                day = moment.astimezone(zone).date()
                last[case_id] = max(day, last.get(case_id, day))
    return last


def _waited_for(session: Session, ids: Collection[str]) -> set[str]:
    """People with a question, a reply or a letter that somebody must still see to."""
    mine = col(CaseRow.person_id).in_(ids)
    busy = set(
        session.scalars(
            select_columns(col(LetterRow.person_id)).where(
                col(LetterRow.person_id).in_(ids), col(LetterRow.status).in_(_UNDERWAY)
            )
        )
    )
    for waiting, over in ((QuestionRow, ["answered", "withdrawn"]), (ReplyRow, ["taken_up"])):
        busy |= set(
            session.scalars(
                select_columns(col(CaseRow.person_id))
                .join(waiting, col(waiting.case_id) == col(CaseRow.id))
                .where(mine, col(waiting.status).not_in(over))
            )
        )
    return busy


def _is_gone(row: PersonRow) -> bool:
    """Deleted, dead, or without a dwelling here. A dwelling not known where may be here."""
    try:
        person = None if row.gone else load_person(row.snapshot)
    except ValueError:  # whom nobody can read stays; what is over of such a person leaves
        return False
    if person is None or person.died is not None:
        return True
    return not any(
        dwelling.current
        and dwelling.address.ags in ("", person.key.ags)
        and not dwelling.address.country
        for dwelling in person.dwellings
    )
