"""A day's manifest of the print spool: one JSON line for each letter.

A letter counts as handed over once its line stands here, also when its PDF is collected since.
Everything in this module is called under the spool's lock.
"""

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path

from tasks.channels import files
from tasks.channels.parcel import Parcel
from tasks.files import open_regular


@dataclass
class _Known:
    """What was read of one manifest so far, so that each line is read once by a process."""

    inode: int = -1
    size: int = 0
    letters: dict[str, str] = field(default_factory=dict)


@lru_cache(maxsize=32)  # some days, some municipalities
def _known(path: Path) -> _Known:
    return _Known()


def path_for(folder: Path, day: date) -> Path:
    return folder / f"manifest-{day.isoformat()}.jsonl"


def line(parcel: Parcel, name: str) -> bytes:
    """No personal data: the addressee stands in the window of the PDF."""
    entry = {
        "letter": parcel.letter_id,
        "file": name,
        "pages": parcel.pages,
        "bytes": len(parcel.pdf),
        "sha256": sha256(parcel.pdf),
        "municipality": parcel.municipality,
        "created": parcel.created.isoformat(),
    }
    return json.dumps(entry, ensure_ascii=False).encode() + b"\n"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def read(path: Path, scratch: Path) -> dict[str, str]:
    """SHA-256 by letter, after throwing out what a crash left torn (`scratch`: a file for that)."""
    known = _known(path)
    tail = _unread(path, known)
    intact = repaired(tail)
    if intact != tail:
        files.write(scratch, repaired(files.read(path)), sync=True)
        os.replace(scratch, path)
        files.sync_folder(path.parent)
        return read(path, scratch)
    known.size += len(tail)
    for entry in intact.splitlines():
        letter, digest = _parse(entry) or ("", "")
        known.letters.setdefault(letter, digest)
    return known.letters


def _unread(path: Path, known: _Known) -> bytes:
    try:
        with open_regular(path) as file:
            status = os.fstat(file.fileno())
            if status.st_ino != known.inode or status.st_size < known.size:
                known.inode, known.size, known.letters = status.st_ino, 0, {}
            file.seek(known.size)
            return file.read()
    except FileNotFoundError:
        known.inode, known.size, known.letters = -1, 0, {}
        return b""


def append(path: Path, lines: Iterable[bytes]) -> None:
    """Also without lines it makes durable what an earlier, interrupted call wrote."""
    files.write(path, b"".join(lines), append=True, sync=True)


def repaired(data: bytes) -> bytes:
    """Only the intact lines. One without its end, or that cannot be read, was never synced."""
    return b"".join(entry + b"\n" for entry in data.split(b"\n")[:-1] if _parse(entry))


def _parse(entry: bytes) -> tuple[str, str] | None:
    try:
        value = json.loads(entry.decode())
        letter, digest = value["letter"], value["sha256"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return (letter, digest) if isinstance(letter, str) and isinstance(digest, str) else None
