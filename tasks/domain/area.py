"""Which area (a parking zone, a school district) an address lies in: one, none or several."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AreaAnswer:
    """`areas` sorted; several is never guessed. `street_known`: a gap, not an unknown street."""

    areas: tuple[str, ...] = ()
    street_known: bool = False

    @property
    def only(self) -> str | None:
        return self.areas[0] if len(self.areas) == 1 else None


NO_AREA = AreaAnswer()
