"""What lies in an inbox: only whole regular files are deliveries, and nothing else hangs a town."""

import os
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tasks import pull
from tasks.domain.person import PersonKey
from tasks.errors import DeliveryRejected
from tasks.forget import forget_delivered
from tasks.registry.head import read_head
from tasks.registry.packets import complete_set
from tasks.settings import settings
from tests.builders import AGS, a_person
from tests.delivery_writer import BASELINE, Sent, write_delivery
from tests.town import Town

DAY = "2026-11-23"
SENT = Sent("E1", BASELINE, "101", a_person())
MINUTE = 60


@pytest.fixture
def inbox(town: Town) -> Path:
    return town.folder / "inbox"


@pytest.fixture
def patient(town: Town, monkeypatch: pytest.MonkeyPatch) -> Town:
    """As municipalities are: a file that is cut short gets a minute."""
    monkeypatch.setenv("ANTRAGSLOS_STEADY_SECONDS", str(MINUTE))
    settings.cache_clear()
    return town


def full(path: Path, number: int = 1, **fields: object) -> Path:
    return write_delivery(path, number, [SENT], kind="full", **fields)  # type: ignore[arg-type]


def unfinished(path: Path, number: int = 1) -> bytes:
    """Leaves only the first half of a delivery; what is missing."""
    whole = full(path, number).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return whole[len(whole) // 2 :]


def older(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def rejected(town: Town) -> list[str]:
    return sorted(path.name for path in (town.folder / "rejected").iterdir())


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as door:
        here = os.open(path.parent, os.O_RDONLY)  # the path of a socket must be short
        door.bind(f"/proc/self/fd/{here}/{path.name}")
        os.close(here)


NO_FILES: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "folder": Path.mkdir,
    "device link": lambda path: path.symlink_to("/dev/zero"),
    "dangling link": lambda path: path.symlink_to("nowhere"),
    "link to itself": lambda path: path.symlink_to(path.name),
    "socket": lambda path: a_socket(path),
    "link to a delivery": lambda path: path.symlink_to(full(path.with_name("there.txt"))),
}


@pytest.mark.parametrize("kind", NO_FILES)
def test_what_is_no_file_is_put_aside_unopened_and_the_delivery_is_taken(
    town: Town, inbox: Path, kind: str
) -> None:
    NO_FILES[kind](inbox / "0000.xml")
    full(inbox / "0001.xml")

    counts = town.run_day(DAY, until="pull")

    assert counts["deliveries"] == 1
    assert counts["set_aside"] == counts["stopped:registry.not_a_file"] == 1
    assert rejected(town) == ["0000.xml"]
    assert not [path for path in inbox.iterdir() if path.suffix == ".xml"]
    assert not town.run_day(DAY, until="pull"), "said once, and then nothing is left of it"


def test_two_pipes_of_one_name_are_both_put_aside(town: Town, inbox: Path) -> None:
    for _ in range(2):
        os.mkfifo(inbox / "0001.xml")
        assert town.run_day(DAY, until="pull")["set_aside"] == 1

    assert rejected(town) == ["0001-1.xml", "0001.xml"]


def test_a_refused_file_beside_a_pipe_of_its_name_hangs_nobody(town: Town, inbox: Path) -> None:
    os.mkfifo(inbox / "0001.xml")
    town.run_day(DAY, until="pull")
    (inbox / "0001.xml").write_text("no delivery")

    assert town.run_day(DAY, until="pull")["rejected"] == 1
    assert rejected(town) == ["0001-1.xml", "0001.xml"]


@pytest.mark.skipif(os.getuid() == 0, reason="nothing is forbidden to root")
def test_a_file_that_may_not_be_read_is_put_aside(town: Town, inbox: Path) -> None:
    full(inbox / "0000.xml").chmod(0)
    full(inbox / "0001.xml")

    counts = town.run_day(DAY, until="pull")

    assert (counts["deliveries"], counts["stopped:registry.forbidden_file"]) == (1, 1)


@pytest.mark.parametrize("letter", ["a", "ü"])
def test_a_name_as_long_as_a_folder_can_hold_is_no_trouble(
    town: Town, inbox: Path, letter: str
) -> None:
    name = letter * (250 // len(letter.encode())) + ".xml"
    for content in ("no delivery", "another one"):
        (inbox / name).write_text(content)
        assert town.run_day(DAY, until="pull")["rejected"] == 1

    assert len(rejected(town)) == 2
    full(inbox / name)
    assert town.run_day(DAY, until="pull")["deliveries"] == 1


def test_what_was_put_aside_is_forgotten_with_the_refused_deliveries(
    town: Town, inbox: Path
) -> None:
    (inbox / "0001.xml").mkdir()
    (inbox / "0001.xml" / "inner").write_text("x")
    os.mkfifo(inbox / "0002.xml")
    town.run_day(DAY, until="pull")

    forget_delivered(town.opened, datetime.now(UTC).date() + timedelta(days=40))

    assert rejected(town) == []


# Still being written ------------------------------------------------------------------------


def test_a_delivery_that_is_still_being_written_waits_and_is_taken_when_it_is_whole(
    patient: Town,
) -> None:
    path = patient.folder / "inbox" / "0001.xml"
    rest = unfinished(path)

    counts = patient.run_day(DAY, until="pull")

    assert counts == {"waiting_files": 1}
    assert rejected(patient) == []
    with path.open("ab") as file:
        file.write(rest)
    assert patient.run_day(DAY, until="pull")["deliveries"] == 1


@pytest.mark.parametrize("content", [b"", b"\0" * 4096, b"<?xml vers", "<ä".encode()[:-1]])
def test_the_first_bytes_are_no_reason_to_refuse_a_file(patient: Town, content: bytes) -> None:
    (patient.folder / "inbox" / "0001.xml").write_bytes(content)

    assert patient.run_day(DAY, until="pull") == {"waiting_files": 1}


@pytest.mark.parametrize(("age", "refused"), [(MINUTE - 5, 0), (MINUTE, 1), (MINUTE + 5, 1)])
def test_a_file_that_stays_cut_short_for_a_minute_is_refused(
    patient: Town, age: int, refused: int
) -> None:
    path = patient.folder / "inbox" / "0001.xml"
    unfinished(path)
    older(path, age)

    counts = patient.run_day(DAY, until="pull")

    assert (counts["rejected"], counts["waiting_files"]) == (refused, 1 - refused)


def test_a_file_of_tomorrow_is_not_waited_for(patient: Town) -> None:
    path = patient.folder / "inbox" / "0001.xml"
    unfinished(path)
    older(path, -24 * 3600)

    assert patient.run_day(DAY, until="pull")["rejected"] == 1


def test_a_whole_file_is_taken_at_once_however_young(patient: Town) -> None:
    full(patient.folder / "inbox" / "0001.xml")

    assert patient.run_day(DAY, until="pull")["deliveries"] == 1


@pytest.mark.parametrize("content", [b"no XML", b"<a><b></a>", b"<!DOCTYPE x>", b"<a>&b;</a>"])
def test_a_young_file_that_cannot_become_right_is_refused_at_once(
    patient: Town, content: bytes
) -> None:
    (patient.folder / "inbox" / "0001.xml").write_bytes(content)

    assert patient.run_day(DAY, until="pull")["rejected"] == 1


def test_a_young_file_that_is_whole_and_wrong_is_refused_at_once(patient: Town) -> None:
    path = full(patient.folder / "inbox" / "0001.xml")
    path.write_text(path.read_text().replace("09000009", "14713000"))

    assert patient.run_day(DAY, until="pull")["rejected"] == 1


@pytest.mark.parametrize("half", [0, 1])
def test_a_number_behind_one_that_is_still_being_written_waits_with_it(
    patient: Town, half: int
) -> None:
    """Whether its head is there already, or not even that."""
    inbox = patient.folder / "inbox"
    full(inbox / "0001.xml")
    patient.run_day(DAY, until="pull")
    rest = unfinished(inbox / "0002.xml", 2)
    if not half:
        rest = (inbox / "0002.xml").read_bytes()[100:] + rest
        (inbox / "0002.xml").write_bytes((inbox / "0002.xml").read_bytes()[:100])
    full(inbox / "0003.xml", 3)

    counts = patient.run_day(DAY, until="pull")

    assert counts == {"waiting_files": 1}
    with (inbox / "0002.xml").open("ab") as file:
        file.write(rest)
    assert patient.run_day(DAY, until="pull")["deliveries"] == 2


def test_a_file_that_is_replaced_while_it_is_read_counts_only_as_it_is_then(
    town: Town, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = full(inbox / "0001.xml")
    read = pull.read_records

    def replacing(*args: object, **kwargs: object) -> object:
        yield from read(*args, **kwargs)  # type: ignore[arg-type]
        neighbour = a_person(key=PersonKey(AGS, "000000010025"))
        other = [SENT, Sent("E2", BASELINE, "101", neighbour)]
        os.replace(write_delivery(path.with_suffix(".part"), 1, other, kind="full"), path)
        monkeypatch.setattr(pull, "read_records", read)

    monkeypatch.setattr(pull, "read_records", replacing)
    assert town.run_day(DAY, until="pull")["deliveries"] == 0

    counts = town.run_day(DAY, until="pull")
    assert (counts["deliveries"], counts["records"]) == (1, 2)


# Packets ------------------------------------------------------------------------------------


def packet(inbox: Path, name: str, number: int, *, last: bool, kind: str = "delta") -> Path:
    sent = Sent(f"E-{name}", BASELINE, "304", a_person())
    return write_delivery(inbox / f"{name}.xml", 2, [sent], kind=kind, packet=number, last=last)


def test_a_delivery_that_wrongly_says_more_follows_is_said_and_the_right_file_taken(
    town: Town, inbox: Path
) -> None:
    full(inbox / "0001.xml")
    packet(inbox, "wrong", 1, last=False)
    assert town.run_day(DAY, until="pull")["waiting_packets"] == 1

    packet(inbox, "right", 1, last=True)
    counts = town.run_day(DAY, until="pull")

    assert (counts["deliveries"], counts["rejected"], counts["set_aside"]) == (1, 0, 1)
    assert rejected(town) == ["wrong.xml"]
    assert not town.run_day(DAY, until="pull")


def test_after_a_day_a_packet_that_does_not_come_is_missing(town: Town, inbox: Path) -> None:
    full(inbox / "0001.xml")
    older(packet(inbox, "wrong", 1, last=False), 25 * 3600)

    assert town.run_day(DAY, until="pull")["stopped:registry.packet_missing"] == 1


CHOSEN = [  # (packet, is the last) of what has come; what is taken
    ([(1, True)], [0]),
    ([(1, False)], None),
    ([(1, False), (2, True)], [0, 1]),
    ([(2, True), (1, False)], [1, 0]),
    ([(1, False), (1, True)], [1]),
    ([(1, False), (2, False), (2, True)], [0, 2]),
    ([(2, True)], None),
    ([(1, False), (3, True)], None),
]


@pytest.mark.parametrize(("come", "chosen"), CHOSEN)
def test_the_set_that_is_complete_is_taken(
    tmp_path: Path, come: list[tuple[int, bool]], chosen: list[int] | None
) -> None:
    heads = [
        read_head(packet(tmp_path, str(place), number, last=last))
        for place, (number, last) in enumerate(come)
    ]
    assert complete_set(heads) == chosen


@pytest.mark.parametrize(
    ("come", "code"),
    [
        ([(1, False), (1, False)], "registry.packet_twice"),
        ([(1, True), (1, True)], "registry.packet_twice"),
        ([(1, True), (1, False), (2, True)], "registry.packet_twice"),
        ([(1, False), (1, False), (2, True)], "registry.packet_twice"),
        ([(1, True), (2, False)], "registry.packets_contradict"),
        ([(1, False), (2, True), (3, False)], "registry.packets_contradict"),
    ],
)
def test_packets_of_which_two_sets_could_be_right_are_refused(
    tmp_path: Path, come: list[tuple[int, bool]], code: str
) -> None:
    heads = [
        read_head(packet(tmp_path, str(place), number, last=last))
        for place, (number, last) in enumerate(come)
    ]
    with pytest.raises(DeliveryRejected, match=code.replace(".", r"\.")):
        complete_set(heads)


def test_a_packet_of_a_full_and_one_of_a_delta_delivery_are_no_delivery(tmp_path: Path) -> None:
    heads = [
        read_head(packet(tmp_path, "a", 1, last=False, kind="full")),
        read_head(packet(tmp_path, "b", 2, last=True)),
    ]
    with pytest.raises(DeliveryRejected, match=r"registry\.packets_contradict"):
        complete_set(heads)
