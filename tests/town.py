"""A municipality for tests: a home folder with a profile, zones, permits and an empty inbox.

`Town` is the face that tests speak to: put or send deliveries, run a day, look at cases, letters,
permits and questions. It names no step, no table and no stage, so that these can be rebuilt.
"""

import atexit
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sqlmodel import select

from flows._pipeline import Work, everything, prompted
from tasks.desks.residents import StateResidentDesk
from tasks.domain.record import Permit
from tasks.domain.reply import ReplyKind, Scope
from tasks.errors import AntragslosError
from tasks.idle import idle
from tasks.municipality import Municipality, open_municipality
from tasks.records.importing import import_permits, read_permits
from tasks.replies.desk import BirthDate
from tasks.replies.tokens import token_for
from tasks.report import read_report
from tasks.rerun import Preview, find_cases, rerun
from tasks.review import Asked, open_questions, record_answers
from tasks.send import recover_claims
from tasks.settings import Settings, settings
from tasks.stage import Counts
from tasks.state import database, intake
from tasks.state.database import reading, utcnow, writing
from tasks.state.selection import Selection
from tasks.state.story import CaseLine, list_cases
from tasks.state.tables import CaseRow, Clerk, LetterRow
from tests import chance
from tests.delivery_writer import BASELINE, Sent, write_delivery

DATA = Path(__file__).parent / "data"
DELIVERIES = DATA / "deliveries"
ZONES = DATA / "zones" / "rostock_bewohnerparkgebiete_2026-09-16.json"
SLUG = "musterstadt"
CLERK = "C. Muster"  # whose answers are signed so
WOJCIK_BORN = BirthDate(1991, 7, 30)  # most stories are his: BPA-0002, E0002-0002
FIRST_DAY = date(2026, 11, 23)
FIRST_DELIVERIES = ("0001-gesamtlieferung.xml", "0002-deltalieferung.xml")

PROFILE = '''
name = "Musterstadt"
ags = "09000009"
test_mode = {test_mode}
permits_url = "{permits_url}"

[letterhead]
authority = "Stadt Musterstadt"
department = "Straßenverkehrsbehörde"
street = "Rathausplatz 1"
postcode_town = "60000 Musterstadt"
place = "Musterstadt"

[texts]
legal_remedy = """
Gegen diesen Bescheid können Sie innerhalb eines Monats Widerspruch erheben: bei der Stadt \\
Musterstadt, Rathausplatz 1, 60000 Musterstadt, schriftlich, in elektronischer Form oder zur \\
Niederschrift."""
privacy_notice = """
Verantwortlich: Stadt Musterstadt. Datenschutzbeauftragte: datenschutz@musterstadt.example. \\
Name und Anschrift haben wir aus dem Melderegister, um den Ausweis anzupassen (Art. 6 DSGVO), \\
auch automatisiert. Empfänger: die Druckerei. Gelöscht wird nach {{objection_days}} Tagen. \\
Rechte: Auskunft, Berichtigung, Löschung, Einschränkung, Widerspruch, Beschwerde bei der \\
Aufsichtsbehörde."""
contact = "Bürgerbüro, Telefon 0123 456"
signed_by = "Im Auftrag, A. Beispiel"

[sender]
name = "Stadt Musterstadt"
address = "bescheid@musterstadt.example"

[quiet_hours]
start = "00:00"
end = "00:00"

[services.resident_parking]
enabled = true
legal_mode = "standing_application"
legal_basis_ref = "DA 7/2026"
zones = "zones.json"
settling_days = {settling_days}
resolutory_condition = {resolutory_condition}
default_form = "digital"
{extra}
[services.resident_parking.digital]
lane = "machine"
nothing_to_do = true
display_text = "Ihr Ausweis ist digital. Sie müssen nichts ins Auto legen."
fee_text = "Für diese Umstellung erheben wir keine Gebühr."
old_permit_text = "Auch Ihr bisheriger Ausweis ist digital. Sie müssen nichts zurückgeben."

[services.resident_parking.paper]
lane = "machine"
display_text = "Die neue Karte schicken wir Ihnen in den nächsten Tagen zu."
fee_text = "Die Umstellung kostet 10,20 Euro. Die Rechnung liegt der neuen Karte bei."
old_permit_text = "Die Karte, die nicht mehr gilt, schicken Sie uns bitte zurück."
taken_back_text = "Welche Karte Sie behalten, sagen wir Ihnen, wenn Sie uns anrufen."
'''


@dataclass
class Town:
    """Opens the municipality anew at each access, as every task does."""

    settings: Settings
    slug: str = SLUG

    @property
    def folder(self) -> Path:
        return self.settings.folder(self.slug)

    @property
    def opened(self) -> Municipality:
        return open_municipality(self.slug, self.settings)

    # What comes in ----------------------------------------------------------------------------

    def put(self, *names: str) -> None:
        """Puts deliveries of tests/data into the inbox."""
        for name in names:
            shutil.copyfile(DELIVERIES / name, self.folder / "inbox" / Path(name).name)

    def send(self, *sent: Sent, kind: str = "delta") -> None:
        """The registry's next delivery lies in the inbox; its events are `E<number>-<place>`."""
        with reading(self.opened.engine) as session:
            number = (intake.last_number(session, self.slug, "xmeldit") or 0) + 1
        at = BASELINE + timedelta(hours=number)
        records = [
            replace(one, event=f"E{number:04d}-{place:04d}", at=at + timedelta(minutes=place))
            for place, one in enumerate(sent, start=1)
        ]
        write_delivery(self.folder / "inbox" / f"{number:04d}.xml", number, records, kind=kind)

    # What happens -----------------------------------------------------------------------------

    def run_day(
        self,
        day: str | date,
        *names: str,
        until: str = "send",
        before: Mapping[str, Callable[[], object]] = {},
        run: str = "run",
        strict: bool = False,
    ) -> Counts:
        """Puts deliveries into the inbox and plays the whole day, as a run does it; all counts.

        `until` is the last thing that is done: pull, link, decide, act, render or send; `before`
        is what somebody else does each time just before one of these. What a step raises is
        counted as `trouble:<code>`, and the day goes on as in a run; `strict`: it is raised.
        """
        self.put(*names)
        return self._play(everything, day, until, before, run, strict)

    def run_replies(self, day: str | date, *, strict: bool = False) -> Counts:
        """Plays only what a resident or a clerk waits for, as `apply_replies` does; all counts."""
        return self._play(prompted, day, "send", {}, "run", strict)

    def _play(
        self,
        work: Callable[[Municipality, date, str], Work],
        day: str | date,
        until: str,
        before: Mapping[str, Callable[[], object]],
        run: str,
        strict: bool,
    ) -> Counts:
        counts = recover_claims(self.opened, run)
        for step, args in work(self.opened, _day(day), run):
            what = stage_of(step)
            if _ORDER.index(what) > _ORDER.index(until):
                break
            if what in before:
                before[what]()
            try:
                counts += step.fn(*args)
            except AntragslosError as error:
                if strict:
                    raise
                counts[f"trouble:{error.code}"] += 1
        return counts

    def answer(
        self,
        event: str,
        choice: str,
        day: str | date,
        by: str = "sb-1",
        note: str = "",
        stated: Mapping[str, str] = {},
    ) -> str:
        """A clerk answers the question of this event's case on the page; what became of it."""
        return self.answer_case(self.case(event).case, choice, day, by, note, stated)

    def answer_case(
        self,
        case: str,
        choice: str,
        day: str | date,
        by: str = "sb-1",
        note: str = "",
        stated: Mapping[str, str] = {},
    ) -> str:
        """As `answer`, for what a question names, as where a reply to an act is followed up."""
        with writing(self.opened.engine) as session:
            if session.get(Clerk, (self.slug, by)) is None:  # a password costs a quarter second
                clerk = Clerk(municipality=self.slug, sign=by, password="-", created_at=utcnow())
                clerk.name = CLERK
                session.add(clerk)
        today, given = _day(day), {case: choice}
        (answered,) = record_answers(
            self.opened, given, by=by, via="page", today=today, note=note, stated=stated
        )
        return answered.status

    def reply(
        self,
        event: str,
        kind: ReplyKind,
        scope: Scope,
        day: str | date,
        words: str = "",
        born: BirthDate = WOJCIK_BORN,
    ) -> None:
        """A resident answers on the page that the letter links to. Raises ReplyRefused."""
        desk, case = StateResidentDesk(self.settings, lambda _: _day(day)), self.case(event).case
        token = token_for(case, "reply", self.settings.signing_key())
        door = desk.by_link(token.link_secret)
        desk.unlock(door, born)
        desk.record(door, case, kind, scope, words)

    def rerun(self, day: str | date, *, resend_uncertain: bool = False) -> Preview:
        """An admin continues whatever failed; what became of it."""
        ids = find_cases(self.opened, Selection())
        return rerun(self.opened, ids, _day(day), "test", "rerun", resend_uncertain)

    def is_idle(self, day: str | date) -> bool:
        """Whether a run of that day passes the municipality by, since nothing waits there."""
        return self.slug in idle([self.slug], _day(day), lambda _: _day(day))

    # What is there ----------------------------------------------------------------------------

    def lines(self) -> list[CaseLine]:
        """All cases as `antragslos cases` lists them."""
        with reading(self.opened.engine) as session:
            return list_cases(session, self.slug)

    def case(self, event: str, service: str = "resident_parking", cause: str = "") -> CaseLine:
        """The only case of this event and service; with `cause` the one that follows it up since
        a resident has sent a "reply" or a clerk an "answer".
        """
        with reading(self.opened.engine) as session:
            causes = dict(session.exec(select(CaseRow.id, CaseRow.cause)).all())
        found = [
            line
            for line in self.lines()
            if (line.event, line.service) == (event, service)
            and causes[line.case].partition(":")[0] == cause
        ]
        assert len(found) == 1, found
        return found[0]

    def cases(self) -> dict[str, tuple[str, str]]:
        """Event -> (status, code) of its last case."""
        return {line.event: (line.status, line.code) for line in self.lines()}

    def failed_at(self, event: str) -> str:
        """The step at which this event's case failed."""
        case = self.case(event).case
        (found,) = [one for one in read_report(self.opened).failed if one.case == case]
        return found.step

    def quarantined(self) -> list[tuple[int, int, int, str]]:
        """(delivery, packet, position, code) of each record that was put aside."""
        return read_report(self.opened).quarantined

    def question(self, event: str, cause: str = "") -> Asked:
        """What a clerk is asked about this event's case: code, text and choices."""
        case = self.case(event, cause=cause).case
        (asked,) = [one for one in self.questions() if one.case == case]
        return asked

    def questions(self) -> list[Asked]:
        return open_questions(self.opened)

    def letters(self) -> list[LetterRow]:
        """As they are kept: channel, status, code, addressee, subject, text, html, pdf."""
        with reading(self.opened.engine) as session:
            return list(session.exec(select(LetterRow).order_by(LetterRow.dated, LetterRow.id)))

    def permits(self, *numbers: str) -> dict[str, Permit]:
        return self.opened.register.get(numbers)


def _day(day: str | date) -> date:
    return date.fromisoformat(day) if isinstance(day, str) else day


_ORDER = ("pull", "link", "decide", "act", "render", "send")
_BEGINS = {"take up begun": "pull", "take up replies": "link"}


def stage_of(step: Any) -> str:
    """Which of these a step belongs to; the only place in the tests that knows their names."""
    for begins, what in _BEGINS.items():
        if step.name.startswith(begins):
            return what
    return str(step.name).partition(" ")[0]


def make_town(
    home: Path,
    slug: str = SLUG,
    *,
    database_url: str = "",
    permits_url: str = "",
    smtp_url: str = "",
    test_mode: bool = False,
    settling_days: int = 2,
    resolutory_condition: bool = True,
    extra: str = "",
    permits: Path = DELIVERIES / "permits-sample.jsonl",
    **settings: object,
) -> Town:
    folder = home / slug
    for name in ("inbox", "spool"):
        (folder / name).mkdir(parents=True)
    shutil.copyfile(ZONES, folder / "zones.json")
    (folder / "profile.toml").write_text(
        PROFILE.format(
            test_mode=str(test_mode).lower(),
            permits_url=permits_url,
            settling_days=settling_days,
            resolutory_condition=str(resolutory_condition).lower(),
            extra=extra,
        ),
        encoding="utf-8",
    )
    town = Town(
        Settings(
            home=home,
            database_url=database_url,
            smtp_url=smtp_url,  # type: ignore[arg-type]
            steady_seconds=int(settings.pop("steady_seconds", 0)),  # type: ignore[call-overload]
            _env_file=None,
            **settings,  # type: ignore[arg-type]
        ),
        slug,
    )
    result = import_permits(town.opened.register, read_permits(permits))
    assert not result.problems
    return town


@contextmanager
def living_in(home: Path, smtp_url: str = "", database_url: str = "") -> Iterator[Town]:
    """All steps and commands work on this home folder."""
    ours = {
        "ANTRAGSLOS_HOME": str(home),
        "ANTRAGSLOS_SMTP_URL": smtp_url,
        "ANTRAGSLOS_DATABASE_URL": database_url,
        "ANTRAGSLOS_STEADY_SECONDS": "0",  # what a test puts into an inbox is complete
    }
    before = {name: os.environ.get(name) for name in ours}
    os.environ |= ours
    settings.cache_clear()
    try:
        yield Town(settings())
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
        settings.cache_clear()


_WORKED: dict[str, Path] = {}


def worked_town(home: Path, **options: Any) -> Town:
    """As `make_town`, and the first two deliveries were worked on, all of it on FIRST_DAY.

    That day is played once a process for each set of options, and copied: on SQLite only.
    """
    key = repr(sorted(options.items()))
    if key not in _WORKED:
        _WORKED[key] = Path(tempfile.mkdtemp(prefix="antragslos-town-"))
        atexit.register(shutil.rmtree, _WORKED[key], ignore_errors=True)
        drawing, database.chance = database.chance, chance.of(f"worked town {key}")
        with living_in(_WORKED[key]):
            counts = make_town(_WORKED[key], **options).run_day(FIRST_DAY, *FIRST_DELIVERIES)
        database.chance = drawing
        assert not [name for name in counts if name.startswith("trouble:")], counts
    copied(_WORKED[key], home)
    return Town(Settings(home=home, _env_file=None))  # type: ignore[call-arg]


def copied(home: Path, to: Path) -> Path:
    """A home as `to`. Its databases are whole without their logs: a connection that is still open
    somewhere may close in the middle of it, and take them away."""
    for path in home.rglob("*.db"):
        with closing(sqlite3.connect(path)) as connection:
            (busy, *_), *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            assert not busy, path
    shutil.copytree(home, to, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*-wal", "*-shm"))
    return to
