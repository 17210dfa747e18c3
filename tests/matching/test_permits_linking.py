"""Which permits a machine may act on for a resident, and which only a clerk gets to see."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tasks.domain.address import Address
from tasks.domain.person import Dwelling, Name, PartialDate, Person, PersonKey
from tasks.domain.record import LinkedBy, Permit
from tasks.matching.permits import candidate_keys, candidate_keys_of, statutory_match, whose

AGS = "09000009"
KEY = PersonKey(AGS, "000000010058")
SOMEONE = PersonKey(AGS, "000000099999")


def dwelling(street: str, number: str, suffix: str = "", ags: str = AGS, current: bool = True):
    return Dwelling(Address(street, number, suffix, ags=ags), current=current)


PETERSEN = Person(
    KEY,
    Name("Petersen", given="Jens-Uwe Karl", doctor="Dr."),
    PartialDate(1968, 1, 20),
    dwellings=(dwelling("Lange Str.", "8", "a"), dwelling("Am Markt", "3", current=False)),
)


def person(name: Name, born: str = "1968-01-20") -> Person:
    return replace(PETERSEN, name=name, born=PartialDate.parse(born))


def permit(holder: str = "Jens-Uwe Petersen", birth_date: str = "1968-01-20", **more) -> Permit:
    return Permit(
        more.pop("number", "BPA-1"), "A1", date(2026, 1, 1), date(2027, 12, 31), "ZZ-MU 1",
        holder, birth_date, **more,
    )  # fmt: skip


def only_link(person: Person, permit: Permit) -> tuple[LinkedBy, int] | None:
    found = whose(permit, (person,))
    return (found.by, found.score) if found else None


SABINE = replace(PETERSEN, key=SOMEONE, name=Name("Petersen", given="Sabine"))


@pytest.mark.parametrize(
    ("holder", "birth_date"),
    [
        ("Jens-Uwe Petersen", "1968-01-20"),
        ("Jens-Uwe Petersen", ""),
        ("J. Petersen", ""),
        ("Jens Petersen", ""),
        ("Jens-Uwe Pedersen", ""),  # a slip of the pen
        ("Jens-Uwe Pedersen", "1968-01-21"),
        ("Jens-Uwe Petersen", "1986-10-20"),  # the name is enough
        ("Jens-Uwe Holm", "1968-01-20"),  # and so is the birth date: married
        ("Someone Else", "1968-01-20"),
    ],
)
def test_a_key_is_trusted_where_name_or_birth_date_agree(holder: str, birth_date: str):
    keyed = permit(holder, birth_date, key=KEY)
    assert only_link(PETERSEN, keyed) == (LinkedBy.KEY, 100)


@pytest.mark.parametrize(
    ("holder", "birth_date"),
    [
        ("Sabine Petersen", "1970-04-04"),
        ("Sabine Petersen", ""),
        ("Ayşe Demir", "1990-01-01"),
        ("Ayşe Demir", ""),
        ("Jens-Uwe Holm", ""),
        ("Jens-Uwe Pedersen", "1990-01-01"),
        ("Ayşe Demir", "1968"),  # a year that half of a school shares
        ("Petersen", ""),
        ("", ""),
    ],
)
def test_a_key_that_neither_name_nor_birth_date_confirm_is_for_a_clerk(
    holder: str, birth_date: str
):
    found = only_link(PETERSEN, permit(holder, birth_date, key=KEY))
    assert found is not None
    assert found[0] is LinkedBy.SUGGESTED


def test_a_name_from_before_the_change_confirms_the_key():
    married = replace(PETERSEN, name=Name("Holm", given="Jens-Uwe Karl"), born=PartialDate())
    before = replace(PETERSEN, born=PartialDate())
    found = whose(permit(birth_date="", key=KEY), (before, married))
    assert found is not None
    assert found.by is LinkedBy.KEY


def test_a_key_that_was_given_to_somebody_else_is_trusted_for_neither():
    newcomer = replace(PETERSEN, name=Name("Demir", given="Ayşe"), born=PartialDate(1990, 1, 1))
    found = whose(permit(key=KEY), (PETERSEN, newcomer))
    assert found is not None
    assert found.by is LinkedBy.SUGGESTED


def test_a_twins_permit_under_the_brothers_key_is_for_a_clerk():
    hers = permit("Sabine Petersen", key=KEY)
    for known, others in (((PETERSEN,), (SABINE,)), ((SABINE,), (PETERSEN,))):
        found = whose(hers, known, others)
        assert found is not None
        assert found.by is LinkedBy.SUGGESTED


@pytest.mark.parametrize(
    "holder",
    [
        "Petersen, Sabine und Jens-Uwe",
        "Sabine u. Jens-Uwe Petersen",
        "Jens-Uwe & Sabine Petersen",
        "Jens-Uwe Petersen/Sabine Roth",
        "Familie Petersen",
        "Eheleute Petersen",
        "Autohaus Petersen GmbH",
        "Petersen Elektro e. K.",
        "PETERSEN UND SÖHNE OHG",
        "Malerbetrieb Jens-Uwe Petersen, Inh. Sabine Petersen",
    ],
)
def test_a_permit_of_several_people_or_of_a_firm_is_for_a_clerk(holder: str):
    found = only_link(PETERSEN, permit(holder, key=KEY))

    assert found is not None
    assert found[0] is LinkedBy.SUGGESTED


@pytest.mark.parametrize(
    ("name", "holder"),
    [
        (Name("von und zu Franken", "Karl"), "Karl von und zu Franken"),
        (Name("Erben", "Fa Ag"), "ERBEN, FA AG"),
        (Name("Brandt", "Antje Ute"), "Antje U. Brandt"),
    ],
)
def test_a_name_that_sounds_like_a_firm_is_a_persons(name: Name, holder: str):
    assert only_link(person(name), permit(holder, key=KEY)) == (LinkedBy.KEY, 100)


def test_a_permit_is_not_even_suggested_where_its_key_is_confirmed_by_another():
    theirs = permit("Sabine Petersen", "1968-01-20", key=SOMEONE)
    assert whose(theirs, (PETERSEN,), (SABINE,)) is None


@pytest.mark.parametrize(
    "key", [PersonKey("09000011", KEY.number), PersonKey(AGS, "10058"), SOMEONE]
)
def test_a_permit_under_a_key_of_nobody_is_for_a_clerk_if_it_looks_like_the_persons(
    key: PersonKey,
):
    assert only_link(PETERSEN, permit(key=key)) == (LinkedBy.SUGGESTED, 99)
    assert only_link(PETERSEN, permit("Ayşe Demir", "1990-01-01", key=key)) is None


def test_who_is_registered_twice_is_asked_about_the_permit_under_the_other_key():
    twice = replace(PETERSEN, key=SOMEONE)
    for birth_date in ("1968-01-20", ""):
        found = whose(permit(birth_date=birth_date, key=SOMEONE), (PETERSEN,), (twice,))
        assert found is not None
        assert (found.by, found.score) == (LinkedBy.SUGGESTED, 99)


def test_what_fits_two_people_is_a_clerks_question():
    twin = replace(PETERSEN, key=SOMEONE)
    found = whose(permit(), (PETERSEN,), (twin,))
    assert found is not None
    assert found.by is LinkedBy.SUGGESTED


@pytest.mark.parametrize(
    ("name", "holder"),
    [
        (PETERSEN.name, "Jens-Uwe Petersen"),
        (PETERSEN.name, "Karl Jens-Uwe PETERSEN"),
        (PETERSEN.name, "Petersen, Jens-Uwe"),
        (PETERSEN.name, "Dr. Jens-Uwe Petersen"),
        (PETERSEN.name, "Prof. Dr.-Ing. Jens-Uwe Petersen"),
        (PETERSEN.name, "Dr. med. dent. Petersen, Jens-Uwe Karl"),
        (PETERSEN.name, "Petersen, Dr. Jens-Uwe"),
        (PETERSEN.name, "Petersen, Jens-Uwe, Dr."),
        (PETERSEN.name, "Herr Dr Jens-Uwe  Petersen "),
        (Name("Wójcik", given="Łukasz"), "Lukasz Wojcik"),
        (Name("Müller Lüdenscheidt", given="Anna Lena"), "Anna Mueller-Luedenscheidt"),
        (Name("von Neuenwalde", given="Hans Georg"), "Hans Georg von Neuenwalde"),
        (Name("von Neuenwalde", given="Hans Georg"), "Neuenwalde, Hans von"),
        (Name("Hoffmann", given="Ilse Marie", birth="Krüger"), "Ilse Krüger"),
        (Name("Sukarni"), "Sukarni"),
        (Name("Sukarni"), "Frau Sukarni"),
        (Name("Frau", given="Anna"), "Anna Frau"),
        (Name("Kaya", given="Dr"), "Dr Kaya"),
    ],
)
def test_a_printed_name_is_read_every_way_it_can_be_meant(name: Name, holder: str):
    assert only_link(person(name), permit(holder)) == (LinkedBy.STATUTORY, 100)


@pytest.mark.parametrize(
    ("name", "holder"),
    [
        (PETERSEN.name, "Jens Uwe Petersen"),
        (PETERSEN.name, "Jens-Uwe Pedersen"),
        (PETERSEN.name, "Jens-Uwe Anton Petersen"),
        (PETERSEN.name, "Petersen"),
        (PETERSEN.name, "Petersen Jens-Uwe"),
        (Name("Müller", given="Anna"), "Anna & Peter Müller"),
        (Name("Müller", given="Anna"), "– Müller"),
        (Name("Müller", given="Anna"), "Dr. Müller"),
        (Name("Graf von Neuenwalde", given="Hans"), "Hans Neuenwalde"),
        (Name("Sukarni"), "Anna Sukarni"),
    ],
)
def test_a_permit_is_never_linked_on_a_similar_name(name: Name, holder: str):
    found = only_link(person(name), permit(holder))
    assert found is None or found[0] is LinkedBy.SUGGESTED


@pytest.mark.parametrize(
    ("birth_date", "by"),
    [
        ("1968-01-19", None),
        ("1968-01-20", LinkedBy.STATUTORY),
        ("1968-01-21", LinkedBy.SUGGESTED),
        ("1968-01", LinkedBy.SUGGESTED),
        ("1968", LinkedBy.SUGGESTED),
        ("", LinkedBy.SUGGESTED),
    ],
)
def test_the_birth_date_on_a_permit_must_be_the_very_day(birth_date: str, by: LinkedBy | None):
    found = only_link(PETERSEN, permit("Jens-Uwe Karl Petersen", birth_date))
    assert (found and found[0]) == by


def test_a_birth_date_known_in_part_is_enough_only_together_with_the_address():
    yilmaz = person(Name("Yılmaz", given="Mehmet"), "1971")
    assert only_link(yilmaz, permit("Mehmet Yılmaz", "1971")) == (LinkedBy.SUGGESTED, 99)
    at_home = permit("Mehmet Yılmaz", "1971", street="Lange Straße", house_number="8a")
    assert only_link(yilmaz, at_home) == (LinkedBy.STATUTORY, 100)


def test_a_missing_birth_date_is_never_enough():
    unknown = person(PETERSEN.name, "")
    at_home = permit("Jens-Uwe Petersen", "", street="Lange Straße", house_number="8a")
    assert only_link(unknown, at_home) == (LinkedBy.SUGGESTED, 90)


@pytest.mark.parametrize(
    ("street", "house_number"),
    [("Lange Straße", "8a"), ("LANGE-STR.", "8 A"), ("Lange Str", "8"), ("Am Markt", "3")],
)
def test_the_address_of_the_permit_may_be_a_present_or_a_former_dwelling(
    street: str, house_number: str
):
    found = only_link(PETERSEN, permit(street=street, house_number=house_number))
    assert found == (LinkedBy.STATUTORY, 100)


@pytest.mark.parametrize(
    ("street", "house_number"),
    [
        ("Lange Straße", "8b"),
        ("Lange Straße", "9"),
        ("Lange Straße", "8-10"),
        ("Kurze Straße", "8a"),
        ("Am Markt", "3a"),
        ("", "8a"),
    ],
)
def test_a_permit_for_another_address_is_left_to_a_clerk(street: str, house_number: str):
    found = only_link(PETERSEN, permit(street=street, house_number=house_number))
    assert found == (LinkedBy.SUGGESTED, 90)


def test_the_same_street_in_another_municipality_is_another_address():
    away = replace(PETERSEN, dwellings=(dwelling("Lange Str.", "8", ags="14612000"),))
    found = only_link(away, permit(street="Lange Straße", house_number="8"))
    assert found == (LinkedBy.SUGGESTED, 90)


def test_an_unreadable_birth_date_stops_nobody_and_links_nothing():
    assert only_link(PETERSEN, permit(birth_date="20.01.1968")) is None


@pytest.mark.parametrize(
    ("holder", "birth_date", "more"),
    [
        ("Jens-Uwe Karl Pedersen", "1968-01-20", {}),
        ("Petersen Jens Uwe Karl", "1968-01-20", {}),
        ("Jens-Uwe Karl Pedersen", "1955-05-05", {"street": "Am Markt", "house_number": "3"}),
        ("Jens-Uwe Karl Petersen", "1986-01-20", {}),
        ("Jens-Uwe Karl Petersen", "1968-02-20", {}),
        ("Jens-Uwe Karl Petersen", "1968-20-01", {}),
        ("Jens-Uwe Karl Petersen", "", {}),
        ("Jens-Uwe Petersen", "", {}),  # the name is all there is
    ],
)
def test_a_similar_permit_is_shown_to_a_clerk(holder: str, birth_date: str, more: dict[str, str]):
    similar = permit(holder, birth_date, **more)
    found = only_link(PETERSEN, similar)
    assert found is not None
    assert found[0] is LinkedBy.SUGGESTED
    assert candidate_keys(holder, birth_date, **more) & candidate_keys_of(PETERSEN)


@pytest.mark.parametrize(
    ("holder", "birth_date", "more"),
    [
        ("Jens-Uwe Karl Petersen", "1975-11-03", {}),  # a namesake
        ("Sabine Petersen", "1970-04-04", {"street": "Lange Str.", "house_number": "8a"}),
        ("Sabine Petersen", "1968-01-20", {}),  # a twin
        ("Ayşe Demir", "1968-01-20", {}),
        ("Jens-Uwe Pedersen", "", {}),
        ("", "1968-01-20", {}),
    ],
)
def test_a_clerk_is_not_troubled_with_other_people(
    holder: str, birth_date: str, more: dict[str, str]
):
    assert only_link(PETERSEN, permit(holder, birth_date, **more)) is None


def test_a_suggestion_never_scores_as_high_as_a_link_to_act_on():
    elsewhere = permit("Jens-Uwe Karl Petersen", street="Kurze Straße", house_number="1")
    assert only_link(PETERSEN, elsewhere) == (LinkedBy.SUGGESTED, 99)


def test_a_changed_family_name_still_finds_the_permit_as_a_candidate():
    renamed = person(Name("Neumann-Roth", given="Tim"), "1996-04-11")
    assert candidate_keys("Tim Neumann", "") & candidate_keys_of(renamed)


def test_a_namesake_of_another_age_is_no_candidate():
    assert not candidate_keys("Jens-Uwe Petersen", "1975-11-03") & candidate_keys_of(PETERSEN)


words = st.text("aäåbcçdeéghijlłmnoøœprsßtuüvyzı-’", min_size=1, max_size=8).filter(
    lambda word: any(letter in "abcdehimnoprstu" for letter in word)
)
names = st.builds(
    Name,
    family=st.lists(words, min_size=1, max_size=3).map(" ".join),
    given=st.lists(words, max_size=3).map(" ".join),
)
birth_dates = st.dates(date(1900, 1, 1), date(2026, 12, 31))
PRINTED = ["{given} {family}", "{family}, {given}", "Dr. {given} {family}", "Frau {given} {family}"]


@settings(max_examples=200)
@given(names, birth_dates, st.sampled_from(PRINTED))
def test_a_resident_always_matches_their_own_permit(name: Name, born: date, printed: str):
    resident = person(name, born.isoformat())
    holder = printed.format(given=name.given, family=name.family)
    assert statutory_match(resident, permit(holder, born.isoformat()))
    assert candidate_keys(holder, born.isoformat()) & candidate_keys_of(resident)


@settings(max_examples=200)
@given(names, birth_dates, birth_dates, st.booleans())
def test_another_birth_date_is_never_linked_by_the_statutory_rules(
    name: Name, born: date, printed: date, at_home: bool
):
    assume(born != printed)
    home = {"street": "Lange Str.", "house_number": "8a"} if at_home else {}
    holder = f"{name.given} {name.family}"
    found = only_link(person(name, born.isoformat()), permit(holder, printed.isoformat(), **home))
    assert found is None or found[0] is LinkedBy.SUGGESTED


@settings(max_examples=200)
@given(st.text(), st.text(max_size=10), st.text(max_size=30), st.text(max_size=8))
def test_no_permit_data_can_stop_the_linking(
    holder: str, birth_date: str, street: str, number: str
):
    odd = permit(holder, birth_date, street=street, house_number=number)
    assert (only_link(PETERSEN, odd) or (LinkedBy.SUGGESTED,))[0] is LinkedBy.SUGGESTED
    assert whose(replace(odd, key=KEY), (PETERSEN,)) is not None
    candidate_keys(holder, birth_date, street, number)
