"""A Rechtsbehelfsbelehrung that lacks something gives a year instead of a month (VwGO § 58)."""

from datetime import date

import pytest

from tasks.domain.remedy import doubts_in, look_again, missing_in
from tests.builders import DAY

AUTHORITY, STREET, PLACE = "Stadt Musterstadt", "Rathausplatz 1", "60000 Musterstadt"
WHOLE = (
    "Gegen diesen Bescheid können Sie innerhalb eines Monats nach seiner Bekanntgabe Widerspruch "
    "erheben. Der Widerspruch ist bei der Stadt Musterstadt, Rathausplatz 1, 60000 Musterstadt, "
    "schriftlich, in elektronischer Form nach § 3a Abs. 2 VwVfG oder zur Niederschrift einzulegen."
)


def missing(text: str) -> list[str]:
    return list(missing_in(text, AUTHORITY, STREET, PLACE))


def test_a_whole_instruction_lacks_nothing() -> None:
    assert missing(WHOLE) == []
    assert (
        missing(WHOLE.replace("Rathausplatz 1, 60000 Musterstadt", "Sitz 60001 Musterstadt")) == []
    )


@pytest.mark.parametrize(
    ("without", "what"),
    [
        ("innerhalb eines Monats", "by when"),
        ("bei der Stadt Musterstadt", "the authority"),
        ("Rathausplatz 1, 60000 Musterstadt, ", "its seat"),
        ("schriftlich", "„schriftlich“"),
        ("elektronischer", "„elektronisch“"),
        ("zur Niederschrift", "„zur Niederschrift“"),
    ],
)
def test_what_is_missing_is_named_with_how_to_say_it(without: str, what: str) -> None:
    (named,) = missing(WHOLE.replace(without, ""))

    assert what in named
    assert "§" in named


def test_another_period_is_no_month() -> None:
    assert "by when" in missing(WHOLE.replace("eines Monats", "von zwei Wochen"))[0]


@pytest.mark.parametrize("text", ["x", "Gegen diesen Bescheid ist Widerspruch möglich."])
def test_a_word_is_no_instruction(text: str) -> None:
    assert len(missing(text)) >= 6


def test_an_authority_is_recognised_in_any_case() -> None:
    text = WHOLE.replace(
        "bei der Stadt Musterstadt", "beim Oberbürgermeister der Freien Hansestadt Au"
    )
    assert list(missing_in(text, "Freie Hansestadt Au", STREET, PLACE)) == []


LAWSUIT = (
    "Gegen diesen Bescheid kann binnen eines Monats nach Bekanntgabe Klage beim Verwaltungsgericht "
    "Musterstadt, Gerichtsweg 2, 60001 Musterstadt, erhoben werden: schriftlich, zur Niederschrift "
    "der Urkundsbeamtin oder elektronisch nach § 55a VwGO."
)
WIDERSPRUCH = (
    "Sie können gegen diesen Bescheid Widerspruch einlegen. Die Frist beträgt einen Monat, nachdem "
    "er Ihnen bekanntgegeben wurde. Richten Sie ihn schriftlich, elektronisch nach § 3a "
    "Abs. 2 VwVfG oder zur Niederschrift an das Landratsamt Musterkreis, "
    "Kreisstraße 3, 60002 Kreis."
)


def test_where_there_is_no_widerspruch_the_court_its_seat_and_its_forms_are_asked_for() -> None:
    assert missing(LAWSUIT) == []
    assert list(doubts_in(LAWSUIT)) == []
    for without, what in (
        ("Verwaltungsgericht ", "the court"),
        ("60001", "its seat: of the court"),
        ("schriftlich", "VwGO § 81"),
        ("elektronisch", "VwGO § 55a"),
        ("binnen eines Monats", "VwGO § 74"),
    ):
        (named,) = missing(LAWSUIT.replace(without, ""))
        assert what in named


def test_the_authority_counts_also_where_a_court_is_named_in_passing() -> None:
    text = WHOLE.replace("Stadt Musterstadt", "Behörde") + " Danach entscheidet das Gericht."
    assert any("the authority" in one for one in missing(text))


def test_other_words_of_a_whole_instruction_are_understood() -> None:
    lacks = missing_in(WIDERSPRUCH, "Landratsamt Musterkreis", "Kreisstraße 3", "60002 Kreis")
    assert list(lacks) == []
    assert list(doubts_in(WIDERSPRUCH)) == []


@pytest.mark.parametrize(
    "period", ["innerhalb eines halben Monats", "binnen sechs Monaten", "bald"]
)
def test_no_other_period_passes_for_a_month(period: str) -> None:
    assert "by when" in missing(WHOLE.replace("innerhalb eines Monats", period))[0]


@pytest.mark.parametrize(
    ("old", "new", "doubt"),
    [
        ("nach seiner Bekanntgabe ", "", "from when"),
        ("seiner Bekanntgabe", "Zustellung", "Zustellung"),
        (" nach § 3a Abs. 2 VwVfG", "", "elektronisch"),
        ("einzulegen.", "einzulegen, auch per E-Mail.", "an e-mail were enough"),
    ],
)
def test_what_a_lawyer_may_want_to_look_at_is_a_doubt_and_no_lack(
    old: str, new: str, doubt: str
) -> None:
    (said,) = doubts_in(WHOLE.replace(old, new))

    assert doubt in said
    assert missing(WHOLE.replace(old, new)) == []
    assert list(doubts_in(WHOLE + " Eine einfache E-Mail reicht nicht aus.")) == []


def test_the_instruction_is_to_be_looked_at_again_from_sixty_days_before_its_day() -> None:
    by = date(2026, 12, 31)
    assert list(look_again(by, date(2026, 10, 31))) == []
    for day in (date(2026, 11, 1), by, by + DAY):
        (said,) = look_again(by, day)
        assert "2026-12-31" in said
