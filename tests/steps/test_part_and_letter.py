"""A part was left to a clerk, and the letter about the rest is stopped: both are answered."""

import json
import socket
from datetime import date
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from sqlmodel import select

from tasks.domain.person import Lock
from tasks.explain import tell
from tasks.municipality import open_municipality
from tasks.rerun import rerun
from tasks.review import open_questions, record_answers
from tasks.settings import settings
from tasks.state import clerks
from tasks.state.database import writing
from tasks.state.documents import PERSON, dump, load_person
from tasks.state.tables import CaseRow, PersonRow
from tests.steps.conftest import Deliver
from tests.steps.test_replies import WOJCIK, case_of
from tests.town import DELIVERIES, Town, make_town

DAY = date(2026, 11, 23)
FILES = ("0001-gesamtlieferung.xml", "0002-deltalieferung.xml")


def asked(town: Town, case: CaseRow) -> list[str]:
    return [found.code for found in open_questions(town.opened, case=case.id)]


def lock(town: Town, case: CaseRow, *locks: Lock) -> None:
    with writing(town.opened.engine) as session:
        row = session.exec(select(PersonRow).where(PersonRow.id == case.person_id)).one()
        person = load_person(row.snapshot)
        assert person is not None
        object.__setattr__(person, "locks", locks)
        row.snapshot = dump(PERSON, person)


@pytest.fixture
def stopped(home: Path, deliver: Deliver, monkeypatch: pytest.MonkeyPatch) -> Town:
    """Wójcik has a new permit, a clerk shall say what becomes of the old one; then a lock came,
    while the mail server was away."""
    permits = home / "permits.jsonl"
    rows = [json.loads(line) for line in (DELIVERIES / "permits-sample.jsonl").open()]
    more = {"email": "someone@residents.example", "email_consent": True}
    permits.write_text("\n".join(json.dumps(row | more) for row in rows))
    monkeypatch.setenv("ANTRAGSLOS_SMTP_URL", "mailto://127.0.0.1:9")
    settings.cache_clear()
    town = make_town(home, settling_days=0, permits=permits, resolutory_condition=False)
    assert deliver(town, DAY.isoformat(), *FILES)["waiting_letters"]
    with writing(town.opened.engine) as session:
        clerks.add_clerk(session, town.slug, "sb-1", "a long password")
    case = case_of(town, WOJCIK)
    assert asked(town, case) == ["end_old_permit"]
    lock(town, case, Lock("3", date(2028, 1, 31)))
    assert deliver(town, DAY.isoformat())["waiting_letters"]
    return town


def answer(town: Town, choice: str) -> str:
    case = case_of(town, WOJCIK)
    given = {case.id: choice}
    (done,) = record_answers(town.opened, given, by="sb-1", via="shell", today=DAY)
    return done.status


@pytest.mark.parametrize("choice", ["letter:keep", "letter:send"])
def test_the_part_is_asked_again_once_the_letter_is_settled(stopped: Town, choice: str) -> None:
    case = case_of(stopped, WOJCIK)
    assert (case.status, case.acting) == ("needs_review", True)
    assert asked(stopped, case) == ["address_locked"]

    assert answer(stopped, choice) == "valid"

    assert asked(stopped, case) == ["end_old_permit"]
    assert answer(stopped, "keep") == "valid"
    assert not asked(stopped, case)
    told = "\n".join(tell(case.id, settings()))
    assert "the question end_old_permit is open to clerks" in told
    assert "the question end_old_permit was withdrawn" not in told


def test_the_part_is_asked_again_once_a_rerun_lets_the_letter_go(
    stopped: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = case_of(stopped, WOJCIK)
    lock(stopped, case)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    mails = Controller(Sink(), hostname="127.0.0.1", port=port)
    mails.start()
    monkeypatch.setenv("ANTRAGSLOS_SMTP_URL", f"mailto://127.0.0.1:{port}")
    settings.cache_clear()
    try:
        opened = open_municipality(stopped.slug, settings())
        rerun(opened, [case.id], DAY, "the lock was a mistake", "run", False)
    finally:
        mails.stop()

    assert case_of(stopped, WOJCIK).status == "sent"
    assert asked(stopped, case) == ["end_old_permit"]
