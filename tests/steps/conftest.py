"""A municipality and its days, without a Prefect server."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tasks.settings import settings
from tasks.stage import Counts
from tests.town import Town, make_town

Deliver = Callable[..., Counts]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ANTRAGSLOS_HOME", str(tmp_path))
    monkeypatch.setenv("ANTRAGSLOS_STEADY_SECONDS", "0")  # what is cut short is refused at once
    settings.cache_clear()
    return tmp_path


@pytest.fixture
def town(home: Path) -> Town:
    """Nothing waits for a settling time, and letters really go to the spool."""
    return make_town(home, settling_days=0)


@pytest.fixture
def deliver() -> Deliver:
    """Puts deliveries into the inbox and plays the whole day; returns all counts."""

    return partial(Town.run_day, strict=True)
