"""What operators see when something is wrong, and that it stays where it is."""

import logging
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from prefect import flow

from flows._pipeline import Outcome, Places, of_municipality
from flows.apply_replies import ApplyParameters, apply_replies
from flows.deliver_services import DeliverParameters, deliver_services
from tasks.state.lock import municipality_lock
from tests.town import Town, make_town


def test_one_municipality_in_trouble_never_stops_another(home: Path) -> None:
    good = make_town(home, "gutstadt", test_mode=True)
    bad = make_town(home, "bad-musterstadt", test_mode=True)
    good.put("0001-gesamtlieferung.xml", "0002-deltalieferung.xml")
    bad.put("0001-gesamtlieferung.xml", "bad/01-luecke-lieferungsnummer.xml")
    (home / "ohne-profil").mkdir()
    broken = home / "kaputtstadt"
    broken.mkdir()
    (broken / "profile.toml").write_text("name = [")

    state = deliver_services(DeliverParameters(on=date(2026, 11, 23)), return_state=True)

    assert state.name == "PartiallyFailed"
    assert "bad-musterstadt: registry.number_gap" in state.message
    assert "kaputtstadt: profile.invalid" in state.message
    assert "gutstadt:" not in state.message
    assert len(list((good.folder / "done").iterdir())) == 2
    assert len(list((bad.folder / "done").iterdir())) == 1


@pytest.mark.parametrize(
    ("of_all", "asked"),
    [(deliver_services, DeliverParameters), (apply_replies, ApplyParameters)],
)
def test_a_municipality_that_hangs_delays_no_other(
    home: Path, monkeypatch: pytest.MonkeyPatch, of_all: Any, asked: type[Places]
) -> None:
    meet = Barrier(2)

    def hangs(*_: Any) -> Outcome:
        meet.wait(timeout=60)  # both are here at one time, or it breaks
        return Outcome()

    monkeypatch.setattr(sys.modules[of_all.fn.__module__], "of_municipality", hangs)
    parameters = asked(municipalities=["gutstadt", "musterstadt"])

    assert of_all(parameters, return_state=True).is_completed()


def test_two_runs_never_work_on_one_municipality(town: Town, deliver: Callable[..., Any]) -> None:
    town.put("0001-gesamtlieferung.xml")
    with municipality_lock(town.opened.engine, town.slug, town.folder):
        state = deliver("2026-11-23")

    assert (state.name, state.message) == (
        "Failed",
        "musterstadt: state.municipality_busy",
    )
    assert deliver("2026-11-23").is_completed()


def test_a_day_in_the_future_is_only_played_in_test_mode(
    home: Path, deliver: Callable[..., Any]
) -> None:
    make_town(home, test_mode=False)
    assert "run.day_in_future" in deliver("2099-01-01").message
    make_town(home, "teststadt", test_mode=True)
    assert deliver("2099-01-01", "teststadt").is_completed()


def test_a_municipality_that_is_not_there_is_said_clearly(
    home: Path, deliver: Callable[..., Any]
) -> None:
    assert "nirgendwo: profile.invalid" in deliver("2026-11-23", "nirgendwo").message


def test_a_quiet_day_leaves_a_run_without_tasks(town: Town, deliver: Callable[..., Any]) -> None:
    state = deliver("2026-11-23")

    assert (state.name, state.message) == ("Completed", "nothing new")


def test_what_breaks_between_two_steps_is_told_to_prefect_by_its_code_alone(
    town: Town, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Iterator[Any]:
        raise ValueError("Łukasz Wójcik, Wollenweberstraße 44")
        yield

    @flow
    def one_town() -> list[str]:
        return of_municipality(town.slug, date(2026, 11, 23), "run", broken, "deliver").problems

    # Prefect keeps what its loggers say; they pass nothing on to those above them.
    monkeypatch.setattr(logging.getLogger("prefect"), "propagate", True)
    assert one_town() == ["internal.ValueError"]

    told = [one.getMessage() for one in caplog.records if one.name.startswith("prefect")]
    assert "musterstadt: internal.ValueError" in told
    assert "Wójcik" not in str(told)
