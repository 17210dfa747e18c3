"""Musterstadt and its story: what its registry delivers, day by day."""

import json
import os
import re
import shutil
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from tasks.errors import PermanentError
from tasks.municipality import PROFILE, Municipality, open_municipality
from tasks.records.importing import import_permits, read_permits
from tasks.render import REPLY
from tasks.replies.tokens import token_for
from tasks.settings import TEMPLATES, Settings
from tasks.state import facts
from tasks.state.clerks import add_clerk, clerks_of
from tasks.state.database import reading, writing

SLUG = "musterstadt"
SOURCE = TEMPLATES / SLUG
STATE = "demo.json"


@dataclass(frozen=True)
class Day:
    """`on` as the files of the story are written; they are shifted as a whole."""

    on: date
    deliveries: tuple[str, ...]
    what: str


STORY = (
    Day(
        date(2026, 11, 23),
        ("0001-gesamtlieferung.xml", "0002-deltalieferung.xml"),
        "everyone who lives here, and 17 changes",
    ),
    Day(
        date(2026, 11, 24),
        ("0003-deltalieferung-ruecknahme.xml",),
        "two changes taken back, three new ones",
    ),
    Day(
        date(2026, 11, 25),
        ("0004-paket1.xml", "0004-paket2.xml"),
        "three changes in two packets; the first day's have settled",
    ),
    Day(date(2026, 11, 27), (), "nothing new arrives; the rest has settled"),
    Day(date(2026, 12, 1), (), "a move that was known for a week takes place"),
    Day(
        date(2026, 12, 2),
        ("0005-deltalieferung.xml",),
        "that move is taken back; another one leads to a street in two zones",
    ),
)
# Days between the story's last one and today, so that the last delivery has settled: what a clerk
# answers now is carried out with the next run, not in two days.
ENDED_BEFORE = 2
SHIFTED_FROM = date(2024, 1, 1)  # older dates are people's lives and stay

# Versions of code lists look like dates and are none.
_DATE = re.compile(r'(?<!\d)(?<!listVersionID=")(\d{4}-\d\d-\d\d)(?!\d)')


def shift_dates(text: str, days: int) -> str:
    """Every date from 2024 on, also those of points in time; all other text stays as it is."""

    def shifted(found: re.Match[str]) -> str:
        try:
            day = date.fromisoformat(found[1])
        except ValueError:
            return found[1]
        return found[1] if day < SHIFTED_FROM else (day + timedelta(days)).isoformat()

    return _DATE.sub(shifted, text)


@dataclass
class Story:
    """How far the story was told. Its days are fixed when it begins, and remembered."""

    folder: Path
    shift: int
    told: int = 0

    @classmethod
    def of(cls, folder: Path, today: date) -> "Story":
        path = folder / STATE
        if not path.exists():
            return cls(folder, (today - STORY[-1].on).days - ENDED_BEFORE)
        kept = json.loads(path.read_text(encoding="utf-8"))
        return cls(folder, kept["shift_days"], kept["told"])

    def keep(self) -> None:
        path = self.folder / STATE
        part = path.with_suffix(".part")
        part.write_text(json.dumps({"shift_days": self.shift, "told": self.told}))
        os.replace(part, path)

    @property
    def begun(self) -> bool:
        return (self.folder / STATE).exists()

    def days(self) -> list[tuple[int, Day]]:
        """The days that are still to be told, and the number of each."""
        return list(enumerate(STORY, start=1))[self.told :]

    def on(self, day: Day) -> date:
        return day.on + timedelta(self.shift)

    def deliver(self, day: Day) -> None:
        for name in day.deliveries:
            target = self.folder / "inbox" / name
            part = target.with_suffix(".part")  # the inbox reads only what ends in .xml
            part.write_text(self._shifted(SOURCE / "deliveries" / name), encoding="utf-8")
            os.replace(part, target)

    def write_permits(self) -> Path:
        path = self.folder / "permits.jsonl"
        path.write_text(self._shifted(SOURCE / path.name), encoding="utf-8")
        return path

    def _shifted(self, path: Path) -> str:
        return shift_dates(path.read_text(encoding="utf-8"), self.shift)


_NAMES = {"sb-1": "A. Beispiel", "sb-2": "B. Muster"}  # as letters print them
CLERKS = tuple(_NAMES)
PASSWORD = "Musterstadt-Probe"  # noqa: S105  of invented clerks on this machine alone


def let_clerks_in(town: Municipality) -> None:
    """Only who is missing: a password that somebody has changed stays, and each costs time."""
    with reading(town.engine) as session:
        known = {clerk.sign for clerk in clerks_of(session, town.slug)}
    for sign, name in _NAMES.items():
        if sign not in known:
            with writing(town.engine) as session:
                add_clerk(session, town.slug, sign, PASSWORD, name)


def showcase(town: Municipality) -> tuple[str, str]:
    """The link of one resident's letter, and the birth date that opens it. Invented people."""
    with reading(town.engine) as session:
        told = facts.a_letter_told(session, town.slug, "zone_switched")
    if told is None:
        return "", ""
    case_id, born = told
    secret = token_for(case_id, REPLY, town.settings.signing_key()).link_secret
    return f"{town.settings.public_url}/a/{secret}", born


def prepare(settings: Settings, today: date) -> tuple[Municipality, Story]:
    """What somebody has changed since the first time stays. Raises AntragslosError."""
    folder = settings.folder(SLUG)
    for name in ("inbox", "spool", "templates"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name in (PROFILE, "zones.json"):
        if not (folder / name).exists():
            shutil.copyfile(SOURCE / name, folder / name)
    town = open_municipality(SLUG, settings)
    story = Story.of(folder, today)
    if not story.begun:
        result = import_permits(town.register, read_permits(story.write_permits()))
        if result.problems:
            reasons = "\n".join(map(str, result.problems))
            raise PermanentError("demo.permits_refused", SLUG, reasons)
        story.keep()
    return town, story
