"""Which area (a parking zone, a school district) an address lies in: one, none or several."""

from dataclasses import dataclass
from enum import StrEnum


class Doubt(StrEnum):
    """What an area list leaves open. Stored: never rename a value."""

    GAP = "gap"  # the house number lies between two entries of its street
    SUFFIX = "suffix"  # the list does not say where a letter or further digit of this number lies
    BORDER = "border"  # „zwischen 3 und 11“: are 3 and 11 meant?
    NUMBER = "number"  # the house has no number, or several
    PLACE = "place"  # the list names the street, but not in this Ortsteil or postcode
    POSTCODE = "postcode"  # another postcode or town than before, and the list names none


# For the clerk's question: why the answer is open.
DOUBTS = {
    Doubt.GAP: "Its house number lies between two entries of the list.",
    Doubt.SUFFIX: "The list does not say where this letter or digit of the house number lies.",
    Doubt.BORDER: "The list says „zwischen“, and this is one of the two ends.",
    Doubt.NUMBER: "The house has no number, or several, and the list tells numbers apart.",
    Doubt.PLACE: "The list names this street, but not in this Ortsteil or postcode.",
    Doubt.POSTCODE: "Postcode or town is not that of the home before, and the list names none.",
}


@dataclass(frozen=True, slots=True)
class AreaAnswer:
    """`areas` sorted; several is never guessed. `street_known`: a gap, not an unknown street.

    With a `doubt` the areas are only candidates, be it a single one.
    """

    areas: tuple[str, ...] = ()
    street_known: bool = False
    doubt: Doubt | None = None

    @property
    def only(self) -> str | None:
        return self.areas[0] if len(self.areas) == 1 and self.doubt is None else None


NO_AREA = AreaAnswer()
