"""A municipality whose letters have gone out."""

import pytest

from tests.replies.letter_box import post_letters
from tests.steps.conftest import Deliver, deliver, home, town
from tests.town import Town

__all__ = ["deliver", "home", "town"]


@pytest.fixture
def letters(town: Town, deliver: Deliver) -> dict[str, str]:
    """code of the decision -> case of the letter that went out."""
    return post_letters(town, deliver)
