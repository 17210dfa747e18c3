"""An effect: what must change in a municipal record, as data, so that it can be undone."""

from dataclasses import dataclass, field
from enum import StrEnum

from tasks.domain.record import Permit


class EffectKind(StrEnum):
    """Stored: never rename a value."""

    SWITCH_ZONE = "switch_zone"  # a new permit in the new zone, same end; may end the old one
    UPDATE_ADDRESS = "update_address"
    UPDATE_NAME = "update_name"
    END = "end"
    TOLERATE = "tolerate"  # an ended permit holds some days longer: its letter leaves late
    RESTORE = "restore"  # the inverse of each: puts the stored state back


@dataclass(frozen=True, slots=True)
class Effect:
    """`record` is the record's own number in its system (a permit number). `data` is flat text."""

    kind: EffectKind
    record: str
    data: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Act:
    """An effect that was carried out, and the way back.

    `permits` are the records it touched, as they are now. `intact`: nobody has changed since what
    the effect has changed, so that `inverse` can be carried out.
    """

    effect: Effect
    inverse: Effect
    permits: tuple[Permit, ...] = ()
    intact: bool = True
