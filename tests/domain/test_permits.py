"""What a rule may ask of permits."""

import pytest

from tasks.domain.permits import is_printed
from tasks.domain.person import Name

BRANDT = Name("Brandt", "Antje Marie", usual="Antje")


@pytest.mark.parametrize(
    ("holder", "printed"),
    [
        ("Antje Brandt", True),
        ("Dr. Antje Brandt", True),
        ("Antje M. Brandt", True),
        ("Brandt, Antje", True),
        ("Brandt, Dr. Antje Marie", True),
        ("BRANDT, ANTJE", True),
        ("Antje Roth", False),
        ("Roth, Antje", False),
        ("Brandt, Ute", False),
        ("Brandt, A.", False),
        ("Brandt", False),
        ("Antje Brandt-Roth", False),
        ("", False),
    ],
)
def test_a_name_is_printed_however_permit_systems_write_it(holder: str, printed: bool) -> None:
    assert is_printed(BRANDT, holder) is printed


@pytest.mark.parametrize("holder", ["Hans Graf von Neuenwalde", "Neuenwalde, Hans Graf von"])
def test_what_stands_before_a_family_name_may_be_printed_after_the_forename(holder: str) -> None:
    assert is_printed(Name("Graf von Neuenwalde", "Hans"), holder)
    assert not is_printed(Name("von Neuenwalde", "Hans"), holder)


def test_a_letter_with_a_sign_of_its_own_is_the_same_as_letter_and_sign() -> None:
    assert is_printed(Name("M\u00fcller", "Jos\u00e9"), "Jose\u0301 Mu\u0308ller")
    assert not is_printed(Name("Müller", "José"), "José Muller")
