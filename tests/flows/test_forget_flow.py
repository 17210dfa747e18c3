"""Retention as Prefect shows it: a preview by default, numbers only, and the same numbers after."""

import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from pydantic import ValidationError
from sqlmodel import select

from flows.forget import ForgetParameters, forget
from tasks.state.database import reading
from tasks.state.lock import municipality_lock
from tasks.state.tables import CaseRow
from tests.flows.test_canary import everything_prefect_keeps, found_in
from tests.town import Town, make_town

DAY = date(2026, 11, 23)


def run(on: date | None = None, **more: Any) -> Any:
    return forget(ForgetParameters(on=on, **more), return_state=True)


def in_years(years: int = 3) -> date:
    """Long after whatever the clock has written; the town is in test mode."""
    return date.today() + timedelta(days=366 * years)  # noqa: DTZ011


@pytest.fixture
def worked(town: Town, deliver: Callable[..., Any]) -> Town:
    profile = town.folder / "profile.toml"
    profile.write_text(profile.read_text().replace("settling_days = 2", "settling_days = 0"))
    town.put("0001-gesamtlieferung.xml", "0002-deltalieferung.xml")
    assert deliver(DAY.isoformat()).name == "NeedsReview"
    return town


def forgotten(town: Town) -> int:
    with reading(town.opened.engine) as session:
        return sum(case.forgotten_on is not None for case in session.exec(select(CaseRow)))


def test_the_dry_run_counts_and_the_run_reports_the_same(worked: Town) -> None:
    preview = run(in_years())
    assert preview.name == "Preview"
    assert preview.message.startswith("would leave: ")
    numbers = preview.message.removeprefix("would leave: ")
    assert "cases" in numbers
    assert "4 delivered files" in numbers
    assert forgotten(worked) == 0
    assert list((worked.folder / "done").iterdir())

    done = run(in_years(), dry_run=False)
    assert (done.name, done.message) == ("Completed", f"forgotten: {numbers}")
    assert forgotten(worked) > 0
    assert list((worked.folder / "done").iterdir()) == []
    assert run(in_years(), dry_run=False).message == "nothing to forget"
    assert run(in_years()).message == "nothing would leave"


def test_a_run_without_parameters_only_looks(worked: Town) -> None:
    state = forget(return_state=True)

    assert state.name == "Preview"
    assert state.message == "nothing would leave"  # all of it is of today


def test_prefect_is_told_numbers_only(worked: Town) -> None:
    run(in_years(), dry_run=False)

    with get_client(sync_client=True) as client:
        found = client.request("POST", "/artifacts/latest/filter", json={"limit": 200}).json()
    (page,) = [artifact for artifact in found if artifact["key"] == "forget-musterstadt"]
    assert "| cases |" in page["data"]
    assert found_in(everything_prefect_keeps()) == []


def test_one_municipality_at_work_keeps_no_other_from_being_forgotten(
    worked: Town, home: Path
) -> None:
    make_town(home, "anderswo", test_mode=True)
    held = "import sys; from pathlib import Path; from sqlalchemy import create_engine\n"
    held += "from tasks.state.lock import municipality_lock\n"
    held += "with municipality_lock(create_engine('sqlite://'), 'x', Path(sys.argv[1])):\n"
    held += "    print('in', flush=True); sys.stdin.readline()\n"
    root = Path(__file__).resolve().parents[2]
    other = subprocess.Popen(
        [sys.executable, "-c", held, str(home / "anderswo")],
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "in\n"
    try:
        state = run(in_years(), dry_run=False)
    finally:
        other.communicate("\n", timeout=30)

    assert state.name == "PartiallyFailed"
    assert state.message.endswith("anderswo: state.municipality_busy")
    assert forgotten(worked) > 0
    with municipality_lock(worked.opened.engine, "anderswo", home / "anderswo"):
        pass


def test_a_future_day_is_for_test_mode_only(worked: Town) -> None:
    profile = worked.folder / "profile.toml"
    profile.write_text(profile.read_text().replace("test_mode = true", "test_mode = false"))

    state = run(in_years(), dry_run=False)

    assert (state.name, "run.day_in_future" in state.message) == ("Failed", True)
    assert forgotten(worked) == 0


def test_an_unknown_parameter_is_refused() -> None:
    with pytest.raises(ValidationError):
        ForgetParameters(dryrun=False)  # type: ignore[call-arg]


def test_without_a_municipality_it_says_so(home: Path) -> None:
    assert run().message == "there is no municipality in ANTRAGSLOS_HOME"
