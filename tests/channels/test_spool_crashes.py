"""The spool's process is killed at every single point; afterwards each letter is there once."""

import itertools
import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from channel_builders import a_parcel

from tasks.channels import HandedOver, hand_over_many

PARCELS = [a_parcel("l-1"), a_parcel("l-2")]
CALLS = ("open", "write", "fsync", "replace", "close", "unlink")


def killed_at(point: int, folder: Path) -> bool:
    """Hands the letters over in a process of its own; False: it came to its end before `point`."""
    child = os.fork()
    if child == 0:
        _die_at(point)
        hand_over_many(PARCELS, f"printspool://{folder}")
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


def _die_at(point: int) -> None:
    """The process kills itself before its `point`-th call to the disk, or halfway in a write."""
    points = itertools.count()

    def dying(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **options: Any) -> Any:
            if next(points) == point:
                die()
            if name == "write" and len(arguments[1]) > 1 and next(points) == point:
                descriptor, data = arguments
                call(descriptor, data[: len(data) // 2])
                die()
            return call(*arguments, **options)

        return wrapped

    def die() -> NoReturn:
        os.kill(os.getpid(), signal.SIGKILL)
        raise SystemExit

    for name in CALLS:
        setattr(os, name, dying(name, getattr(os, name)))


def every_point(prepare: Callable[[Path], None], folder: Path) -> Iterator[Path]:
    """A spool for each point at which a process died in it."""
    for point in itertools.count():
        spool = folder / str(point)
        spool.mkdir()
        prepare(spool)
        if not killed_at(point, spool):
            assert point > 15  # the points are really there
            return
        yield spool


def empty(spool: Path) -> None:
    pass


def with_a_letter(spool: Path) -> None:
    hand_over_many([a_parcel("l-0")], f"printspool://{spool}")


def with_a_torn_line(spool: Path) -> None:
    with_a_letter(spool)
    with (spool / "manifest-2026-11-23.jsonl").open("ab") as file:
        file.write(b'{"letter": "l-1", "file"')


@pytest.mark.parametrize("prepare", [empty, with_a_letter, with_a_torn_line])
def test_wherever_the_process_is_killed_each_letter_is_there_once(tmp_path, prepare):
    for spool in every_point(prepare, tmp_path):
        only_what_is_listed_is_whole(spool)
        results = hand_over_many(PARCELS, f"printspool://{spool}")

        assert all(isinstance(result, HandedOver) for result in results)
        expected = ["l-1", "l-2"] if prepare is empty else ["l-0", "l-1", "l-2"]
        assert sorted(path.stem for path in spool.glob("*.pdf")) == expected
        assert listed(spool) == expected
        assert list((spool / ".part").iterdir()) == []
        for parcel in PARCELS:
            assert (spool / f"{parcel.letter_id}.pdf").read_bytes() == parcel.pdf


def test_each_step_is_on_disk_before_the_next_one_begins(tmp_path, monkeypatch):
    """A power cut loses what was not synced, in any order: a kill alone cannot show that."""
    steps: list[tuple[str, str]] = []

    def watched(name: str) -> None:
        call = getattr(os, name)

        def wrapped(target: Any, *more: Any) -> Any:
            path = os.readlink(f"/proc/self/fd/{target}") if isinstance(target, int) else target
            steps.append((name, os.path.relpath(path, tmp_path)))
            return call(target, *more)

        monkeypatch.setattr(os, name, wrapped)

    for name in ("write", "fsync", "replace"):
        watched(name)
    hand_over_many(PARCELS, f"printspool://{tmp_path}")

    manifest = "manifest-2026-11-23.jsonl"
    assert steps == [
        ("write", ".part/l-1.pdf"),
        ("write", ".part/l-2.pdf"),
        ("fsync", ".part/l-1.pdf"),
        ("fsync", ".part/l-2.pdf"),
        ("replace", ".part/l-1.pdf"),
        ("replace", ".part/l-2.pdf"),
        ("fsync", manifest),
        ("fsync", "."),
        ("write", manifest),
        ("fsync", manifest),
    ]


def only_what_is_listed_is_whole(spool: Path) -> None:
    """What a print service finds after the crash: every finished line has its whole PDF."""
    manifest = spool / "manifest-2026-11-23.jsonl"
    lines = manifest.read_bytes().split(b"\n")[:-1] if manifest.exists() else []
    for entry in map(json.loads, lines):
        assert (spool / entry["file"]).stat().st_size == entry["bytes"]


def listed(spool: Path) -> list[str]:
    lines = (spool / "manifest-2026-11-23.jsonl").read_text().splitlines()
    return [json.loads(line)["letter"] for line in lines]
