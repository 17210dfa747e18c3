"""One bad item stops no good one: not where it raises, and not where it ends the process."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from tasks.registry import xmeldit
from tasks.settings import settings
from tasks.state.database import writing
from tasks.state.tables import PersonRow
from tests.failures.poison import CULPRIT, DAY, KEY, POISONS, prepare, what_is_there
from tests.town import Town

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What becomes of everybody where nothing is bad."""
    home = tmp_path_factory.mktemp("good")
    with pytest.MonkeyPatch.context() as patch:
        at_home(home, patch)
        town = prepare(home)
        town.run_day(DAY)
        return what_is_there(town)


def at_home(home: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("ANTRAGSLOS_HOME", str(home))
    patch.setenv("ANTRAGSLOS_STEADY_SECONDS", "0")
    settings.cache_clear()


@pytest.fixture(scope="module")
def dead() -> dict[str, dict[str, Any]]:
    """The same with an item that ends its process, for each kind: one program, forked."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.failures.poison"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return found


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Town:
    at_home(tmp_path, monkeypatch)
    return prepare(tmp_path)


STEPS = [name for name in POISONS if POISONS[name][1]]


def others(cases: dict[str, Any]) -> dict[str, Any]:
    return {event: found for event, found in cases.items() if event != CULPRIT}


def breaks() -> None:
    raise ZeroDivisionError("Łukasz Wójcik")


@pytest.mark.parametrize("name", STEPS)
def test_an_item_that_raises_fails_alone_and_is_continued_once_the_cause_is_gone(
    town: Town, good: dict[str, Any], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with monkeypatch.context() as patch:
        POISONS[name][0](patch.setattr, breaks)
        counts = town.run_day(DAY)

        assert others(what_is_there(town)["cases"]) == others(good["cases"])
        assert town.cases()[CULPRIT] == ("failed", "internal.ZeroDivisionError")
        assert town.failed_at(CULPRIT) == POISONS[name][1]
        assert counts["failed"] == 1
        assert counts["handed_over"] == len(good["letters"]) - 1
        assert town.rerun(DAY).blocked() == {"internal.ZeroDivisionError": 1}

    town.rerun(DAY)
    assert what_is_there(town) == good


def test_a_record_that_cannot_be_taken_in_is_quarantined_alone(
    town: Town, good: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    POISONS["classify"][0](monkeypatch.setattr, breaks)
    counts = town.run_day(DAY)

    assert what_is_there(town)["cases"] == others(good["cases"])
    assert [code for *_, code in town.quarantined()] == ["internal.ZeroDivisionError"]
    assert counts["quarantined"] == 1
    assert counts["deliveries"] == 1


def test_a_record_that_breaks_while_it_is_read_is_quarantined_alone(
    town: Town, good: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    read = xmeldit.read_person

    def poisoned(sent: Any, key: Any) -> Any:
        if key.number == KEY:
            breaks()
        return read(sent, key)

    monkeypatch.setattr(xmeldit, "read_person", poisoned)
    counts = town.run_day(DAY)

    assert others(what_is_there(town)["cases"]) == others(good["cases"])
    assert {code for *_, code in town.quarantined()} == {"internal.ZeroDivisionError"}
    assert counts["deliveries"] == 1


def test_a_record_that_ends_the_process_twice_is_quarantined_alone(
    dead: dict[str, dict[str, Any]], good: dict[str, Any]
) -> None:
    played = dead["classify"]
    assert played["deaths"] == 2
    assert played["found"]["cases"] == others(good["cases"])
    assert played["quarantined"] == ["internal.crashed"]


def test_a_delivery_that_ends_the_process_twice_is_refused_and_named_in_every_run(
    dead: dict[str, dict[str, Any]],
) -> None:
    played = dead["parse"]
    assert played["deaths"] == 2
    assert not played["found"]["cases"]
    assert played["found"]["counts"]["stopped:internal.crashed"] == 1
    assert played["found"]["again"]["stopped:internal.crashed"] == 1


def test_a_person_who_can_no_longer_be_read_is_parked_alone_and_hides_nothing_from_a_rerun(
    town: Town, good: dict[str, Any]
) -> None:
    town.run_day(DAY, until="render")
    with writing(town.opened.engine) as session:
        (row,) = session.exec(select(PersonRow).where(PersonRow.number == KEY))
        whole, row.snapshot = row.snapshot, "{bad"
    town.run_day(DAY)

    assert others(what_is_there(town)["cases"]) == others(good["cases"])
    assert town.failed_at(CULPRIT) == "send"
    assert town.rerun(DAY).blocked() == {"internal.ValidationError": 1}

    with writing(town.opened.engine) as session:
        (row,) = session.exec(select(PersonRow).where(PersonRow.number == KEY))
        row.snapshot = whole
    town.rerun(DAY)
    assert what_is_there(town) == good


@pytest.mark.parametrize("name", STEPS)
def test_an_item_that_ends_the_process_twice_is_parked_and_all_others_are_done(
    dead: dict[str, dict[str, Any]], good: dict[str, Any], name: str
) -> None:
    played = dead[name]
    assert played["deaths"] == 2
    assert others(played["found"]["cases"]) == others(good["cases"])
    assert played["found"]["cases"][CULPRIT] == ["failed", "internal.crashed"]
    assert played["healed"] == good
