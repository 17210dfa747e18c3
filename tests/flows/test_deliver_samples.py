"""The deliveries of a week, end to end: every event comes to the conclusion that it must."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from tasks.state.database import open_database, reading
from tasks.state.story import list_cases
from tests.town import Town

DAYS = [
    ("2026-11-23", ["0001-gesamtlieferung.xml", "0002-deltalieferung.xml"]),
    ("2026-11-24", ["0003-deltalieferung-ruecknahme.xml"]),
    ("2026-11-25", ["0004-paket1.xml", "0004-paket2.xml"]),
]
# event -> (outcome, code) at the end of the day on which the delivery came
ON_ARRIVAL = {
    "2026-11-23": {
        "E0002-0001": ("granted", "address_updated"),
        "E0002-0002": ("granted", "zone_switched"),
        "E0002-0003": ("needs_review", "no_zone"),
        "E0002-0004": ("needs_review", "zone_ambiguous"),
        "E0002-0005": ("needs_review", "zone_list_gap"),
        "E0002-0006": ("needs_review", "moved_away"),
        "E0002-0007": ("needs_review", "holder_died"),
        "E0002-0010": ("needs_review", "address_locked"),
        "E0002-0011": ("granted", "name_updated"),
        "E0002-0012": ("needs_review", "no_standing_application"),
        "E0002-0013": ("held", "future_move"),
        "E0002-0014": ("declined", "no_permit"),
        "E0002-0016": ("needs_review", "secondary_dwelling"),
        "E0002-0017": ("needs_review", "holder_vanished"),
    },
    "2026-11-24": {
        "E0002-0002": ("suppressed", "superseded"),
        "E0002-0003": ("suppressed", "reversed"),
        "E0002-0004": ("suppressed", "superseded"),
        "E0002-0007": ("suppressed", "reversed"),
        "E0003-0001": ("declined", "reversal_before_effect"),
        "E0003-0002": ("granted", "zone_switched"),
        "E0003-0003": ("granted", "address_updated"),
        "E0003-0004": ("needs_review", "death_reversed"),
        "E0003-0005": ("granted", "zone_switched"),
    },
    "2026-11-25": {
        "E0002-0005": ("suppressed", "superseded"),
        "E0002-0011": ("declined", "permit_expired"),
        "E0004-0001": ("declined", "no_permit"),  # who comes is looked at, too
        "E0004-0002": ("needs_review", "zone_ambiguous"),
        "E0004-0003": ("declined", "no_permit"),
    },
}


def conclusions(town: Town) -> dict[str, tuple[str, str]]:
    with reading(open_database(town.settings.state_url)) as session:
        return {line.event: (line.outcome, line.code) for line in list_cases(session, town.slug)}


def statuses(town: Town) -> dict[str, str]:
    with reading(open_database(town.settings.state_url)) as session:
        return {line.event: line.status for line in list_cases(session, town.slug)}


@pytest.fixture
def week(town: Town, deliver: Callable[..., Any]) -> Town:
    for day, files in DAYS:
        town.put(*files)
        state = deliver(day)
        assert state.is_completed(), state.message
        found = conclusions(town)
        for event, expected in ON_ARRIVAL[day].items():
            assert found[event] == expected, f"{event} on {day}"
    return town


def test_every_event_of_the_week_comes_to_its_conclusion(week: Town) -> None:
    events = set().union(*ON_ARRIVAL.values())
    # A lock, a birth and an arrival are nothing that the parking service looks at by itself.
    assert set(conclusions(week)) == events
    assert not list((week.folder / "inbox").iterdir())
    receipts = sorted(path.name for path in (week.folder / "receipts").iterdir())
    assert receipts == ["1101-0001.xml", "1101-0002.xml", "1101-0003.xml", "1101-0004.xml"]
    receipt = etree.parse(week.folder / "receipts" / "1101-0002.xml")
    assert receipt.xpath("string(//*[local-name()='saetze.gelesen'])") == "17"


def test_nothing_is_done_before_the_settling_time_and_all_of_it_after(
    week: Town, deliver: Callable[..., Any]
) -> None:
    register = week.opened.register
    assert statuses(week)["E0003-0002"] == "granted"
    assert register.get(["BPA-0002"])["BPA-0002"].status == "active"

    deliver("2026-11-26")

    assert statuses(week)["E0003-0002"] == "lettered"
    old, new = (register.get([number])[number] for number in ("BPA-0002", "BPA-0002/2"))
    assert (old.status, old.valid_until) == ("ended", date(2026, 11, 30))
    assert (new.zone, new.valid_from, new.valid_until) == (
        "A1",
        date(2026, 11, 26),
        date(2027, 12, 31),
    )


@pytest.mark.parametrize(
    ("day", "status"),
    [("2026-11-30", "open"), ("2026-12-01", "lettered"), ("2026-12-02", "lettered")],
)
def test_a_future_move_is_held_until_its_day(
    week: Town, deliver: Callable[..., Any], day: str, status: str
) -> None:
    deliver(day)

    assert statuses(week)["E0002-0013"] == status


def test_a_second_run_finds_nothing_to_do(week: Town, deliver: Callable[..., Any]) -> None:
    deliver("2026-11-26")
    before = statuses(week)

    state = deliver("2026-11-26")

    assert state.message == "nothing new"
    assert statuses(week) == before


def test_the_same_delivery_sent_again_changes_nothing(
    week: Town, deliver: Callable[..., Any]
) -> None:
    before = conclusions(week)
    week.put("0003-deltalieferung-ruecknahme.xml")

    state = deliver("2026-11-25")

    assert state.is_completed()
    assert conclusions(week) == before
    assert not list((week.folder / "inbox").iterdir())


def test_the_run_says_how_many_cases_need_a_clerk(
    town: Town, deliver: Callable[..., Any], home: Path
) -> None:
    town.put("0001-gesamtlieferung.xml", "0002-deltalieferung.xml")

    state = deliver("2026-11-23")

    assert (state.name, state.message) == ("NeedsReview", "9 of 14 cases need review")
