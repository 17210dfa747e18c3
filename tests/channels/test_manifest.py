"""The manifest keeps every line that was finished, whatever a crash left around it."""

import json
from pathlib import Path

import pytest
from channel_builders import a_parcel
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.channels import manifest


def line(letter_id: str) -> bytes:
    return manifest.line(a_parcel(letter_id), f"{letter_id}.pdf")


INTACT = [line(f"l-{number}") for number in range(4)]


def test_a_line_says_what_to_print_and_nothing_about_whom():
    entry = json.loads(line("l-1"))

    assert entry == {
        "letter": "l-1",
        "file": "l-1.pdf",
        "pages": 1,
        "bytes": len(a_parcel("l-1").pdf),
        "sha256": manifest.sha256(a_parcel("l-1").pdf),
        "municipality": "musterstadt",
        "created": "2026-11-23",
    }


def test_an_intact_manifest_is_left_as_it_is(tmp_path):
    path = tmp_path / "manifest.jsonl"
    path.write_bytes(b"".join(INTACT))
    inode = path.stat().st_ino

    assert list(manifest.read(path, tmp_path / "scratch")) == ["l-0", "l-1", "l-2", "l-3"]
    assert path.stat().st_ino == inode


@pytest.mark.parametrize("kept", range(1, len(INTACT[3])))
def test_a_line_torn_anywhere_is_thrown_out_and_the_others_stay(kept):
    assert manifest.repaired(b"".join(INTACT[:3]) + INTACT[3][:kept]) == b"".join(INTACT[:3])


# What an interrupted write leaves: parts of lines, blocks of zeros, nonsense; never a whole line.
_DAMAGE = st.one_of(
    st.binary(max_size=40),
    st.integers(0, 600).map(bytes),
    st.builds(lambda text, end: text[:end], st.sampled_from(INTACT), st.integers(0, 60)),
    st.sampled_from([b"{}", b"[]", b"null", b'{"letter": 1, "sha256": 2}', b"[" * 5000]),
)


@settings(max_examples=150, deadline=None)
@given(parts=st.lists(st.one_of(st.sampled_from(INTACT), _DAMAGE.map(lambda d: d + b"\n"))))
def test_repair_keeps_exactly_the_intact_lines_in_their_order(parts):
    assert manifest.repaired(b"".join(parts)) == b"".join(p for p in parts if p in INTACT)


@settings(max_examples=60, deadline=None)
@given(data=st.lists(st.one_of(st.sampled_from(INTACT), _DAMAGE)).map(b"".join))
def test_a_repaired_manifest_needs_no_second_repair(data):
    once = manifest.repaired(data)

    assert manifest.repaired(once) == once


def test_lines_of_another_process_are_seen_without_reading_all_again(tmp_path):
    path, scratch = tmp_path / "manifest.jsonl", tmp_path / "scratch"
    path.write_bytes(INTACT[0])
    assert set(manifest.read(path, scratch)) == {"l-0"}

    append(path, INTACT[1])
    assert set(manifest.read(path, scratch)) == {"l-0", "l-1"}

    append(path, INTACT[2] + b'{"letter": "l-')
    assert set(manifest.read(path, scratch)) == {"l-0", "l-1", "l-2"}
    assert path.read_bytes() == b"".join(INTACT[:3])


def test_a_manifest_that_was_replaced_or_cut_is_read_anew(tmp_path):
    path, scratch = tmp_path / "manifest.jsonl", tmp_path / "scratch"
    path.write_bytes(INTACT[0] + INTACT[1])
    assert set(manifest.read(path, scratch)) == {"l-0", "l-1"}

    path.write_bytes(INTACT[0])
    assert set(manifest.read(path, scratch)) == {"l-0"}

    (tmp_path / "other").write_bytes(INTACT[2] + INTACT[3])
    (tmp_path / "other").replace(path)
    assert set(manifest.read(path, scratch)) == {"l-2", "l-3"}

    path.unlink()
    assert set(manifest.read(path, scratch)) == set()


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)
