"""A part was left to a clerk, and the letter about the rest is stopped: both are answered."""

import json
import socket
from datetime import date
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink

from tasks.domain.person import Lock
from tasks.explain import tell
from tasks.municipality import open_municipality
from tasks.rerun import rerun
from tasks.settings import settings
from tests.steps.test_replies import WOJCIK
from tests.steps.test_send import change_person
from tests.town import DELIVERIES, Town, make_town

DAY = date(2026, 11, 23)
FILES = ("0001-gesamtlieferung.xml", "0002-deltalieferung.xml")


def asked(town: Town) -> list[str]:
    case = town.case(WOJCIK).case
    return [found.code for found in town.questions() if found.case == case]


def lock(town: Town, *locks: Lock) -> None:
    change_person(town, "000000010025", locks=locks)


@pytest.fixture
def stopped(home: Path, monkeypatch: pytest.MonkeyPatch) -> Town:
    """Wójcik has a new permit, a clerk shall say what becomes of the old one; then a lock came,
    while the mail server was away."""
    permits = home / "permits.jsonl"
    rows = [json.loads(line) for line in (DELIVERIES / "permits-sample.jsonl").open()]
    more = {"email": "someone@residents.example", "email_consent": True}
    permits.write_text("\n".join(json.dumps(row | more) for row in rows))
    monkeypatch.setenv("ANTRAGSLOS_SMTP_URL", "mailto://127.0.0.1:9")
    settings.cache_clear()
    town = make_town(home, settling_days=0, permits=permits, resolutory_condition=False)
    assert town.run_day(DAY, *FILES)["waiting_letters"]
    assert asked(town) == ["end_old_permit"]
    lock(town, Lock("3", date(2028, 1, 31)))
    assert town.run_day(DAY)["waiting_letters"]
    return town


@pytest.mark.parametrize("choice", ["letter:keep", "letter:send"])
def test_the_part_is_asked_again_once_the_letter_is_settled(stopped: Town, choice: str) -> None:
    assert stopped.case(WOJCIK).status == "needs_review"
    assert asked(stopped) == ["address_locked"]

    assert stopped.answer(WOJCIK, choice, DAY) == "valid"

    assert asked(stopped) == ["end_old_permit"]
    assert stopped.answer(WOJCIK, "keep", DAY) == "valid"
    assert not asked(stopped)
    told = "\n".join(tell(stopped.case(WOJCIK).case, settings()))
    assert "the question end_old_permit is open to clerks" in told
    assert "the question end_old_permit was withdrawn" not in told


def test_the_part_is_asked_again_once_a_rerun_lets_the_letter_go(
    stopped: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock(stopped)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    mails = Controller(Sink(), hostname="127.0.0.1", port=port)
    mails.start()
    monkeypatch.setenv("ANTRAGSLOS_SMTP_URL", f"mailto://127.0.0.1:{port}")
    settings.cache_clear()
    try:
        opened = open_municipality(stopped.slug, settings())
        rerun(opened, [stopped.case(WOJCIK).case], DAY, "the lock was a mistake", "run", False)
    finally:
        mails.stop()

    assert stopped.case(WOJCIK).status == "sent"
    assert asked(stopped) == ["end_old_permit"]
