"""What a city may write in an entry, and what is refused."""

import json
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tasks.domain.address import Address
from tasks.matching.spans import FIRST, LAST, Entry, Position, Span
from tasks.matching.zone_text import (
    BLANK_LETTER,
    HOW,
    LONE_DASH,
    ORTSTEIL,
    SIDES,
    SQUARES,
    Unreadable,
    read_entry,
)
from tasks.matching.zones import ZoneList

ROSTOCK = Path(__file__).parents[1] / "data/zones/rostock_bewohnerparkgebiete_2026-09-16.json"


def whole(street: str) -> Entry:
    return Entry(street)


def numbers(street: str, *spans: Span, all_but: bool = False) -> Entry:
    return Entry(street, spans, all_but)


def span(low: str, high: str = "", parity: int | None = None) -> Span:
    def number(text: str) -> Position:
        digits = text.rstrip("abcdefg")
        return int(digits), text[len(digits) :]

    return Span(number(low), number(high or low), parity)


ODD, EVEN = 1, 0


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("Alter Markt", whole("Alter Markt")),
        ("1. St.-Jürgen-Str.", whole("1. St.-Jürgen-Str.")),
        ("Querstr. III", whole("Querstr. III")),
        ("Johann-S.-Bach-Str.", whole("Johann-S.-Bach-Str.")),
        ("Oberhalb d. Gerberbruches", whole("Oberhalb d. Gerberbruches")),
        ("Straße des 17. Juni", whole("Straße des 17. Juni")),
        ("Straße-des-17.-Juni", whole("Straße-des-17.-Juni")),
        ("Platz des 20. Juli 1944", whole("Platz des 20. Juli 1944")),
        ("Platz der Jugend", whole("Platz der Jugend")),
        ("Straße 12", whole("Straße 12")),
        ("An der B96", whole("An der B96")),
        ("Kurze Gerade", whole("Kurze Gerade")),
        ("Hauptstr.: alle", whole("Hauptstr.")),
        ("Grubenstr. 25", numbers("Grubenstr.", span("25"))),
        ("Gerade Str. 5", numbers("Gerade Str.", span("5"))),
        ("Hauptstr. 12a", numbers("Hauptstr.", span("12a"))),
        ("Hauptstr. 12 A", numbers("Hauptstr.", span("12a"))),
        ("Straße 12: 3", numbers("Straße 12", span("3"))),
        ("Straße des 17. Juni 9-11", numbers("Straße des 17. Juni", span("9", "11"))),
        (
            "H: von 14 bis 20 und von 144 bis 160",
            numbers("H", span("14", "20"), span("144", "160")),
        ),
        ("H von 119a bis 130", numbers("H", span("119a", "130"))),
        ("H: alle außer 25", numbers("H", span("25"), all_but=True)),
        (
            "H: alle ausser 25, 27a und 30 bis 34",
            numbers("H", span("25"), span("27a"), span("30", "34"), all_but=True),
        ),
        ("H: ungerade Nr. von 1 bis 15", numbers("H", span("1", "15", ODD))),
        ("H: Ungerade Hausnummern 1–31", numbers("H", span("1", "31", ODD))),
        ("H: gerade Hausnummern", numbers("H", Span(parity=EVEN))),
        ("H nur gerade", numbers("H", Span(parity=EVEN))),
        ("H: alle ungeraden Nummern", numbers("H", Span(parity=ODD))),
        ("Hafen 2-20 (gerade)", numbers("Hafen", span("2", "20", EVEN))),
        (
            "H: 1–9 ungerade, 2 bis 8 gerade",
            numbers("H", span("1", "9", ODD), span("2", "8", EVEN)),
        ),
        ("H: ungerade 1–9 und 14", numbers("H", span("1", "9", ODD), span("14"))),
        ("H ab 30", numbers("H", Span((30, ""), LAST))),
        ("H: gerade Nr. ab 30", numbers("H", Span((30, ""), LAST, EVEN))),
        ("H: bis 20", numbers("H", Span(FIRST, (20, "")))),
        ("H: 1, 3, und 5", numbers("H", span("1"), span("3"), span("5"))),
    ],
)
def test_an_entry_is_read_as_the_city_means_it(text: str, entry: Entry) -> None:
    assert read_entry(text) == entry


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        ": 1",
        "H:",
        "H: A bis B",
        "H: von 5",
        "H: von 20 bis 14",
        "H: 5 7",
        "H: 5,",
        "H: 1/2",
        "H: 12345",
        "H 5.",
        "H 5 bis",
        "H.2-20",
        "H 25 und Umgebung",
        "H: 5: 7",
        "H: gerade 5",
        "H: ungerade gerade",
        "H: gerade 2–8 gerade",
        "H: ungerade 1–9 und 20–30",  # are the second ones odd, too?
        "H: 2–4, gerade",  # or is it the even ones besides?
        "Markt, Platz",
        "Schillerstr. (Warnemünde)",
        "Lange Str. Ecke Breite Str.",
        "von 1 bis 5",
        "alle außer 25",
    ],
)
def test_an_entry_that_could_mean_two_things_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        read_entry(text)


def test_a_range_ends_before_the_next_letter() -> None:
    to_119, from_119a = read_entry("H: von 36 bis 119"), read_entry("H: von 119a bis 130")
    assert [to_119.holds(n) for n in ((118, "z"), (119, ""), (119, "a"))] == [True, True, False]
    assert [from_119a.holds(n) for n in ((119, ""), (119, "a"), (130, ""), (130, "a"))] == [
        False,
        True,
        True,
        False,
    ]


def test_odd_and_even_sides_of_a_street_do_not_overlap() -> None:
    odd, even = read_entry("H: ungerade Nr. 1–31"), read_entry("H: gerade Nr. 2–30")
    sides = [(odd.holds((n, "")), even.holds((n, ""))) for n in range(1, 32)]
    assert all(a != b for a, b in sides)
    assert odd.holds((31, ""))
    assert not odd.holds((33, ""))
    assert odd.holds((29, "a"))


def _rostock_ranges() -> list[tuple[str, str, Span]]:
    found = []
    for zone in json.loads(ROSTOCK.read_text(encoding="utf-8")):
        for text in zone["adressen"].split(";"):
            entry = read_entry(text)
            found += [(zone["bezeichnung"].split()[0], text, part) for part in entry.spans]
    return found


@pytest.mark.parametrize(("zone", "text", "part"), _rostock_ranges())
def test_a_house_just_outside_a_range_of_rostock_is_outside(
    zone: str, text: str, part: Span
) -> None:
    entry = read_entry(text)
    zones = ZoneList([(zone, entry)])
    below, above = (part.low[0] - 1, ""), (part.high[0] + 1, "")
    inside = [part.low, part.high]

    def found(number: Position) -> bool:
        return zones.find(Address(entry.street, str(number[0]), number[1])).only == zone

    assert [found(number) for number in inside] == [not entry.all_but] * 2
    assert [found(number) for number in (below, above)] == [entry.all_but] * 2


house_numbers = st.tuples(st.integers(1, 999), st.sampled_from(["", "", "a", "b", "z"]))
parities = st.sampled_from([None, None, ODD, EVEN])


@st.composite
def spans(draw: st.DrawFn) -> tuple[Span, str]:
    """A span and one way to write it."""
    low, high = sorted((draw(house_numbers), draw(house_numbers)))
    shape = draw(st.sampled_from(["one", "range", "from", "to"]))
    parity = draw(parities)

    def said(number: Position) -> str:
        blank = draw(st.sampled_from(["", " "])) if number[1] else ""
        return f"{number[0]}{blank}{number[1]}"

    if shape == "one" or low == high:
        return Span(low, low), said(low)
    if shape == "range":
        joint = draw(st.sampled_from(["-", "–", " – ", " bis "]))
        start = draw(st.sampled_from(["", "von "]))
        part, text = Span(low, high, parity), f"{start}{said(low)}{joint}{said(high)}"
    elif shape == "from":
        part, text = Span(low, LAST, parity), f"ab {said(low)}"
    else:
        part, text = Span(FIRST, high, parity), f"bis {said(high)}"
    if parity is None:
        return part, text
    word = "ungerade" if parity else "gerade"
    noun = draw(st.sampled_from(["", " Nr.", " Hausnummern"]))
    before, after = f"{word}{noun} {text}", f"{text} ({word})"
    return part, draw(st.sampled_from([before, after]))


def _leaves_sides_open(parts: list[Span]) -> bool:
    """Ranges that begin and end on one side, beside numbers of the other side."""
    sides = {part.one_side() for part in parts} - {None}
    singles = {part.low[0] % 2 for part in parts if part.low == part.high}
    return len(sides) > 1 or bool(sides and singles - sides)


streets = st.sampled_from(
    ["Alter Markt", "Straße des 17. Juni", "Querstr. III", "1. St.-Jürgen-Str.", "Am Strom"]
)


@settings(max_examples=300)
@given(streets, st.lists(spans(), max_size=4), st.booleans(), st.data())
def test_every_entry_of_the_grammar_is_read_back(
    street: str, parts: list[tuple[Span, str]], all_but: bool, data: st.DataObject
) -> None:
    marked = [part.parity is not None for part, _ in parts]
    ranges = [part.low != part.high for part, _ in parts]
    assume(
        not any(marked) or all(m for m, is_range in zip(marked, ranges, strict=True) if is_range)
    )
    assume(any(marked) or not _leaves_sides_open([part for part, _ in parts]))
    if not parts:
        assert read_entry(street) == Entry(street)
        return
    joints = [data.draw(st.sampled_from([", ", " und ", ", und ", " sowie "])) for _ in parts[1:]]
    rule = parts[0][1] + "".join(j + text for j, (_, text) in zip(joints, parts[1:], strict=True))
    colon = data.draw(st.sampled_from([": ", " "]))
    text = f"{street}{colon}{'alle außer ' if all_but else ''}{rule}"
    assert read_entry(text) == Entry(street, tuple(part for part, _ in parts), all_but)


@settings(max_examples=300)
@given(st.text(alphabet="AbStr. :,;-–()0123456789 bisundvonalleaußergerade", max_size=40))
def test_whatever_is_written_is_read_or_refused_but_never_crashes(text: str) -> None:
    try:
        entry = read_entry(text)
    except Unreadable:
        return
    assert any(letter.isalpha() for letter in entry.street)
    assert all(part.low <= part.high for part in entry.spans)


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        (
            "Eichenfeldstraße 1-11 und 2-8",
            numbers("Eichenfeldstraße", span("1", "11", ODD), span("2", "8", EVEN)),
        ),
        ("H: 2–8, 1–11", numbers("H", span("2", "8", EVEN), span("1", "11", ODD))),
        ("H: 1-9 und 21-29", numbers("H", span("1", "9"), span("21", "29"))),
        (
            "Hauptstr. 2-20 (ger.), 1-31 ung.",
            numbers("Hauptstr.", span("2", "20", EVEN), span("1", "31", ODD)),
        ),
        (
            "Hauptstr. 1 - 11 unger. u. 2 - 8 ger.",
            numbers("Hauptstr.", span("1", "11", ODD), span("2", "8", EVEN)),
        ),
        ("Hauptstr. (ger.)", numbers("Hauptstr.", Span(parity=EVEN))),
        ("Hauptstr. gerade Seite", numbers("Hauptstr.", Span(parity=EVEN))),
        ("Hauptstr. 1–20 fortlaufend", numbers("Hauptstr.", span("1", "20"))),
        ("H: fortl. 1–7, 12–20 fortl.", numbers("H", span("1", "7"), span("12", "20"))),
        ("H: 1-9 beidseitig", numbers("H", span("1", "9"))),
        (
            "H: zwischen den Hausnummern 3 und 11",
            numbers("H", Span((3, ""), (11, ""), between=True)),
        ),
        (
            "H: zwischen Nr. 3 und 11, 20",
            numbers("H", Span((3, ""), (11, ""), between=True), span("20")),
        ),
        ("H: 30 bis Ende", numbers("H", Span((30, ""), LAST))),
        ("H: von 1 bis einschl. 20", numbers("H", span("1", "20"))),
        ("H: 12a-c", numbers("H", span("12a", "12c"))),
        ("H: ohne 25", numbers("H", span("25"), all_but=True)),
        ("Hauptstr. komplett", whole("Hauptstr.")),
        ("Hauptstr.: ganze Straße", whole("Hauptstr.")),
        ("Hauptstr., Nr. 1-20", numbers("Hauptstr.", span("1", "20"))),
        ("Hauptstr. (1-20)", numbers("Hauptstr.", span("1", "20"))),
        ("Hauptstr. - 1-20", numbers("Hauptstr.", span("1", "20"))),
        ("Am Markt – alle Hausnummern", whole("Am Markt")),
        ("Hauptstr. ab Haus-Nr. 30", numbers("Hauptstr.", Span((30, ""), LAST))),
        ("Hauptstr. (ungerade) 1-31", numbers("Hauptstr.", span("1", "31", ODD))),
        ("Hauptstr. (gerade Nummern von 2 bis 38)", numbers("Hauptstr.", span("2", "38", EVEN))),
        ("Hauptstr. Hs.-Nr. 5", numbers("Hauptstr.", span("5"))),
        ("Hauptstr. ganz", whole("Hauptstr.")),
        ("Hauptstr. ab Nr. 20 bis Ende", numbers("Hauptstr.", Span((20, ""), LAST))),
        (
            "Kaiserstr. 1 - 25 ungerade / 2 - 30 gerade",
            numbers("Kaiserstr.", span("1", "25", ODD), span("2", "30", EVEN)),
        ),
        (
            "Kaiserstr. 1-25 / 2-30",
            numbers("Kaiserstr.", span("1", "25", ODD), span("2", "30", EVEN)),
        ),
        ("Unter den Linden 4", numbers("Unter den Linden", span("4"))),
        ("C 4", whole("C 4")),
        ("C4", whole("C4")),
        ("Auf der Sonnenseite", whole("Auf der Sonnenseite")),
        ("Westliche Ringstraße", whole("Westliche Ringstraße")),
        ("C 4, 12-20", numbers("C 4", span("12", "20"))),
        ("C 4: 12-20", numbers("C 4", span("12", "20"))),
    ],
)
def test_an_entry_as_cities_write_it_is_read_where_it_has_one_reading(
    text: str, entry: Entry
) -> None:
    assert read_entry(text) == entry


@pytest.mark.parametrize(
    ("text", "how"),
    [
        ("H: 1–7 und 12–20", SIDES),
        ("H: 1–11, 2–8, 20–31", SIDES),
        ("H: 1–11, 4", SIDES),
        ("H: 1–11, 2–8, 30", SIDES),
        ("H: gerade 2–8, 12–20", SIDES),
        ("Hauptstr. 1–7 und 12–20", SIDES),
        ("Hauptstr. 1-31 u, 2-30 g", BLANK_LETTER),
        ("Hauptstr. 12 g", BLANK_LETTER),
        ("C 1-8", SQUARES),
        ("Schillerstr. (Warnemünde)", ORTSTEIL),
        ("Schillerstr. [123]", ORTSTEIL),
        ("Schillerstr. []", ORTSTEIL),
        ("H: 12-c", HOW),
        ("H: fortlaufend gerade 2-8", HOW),
        ("Hauptstr. 1/3", HOW),
        ("Hauptstr. 4 / 1", HOW),
        ("Hauptstr. - 5", LONE_DASH),
        ("Hauptstr. #5", HOW),
        ("Hauptstr. > 15", HOW),
        ("Hauptstr. >= 15", HOW),
        ("Hauptstr. über 15", HOW),
        ("Hauptstr. unter 15", HOW),
        ("Hauptstr. tlw.", HOW),
        ("gesamte Hauptstr.", HOW),
        ("Hauptstr. und Nebenstr.", HOW),
        ("Hauptstr. linke Seite 5", HOW),
        ("Hauptstr. linke Seite", HOW),
        ("Hauptstr. Ostseite", HOW),
        ("Hauptstr. ab Kreuzung Ring", HOW),
        ("Hauptstr. südlicher Teil", HOW),
    ],
)
def test_a_refusal_says_how_to_write_it(text: str, how: str) -> None:
    with pytest.raises(Unreadable) as error:
        read_entry(text)
    assert error.value.how == how
