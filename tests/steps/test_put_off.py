"""The day of a move is put right to one that lies ahead, after the switch was carried out."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from tasks.domain.statements import Taking
from tests.builders import stated
from tests.steps.races import NEW, OLD, WOJCIK, left, news
from tests.steps.test_true_letters import DAY, a_town, moves, status
from tests.town import Town

LATER = date(2027, 2, 1)
PUT_OFF = replace(WOJCIK, dwellings=(replace(NEW, moved_in=LATER), left(OLD, LATER)))
NEXT_DAY = DAY + timedelta(days=1)
MOVE, BACK, AGAIN = "E0002-0001", "E0003-0001*", "E0003-0001"


def corrected(town: Town, code: str = "314") -> None:
    town.send(news(code, PUT_OFF))
    town.run_day(NEXT_DAY)


def zones(town: Town) -> dict[str, str]:
    """Zone of each permit that has not been ended."""
    found = town.permits("BPA-0002", *(f"BPA-0002/{i}" for i in range(2, 5)))
    return {p.number: p.zone for p in found.values() if p.status == "active"}


@pytest.mark.parametrize("code", ["314", "390", "302"])
def test_the_old_permit_is_given_back_until_then_and_switched_on_the_day(
    home: Path, code: str
) -> None:
    town = a_town(home)
    moves(town)
    assert zones(town) == {"BPA-0002/2": "A2"}

    corrected(town, code)
    assert zones(town) == {"BPA-0002": "A3"}
    assert town.cases() == {
        MOVE: ("undone", "taken_back"),
        BACK: ("sent", "taken_back"),
        AGAIN: ("open", "future_move"),
    }
    told = town.letters()[-1]
    assert "Wollenweberstraße 44" in told.addressee
    assert "Zone A3" in told.subject

    town.run_day(LATER - timedelta(days=1))
    assert zones(town) == {"BPA-0002": "A3"}
    town.run_day(LATER)
    assert zones(town) == {"BPA-0002/3": "A2"}
    assert town.cases()[AGAIN] == ("sent", "zone_switched")


def test_without_a_condition_a_clerk_takes_it_back(home: Path) -> None:
    town = a_town(home, resolutory_condition=False)
    moves(town)
    corrected(town)

    asked = town.question(BACK)
    assert asked.code == "reversal_after_effect"
    assert [choice.name for choice in asked.choices] == ["undo", "by_hand"]
    assert town.question(AGAIN).code == "open_clerk_case"

    said = stated(Taking.WITHDRAWS, unlawful="Der Umzug liegt noch vor Ihnen.")
    assert town.answer(BACK, "undo", NEXT_DAY, stated=said) == "valid"
    town.run_day(NEXT_DAY)
    assert zones(town) == {"BPA-0002": "A3"}
    assert town.cases()[AGAIN] == ("open", "future_move")


def test_a_letter_that_has_not_left_never_does(home: Path) -> None:
    town = a_town(home)
    moves(town, until="render")
    corrected(town)

    assert zones(town) == {"BPA-0002": "A3"}
    assert status(town) == [("stopped", "undone")]


def test_what_was_not_carried_out_yet_waits_for_the_day(home: Path) -> None:
    town = a_town(home)
    moves(town, until="link")
    corrected(town)

    assert zones(town) == {"BPA-0002": "A3"}
    assert town.cases() == {
        MOVE: ("suppressed", "reversed"),
        BACK: ("declined", "reversal_before_effect"),
        AGAIN: ("open", "future_move"),
    }
    town.run_day(LATER)
    assert zones(town) == {"BPA-0002/2": "A2"}


def test_a_move_that_is_put_off_and_then_never_happens_leaves_the_old_permit(home: Path) -> None:
    town = a_town(home)
    moves(town)
    corrected(town)
    town.send(news("390", WOJCIK))
    town.run_day(NEXT_DAY + timedelta(days=1))
    town.run_day(LATER)

    assert zones(town) == {"BPA-0002": "A3"}
    assert town.questions() == []
