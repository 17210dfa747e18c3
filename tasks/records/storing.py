"""Takes over permits as the municipality's own software holds them."""

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

from sqlalchemy import Connection

from tasks.domain.record import Permit
from tasks.records.effects import differing, settled
from tasks.records.rows import (
    CandidateKeys,
    Done,
    load_done,
    load_permits,
    save_candidates,
    save_permits,
)


class Stored(StrEnum):
    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    CONTRADICTS = "contradicts"  # an effect of ours stands against it: nothing was written


def store(
    connection: Connection, wanted: Sequence[Permit], candidate_keys: CandidateKeys
) -> list[Stored]:
    numbers = [permit.number for permit in wanted]
    there = load_permits(connection, numbers, lock=True)
    done = _done(connection, numbers)
    merged = [_merged(permit, there.get(permit.number)) for permit in wanted]
    results = [
        _judged(permit, there.get(permit.number), done.get(permit.number, ())) for permit in merged
    ]
    kept = {
        permit.number: permit
        for permit, result in zip(merged, results, strict=True)
        if result != Stored.CONTRADICTS
    }
    save_permits(connection, there, kept)
    save_candidates(connection, kept, candidate_keys)
    return results


def _done(connection: Connection, numbers: Sequence[str]) -> dict[str, list[Done]]:
    """What was done to each permit, or brought it about."""
    found: dict[str, list[Done]] = {}
    for one in load_done(connection, "permit", numbers):
        found.setdefault(one.permit, []).append(one)
    for one in load_done(connection, "created", numbers):
        found.setdefault(one.change.created, []).append(one)
    return found


def _merged(wanted: Permit, there: Permit | None) -> Permit:
    """Many permit systems know no address and no form: what a file does not say erases nothing."""
    if there is None:
        return wanted
    wanted = replace(wanted, form=wanted.form or there.form)
    if wanted.street:
        return wanted
    return replace(wanted, street=there.street, house_number=there.house_number)


def _judged(wanted: Permit, there: Permit | None, done: Sequence[Done]) -> Stored:
    if there is None:
        return Stored.CONTRADICTS if done else Stored.NEW  # we know it, and it is gone
    different = differing(wanted, there)
    ours = (settled(one.change, wanted.number) for one in done if one.in_force)
    if any(fields.intersection(different) for fields in ours):
        return Stored.CONTRADICTS
    return Stored.CHANGED if different else Stored.UNCHANGED
