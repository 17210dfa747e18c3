"""The registry changes its mind, and others are quicker or slower: stories of one resident.

Every combination stands in tasks/domain/races.py; these are the ones that people ask about.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from tasks.domain.races import Stand
from tasks.domain.reply import ReplyKind, Scope
from tasks.errors import ReplyRefused
from tasks.state.database import open_database
from tests.steps.races import (
    AHEAD,
    ARRIVED,
    BRING,
    MOVE_EVENT,
    NAME_EVENT,
    NEW,
    NEW_KEY,
    NEXT,
    PERMIT,
    RACE_EVENT,
    SETTLED,
    a_town,
    by_hand,
    case_of,
    deletion,
    died,
    key_changed,
    locked,
    look,
    moved_on,
    moved_to,
    news,
    now,
    permits,
    questions,
    reversed_move,
    set_profile,
)
from tests.town import Town, copied
from tests.town import living_in as living

DAY = timedelta(days=1)
NEXT_DAY = SETTLED + DAY


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("reversals")
    with living(home):
        a_town(home)
    return home


@pytest.fixture
def town(base: Path, tmp_path: Path) -> Iterator[Town]:
    with living(copied(base, tmp_path / "home")) as town:
        yield town


@pytest.fixture
def any_town(tmp_path: Path, database_url: str, permits_url: str) -> Iterator[Town]:
    """State and permits in the same kind of database."""
    home = tmp_path / "home"
    home.mkdir()
    state = "" if database_url.startswith("sqlite") else database_url
    open_database.cache_clear()  # the PostgreSQL of the test before was swept
    with living(home, database_url=state) as town:
        a_town(home, database_url=state, permits_url=permits_url)
        yield town


def zones(town: Town) -> list[str]:
    return [permit.zone for permit in permits(town).values() if permit.status == "active"]


def state(town: Town, event: str = MOVE_EVENT, cause: str = "") -> tuple[str, str]:
    case = case_of(town, event, cause)
    return case.status, case.code


def told(town: Town) -> list[str]:
    """Street lines of all letters that left, the one about the name first."""
    return [row.addressee.split("\n")[1] for row in town.letters() if row.status == "handed_over"]


def choices(town: Town, code: str) -> list[str]:
    (asked,) = [asked for asked in town.questions() if asked.code == code]
    return [choice.name for choice in asked.choices]


OLD_HOME, NEW_HOME, THIRD_HOME = (
    "Wollenweberstraße 44",
    "Kröpeliner Straße 40",
    "Große Mönchenstraße 3",
)


def test_a_reversal_undoes_a_switched_permit_and_tells_the_resident_where_he_lives(
    any_town: Town,
) -> None:
    BRING[Stand.SENT](any_town)
    assert zones(any_town) == ["A2"]

    any_town.send(reversed_move(any_town))
    any_town.run_day(NEXT_DAY)

    assert zones(any_town) == ["A3"]
    assert permits(any_town)[PERMIT].status == "active"
    assert state(any_town) == ("undone", "taken_back")
    assert told(any_town) == [OLD_HOME, NEW_HOME, OLD_HOME]
    assert PERMIT in any_town.letters()[-1].text
    assert any_town.run_day(NEXT_DAY) == {}


@pytest.mark.parametrize(
    ("day", "move", "letters_left"),
    [
        (SETTLED - DAY, ("suppressed", "reversed"), 1),
        (SETTLED, ("suppressed", "reversed"), 1),
        (SETTLED + DAY, ("undone", "taken_back"), 3),
    ],
)
def test_a_correction_within_the_settling_time_costs_no_letter(
    town: Town, day: date, move: tuple[str, str], letters_left: int
) -> None:
    BRING[Stand.GRANTED](town)
    if day > SETTLED:
        town.run_day(SETTLED)
    town.send(reversed_move(town))
    town.run_day(day)
    town.run_day(SETTLED + 2 * DAY)

    assert state(town) == move
    assert zones(town) == ["A3"]
    assert len(told(town)) == letters_left


@pytest.mark.parametrize(
    ("day", "move", "letters_left"),
    [
        (AHEAD - DAY, ("suppressed", "reversed"), 1),
        (AHEAD, ("suppressed", "reversed"), 1),
        (AHEAD + DAY, ("undone", "taken_back"), 3),
    ],
)
def test_a_move_that_lies_ahead_can_be_taken_back_until_its_day(
    town: Town, day: date, move: tuple[str, str], letters_left: int
) -> None:
    BRING[Stand.OPEN](town)
    if day > AHEAD:
        town.run_day(AHEAD)
    town.send(reversed_move(town))
    town.run_day(day)
    town.run_day(AHEAD + 2 * DAY)

    assert state(town) == move
    assert zones(town) == ["A3"]
    assert len(told(town)) == letters_left


@pytest.mark.parametrize(
    ("day", "home"), [(AHEAD - DAY, OLD_HOME), (AHEAD, NEW_HOME), (AHEAD + DAY, NEW_HOME)]
)
def test_a_letter_reaches_the_resident_where_he_still_lives(
    town: Town, day: date, home: str
) -> None:
    BRING[Stand.OPEN](town)
    town.reply(NAME_EVENT, ReplyKind.OPT_OUT, Scope.SERVICE, day)
    town.run_replies(day)

    assert told(town) == [OLD_HOME, home]


def test_a_second_move_before_the_first_letter_left_is_carried_out_and_told_alone(
    any_town: Town,
) -> None:
    BRING[Stand.LETTERED](any_town)
    any_town.send(moved_on(any_town))
    any_town.run_day(NEXT_DAY)
    assert state(any_town) == ("needs_review", "superseded")
    assert choices(any_town, "superseded") == ["letter:keep"]  # it would only be stopped again

    any_town.run_day(NEXT_DAY + 2 * DAY)

    assert zones(any_town) == ["A1"]
    assert told(any_town) == [OLD_HOME, THIRD_HOME]
    assert any_town.answer(MOVE_EVENT, "letter:keep", NEXT_DAY) == "valid"
    assert state(any_town)[0] == "closed"
    assert questions(any_town) == {}


def test_two_moves_are_taken_back_one_after_the_other(town: Town) -> None:
    BRING[Stand.SENT](town)
    first = now(town)
    town.send(moved_on(town))
    town.run_day(NEXT_DAY)
    town.run_day(NEXT_DAY + 2 * DAY)
    assert zones(town) == ["A1"]

    town.send(news("390", first))
    town.run_day(NEXT_DAY + 3 * DAY)
    assert zones(town) == ["A2"]
    town.send(reversed_move(town))
    town.run_day(NEXT_DAY + 4 * DAY)

    assert zones(town) == ["A3"]
    assert told(town) == [OLD_HOME, NEW_HOME, THIRD_HOME, NEW_HOME, OLD_HOME]


def test_two_moves_taken_back_at_once_are_a_clerks(town: Town) -> None:
    BRING[Stand.SENT](town)
    town.send(moved_on(town))
    town.run_day(NEXT_DAY)
    town.run_day(NEXT_DAY + 2 * DAY)

    town.send(reversed_move(town))
    town.run_day(NEXT_DAY + 3 * DAY)

    assert zones(town) == ["A1"]
    assert set(questions(town).values()) == {"permit_zone_conflict"}


def test_what_was_given_up_before_the_reversal_came_stays_given_up(any_town: Town) -> None:
    BRING[Stand.SENT](any_town)
    any_town.reply(MOVE_EVENT, ReplyKind.DEREGISTER, Scope.CASE, NEXT_DAY)
    any_town.send(reversed_move(any_town))
    any_town.run_day(NEXT_DAY)

    assert zones(any_town) == []
    assert state(any_town) == ("undone", "deregistered")
    assert state(any_town, RACE_EVENT) == ("declined", "undone_already")
    # The confirmation goes to where he lives by now.
    assert told(any_town) == [OLD_HOME, NEW_HOME, OLD_HOME]


def test_after_the_reversal_the_letter_offers_nothing_to_give_up(town: Town) -> None:
    BRING[Stand.SENT](town)
    town.send(reversed_move(town))
    town.run_day(NEXT_DAY)

    with pytest.raises(ReplyRefused, match=r"reply\.not_offered"):
        town.reply(MOVE_EVENT, ReplyKind.DEREGISTER, Scope.CASE, NEXT_DAY)
    assert zones(town) == ["A3"]


def test_a_reply_on_its_way_when_the_reversal_is_carried_out_is_a_clerks(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    BRING[Stand.SENT](town)
    town.reply(MOVE_EVENT, ReplyKind.DEREGISTER, Scope.CASE, NEXT_DAY)
    town.send(reversed_move(town))
    with monkeypatch.context() as patch:  # recorded just after the run has looked for replies
        patch.setattr("flows._pipeline.recorded", lambda _: [])
        town.run_day(NEXT_DAY)
    assert zones(town) == ["A3"]

    town.run_replies(NEXT_DAY)

    assert zones(town) == ["A3"]
    assert state(town, cause="reply:") == ("needs_review", "reply_crosses_undo")


def test_what_a_clerk_has_taken_back_the_registry_takes_back_in_vain(town: Town) -> None:
    BRING[Stand.SENT](town)
    town.reply(MOVE_EVENT, ReplyKind.WRONG, Scope.CASE, NEXT_DAY, "Ich bin nie umgezogen.")
    town.run_replies(NEXT_DAY)
    follow_up = case_of(town, cause="reply:")
    assert town.answer_case(follow_up.id, "undo", NEXT_DAY) == "valid"
    town.run_replies(NEXT_DAY)
    assert zones(town) == ["A3"]

    town.send(reversed_move(town))
    town.run_day(NEXT_DAY + DAY)

    assert state(town, RACE_EVENT) == ("declined", "undone_already")
    assert zones(town) == ["A3"]
    assert len(told(town)) == 3


def test_a_doubt_that_waits_for_a_clerk_keeps_the_machine_out_of_a_reversal(town: Town) -> None:
    BRING[Stand.SENT](town)
    town.reply(MOVE_EVENT, ReplyKind.WRONG, Scope.CASE, NEXT_DAY, "Ich bin nie umgezogen.")
    town.run_replies(NEXT_DAY)
    town.send(reversed_move(town))
    town.run_day(NEXT_DAY + DAY)
    assert zones(town) == ["A2"]
    assert state(town, RACE_EVENT) == ("needs_review", "open_clerk_case")

    assert town.answer_case(case_of(town, cause="reply:").id, "undo", NEXT_DAY) == "valid"
    town.run_day(NEXT_DAY + 2 * DAY)

    assert zones(town) == ["A3"]
    assert state(town, RACE_EVENT) == ("declined", "undone_already")
    assert questions(town) == {}


def test_a_lock_between_act_and_letter_is_a_clerks(any_town: Town) -> None:
    BRING[Stand.ACTED](any_town)
    any_town.send(locked(any_town))
    any_town.run_day(NEXT_DAY)

    assert zones(any_town) == ["A2"]
    assert state(any_town) == ("needs_review", "address_locked")
    assert told(any_town) == [OLD_HOME]


def test_a_locked_resident_is_not_even_told_of_an_undo_by_machine(town: Town) -> None:
    BRING[Stand.SENT](town)
    town.send(locked(town))
    town.run_day(NEXT_DAY)
    town.send(reversed_move(town))
    town.run_day(NEXT_DAY + DAY)

    assert zones(town) == ["A2"]
    assert state(town, "E0005-0001") == ("needs_review", "address_locked")
    assert told(town) == [OLD_HOME, NEW_HOME]


def test_who_was_dead_by_mistake_is_a_clerks_and_nobody_is_asked_about_the_death(
    town: Town,
) -> None:
    BRING[Stand.GRANTED](town)
    alive = now(town)
    town.send(died(town))
    town.run_day(ARRIVED + DAY)
    assert set(questions(town).values()) == {"holder_died"}

    town.send(news("33", alive))
    town.run_day(SETTLED)

    # The move came to nothing by it: first a clerk hears of that.
    assert set(questions(town).values()) == {"permit_zone_conflict"}
    assert state(town, RACE_EVENT) == ("suppressed", "reversed")
    assert zones(town) == ["A3"]

    assert town.answer("E0005-0001", "go_on", SETTLED) == "valid"
    town.run_day(SETTLED)
    assert town.question("E0005-0001").code == "death_reversed"
    assert town.answer("E0005-0001", "serve_again", SETTLED) == "valid"
    town.run_day(SETTLED)
    assert town.cases()["E0005-0001"] == ("declined", "served_again")


def test_a_death_between_act_and_letter_ends_the_case_without_a_letter(any_town: Town) -> None:
    BRING[Stand.ACTED](any_town)
    any_town.send(died(any_town))
    any_town.run_day(NEXT_DAY)

    assert state(any_town) == ("closed", "holder_died")
    assert set(questions(any_town).values()) == {"holder_died"}
    assert told(any_town) == [OLD_HOME]


def test_a_cancelled_person_who_is_back_leaves_no_question_behind(town: Town) -> None:
    BRING[Stand.SENT](town)
    person = now(town)
    town.send(deletion())
    town.run_day(NEXT_DAY)
    assert set(questions(town).values()) == {"holder_vanished"}

    town.send(news("41", person))
    town.run_day(NEXT_DAY + DAY)

    assert questions(town) == {}
    assert zones(town) == ["A2"]


def test_a_permit_changed_by_hand_before_the_act_is_not_overwritten(any_town: Town) -> None:
    BRING[Stand.GRANTED](any_town)
    by_hand(any_town, zone="W1")
    any_town.run_day(SETTLED)

    assert zones(any_town) == ["W1"]
    assert state(any_town) == ("needs_review", "permit_zone_conflict")


def test_a_permit_changed_by_hand_before_the_letter_left_stops_it(any_town: Town) -> None:
    BRING[Stand.LETTERED](any_town)
    by_hand(any_town, NEXT, zone="W1")
    any_town.run_day(SETTLED)

    assert state(any_town) == ("needs_review", "record_changed")
    assert told(any_town) == [OLD_HOME]

    by_hand(any_town, NEXT, zone="A2")  # put right again: now the letter is true
    assert any_town.answer(MOVE_EVENT, "letter:send", NEXT_DAY) == "valid"
    any_town.run_day(NEXT_DAY)
    assert told(any_town) == [OLD_HOME, NEW_HOME]


def test_a_permit_changed_by_hand_before_the_reversal_is_not_overwritten(town: Town) -> None:
    BRING[Stand.SENT](town)
    by_hand(town, NEXT, zone="W1")
    town.send(reversed_move(town))
    town.run_day(NEXT_DAY)

    assert zones(town) == ["W1"]
    assert state(town, RACE_EVENT) == ("needs_review", "record_changed")
    assert told(town) == [OLD_HOME, NEW_HOME]


def test_a_new_registry_key_is_entered_by_a_clerk_and_the_service_goes_on(town: Town) -> None:
    BRING[Stand.SENT](town)
    town.send(key_changed(town))
    town.run_day(NEXT_DAY)
    # Both permits carry the key from before; only one of them is valid.
    theirs, *others = choices(town, "holder_uncertain")
    assert not [name for name in others if name.startswith("link:")]

    case = case_of(town, RACE_EVENT)
    assert town.answer_case(case.id, theirs, NEXT_DAY) == "valid"
    town.run_replies(NEXT_DAY)
    assert set(questions(town).values()) == {"key_changed"}
    by_hand(town, NEXT, key=NEW_KEY)
    assert town.answer_case(case.id, "by_hand", NEXT_DAY) == "valid"
    town.run_replies(NEXT_DAY)
    moved = moved_on(town).person
    assert moved is not None
    town.send(news("302", replace(moved, key=NEW_KEY)))
    town.run_day(NEXT_DAY + DAY)
    town.run_day(NEXT_DAY + 3 * DAY)

    assert zones(town) == ["A1"]
    assert questions(town) == {}


def test_a_clerks_answer_never_overrules_a_reversal_of_the_same_night(any_town: Town) -> None:
    BRING[Stand.NEEDS_REVIEW](any_town)
    assert any_town.answer(MOVE_EVENT, "go_on", ARRIVED) == "valid"
    any_town.send(reversed_move(any_town))
    any_town.run_day(ARRIVED + DAY)

    assert state(any_town) == ("suppressed", "reversed")
    assert zones(any_town) == ["A3"]
    assert questions(any_town) == {}


def test_who_has_opted_out_is_put_right_all_the_same(town: Town) -> None:
    BRING[Stand.SENT](town)
    town.reply(MOVE_EVENT, ReplyKind.OPT_OUT, Scope.SERVICE, NEXT_DAY)
    town.run_replies(NEXT_DAY)
    town.send(reversed_move(town))
    town.run_day(NEXT_DAY + DAY)

    assert zones(town) == ["A3"]
    assert state(town) == ("undone", "taken_back")
    assert told(town)[-1] == OLD_HOME


def test_of_a_doubt_and_a_deregistration_the_resident_s_own_right_goes_first(
    any_town: Town,
) -> None:
    BRING[Stand.SENT](any_town)
    any_town.reply(MOVE_EVENT, ReplyKind.WRONG, Scope.CASE, NEXT_DAY, "Ich bin nie umgezogen.")
    any_town.reply(MOVE_EVENT, ReplyKind.DEREGISTER, Scope.CASE, NEXT_DAY)
    any_town.run_replies(NEXT_DAY)

    assert zones(any_town) == []
    assert state(any_town) == ("undone", "deregistered")
    assert set(questions(any_town).values()) == {"reply_crosses_undo"}
    before = look(any_town)
    assert any_town.run_day(NEXT_DAY) == {}
    assert look(any_town) == before


def test_the_code_of_an_earlier_letter_gives_up_the_permit_that_holds_now(town: Town) -> None:
    BRING[Stand.SENT](town)
    town.reply(NAME_EVENT, ReplyKind.DEREGISTER, Scope.CASE, NEXT_DAY)
    town.run_replies(NEXT_DAY)

    assert zones(town) == []
    assert state(town, NAME_EVENT, "reply:") == ("sent", "deregistered")


def test_a_reversal_waits_for_a_service_that_is_switched_off(town: Town) -> None:
    BRING[Stand.SENT](town)
    set_profile(town, "enabled = true", "enabled = false")
    town.send(reversed_move(town))
    town.run_day(NEXT_DAY)
    assert state(town, RACE_EVENT) == ("open", "")

    set_profile(town, "enabled = false", "enabled = true")
    town.run_day(NEXT_DAY + DAY)

    assert zones(town) == ["A3"]
    assert state(town) == ("undone", "taken_back")


LAST = SETTLED + timedelta(days=365)  # of the letter's code


@pytest.mark.parametrize(("day", "open_"), [(LAST - DAY, True), (LAST, True), (LAST + DAY, False)])
def test_a_letters_code_opens_the_page_until_its_last_day(
    town: Town, day: date, open_: bool
) -> None:
    BRING[Stand.SENT](town)

    def give() -> None:
        town.reply(MOVE_EVENT, ReplyKind.DEREGISTER, Scope.CASE, day)

    if open_:
        give()
        town.run_replies(day)
        assert zones(town) == []
    else:
        with pytest.raises(ReplyRefused, match=r"reply\.expired"):
            give()


def test_a_move_that_is_taken_back_and_reported_again_is_carried_out_anew(town: Town) -> None:
    BRING[Stand.SENT](town)
    town.send(reversed_move(town))
    town.run_day(NEXT_DAY)
    town.send(news("302", moved_to(NEW)))
    town.run_day(NEXT_DAY + DAY)
    town.run_day(NEXT_DAY + 3 * DAY)

    assert zones(town) == ["A2"]
    assert told(town) == [OLD_HOME, NEW_HOME, OLD_HOME, NEW_HOME]
