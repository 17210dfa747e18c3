"""A person as the population registry describes them: only the fields that a service needs.

Data minimisation (Art. 5 DSGVO) starts here: religion, nationality, identity documents and tax
number of a delivery are never read into these types.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from tasks.domain.address import Address

# Sperren that say nothing about the address (XMeld code list Auskunftssperre v7): religious
# bodies, jubilees, parties, Bundeswehr, address books. All others keep a case out of the automatic
# lane (3 and 11 are BMG § 51 Abs. 1; 1, 6 and 12 are Abs. 5), and so does a code not known yet.
OTHER_LOCKS = frozenset({"2", "5", "7", "10", "13"})


@dataclass(frozen=True, slots=True)
class PersonKey:
    """The registry's own key. `number` (Ordnungsmerkmal) keeps its leading zeros.

    BMG § 4 Abs. 3: it is for the registry only. It never goes into a letter, a log or Prefect.
    """

    ags: str  # amtlicher Gemeindeschlüssel, 8 digits
    number: str


@dataclass(frozen=True, slots=True, order=True)
class PartialDate:
    """A date of which the registry may know the year, year and month, or nothing (DSMeld 0601)."""

    year: int | None = None
    month: int | None = None
    day: int | None = None

    @classmethod
    def parse(cls, text: str) -> "PartialDate":
        """From `""`, `1971`, `1990-06` or `1984-03-12`. Raises ValueError on anything else."""
        if not text:
            return cls()
        parts = [int(part) for part in text.split("-")]
        if len(parts) > 3 or [len(part) for part in text.split("-")] != [4, 2, 2][: len(parts)]:
            raise ValueError("not a partial date")
        year, month, day = [*parts, None, None, None][:3]
        # Rejects 2026-02-30, 1990-13 and also 1990-00, which would not be an unknown month.
        date(*(1 if part is None else part for part in (year, month, day)))
        return cls(year, month, day)

    def __str__(self) -> str:
        known = [self.year, self.month, self.day]
        if self.year is None:
            return ""
        return "-".join(
            f"{part:0{4 if i == 0 else 2}d}" for i, part in enumerate(known) if part is not None
        )

    def full(self) -> date | None:
        """The day, or None where a part of it is unknown."""
        if self.year is None or self.month is None or self.day is None:
            return None
        return date(self.year, self.month, self.day)

    def latest(self) -> date | None:
        """The last day it can be: someone is surely 18 only counted from this day."""
        if self.year is None:
            return None
        if self.month is None:
            return date(self.year, 12, 31)
        if self.day is None:
            following = date(self.year + self.month // 12, self.month % 12 + 1, 1)
            return date.fromordinal(following.toordinal() - 1)
        return date(self.year, self.month, self.day)


@dataclass(frozen=True, slots=True)
class Name:
    """Names as DSMeld keeps them. An empty `given` is „Name zu Recht nicht vorhanden“."""

    family: str  # 0101a Familienname, unstrukturiert
    given: str = ""  # 0301 Vornamen, separated by blanks; a hyphen joins two into one name
    usual: str = ""  # gebräuchlicher Vorname
    birth: str = ""  # 0201a Geburtsname
    former: tuple[str, ...] = ()  # 0203a Familienname vor Änderung
    order: str = ""  # 0501 Ordensname
    artist: str = ""  # 0502 Künstlername
    doctor: str = ""  # 0401 Doktorgrad

    def full(self) -> str:
        """As it stands above an address: Doktorgrad, Vornamen, Familienname."""
        return " ".join(part for part in (self.doctor, self.given, self.family) if part)


class DwellingStatus(StrEnum):
    SOLE = "0"
    MAIN = "1"
    SECONDARY = "2"


@dataclass(frozen=True, slots=True)
class Dwelling:
    """One `wohnung`. A real move leaves the old one behind with `current=False`."""

    address: Address
    status: DwellingStatus = DwellingStatus.SOLE
    current: bool = True
    moved_in: date | None = None  # 1301 datumDesBeziehens; None: unknown
    moved_out: PartialDate = PartialDate()
    status_changed: date | None = None  # datumDesWohnungsstatuswechsels
    registered: date | None = None  # datumAnmeldungBeiAnmeldebehoerde
    conditional_lock: bool = False  # bedingter Sperrvermerk, BMG § 52 (a protected facility)


@dataclass(frozen=True, slots=True)
class Lock:
    """One `auskunftssperre`. Only reasons 3 and 11 have an end (DSMeld 1802)."""

    reason: str
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """A full snapshot of one person, as every XMeldIT record carries it."""

    key: PersonKey
    name: Name
    born: PartialDate = PartialDate()
    sex: str = ""  # code list Geschlecht: m, w, d, x
    died: PartialDate | None = None
    locks: tuple[Lock, ...] = ()
    dwellings: tuple[Dwelling, ...] = ()
    children: tuple[PersonKey, ...] = ()
    guardians: tuple[PersonKey, ...] = ()  # gesetzliche Vertreter that are registered persons
    has_guardian: bool = False  # any gesetzlicher Vertreter, also an authority or one by name

    def home(self) -> Dwelling | None:
        """The current dwelling in the person's own municipality that counts: main before secondary.

        A dwelling in another municipality may be `current` too (after code 202); it is not home.
        """
        return min(self.current_here(), key=lambda dwelling: dwelling.status, default=None)

    def current_here(self) -> tuple[Dwelling, ...]:
        """All current dwellings in the person's own municipality, main and secondary."""
        return tuple(d for d in self.dwellings if d.current and self._is_here(d))

    def left_to(self) -> Dwelling | None:
        """The current dwelling elsewhere, where there is one."""
        away = [d for d in self.dwellings if d.current and not self._is_here(d)]
        return min(away, key=lambda dwelling: dwelling.status, default=None)

    def main(self) -> Dwelling | None:
        """The current dwelling a letter goes to: the main or sole one, wherever it lies."""
        current = [d for d in self.dwellings if d.current]
        return min(current, key=lambda d: (d.status, not self._is_here(d)), default=None)

    def reached_at(self, today: date) -> Dwelling | None:
        """Where a letter goes today. A move that lies ahead is registered already."""
        home = self.main()
        if home is None or home.moved_in is None or home.moved_in <= today:
            return home
        old = [d for d in self.dwellings if (d.moved_out.full() or today) > today]
        return min(old, key=lambda dwelling: dwelling.status, default=home)

    def lived_in(self, day: date) -> Dwelling | None:
        """Where in the municipality the person lives on that day, by the days of moving in and out;
        `home` may be one to come, or one that was left."""

        def lasts(dwelling: Dwelling) -> bool:
            begun = dwelling.moved_in is None or dwelling.moved_in <= day
            return begun and (dwelling.current or (dwelling.moved_out.full() or day) > day)

        here = [d for d in self.dwellings if self._is_here(d) and lasts(d)]
        return min(here, key=lambda dwelling: (dwelling.status, not dwelling.current), default=None)

    def left_last(self) -> Dwelling | None:
        """The dwelling in the municipality that was given up last, as far as the days are known."""
        left = [d for d in self.dwellings if self._is_here(d) and not d.current]
        return max(left, key=lambda d: d.moved_out.latest() or date.min, default=None)

    def _is_here(self, dwelling: Dwelling) -> bool:
        return dwelling.address.ags == self.key.ags and not dwelling.address.country

    def address_locks(self, today: date) -> tuple[Lock, ...]:
        """Locks in force today that keep the address out of the automatic lane (BMG § 51)."""
        return tuple(
            lock
            for lock in self.locks
            if lock.reason not in OTHER_LOCKS and (lock.until is None or lock.until >= today)
        )

    def age(self, today: date) -> int | None:
        """Completed years, counted from the last day the birthday can be; None if unknown."""
        born = self.born.latest()
        if born is None:
            return None
        return today.year - born.year - ((today.month, today.day) < (born.month, born.day))
