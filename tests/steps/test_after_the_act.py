"""What comes after the act, and in which words it is told: oddities that nobody had named."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tasks.domain.person import DwellingStatus, Person
from tasks.domain.reply import ReplyKind, Scope
from tests.steps.races import (
    NEW,
    NEXT_DOOR,
    OLD,
    THIRD,
    WOJCIK,
    a_home,
    by_hand,
    left,
    news,
)
from tests.steps.test_put_off import AGAIN, BACK, LATER, MOVE, NEXT_DAY, corrected, zones
from tests.steps.test_true_letters import DAY, a_town, moves
from tests.town import Town

DAY_AFTER = NEXT_DAY + timedelta(days=1)


def last(town: Town) -> str:
    """The words of the letter written last."""
    return town.letters()[-1].text.replace("\u00a0", " ")


def moved_in(home: Any, day: date, **fields: Any) -> Person:
    return replace(WOJCIK, dwellings=(replace(home, moved_in=day), left(OLD, day)), **fields)


def test_a_house_put_right_after_the_switch_is_followed_and_nobody_has_moved(home: Path) -> None:
    town = a_town(home)
    moves(town)
    right = replace(THIRD, moved_in=NEW.moved_in)  # the same stay, another house: zone A1
    town.send(news("314", replace(WOJCIK, dwellings=(right, left(OLD, NEW.moved_in)))))
    town.run_day(NEXT_DAY)

    assert set(zones(town).values()) == {"A1"}
    assert "Zone A1" in last(town)
    assert "gezogen" not in last(town)


def test_a_house_put_right_within_the_zone_of_old_is_given_for_the_old_zone(home: Path) -> None:
    town = a_town(home)
    moves(town)
    right = replace(NEXT_DOOR, moved_in=NEW.moved_in)  # zone A3, where the first permit was for
    town.send(news("314", replace(WOJCIK, dwellings=(right, left(OLD, NEW.moved_in)))))
    town.run_day(NEXT_DAY)

    assert set(zones(town).values()) == {"A3"}


def test_a_move_put_off_by_a_record_that_knows_no_other_home_is_a_clerks(home: Path) -> None:
    bare = replace(WOJCIK, dwellings=(NEW,))
    town = a_town(home)
    moves(town, news("302", bare))
    town.send(news("314", replace(WOJCIK, dwellings=(replace(NEW, moved_in=LATER),))))
    town.run_day(NEXT_DAY)

    assert town.question(BACK).code == "permit_zone_conflict"
    assert zones(town) == {"BPA-0002/2": "A2"}


@pytest.mark.parametrize("ahead", [0, 1])
def test_a_move_put_off_to_the_next_day_is_taken_back_for_that_day(home: Path, ahead: int) -> None:
    town = a_town(home)
    moves(town)
    town.send(news("314", moved_in(NEW, NEXT_DAY + timedelta(days=ahead))))
    town.run_day(NEXT_DAY)
    assert set(zones(town).values()) == ({"A3"} if ahead else {"A2"})

    town.run_day(DAY_AFTER)
    assert set(zones(town).values()) == {"A2"}


def test_a_move_put_off_twice_is_carried_out_on_the_last_day_named(home: Path) -> None:
    town = a_town(home)
    moves(town)
    corrected(town)
    town.send(news("390", moved_in(NEW, LATER + timedelta(days=7))))
    town.run_day(DAY_AFTER)
    town.run_day(LATER)
    assert set(zones(town).values()) == {"A3"}

    town.run_day(LATER + timedelta(days=7))
    assert set(zones(town).values()) == {"A2"}
    assert town.questions() == []


def test_a_permit_changed_by_hand_is_put_back_by_no_machine_when_the_move_is_put_off(
    home: Path,
) -> None:
    town = a_town(home)
    moves(town)
    by_hand(town, "BPA-0002/2", plate="ZZ-XY 9")
    corrected(town)

    assert town.question(BACK).code == "record_changed"
    assert zones(town) == {"BPA-0002/2": "A2"}


def test_whoever_gave_the_permit_up_gets_none_back_when_the_move_is_put_off(home: Path) -> None:
    town = a_town(home)
    moves(town)
    town.reply(MOVE, ReplyKind.DEREGISTER, Scope.CASE, DAY)
    town.run_day(DAY)
    corrected(town)
    town.run_day(LATER)

    assert zones(town) == {}
    assert town.cases()[BACK] == ("declined", "undone_already")
    assert town.cases()[AGAIN][0] == "declined"


def test_homes_that_change_places_are_no_move(home: Path) -> None:
    main, second = DwellingStatus.MAIN, DwellingStatus.SECONDARY
    since = date(2020, 5, 1)
    there = replace(NEW, moved_in=since, registered=since)
    before = replace(WOJCIK, dwellings=(replace(OLD, status=main), replace(there, status=second)))
    after = replace(WOJCIK, dwellings=(replace(there, status=main), replace(OLD, status=second)))
    town = a_town(home, before)

    moves(town, news("323", after))

    assert set(zones(town).values()) == {"A2"}
    assert "Die Wohnung, nach der sich Ihr Ausweis richtet" in last(town)
    assert "gezogen" not in last(town)


@pytest.mark.parametrize(("days", "soon"), [(1, True), (42, True), (43, False)])
def test_whoever_moves_shortly_before_the_permit_ends_reads_what_to_do(
    home: Path, days: int, soon: bool
) -> None:
    town = a_town(home)
    by_hand(town, "BPA-0002", valid_until=DAY + timedelta(days=days))

    moves(town)

    assert ("Ihr Ausweis endet bald" in last(town)) is soon
    assert ("nichts tun" in town.letters()[-1].subject) is not soon


def test_of_two_replies_to_one_letter_the_second_is_not_undone_again(home: Path) -> None:
    town = a_town(home)
    moves(town)
    town.reply(MOVE, ReplyKind.WRONG, Scope.CASE, DAY, "Nie umgezogen.")
    town.reply(MOVE, ReplyKind.OBJECT, Scope.CASE, DAY, "Widerspruch folgt.")
    town.run_day(DAY)
    first, second = town.questions()
    offered = [{choice.name for choice in one.choices} for one in (first, second)]
    assert all("undo" in names for names in offered)

    assert town.answer_case(first.case, "undo", DAY) == "valid"
    town.run_day(DAY)

    (open_still,) = town.questions()
    assert (open_still.case, open_still.code) == (second.case, "reply_crosses_undo")
    assert "undo" not in {choice.name for choice in open_still.choices}
    assert zones(town) == {"BPA-0002": "A3"}


def test_a_departure_put_off_after_a_clerk_has_ended_the_permit_is_looked_at(home: Path) -> None:
    away = a_home("Hauptstraße", "1", DAY.isoformat())
    away = replace(away, address=replace(away.address, ags="14713000", town="Anderswo"))
    town = a_town(home)
    moves(town, news("202", replace(WOJCIK, dwellings=(away, left(OLD, DAY)))))
    assert town.answer(MOVE, "end", DAY) == "valid"
    town.run_day(DAY)
    assert zones(town) == {}

    later = replace(away, moved_in=LATER)
    town.send(news("314", replace(WOJCIK, dwellings=(later, left(OLD, LATER)))))
    town.run_day(NEXT_DAY)

    asked = town.question(BACK)
    assert (asked.code, asked.choices[0].name) == ("reversal_after_effect", "undo")
    assert town.answer(BACK, "undo", NEXT_DAY) == "valid"
    town.run_day(NEXT_DAY)
    assert zones(town) == {"BPA-0002": "A3"}
    assert "Die Meldebehörde hat den Tag berichtigt" in last(town)
