"""The permit register in a SQL database of the municipality: SQLite or PostgreSQL."""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime

from sqlalchemy import URL, func, select

from tasks.domain.effect import Effect
from tasks.domain.person import PersonKey
from tasks.domain.record import Permit
from tasks.errors import AntragslosError, RecordConflict, RecordsUnavailable
from tasks.records.batch import carry_out, forget, look, rehearse
from tasks.records.database import Database
from tasks.records.protocol import Applied
from tasks.records.rows import CandidateKeys, among, candidates, load_permits, permits
from tasks.records.storing import Stored, store
from tasks.records.tables import to_permit

_BATCH = 500  # effects of one transaction


def no_candidates(_permit: Permit) -> frozenset[str]:
    return frozenset()


def utc_now() -> datetime:
    return datetime.now(UTC)


class SqlPermitRegister:
    """`candidate_keys(permit)`: by what a permit can be found without its key.

    `owner`: the municipality; RegisterRefused is raised where the register is another's.
    """

    def __init__(
        self,
        url: str | URL,
        candidate_keys: CandidateKeys = no_candidates,
        now: Callable[[], datetime] = utc_now,
        *,
        owner: str,
    ) -> None:
        self._database = Database(url, owner)
        self._candidate_keys = candidate_keys
        self._now = now

    def by_keys(self, keys: Sequence[PersonKey]) -> dict[PersonKey, list[Permit]]:
        found: dict[PersonKey, list[Permit]] = {key: [] for key in keys}
        query = select(permits).order_by(permits.c.number)
        with self._database.reading() as connection:
            numbers = {key.number for key in keys}
            rows = connection.execute(query.where(among(connection, permits.c.key_number, numbers)))
            for permit in map(to_permit, rows.mappings()):
                if permit.key in found:  # the same number in another municipality is not
                    found[permit.key].append(permit)
        return found

    def similar(self, candidate_keys: AbstractSet[str]) -> list[Permit]:
        with self._database.reading() as connection:
            wanted = among(connection, candidates.c.candidate, candidate_keys)
            # Most permits share several keys with whoever holds them.
            numbers = set(connection.scalars(select(candidates.c.permit).where(wanted)))
            found = load_permits(connection, numbers)
        return [found[number] for number in sorted(found)]

    def get(self, numbers: Sequence[str]) -> dict[str, Permit]:
        with self._database.reading() as connection:
            return load_permits(connection, numbers)

    def zones(self) -> dict[str, int]:
        """Zone -> how many active permits are for it."""
        query = select(permits.c.zone, func.count().label("permits")).where(
            permits.c.status == "active"
        )
        with self._database.reading() as connection:
            rows = connection.execute(query.group_by(permits.c.zone).order_by(permits.c.zone))
            return {row.zone: row.permits for row in rows}

    def unread(self) -> dict[str, tuple[str, ...]]:
        """Number -> columns that hold what nobody can read: for the check of the municipality."""
        with self._database.reading() as connection:
            rows = connection.execute(select(permits).order_by(permits.c.number)).mappings()
            return {one.number: one.unread for one in map(to_permit, rows) if one.unread}

    def apply(self, key: str, effect: Effect) -> Applied:
        (result,) = self.apply_many([(key, effect)])
        if isinstance(result, AntragslosError):
            raise result
        return result

    def apply_many(self, items: Sequence[tuple[str, Effect]]) -> list[Applied | AntragslosError]:
        results: list[Applied | AntragslosError] = []
        for start in range(0, len(items), _BATCH):
            results += self._apply(items[start : start + _BATCH])
        return results

    def rehearse(
        self, groups: Sequence[Sequence[tuple[str, Effect]]]
    ) -> list[list[Applied | AntragslosError]]:
        try:
            with self._database.reading() as connection:
                return rehearse(connection, groups)
        except (RecordsUnavailable, RecordConflict) as error:
            return [[type(error)(error.code, key) for key, _ in group] for group in groups]

    def changed_since(self, groups: Sequence[Sequence[str]]) -> list[frozenset[str]]:
        with self._database.reading() as connection:
            return look(connection, groups)

    def _apply(self, items: Sequence[tuple[str, Effect]]) -> list[Applied | AntragslosError]:
        """One transaction; if the database refuses it as a whole, one per item."""
        try:
            with self._database.writing() as connection:
                return carry_out(connection, items, self._candidate_keys, self._now())
        except (RecordsUnavailable, RecordConflict) as error:
            if len(items) == 1 or error.code == "records.unreachable":
                return [type(error)(error.code, key) for key, _ in items]
        return [result for item in items for result in self._apply([item])]

    def forget(self, keys: Sequence[str]) -> int:
        with self._database.writing() as connection:
            return forget(connection, keys)

    def store(self, wanted: Sequence[Permit]) -> list[Stored]:
        """Writes permits as the municipality's own software holds them; one answer each, in order.

        Each number at most once. An empty address leaves the one that is there. What an effect of
        ours has changed is not changed back.
        """
        with self._database.writing() as connection:
            return store(connection, wanted, self._candidate_keys)

    def close(self) -> None:
        self._database.close()
