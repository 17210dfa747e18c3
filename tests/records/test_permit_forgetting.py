"""What the permit register keeps of our effects is emptied; that they were carried out stays."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import create_engine, text

from tasks.domain.effect import Effect, EffectKind
from tasks.domain.person import PersonKey
from tasks.domain.record import Permit
from tasks.errors import RecordConflict
from tasks.records.sql import SqlPermitRegister
from tasks.records.storing import Stored

KEY = PersonKey("09000009", "000000010025")
PERMIT = Permit(
    number="BPA-0002",
    zone="A3",
    valid_from=date(2026, 1, 1),
    valid_until=date(2027, 12, 31),
    plate="ZZ-MU 102",
    holder="Łukasz Wójcik",
    birth_date="1991-07-30",
    key=KEY,
    street="Wollenweberstraße",
    house_number="44",
    email="l@example.org",
)
SWITCH = Effect(
    EffectKind.SWITCH_ZONE,
    "BPA-0002",
    {
        "zone": "A2",
        "valid_from": "2026-11-15",
        "valid_until": "2027-12-31",
        "street": "Kröpeliner Str.",
        "house_number": "40",
        "end_old": "true",
        "old_until": "2026-11-14",
    },
)
BACK = Effect(EffectKind.RESTORE, "BPA-0002", {"undo": "case-1"})
RENAMED = Effect(EffectKind.UPDATE_NAME, "BPA-0002/2", {"holder": "Łukasz Wójcik-Roth"})
PERSONAL = (
    "Wójcik",
    "W\\u00f3jcik",
    "ZZ-MU",
    "1991-07-30",
    "Wollenweber",
    "000000010025",
    "example",
)


@pytest.fixture
def register(database_url: str) -> Iterator[SqlPermitRegister]:
    opened = SqlPermitRegister(database_url, owner="musterstadt")
    opened.store([PERMIT])
    opened.apply("case-1", SWITCH)
    opened.apply("case-2", RENAMED)
    yield opened
    opened.close()


def kept(database_url: str, key: str) -> str:
    with create_engine(database_url).connect() as connection:
        query = text("SELECT * FROM applied_effect WHERE key = :key")
        return str(connection.execute(query, {"key": key}).one())


def test_nothing_of_a_person_is_left_under_a_forgotten_effect(
    register: SqlPermitRegister, database_url: str
) -> None:
    assert "ZZ-MU" in kept(database_url, "case-1")

    assert register.forget(["case-1", "case-2", "never-heard-of"]) == 2

    for key in ("case-1", "case-2"):
        assert [word for word in PERSONAL if word in kept(database_url, key)] == []
    assert "ZZ-MU 102" in register.get(["BPA-0002"])["BPA-0002"].plate  # the permit itself stays


def test_forgetting_twice_changes_nothing(register: SqlPermitRegister, database_url: str) -> None:
    register.forget(["case-1"])
    once = kept(database_url, "case-1")

    assert register.forget(["case-1"]) == 0
    assert kept(database_url, "case-1") == once


def test_a_forgotten_effect_that_comes_again_is_still_not_carried_out_twice(
    register: SqlPermitRegister,
) -> None:
    before = register.get(["BPA-0002", "BPA-0002/2", "BPA-0002/3"])
    register.forget(["case-1"])

    again = register.apply("case-1", SWITCH)

    assert (again.already, again.data) == (True, {"new_permit_number": "BPA-0002/2"})
    assert register.get(["BPA-0002", "BPA-0002/2", "BPA-0002/3"]) == before


def test_a_forgotten_effect_cannot_be_taken_back_and_says_so(register: SqlPermitRegister) -> None:
    before = register.get(["BPA-0002", "BPA-0002/2"])
    register.forget(["case-1"])

    ((rehearsed,),) = register.rehearse([[("undo-1", BACK)]])
    assert isinstance(rehearsed, RecordConflict)
    with pytest.raises(RecordConflict, match=r"records\.forgotten undo-1"):
        register.apply("undo-1", BACK)
    assert register.get(["BPA-0002", "BPA-0002/2"]) == before


def test_a_later_effect_on_the_same_permit_can_be_taken_back_all_the_same(
    register: SqlPermitRegister,
) -> None:
    register.forget(["case-1"])

    register.apply("undo-2", Effect(EffectKind.RESTORE, "BPA-0002/2", {"undo": "case-2"}))

    assert register.get(["BPA-0002/2"])["BPA-0002/2"].holder == "Łukasz Wójcik"


@pytest.mark.parametrize("forgotten", [False, True])
@pytest.mark.parametrize(
    ("number", "change", "stored"),
    [
        ("BPA-0002", {"status": "active", "valid_until": date(2027, 12, 31)}, Stored.CONTRADICTS),
        ("BPA-0002", {"plate": "ZZ-MU 9"}, Stored.CHANGED),
        ("BPA-0002/2", {"zone": "A3"}, Stored.CONTRADICTS),
        ("BPA-0002/2", {"holder": "Łukasz Wójcik"}, Stored.CONTRADICTS),
        ("BPA-0002/2", {"email": "neu@example.org"}, Stored.CHANGED),
    ],
)
def test_an_old_list_changes_back_what_an_effect_has_settled_neither_before_nor_after_forgetting(
    register: SqlPermitRegister,
    forgotten: bool,
    number: str,
    change: dict[str, object],
    stored: Stored,
) -> None:
    if forgotten:
        register.forget(["case-1", "case-2"])
    now = register.get([number])[number]

    (answer,) = register.store([replace(now, **change)])  # type: ignore[arg-type]

    assert answer is stored


def test_a_number_once_given_is_not_given_again(register: SqlPermitRegister) -> None:
    register.forget(["case-1", "case-2"])

    following = register.apply("case-3", replace(SWITCH, record="BPA-0002/2"))

    assert following.data == {"new_permit_number": "BPA-0002/3"}
