"""XMeldIT deliveries (message 1100): the head, then one record after the other, in flat memory.

A record that cannot be read is handed out as a BadRecord and the rest goes on. What makes the
delivery as a whole unreliable raises DeliveryRejected, possibly after records were handed out:
whoever reads must stage them and let them count only when the end is reached.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from lxml import etree

from tasks.domain.delta import DeltaKind
from tasks.domain.person import Person, PersonKey
from tasks.errors import DeliveryRejected, RecordRejected
from tasks.registry.codes import kind_of
from tasks.registry.fields import read_key, read_person
from tasks.registry.head import HEAD_PARTS, RECORD, DeliveryHead, Party, check_head, read_head
from tasks.registry.values import leaf, one_child, parts
from tasks.registry.xml_stream import MAX_FILE_BYTES, local, stream

__all__ = [
    "BadRecord",
    "DeliveryHead",
    "Party",
    "RegistryRecord",
    "check_head",
    "read_head",
    "read_raw",
    "read_records",
]

MAX_SIGN = 100  # characters of ereignis.zeichen


@dataclass(frozen=True, slots=True)
class RegistryRecord:
    """`person` is the full snapshot, or None for `person.loeschen`."""

    position: int  # from 1 within the packet
    event: str
    event_time: datetime
    code: str
    kind_by_code: DeltaKind
    key: PersonKey
    person: Person | None


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record for the quarantine, with whatever of its origin could be read."""

    position: int
    event: str
    event_time: datetime | None
    key: PersonKey | None
    code: str  # of the error
    sheet: str  # DSMeld sheet of the field, or ""
    raw: bytes
    error: Exception | None = None  # that nobody foresaw


@dataclass(frozen=True, slots=True)
class _Origin:
    """What identifies a record, read without ever raising; "" or None is missing or unreadable."""

    deletion: bool = False
    event: str = ""
    event_time: datetime | None = None
    reason: str = ""
    key: PersonKey | None = None
    clear: bool = True  # it names one event and one person


def read_records(
    path: Path,
    expected_ags: str,
    seen: set[str] | None = None,
    max_bytes: int = MAX_FILE_BYTES,
) -> Iterator[RegistryRecord | BadRecord]:
    """`seen` holds the event signs of the packets before; those of this one are added.

    One sign takes about 100 bytes, so a million records cost 100 MB at most.
    """
    full = read_head(path, max_bytes).kind == "full"
    signs = set() if seen is None else seen
    latest: datetime | None = None
    position = 0
    root: etree._Element | None = None
    for _, element in stream(path, ("end",), RECORD, only_boundary=True, max_bytes=max_bytes):
        parent = element.getparent()
        if parent is None or parent.getparent() is not None:
            continue  # an element of the same name inside a record
        position += 1
        sent = next(iter(element), None)
        origin = _Origin() if sent is None else _origin(sent)
        if full:
            _check_full(origin)
        _check_sign(origin.event, signs)
        latest = _check_order(origin.event_time, latest)
        try:
            one_child(element)
            record = _record(sent, origin, position, expected_ags, full)
        except RecordRejected as error:
            yield BadRecord(
                position,
                origin.event[:MAX_SIGN],
                origin.event_time,
                origin.key,
                error.code,
                error.ref,
                _raw(element),
            )
        except Exception as error:  # nobody foresaw it: this record alone is put aside
            yield BadRecord(
                position,
                origin.event[:MAX_SIGN],
                origin.event_time,
                origin.key,
                f"internal.{type(error).__name__}",
                "",
                _raw(element),
                error,
            )
        else:
            yield record
        element.clear()
        if root is not None:
            _check_head_is_over(element.itersiblings(preceding=True))
        root = parent
        while element.getprevious() is not None:
            del parent[0]
    if root is not None:
        _check_head_is_over(root)


def read_raw(path: Path, positions: set[int]) -> dict[int, bytes]:
    """These records as they were delivered, from a file that was read before."""
    found: dict[int, bytes] = {}
    records = stream(path, ("end",), RECORD, only_boundary=True) if positions else ()
    position = 0
    for _, element in records:
        parent = element.getparent()
        if parent is None or parent.getparent() is not None:
            continue
        position += 1
        if position in positions:
            found[position] = _raw(element)
        element.clear()
        while element.getprevious() is not None:
            del parent[0]
    return found


def _raw(element: etree._Element) -> bytes:
    return etree.tostring(element, encoding="utf-8", with_tail=False)


def _check_head_is_over(found: Iterable[etree._Element]) -> None:
    """What stands there of the head after the first record would say it a second time."""
    if any(local(part) in HEAD_PARTS for part in found):
        raise DeliveryRejected("registry.head_twice")


def _record(
    sent: etree._Element | None, origin: _Origin, position: int, expected_ags: str, full: bool
) -> RegistryRecord:
    if sent is None or local(sent) not in ("person.liefern", "person.loeschen"):
        raise RecordRejected("registry.missing_field")
    if not origin.clear:
        raise RecordRejected("registry.said_twice")
    if not origin.event or origin.key is None:
        raise RecordRejected("registry.missing_field")
    if len(origin.event) > MAX_SIGN:
        raise RecordRejected("registry.overlong")
    if origin.event_time is None:
        raise RecordRejected("registry.invalid_date")
    if origin.key.ags != expected_ags:
        raise RecordRejected("registry.record_wrong_ags")

    person = None if origin.deletion else read_person(sent, origin.key)
    kind = DeltaKind.DELETION if origin.deletion else _kind(origin.reason, full)
    if kind == DeltaKind.MOVE and person and not person.home():
        raise RecordRejected("registry.no_current_dwelling")
    return RegistryRecord(
        position, origin.event, origin.event_time, origin.reason, kind, origin.key, person
    )


def _kind(reason: str, full: bool) -> DeltaKind:
    return DeltaKind.STOCK if full and not reason else kind_of(reason)


def _origin(sent: etree._Element) -> _Origin:
    event = reason = ""
    event_time = key = None
    deletion = local(sent) == "person.loeschen"
    try:
        for kind, part in parts(sent):
            if kind == "identifikation.ereignis":
                for name, mark in parts(part):
                    if name == "ereignis.zeichen":
                        event = " ".join((mark.text or "").split())
                    elif name == "ereignis.zeitpunkt":
                        event_time = _moment(mark.text or "")
            elif kind == "uebermittlungsanlass":
                reason = _short(part)
            elif kind == "identifikation.betroffeneperson":
                parts(part)
                key = _key(part)
    except RecordRejected:
        return _Origin(deletion, event, event_time, clear=False)
    return _Origin(deletion, event, event_time, reason, key)


def _moment(text: str) -> datetime | None:
    """None also without a time zone: the order of two records would be a guess."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    # At either end of the calendar another time zone's year does not exist: PostgreSQL stores the
    # moment, and nobody can read the row again.
    return moment if moment.tzinfo and 1 < moment.year < 9999 else None


def _short(element: etree._Element) -> str:
    try:
        return leaf(element)
    except RecordRejected:
        return "overlong"  # in no list of codes


def _key(element: etree._Element) -> PersonKey | None:
    try:
        return read_key(element)
    except RecordRejected:
        return None


def _check_full(origin: _Origin) -> None:
    """A full delivery replaces the stock; one change among it would be lost without a trace."""
    try:
        kind = DeltaKind.DELETION if origin.deletion else _kind(origin.reason, full=True)
    except RecordRejected:
        return  # quarantined like in any delivery
    if kind != DeltaKind.STOCK:
        raise DeliveryRejected("registry.full_with_delta_codes")


def _check_sign(event: str, signs: set[str]) -> None:
    if not event or len(event) > MAX_SIGN:
        return
    if event in signs:
        raise DeliveryRejected("registry.duplicate_event")
    signs.add(event)


def _check_order(moment: datetime | None, latest: datetime | None) -> datetime | None:
    if moment is None or latest is None:
        return moment or latest
    if moment < latest:
        raise DeliveryRejected("registry.not_chronological")
    return moment
