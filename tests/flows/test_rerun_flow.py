"""An admin's rerun as Prefect shows it: a preview by default, the same sentence after the run."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from pydantic import ValidationError

from flows.rerun_cases import RerunParameters, rerun_cases
from tasks.state.lock import municipality_lock
from tests.town import Town

DAY = date(2026, 11, 23)


@pytest.fixture
def broken(town: Town, deliver: Callable[..., Any]) -> Town:
    profile = town.folder / "profile.toml"
    profile.write_text(profile.read_text().replace("settling_days = 2", "settling_days = 0"))
    folder = town.folder / "templates"
    folder.mkdir()
    (folder / "resident_parking.md.j2").write_text(
        "{% set decides = false %}\n# {{ gibt_es_nicht }}\n\nText\n"
    )
    town.put("0001-gesamtlieferung.xml", "0002-deltalieferung.xml")
    state = deliver(DAY.isoformat())
    assert (state.name, state.message) == ("PartiallyFailed", "3 of 14 cases failed")
    return town


def rerun(**more: Any) -> Any:
    parameters = RerunParameters(
        municipality="musterstadt", reason="template mended", on=DAY, **more
    )
    return rerun_cases(parameters, return_state=True)


def test_the_dry_run_previews_and_the_run_reports_the_same(broken: Town) -> None:
    blocked = rerun()
    assert (blocked.name, blocked.message) == (
        "Preview",
        "0 would now pass, 3 still blocked (letter.missing_variable), 0 second letters",
    )

    (broken.folder / "templates" / "resident_parking.md.j2").unlink()
    preview = rerun()
    assert preview.message == "3 would now pass, 0 still blocked, 0 second letters"
    done = rerun(dry_run=False)
    assert (done.name, done.message) == (
        "Completed",
        "3 passed, 0 still blocked, 0 second letters",
    )
    assert rerun(dry_run=False).message == "no case matches"


def test_a_rerun_on_an_unfixed_cause_fails_and_says_so(broken: Town) -> None:
    state = rerun(dry_run=False)

    assert state.name == "PartiallyFailed"
    assert "3 still blocked (letter.missing_variable)" in state.message


def test_the_artifact_names_cases_and_codes_only(broken: Town) -> None:
    rerun()

    with get_client(sync_client=True) as client:
        found = client.request("POST", "/artifacts/latest/filter", json={"limit": 200}).json()
    (page,) = [artifact for artifact in found if artifact["key"] == "rerun-musterstadt"]
    assert page["data"].count("letter.missing_variable") == 4  # the sentence and three cases
    assert "Wójcik" not in page["data"]


def test_a_rerun_needs_a_reason_and_a_municipality() -> None:
    with pytest.raises(ValidationError):
        RerunParameters(municipality="musterstadt", reason="")
    nowhere = rerun_cases(RerunParameters(reason="because"), return_state=True)
    assert "rerun.no_municipality" in nowhere.message


def test_nothing_is_rerun_while_another_run_is_at_work(town: Town) -> None:
    with municipality_lock(town.opened.engine, town.slug, town.folder):
        state = rerun(dry_run=False)

    assert (state.name, state.message) == ("Failed", "musterstadt: state.municipality_busy")
    assert rerun(dry_run=False).message == "no case matches"
