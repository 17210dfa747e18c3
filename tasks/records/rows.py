"""Reads and writes many permits and applied effects at once, within a caller's transaction."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    String,
    Table,
    any_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.engine import RowMapping

from tasks.domain.record import Permit
from tasks.records.effects import Change, State
from tasks.records.tables import (
    AppliedEffect,
    ParkingPermit,
    PermitCandidate,
    from_json,
    to_json,
    to_permit,
    to_row,
)

CandidateKeys = Callable[[Permit], frozenset[str]]

permits: Table = ParkingPermit.__table__  # type: ignore[attr-defined]
candidates: Table = PermitCandidate.__table__  # type: ignore[attr-defined]
applied: Table = AppliedEffect.__table__  # type: ignore[attr-defined]

_SETTLED = ""  # no permit has this number: here stands what a forgotten change has settled


@dataclass(slots=True)
class Done:
    """An effect that was carried out, as `applied_effect` keeps it."""

    key: str
    permit: str
    kind: str
    change: Change
    in_force: bool = True


def load_permits(
    connection: Connection, numbers: Iterable[str], lock: bool = False
) -> dict[str, Permit]:
    """`lock`: nobody else changes them before we commit (on SQLite the writer is alone anyway)."""
    query = select(permits).order_by(permits.c.number)
    if lock:
        query = query.with_for_update()
    # Two writers that lock in the same order do not block each other.
    rows = connection.execute(query.where(among(connection, permits.c.number, numbers)))
    return {row["number"]: to_permit(row) for row in rows.mappings()}


def save_permits(connection: Connection, before: State, after: State) -> None:
    """Writes what differs between the two."""
    changed = [number for number, permit in after.items() if permit != before.get(number)]
    now = {number: permit for number in changed if (permit := after[number])}
    new = [to_row(permit) for number, permit in now.items() if not before.get(number)]
    rows = [to_row(permit) for number, permit in now.items() if before.get(number)]

    delete_where(connection, permits.c.number, [n for n in changed if n not in now])
    if new:
        connection.execute(insert(permits), new)
    if rows:
        values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in rows[0]}
        connection.execute(
            update(permits)
            .where(permits.c.number == bindparam("new_number"))
            .values(**values, version=permits.c.version + 1),
            [{f"new_{name}": value for name, value in row.items()} for row in rows],
        )


def save_candidates(
    connection: Connection, of: Mapping[str, Permit], candidate_keys: CandidateKeys
) -> None:
    """By what they can be found without the registry's key; put right where it differs."""
    wanted = {
        (number, candidate) for number, permit in of.items() for candidate in candidate_keys(permit)
    }
    there = {
        (row.permit, row.candidate)
        for row in connection.execute(
            select(candidates).where(among(connection, candidates.c.permit, of))
        )
    }
    stale = {number for number, _ in there - wanted}
    delete_where(connection, candidates.c.permit, stale)
    missing = sorted(pair for pair in wanted if pair not in there or pair[0] in stale)
    if missing:
        connection.execute(
            insert(candidates), [{"permit": n, "candidate": candidate} for n, candidate in missing]
        )


def load_done(connection: Connection, column: str, values: Iterable[str]) -> Iterator[Done]:
    """Applied effects by their `key`, `permit` or `created`."""
    query = select(applied).where(among(connection, applied.c[column], values))
    for row in connection.execute(query).mappings():
        yield Done(row["key"], row["permit"], row["kind"], _change(row), row["in_force"])


def _change(row: RowMapping) -> Change:
    if names := row["before"].get(_SETTLED):
        settled = {number: frozenset(fields) for number, fields in names.items()}
        return Change({}, {}, row["created"], row["data"], settled)
    return Change(from_json(row["before"]), from_json(row["after"]), row["created"], row["data"])


def _stored(change: Change) -> dict[str, Any]:
    if change.settled:
        names = {number: sorted(fields) for number, fields in change.settled.items()}
        return {"before": {_SETTLED: names}, "after": {}}
    return {"before": to_json(change.before), "after": to_json(change.after)}


def save_done(connection: Connection, done: Iterable[Done], now: datetime) -> None:
    rows = [
        {
            "key": one.key,
            "permit": one.permit,
            "kind": one.kind,
            "applied_at": now,
            "created": one.change.created,
            "in_force": one.in_force,
            **_stored(one.change),
            "data": one.change.data,
        }
        for one in done
    ]
    if rows:
        connection.execute(insert(applied), rows)


def save_change(connection: Connection, changes: Mapping[str, Change]) -> None:
    for key, change in changes.items():
        connection.execute(update(applied).where(applied.c.key == key).values(**_stored(change)))


def take_back(connection: Connection, keys: Iterable[str]) -> None:
    if wanted := list(keys):
        these = among(connection, applied.c.key, wanted)
        connection.execute(update(applied).where(these).values(in_force=False))


def delete_where(connection: Connection, column: ColumnElement[str], values: Iterable[str]) -> None:
    if wanted := list(values):
        connection.execute(delete(column.table).where(among(connection, column, wanted)))


def taken(connection: Connection, numbers: Iterable[str]) -> set[str]:
    """Which of these numbers a permit has, or had until it was taken back."""
    wanted, columns = list(numbers), (permits.c.number, applied.c.created)
    found = (select(column).where(among(connection, column, wanted)) for column in columns)
    return {number for query in found for number in connection.scalars(query)}


def among(
    connection: Connection, column: ColumnElement[Any], values: Iterable[str]
) -> ColumnElement[bool]:
    """`column` is one of these, however many: as one parameter, since to write a thousand into a
    statement costs more than to find their rows."""
    wanted = list(values)
    if connection.dialect.name == "sqlite":
        listed = func.json_each(json.dumps(wanted)).table_valued("value")
        return column.in_(select(listed.c.value))
    return column == any_(literal(wanted, ARRAY(String)))
