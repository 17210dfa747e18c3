"""Forget: personal data leaves when its period is over; what remains are numbers without people.

Files and the way back in the permit register go first, the rows that know of them last: a run that
is killed in between finds the same rows again, and does the rest.
"""

import contextlib
import re
import shutil
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tasks.errors import PermanentError
from tasks.municipality import Municipality, open_municipality
from tasks.settings import settings
from tasks.stage import Counts, batches, spread, stage
from tasks.state import forgetting, retention
from tasks.state.database import reading, writing
from tasks.state.retention import Leaving, Periods

# The installation's own files, shared by all municipalities.
ACCESS_LOG_DAYS = 365  # who looked at register data: 1. BMeldDÜV § 5 Abs. 4
ERROR_LOG_DAYS = 90
LOGS = {"access.log": ACCESS_LOG_DAYS, "errors.log": ERROR_LOG_DAYS}
DELIVERED = ("done", "rejected", "receipts")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@stage("forget people · {municipality}", retries=2, delays=(2, 10))
def forget_people(municipality: str, ids: Sequence[str], day: date, run: str) -> Counts:
    """Counts: persons (who are gone), deltas, cases, effects, letters, replies."""
    return forget_batch(open_municipality(municipality, settings()), ids, day, run)


@stage("forget deliveries · {municipality}", retries=2, delays=(2, 10))
def forget_deliveries(municipality: str, day: date) -> Counts:
    """Counts: quarantined, files."""
    return forget_delivered(open_municipality(municipality, settings()), day)


def preview(town: Municipality, day: date) -> Counts:
    """What would leave on this day. Changes nothing."""
    counts: Counts = Counts()
    for found in _leaving(town, day):
        with reading(town.engine) as session:
            counts += forgetting.count(session, found)
    with reading(town.engine) as session:
        last = _last_day(day, town.profile.retention.quarantine_days)
        quarantined = forgetting.count_quarantined(session, town.slug, last)
    return counts + Counts(quarantined=quarantined, files=len(old_files(town, day)))


def to_forget(town: Municipality, day: date) -> list[str]:
    """Ids of the people of whom something is over."""
    return [one.person for found in _leaving(town, day) for one in found]


def _leaving(town: Municipality, day: date) -> Iterator[list[Leaving]]:
    """Everyone is looked at, some hundred at a time."""
    after = ""
    while True:
        with reading(town.engine) as session:
            ids = retention.people(session, town.slug, after, town.settings.batch_size)
            found = retention.leaving(session, town.slug, ids, periods(town), day)
        if not ids:
            return
        if found:
            yield found
        after = ids[-1]


def forget_batch(town: Municipality, ids: Sequence[str], day: date, run: str) -> Counts:
    return spread(town.folder, "forget", ids, partial(_forget, town, day, run), _stays)


def _stays(person_id: str, code: str) -> None:
    """Nothing is noted of who is to be forgotten: the run says it, and the next one tries again."""
    raise PermanentError(code, person_id)


def _forget(town: Municipality, day: date, run: str, ids: Sequence[str]) -> Counts:
    with writing(town.engine) as session:
        forgetting.hold(session, ids)
        found = retention.leaving(session, town.slug, ids, periods(town), day)
        counts = forgetting.count(session, found)
        for letter in forgetting.letter_ids(session, found):
            # A letter that the print service has left lying; its line in the manifest stays, by
            # which a repeated letter is recognised.
            _remove(town.folder / "spool" / f"{letter}.pdf")
        town.register.forget(forgetting.effect_keys(session, found))
        forgetting.forget(session, town.slug, found, day, run)
    return counts


def forget_delivered(town: Municipality, day: date) -> Counts:
    last = _last_day(day, town.profile.retention.quarantine_days)
    with writing(town.engine) as session:
        quarantined = forgetting.forget_quarantined(session, town.slug, last)
    files = old_files(town, day)
    for path in files:
        _remove(path)
    return Counts(quarantined=quarantined, files=len(files))


def forget_all(town: Municipality, day: date, run: str) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """The stages in their order, as (task, arguments)."""
    for ids in batches(to_forget(town, day), town.settings.batch_size):
        yield forget_people, (town.slug, ids, day, run)
    yield forget_deliveries, (town.slug, day)


def tidy(town: Municipality) -> None:
    """Once much was forgotten: SQLite would keep it in the unused parts of its file."""
    forgetting.compact(town.engine)


def periods(town: Municipality) -> Periods:
    days = town.profile.retention
    return Periods(
        days.objection_days,
        days.nothing_done_days,
        days.held_back_days,
        days.gone_person_days,
        _zone(town),
    )


def old_files(town: Municipality, day: date) -> list[Path]:
    """Deliveries that were taken or refused, receipts, and what was no file and was put away.

    By the day on which a file came to lie where it is: a sender may keep the date of writing.
    """
    last = _last_day(day, town.profile.retention.delivery_files_days)
    return [
        path
        for name in DELIVERED
        for path in sorted((town.folder / name).glob("*"))
        if _day_of(path.lstat().st_ctime, _zone(town)) <= last
    ]


def old_logs(home: Path, day: date) -> list[Path]:
    """Logs that were set aside, and whose last line is over."""
    return [
        path
        for name, days in LOGS.items()
        for path in sorted(home.glob(f"{name}.*"))
        if _day_of(path.stat().st_mtime) <= _last_day(day, days)
    ]


def forget_logs(home: Path, day: date) -> Counts:
    """Whole files only: other processes write into them. One whose first line is old is set aside,
    so that none is kept for longer than twice its period."""
    old = old_logs(home, day)
    for path in old:
        _remove(path)
    for name, days in LOGS.items():
        path = home / name
        with contextlib.suppress(OSError):
            if _first_day(path) <= _last_day(day, days):
                path.rename(home / f"{name}.until-{day}")
    return Counts(logs=len(old))


def _remove(path: Path) -> None:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
    except OSError:
        raise PermanentError("forget.file_stays", path.parent.name, str(path)) from None


def _first_day(path: Path) -> date:
    """The day of a log's first entry; a log that names none is a new one."""
    with path.open(encoding="utf-8", errors="replace") as file:
        day = _DAY.match(file.readline())
    return date.fromisoformat(day[0]) if day else date.max


def _last_day(day: date, days: int) -> date:
    """The newest day that is over."""
    return day - timedelta(days=days + 1)


def _day_of(moment: float, zone: ZoneInfo | None = None) -> date:
    return datetime.fromtimestamp(moment).astimezone(zone).date()


def _zone(town: Municipality) -> ZoneInfo:
    return ZoneInfo(town.profile.timezone)
