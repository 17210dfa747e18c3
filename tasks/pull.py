"""Pull: takes the registry's deliveries from the inbox into the state, each once or not at all.

inbox/ ──► done/       accepted: after its rows are committed and its receipt is written
     └───► rejected/   refused: with a receipt that says why; the same number is due again
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path
from uuid import uuid4

from tasks.domain.person import PersonKey
from tasks.errors import DeliveryRejected, RegistryUnavailable
from tasks.municipality import Municipality, open_municipality
from tasks.registry.receipt import Answer, Message, unreadable_head, write_receipt
from tasks.registry.snapshots import classify
from tasks.registry.xmeldit import (
    BadRecord,
    DeliveryHead,
    check_head,
    read_head,
    read_records,
)
from tasks.settings import settings
from tasks.stage import Counts, stage
from tasks.state import intake
from tasks.state.database import reading, utcnow, writing
from tasks.state.tables import Delivery, Quarantine

SOURCE = "xmeldit"
CHUNK = 1000
PATIENCE = 24 * 3600  # seconds until a packet that has not come counts as missing


@stage("pull deliveries · {municipality}")
def pull_deliveries(municipality: str, today: date) -> Counts:
    """Counts deliveries, deltas, quarantined, rejected; `stopped:<code>` while intake stands."""
    return pull(open_municipality(municipality, settings()), today)


@dataclass(frozen=True)
class _Packet:
    path: Path
    head: DeliveryHead


def has_deliveries(town: Municipality) -> bool:
    """Also while the intake stands still: that is said in every run, not only in the first."""
    return bool(_files(town) or _stopped_by(town))


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
            if not _pull_number(town, number, list(group), today, counts):
                break  # a later number must wait too: it would be refused as a gap
    except OSError as error:
        raise RegistryUnavailable("registry.folder_unusable", error.__class__.__name__) from None
    if code := _stopped_by(town):
        counts[f"stopped:{code}"] = 1
    return counts


def _files(town: Municipality) -> list[Path]:
    # A sender that cannot rename writes `.part` or a dot file first.
    inbox = (town.folder / "inbox").glob("[!.]*")
    return sorted(path for path in inbox if path.suffix.lower() == ".xml")


def _readable(town: Municipality, today: date, counts: Counts) -> Iterator[_Packet]:
    for path in _files(town):
        try:
            head = read_head(path, max_bytes=town.settings.max_delivery_bytes)
            if head.ags != town.profile.ags:  # its number is another municipality's
                raise DeliveryRejected("registry.wrong_ags")
            yield _Packet(path, head)
        except DeliveryRejected as error:
            _reject(town, [path], None, error.code, today)
            counts["rejected"] += 1


def _pull_number(
    town: Municipality, number: int, packets: list[_Packet], today: date, counts: Counts
) -> bool:
    """False where the number still waits for packets."""
    packets = _without_copies(town, packets)
    paths, head = [packet.path for packet in packets], packets[0].head
    with reading(town.engine) as session:
        known = intake.find_delivery(session, town.slug, SOURCE, number)
        last = intake.last_number(session, town.slug, SOURCE)
    content = _hash(paths)
    if known and known.status == "accepted" and known.content_hash == content:
        _finish(town, known, packets)  # a process died after the commit, or it was sent twice
        return True
    # A municipality may join with a full delivery of any number.
    joins = last is None and head.kind == "full"
    expected = number if joins else (last or 0) + 1
    try:
        for packet in packets:
            check_head(packet.head, town.profile.ags, expected)
        if not _complete(packets):
            counts[_waiting_code(packets)] += 1
            return False
        delivery = _take_in(town, number, packets, content, today, counts)
    except DeliveryRejected as error:
        _reject(town, paths, head, error.code, today)
        counts["rejected"] += 1
        if error.code == "registry.number_repeated":  # nothing stops, but somebody must look
            counts[f"stopped:{error.code}"] = 1
        return True
    counts["deliveries"] += 1
    _finish(town, delivery, packets)
    return True


def _without_copies(town: Municipality, packets: Sequence[_Packet]) -> list[_Packet]:
    """A packet that was sent twice under two names is one packet."""
    kept: dict[str, _Packet] = {}
    for packet in packets:
        if kept.setdefault(_hash([packet.path]), packet) is not packet:
            _move(packet.path, town.folder / "done")
    return list(kept.values())


def _complete(packets: Sequence[_Packet]) -> bool:
    numbers = [packet.head.packet for packet in packets]
    if len(set(numbers)) != len(numbers):
        raise DeliveryRejected("registry.packet_twice")
    return packets[-1].head.last and numbers == list(range(1, len(numbers) + 1))


def _waiting_code(packets: Sequence[_Packet]) -> str:
    """A packet may still be on its way; it is missing once the last one is here, or after a day."""
    newest = max(packet.path.stat().st_mtime for packet in packets)
    if packets[-1].head.last or utcnow().timestamp() - newest > PATIENCE:
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
        deltas = 0
        for packet in packets:
            chunk: list[intake.Incoming] = []
            for record in read_records(packet.path, town.profile.ags, seen=seen):
                delivery.records_read += 1
                if isinstance(record, BadRecord):
                    delivery.records_rejected += 1
                    session.add(_quarantined(town, delivery, packet.head.packet, record))
                    continue
                chunk.append(
                    intake.Incoming(
                        packet.head.packet,
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
                    deltas += intake.take_in(session, delivery, chunk, classify, today)
                    chunk = []
            deltas += intake.take_in(session, delivery, chunk, classify, today)
        intake.move_cursor(session, town.slug, SOURCE, number)
        intake.settle_unreadable(session, town.slug, SOURCE)
        counts["records"] += delivery.records_read
        counts["quarantined"] += delivery.records_rejected
        counts["deltas"] += deltas
    return delivery


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
        _move(packet.path, town.folder / "done")


def _reject(
    town: Municipality, paths: Sequence[Path], head: DeliveryHead | None, code: str, today: date
) -> None:
    number = head.number if head else 0
    if code != "registry.number_repeated":  # that number was accepted, and stays so
        with writing(town.engine) as session:
            noted = intake.new_delivery(town.slug, SOURCE, number, head.kind if head else "", today)
            noted.status, noted.code, noted.content_hash = "rejected", code, _hash(paths)
            intake.note_delivery(session, noted)
    write_receipt(
        head or unreadable_head(town.profile.ags, town.profile.name, utcnow()),
        Answer.REJECTED,
        0,
        0,
        [],
        utcnow(),
        uuid4(),
        town.folder / "receipts" / f"1101-{number:04d}-rejected-{_hash(paths)[:8]}.xml",
        error=code,
        expected_number=_due(town),
    )
    for path in paths:
        _move(path, town.folder / "rejected")


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


def _move(path: Path, folder: Path) -> None:
    target = folder / path.name
    if target.exists() and _hash([target]) != _hash([path]):
        target = folder / f"{path.stem}-{_hash([path])[:8]}{path.suffix}"
    os.replace(path, target)


def _hash(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
