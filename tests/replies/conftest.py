"""A municipality whose letters have gone out."""

from pathlib import Path

import pytest

from tests.replies.letter_box import posted
from tests.steps.conftest import deliver, home
from tests.town import Town, worked_town

__all__ = ["deliver", "home"]


@pytest.fixture
def town(home: Path) -> Town:
    return worked_town(home, settling_days=0)


@pytest.fixture
def letters(town: Town) -> dict[str, str]:
    """code of the decision -> case of the letter that went out."""
    return posted(town)
