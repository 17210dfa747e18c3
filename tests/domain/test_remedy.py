"""A Rechtsbehelfsbelehrung that lacks something gives a year instead of a month (VwGO § 58)."""

import pytest

from tasks.domain.remedy import missing_in

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
