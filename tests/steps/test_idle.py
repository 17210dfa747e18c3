"""A run passes by only where nothing waits, whatever it is that may wait."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from flows._pipeline import everything
from tasks.domain.case import Status
from tasks.domain.reply import ReplyKind, Scope
from tasks.state.database import writing
from tasks.state.tables import CaseRow, LetterRow
from tests.town import FIRST_DAY, FIRST_DELIVERIES, Town, make_town, worked_town

NEXT_DAY = FIRST_DAY + timedelta(days=1)


@pytest.fixture
def worked(home: Path) -> Town:
    return worked_town(home, settling_days=0)


def has_work(town: Town, day: date) -> bool:
    return bool(list(everything(town.opened, day, "run")))


def test_a_town_waits_for_its_run_until_the_last_stage_is_over(home: Path) -> None:
    town = make_town(home, settling_days=0)
    assert town.is_idle(FIRST_DAY)

    town.put(*FIRST_DELIVERIES)
    assert not town.is_idle(FIRST_DAY)
    for stage in ("pull", "link", "decide", "act", "render"):
        town.run_day(FIRST_DAY, until=stage)
        assert not town.is_idle(FIRST_DAY), stage

    town.run_day(FIRST_DAY)
    assert town.is_idle(FIRST_DAY)
    assert not has_work(town, FIRST_DAY)


def test_a_case_that_settles_wakes_its_town_on_that_day(home: Path) -> None:
    town = make_town(home, settling_days=2)
    town.run_day(FIRST_DAY, *FIRST_DELIVERIES)

    assert town.is_idle(NEXT_DAY)
    assert not town.is_idle(NEXT_DAY + timedelta(days=1))


def change(town: Town, model: type, before: str, **after: object) -> None:
    with writing(town.opened.engine) as session:
        row = session.exec(select(model).where(model.status == before)).first()  # type: ignore
        assert row is not None
        for name, value in after.items():
            setattr(row, name, value)


def reply(town: Town) -> None:
    town.reply("E0002-0002", ReplyKind.DEREGISTER, Scope.CASE, FIRST_DAY)


def refuse_a_delivery(town: Town) -> None:
    town.run_day(FIRST_DAY, "bad/01-luecke-lieferungsnummer.xml")


def profile(town: Town, old: str, new: str) -> None:
    path = town.folder / "profile.toml"
    path.write_text(path.read_text().replace(old, new))


WAITS: dict[str, Callable[[Town], None]] = {
    "a file in the inbox": lambda town: town.put("bad/01-luecke-lieferungsnummer.xml"),
    "a delivery that was refused": refuse_a_delivery,
    "a resident's reply": reply,
    "a letter": lambda town: change(town, LetterRow, "handed_over", status="ready"),
    "a letter that a dead run has left": (
        lambda town: change(town, LetterRow, "handed_over", status="claimed")
    ),
    "an act that a dead run has left": (
        lambda town: change(
            town,
            CaseRow,
            Status.SENT,
            status=Status.GRANTED,
            acting=True,
            settles_on=date(2099, 1, 1),
        )
    ),
    "a case that a clerk has answered": (
        lambda town: change(town, CaseRow, Status.NEEDS_REVIEW, recheck=True)
    ),
    "a service that was switched off": lambda town: profile(town, "= true", "= false"),
    "a service that looks back further": (
        lambda town: profile(town, "legal_mode", "look_back_days = 9\nlegal_mode")
    ),
    "a profile that cannot be read": lambda town: profile(town, "name =", "name"),
}


@pytest.mark.parametrize("what", WAITS)
def test_whatever_waits_is_taken_up(worked: Town, what: str) -> None:
    assert worked.is_idle(NEXT_DAY)

    WAITS[what](worked)

    assert not worked.is_idle(NEXT_DAY)


def test_a_state_that_cannot_be_asked_makes_no_town_idle(
    worked: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object) -> None:
        raise OSError

    monkeypatch.setattr("tasks.state.agenda.with_work", lost)

    assert not worked.is_idle(NEXT_DAY)
