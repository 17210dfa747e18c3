"""Takes a delivery in: mirror, deltas, quarantine and cursor in one transaction, or nothing.

A truncated file hands out records before its error; since everything happens in the caller's one
transaction, an error on the last byte of the last packet leaves no trace of the first.

A record is an event, or it tells a state (full delivery, code 102). Of a state only what differs
from the mirror is a delta, found by comparison. An event counts once, by its sign and by what it
says: signs are unique across deliveries.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, update
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from tasks.domain.delta import DeltaKind, address_changed
from tasks.domain.person import Person, PersonKey
from tasks.errors import DeliveryRejected, RecordRejected
from tasks.state.database import insert_rows, new_id, upsert, utcnow
from tasks.state.documents import PERSON, dump, load_person
from tasks.state.intake import had_full
from tasks.state.tables import Delivery, DeltaRow, PersonRow

PAGE = 1000  # rows of the mirror held in memory at a time
# A full delivery in which more people are missing than this, and than it names, is none.
MANY_MISSING = 100

_REVERSALS = {
    DeltaKind.MOVE_REVERSED: {DeltaKind.MOVE, DeltaKind.ADDRESS_UPDATE, DeltaKind.MOVE_AWAY},
    DeltaKind.DEATH_REVERSED: {DeltaKind.DEATH},
    DeltaKind.OTHER_REVERSED: {DeltaKind.DELETION},  # 41: only of a person who was gone
}


@dataclass(frozen=True, slots=True)
class Incoming:
    """One good record of a packet, as any registry format yields it."""

    packet: int
    position: int
    event: str
    event_time: datetime
    code: str
    kind: DeltaKind
    key: PersonKey
    person: Person | None


# What one record says of the person before and after it, on the day it arrives; mostly one thing.
Told = tuple[DeltaKind, Person | None, Person | None]
PART = "*"  # ends the sign of what a record says before its last word


@dataclass(frozen=True, slots=True)
class Compare:
    """How a registry's records are read against what was known before."""

    # (kind by code, before, after, day of arrival) -> what happened, by the snapshots
    tell: Callable[[DeltaKind, Person | None, Person | None, date], Sequence[Told]]
    # (as last known before the deletion, after) -> kind of somebody who was not here
    newcomer: Callable[[Person | None, Person], DeltaKind]


@dataclass(slots=True)
class _Mirror:
    """A person as known before the record. The snapshot is read only where it must be."""

    id: str
    born: str = ""
    text: str = ""
    gone: bool = False
    missing: str = ""
    told: str = ""
    full_no: int = 0
    known: bool = True

    @property
    def here(self) -> bool:
        return self.known and not self.gone


@dataclass(slots=True)
class Taking:
    """One delivery while it is taken in."""

    session: Session
    delivery: Delivery
    compare: Compare
    received_on: date
    deltas: int = 0
    repeated: int = 0  # known already: the same sign, the same content
    refused: list[tuple[Incoming, RecordRejected]] = field(default_factory=list)
    _everyone_known: bool = field(init=False)
    _absent: int = 0
    _named_twice: bool = False
    _latest: datetime | None = None

    def __post_init__(self) -> None:
        self._everyone_known = had_full(self.session, self.delivery)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """All that is taken in within it, or nothing: whatever breaks can be tried in parts."""
        counted = self.deltas, self.repeated, list(self.refused), self._latest
        try:
            with self.session.begin_nested():
                yield
        except BaseException:
            self.deltas, self.repeated, self.refused, self._latest = counted
            raise

    def take_in(self, records: Sequence[Incoming]) -> None:
        """One chunk of records in the registry's order."""
        people = self._people({record.key for record in records})
        signs = self._known_signs(records)
        deltas: list[dict[str, object]] = []
        touched = {}
        for record in records:
            self._latest = record.event_time
            text = dump(PERSON, record.person) if record.person else ""
            content = _content(record, text)
            if known := signs.get(record.event):
                if known == content:
                    self.repeated += 1
                else:
                    error = RecordRejected("registry.event_known_otherwise")
                    self.refused.append((record, error))
                continue
            row = people.get(record.key) or _Mirror(new_id("p"), known=False)
            people[record.key] = row
            self._check_named_once(row, text)
            touched[record.key] = row
            deltas += self._deltas_of(record, row, text, content)
        self._mirror(touched)
        _name_what_is_reversed(self.session, deltas)
        self._keep(deltas)

    def _check_named_once(self, row: _Mirror, text: str) -> None:
        """Of two states at one time one is wrong, and nobody knows how many more are."""
        if self.delivery.kind != "full":
            return
        if row.full_no == self.delivery.number and row.text != text:
            self._named_twice = True
        row.full_no = self.delivery.number

    def unread(self, key: PersonKey) -> None:
        """This person is in the delivery, though the record cannot be read."""
        self.session.execute(
            update(PersonRow).where(*self._mine(), *_has(key)).values(full_no=self.delivery.number)
        )

    def finish(self) -> None:
        """At the end of a full delivery: who of the mirror was not in it?

        Their absence is no deletion. It is a delta of its own kind, once, until they are told of
        again. Whoever had left or died before need not be there. Raises DeliveryRejected where so
        many are missing that it cannot be everyone.
        """
        if self._named_twice:
            raise DeliveryRejected("registry.person_twice")
        absent = (
            *self._mine(),
            col(PersonRow.gone).is_(False),
            col(PersonRow.full_no) != self.delivery.number,
        )
        self._check_plausible(self._count(*absent))
        after = ""
        while page := self.session.exec(
            select(PersonRow)
            .where(*absent, PersonRow.missing == "", PersonRow.id > after)
            .order_by(PersonRow.id)
            .limit(PAGE)
        ).all():
            after = page[-1].id
            self._keep([self._missing(row) for row in page if _lives_here(row)])

    def _check_plausible(self, missing: int) -> None:
        named = self._count(*self._mine(), col(PersonRow.full_no) == self.delivery.number)
        if missing and missing > (MANY_MISSING if named else 0) and missing > named:
            raise DeliveryRejected("registry.full_incomplete")

    def _count(self, *conditions: Any) -> int:
        query = select(func.count()).select_from(PersonRow).where(*conditions)
        return self.session.exec(query).one()

    def _mine(self) -> tuple[Any, ...]:
        return (col(PersonRow.municipality) == self.delivery.municipality,)

    def _deltas_of(
        self, record: Incoming, row: _Mirror, text: str, content: str
    ) -> Iterator[dict[str, object]]:
        """What the record means; the mirror is then as it says."""
        stock = record.kind is DeltaKind.STOCK
        same = stock and row.here and row.text == text
        stale = stock and not same and row.told == content  # what came in between is newer
        back, row.missing = row.missing if record.person else "", ""
        known = None if same and not back else load_person(row.text)
        told = [] if same or stale else [*self._told(record, row, known)]
        if back:
            told.insert(0, (DeltaKind.OTHER_REVERSED, known, known))
        written = {id(known): row.text, id(record.person): text}
        for place, one in enumerate(told, start=1):
            if one[0] is not DeltaKind.STOCK:
                takes_back = back if place == 1 else ""
                yield self._delta(record, row, one, written, len(told) - place, content, takes_back)
        if stale:
            self.repeated += 1
            return
        row.told = content if stock else row.told
        row.text = text or row.text
        row.born = str(record.person.born) if record.person else ""
        row.gone, row.known = record.person is None, True

    def _told(self, record: Incoming, row: _Mirror, known: Person | None) -> Sequence[Told]:
        person = record.person
        if record.kind is not DeltaKind.STOCK or row.here or person is None:
            before = known if row.here else None
            return self.compare.tell(record.kind, before, person, self.received_on)
        if not (self._everyone_known or row.known):
            return ()
        return ((self.compare.newcomer(known, person), None, person),)

    def _delta(
        self,
        record: Incoming,
        row: _Mirror,
        told: Told,
        written: Mapping[int, str],
        before_the_last: int,
        content: str,
        takes_back: str,
    ) -> dict[str, object]:
        """`written`: id of a snapshot -> its text, as far as it was written before.

        `before_the_last`: 0 for what a record says last, which alone carries its own sign.
        """
        kind, before, after = told
        # Data minimisation: what no service may look at is counted, not kept.
        kept, stock = kind is not DeltaKind.IRRELEVANT, record.kind is DeltaKind.STOCK
        texts = [
            (written.get(id(one)) or dump(PERSON, one)) if kept and one else None
            for one in (before, after)
        ]
        return self._row(
            row.id,
            kind,
            packet=record.packet,
            position=record.position,
            part=before_the_last,
            event=record.event + PART * before_the_last,
            event_time=record.event_time,
            reason_code=record.code,
            compared=stock,
            # The sign of a state names no event: the next state may carry it, too.
            content="" if stock else content,
            reverses=takes_back,
            address_changed=kept and address_changed(before, after),
            before=texts[0],
            after=texts[1],
            linked=not kept,
        )

    def _missing(self, row: PersonRow) -> dict[str, object]:
        """No record tells it: it stands behind the last packet."""
        self._absent += 1
        row.missing = f"missing-{self.delivery.number:04d}-{self._absent:04d}"
        return self._row(
            row.id,
            DeltaKind.MISSING,
            packet=self.delivery.packets + 1,
            position=self._absent,
            event=row.missing,
            event_time=self._latest or utcnow(),
            compared=True,
            before=row.snapshot,
        )

    def _row(self, person_id: str, kind: DeltaKind, **fields: object) -> dict[str, object]:
        defaults: dict[str, object] = {
            "municipality": self.delivery.municipality,
            "source": self.delivery.source,
            "delivery_no": self.delivery.number,
            "received_on": self.received_on,
            "kind": kind.value,
            "person_id": person_id,
            "part": 0,
            "reason_code": "",
            "reverses": "",
            "content": "",
            "address_changed": False,
            "before": None,
            "after": None,
            "linked": False,
        }
        return defaults | fields

    def _keep(self, deltas: Sequence[dict[str, object]]) -> None:
        insert_rows(self.session, DeltaRow, deltas)
        self.deltas += len(deltas)

    def _mirror(self, touched: dict[PersonKey, _Mirror]) -> None:
        full = self.delivery.kind == "full"
        rows = [
            {
                "id": row.id,
                "municipality": self.delivery.municipality,
                "ags": key.ags,
                "number": key.number,
                "born": row.born,
                "snapshot": row.text,
                "gone": row.gone,
                "missing": row.missing,
                "told": row.told,
                "full_no": row.full_no,
            }
            for key, row in touched.items()
        ]
        changed = ["born", "snapshot", "gone", "missing", "told", *(["full_no"] if full else [])]
        upsert(self.session, PersonRow, rows, ["municipality", "ags", "number"], changed)

    def _known_signs(self, records: Sequence[Incoming]) -> dict[str, str]:
        """Event sign -> what it said, of events that were taken in by earlier deliveries."""
        signs = [record.event for record in records if record.kind is not DeltaKind.STOCK]
        if not signs:
            return {}
        found = self.session.execute(
            select_columns(col(DeltaRow.event), col(DeltaRow.content)).where(
                col(DeltaRow.municipality) == self.delivery.municipality,
                col(DeltaRow.source) == self.delivery.source,
                col(DeltaRow.event).in_(signs),
                col(DeltaRow.content) != "",
            )
        )
        return dict(found.tuples().all())

    def _people(self, keys: set[PersonKey]) -> dict[PersonKey, _Mirror]:
        found = self.session.execute(
            select_columns(
                col(PersonRow.ags),
                col(PersonRow.number),
                col(PersonRow.id),
                col(PersonRow.born),
                col(PersonRow.snapshot),
                col(PersonRow.gone),
                col(PersonRow.missing),
                col(PersonRow.told),
                col(PersonRow.full_no),
            )
            .where(*self._mine())
            .where(col(PersonRow.number).in_([key.number for key in keys]))
        )
        return {PersonKey(ags, number): _Mirror(*row) for ags, number, *row in found}


def _has(key: PersonKey) -> tuple[Any, ...]:
    return col(PersonRow.ags) == key.ags, col(PersonRow.number) == key.number


def _lives_here(row: PersonRow) -> bool:
    person = load_person(row.snapshot)
    return person is not None and person.died is None and person.home() is not None


def _content(record: Incoming, text: str) -> str:
    """What a record says, as we read it: another version of XMeld writes the same otherwise."""
    said = "\n".join([record.event, record.code, record.key.ags, record.key.number, text])
    return hashlib.blake2b(said.encode(), digest_size=16).hexdigest()


def _name_what_is_reversed(session: Session, deltas: list[dict[str, object]]) -> None:
    """A reversal names no earlier event; it takes back the latest one of the kind it undoes that
    was not taken back before."""
    for position, delta in enumerate(deltas):
        kinds = _REVERSALS.get(DeltaKind(str(delta["kind"])))
        if not kinds or delta["reverses"] or (DeltaKind.DELETION in kinds and delta["before"]):
            continue
        stored = session.exec(
            select(DeltaRow.event, DeltaRow.kind, DeltaRow.reverses)
            .where(DeltaRow.person_id == delta["person_id"])
            .order_by(col(DeltaRow.id))
        )
        earlier = [
            *stored,
            *(
                (str(one["event"]), str(one["kind"]), str(one["reverses"]))
                for one in deltas[:position]
                if one["person_id"] == delta["person_id"]
            ),
        ]
        taken_back = {reverses for _, _, reverses in earlier}
        standing = [
            event for event, kind, _ in earlier if kind in kinds and event not in taken_back
        ]
        delta["reverses"] = standing[-1] if standing else ""
