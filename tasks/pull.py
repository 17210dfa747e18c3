"""Pull: takes the registry's deliveries from the inbox into the state, each once or not at all.

inbox/ ──► done/       accepted: after its rows are committed and its receipt is written
     └───► rejected/   refused: with a receipt that says why; the same number is due again
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path
from uuid import uuid4

from tasks.domain.person import PersonKey
from tasks.errors import CutShort, DeliveryRejected, RecordRejected, RegistryUnavailable
from tasks.municipality import Municipality, open_municipality
from tasks.registry.inbox import NOT_OURS, Stamp, hash_of, move, names, stamp
from tasks.registry.packets import complete_set
from tasks.registry.receipt import Answer, Message, unreadable_head, write_receipt
from tasks.registry.snapshots import newcomer, told
from tasks.registry.xmeldit import (
    BadRecord,
    DeliveryHead,
    check_head,
    read_head,
    read_raw,
    read_records,
)
from tasks.settings import settings
from tasks.stage import CRASHED, Counts, StageFailed, cleaned, error_log, spread, stage
from tasks.state import intake
from tasks.state.database import reading, utcnow, writing
from tasks.state.tables import Delivery, Quarantine
from tasks.state.taking import Compare, Incoming, Taking

SOURCE = "xmeldit"
COMPARE = Compare(told, newcomer)
CHUNK = 1000
PATIENCE = 24 * 3600  # seconds until a packet that has not come counts as missing


class _StillWritten(Exception):
    """A file changed while it was read: nothing of it counts, and it is read again later."""


@stage("pull deliveries · {municipality}")
def pull_deliveries(municipality: str, today: date) -> Counts:
    """Counts deliveries, records, deltas, repeated, quarantined, rejected, set_aside; what waits:
    waiting_packets, waiting_files; and `stopped:<code>` where somebody must look."""
    return pull(open_municipality(municipality, settings()), today)


@dataclass(frozen=True)
class _Packet:
    path: Path
    head: DeliveryHead
    stamp: Stamp


def has_deliveries(town: Municipality) -> bool:
    """Also while the intake stands still: that is said in every run, not only in the first."""
    inbox = town.folder / "inbox"
    return bool((inbox.is_dir() and names(inbox)) or _stopped_by(town))


def pull(town: Municipality, today: date) -> Counts:
    counts: Counts = Counts()
    try:
        for name in ("inbox", "done", "rejected", "receipts"):
            (town.folder / name).mkdir(parents=True, exist_ok=True)
        packets = list(_readable(town, today, counts))
        for number, group in groupby(
            sorted(packets, key=lambda packet: (packet.head.number, packet.head.packet)),
            key=lambda packet: packet.head.number,
        ):
            if not _try_number(town, number, list(group), today, counts):
                break  # a later number must wait too: it would be refused as a gap
    except OSError as error:
        raise RegistryUnavailable("registry.folder_unusable", error.__class__.__name__) from None
    if code := _stopped_by(town):
        counts[f"stopped:{code}"] = 1
    return counts


def _readable(town: Municipality, today: date, counts: Counts) -> Iterator[_Packet]:
    for path in names(town.folder / "inbox"):
        found: list[_Packet] = []

        def work(_: Sequence[str], path: Path = path, found: list[_Packet] = found) -> Counts:
            found += _read(town, path, today, counts)
            return Counts()

        def park(_: str, code: str, path: Path = path) -> None:
            _set_aside(town, path, code, counts)

        spread(town.folder, "read", [path.name], work, park)
        yield from found


def _read(town: Municipality, path: Path, today: date, counts: Counts) -> Iterator[_Packet]:
    try:
        seen = stamp(path)
    except FileNotFoundError:  # the sender has taken it back
        return
    except RegistryUnavailable as error:
        _set_aside(town, path, error.code, counts)
        return
    try:
        head = read_head(path, max_bytes=town.settings.max_delivery_bytes)
        if head.ags != town.profile.ags:  # its number is another municipality's
            raise DeliveryRejected("registry.wrong_ags")
        yield _Packet(path, head, seen)
    except RegistryUnavailable as error:
        if error.code in NOT_OURS:
            _set_aside(town, path, error.code, counts)
        else:
            counts["waiting_files"] += 1
            counts[f"stopped:{error.code}"] = 1
    except DeliveryRejected as error:
        if _is_unfinished(town, error, seen):
            counts["waiting_files"] += 1
            return
        _reject(town, [path], None, error.code, today)
        counts["rejected"] += 1


def _is_unfinished(town: Municipality, error: DeliveryRejected, seen: Stamp) -> bool:
    """Cut short, and so young that the rest may still come: refused only once it stays so.

    A file that is whole is taken at once, however young: after the last tag nothing can follow.
    """
    young = seen.is_young(utcnow().timestamp(), town.settings.steady_seconds)
    return isinstance(error, CutShort) and young


def _set_aside(town: Municipality, path: Path, code: str, counts: Counts) -> None:
    """What is no file of ours to read stops nothing: it is put away, and named."""
    error_log().error("%s: %s: %a in the inbox", code, town.slug, path.name)
    counts[f"stopped:{code}"] = 1
    try:
        move(path, town.folder / "rejected")
    except OSError:  # it stays, and every run names it
        return
    counts["set_aside"] += 1


def _try_number(
    town: Municipality, number: int, packets: list[_Packet], today: date, counts: Counts
) -> bool:
    """False where the intake cannot go on behind this number.

    What breaks on the delivery as a whole leaves it in the inbox, and every run says so. What ends
    two processes is refused, so that the intake can go on with another file of this number.
    """
    went_on: list[bool] = []

    def work(_: Sequence[str]) -> Counts:
        went_on.append(_pull_number(town, number, packets, today, counts))
        return Counts()

    def park(_: str, code: str) -> None:
        if code != CRASHED:
            raise StageFailed(code)
        _reject(town, [packet.path for packet in packets], packets[0].head, code, today)
        counts["rejected"] += 1

    tried = spread(town.folder, "take in", [str(number)], work, park)
    counts += +Counts({name: n for name, n in tried.items() if name != "failed"})
    return went_on == [True]


def _pull_number(
    town: Municipality, number: int, packets: list[_Packet], today: date, counts: Counts
) -> bool:
    """False where the number still waits for packets."""
    packets = _without_copies(town, packets)
    head = packets[0].head
    with reading(town.engine) as session:
        known = intake.find_delivery(session, town.slug, SOURCE, number)
        last = intake.last_number(session, town.slug, SOURCE)
    # A municipality may join with a full delivery of any number.
    joins = last is None and head.kind == "full"
    expected = number if joins else (last or 0) + 1
    if number > expected and counts["waiting_files"]:
        return False  # what is still being written may be the number that is due
    if known and known.status == "accepted" and known.content_hash == _content(packets):
        _finish(town, known, packets)  # a process died after the commit, or it was sent twice
        return True
    try:
        for packet in packets:
            check_head(packet.head, town.profile.ags, expected)
        chosen = _complete(packets)
        if not chosen:
            counts[_waiting_code(packets)] += 1
            return False
        delivery = _take_in(town, number, chosen, _content(chosen), today, counts)
    except DeliveryRejected as error:
        if any(_is_unfinished(town, error, packet.stamp) for packet in packets):
            counts["waiting_files"] += 1
            return False
        _reject(town, [packet.path for packet in packets], head, error.code, today)
        counts["rejected"] += 1
        if error.code == "registry.number_repeated":  # nothing stops, but somebody must look
            counts[f"stopped:{error.code}"] = 1
        return True
    except _StillWritten:
        counts["waiting_files"] += 1
        return False
    counts["deliveries"] += 1
    _finish(town, delivery, chosen)
    for packet in packets:
        if packet not in chosen:  # it said wrongly that others follow
            move(packet.path, town.folder / "rejected")
            counts["set_aside"] += 1
    return True


def _without_copies(town: Municipality, packets: Sequence[_Packet]) -> list[_Packet]:
    """A packet that was sent twice under two names is one packet."""
    kept: dict[str, _Packet] = {}
    for packet in packets:
        if kept.setdefault(hash_of([packet.path]), packet) is not packet:
            move(packet.path, town.folder / "done")
    return list(kept.values())


def _complete(packets: Sequence[_Packet]) -> list[_Packet]:
    """Empty while a packet is missing."""
    chosen = complete_set([packet.head for packet in packets])
    return [packets[place] for place in chosen or ()]


def _content(packets: Sequence[_Packet]) -> str:
    return hash_of([packet.path for packet in packets])


def _waiting_code(packets: Sequence[_Packet]) -> str:
    """A packet may still be on its way; it is missing once the last one is here, or after a day."""
    newest = max(packet.stamp.written for packet in packets) / 1e9
    over = any(packet.head.last for packet in packets)
    if over or utcnow().timestamp() - newest > PATIENCE:
        return "stopped:registry.packet_missing"
    return "waiting_packets"


def _take_in(
    town: Municipality,
    number: int,
    packets: Sequence[_Packet],
    content: str,
    today: date,
    counts: Counts,
) -> Delivery:
    seen: set[str] = set()
    with writing(town.engine) as session:
        noted = intake.new_delivery(town.slug, SOURCE, number, packets[0].head.kind, today)
        noted.packets, noted.content_hash = len(packets), content
        delivery = intake.note_delivery(session, noted)
        taking = Taking(session, delivery, COMPARE, today)
        for packet in packets:
            session.add_all(_take_packet(town, taking, packet, seen))
        if delivery.kind == "full":
            taking.finish()
        if any(_changed(packet) for packet in packets):
            raise _StillWritten
        intake.move_cursor(session, town.slug, SOURCE, number)
        intake.settle_unreadable(session, town.slug, SOURCE)
        counts["records"] += delivery.records_read
        counts["quarantined"] += delivery.records_rejected
        counts["deltas"] += taking.deltas
        counts["repeated"] += taking.repeated
    return delivery


def _take_packet(
    town: Municipality, taking: Taking, packet: _Packet, seen: set[str]
) -> Iterator[Quarantine]:
    """What of the packet is for the quarantine."""
    delivery, place = taking.delivery, packet.head.packet
    chunk: list[Incoming] = []
    position = 0
    for record in read_records(packet.path, town.profile.ags, seen=seen):
        position = record.position
        if isinstance(record, BadRecord):
            if record.error:
                cleaned(record.error)
            delivery.records_rejected += 1
            if delivery.kind == "full" and record.key:
                taking.unread(record.key)
            yield _quarantined(town, delivery, place, record)
            continue
        chunk.append(
            Incoming(
                place,
                record.position,
                record.event,
                record.event_time,
                record.code,
                record.kind_by_code,
                record.key,
                record.person,
            )
        )
        if len(chunk) == CHUNK:
            _take_chunk(town, taking, chunk)
            chunk = []
    _take_chunk(town, taking, chunk)
    delivery.records_read += position
    refused, taking.refused = taking.refused, []
    raw = read_raw(packet.path, {one.position for one, _ in refused})
    for one, error in refused:
        delivery.records_rejected += 1
        told = raw[one.position]
        bad = BadRecord(one.position, one.event, one.event_time, one.key, error.code, "", told)
        yield _quarantined(town, delivery, place, bad)


def _take_chunk(town: Municipality, taking: Taking, chunk: Sequence[Incoming]) -> None:
    """A record that cannot be taken in is for the quarantine like one that cannot be read."""
    records = {f"{taking.delivery.number}/{one.packet}/{one.position}": one for one in chunk}

    def work(ids: Sequence[str]) -> Counts:
        with taking.savepoint():
            taking.take_in([records[one] for one in ids])
        return Counts()

    def park(one: str, code: str) -> None:
        taking.refused.append((records[one], RecordRejected(code)))
        if taking.delivery.kind == "full":
            taking.unread(records[one].key)

    spread(town.folder, "take in a record", list(records), work, park)


def _changed(packet: _Packet) -> bool:
    try:
        return stamp(packet.path) != packet.stamp
    except (OSError, RegistryUnavailable):
        return True


def _quarantined(
    town: Municipality, delivery: Delivery, packet: int, record: BadRecord
) -> Quarantine:
    assert delivery.id is not None
    return Quarantine(
        municipality=town.slug,
        delivery_id=delivery.id,
        packet=packet,
        position=record.position,
        event=record.event,
        event_time=record.event_time,
        ags=record.key.ags if record.key else "",
        number=record.key.number if record.key else "",
        code=record.code,
        sheet=record.sheet,
        raw=record.raw,
    )


def _finish(town: Municipality, delivery: Delivery, packets: Sequence[_Packet]) -> None:
    """Receipt, then the files: safe to do again."""
    receipt = town.folder / "receipts" / f"1101-{delivery.number:04d}.xml"
    if not receipt.exists():
        with reading(town.engine) as session:
            bad = intake.quarantined(session, delivery)
        write_receipt(
            packets[0].head,
            Answer.ACCEPTED,
            delivery.records_read,
            delivery.records_rejected,
            [_message(row) for row in bad],
            utcnow(),
            uuid4(),
            receipt,
        )
    for packet in packets:
        move(packet.path, town.folder / "done")


def _reject(
    town: Municipality, paths: Sequence[Path], head: DeliveryHead | None, code: str, today: date
) -> None:
    number = head.number if head else 0
    content = hash_of(paths, town.settings.max_delivery_bytes)
    if code != "registry.number_repeated":  # that number was accepted, and stays so
        with writing(town.engine) as session:
            noted = intake.new_delivery(town.slug, SOURCE, number, head.kind if head else "", today)
            noted.status, noted.code, noted.content_hash = "rejected", code, content
            intake.note_delivery(session, noted)
    write_receipt(
        head or unreadable_head(town.profile.ags, town.profile.name, utcnow()),
        Answer.REJECTED,
        0,
        0,
        [],
        utcnow(),
        uuid4(),
        town.folder / "receipts" / f"1101-{number:04d}-rejected-{content[:8]}.xml",
        error=code,
        expected_number=_due(town),
    )
    for path in paths:
        move(path, town.folder / "rejected")


def _message(row: Quarantine) -> Message:
    key = PersonKey(row.ags, row.number) if row.ags else None
    return Message(row.event, row.event_time, key, row.code, sheet=row.sheet)


def _due(town: Municipality) -> int:
    with reading(town.engine) as session:
        return (intake.last_number(session, town.slug, SOURCE) or 0) + 1


def _stopped_by(town: Municipality) -> str:
    """Why the intake stands still: a number that is due, or one after it, was refused."""
    with reading(town.engine) as session:
        return intake.why_stopped(session, town.slug, SOURCE)
