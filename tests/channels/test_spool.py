"""The print spool: each letter once, whole, listed, or an error that says what to do."""

import fcntl
import json
import os
import resource
import stat
import subprocess
import sys
import textwrap
import threading
from datetime import date
from pathlib import Path

import pytest
from channel_builders import a_parcel

from tasks.channels import HandedOver, hand_over, hand_over_many
from tasks.errors import ChannelRefused, ChannelUnavailable


def url(folder: Path) -> str:
    return f"printspool://{folder}"


def listed(folder: Path, day: str = "2026-11-23") -> list[str]:
    lines = (folder / f"manifest-{day}.jsonl").read_text().splitlines()
    return [json.loads(line)["letter"] for line in lines]


def pdfs(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.pdf"))


def test_a_letter_lies_in_the_spool_and_is_listed(tmp_path):
    done = hand_over(a_parcel("l-1"), url(tmp_path))

    assert done == HandedOver("print", already=False, reference="l-1.pdf")
    assert (tmp_path / "l-1.pdf").read_bytes() == a_parcel("l-1").pdf
    assert listed(tmp_path) == ["l-1"]


def test_nothing_else_is_left_in_the_spool_and_no_name_outside_the_pdf(tmp_path):
    hand_over(a_parcel("l-1"), url(tmp_path))

    names = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")}
    assert names == {"l-1.pdf", "manifest-2026-11-23.jsonl", ".lock", ".part"}
    assert "Wójcik" not in (tmp_path / "manifest-2026-11-23.jsonl").read_text()


def test_what_a_crash_left_half_written_does_not_stay_with_somebodys_letter_in_it(tmp_path):
    (tmp_path / ".part").mkdir()
    (tmp_path / ".part" / "l-9.pdf").write_bytes(b"%PDF-half")

    hand_over(a_parcel("l-1"), url(tmp_path))

    assert list((tmp_path / ".part").iterdir()) == []


def test_letters_are_not_for_everybody_on_the_machine(tmp_path):
    hand_over(a_parcel("l-1"), url(tmp_path))

    for path in (tmp_path / "l-1.pdf", tmp_path / "manifest-2026-11-23.jsonl"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o027 == 0


def test_the_same_letter_again_is_recognised(tmp_path):
    hand_over(a_parcel("l-1"), url(tmp_path))

    again = hand_over(a_parcel("l-1"), url(tmp_path))

    assert again == HandedOver("print", already=True, reference="l-1.pdf")
    assert pdfs(tmp_path) == ["l-1.pdf"]
    assert listed(tmp_path) == ["l-1"]


def test_a_letter_that_was_collected_is_not_printed_a_second_time(tmp_path):
    hand_over(a_parcel("l-1"), url(tmp_path))
    (tmp_path / "l-1.pdf").unlink()

    assert hand_over(a_parcel("l-1"), url(tmp_path)).already
    assert pdfs(tmp_path) == []


def test_the_same_name_with_other_content_is_a_conflict_and_nothing_is_overwritten(tmp_path):
    hand_over(a_parcel("l-1"), url(tmp_path))
    (tmp_path / "l-2.pdf").write_bytes(b"somebody else's")

    for letter_id in ("l-1", "l-2"):
        with pytest.raises(ChannelRefused) as refused:
            hand_over(a_parcel(letter_id, pdf=b"other"), url(tmp_path))
        assert str(refused.value) == f"channel.spool_conflict {letter_id}"

    assert (tmp_path / "l-1.pdf").read_bytes() == a_parcel("l-1").pdf
    assert (tmp_path / "l-2.pdf").read_bytes() == b"somebody else's"
    assert listed(tmp_path) == ["l-1"]


def test_a_batch_answers_for_each_letter_in_its_order(tmp_path):
    hand_over(a_parcel("l-2"), url(tmp_path))
    batch = [
        a_parcel("l-3", created=date(2026, 11, 24)),
        a_parcel("l-2"),
        a_parcel("l-1"),
        a_parcel("l-4", pdf=b"x"),
    ]
    (tmp_path / "l-4.pdf").write_bytes(b"y")

    third, second, first, fourth = hand_over_many(batch, url(tmp_path))

    assert third == HandedOver("print", False, "l-3.pdf")
    assert second == HandedOver("print", True, "l-2.pdf")
    assert first == HandedOver("print", False, "l-1.pdf")
    assert str(fourth) == "channel.spool_conflict l-4"
    assert listed(tmp_path) == ["l-2", "l-1"]
    assert listed(tmp_path, "2026-11-24") == ["l-3"]


def test_a_letter_twice_in_one_batch_is_a_mistake_and_nothing_is_written(tmp_path):
    results = hand_over_many([a_parcel("l-1"), a_parcel("l-1", pdf=b"other")], url(tmp_path))

    assert [str(result) for result in results] == ["channel.bad_parcel l-1"] * 2
    assert pdfs(tmp_path) == []


def test_no_letters_need_no_spool():
    assert hand_over_many([], "printspool:///nowhere") == []


def test_a_folder_that_is_not_there_is_not_made_but_reported(tmp_path):
    missing = tmp_path / "not-mounted"

    with pytest.raises(ChannelUnavailable) as unavailable:
        hand_over(a_parcel("l-1"), url(missing))

    assert str(unavailable.value) == "channel.spool_unreachable l-1"
    assert not missing.exists()


def test_a_file_in_place_of_the_folder_is_reported(tmp_path):
    (tmp_path / "spool").write_bytes(b"")

    with pytest.raises(ChannelUnavailable, match=r"^channel\.spool_unreachable l-1$"):
        hand_over(a_parcel("l-1"), url(tmp_path / "spool"))


def test_what_nobody_foresaw_may_be_tried_again_since_names_are_exact(tmp_path):
    with pytest.raises(ChannelUnavailable, match=r"^channel\.unexplained l-1$"):
        hand_over(a_parcel("l-1", pdf=None), url(tmp_path))

    assert hand_over(a_parcel("l-1"), url(tmp_path)).already is False
    assert listed(tmp_path) == ["l-1"]


def test_a_link_planted_in_the_spool_is_not_followed(tmp_path):
    spool, victim = tmp_path / "spool", tmp_path / "victim"
    spool.mkdir()
    (spool / "manifest-2026-11-23.jsonl").symlink_to(victim)

    with pytest.raises(ChannelUnavailable):
        hand_over(a_parcel("l-1"), url(spool))

    assert not victim.exists()


def test_a_spool_in_use_is_waited_for(tmp_path):
    descriptor = os.open(tmp_path / ".lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    release = threading.Timer(0.2, os.close, [descriptor])
    release.start()

    assert hand_over(a_parcel("l-1"), url(tmp_path), timeout=5).already is False
    release.join()


def test_a_spool_in_use_for_too_long_is_tried_again_later(tmp_path):
    descriptor = os.open(tmp_path / ".lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_EX)

    with pytest.raises(ChannelUnavailable) as unavailable:
        hand_over(a_parcel("l-1"), url(tmp_path), timeout=0.05)

    os.close(descriptor)
    assert str(unavailable.value) == "channel.spool_busy l-1"


def test_two_writers_of_the_same_letters_leave_each_once(tmp_path):
    parcels = [a_parcel(f"l-{number}") for number in range(40)]
    answers: list[HandedOver] = []

    def write() -> None:
        answers.extend(hand_over(parcel, url(tmp_path)) for parcel in parcels)

    writers = [threading.Thread(target=write) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert sorted(listed(tmp_path)) == sorted(parcel.letter_id for parcel in parcels)
    assert sum(not answer.already for answer in answers) == 40
    assert len(answers) == 120


def in_small_disk(folder: Path, limit: int, program: str) -> str:
    """Runs `program` where no file may grow beyond `limit` bytes; gives what it prints."""
    code = "from channel_builders import a_parcel\nfrom tasks.channels import hand_over_many\n"
    code += f"url = {url(folder)!r}\n" + textwrap.dedent(program)
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.strip()


def test_a_letter_that_does_not_fit_leaves_nothing_and_no_other_behind(tmp_path):
    printed = in_small_disk(
        tmp_path,
        20_000,
        """
        small, large, last = a_parcel("l-1"), a_parcel("l-2", pdf=bytes(30_000)), a_parcel("l-3")
        for result in hand_over_many([small, large, last], url):
            print(type(result).__name__, result)
        """,
    )

    first, second, third = printed.splitlines()
    assert first.startswith("HandedOver")
    assert second == "SpoolFull channel.spool_full l-2"
    assert third.startswith("HandedOver")
    assert pdfs(tmp_path) == ["l-1.pdf", "l-3.pdf"]
    assert list((tmp_path / ".part").iterdir()) == []
    assert listed(tmp_path) == ["l-1", "l-3"]


def test_where_the_manifest_does_not_fit_no_letter_counts_until_there_is_room(tmp_path):
    parcels = [a_parcel(f"l-{number}", pdf=b"%PDF") for number in range(9)]

    printed = in_small_disk(
        tmp_path,
        500,
        """
        batch = [a_parcel(f"l-{number}", pdf=b"%PDF") for number in range(9)]
        print({f"{type(result).__name__} {result.code}" for result in hand_over_many(batch, url)})
        """,
    )
    assert printed == "{'SpoolFull channel.spool_full'}"

    results = hand_over_many(parcels, url(tmp_path))
    assert all(isinstance(result, HandedOver) for result in results)
    assert sorted(listed(tmp_path)) == [parcel.letter_id for parcel in parcels]


def test_a_manifest_that_needs_repair_on_a_full_disk_loses_nothing(tmp_path):
    hand_over(a_parcel("l-1"), url(tmp_path))
    torn = (tmp_path / "manifest-2026-11-23.jsonl").read_bytes() + b'{"letter": "l-2", "fi'
    (tmp_path / "manifest-2026-11-23.jsonl").write_bytes(torn)

    printed = in_small_disk(tmp_path, 100, 'print(hand_over_many([a_parcel("l-1")], url)[0])')

    assert printed == "channel.spool_full l-1"
    assert (tmp_path / "manifest-2026-11-23.jsonl").read_bytes() == torn
    assert hand_over(a_parcel("l-1"), url(tmp_path)).already
    assert listed(tmp_path) == ["l-1"]
