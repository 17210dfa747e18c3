"""Who has a letter in hand may give up their own permit, and never what is another's by now."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.domain.person import PersonKey
from tasks.domain.races import Stand
from tasks.domain.reply import ReplyKind, Scope
from tests.steps.races import (
    AGS,
    BRING,
    KEY,
    MOVE_EVENT,
    NEXT,
    SETTLED,
    a_town,
    by_hand,
    case_of,
    permits,
)
from tests.town import Town, copied
from tests.town import living_in as living

ANOTHER = PersonKey(AGS, "000000099999")


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("whose")
    with living(home) as town:
        a_town(home)
        BRING[Stand.SENT](town)
    return home


@pytest.fixture
def town(base: Path, tmp_path: Path) -> Iterator[Town]:
    with living(copied(base, tmp_path / "home")) as town:
        yield town


@pytest.mark.parametrize(
    ("key", "status", "code"),
    [
        (KEY, "ended", "deregistered"),
        (None, "ended", "deregistered"),
        (ANOTHER, "active", "nothing_to_end"),
    ],
)
def test_an_old_letter_ends_no_permit_that_was_given_to_another_holder(
    town: Town, key: PersonKey | None, status: str, code: str
) -> None:
    by_hand(town, NEXT, key=key)

    town.reply(MOVE_EVENT, ReplyKind.DEREGISTER, Scope.CASE, SETTLED)
    town.run_replies(SETTLED)

    assert permits(town)[NEXT].status == status
    assert case_of(town, cause="reply:").code == code


def test_a_clerk_is_not_offered_to_take_back_what_is_anothers_by_now(town: Town) -> None:
    by_hand(town, NEXT, key=ANOTHER)

    town.reply(MOVE_EVENT, ReplyKind.WRONG, Scope.CASE, SETTLED, "Nie umgezogen")
    town.run_replies(SETTLED)

    (asked,) = [one for one in town.questions() if one.code == "resident_says_wrong"]
    assert [choice.name for choice in asked.choices] == ["stands", "by_hand"]
