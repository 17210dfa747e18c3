"""The one place with a Prefect server: a temporary one for all flow tests."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.testing.utilities import prefect_test_harness

from tasks.settings import settings
from tests.town import Town, make_town


@pytest.fixture(scope="session", autouse=True)
def prefect_server() -> Iterator[None]:
    with (
        prefect_test_harness(server_startup_timeout=120),
        # A flow's heartbeat thread is waited for in steps of a second at its end.
        temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
    ):
        yield


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
