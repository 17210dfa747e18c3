"""Retention: whose data leaves on which day, what stays, and that nothing else is touched."""

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select as select_columns
from sqlalchemy import update
from sqlmodel import col, select

from flows.forget import ForgetParameters, _logs
from tasks.explain import explain, tell
from tasks.forget import (
    ACCESS_LOG_DAYS,
    ERROR_LOG_DAYS,
    forget_batch,
    forget_delivered,
    forget_logs,
    old_logs,
    preview,
    tidy,
    to_forget,
)
from tasks.rerun import find_cases, rerun
from tasks.settings import Settings, settings
from tasks.stage import Counts, batches
from tasks.state import forgetting
from tasks.state.database import TABLES, open_database, reading, writing
from tasks.state.selection import Selection
from tasks.state.tables import (
    AnswerRow,
    CaseRow,
    DecisionRow,
    DeltaRow,
    EffectRow,
    History,
    LetterRow,
    OptOut,
    PersonRow,
    Quarantine,
    QuestionRow,
    RecordLink,
    ReplyRow,
    SectionRow,
)
from tests.delivery_writer import Sent, write_delivery
from tests.steps.conftest import Deliver
from tests.town import Town, copied, make_town, worked_town

DAY = date(2026, 11, 23)
WEEK = ("0001-gesamtlieferung.xml", "0002-deltalieferung.xml")
REVERSALS = "0003-deltalieferung-ruecknahme.xml"
NOTHING = Counts()
# Of the samples, and what is planted below.
PERSONAL = (
    "Brandt", "Wójcik", "W\\u00f3jcik", "Yılmaz", "Hoffmann", "Petersen", "Zöllner", "Lindner",
    "Schuster", "Albrecht", "Seidel", "Neumann", "Sukarni", "Łukasz", "Antje", "0000000100",
    "1984-03-12", "1991-07-30", "ZZ-MU", "BPA-00", "Wollenweber", "Altschmiede", "Kröpeliner",
    "Mönchen", "kanarienvogel", "E0002-", "E0003-",
)  # fmt: skip


def after(days: int) -> date:
    return DAY + timedelta(days=days)


def stamp(town: Town, day: date, *events: str) -> None:
    """Whatever the clock has written about these events, or all of them, was on this day."""
    noon = datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=11)
    with writing(town.opened.engine) as session:
        ids = select_columns(col(CaseRow.id))
        letters = select_columns(col(LetterRow.id))
        if events:
            deltas = select_columns(col(DeltaRow.id)).where(col(DeltaRow.event).in_(events))
            ids = ids.where(col(CaseRow.delta_id).in_(deltas))
            letters = select_columns(col(SectionRow.letter_id))
            letters = letters.where(col(SectionRow.case_id).in_(ids))
        for table, mine, values in (
            (CaseRow, col(CaseRow.id).in_(ids), {"created_at": noon, "updated_at": noon}),
            (History, col(History.case_id).in_(ids), {"at": noon}),
            (AnswerRow, col(AnswerRow.case_id).in_(ids), {"at": noon}),
            (ReplyRow, col(ReplyRow.case_id).in_(ids), {"at": noon}),
            (
                LetterRow,
                col(LetterRow.id).in_(letters) & col(LetterRow.handed_over_at).is_not(None),
                {"handed_over_at": noon},
            ),
        ):
            session.execute(update(table).where(mine).values(**values))


def everything_over(town: Town) -> None:
    """As if clerks had settled by hand whatever waits for them."""
    with writing(town.opened.engine) as session:
        for case in session.exec(select(CaseRow)):
            if case.status in ("open", "needs_review", "failed"):
                case.status = "closed"
        for question in session.exec(select(QuestionRow)):
            question.status = "answered"


def forget(town: Town, day: date) -> Counts:
    counts: Counts = Counts()
    opened = town.opened
    for ids in batches(to_forget(opened, day), opened.settings.batch_size):
        counts += forget_batch(opened, ids, day, "run")
    return +(counts + forget_delivered(opened, day))


def forgotten(town: Town) -> dict[str, str]:
    """event as it was -> code, of the cases that are forgotten; by the ids noted before."""
    with reading(town.opened.engine) as session:
        rows = session.exec(select(CaseRow).where(col(CaseRow.forgotten_on).is_not(None)))
        return {row.id: row.status for row in rows}


def case_of(town: Town, event: str) -> str:
    with reading(town.opened.engine) as session:
        return session.exec(
            select(CaseRow.id)
            .join(DeltaRow, col(DeltaRow.id) == col(CaseRow.delta_id))
            .where(DeltaRow.event == event, CaseRow.cause == "")
        ).one()


def all_rows(town: Town) -> dict[str, list[dict[str, Any]]]:
    with town.opened.engine.connect() as connection:
        return {
            table.name: [dict(row) for row in connection.execute(table.select()).mappings()]
            for table in TABLES
        }


def found_in(text: str) -> list[str]:
    return [word for word in PERSONAL if word in text]


@pytest.fixture
def any_town(
    home: Path, database_url: str, permits_url: str, monkeypatch: pytest.MonkeyPatch
) -> Town:
    """State and permits in the same kind of database."""
    state = "" if database_url.startswith("sqlite") else database_url
    monkeypatch.setenv("ANTRAGSLOS_DATABASE_URL", state)
    settings.cache_clear()
    open_database.cache_clear()  # the PostgreSQL of the test before was swept
    return make_town(home, database_url=state, permits_url=permits_url, settling_days=0)


@pytest.fixture
def served(home: Path) -> Town:
    """A day's work, all of it on DAY."""
    town = worked_town(home, settling_days=0)
    stamp(town, DAY)
    return town


def test_one_person_who_cannot_be_forgotten_keeps_no_other(
    served: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    due = to_forget(served.opened, after(401))
    (stuck,) = due[:1]
    forget_them = forgetting.forget

    def breaks(session: Any, slug: str, found: Any, *more: Any) -> None:
        if stuck in {one.person for one in found}:
            raise ZeroDivisionError
        forget_them(session, slug, found, *more)

    monkeypatch.setattr(forgetting, "forget", breaks)
    counts = forget_batch(served.opened, due, after(401), "run")

    assert counts["stopped:internal.ZeroDivisionError"] == 1
    assert to_forget(served.opened, after(401)) == [stuck]


def test_a_person_whom_nobody_can_read_keeps_no_other_from_being_forgotten(served: Town) -> None:
    due = to_forget(served.opened, after(401))
    with writing(served.opened.engine) as session:
        session.execute(update(PersonRow).where(col(PersonRow.id) == due[0]).values(snapshot="{"))

    assert set(to_forget(served.opened, after(401))) >= set(due[1:])


# Periods ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "gone"), [(399, False), (400, False), (401, True)])
def test_a_case_with_a_letter_stays_until_no_objection_is_possible_any_more(
    served: Town, days: int, gone: bool
) -> None:
    case = case_of(served, "E0002-0002")

    forget(served, after(days))

    assert (case in forgotten(served)) is gone
    if gone:
        assert forgotten(served)[case] == "closed"  # it was sent; the dashboard shows the end


def test_the_period_runs_from_the_day_the_letter_left(served: Town) -> None:
    case = case_of(served, "E0002-0002")
    later = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)  # in Musterstadt it is December already
    with writing(served.opened.engine) as session:
        session.execute(update(LetterRow).values(handed_over_at=later))

    assert case not in forgotten_on(served, date(2026, 12, 1) + timedelta(days=400))
    assert case in forgotten_on(served, date(2026, 12, 1) + timedelta(days=401))


def forgotten_on(town: Town, day: date) -> dict[str, str]:
    forget(town, day)
    return forgotten(town)


@pytest.mark.parametrize(("days", "gone"), [(89, False), (90, False), (91, True)])
def test_a_case_in_which_nothing_was_done_leaves_sooner(
    served: Town, days: int, gone: bool
) -> None:
    declined = case_of(served, "E0002-0014")

    forget(served, after(days))

    assert (declined in forgotten(served)) is gone
    if gone:
        assert forgotten(served) == {declined: "declined"}


@pytest.mark.parametrize(("days", "gone"), [(29, False), (30, False), (31, True)])
def test_letters_of_test_mode_leave_soonest(
    home: Path, deliver: Deliver, days: int, gone: bool
) -> None:
    town = make_town(home, settling_days=0, test_mode=True)
    deliver(town, DAY.isoformat(), *WEEK)
    stamp(town, DAY)
    case = case_of(town, "E0002-0002")

    forget(town, after(days))

    assert (case in forgotten(town)) is gone
    with reading(town.opened.engine) as session:
        letter = session.exec(
            select(LetterRow)
            .join(SectionRow, col(SectionRow.letter_id) == col(LetterRow.id))
            .where(SectionRow.case_id == case)
        ).one()
        assert bool(letter.pdf) is not gone


@pytest.mark.parametrize(("days", "gone"), [(89, False), (90, False), (91, True)])
def test_a_change_that_concerns_no_service_leaves_too(served: Town, days: int, gone: bool) -> None:
    # A new-born: no service looks at it, and the child has another change that one looked at.
    forget(served, after(days))

    with reading(served.opened.engine) as session:
        born = session.exec(select(DeltaRow).where(DeltaRow.kind == "first_registration")).one()
        assert (born.after is None) is gone
        assert born.event.startswith("e-") is gone


def test_a_municipality_sets_its_own_periods(home: Path, deliver: Deliver) -> None:
    town = make_town(home, settling_days=0, extra="\n[retention]\nobjection_days = 60")
    deliver(town, DAY.isoformat(), *WEEK)
    stamp(town, DAY)
    case = case_of(town, "E0002-0002")

    assert case not in forgotten_on(town, after(60))
    assert case in forgotten_on(town, after(61))


@pytest.mark.parametrize(("days", "right"), [(34, False), (35, True), (36, True)])
def test_no_municipality_forgets_before_an_objection_is_late(
    tmp_path: Path, days: int, right: bool
) -> None:
    from tasks.municipality import check_municipality

    town = make_town(tmp_path)
    path = town.folder / "profile.toml"
    path.write_text(f"{path.read_text()}\n[retention]\nobjection_days = {days}\n")
    os.utime(path, (1, 1))

    assert (check_municipality(town.slug, town.settings) == []) is right


# Who still waits -------------------------------------------------------------------------------


def test_nothing_leaves_of_a_person_for_whom_a_clerk_is_asked(served: Town) -> None:
    asked = case_of(served, "E0002-0005")

    forget(served, after(4000))

    assert asked not in forgotten(served)
    with reading(served.opened.engine) as session:
        delta = session.exec(select(DeltaRow).where(DeltaRow.event == "E0002-0005")).one()
        assert delta.before
        assert "Petersen" in str(delta.after)


@pytest.mark.parametrize("status", ["ready", "claimed", "uncertain"])
def test_a_letter_that_has_not_left_for_certain_keeps_everything(served: Town, status: str) -> None:
    case = case_of(served, "E0002-0002")
    with writing(served.opened.engine) as session:
        session.execute(update(LetterRow).values(status=status))

    forget(served, after(4000))

    assert case not in forgotten(served)


@pytest.mark.parametrize("status", ["open", "later"])
def test_a_part_left_to_a_clerk_keeps_a_case_that_was_sent(served: Town, status: str) -> None:
    case = case_of(served, "E0002-0002")
    with writing(served.opened.engine) as session:
        session.add(
            QuestionRow(
                municipality=served.slug,
                case_id=case,
                code="end_old_permit",
                text="?",
                proposal="[]",
                status=status,
            )
        )

    forget(served, after(4000))

    assert case not in forgotten(served)


def reply_to(town: Town, case: str, kind: str = "wrong", scope: str = "case") -> None:
    with writing(town.opened.engine) as session:
        section = session.exec(select(SectionRow).where(SectionRow.case_id == case)).one()
        session.add(
            ReplyRow(
                id="r-1",
                municipality=town.slug,
                case_id=case,
                section_id=section.id or 0,
                kind=kind,
                scope=scope,
                text="Hier wohnt der kanarienvogel.",
                at=datetime(2026, 11, 25, 12, tzinfo=UTC),
                received_on=date(2026, 11, 25),
            )
        )


def test_a_reply_that_nobody_has_taken_up_keeps_its_case(served: Town) -> None:
    case = case_of(served, "E0002-0002")
    reply_to(served, case)

    forget(served, after(4000))

    assert case not in forgotten(served)


def test_a_case_and_the_one_that_follows_it_up_leave_together(
    served: Town, deliver: Deliver
) -> None:
    case = case_of(served, "E0002-0002")
    reply_to(served, case)
    deliver(served, after(30).isoformat())
    with reading(served.opened.engine) as session:
        follow_up = session.exec(select(CaseRow).where(CaseRow.follows == case)).one().id
    everything_over(served)
    later = datetime.combine(after(350), datetime.min.time(), UTC)
    with writing(served.opened.engine) as session:
        moved = update(History).where(col(History.case_id) == follow_up)
        session.execute(moved.values(at=later))
        opened = update(CaseRow).where(col(CaseRow.id) == follow_up)
        session.execute(opened.values(created_at=later))

    # Alone the first would leave on day 401; nothing was done in the second, which ends on day 350.
    assert case not in forgotten_on(served, after(440))
    now = forgotten_on(served, after(441))
    assert {case, follow_up} <= now.keys()
    with reading(served.opened.engine) as session:
        assert session.get_one(ReplyRow, "r-1").text == ""
        assert session.get_one(CaseRow, follow_up).follows == case
        rows = [session.get_one(CaseRow, one) for one in (case, follow_up)]
        assert len({row.person_id for row in rows}) == 1


@pytest.mark.parametrize(("days", "gone"), [(749, False), (750, False), (751, True)])
def test_a_confirmation_stays_as_long_as_any_letter(
    served: Town, deliver: Deliver, days: int, gone: bool
) -> None:
    """Though nothing was carried out in its case: who opts out is only answered."""
    case = case_of(served, "E0002-0002")
    reply_to(served, case, "opt_out", "service")
    deliver(served, after(30).isoformat())
    later = datetime.combine(after(350), datetime.min.time(), UTC)
    with writing(served.opened.engine) as session:
        follow_up = session.exec(select(CaseRow).where(CaseRow.follows == case)).one()
        follow_up.created_at = later
        mine = update(History).where(col(History.case_id) == follow_up.id)
        session.execute(mine.values(at=later))
        of_case = select(SectionRow.letter_id).where(SectionRow.case_id == follow_up.id)
        letter = session.get_one(LetterRow, session.exec(of_case).one())
        assert letter.status == "handed_over"
        letter.handed_over_at = later

    assert (case in forgotten_on(served, after(days))) is gone


def test_an_event_and_the_one_that_takes_it_back_leave_together(
    served: Town, deliver: Deliver
) -> None:
    deliver(served, after(60).isoformat(), REVERSALS)
    stamp(served, after(60), "E0003-0001")
    stamp(served, DAY, "E0002-0003")  # nothing was done then
    move, reversal = case_of(served, "E0002-0003"), case_of(served, "E0003-0001")
    with writing(served.opened.engine) as session:
        assert session.get_one(CaseRow, move).status == "suppressed"

    assert {move, reversal}.isdisjoint(forgotten_on(served, after(150)))
    assert {move, reversal} <= forgotten_on(served, after(151)).keys()
    with reading(served.opened.engine) as session:
        first, second = (
            session.get_one(DeltaRow, session.get_one(CaseRow, one).delta_id)
            for one in (move, reversal)
        )
        assert second.reverses == first.event == f"e-{first.id}"


# People who are gone ---------------------------------------------------------------------------


@pytest.fixture
def left(served: Town) -> Town:
    """Zöllner has moved away, Lindner has died, Schuster was deleted; clerks have settled it."""
    everything_over(served)
    return served


GONE = ("000000010066", "000000010074", "000000010082")


def in_mirror(town: Town) -> set[str]:
    with reading(town.opened.engine) as session:
        return set(session.exec(select(PersonRow.number).where(PersonRow.ags != "")))


@pytest.mark.parametrize(("days", "gone"), [(399, False), (400, False), (401, True)])
def test_who_died_moved_away_or_was_deleted_leaves_the_mirror(
    left: Town, days: int, gone: bool
) -> None:
    before = in_mirror(left)
    counts = forget(left, after(days))

    assert before - in_mirror(left) == (set(GONE) if gone else set())
    assert counts["persons"] == (3 if gone else 0)


def test_of_who_is_gone_everything_stays_until_all_leaves_at_once(left: Town) -> None:
    death = case_of(left, "E0002-0007")  # nothing was done in it: a living person's leaves on 91

    assert death not in forgotten_on(left, after(400))
    assert death in forgotten_on(left, after(401))
    with reading(left.opened.engine) as session:
        assert (
            session.exec(select(RecordLink.record).where(RecordLink.record == "BPA-0007")).all()
            == []
        )


def test_a_death_that_never_happened_is_still_recognised_on_the_last_day(
    left: Town, deliver: Deliver
) -> None:
    forget(left, after(400))

    deliver(left, after(400).isoformat(), REVERSALS)

    assert case_of(left, "E0003-0004")
    with reading(left.opened.engine) as session:
        delta = session.exec(select(DeltaRow).where(DeltaRow.event == "E0003-0004")).one()
        assert (delta.kind, delta.reverses) == ("death_reversed", "E0002-0007")


def test_who_comes_back_after_being_forgotten_is_a_new_person(left: Town, deliver: Deliver) -> None:
    forget(left, after(401))
    with reading(left.opened.engine) as session:
        emptied = set(session.exec(select(PersonRow.id).where(PersonRow.ags == "")))

    deliver(left, after(402).isoformat(), REVERSALS)  # Lindner lives after all

    with reading(left.opened.engine) as session:
        row = session.exec(select(PersonRow).where(PersonRow.number == "000000010074")).one()
        assert row.id not in emptied
        assert "Lindner" in row.snapshot


def test_a_wish_to_be_left_alone_stays_with_who_lives_here_and_leaves_with_who_is_gone(
    left: Town,
) -> None:
    with writing(left.opened.engine) as session:
        people = {row.number: row.id for row in session.exec(select(PersonRow))}
        for number in ("000000010025", "000000010066"):
            session.add(
                OptOut(
                    municipality=left.slug,
                    person_id=people[number],
                    service="resident_parking",
                    since=DAY,
                )
            )
    forget(left, after(401))

    with reading(left.opened.engine) as session:
        assert session.exec(select(OptOut.person_id)).all() == [people["000000010025"]]


# What is left ----------------------------------------------------------------------------------


def plant(town: Town) -> None:
    """Own words of a resident and of a clerk, an e-mail address, a choice that names a permit."""
    case = case_of(town, "E0002-0002")
    reply_to(town, case)
    with writing(town.opened.engine) as session:
        session.get_one(ReplyRow, "r-1").status = "taken_up"
        question = session.exec(select(QuestionRow)).first()
        assert question is not None
        question.answer = "link:BPA-0009"
        session.add(
            AnswerRow(
                id="a-1",
                municipality=town.slug,
                case_id=question.case_id,
                question_id=question.id or 0,
                code="holder_uncertain",
                proposal="link:BPA-0009",
                choice="link:BPA-0009",
                status="valid",
                by="k7",
                via="page",
                at=datetime(2026, 11, 23, 12, tzinfo=UTC),
                note="Ist der kanarienvogel.",
            )
        )
        session.execute(update(LetterRow).values(recipient="kanarienvogel@residents.example"))


@pytest.mark.both_databases
def test_no_name_is_left_anywhere_once_all_is_over(any_town: Town, deliver: Deliver) -> None:
    deliver(any_town, DAY.isoformat(), *WEEK)
    deliver(any_town, after(1).isoformat(), REVERSALS, "bad/05-falscher-ags-datensatz.xml")
    plant(any_town)
    everything_over(any_town)
    stamp(any_town, DAY)
    with writing(any_town.opened.engine) as session:
        # Everyone has left by now, so that the mirror must be empty, too.
        session.execute(update(PersonRow).values(gone=True))
    planted = {"Wójcik", "Zöllner", "ZZ-MU", "BPA-00", "Kröpeliner", "kanarienvogel", "E0002-"}
    assert planted <= set(found_in(str(all_rows(any_town))))
    day = max(real_day(0), DAY) + timedelta(days=500)

    counts = forget(any_town, day)
    tidy(any_town.opened)

    assert counts["persons"] == 13
    assert found_in(str(all_rows(any_town))) == []
    assert preview(any_town.opened, day) == NOTHING
    kept = ("profile.toml", "zones.json", "permits.db")
    for path in any_town.folder.rglob("*"):
        if path.is_file() and not path.name.startswith(kept):
            assert found_in(path.read_bytes().decode(errors="replace")) == [], path.name
    for path in any_town.settings.home.glob("antragslos.db*"):
        assert found_in(path.read_bytes().decode(errors="replace")) == [], path.name


def test_numbers_stay(served: Town) -> None:
    plant(served)
    stamp(served, DAY)
    everything_over(served)
    before = all_rows(served)

    forget(served, after(401))
    now = all_rows(served)

    for table in ("case", "delta", "decision", "effect", "question", "answer", "letter", "reply"):
        assert len(now[table]) == len(before[table]), table
    for name in ("outcome", "code", "rule_version", "parameters", "decided_on"):
        assert [row[name] for row in now["decision"]] == [row[name] for row in before["decision"]]
    assert [row["code"] for row in now["case"]] == [row["code"] for row in before["case"]]
    old = len(before["history"])
    assert now["history"][:old] == before["history"]
    assert {(row["old"], row["new"], row["by"]) for row in now["history"][old:]} == {
        ("sent", "closed", "retention")
    }
    (answer,) = now["answer"]
    assert (answer["proposal"], answer["choice"], answer["note"]) == ("link:", "link:", "")
    laws = [row["decision"].count('"law"') for row in now["decision"]]
    assert laws == [row["decision"].count('"law"') for row in before["decision"]]
    assert "facts" not in str(now["decision"])


def test_behind_what_is_left_nobody_who_lives_here_can_be_found(served: Town) -> None:
    case = case_of(served, "E0002-0002")
    forget(served, after(401))

    with reading(served.opened.engine) as session:
        row = session.get_one(CaseRow, case)
        person = session.get_one(PersonRow, row.person_id)
        assert (person.ags, person.number, person.snapshot) == ("", person.id, "")
        wojcik = session.exec(select(PersonRow).where(PersonRow.number == "000000010025")).one()
        assert "Wójcik" in wojcik.snapshot  # who lives here stays in the mirror
        for table in (CaseRow, DeltaRow, LetterRow):
            mine = select(table).where(table.person_id == wojcik.id)
            assert session.exec(mine).all() == []


def test_the_links_of_a_forgotten_letter_open_nothing(served: Town) -> None:
    case = case_of(served, "E0002-0002")
    forget(served, after(401))

    with reading(served.opened.engine) as session:
        section = session.exec(select(SectionRow).where(SectionRow.case_id == case)).one()
    assert (section.token_digest, section.short_code_digest) == ("", "")
    assert section.token_status == "revoked"


def test_a_forgotten_case_can_still_be_explained(served: Town) -> None:
    case = case_of(served, "E0002-0002")
    forget(served, after(401))

    story = explain(case, served.settings)
    lines = "\n".join(tell(case, served.settings))

    assert story["forgotten_on"] == after(401).isoformat()
    assert found_in(str(story)) == []
    assert found_in(lines) == []
    assert "StVO § 46 Abs. 5" in lines  # on what law it was decided
    assert after(401).isoformat() in lines


def test_no_rerun_takes_up_a_forgotten_case(served: Town, deliver: Deliver) -> None:
    everything_over(served)
    forget(served, after(401))
    everyone = Selection(("failed", "needs_review"))
    assert find_cases(served.opened, everyone) == []
    gone = list(forgotten(served))
    before = all_rows(served)

    rerun(served.opened, gone, after(402), "because", "run", resend_uncertain=True)
    deliver(served, after(402).isoformat())

    assert all_rows(served) == before


def test_a_way_back_from_a_forgotten_effect_is_refused_by_the_register(served: Town) -> None:
    from tasks.domain.effect import Effect, EffectKind
    from tasks.errors import RecordConflict

    case = case_of(served, "E0002-0002")
    with reading(served.opened.engine) as session:
        effect = session.exec(select(EffectRow).where(EffectRow.case_id == case)).one()
    forget(served, after(401))

    back = Effect(EffectKind.RESTORE, effect.record, {"undo": effect.key})
    ((answer,),) = served.opened.register.rehearse([[("back", back)]])

    assert isinstance(answer, RecordConflict)
    assert answer.code == "records.forgotten"


def test_a_later_move_of_somebody_whose_old_cases_are_forgotten_is_served(
    home: Path, deliver: Deliver
) -> None:
    town = make_town(home, settling_days=0, extra="\n[retention]\nobjection_days = 60")
    deliver(town, DAY.isoformat(), *WEEK)
    stamp(town, DAY)
    first = case_of(town, "E0002-0002")
    assert first in forgotten_on(town, after(61))
    permit = town.opened.register.get(["BPA-0002/2"])["BPA-0002/2"]
    assert (permit.zone, permit.status) == ("A2", "active")

    moves = Sent("E0003-0900", datetime(2027, 1, 24, tzinfo=UTC), "302", wojcik_moves(town))
    write_delivery(town.folder / "inbox" / "0003.xml", 3, [moves])
    deliver(town, after(63).isoformat())

    again = case_of(town, "E0003-0900")
    with reading(town.opened.engine) as session:
        row = session.get_one(CaseRow, again)
        assert (row.status, row.code) == ("sent", "zone_switched")
    assert town.opened.register.get(["BPA-0002/3"])["BPA-0002/3"].zone == "A3"


def wojcik_moves(town: Town) -> Any:
    """Back to the Wollenweberstraße, on a day of its own."""
    from dataclasses import replace

    from tasks.domain.person import PartialDate
    from tasks.state.documents import load_person

    with reading(town.opened.engine) as session:
        row = session.exec(select(PersonRow).where(PersonRow.number == "000000010025")).one()
    person = load_person(row.snapshot)
    assert person is not None
    (home,) = [dwelling for dwelling in person.dwellings if dwelling.current]
    left = replace(home, current=False, moved_out=PartialDate(2027, 1, 20))
    there = replace(home.address, street="Wollenweberstraße", number="44", suffix="", part="")
    new = replace(home, address=there, moved_in=date(2027, 1, 20))
    return replace(person, dwellings=(new, left))


# The run itself --------------------------------------------------------------------------------


@pytest.fixture
def worked(any_town: Town, deliver: Deliver) -> Town:
    deliver(any_town, DAY.isoformat(), *WEEK)
    deliver(any_town, after(1).isoformat(), REVERSALS, "bad/05-falscher-ags-datensatz.xml")
    plant(any_town)
    stamp(any_town, DAY)
    return any_town


def test_the_dry_run_counts_what_the_run_then_does(worked: Town) -> None:
    real = (real_day(0) - DAY).days  # files carry the machine's own day
    for days in sorted({31, 91, 181, real + 31, 401, 4000}):
        before = all_rows(worked)
        told = +preview(worked.opened, after(days))
        assert all_rows(worked) == before
        assert forget(worked, after(days)) == told
    everything_over(worked)
    told = +preview(worked.opened, after(4000))
    assert told["cases"] > 5
    assert forget(worked, after(4000)) == told
    assert forget(worked, after(4000)) == NOTHING


def copies(town: Town, number: int) -> Iterator[Town]:
    for index in range(number):
        home = town.settings.home.parent / f"copy-{index}"
        copied(town.settings.home, home)
        yield Town(Settings(home=home, batch_size=2, _env_file=None), town.slug)
        shutil.rmtree(home)


def comparable(town: Town) -> dict[str, Any]:
    """All that is stored, but for the names of the empty rows, which are drawn by lot, and the
    numbers of the lines in histories, which follow the batches."""
    rows = all_rows(town)
    for line in rows["history"]:
        del line["id"]
    empty = {row["id"] for row in rows["person"] if row["ags"] == ""}
    found = {
        table: sorted(
            str({k: "nobody" if v in empty else v for k, v in row.items() if k != "at"})
            for row in entries
        )
        for table, entries in rows.items()
        if table != "case"
    }
    found["case"] = sorted(
        str({k: v for k, v in row.items() if k not in ("person_id", "updated_at")})
        for row in rows["case"]
    )
    with closing(sqlite3.connect(town.folder / "permits.db")) as permits:
        found["applied"] = sorted(map(str, permits.execute("SELECT * FROM applied_effect")))
    found["files"] = sorted(
        str(path.relative_to(town.folder))
        for path in town.folder.rglob("*")
        if path.is_file() and not path.name.startswith(("permits.db", "."))
    )
    return found


def test_stopped_after_any_batch_and_run_again_it_ends_the_same(
    tmp_path: Path, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTRAGSLOS_HOME", str(tmp_path / "first"))
    settings.cache_clear()
    town = make_town(tmp_path / "first", settling_days=0)
    deliver(town, DAY.isoformat(), *WEEK)
    plant(town)
    everything_over(town)
    stamp(town, DAY)
    day = max(real_day(0), DAY) + timedelta(days=500)
    parts = batches(to_forget(town.opened, day), 4)
    assert len(parts) > 2
    reference: dict[str, Any] = {}
    for stop, copy in enumerate(copies(town, 2 * len(parts) + 1)):
        for ids in parts[: stop // 2]:
            forget_batch(copy.opened, ids, day, "run")
        if stop % 2:  # in the midst of the next: what lies elsewhere is gone, its rows are not
            elsewhere_only(copy, parts[stop // 2], day)
        forget(copy, day)
        tidy(copy.opened)
        reference = reference or comparable(copy)
        assert comparable(copy) == reference, stop
        assert preview(copy.opened, day) == NOTHING


def elsewhere_only(town: Town, ids: list[str], day: date) -> None:
    from tasks.forget import periods
    from tasks.state import retention

    with reading(town.opened.engine) as session:
        found = retention.leaving(session, town.slug, ids, periods(town.opened), day)
        for letter in forgetting.letter_ids(session, found):
            (town.folder / "spool" / f"{letter}.pdf").unlink(missing_ok=True)
        town.opened.register.forget(forgetting.effect_keys(session, found))


def test_another_municipality_is_not_touched(any_town: Town, deliver: Deliver, home: Path) -> None:
    other = make_town(
        home,
        "anderswo",
        database_url=any_town.settings.database_url,
        settling_days=0,
    )
    for town in (any_town, other):
        deliver(town, DAY.isoformat(), *WEEK)
        stamp(town, DAY)
    theirs = [row for row in all_rows(other)["delta"] if row["municipality"] == "anderswo"]

    assert forget(any_town, after(4000))["cases"] > 0

    now = [row for row in all_rows(other)["delta"] if row["municipality"] == "anderswo"]
    assert now == theirs


def test_the_files_database_is_written_anew(served: Town) -> None:
    everything_over(served)
    forget(served, after(401))

    tidy(served.opened)

    # Zöllner has moved away; the name stood in changes, decisions and the mirror.
    for path in served.settings.home.glob("antragslos.db*"):
        assert "Zöllner" not in path.read_bytes().decode(errors="replace"), path.name


def test_a_database_at_work_is_written_anew_another_time(served: Town) -> None:
    engine = served.opened.engine
    with closing(sqlite3.connect(served.settings.home / "antragslos.db")) as busy:
        busy.execute("BEGIN IMMEDIATE")
        assert forgetting.compact(engine, wait=0) is False
        busy.rollback()
    assert forgetting.compact(engine, wait=0) is True


# Deliveries and files --------------------------------------------------------------------------


def real_day(days: int) -> date:
    return datetime.now().astimezone().date() + timedelta(days=days)


@pytest.mark.parametrize(("days", "gone"), [(29, False), (30, False), (31, True)])
def test_delivered_files_and_receipts_leave_after_a_month(
    served: Town, days: int, gone: bool
) -> None:
    served.put("bad/17-leer.xml")
    waiting = served.folder / "inbox" / "17-leer.xml"
    (served.folder / "rejected" / "old.xml").write_text("<x/>")
    names = ("done", "rejected", "receipts")
    there = [path for name in names for path in (served.folder / name).iterdir()]
    assert len(there) == 5
    os.utime(there[0], (1, 1))  # a sender may keep the date of writing: what counts is when it came

    counts = forget(served, real_day(days))

    assert counts["files"] == (5 if gone else 0)
    assert [path.exists() for path in there] == [not gone] * 5
    assert waiting.exists()
    assert (served.folder / "profile.toml").exists()


def test_the_same_delivery_sent_again_after_its_files_left_changes_nothing(
    served: Town, deliver: Deliver
) -> None:
    forget(served, real_day(31))
    before = all_rows(served)

    deliver(served, DAY.isoformat(), "0002-deltalieferung.xml")

    assert all_rows(served) == before


@pytest.mark.parametrize(("days", "gone"), [(179, False), (180, False), (181, True)])
def test_a_record_that_nobody_could_read_leaves_after_half_a_year(
    served: Town, deliver: Deliver, days: int, gone: bool
) -> None:
    deliver(served, DAY.isoformat(), "bad/05-falscher-ags-datensatz.xml")

    counts = forget(served, after(days))

    with reading(served.opened.engine) as session:
        (row,) = session.exec(select(Quarantine)).all()
    assert row.code == "registry.record_wrong_ags"
    assert bool(row.raw) is not gone
    assert counts["quarantined"] == (1 if gone else 0)
    if gone:
        assert (row.ags, row.number, row.event, row.event_time) == ("", "", "", None)


def test_a_letter_that_the_print_service_left_lying_leaves_with_its_case(served: Town) -> None:
    spool = served.folder / "spool"
    assert len(list(spool.glob("*.pdf"))) == 3
    manifest = next(spool.glob("manifest-*")).read_bytes()

    forget(served, after(400))
    assert len(list(spool.glob("*.pdf"))) == 3  # it may still be waiting to be printed
    everything_over(served)
    forget(served, after(401))

    assert list(spool.glob("*.pdf")) == []
    # By it a letter that is handed over again is recognised.
    assert next(spool.glob("manifest-*")).read_bytes() == manifest


def test_a_file_that_cannot_be_removed_is_said_without_its_name(served: Town) -> None:
    from tasks.errors import PermanentError

    folder = served.folder / "done" / "sub"
    folder.mkdir()

    class Stuck(type(folder)):  # type: ignore[misc]
        def unlink(self, missing_ok: bool = False) -> None:
            raise PermissionError(13, "Permission denied", str(self))

    from tasks.forget import _remove

    with pytest.raises(PermanentError, match=r"^forget\.file_stays done$"):
        _remove(Stuck(served.folder / "done" / "0001-Brandt.xml"))


@pytest.mark.parametrize(
    ("name", "period"), [("access.log", ACCESS_LOG_DAYS), ("errors.log", ERROR_LOG_DAYS)]
)
def test_old_logs_leave_when_their_last_line_is_over(home: Path, name: str, period: int) -> None:
    aside, current = home / f"{name}.1", home / name
    aside.write_text("2026-01-01T00:00:00+0100 old\n")
    current.write_text(f"{real_day(0)}T00:00:00+0100 new\n")
    now = time.time()
    os.utime(aside, (now, now))

    assert old_logs(home, real_day(period)) == []
    assert old_logs(home, real_day(period + 1)) == [aside]
    assert forget_logs(home, real_day(period + 1)) == Counts(logs=1)
    assert not aside.exists()
    # The current one is set aside once its first line is old, and leaves a period later.
    assert not current.exists()
    (kept,) = home.glob(f"{name}.until-*")
    assert "new" in kept.read_text()
    assert forget_logs(home, real_day(period)) == Counts(logs=0)
    assert kept.exists()


def test_decisions_of_others_are_as_they_were(served: Town) -> None:
    """Only what is over is emptied: a clerk's open case keeps all its facts."""
    with reading(served.opened.engine) as session:
        asked = case_of(served, "E0002-0005")
        before = [
            row.model_dump()
            for row in session.exec(select(DecisionRow).where(DecisionRow.case_id == asked))
        ]
    assert before

    forget(served, after(4000))

    with reading(served.opened.engine) as session:
        rows = session.exec(select(DecisionRow).where(DecisionRow.case_id == asked))
        assert [row.model_dump() for row in rows] == before


def test_logs_stay_whatever_future_day_is_replayed(home: Path) -> None:
    """They belong to all municipalities, and tell who looked at whose data."""
    aside = home / "access.log.until-2026-01-01"
    aside.write_text("2026-01-01T08:00:00+0100 musterstadt clerk sb-1 looked at c-1\n")

    for dry_run in (True, False):
        later = date.today() + timedelta(ACCESS_LOG_DAYS + 1)  # noqa: DTZ011  the machine's
        _logs(ForgetParameters(on=later, dry_run=dry_run))
        assert aside.exists()
