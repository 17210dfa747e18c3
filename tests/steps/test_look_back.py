"""Changes that came before a service was on: counted, and offered to it as far as it looks back."""

import re
from datetime import date, timedelta

import pytest

from tasks.domain.delta import DeltaKind
from tasks.domain.person import PartialDate
from tasks.look_back import not_looked_at
from tasks.state.database import writing
from tasks.state.starts import offer_again
from tests.builders import MOVED, a_dwelling, a_name, a_new_dwelling, a_person
from tests.delivery_writer import BASELINE, Sent
from tests.town import Town

MONDAY = date(2026, 11, 23)
DAY = timedelta(days=1)
ANTJE = a_person()
LEFT = a_dwelling(current=False, moved_out=PartialDate(2026, 11, 15))
MOVE = Sent("", BASELINE, "302", a_person(a_new_dwelling(), LEFT))
AGAIN = Sent(
    "",
    BASELINE,
    "302",
    a_person(
        a_new_dwelling("Große Wasserstraße", "3", moved_in=MOVED + DAY),
        a_new_dwelling(current=False, moved_out=PartialDate(2026, 11, 16)),
        LEFT,
    ),
)


def profile(town: Town, **keys: object) -> None:
    path = town.folder / "profile.toml"
    text = path.read_text(encoding="utf-8")
    for key, value in keys.items():
        text = re.sub(rf"(?m)^{key} = .*\n", "", text)
        text = text.replace(
            "[services.resident_parking]\n",
            f"[services.resident_parking]\n{key} = {str(value).lower()}\n",
        )
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def quiet(town: Town) -> Town:
    """No service is on. The first delivery is from Monday, the move from Tuesday."""
    profile(town, enabled=False)
    town.send(Sent("", BASELINE, "101", ANTJE), kind="full")
    town.run_day(MONDAY)
    town.send(MOVE)
    town.run_day(MONDAY + DAY)
    return town


def test_what_comes_while_no_service_is_on_is_counted(quiet: Town) -> None:
    assert not quiet.cases()
    assert not_looked_at(quiet.opened) == 1


def test_a_service_switched_on_looks_at_what_comes_from_then_on(quiet: Town) -> None:
    profile(quiet, enabled=True)

    counts = quiet.run_day(MONDAY + DAY)

    assert (counts["offered"], counts["passed_over"]) == (0, 1)
    assert not quiet.cases()
    assert not quiet.run_day(MONDAY + 2 * DAY), "said once"
    assert not_looked_at(quiet.opened) == 0


@pytest.mark.parametrize(("days", "offered"), [(0, 0), (3, 0), (4, 1), (5, 1)])
def test_a_service_looks_back_for_as_many_days_as_the_profile_says(
    quiet: Town, days: int, offered: int
) -> None:
    """It is switched on on Saturday; the move came on Tuesday."""
    profile(quiet, enabled=True, look_back_days=days)

    quiet.run_day(MONDAY + 5 * DAY)

    cases = {"E0002-0001": ("sent", "zone_switched")} if offered else {}
    assert quiet.cases() == cases


def test_nobody_is_served_twice_however_often_it_is_switched(quiet: Town) -> None:
    profile(quiet, enabled=True, look_back_days=30)
    quiet.run_day(MONDAY + 2 * DAY)
    profile(quiet, enabled=False)
    quiet.run_day(MONDAY + 3 * DAY)
    profile(quiet, enabled=True, look_back_days=60)

    counts = quiet.run_day(MONDAY + 4 * DAY)

    assert (counts["offered"], counts["cases"]) == (0, 0)
    assert len(quiet.letters()) == 1


def test_it_may_be_told_later_to_look_back_further(quiet: Town) -> None:
    profile(quiet, enabled=True)
    quiet.run_day(MONDAY + 2 * DAY)
    profile(quiet, look_back_days=30)

    assert quiet.run_day(MONDAY + 9 * DAY)["offered"] == 1
    assert quiet.cases() == {"E0002-0001": ("sent", "zone_switched")}


def test_what_was_overtaken_meanwhile_is_not_carried_out(quiet: Town) -> None:
    quiet.send(AGAIN)
    quiet.run_day(MONDAY + 2 * DAY)
    profile(quiet, enabled=True, look_back_days=30)

    quiet.run_day(MONDAY + 3 * DAY)

    assert quiet.cases()["E0002-0001"] == ("suppressed", "superseded")
    assert len(quiet.letters()) == 1


def test_what_came_while_it_was_off_again_is_looked_at_when_it_is_back(quiet: Town) -> None:
    profile(quiet, enabled=True)
    quiet.run_day(MONDAY + 2 * DAY)
    profile(quiet, enabled=False)
    quiet.send(Sent("", BASELINE, "304", a_person(a_new_dwelling(), LEFT, name=a_name("Roth"))))
    quiet.run_day(MONDAY + 3 * DAY)
    profile(quiet, enabled=True, look_back_days=1)

    counts = quiet.run_day(MONDAY + 4 * DAY)

    assert counts["offered"] == 1
    assert list(quiet.cases()) == ["E0003-0001"]


def test_what_another_service_looks_back_to_is_not_this_ones(quiet: Town) -> None:
    profile(quiet, enabled=True)
    quiet.run_day(MONDAY + 2 * DAY)
    with writing(quiet.opened.engine) as session:
        assert offer_again(session, quiet.slug, "another", [DeltaKind.MOVE], MONDAY) == 1

    assert quiet.run_day(MONDAY + 3 * DAY)["linked"] == 1
    assert not quiet.cases()


def test_what_was_taken_in_and_never_linked_is_looked_at(town: Town) -> None:
    """A run was killed between the two; the service was switched on by the next."""
    profile(town, enabled=False)
    town.send(Sent("", BASELINE, "101", ANTJE), kind="full")
    town.run_day(MONDAY)
    town.send(MOVE)
    town.run_day(MONDAY, until="pull")
    profile(town, enabled=True)

    town.run_day(MONDAY + DAY)

    assert town.cases() == {"E0002-0001": ("sent", "zone_switched")}
