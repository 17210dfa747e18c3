"""The residents of the demo town Musterstadt, event by event: what their permits come to."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from tasks.domain.delta import DeltaKind
from tasks.domain.person import DwellingStatus, Lock, PartialDate, Person
from tasks.domain.record import Link
from tasks.domain.service import Situation
from tests.builders import (
    ELSEWHERE,
    TODAY,
    a_delta,
    a_dwelling,
    a_link,
    a_move,
    a_name,
    a_new_dwelling,
    a_person,
    a_situation,
)
from tests.services.resident_parking_stories import decided, later


def permit(zone: str, until: date, **fields: Any) -> tuple[Link, ...]:
    return (a_link(zone=zone, valid_until=until, **fields),)


def moved(*to: Any, day: date, links: tuple[Link, ...], **fields: Any) -> Situation:
    return a_situation(a_move(to=a_new_dwelling(*to, moved_in=day)), links, **fields)


def brandt() -> Situation:
    links = permit("A3", date(2028, 2, 29))
    return moved("Altschmiedestraße", "5", day=date(2026, 11, 14), links=links, after=["A3"])


def brandt_moves_back() -> Situation:
    new = a_dwelling(moved_in=date(2026, 11, 21))
    delta = a_move(leaving=a_new_dwelling("Altschmiedestraße", "5"), to=new)
    links = permit("A3", date(2028, 2, 29))
    return a_situation(delta, links, after=["A3"], areas_earlier=("A3",))


def wojcik() -> Situation:
    links = permit("A3", date(2027, 12, 31), holder="Łukasz Wójcik")
    name = a_name("Wójcik", "Łukasz")
    return a_situation(a_move(name=name), links)


def wojcik_again() -> Situation:
    new = a_new_dwelling("Große Mönchenstraße", "3", moved_in=date(2026, 11, 22))
    delta = a_move(leaving=a_new_dwelling(), to=new, name=a_name("Wójcik", "Łukasz"))
    links = permit("A3", date(2027, 12, 31), holder="Łukasz Wójcik")
    return a_situation(delta, links, before=["A2"], after=["A1"], areas_earlier=("A3",))


def yilmaz() -> Situation:
    new = a_new_dwelling("Kastanienallee", "7", moved_in=date(2026, 11, 12))
    links = permit("A1", date(2027, 5, 31))
    return a_situation(a_move(to=new, born="1971"), links, before=["A1"], after=[])


def yilmaz_taken_back() -> Situation:
    delta = a_delta(DeltaKind.MOVE_REVERSED, reverses="E0002-0003")
    return a_situation(delta, permit("A1", date(2027, 5, 31)), before=[], after=["A1"])


def hoffmann() -> Situation:
    links = permit("H1", date(2027, 11, 30))
    day = date(2026, 11, 10)
    return moved("Mühlenstraße", "12", day=day, links=links, before=["H1"], after=["A3", "W2"])


def hoffmann_put_right() -> Situation:
    day = date(2026, 11, 10)
    wrong = a_person(a_new_dwelling("Mühlenstraße", "12", moved_in=day))
    right = a_person(a_new_dwelling("Molkenstraße", "12", moved_in=day))
    delta = a_delta(DeltaKind.ADDRESS_UPDATE, before=wrong, after=right)
    links = permit("H1", date(2027, 11, 30))
    return a_situation(delta, links, before=["A3", "W2"], after=["A3"], areas_earlier=("H1",))


def petersen() -> Situation:
    old = a_dwelling("Friedhofsweg", "5", moved_in=date(2009, 9, 1))
    new = a_dwelling("Am Alten Friedhof", "5", moved_in=date(2009, 9, 1))
    delta = a_delta(DeltaKind.ADDRESS_UPDATE, before=a_person(old), after=a_person(new))
    return a_situation(delta, permit("B1", date(2027, 1, 31)), before=["B1"], after=[])


def petersen_moves() -> Situation:
    links, day = permit("B1", date(2027, 1, 31)), date(2026, 11, 24)
    situation = moved("Lange Straße", "22", day=day, links=links, before=[], after=[])
    return replace(situation, areas_earlier=("B1",))


def zoellner() -> Situation:
    old = replace(a_dwelling("Lessingstraße", "15"), current=False)
    new = a_new_dwelling("Karl-Liebknecht-Straße", "8", ags=ELSEWHERE)
    delta = a_delta(DeltaKind.MOVE_AWAY, after=a_person(old, new))
    return a_situation(delta, permit("A4", date(2028, 4, 30)), before=["A4"], after=[])


def lindner() -> Situation:
    died = PartialDate(2026, 11, 13)
    delta = a_delta(DeltaKind.DEATH, after=a_person(died=died))
    return a_situation(delta, permit("H1", date(2027, 3, 31), standing_application=False))


def lindner_lives() -> Situation:
    return a_situation(a_delta(DeltaKind.DEATH_REVERSED), permit("H1", date(2027, 3, 31)))


def emil() -> Situation:
    return a_situation(a_move(born="2026-11-11", has_guardian=True), links=())


def seidel() -> Situation:
    delta = a_move(to=a_new_dwelling("Am Strom", "70", moved_in=date(2026, 11, 9)))
    assert isinstance(delta.after, Person)
    locked = replace(delta.after, locks=(Lock("3", date(2028, 11, 19)),))
    links = permit("W1", date(2028, 6, 30))
    events = later(DeltaKind.LOCK_CHANGE)
    return a_situation(delta, links, before=["W1"], after=["W2"], now=locked, **events)


def neumann() -> Situation:
    delta = a_delta(DeltaKind.NAME_CHANGE, after=a_person(name=a_name("Neumann-Roth", "Tim")))
    return a_situation(delta, permit("A1", date(2026, 11, 24), holder="Tim Neumann"))


def neumann_secondary() -> Situation:
    home = a_dwelling(status=DwellingStatus.SECONDARY, status_changed=date(2026, 11, 18))
    delta = a_delta(DeltaKind.STATUS_CHANGE, after=a_person(home))
    return a_situation(delta, permit("A1", date(2026, 11, 24)), before=["A1"], after=["A1"])


def sukarni() -> Situation:
    home = a_new_dwelling("Alexandrinenstraße", "119", moved_in=date(2026, 8, 1))
    home = replace(home, address=replace(home.address, suffix="a", extra="Hinterhaus"))
    delta = a_move(to=home, name=a_name("Sukarni", ""), born="1990-06")
    links = permit("W2", date(2027, 8, 31), holder="Sukarni", standing_application=False)
    return a_situation(delta, links, before=["W2"], after=["W1"])


def albrecht() -> Situation:
    links, day = permit("B2", date(2028, 1, 31)), date(2026, 12, 1)
    return moved("Feldstraße", "63", day=day, links=links, before=["B2"], after=["B1"])


def schuster() -> Situation:
    delta = a_delta(DeltaKind.DELETION, after=None)
    return a_situation(delta, permit("A1", date(2028, 7, 31)), after=())


@pytest.mark.parametrize(
    ("resident", "today", "code"),
    [
        (brandt, TODAY, "address_updated"),
        (brandt_moves_back, TODAY, "address_updated"),
        (wojcik, TODAY, "zone_switched"),
        (wojcik_again, TODAY, "zone_switched"),
        (yilmaz, TODAY, "no_zone"),
        (yilmaz_taken_back, TODAY, "reversal_before_effect"),
        (hoffmann, TODAY, "zone_ambiguous"),
        (hoffmann_put_right, TODAY, "zone_switched"),
        (petersen, TODAY, "zone_list_gap"),
        (petersen_moves, date(2026, 11, 25), "no_zone"),
        (zoellner, TODAY, "moved_away"),
        (lindner, TODAY, "holder_died"),
        (lindner_lives, TODAY, "death_reversed"),
        (emil, TODAY, "no_permit"),
        (seidel, TODAY, "address_locked"),
        (seidel, date(2028, 11, 19), "address_locked"),
        (seidel, date(2028, 11, 20), "permit_expired"),
        (neumann, TODAY, "name_updated"),
        (neumann, date(2026, 11, 25), "permit_expired"),
        (neumann_secondary, TODAY, "secondary_dwelling"),
        (neumann_secondary, date(2026, 11, 25), "permit_expired"),
        (sukarni, TODAY, "no_standing_application"),
        (albrecht, TODAY, "future_move"),
        (albrecht, date(2026, 12, 1), "zone_switched"),
        (schuster, TODAY, "holder_vanished"),
    ],
)
def test_what_the_permit_of_a_resident_comes_to(
    resident: Callable[[], Situation], today: date, code: str
) -> None:
    assert decided(resident(), today=today).code == code
