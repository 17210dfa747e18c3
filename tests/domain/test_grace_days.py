"""One day on which things change: when the letter counts as known (VwVfG § 41 Abs. 2)."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from tasks.domain.effect import Effect, EffectKind
from tasks.domain.permits import end, known_on, still_tolerated, switch_back
from tasks.records.effects import change_of, undo
from tasks.services.resident_parking import letter_data
from tests.builders import DAY, TODAY, a_link, a_permit, a_situation, an_act, parking_rules
from tests.services.resident_parking_stories import KNOWN, a_reversal, decided, proposal

LAPSES = {"resolutory_condition": True}


def switched(permits: Any = (), **rules: Any) -> tuple[Effect, ...]:
    links = permits or (a_link(),)
    return decided(a_situation(links=links), **(LAPSES | rules)).effects


def told(links: Any = (), **rules: Any) -> dict[str, str]:
    situation = a_situation(links=links or (a_link(),))
    rules = LAPSES | rules
    return dict(letter_data(situation, decided(situation, **rules), parking_rules(**rules)))


@pytest.mark.parametrize(("days", "last"), [(0, TODAY), (1, TODAY + DAY), (4, KNOWN)])
def test_the_new_permit_is_valid_at_once_and_the_old_one_until_the_letter_is_known(
    days: int, last: date
) -> None:
    (effect,) = switched(grace_days=days)

    change = change_of("k", effect, {"BPA-0001": a_permit()}, lambda number: f"{number}/2")
    old, new = change.after["BPA-0001"], change.after["BPA-0001/2"]
    assert old is not None
    assert new is not None
    assert new.valid_from == TODAY
    assert (old.status, old.valid_until) == ("ended", last)
    assert told(grace_days=days)["old_until"] == last.isoformat()


@pytest.mark.parametrize("until", [KNOWN - DAY, KNOWN, KNOWN + DAY])
def test_no_permit_is_tolerated_for_longer_than_it_was_valid(until: date) -> None:
    (effect,) = switched((a_link(valid_until=until),))

    assert effect.data["old_until"] == min(until, KNOWN).isoformat()


@pytest.mark.parametrize(
    ("starts", "last", "said"),
    [
        (KNOWN - DAY, KNOWN, KNOWN.isoformat()),
        (KNOWN, KNOWN, KNOWN.isoformat()),
        (KNOWN + DAY, KNOWN, ""),
        (KNOWN + 2 * DAY, KNOWN + DAY, ""),
    ],
)
def test_a_permit_that_begins_only_after_the_letter_is_known_is_never_valid(
    starts: date, last: date, said: str
) -> None:
    link = a_link(valid_from=starts)

    (effect,) = switched((link,))

    assert effect.data["old_until"] == last.isoformat()
    assert told((link,))["old_until"] == said


def test_of_a_permit_and_its_renewal_the_letter_says_the_last_day_on_which_one_is_good() -> None:
    first = a_link(valid_until=TODAY + DAY)
    then = a_link(number="BPA-0009", valid_from=TODAY + 2 * DAY)

    assert told((first, then))["old_until"] == KNOWN.isoformat()


def test_without_a_condition_the_old_permit_stays_until_a_clerk_ends_it() -> None:
    decision = decided(a_situation(), grace_days=6)

    assert "old_until" not in decision.effects[0].data
    (ends,) = proposal(decision)
    assert ends.data["valid_until"] == (TODAY + 6 * DAY).isoformat()


# A letter that leaves later

SWITCH = switched()[0]
END = end([a_permit()], KNOWN, 4)[0]
NEW = a_permit(number="BPA-0001/2", zone="A2", valid_from=TODAY)
BACK = switch_back(an_act(effect=SWITCH), TODAY)


@pytest.mark.parametrize(
    ("effect", "names"),
    [(SWITCH, "old_until"), (END, "valid_until last_day"), (BACK, "dropped_until")],
)
@pytest.mark.parametrize("late", [0, 1, 30])
def test_the_last_day_moves_on_by_as_many_days_as_the_letter_is_late(
    effect: Effect, names: str, late: int
) -> None:
    moved = still_tolerated([effect], TODAY + late * DAY)

    assert [(one.kind, one.data["old_until"], one.data["told_as"]) for one in moved] == [
        (EffectKind.TOLERATE, (KNOWN + late * DAY).isoformat(), names)
    ] * bool(late)


def test_it_moves_on_again_and_says_the_same_on_the_same_day() -> None:
    (once,) = still_tolerated([SWITCH], TODAY + DAY)

    assert still_tolerated([SWITCH, once], TODAY + DAY) == ()
    (again,) = still_tolerated([SWITCH, once], TODAY + 3 * DAY)
    assert again.data["old_until_before"] == once.data["old_until"]
    assert again.data["told_as"] == once.data["told_as"]


@pytest.mark.parametrize("effect", [SWITCH, END, BACK])
def test_it_never_moves_beyond_the_day_up_to_which_the_permit_was_valid(effect: Effect) -> None:
    (moved,) = still_tolerated([effect], date(2028, 6, 1))

    assert moved.data["old_until"] == "2028-02-29"
    assert still_tolerated([effect, moved], date(2028, 7, 1)) == ()


# A switch that is taken back


def test_the_permit_of_a_switch_that_is_taken_back_holds_until_that_is_known() -> None:
    switch = change_of("k", SWITCH, {"BPA-0001": a_permit()}, lambda number: f"{number}/2")

    after = undo("u", switch, switch.after, BACK.data["dropped_until"]).after

    old, new = after["BPA-0001"], after["BPA-0001/2"]
    assert old == a_permit()
    assert new is not None
    assert (new.status, new.valid_until) == ("ended", KNOWN)
    assert undo("u", switch, switch.after).after["BPA-0001/2"] is None


@pytest.mark.parametrize(
    ("new", "until"),
    [
        ({"valid_until": KNOWN - DAY}, KNOWN - DAY),
        ({"valid_until": KNOWN + DAY}, KNOWN),
        ({"valid_from": TODAY + DAY}, None),
    ],
)
def test_it_holds_no_longer_than_it_was_granted_for_and_not_before_its_first_day(
    new: dict[str, date], until: date | None
) -> None:
    back = switch_back(an_act(effect=SWITCH, permits=(a_permit(), replace(NEW, **new))), TODAY)

    assert back.data.get("dropped_until") == (until and until.isoformat())


def test_a_late_letter_moves_the_dropped_permit_on_and_not_the_one_that_is_valid_again() -> None:
    assert [one.record for one in still_tolerated([BACK], TODAY + DAY)] == ["BPA-0001/2"]


@pytest.mark.parametrize("was_told", [True, False])
def test_only_whom_a_letter_told_of_the_switch_may_rely_on_it(was_told: bool) -> None:
    situation = a_reversal(acts=(an_act(effect=SWITCH),), told=was_told)

    decision = decided(situation, **LAPSES)

    said = letter_data(situation, decision, parking_rules(**LAPSES))
    assert decision.code == "taken_back"
    assert said["dropped_until"] == (KNOWN.isoformat() if was_told else "")


def test_what_a_resident_gave_up_or_a_death_has_ended_does_not_move_on() -> None:
    (given_up,) = end([a_permit()], TODAY)

    assert still_tolerated([given_up], TODAY + timedelta(9)) == ()


def test_the_day_is_the_fourth_after_the_letters_own() -> None:
    assert known_on(date(2026, 12, 29), 4) == date(2027, 1, 2)
