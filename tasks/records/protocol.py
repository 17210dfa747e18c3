"""What every permit register can do, whichever software of the municipality stands behind it."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Protocol

from tasks.domain.effect import Effect
from tasks.domain.person import PersonKey
from tasks.domain.record import Permit
from tasks.errors import AntragslosError


@dataclass(frozen=True, slots=True)
class Applied:
    """An effect that is carried out. `data`: what came of it, e.g. `new_permit_number`."""

    inverse: Effect
    already: bool  # carried out by an earlier call with the same key
    data: dict[str, str] = field(default_factory=dict)


class PermitRegister(Protocol):
    """Raises RecordsUnavailable where the register is out of reach."""

    def by_keys(self, keys: Sequence[PersonKey]) -> dict[PersonKey, list[Permit]]:
        """Active and ended permits of each person; every key asked for is in the answer."""
        ...

    def similar(self, candidate_keys: AbstractSet[str]) -> list[Permit]:
        """Permits that share a candidate key: also those with a registry key, which may be wrong,
        and (`plate:…`) those for the same vehicle."""
        ...

    def get(self, numbers: Sequence[str]) -> dict[str, Permit]:
        """Those that exist, by their number."""
        ...

    def unread(self) -> dict[str, tuple[str, ...]]:
        """Number -> columns of a record that nobody can read. No effect touches such a one."""
        ...

    def apply(self, key: str, effect: Effect) -> Applied:
        """Once per idempotency `key`: a second call changes nothing and answers the same.

        Raises RecordConflict if the permit is not what the decision was made on.
        """
        ...

    def apply_many(self, items: Sequence[tuple[str, Effect]]) -> list[Applied | AntragslosError]:
        """One answer per item, in order. An item that fails never stops the others."""
        ...

    def rehearse(
        self, groups: Sequence[Sequence[tuple[str, Effect]]]
    ) -> list[list[Applied | AntragslosError]]:
        """What `apply_many` would answer now to each group if it were the only one.

        Changes nothing. Groups may touch the same permits: none meets what another would do.
        """
        ...

    def changed_since(self, groups: Sequence[Sequence[str]]) -> list[frozenset[str]]:
        """For each group of idempotency keys, in the order of their effects: the fields of permits
        that are no longer as the last of these effects left them.

        Looked at are those that letters tell and those that the effects have changed. `number`: a
        permit is gone, or there again, or the register knows nothing of the effect. Empty where all
        is as it was left.
        """
        ...

    def forget(self, keys: Sequence[str]) -> int:
        """Empties what is kept of permits under these idempotency keys; returns how many were not.

        Such an effect still answers „already carried out“, and cannot be taken back any more: that
        raises RecordConflict("records.forgotten"). Doing it again changes nothing.
        """
        ...
