"""The files of an inbox: strangers put them there, so only regular files are ever opened.

A pipe or a device would hang whoever opens it, a link leads out of the folder, and a sender may
still be writing. What is moved keeps its name as far as the folder takes it.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from tasks.errors import RegistryUnavailable

NOT_OURS = {"registry.not_a_file", "registry.forbidden_file"}  # moved aside, whatever it is
MAX_NAME = 255  # bytes


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
    return _stamp(path.lstat())


def open_file(path: Path) -> BufferedReader:
    """Raises RegistryUnavailable for what is no regular file, or may not be read."""
    stamp(path)  # opening a device can do something to it
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except PermissionError:
        raise RegistryUnavailable("registry.forbidden_file") from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise RegistryUnavailable("registry.not_a_file") from None
        raise
    try:
        _stamp(os.fstat(descriptor))  # another may be there by now
    except RegistryUnavailable:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "rb")


def hash_of(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        with open_file(path) as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def move(path: Path, folder: Path) -> None:
    """Whatever it is, even a pipe or a folder. What lies there under its name is kept, too."""
    target = folder / path.name
    if os.path.lexists(target) and not _same(path, target):
        target = _another_name(target)
    os.rename(path, target)


def _stamp(found: os.stat_result) -> Stamp:
    if not stat.S_ISREG(found.st_mode):
        raise RegistryUnavailable("registry.not_a_file")
    return Stamp(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def _same(path: Path, other: Path) -> bool:
    with suppress(RegistryUnavailable, OSError):
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
