"""Flows on the tests' Prefect server."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tasks.settings import settings
from tests.town import Town, make_town


@pytest.fixture(autouse=True)
def _on_the_server(prefect_server: None) -> None:
    return


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("ANTRAGSLOS_HOME", str(tmp_path))
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


@pytest.fixture
def deliver() -> Callable[..., Any]:
    """Runs the flow for one municipality on one day; returns the final state."""
    from flows.deliver_services import DeliverParameters, deliver_services

    def run(day: str, slug: str = "musterstadt") -> Any:
        parameters = DeliverParameters(municipalities=[slug], on=date.fromisoformat(day))
        return deliver_services(parameters, return_state=True)

    return run


@pytest.fixture
def town(home: Path) -> Town:
    return make_town(home, test_mode=True)
