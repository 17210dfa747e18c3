"""Files that survive a crash of the process and of the machine."""

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from tasks.errors import ChannelUnavailable
from tasks.files import open_regular

_MODE = 0o640  # letters are for the owner and the group that collects them


def write(path: Path, data: bytes, *, append: bool = False, sync: bool = False) -> None:
    flags = (
        os.O_WRONLY
        | os.O_CREAT
        | os.O_NOFOLLOW
        | os.O_NONBLOCK
        | (os.O_APPEND if append else os.O_TRUNC)
    )
    descriptor = os.open(path, flags, _MODE)
    try:
        rest = memoryview(data)
        while rest:  # a disk that is nearly full takes a part
            rest = rest[os.write(descriptor, rest) :]
        if sync:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(path: Path) -> bytes:
    """Raises OSError, also for what is no regular file."""
    with open_regular(path) as file:
        return file.read()


def sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Makes names last. A network share that cannot says EINVAL; it keeps names by itself."""
    try:
        sync_file(folder)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise


def remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


@contextlib.contextmanager
def locked(path: Path, wait: float) -> Iterator[None]:
    """Holds `flock` on `path` exclusively; raises ChannelUnavailable after `wait` seconds."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, _MODE)
    deadline = time.monotonic() + wait
    try:
        while not _try_lock(descriptor):
            if time.monotonic() >= deadline:
                raise ChannelUnavailable("channel.spool_busy")
            time.sleep(0.005)
        yield
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
