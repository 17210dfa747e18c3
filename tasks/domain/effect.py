"""An effect: what must change in a municipal record, as data, so that it can be undone."""

from dataclasses import dataclass, field
from enum import StrEnum


class EffectKind(StrEnum):
    """Stored: never rename a value."""

    SWITCH_ZONE = "switch_zone"  # a new permit in the new zone, same end; may end the old one
    UPDATE_ADDRESS = "update_address"
    UPDATE_NAME = "update_name"
    END = "end"
    RESTORE = "restore"  # the inverse of each: puts the stored state back


@dataclass(frozen=True, slots=True)
class Effect:
    """`record` is the record's own number in its system (a permit number). `data` is flat text."""

    kind: EffectKind
    record: str
    data: dict[str, str] = field(default_factory=dict)
