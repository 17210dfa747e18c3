"""One delivery full of what real registers send: each ends in a right act, a question or a refusal.

Every story is one resident with a permit for Wollenweberstraße 12 in zone A3, unless it says so.
The day is Monday 2026-11-23; nothing waits for a settling time.
"""

import json
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import pytest

from tasks.domain.person import Dwelling, Name, PartialDate, Person, PersonKey
from tests.builders import AGS, a_dwelling, a_new_dwelling
from tests.delivery_writer import BASELINE, Sent
from tests.steps.races import living_in
from tests.town import make_town

DAY = date(2026, 11, 23)
NAMES = (
    "Adler Bär Dachs Elster Falke Gimpel Hecht Igel Kranich Luchs Marder Nerz Otter Pirol Rabe Star"
)
FAMILY = NAMES.split()


@dataclass(frozen=True)
class Story:
    """`code` and `to` are what the register reports; `expected`: status, code and new zone."""

    what: str
    code: str
    to: Dwelling
    expected: tuple[str, str, str]
    permit: dict[str, Any] = field(default_factory=dict)


def to(street: str = "Kröpeliner Straße", number: str = "40", **fields: Any) -> Dwelling:
    return a_new_dwelling(street, number, **fields)


def at(street: str, number: str, **address: str) -> Dwelling:
    home = a_new_dwelling(street, number)
    return replace(home, address=replace(home.address, **address))


ASKED, DECLINED = "needs_review", "declined"


def switched(zone: str) -> tuple[str, str, str]:
    return "sent", "zone_switched", zone


STORIES = [
    Story(
        "a half in the suffix field",
        "302",
        at("Lange Straße", "30", suffix="1/2"),
        switched("A2"),
    ),
    Story(
        "the letter glued to the number",
        "302",
        to("Alexandrinenstraße", "119A"),
        switched("W1"),
    ),
    Story(
        "number 11 with the further digit 9: not 119",
        "302",
        at("Alexandrinenstraße", "11", suffix="9"),
        switched("W1"),
    ),
    Story(
        "one house with two numbers at a border",
        "302",
        at("Lange Straße", "21", suffix="-23"),
        (ASKED, "zone_ambiguous", ""),
    ),
    Story(
        "the care home is told as „wohnungslos“",
        "302",
        to("wohnungslos", ""),
        (ASKED, "no_zone", ""),
    ),
    Story(
        "an Ortsteil that the list does not know",
        "302",
        at("Kröpeliner Straße", "40", district="Hinter Bollhagen"),
        (ASKED, "zone_ambiguous", ""),
    ),
    Story(
        "the key of somebody with another name and birthday",
        "302",
        to(),
        (ASKED, "holder_uncertain", ""),
        {"name": "Horst Adam", "birth_date": "1950-01-01"},
    ),
    Story(
        "the permit of a craftsman",
        "302",
        to(),
        (DECLINED, "other_kind", ""),
        {"kind": "handwerker"},
    ),
    Story(
        "a status that nobody has heard of",
        "302",
        to(),
        (ASKED, "permit_unclear", ""),
        {"status": "ruht"},
    ),
    Story(
        "a plate written with an en dash",
        "302",
        to(),
        switched("A2"),
        {"plate": "ZZ–MU\u00a0110"},
    ),
    Story(
        "surname in capitals, forename behind",
        "302",
        to(),
        switched("A2"),
        {"name": "MARDER, ANTJE"},
    ),
    Story("arrived with 104 though never gone", "104", to(), (ASKED, "returned", "")),
    Story(
        "the move-in on a day that nobody knows",
        "302",
        to(moved_in=None),
        (ASKED, "contradicting_data", ""),
    ),
    Story(
        "a street in capitals, the number behind zeros",
        "302",
        to("KRÖPELINER STRASSE", "0040"),
        switched("A2"),
    ),
    Story(
        "a permit that began on the day it ends",
        "302",
        to(),
        (DECLINED, "permit_expired", ""),
        {"valid_from": "2026-11-22", "valid_until": "2026-11-22"},
    ),
]


def key(place: int) -> PersonKey:
    return PersonKey(AGS, f"{70000 + place:012d}")


def before(place: int) -> Person:
    name, born = Name(FAMILY[place], "Antje"), PartialDate(1984, 3, place)
    return Person(key(place), name, born, dwellings=(a_dwelling(),))


def after(place: int, story: Story) -> Person:
    gone = replace(a_dwelling(), current=False, moved_out=PartialDate(2026, 11, 15))
    return replace(before(place), dwellings=(gone, story.to))


def permit(place: int, story: Story) -> dict[str, Any]:
    return {
        "permit_no": f"P-{place:02d}",
        "holder_ags": AGS,
        "holder_ordnungsmerkmal": key(place).number,
        "name": f"Antje {FAMILY[place]}",
        "birth_date": f"1984-03-{place:02d}",
        "plate": f"ZZ-MU {100 + place}",
        "zone": "A3",
        "valid_from": "2026-03-01",
        "valid_until": "2028-02-29",
        "standing_application": True,
    } | story.permit


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str, str]]:
    home = tmp_path_factory.mktemp("oddities")
    rows = [permit(place, story) for place, story in enumerate(STORIES, start=1)]
    permits = home / "permits.jsonl"
    permits.write_text("\n".join(json.dumps(row) for row in rows))
    with living_in(home):
        town = make_town(home, settling_days=0, permits=permits)
        people = list(enumerate(STORIES, start=1))
        town.send(*(Sent("", BASELINE, "101", before(one[0])) for one in people), kind="full")
        town.run_day(DAY)
        town.send(*(Sent("", BASELINE, story.code, after(place, story)) for place, story in people))
        town.run_day(DAY)
        cases = town.cases()
        new = town.permits(*(f"P-{place:02d}/2" for place, _ in people))
    zones = {number: permit.zone for number, permit in new.items()}
    return {
        story.what: (*cases[f"E0002-{place:04d}"], zones.get(f"P-{place:02d}/2", ""))
        for place, story in people
    }


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.what)
def test_what_is_odd_ends_in_a_right_act_a_question_or_a_named_refusal(
    story: Story, told: dict[str, tuple[str, str, str]]
) -> None:
    assert told[story.what] == story.expected
