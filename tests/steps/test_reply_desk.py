"""What a letter's link or code opens: for whom, until when, and what may be answered there."""

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from threading import Barrier

import pytest
from sqlmodel import col, delete, select

from tasks.desks.residents import StateResidentDesk, cleaned_text
from tasks.domain.case import Status
from tasks.domain.person import PartialDate
from tasks.domain.reply import ReplyKind, Scope
from tasks.errors import ReplyRefused
from tasks.replies.desk import BirthDate, Receipt
from tasks.settings import settings
from tasks.state import replies
from tasks.state.database import open_database, reading, writing
from tasks.state.documents import PERSON, dump, load_person
from tasks.state.tables import CaseRow, DecisionRow, EffectRow, PersonRow, ReplyRow
from tests.replies.letter_box import (
    DAY,
    RENAMED,
    SWITCHED,
    UPDATED,
    WRONG_DATE,
    add_part,
    change,
    change_letter,
    change_section,
    desk_of,
    door,
    post_letters,
    posted,
    section,
    token,
)
from tests.steps.conftest import Deliver
from tests.town import Town, make_town, worked_town

Letters = dict[str, str]
ONE_DAY = timedelta(1)


@pytest.fixture
def town(home: Path) -> Town:
    return worked_town(home, settling_days=0)


@pytest.fixture
def letters(town: Town) -> Letters:
    return posted(town)


@pytest.fixture
def any_town(
    home: Path, database_url: str, permits_url: str, monkeypatch: pytest.MonkeyPatch
) -> Town:
    state = "" if database_url.startswith("sqlite") else database_url
    monkeypatch.setenv("ANTRAGSLOS_DATABASE_URL", state)
    settings.cache_clear()
    open_database.cache_clear()  # the PostgreSQL of the test before was swept
    return make_town(home, settling_days=0, database_url=state, permits_url=permits_url)


def refusal(call: object, *args: object) -> str:
    with pytest.raises(ReplyRefused) as refused:
        call(*args)  # type: ignore[operator]
    return refused.value.code


def kept(town: Town) -> list[ReplyRow]:
    with reading(town.opened.engine) as session:
        return list(session.exec(select(ReplyRow)))


def test_link_and_code_of_a_letter_open_the_same_door(town: Town, letters: Letters) -> None:
    desk, made = desk_of(town), token(town, letters["zone_switched"])

    assert desk.by_link(made.link_secret) == desk.by_code(f" {made.short_code.lower()} ")


@pytest.mark.parametrize(
    ("days", "code"), [(364, ""), (365, ""), (366, "reply.expired"), (9999, "reply.expired")]
)
def test_a_token_is_good_up_to_and_on_its_last_day(
    town: Town, letters: Letters, days: int, code: str
) -> None:
    made, desk = token(town, letters["zone_switched"]), desk_of(town, DAY + timedelta(days))
    for call, said in ((desk.by_link, made.link_secret), (desk.by_code, made.short_code)):
        if code:
            assert refusal(call, said) == code
        else:
            desk.letter(call(said))


def test_a_session_ends_when_its_token_does(town: Town, letters: Letters) -> None:
    case = letters["zone_switched"]
    opened, later = door(town, case), desk_of(town, DAY + timedelta(366))
    for change_to, code in (
        ({}, "reply.expired"),
        ({"token_status": "locked"}, "reply.locked"),
        ({"token_status": "revoked"}, "reply.revoked"),
    ):
        if change_to:
            change_section(town, case, **change_to)
        assert refusal(later.letter, opened) == code
        assert refusal(later.unlock, opened, SWITCHED) == code
        assert refusal(later.record, opened, case, ReplyKind.WRONG, Scope.CASE, "x") == code
        assert refusal(later.receipt, opened, "r-1") == code
        assert later.office(opened).authority == "Stadt Musterstadt"
    assert not kept(town)


def test_by_default_the_day_is_that_of_the_municipality(town: Town, letters: Letters) -> None:
    made, desk = token(town, letters["zone_switched"]), StateResidentDesk(town.settings)
    today = datetime.now().astimezone().date()
    change_section(town, letters["zone_switched"], token_expires=today + ONE_DAY)
    desk.by_link(made.link_secret)
    change_section(town, letters["zone_switched"], token_expires=today - 2 * ONE_DAY)

    assert refusal(desk.by_link, made.link_secret) == "reply.expired"


@pytest.mark.parametrize(
    ("status", "opens"),
    [
        ("handed_over", True),
        ("claimed", True),
        ("uncertain", True),
        ("held_back", True),
        ("ready", False),
        ("stopped", False),
        ("failed", False),
    ],
)
def test_only_a_letter_that_may_have_left_can_be_answered(
    town: Town, letters: Letters, status: str, opens: bool
) -> None:
    case = letters["zone_switched"]
    made, desk = token(town, case), desk_of(town)
    opened = door(town, case)
    change_letter(town, case, status=status)
    if opens:
        assert desk.by_link(made.link_secret) == opened
        assert desk.letter(opened).parts
    else:
        assert refusal(desk.by_link, made.link_secret) == "reply.unknown"
        assert refusal(desk.letter, opened) == "reply.unknown"


def born(town: Town, case: str, text: str) -> None:
    """What the register knows of the birth date."""
    with writing(town.opened.engine) as session:
        person = session.get(PersonRow, session.get_one(CaseRow, case).person_id)
        assert person
        known = load_person(person.snapshot)
        assert known
        values = {name: getattr(known, name) for name in known.__dataclass_fields__}
        values["born"] = PartialDate.parse(text)
        person.snapshot = dump(PERSON, type(known)(**values))
        person.gone = True


@pytest.mark.parametrize(
    ("register", "typed", "opens"),
    [
        ("1991-07-30", BirthDate(1991, 7, 30), True),
        ("1991-07-30", BirthDate(1991, 7, 29), False),
        ("1991-07-30", BirthDate(1991, 6, 30), False),
        ("1991-07-30", BirthDate(1990, 7, 30), False),
        ("1991-07-30", BirthDate(1991, 7), False),
        ("1991-07-30", BirthDate(1991), False),
        ("1991-07", BirthDate(1991, 7, 30), True),
        ("1991-07", BirthDate(1991, 7), True),
        ("1991-07", BirthDate(1991, 8, 30), False),
        ("1991-07", BirthDate(1991), False),
        ("1991", BirthDate(1991, 7, 30), True),
        ("1991", BirthDate(1991), True),
        ("1991", BirthDate(1992), False),
        ("", BirthDate(1991, 7, 30), False),
        ("", BirthDate(0), False),
    ],
)
def test_what_the_register_knows_of_a_birth_date_must_be_right(
    town: Town, letters: Letters, register: str, typed: BirthDate, opens: bool
) -> None:
    case = letters["zone_switched"]
    born(town, case, register)
    if opens:
        desk_of(town).unlock(door(town, case), typed)
    else:
        assert refusal(desk_of(town).unlock, door(town, case), typed) == "reply.wrong_birth_date"
        assert section(town, case).failures == 1


def test_the_right_date_forgives_slips_but_not_a_lock(town: Town, letters: Letters) -> None:
    case, desk = letters["zone_switched"], desk_of(town)
    opened = door(town, case)
    for _ in range(4):
        assert refusal(desk.unlock, opened, WRONG_DATE) == "reply.wrong_birth_date"
    desk.unlock(opened, SWITCHED)
    assert section(town, case).failures == 0
    for code in [*["reply.wrong_birth_date"] * 4, "reply.locked"]:
        assert refusal(desk.unlock, opened, WRONG_DATE) == code

    assert refusal(desk.unlock, opened, SWITCHED) == "reply.locked"
    assert section(town, case).failures == 5


def test_two_parts_of_one_letter_share_five_tries(town: Town, letters: Letters) -> None:
    case, desk = letters["zone_switched"], desk_of(town)
    other = add_part(town, case)
    doors = [door(town, case), door(town, other)]
    codes = [refusal(desk.unlock, doors[number % 2], WRONG_DATE) for number in range(6)]

    assert codes == [*["reply.wrong_birth_date"] * 4, "reply.locked", "reply.locked"]
    assert refusal(desk.unlock, doors[1], SWITCHED) == "reply.locked"


@pytest.mark.both_databases
def test_guesses_that_arrive_together_are_five_guesses(any_town: Town, deliver: Deliver) -> None:
    case = post_letters(any_town, deliver)["zone_switched"]
    desk, opened, start = desk_of(any_town), door(any_town, case), Barrier(8)

    def guess(day: int) -> str:
        if day < 8:
            start.wait(30)
        return refusal(desk.unlock, opened, BirthDate(1991, 7, 1 + day % 29))

    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(guess, range(40)))

    assert codes.count("reply.wrong_birth_date") == 4
    assert codes.count("reply.locked") == 36
    assert section(any_town, case).failures == 5


def test_a_letter_shows_every_part_without_any_address(town: Town, letters: Letters) -> None:
    case, desk = letters["zone_switched"], desk_of(town)
    other = add_part(town, case)
    view = desk.letter(door(town, other))

    assert [part.case for part in view.parts] == [case, other]
    assert (view.reference, view.dated) == (section(town, case).letter_id, DAY)
    assert "Zone A2" in view.subject
    assert view.legal_remedy.startswith("Gegen diesen Bescheid")
    first, second = view.parts
    assert (first.title, first.decides, first.informs) == ("Bewohnerparken", True, False)
    assert (first.can_deregister, second.can_deregister) == (True, True)
    assert "Zone A2" in first.html
    for word in ("Kröpeliner", "Wollenweber", "18055"):
        assert word not in repr(view)


def test_a_letter_that_decides_nothing_has_no_legal_remedy(town: Town, letters: Letters) -> None:
    view = desk_of(town).letter(door(town, letters["address_updated"]))

    assert view.legal_remedy == ""
    assert not view.parts[0].decides


def test_a_part_whose_token_was_revoked_is_neither_shown_nor_answered(
    town: Town, letters: Letters
) -> None:
    case, desk = letters["zone_switched"], desk_of(town)
    other = add_part(town, case)
    opened = door(town, other)
    with writing(town.opened.engine) as session:
        replies.revoke(session, [case])

    assert [part.case for part in desk.letter(opened).parts] == [other]
    assert refusal(desk.record, opened, case, ReplyKind.WRONG, Scope.CASE, "x") == "reply.unknown"
    assert refusal(desk.by_link, token(town, case).link_secret) == "reply.revoked"


def test_any_part_of_the_letter_may_be_answered_and_no_other_letter(
    town: Town, letters: Letters
) -> None:
    case, desk = letters["zone_switched"], desk_of(town)
    other = add_part(town, case)
    opened = door(town, case)
    receipt = desk.record(opened, other, ReplyKind.WRONG, Scope.CASE, "Ich bin nicht umgezogen.")

    (row,) = kept(town)
    assert (row.case_id, row.section_id) == (other, section(town, other).id)
    assert desk.receipt(opened, receipt.number) == receipt
    assert desk.letter(opened).parts[1].replies == (receipt,)
    foreign = door(town, letters["name_updated"])
    assert refusal(desk.receipt, foreign, receipt.number) == "reply.unknown"
    assert refusal(desk.record, foreign, other, ReplyKind.WRONG, Scope.CASE, "x") == "reply.unknown"


def test_a_receipt_says_what_was_recorded_and_when(town: Town, letters: Letters) -> None:
    case, desk = letters["zone_switched"], desk_of(town)
    given = desk.record(door(town, case), case, ReplyKind.DEREGISTER, Scope.SERVICE)

    (row,) = kept(town)
    assert given == Receipt(
        number=row.id,
        kind=ReplyKind.DEREGISTER,
        scope=Scope.SERVICE,
        at=given.at,
        subject="Ihr Bewohnerparkausweis gilt jetzt in Zone A2"
        " – für den Ausweis müssen Sie nichts tun",
        letter=section(town, case).letter_id,
        service="Bewohnerparken",
    )
    assert datetime.fromisoformat(given.at) == row.at.replace(microsecond=0)
    assert given.at[-6:] in ("+01:00", "+02:00")
    assert (row.status, row.via, row.recorded_by) == ("recorded", "page", "")
    assert row.received_on == DAY
    assert row.municipality == town.slug


def test_what_a_clerk_hears_on_the_phone_is_marked(town: Town, letters: Letters) -> None:
    case = letters["zone_switched"]
    desk_of(town).record(
        door(town, case), case, ReplyKind.OPT_OUT, Scope.SERVICE, via="phone", recorded_by="KA"
    )

    assert [(row.via, row.recorded_by) for row in kept(town)] == [("phone", "KA")]


def test_each_kind_of_reply_reaches_as_far_as_it_may_and_no_further(
    town: Town, letters: Letters
) -> None:
    case, desk = letters["zone_switched"], desk_of(town)
    opened, allowed = door(town, case), set()
    for kind in ReplyKind:
        for scope in Scope:
            with writing(town.opened.engine) as session:
                session.execute(delete(ReplyRow))
            codes = []
            try:
                desk.record(opened, case, kind, scope, "Text")
            except ReplyRefused as error:
                codes.append(error.code)
            assert [row.kind for row in kept(town)] == ([] if codes else [kind])
            assert codes in ([], ["reply.not_offered"])
            if not codes:
                allowed.add((kind.value, scope.value))

    assert allowed == {
        ("deregister", "case"),
        ("deregister", "service"),
        ("wrong", "case"),
        ("object", "case"),
        ("opt_out", "service"),
        ("opt_out", "information"),
    }


def test_only_a_bescheid_can_be_objected_to(town: Town, letters: Letters) -> None:
    case = letters["address_updated"]

    assert (
        refusal(desk_of(town).record, door(town, case), case, ReplyKind.OBJECT, Scope.CASE)
        == "reply.not_offered"
    )


@pytest.mark.parametrize("code", sorted(replies.NOTHING_LEFT))
def test_where_nothing_is_left_nothing_can_be_deregistered(
    town: Town, letters: Letters, code: str
) -> None:
    case, desk = letters["zone_switched"], desk_of(town)
    opened = door(town, case)
    assert desk.letter(opened).parts[0].can_deregister
    change(town, DecisionRow, col(DecisionRow.case_id) == case, code=code)

    assert (
        refusal(desk.record, opened, case, ReplyKind.DEREGISTER, Scope.CASE) == "reply.not_offered"
    )


def test_what_was_undone_cannot_be_deregistered(town: Town, letters: Letters) -> None:
    case, desk = letters["zone_switched"], desk_of(town)
    change(town, CaseRow, col(CaseRow.id) == case, status=Status.UNDONE)

    assert not desk.letter(door(town, case)).parts[0].can_deregister


def test_a_case_without_effects_cannot_be_deregistered(town: Town, letters: Letters) -> None:
    case, desk = letters["name_updated"], desk_of(town)
    with writing(town.opened.engine) as session:
        session.execute(delete(EffectRow).where(col(EffectRow.case_id) == case))

    assert not desk.letter(door(town, case)).parts[0].can_deregister


def test_the_first_reply_of_its_kind_counts(town: Town, letters: Letters) -> None:
    case, desk = letters["zone_switched"], desk_of(town)
    opened = door(town, case)
    first = desk.record(opened, case, ReplyKind.DEREGISTER, Scope.CASE, "weg damit")

    assert desk.record(opened, case, ReplyKind.DEREGISTER, Scope.SERVICE, "anders") == first
    assert not desk.letter(opened).parts[0].can_deregister
    assert [(row.scope, row.text) for row in kept(town)] == [("case", "weg damit")]
    other = desk.record(opened, case, ReplyKind.WRONG, Scope.CASE, "doch nicht")
    assert {receipt.number for receipt in desk.letter(opened).parts[0].replies} == {
        first.number,
        other.number,
    }


def test_this_is_wrong_needs_a_word_of_what_is(town: Town, letters: Letters) -> None:
    case, desk = letters["zone_switched"], desk_of(town)
    opened = door(town, case)
    for text in ("", " \n\t ", "\x00\x07", "\u202e"):
        assert refusal(desk.record, opened, case, ReplyKind.WRONG, Scope.CASE, text) == (
            "reply.no_text"
        )


def test_a_residents_words_are_kept_as_a_clerk_can_read_them() -> None:
    assert cleaned_text("  Guten Tag,\r\n\tich\x00 bin\x1b nicht\u202e um\ud800gezogen. ☺\r ") == (
        "Guten Tag,\n ich bin nicht umgezogen. ☺"
    )
    assert cleaned_text("ä" * 4001) == "ä" * 4000
    assert cleaned_text("x" * 3999 + " y") == "x" * 3999


def test_odd_words_are_kept_in_either_database(any_town: Town, deliver: Deliver) -> None:
    case = post_letters(any_town, deliver)["zone_switched"]
    text = "\x00Ich wohne\ud800 dort nicht. 'Robert'); DROP TABLE reply;-- 😀"
    desk_of(any_town).record(door(any_town, case), case, ReplyKind.WRONG, Scope.CASE, text)

    assert [row.text for row in kept(any_town)] == [
        "Ich wohne dort nicht. 'Robert'); DROP TABLE reply;-- 😀"
    ]


@pytest.mark.both_databases
def test_two_browsers_that_answer_at_once_leave_one_reply(any_town: Town, deliver: Deliver) -> None:
    case = post_letters(any_town, deliver)["zone_switched"]
    desk, opened, start = desk_of(any_town), door(any_town, case), Barrier(8)

    def answer(number: int) -> Receipt:
        start.wait(30)
        scope = (Scope.CASE, Scope.SERVICE)[number % 2]
        return desk.record(opened, case, ReplyKind.DEREGISTER, scope, f"Fenster {number}")

    with ThreadPoolExecutor(8) as pool:
        receipts = set(pool.map(answer, range(8)))

    (row,) = kept(any_town)
    (receipt,) = receipts
    assert (receipt.number, receipt.scope) == (row.id, row.scope)


def test_a_service_switched_off_since_still_answers_for_its_letters(
    town: Town, letters: Letters
) -> None:
    case = letters["zone_switched"]
    profile = town.folder / "profile.toml"
    profile.write_text(profile.read_text().replace("enabled = true", "enabled = false"))
    desk = desk_of(town)
    assert not town.opened.services

    (part,) = desk.letter(door(town, case)).parts
    assert "Zone A2" in part.html
    assert desk.record(door(town, case), case, ReplyKind.OBJECT, Scope.CASE).service == (
        "Bewohnerparken"
    )


def test_a_letter_whose_texts_were_forgotten_has_expired(town: Town, letters: Letters) -> None:
    case, desk = letters["zone_switched"], desk_of(town)
    opened = door(town, case)
    change(town, DecisionRow, col(DecisionRow.case_id) == case, situation="", decision="")

    assert refusal(desk.letter, opened) == "reply.expired"
    assert refusal(desk.record, opened, case, ReplyKind.OBJECT, Scope.CASE) == "reply.expired"


def test_each_birth_date_opens_its_own_letter_alone(town: Town, letters: Letters) -> None:
    dates = {"zone_switched": SWITCHED, "address_updated": UPDATED, "name_updated": RENAMED}
    for code, case in letters.items():
        for whose, typed in dates.items():
            if whose == code:
                desk_of(town).unlock(door(town, case), typed)
            else:
                assert refusal(desk_of(town).unlock, door(town, case), typed) == (
                    "reply.wrong_birth_date"
                )


BUSY = """
import sqlite3, sys, time
state = sqlite3.connect(sys.argv[1], isolation_level=None)
state.execute("PRAGMA busy_timeout=60000")
print("ready", flush=True)
for _ in range(150):
    state.execute("BEGIN IMMEDIATE")
    state.execute("UPDATE cursor SET number = number")
    time.sleep(0.2)
    state.execute("COMMIT")
    time.sleep(0.005)
"""


@contextmanager
def busy_pipeline(town: Town) -> Iterator[None]:
    """Another process that holds the write lock for 200 ms, and leaves it free for 5."""
    path = town.settings.home / "antragslos.db"
    command = [sys.executable, "-c", BUSY, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout
        writer.stdout.readline()
        try:
            yield
        finally:
            writer.kill()


def test_residents_do_not_wait_for_a_busy_pipeline(town: Town, letters: Letters) -> None:
    case, desk = letters["zone_switched"], desk_of(town)
    opened, link = door(town, case), token(town, case).link_secret
    desk.letter(opened)  # the templates are read once
    calls = {
        "link": lambda: desk.by_link(link),
        "letter": lambda: desk.letter(opened),
        "unlock": lambda: desk.unlock(opened, SWITCHED),
        "record": lambda: desk.record(opened, case, next(kinds), Scope.CASE, "x"),
    }
    kinds = iter([ReplyKind.DEREGISTER, ReplyKind.WRONG, ReplyKind.OBJECT])
    took: dict[str, list[float]] = {}
    with busy_pipeline(town):
        for name, call in calls.items():
            for _ in range(3 if name == "record" else 10):
                begun = time.monotonic()
                call()
                took.setdefault(name, []).append(time.monotonic() - begun)
                time.sleep(0.03)
    middle = {name: round(statistics.median(times) * 1000, 1) for name, times in took.items()}
    longest = {name: round(max(times) * 1000, 1) for name, times in took.items()}
    print(f"\nms while a pipeline writes: median {middle}, longest {longest}")

    assert middle["link"] < 100  # what only reads never waits; 200 would be a whole transaction
    assert middle["letter"] < 200
    assert max(longest["unlock"], longest["record"]) < 10_000  # a minute is SQLite's own wait
    assert len(kept(town)) == 3


def test_sqlite_has_a_reply_on_the_disk_when_it_is_recorded(town: Town) -> None:
    engine = town.opened.engine
    for _ in range(2):
        with replies.durably(engine) as session:
            assert session.connection().exec_driver_sql("PRAGMA synchronous").scalar() == 2
        with reading(engine) as session:
            connection = session.connection()
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 1
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 60_000


def test_what_breaks_while_a_reply_is_recorded_leaves_nothing(
    any_town: Town, deliver: Deliver
) -> None:
    case = post_letters(any_town, deliver)["zone_switched"]
    engine = any_town.opened.engine

    def break_off() -> None:
        with replies.durably(engine) as session:
            session.execute(delete(EffectRow).where(col(EffectRow.case_id) == case))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()
    desk_of(any_town, date(2026, 11, 30)).unlock(door(any_town, case), SWITCHED)

    with reading(engine) as session:
        assert session.exec(select(EffectRow).where(EffectRow.case_id == case)).all()
