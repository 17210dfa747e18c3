"""The print spool: a folder from which a print service collects letters. Exactly once by name.

    <letter>.pdf                 the letter
    manifest-YYYY-MM-DD.jsonl    a line for each letter of that day: only what is listed is released
    .lock  .part/                ours

PDF whole on disk → its name → its line. A crash between any two leaves something that the next call
for the same letter completes. Whoever collects moves PDFs that are listed, and lets manifests lie:
they are how a repeated letter is recognised.
"""

import errno
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from itertools import groupby
from pathlib import Path

from tasks.channels import files, manifest
from tasks.channels.outlet import Result
from tasks.channels.parcel import HandedOver, Parcel
from tasks.errors import AntragslosError, ChannelRefused, ChannelUnavailable, SpoolFull

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_LETTER_SIZE = 256 * 1024


def put(parcels: Sequence[Parcel], folder: Path, wait: float) -> list[Result]:
    """One result for each parcel, in their order; all refused where one stands there twice.

    `wait`: seconds for other processes to finish.
    """
    if len({parcel.letter_id for parcel in parcels}) < len(parcels):
        return [ChannelRefused("channel.bad_parcel", parcel.letter_id) for parcel in parcels]
    results: dict[str, Result] = {}
    try:
        with files.locked(folder / ".lock", wait):
            _empty(folder / ".part")
            by_day = sorted(parcels, key=_day)
            for _, of_one_day in groupby(by_day, key=_day):
                _put_day(list(of_one_day), folder, results)
    except (OSError, ChannelUnavailable) as error:
        for parcel in parcels:
            results.setdefault(parcel.letter_id, _failure(error, parcel.letter_id))
    return [results[parcel.letter_id] for parcel in parcels]


def listed(letters: Mapping[str, date], folder: Path, wait: float) -> set[str]:
    """Which of these letters (with the day each was made) a manifest lists: they are handed over.

    Raises ChannelUnavailable.
    """
    found: set[str] = set()
    try:
        with files.locked(folder / ".lock", wait):
            _empty(folder / ".part")
            for day in set(letters.values()):
                path = manifest.path_for(folder, day)
                names = manifest.read(path, folder / ".part" / path.name)
                there = {name for name, made in letters.items() if made == day and name in names}
                if there:
                    manifest.append(path, ())  # what a dead process wrote is made to last
                found |= there
    except OSError as error:
        raise _failure(error, "") from None
    return found


def try_room(folder: Path, wait: float) -> None:
    """Writes what a letter takes and removes it; raises ChannelUnavailable, also SpoolFull."""
    trial = folder / ".part" / "trial"
    try:
        with files.locked(folder / ".lock", wait):
            _empty(trial.parent)
            try:
                files.write(trial, bytes(_LETTER_SIZE), sync=True)
            finally:
                files.remove(trial)
    except OSError as error:
        raise _failure(error, "") from None


def _day(parcel: Parcel) -> str:
    return parcel.created.isoformat()


def _put_day(parcels: Sequence[Parcel], folder: Path, results: dict[str, Result]) -> None:
    """Step by step over all letters, since many syncs in a row cost little more than one."""
    path = manifest.path_for(folder, parcels[0].created)
    listed = manifest.read(path, folder / ".part" / path.name)
    new = []
    for parcel in parcels:
        if parcel.letter_id in listed:
            results[parcel.letter_id] = _compare(parcel, listed[parcel.letter_id])
        else:
            new.append(parcel)
    for step in (_stage, _sync, _name):
        new = [parcel for parcel in new if _done(step, parcel, folder, results)]
    manifest.append(path, ())  # it has to be there before the folder's names are made to last
    files.sync_folder(folder)
    manifest.append(path, (manifest.line(parcel, _file(parcel)) for parcel in new))
    for parcel in new:
        results[parcel.letter_id] = HandedOver("print", already=False, reference=_file(parcel))


def _compare(parcel: Parcel, digest: str) -> Result:
    if digest != manifest.sha256(parcel.pdf):
        return ChannelRefused("channel.spool_conflict", parcel.letter_id)
    return HandedOver("print", already=True, reference=_file(parcel))


def _stage(parcel: Parcel, folder: Path) -> None:
    target = folder / _file(parcel)
    if os.path.lexists(target) and files.read(target) != parcel.pdf:
        raise ChannelRefused("channel.spool_conflict", parcel.letter_id)
    files.write(_part(parcel, folder), parcel.pdf)


def _sync(parcel: Parcel, folder: Path) -> None:
    files.sync_file(_part(parcel, folder))


def _name(parcel: Parcel, folder: Path) -> None:
    os.replace(_part(parcel, folder), folder / _file(parcel))


def _done(
    step: Callable[[Parcel, Path], None],
    parcel: Parcel,
    folder: Path,
    results: dict[str, Result],
) -> bool:
    """One letter that does not fit leaves the others alone."""
    try:
        step(parcel, folder)
    except (OSError, ChannelRefused) as error:
        files.remove(_part(parcel, folder))
        results[parcel.letter_id] = _failure(error, parcel.letter_id)
        return False
    return True


def _failure(error: OSError | AntragslosError, letter_id: str) -> AntragslosError:
    if isinstance(error, ChannelUnavailable):
        return ChannelUnavailable(error.code, letter_id)
    if isinstance(error, AntragslosError):
        return error
    reason = os.strerror(error.errno or 0)
    if error.errno in _FULL:
        return SpoolFull("channel.spool_full", letter_id, reason)
    return ChannelUnavailable("channel.spool_unreachable", letter_id, reason)


def _file(parcel: Parcel) -> str:
    return f"{parcel.letter_id}.pdf"


def _part(parcel: Parcel, folder: Path) -> Path:
    return folder / ".part" / _file(parcel)


def _empty(folder: Path) -> None:
    """What lies here under the lock was left by a crash; it holds somebody's letter."""
    if folder.is_symlink():  # to other people's files
        raise NotADirectoryError(errno.ENOTDIR, "")
    folder.mkdir(mode=0o750, exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
