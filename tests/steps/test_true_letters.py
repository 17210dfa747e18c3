"""No letter says what is not so: looked at in the last moment, against all that was done to it."""

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tasks.desks.clerk_words import question_text
from tasks.domain.person import Name
from tests.delivery_writer import Sent
from tests.steps.races import NEW, OLD, WOJCIK, by_hand, left, news
from tests.town import DELIVERIES, Town, make_town

DAY, MOVE = date(2026, 11, 23), "E0002-0001"
MOVED = replace(WOJCIK, dwellings=(NEW, left(OLD, NEW.moved_in)))


def a_town(home: Path, *people: Any, holder: str = "Łukasz Wójcik", **options: Any) -> Town:
    """Wójcik lives in zone A3 and holds BPA-0002, which names that holder."""
    rows = map(json.loads, (DELIVERIES / "permits-sample.jsonl").read_text().splitlines())
    row = next(row for row in rows if row["permit_no"] == "BPA-0002")
    path = home / "permits.jsonl"
    path.write_text(json.dumps(row | {"name": holder}), encoding="utf-8")
    town = make_town(home, permits=path, settling_days=0, **options)
    town.send(news("101", people[0] if people else WOJCIK), kind="full")
    town.run_day(DAY - timedelta(days=7))
    return town


def moves(town: Town, *sent: Sent, until: str = "send") -> None:
    town.send(*(sent or [news("302", MOVED)]))
    town.run_day(DAY, until=until)


def status(town: Town) -> list[tuple[str, str]]:
    return [(letter.status, letter.code) for letter in town.letters()]


@pytest.mark.parametrize("holder", ["Łukasz Dudek", "Wojcik, Lukasz"])
def test_a_switch_that_also_puts_the_name_right_is_told(home: Path, holder: str) -> None:
    """A maiden name on the permit: our own switch ends what our own new name was entered in."""
    town = a_town(home, holder=holder)
    moves(town)

    assert town.cases()[MOVE] == ("sent", "zone_switched")
    assert status(town) == [("handed_over", "")]
    found = town.permits("BPA-0002", "BPA-0002/2")
    assert {permit.holder for permit in found.values()} == {"Łukasz Wójcik"}


def test_a_name_that_is_printed_the_family_first_is_not_changed(home: Path) -> None:
    town = a_town(home, holder="Wójcik, Łukasz")
    moves(town)

    assert town.permits("BPA-0002/2")["BPA-0002/2"].holder == "Wójcik, Łukasz"
    assert status(town) == [("handed_over", "")]


def test_whoever_marries_and_moves_within_a_day_reads_the_last_of_it_only(home: Path) -> None:
    before = replace(WOJCIK, name=Name("Dudek", "Łukasz"))
    town = a_town(home, before, holder="Łukasz Dudek")

    moves(town, news("304", WOJCIK), news("302", MOVED))

    told = {letter.subject.split(" – ")[0] for letter in town.letters() if not letter.code}
    assert any("Zone A2" in subject for subject in told)
    assert ("sent", "zone_switched") in town.cases().values()
    # The letter on the name would say that a permit „gilt unverändert weiter“ that is over.
    for letter in town.letters():
        assert letter.status == "handed_over" or letter.code == "superseded"


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"zone": "W1"}, "Zone"),
        ({"plate": "ZZ-XY 9"}, "Kennzeichen"),
        ({"holder": "Ute Dudek"}, "Name"),
        ({"valid_until": date(2026, 12, 31)}, "Gültigkeitsende"),
        ({"status": "ended"}, "Status"),
    ],
)
def test_a_clerk_reads_what_is_no_longer_as_the_letter_says(
    home: Path, changed: dict[str, Any], named: str
) -> None:
    town = a_town(home)
    moves(town, until="render")
    by_hand(town, "BPA-0002/2", **changed)
    town.run_day(DAY)

    asked = town.question(MOVE)
    assert (asked.code, status(town)) == ("record_changed", [("stopped", "record_changed")])
    assert f"Geändert ist: {named}. Das Schreiben" in question_text(asked.code, asked.text)


def test_a_clerk_who_has_put_the_record_right_is_heard(home: Path) -> None:
    town = a_town(home)
    moves(town, until="render")
    by_hand(town, "BPA-0002/2", zone="W1")
    town.run_day(DAY)

    assert town.answer(MOVE, "letter:send", DAY) == "valid"
    town.run_day(DAY)
    assert town.question(MOVE).code == "record_changed"  # it is not so yet, and says what

    by_hand(town, "BPA-0002/2", zone="A2")
    assert town.answer(MOVE, "letter:send", DAY) == "valid"
    town.run_day(DAY)

    assert status(town) == [("handed_over", "")]
    assert town.questions() == []


def test_what_no_letter_tells_of_a_permit_stops_none(home: Path) -> None:
    town = a_town(home)
    moves(town, until="render")
    by_hand(town, "BPA-0002/2", email="new@residents.example", email_consent=True)
    town.run_day(DAY)

    assert status(town) == [("handed_over", "")]
