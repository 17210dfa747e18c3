"""A person asks what is stored about them (Art. 15 DSGVO), and a clerk writes it out."""

import re
import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import typer
from sqlmodel import select
from typer.testing import CliRunner

from flows.cli.privacy import disclose
from tasks.domain.person import Lock, PersonKey
from tasks.errors import PermanentError
from tasks.render import REPLY
from tasks.replies.tokens import token_for
from tasks.settings import settings
from tasks.state.database import reading, writing
from tasks.state.documents import PERSON, dump, load_person
from tasks.state.tables import (
    AnswerRow,
    CaseRow,
    LetterRow,
    OptOut,
    PersonRow,
    QuestionRow,
    RecordLink,
    ReplyRow,
    SectionRow,
)
from tests.town import Town, worked_town

WOJCIK = ("--name", "Wójcik", "--birth-date", "1991-07-30")
NUMBER = "000000010025"
OTHERS = (
    "Brandt", "Yılmaz", "Hoffmann", "Petersen", "Zöllner", "Lindner", "Schuster", "Albrecht",
    "Seidel", "Neumann", "Sukarni", "Rahimi", "ZZ-MU 101", "BPA-0001", "BPA-0007",
    "000000010017",
)  # fmt: skip


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    monkeypatch.setenv("ANTRAGSLOS_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    yield worked_town(tmp_path / "home", settling_days=0)
    settings.cache_clear()


def run(out: Path, *words: str) -> Any:
    app = typer.Typer()
    app.command()(disclose)
    return CliRunner().invoke(app, ["-m", "musterstadt", "--out", str(out), *words])


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "auskunft.html"


def words_of(out: Path) -> str:
    """What a person reads, in one line."""
    body = re.sub(r"<style>.*?</style>", "", out.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


def person(town: Town, number: str = NUMBER) -> PersonRow:
    with reading(town.opened.engine) as session:
        return session.exec(select(PersonRow).where(PersonRow.number == number)).one()


def case_of(town: Town) -> CaseRow:
    with reading(town.opened.engine) as session:
        return session.exec(select(CaseRow).where(CaseRow.person_id == person(town).id)).one()


def test_the_page_holds_all_that_is_stored_about_the_person(town: Town, out: Path) -> None:
    case = case_of(town)
    with writing(town.opened.engine) as session:
        section = session.exec(select(SectionRow).where(SectionRow.case_id == case.id)).one()
        session.add(
            ReplyRow(
                id="r-1",
                municipality=town.slug,
                case_id=case.id,
                section_id=section.id or 0,
                kind="wrong",
                scope="service",
                text="Mein Hof hat die Nummer 40 b.",
                at=datetime(2026, 11, 25, 12, tzinfo=UTC),
                received_on=date(2026, 11, 25),
            )
        )
        question = QuestionRow(
            municipality=town.slug, case_id=case.id, code="reply_wrong", text="?", proposal="[]"
        )
        session.add(question)
        session.flush()
        session.add(
            AnswerRow(
                id="a-1",
                municipality=town.slug,
                case_id=case.id,
                question_id=question.id or 0,
                code="reply_wrong",
                choice="keep",
                status="valid",
                by="k7",
                via="page",
                at=datetime(2026, 11, 26, 12, tzinfo=UTC),
                note="Telefonat geführt.",
            )
        )
        session.add(
            OptOut(
                municipality=town.slug,
                person_id=case.person_id,
                service="resident_parking",
                since=date(2026, 11, 25),
            )
        )
    done = run(out, *WOJCIK)
    assert done.exit_code == 0, done.output
    told = words_of(out)

    for text in (
        "Wójcik", "Łukasz", "30. Juli 1991",  # the mirror
        "Wollenweberstraße", "Kröpeliner Straße 40", "E0002-0002", "Umzug",  # the change
        case.id, "bewilligt", "§ 46 Abs. 5 StVO: ", "erfüllt",  # the case with its grounds
        "auf eine andere Zone umgestellt", "BPA-0002/2", "ZZ-MU 102",  # effects and permits
        "Mein Hof hat die Nummer 40 b.", "Telefonat geführt.",  # replies and notes
        "seit 25. November 2026",  # opt-out
        "Guten Tag Łukasz Wójcik", "Widerspruch",  # the letter's own text
    ):  # fmt: skip
        assert text in told.replace("StVO erfüllt", "StVO: erfüllt"), text
    for letter in "abcdefgh":
        assert f"Buchst. {letter})" in told, letter
    assert "400 Tage" in told
    assert "Melderegister" in told


def test_nothing_of_anybody_else_is_on_it(town: Town, out: Path) -> None:
    with writing(town.opened.engine) as session:
        row = session.exec(select(PersonRow).where(PersonRow.number == NUMBER)).one()
        snapshot = load_person(row.snapshot)
        assert snapshot is not None
        relatives = (PersonKey("09000009", "000000077777"),)
        known = replace(snapshot, children=relatives, guardians=relatives)
        row.snapshot = dump(PERSON, known)
        # A permit that only looks as if it were this person's.
        session.add(
            RecordLink(
                municipality=town.slug,
                records="parking_permits",
                record="BPA-0007",
                person_id=row.id,
                by="suggested",
                score=80,
            )
        )
    assert run(out, "--person", person(town).id).exit_code == 0
    told = words_of(out)

    assert [word for word in (*OTHERS, "000000077777") if word in told] == []
    assert "Gesetzliche Vertretung ja" in told


def test_neither_the_registrys_number_nor_a_reply_code_is_on_it(town: Town, out: Path) -> None:
    token = token_for(case_of(town).id, REPLY, town.settings.signing_key())
    with reading(town.opened.engine) as session:
        texts = [row.text for row in session.exec(select(LetterRow))]
    assert any(token.short_code in text and token.link_secret in text for text in texts)

    run(out, *WOJCIK)
    page = out.read_text(encoding="utf-8")

    assert NUMBER not in page
    assert token.link_secret not in page
    assert token.short_code not in page
    assert "[Ihr Code]" in page


def test_the_page_is_for_its_owner_only_and_needs_nothing_from_elsewhere(
    town: Town, out: Path
) -> None:
    run(out, *WOJCIK)
    page = out.read_text(encoding="utf-8")

    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert not re.search(r"<script|<link|<img|@import|url\(|https?://", page)
    assert '<html lang="de">' in page
    assert "@media print" in page


def test_what_a_resident_has_written_stays_text(town: Town, out: Path) -> None:
    with writing(town.opened.engine) as session:
        letter = session.exec(select(LetterRow).where(LetterRow.person_id == person(town).id)).one()
        letter.text = "<script>alert(1)</script>"

    run(out, *WOJCIK)

    assert "&lt;script&gt;alert(1)" in out.read_text(encoding="utf-8")


def test_a_file_that_is_there_is_not_written_over(town: Town, out: Path) -> None:
    out.write_text("of somebody else")

    assert run(out, *WOJCIK).exit_code == 1
    assert out.read_text() == "of somebody else"


@pytest.mark.parametrize(
    "words",
    [
        ("--name", "wójcik", "--birth-date", "1991-07-30"),
        ("--name", "Łukasz Wójcik", "--birth-date", "1991-07-30"),
        ("--name", "Wo\u0301jcik", "--birth-date", "1991-07-30"),
        ("--key", f"09000009:{NUMBER}"),
    ],
)
def test_a_person_is_found_by_name_and_birth_date_or_by_the_registrys_number(
    town: Town, out: Path, words: tuple[str, ...]
) -> None:
    assert run(out, *words).exit_code == 0
    assert "Wójcik" in words_of(out)


@pytest.mark.parametrize(
    "words",
    [
        ("--name", "Wojcik", "--birth-date", "1991-07-30"),  # nobody is guessed
        ("--name", "Wójcik", "--birth-date", "1991-07-29"),
        ("--name", "Wójcik", "--birth-date", "1991-07-31"),
        ("--key", "09000009:000000000000"),
        ("--person", "p-nobody"),
    ],
)
def test_who_does_not_match_is_not_guessed(town: Town, out: Path, words: tuple[str, ...]) -> None:
    told = run(out, *words)

    assert told.exit_code == 1
    assert "Nobody matches" in told.output
    assert not out.exists()


def test_of_several_a_clerk_chooses(town: Town, out: Path) -> None:
    with writing(town.opened.engine) as session:
        first = session.exec(select(PersonRow).where(PersonRow.number == NUMBER)).one()
        twin = PersonRow(**{**first.model_dump(), "id": "p-twin", "number": "000000099999"})
        session.add(twin)

    told = run(out, *WOJCIK)

    assert told.exit_code == 1
    assert "p-twin" in told.output
    assert first.id in told.output
    assert "Kröpeliner Straße 40" in told.output
    assert NUMBER not in told.output
    assert not out.exists()
    assert run(out, "--person", "p-twin").exit_code == 0


def test_without_a_name_nobody_is_looked_for(town: Town, out: Path) -> None:
    told = run(out, "--name", "Wójcik")

    assert isinstance(told.exception, PermanentError)
    assert told.exception.code == "disclose.nobody_named"


@pytest.mark.parametrize(
    ("until", "warned"),
    [(date(2000, 1, 1), False), (date(2999, 1, 1), True), (None, True)],
)
def test_a_lock_is_said_to_the_clerk_before_the_page_is_handed_out(
    town: Town, out: Path, until: date | None, warned: bool
) -> None:
    with writing(town.opened.engine) as session:
        row = session.exec(select(PersonRow).where(PersonRow.number == NUMBER)).one()
        snapshot = load_person(row.snapshot)
        assert snapshot is not None
        row.snapshot = dump(PERSON, replace(snapshot, locks=(Lock("3", until),)))

    told = run(out, *WOJCIK)

    assert told.exit_code == 0
    assert ("BMG § 51" in told.output) is warned


def test_who_is_gone_from_the_register_is_found_until_forgotten(town: Town, out: Path) -> None:
    assert run(out, "--name", "Schuster", "--birth-date", "1980-02-29").exit_code == 0
    told = words_of(out)

    assert "Löschung im Melderegister" in told
    assert "Schuster" in told


def test_who_looked_is_written_down_without_a_name(town: Town, out: Path) -> None:
    run(out, *WOJCIK)

    log = (town.settings.home / "access.log").read_text()
    assert log.splitlines()[-1].endswith(f"musterstadt shell disclose {person(town).id}")
    assert "Wójcik" not in log


def test_every_kind_of_change_has_a_german_word() -> None:
    from tasks.domain.case import Status
    from tasks.domain.decision import Outcome, Result
    from tasks.domain.delta import DeltaKind
    from tasks.domain.effect import EffectKind
    from tasks.domain.record import LinkedBy
    from tasks.domain.reply import ReplyKind, Scope
    from tasks.letters import disclosure

    for kinds, words in (
        (DeltaKind, disclosure.KINDS),
        (Status, disclosure.STATUSES),
        (Outcome, disclosure.OUTCOMES),
        (Result, disclosure.RESULTS),
        (EffectKind, disclosure.EFFECTS),
        (ReplyKind, disclosure.REPLIES),
        (Scope, disclosure.SCOPES),
    ):
        assert {kind.value for kind in kinds} == words.keys(), kinds
    assert {kind.value for kind in LinkedBy} - {"suggested"} == disclosure.LINKED.keys()
