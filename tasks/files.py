"""Files that somebody else may write, opened so that they can be nothing but files.

A pipe or a device would hang whoever opens it, and a link, a path or a second name (hard link)
leads to what belongs to others. Every folder may use this one.
"""

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

_LOCKS = ".#"  # Emacs locks what somebody edits by a link that leads nowhere; nobody opens it
_AT_MOST = 16 * 1024**2  # bytes; profiles, zone lists and templates are far smaller


LINK = "a link, which is not followed"
SECOND_NAME = "a file with a second name (hard link), which may be somebody else's"


class NotAFile(OSError):
    """Not a regular file, or not one that belongs here; the text says why and quotes nothing."""


def is_plain(name: str) -> bool:
    """A name and no path, which nothing else of ours has: ours begin with a dot."""
    return name == os.path.basename(name) and name[:1] not in ("", ".") and name.isprintable()


def open_regular(path: Path) -> BufferedReader:
    """Raises NotAFile, PermissionError, FileNotFoundError; never waits."""
    must_be_regular(path.lstat())  # opening a device can do something to it
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise NotAFile(LINK) from None
        raise
    try:
        must_be_regular(os.fstat(descriptor))  # another may be there by now
    except NotAFile:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "rb")


def read_regular(path: Path, at_most: int = _AT_MOST) -> bytes:
    """Raises OSError, also NotAFile."""
    with open_regular(path) as file:
        return _content(file, at_most)


def read_own(folder: Path, name: str, at_most: int = _AT_MOST) -> bytes:
    """A file that lies in `folder` itself, under this name only. Raises OSError, also NotAFile."""
    if not is_plain(name):
        raise NotAFile("not the plain name of a file in the municipality's folder")
    with open_regular(folder / name) as file:
        must_be_own(os.fstat(file.fileno()))
        return _content(file, at_most)


def _content(file: BufferedReader, at_most: int) -> bytes:
    content = file.read(at_most + 1)
    if len(content) > at_most:
        raise NotAFile(f"larger than {at_most} bytes")
    return content


def must_be_own(found: os.stat_result) -> None:
    """Raises NotAFile for what is no regular file, or is one that has a second name elsewhere."""
    must_be_regular(found)
    if found.st_nlink > 1:
        raise NotAFile(SECOND_NAME)


def strange(folder: Path) -> dict[str, str]:
    """What lies in `folder` and is neither a folder nor a file of its own, with what it is."""
    found = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False) or entry.name.startswith(_LOCKS):
                continue
            try:
                must_be_own(entry.stat(follow_symlinks=False))
            except NotAFile as error:
                found[entry.name] = str(error)
            except FileNotFoundError:  # a database closes its journal
                continue
    return found


def must_be_regular(found: os.stat_result) -> None:
    if stat.S_ISLNK(found.st_mode):
        raise NotAFile(LINK)
    if not stat.S_ISREG(found.st_mode):
        raise NotAFile("not a file")
