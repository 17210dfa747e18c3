"""Replies, clerks' answers and a reversal, killed at any point: each carried out once.

As kill_everywhere.py, which holds the tools: a program of its own, since it forks.
"""

import itertools
import os
import shutil
import signal
import tempfile
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlmodel import select

from tasks.desks.residents import StateResidentDesk
from tasks.domain.effect import EffectKind
from tasks.domain.reply import ReplyKind, Scope
from tasks.municipality import open_municipality
from tasks.replies.desk import BirthDate
from tasks.replies.tokens import token_for
from tasks.review import record_answers
from tasks.settings import settings
from tasks.state import clerks
from tasks.state.database import reading, writing
from tasks.state.documents import load_person
from tasks.state.lock import municipality_lock
from tasks.state.tables import CaseRow, DeltaRow, EffectRow, LetterRow, PersonRow, ReplyRow
from tests.delivery_writer import Sent, write_delivery
from tests.failures.kill_everywhere import (
    Catcher,
    asked_for,
    deliver,
    die_at,
    in_child,
    look,
    mail_catcher,
    prepare,
    undated,
)
from tests.town import SLUG, Town

DAY, SECOND, THIRD = date(2026, 11, 23), date(2026, 11, 24), date(2026, 11, 25)
NEXT_DAY_EVERY = 4  # points; the others are taken up on the same day


def case_id(event: str) -> str:
    with reading(open_municipality(SLUG, settings()).engine) as session:
        return session.exec(
            select(CaseRow.id)
            .join(DeltaRow, DeltaRow.id == CaseRow.delta_id)  # type: ignore[arg-type]
            .where(DeltaRow.event == event, CaseRow.cause == "")
        ).one()


def begin(home: Path, smtp_url: str) -> None:
    """The first day has been; two residents have letters, and a street was ambiguous."""
    deliver(home, smtp_url, DAY)
    town = open_municipality(SLUG, settings())
    with writing(town.engine) as session:
        clerks.add_clerk(session, SLUG, "sb-1", "a long password")


def prompt(home: Path, smtp_url: str) -> None:
    """A resident deregisters, another says it is wrong, a clerk answers, the registry reverses.

    Whoever has not been told that it was recorded does it once more, so it may be called again.
    """
    os.environ.update(ANTRAGSLOS_HOME=str(home), ANTRAGSLOS_SMTP_URL=smtp_url)
    settings.cache_clear()
    desk = StateResidentDesk(settings(), lambda _: SECOND)
    for event, born, kind in (
        ("E0002-0002", BirthDate(1991, 7, 30), ReplyKind.DEREGISTER),
        ("E0002-0011", BirthDate(1996, 4, 11), ReplyKind.WRONG),
    ):
        case = case_id(event)
        door = desk.by_link(token_for(case, "reply", settings().signing_key()).link_secret)
        desk.unlock(door, born)
        desk.record(door, case, kind, Scope.CASE, "So heiße ich nicht.")
    town = open_municipality(SLUG, settings())
    ambiguous = case_id("E0002-0004")
    given = {ambiguous: "zone:A3"}
    (answered,) = record_answers(town, given, by="sb-1", via="page", today=SECOND)
    assert answered.status in ("valid", "question.answered")
    reverse(town.folder / "inbox")


def reverse(inbox: Path) -> None:
    """Antje Brandt's move within her zone never happened."""
    town = open_municipality(SLUG, settings())
    with reading(town.engine) as session:
        row = session.exec(select(PersonRow).where(PersonRow.number == "000000010017")).one()
        person = load_person(row.snapshot)
    assert person is not None
    (old,) = [dwelling for dwelling in person.dwellings if not dwelling.current]
    stayed = replace(
        person, dwellings=(replace(old, current=True, moved_out=type(old.moved_out)()),)
    )
    at = datetime.fromisoformat("2026-11-24T08:00:00.000+01:00")
    write_delivery(inbox / "0003.xml", 3, [Sent("E0003-0001", at, "390", stayed)], created_at=at)


def work(home: Path, smtp_url: str, day: date) -> None:
    os.environ.update(
        ANTRAGSLOS_HOME=str(home), ANTRAGSLOS_SMTP_URL=smtp_url, ANTRAGSLOS_BATCH_SIZE="2"
    )
    settings.cache_clear()
    town = open_municipality(SLUG, settings())
    with municipality_lock(town.engine, SLUG, town.folder):
        Town(settings()).run_day(day, strict=True)


def seen(home: Path) -> dict[str, Any]:
    """What must not depend on where it was killed: more than `look`, which knows no follow-ups."""
    found = look(home)
    del found["cases"]
    with reading(open_municipality(SLUG, settings()).engine) as session:
        cases = session.exec(
            select(CaseRow, DeltaRow.event).join(DeltaRow, DeltaRow.id == CaseRow.delta_id)  # type: ignore[arg-type]
        ).all()
        events = {case.id: f"{event} {case.cause.partition(':')[0]}" for case, event in cases}
        found["stands"] = sorted([events[case.id], case.status, case.code] for case, _ in cases)
        # On a later day, the last day of an old permit moves on as well.
        found["effects"] = sorted(
            events[row.case_id]
            for row in session.exec(select(EffectRow))
            if row.kind != EffectKind.TOLERATE
        )
        found["replies"] = sorted(row.status for row in session.exec(select(ReplyRow)))
        found["letters"] = sorted(
            f"{row.purpose.partition(':')[0]} {row.channel} {row.status}"
            for row in session.exec(select(LetterRow))
        )
    return found


def killed_and_taken_up(
    prepared: Path, point: int, smtp_url: str, again_on: date, *, recording: bool = False
) -> tuple[bool, dict[str, Any]]:
    """Whether the point was reached, and what is there once a new process has taken up.

    `recording`: killed while replies and answers come in, and not in the run that follows.
    """
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        shutil.copytree(prepared, home)

        def doomed() -> None:
            die_at(point)
            if recording:
                prompt(home, smtp_url)
            else:
                work(home, smtp_url, SECOND)

        def take_up() -> dict[str, Any]:
            if signalled and recording:
                prompt(home, smtp_url)
            if signalled:
                work(home, smtp_url, again_on)
            return seen(home)

        signalled, _ = in_child(doomed)
        assert signalled in (0, signal.SIGKILL)
        return bool(signalled), in_child(take_up)[1]


def certain(found: dict[str, Any]) -> dict[str, Any]:
    """A letter that was in hand when the process died may be uncertain: it waits for a person."""
    stands = [stand for stand in found["stands"] if "channel.uncertain" not in stand]
    letters = [letter for letter in found["letters"] if "uncertain" not in letter]
    return found | {
        "stands": stands,
        "letters": letters,
        "permits": undated(found["permits"]),
    }


def kill_everywhere(catcher: Catcher, smtp_url: str, begun: Path, prompted: Path) -> int:
    """The sum of both last points. Raises AssertionError where something was lost or done twice."""
    in_child(lambda: prepare(begun, smtp_url))
    in_child(lambda: begin(begun, smtp_url))
    shutil.copytree(begun, prompted, dirs_exist_ok=True)
    in_child(lambda: prompt(prompted, smtp_url))
    before = len(catcher.ids)
    reached, reference = killed_and_taken_up(prompted, 0, smtp_url, SECOND)
    assert not reached
    emails = len(catcher.ids) - before
    codes = {code for _, _, code in reference["stands"]}
    assert {"deregistered", "resident_says_wrong", "taken_back", "zone_switched"} <= codes, codes
    assert reference["replies"] == ["taken_up", "taken_up"]
    assert emails >= 1
    recording = kill_at_each(catcher, smtp_url, begun, reference, recording=True)
    assert recording >= 10, "points at which a page was killed"
    return recording + kill_at_each(catcher, smtp_url, prompted, reference)


def kill_at_each(
    catcher: Catcher,
    smtp_url: str,
    prepared: Path,
    reference: dict[str, Any],
    *,
    recording: bool = False,
) -> int:
    for points in itertools.count(*asked_for()):
        catcher.ids.clear()
        again_on = SECOND if recording or points % NEXT_DAY_EVERY else THIRD
        reached, found = killed_and_taken_up(
            prepared, points, smtp_url, again_on, recording=recording
        )
        if not reached:
            return points - 1
        assert len(catcher.ids) == len(set(catcher.ids)), f"an e-mail went out twice at {points}"
        lost = [stand for stand in found["stands"] if stand[2] == "channel.uncertain"]
        # One letter in hand for each worker that sends, and none while a page only records.
        assert len(lost) <= (0 if recording else 4), points
        if lost:
            names = {stand[0] for stand in lost}
            expected = certain(reference)
            left = [stand for stand in expected["stands"] if stand[0] not in names]
            assert certain(found)["stands"] == left, points
        else:
            assert certain(found) == certain(reference), f"killed at point {points}"
    raise AssertionError("endless")


if __name__ == "__main__":
    with (
        mail_catcher() as (catcher, url),
        tempfile.TemporaryDirectory() as first,
        tempfile.TemporaryDirectory() as second,
    ):
        print(kill_everywhere(catcher, url, Path(first), Path(second)))
