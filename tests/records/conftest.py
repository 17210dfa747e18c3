"""What tests of a permit register begin with."""

import pytest


@pytest.fixture(scope="session")
def postgres_template() -> str:
    """A register makes its tables itself: the database is really empty."""
    return "template1"
