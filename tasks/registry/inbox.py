"""The files of an inbox: strangers put them there, so only regular files are ever opened.

A pipe or a device would hang whoever opens it, a link leads out of the folder, and a sender may
still be writing. What is moved keeps its name as far as the folder takes it.
"""

import hashlib
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from tasks.errors import RegistryUnavailable
from tasks.files import NotAFile, must_be_regular, open_regular

NOT_OURS = {"registry.not_a_file", "registry.forbidden_file"}  # moved aside, whatever it is
MAX_NAME = 255  # bytes
COMPARED = 2 * 1024**3  # bytes; of two larger ones of one name, both are kept


@dataclass(frozen=True, slots=True)
class Stamp:
    """By which a file is known again: whoever writes into it, or puts another there, changes it."""

    device: int
    inode: int
    size: int
    written: int  # nanoseconds

    def is_young(self, now: float, seconds: float) -> bool:
        """Somebody may still be writing. A date far ahead is a wrong clock, not a writer."""
        return abs(now - self.written / 1e9) < seconds


def names(inbox: Path) -> list[Path]:
    """Whatever is called like a delivery. Who cannot rename writes `.part` or a dot file first."""
    with os.scandir(inbox) as entries:
        found = [entry.name for entry in entries]
    return sorted(inbox / n for n in found if n[0] != "." and n.lower().endswith(".xml"))


def stamp(path: Path) -> Stamp:
    """Raises RegistryUnavailable for what is no regular file, OSError where nothing is there."""
    found = path.lstat()
    try:
        must_be_regular(found)
    except NotAFile:
        raise RegistryUnavailable("registry.not_a_file") from None
    return Stamp(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def open_file(path: Path) -> BufferedReader:
    """Raises RegistryUnavailable for what is no regular file, or may not be read."""
    try:
        return open_regular(path)
    except PermissionError:
        raise RegistryUnavailable("registry.forbidden_file") from None
    except NotAFile:
        raise RegistryUnavailable("registry.not_a_file") from None


def hash_of(paths: Sequence[Path], max_bytes: int = sys.maxsize) -> str:
    """Of a larger file only name and size: it is refused unread, and reading it takes hours."""
    digest = hashlib.sha256()
    for path in paths:
        with open_file(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size > max_bytes:
                digest.update(f"{path.name} {size}".encode(errors="surrogateescape"))
            else:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def move(path: Path, folder: Path) -> None:
    """Whatever it is, even a pipe or a folder. What lies there under its name is kept, too."""
    target = folder / path.name
    if os.path.lexists(target) and not _same(path, target):
        target = _another_name(target)
    os.rename(path, target)


def _same(path: Path, other: Path) -> bool:
    with suppress(RegistryUnavailable, OSError):
        sizes = {stamp(path).size, stamp(other).size}
        if len(sizes) == 1 and max(sizes) <= COMPARED:
            return hash_of([path]) == hash_of([other])
    return False


def _another_name(taken: Path) -> Path:
    """A free one that begins alike, and is no longer than a folder can hold."""
    number = 1
    while True:
        end = os.fsencode(f"-{number}{taken.suffix[:20]}")
        begin = os.fsencode(taken.stem)[: MAX_NAME - len(end)]
        # A character that was cut in two would be no UTF-8.
        other = taken.with_name(begin.decode("utf-8", "ignore") + os.fsdecode(end))
        if not os.path.lexists(other):
            return other
        number += 1
