"""Carries out a batch of effects within one transaction, each at most once."""

from collections import ChainMap
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from tasks.domain.effect import Effect, EffectKind
from tasks.domain.record import Permit
from tasks.errors import AntragslosError, RecordConflict
from tasks.records.effects import Change, change_of, changed_since, forgotten, undo
from tasks.records.protocol import Applied
from tasks.records.rows import (
    CandidateKeys,
    Done,
    load_done,
    load_permits,
    save_candidates,
    save_change,
    save_done,
    save_permits,
    take_back,
    taken,
)

_FOLLOWING = 8  # numbers looked up in advance; a permit is rarely switched more often


def carry_out(
    connection: Connection,
    items: Sequence[tuple[str, Effect]],
    candidate_keys: CandidateKeys,
    now: datetime,
) -> list[Applied | AntragslosError]:
    """One answer per item, in order; an item that cannot be carried out changes nothing."""
    known = _Known(connection, items)
    batch = _Batch(known)
    results = [batch.answer(key, effect) for key, effect in items]
    start = known.permits
    changed = {number: p for number, p in batch.state.items() if p != start.get(number)}
    save_permits(connection, start, changed)
    save_candidates(connection, {n: p for n, p in changed.items() if p}, candidate_keys)
    save_done(connection, batch.new, now)
    take_back(connection, batch.taken_back)
    return results


def rehearse(
    connection: Connection, groups: Sequence[Sequence[tuple[str, Effect]]]
) -> list[list[Applied | AntragslosError]]:
    """What `carry_out` would answer now to each group alone; nothing is written or locked."""
    known = _Known(connection, [item for group in groups for item in group], lock=False)
    batches = [_Batch(known) for _ in groups]
    return [
        [batch.answer(key, effect) for key, effect in group]
        for batch, group in zip(batches, groups, strict=True)
    ]


def look(connection: Connection, groups: Sequence[Sequence[str]]) -> list[frozenset[str]]:
    """For the keys of each group: the fields of permits that are no longer as these left them."""
    keys = [key for group in groups for key in group]
    done = {one.key: one.change for one in load_done(connection, "key", keys)}
    now = load_permits(connection, {n for change in done.values() for n in change.after})
    return [
        changed_since([done[key] for key in group], now)
        if done.keys() >= set(group)
        else frozenset({"number"})
        for group in groups
    ]


def forget(connection: Connection, keys: Sequence[str]) -> int:
    """Empties what these effects keep of permits. Returns how many of them were not empty yet."""
    done = [one for one in load_done(connection, "key", keys) if not one.change.settled]
    save_change(connection, {one.key: forgotten(one.change) for one in done})
    return len(done)


class _Known:
    """What is stored about the permits of some effects, read at once."""

    def __init__(
        self, connection: Connection, items: Sequence[tuple[str, Effect]], lock: bool = True
    ) -> None:
        self.connection = connection
        undone = {e.data.get("undo", "") for _, e in items if e.kind == EffectKind.RESTORE}
        earlier = list(load_done(connection, "key", undone))
        touched = {number for done in earlier for number in done.change.after}
        touched.update(effect.record for _, effect in items)

        self.permits: dict[str, Permit | None] = {**load_permits(connection, touched, lock=lock)}
        # Looked up only now: the locks above make us wait for whoever carries out the same effect.
        keys = [key for key, _ in items]
        self.done = {done.key: done for done in [*earlier, *load_done(connection, "key", keys)]}

        switched = {e.record for _, e in items if e.kind == EffectKind.SWITCH_ZONE}
        self.ours = {d.change.created for d in load_done(connection, "created", switched)}
        bases = {self.base(number) for number in switched}
        following = {f"{base}/{i}" for base in bases for i in range(2, 2 + _FOLLOWING)}
        self.taken = taken(connection, following)

    def base(self, number: str) -> str:
        # „2026/15“ is a number of the municipality's own, `BPA-0002/2` is one of ours.
        return number.rpartition("/")[0] if number in self.ours else number


class _Batch:
    """The permits of a batch while its effects are carried out in memory, one after another."""

    def __init__(self, known: _Known) -> None:
        self._known = known
        self.state: ChainMap[str, Permit | None] = ChainMap({}, known.permits)
        self.new: list[Done] = []
        self.taken_back: list[str] = []
        self._done: ChainMap[str, Done] = ChainMap({}, known.done)
        self._created: set[str] = set()

    def answer(self, key: str, effect: Effect) -> Applied | AntragslosError:
        try:
            if key in self._done:
                return self._again(key, effect)
            return self._first(key, effect)
        except RecordConflict as error:
            return error

    def _again(self, key: str, effect: Effect) -> Applied:
        done = self._done[key]
        if (done.permit, done.kind) != (effect.record, effect.kind):
            raise RecordConflict("records.key_reused", key)
        return Applied(_inverse(done), already=True, data=done.change.data)

    def _first(self, key: str, effect: Effect) -> Applied:
        change, in_force = self._change(key, effect)
        self.state.update(change.after)
        done = Done(key, effect.record, effect.kind.value, change, in_force)
        self._done[key] = done
        self.new.append(done)
        self._created.add(change.created)
        return Applied(_inverse(done), already=False, data=change.data)

    def _change(self, key: str, effect: Effect) -> tuple[Change, bool]:
        if effect.kind != EffectKind.RESTORE:
            return change_of(key, effect, self.state, self._following), True
        target = self._done.get(effect.data.get("undo", ""))
        if target is None or target.permit != effect.record:
            raise RecordConflict("records.nothing_to_undo", key)
        if target.change.settled:
            raise RecordConflict("records.forgotten", key)
        change = undo(key, target.change, self.state, effect.data.get("dropped_until", ""))
        # Taking back what was itself taken back brings the first change into force again.
        in_force = not target.in_force
        self._done[target.key] = replace(target, in_force=False)
        self.taken_back.append(target.key)
        return change, in_force

    def _following(self, number: str) -> str:
        """`BPA-0002` is followed by `BPA-0002/2`, `/3`, …; a number once given is never reused."""
        base, position = self._known.base(number), 2
        if number in self._created:
            base = number.rpartition("/")[0]
        while self._is_taken(following := f"{base}/{position}", position):
            position += 1
        return following

    def _is_taken(self, number: str, position: int) -> bool:
        if number in self._known.taken or number in self._created:
            return True
        beyond = position >= 2 + _FOLLOWING
        return beyond and bool(taken(self._known.connection, [number]))


def _inverse(done: Done) -> Effect:
    return Effect(EffectKind.RESTORE, done.permit, {"undo": done.key})
