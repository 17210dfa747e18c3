"""The tables of the permit register, in a database of the municipality's own."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import date, datetime
from functools import partial
from typing import Any, ClassVar

from sqlalchemy import JSON, Boolean, Column, Date, DateTime, Index, MetaData, TypeDecorator
from sqlalchemy.engine import RowMapping
from sqlmodel import Field, SQLModel

from tasks.domain.person import PersonKey
from tasks.domain.plate import LONGEST as LONGEST_PLATE
from tasks.domain.record import ACTIVE, RESIDENT, Permit
from tasks.domain.text import plain, tidy
from tasks.records.values import form, kind, status, stored_day, stored_text, stored_yes_no

_DATES = ("valid_from", "valid_until")
_OWN = ("number", *_DATES)
_SAME = tuple(f.name for f in fields(Permit) if f.name not in ("key", "unread"))


class _Day(TypeDecorator[Any]):
    """Read as it is there: a date that somebody has typed must not stop the whole query."""

    impl, cache_ok = Date, True

    def result_processor(self, dialect: Any, coltype: object) -> None:
        return None


class _YesNo(TypeDecorator[Any]):
    """The same."""

    impl, cache_ok = Boolean, True

    def result_processor(self, dialect: Any, coltype: object) -> None:
        return None


class Register(SQLModel):
    """Its own metadata: these tables never turn up in another database."""

    metadata: ClassVar[MetaData] = MetaData()


class RegisterOwner(Register, table=True):
    """Whose register this is: one row. Here and not in the state, since here it says so to every
    installation, whatever the address, and goes with every copy and backup."""

    __tablename__ = "register_owner"

    row: int = Field(default=1, primary_key=True)
    municipality: str


class ParkingPermit(Register, table=True):
    __tablename__ = "parking_permit"
    __table_args__ = (Index("parking_permit_key", "key_number", "key_ags"),)

    number: str = Field(primary_key=True)
    zone: str
    valid_from: date = Field(sa_type=_Day)
    valid_until: date = Field(sa_type=_Day)
    plate: str
    holder: str
    birth_date: str = ""
    key_ags: str | None = None
    key_number: str | None = None
    street: str = ""
    house_number: str = ""
    kind: str = RESIDENT
    status: str = ACTIVE
    standing_application: bool = Field(default=False, sa_type=_YesNo)
    email: str = ""
    email_consent: bool = Field(default=False, sa_type=_YesNo)
    form: str = ""
    version: int = 1  # one more with every write


class PermitCandidate(Register, table=True):
    """By what a permit can be found: its key may be missing or wrong."""

    __tablename__ = "permit_candidate"

    permit: str = Field(primary_key=True, foreign_key="parking_permit.number", ondelete="CASCADE")
    candidate: str = Field(primary_key=True, index=True)


class AppliedEffect(Register, table=True):
    """An effect that was carried out, by its idempotency key, with the way back."""

    __tablename__ = "applied_effect"

    key: str = Field(primary_key=True)
    permit: str = Field(index=True)
    kind: str
    applied_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    created: str = Field(default="", index=True)  # number of the permit it created
    in_force: bool = True  # False once taken back, and for what took it back
    before: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    after: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    data: dict[str, str] = Field(sa_column=Column(JSON, nullable=False))


def to_row(permit: Permit) -> dict[str, Any]:
    row = {name: getattr(permit, name) for name in _SAME}
    row["key_ags"] = permit.key.ags if permit.key else None
    row["key_number"] = permit.key.number if permit.key else None
    return row


def to_permit(row: RowMapping) -> Permit:
    """A row as somebody has written it. What cannot be read is named, and holds a value that is
    nobody's."""
    unread: list[str] = []

    def read(name: str, how: Callable[[object], Any], instead: Any) -> Any:
        try:
            return how(row[name])
        except ValueError:
            unread.append(name)
            return instead

    required = partial(stored_text, required=True)
    key = PersonKey(str(row["key_ags"] or ""), tidy(str(row["key_number"])))
    return Permit(
        number=str(row["number"]),
        zone=read("zone", required, ""),
        valid_from=read("valid_from", stored_day, date.min),
        valid_until=read("valid_until", stored_day, date.max),
        plate=tidy(read("plate", partial(required, longest=LONGEST_PLATE), "")),
        holder=read("holder", required, ""),
        birth_date=read("birth_date", stored_text, ""),
        key=key if row["key_number"] else None,
        street=read("street", stored_text, ""),
        house_number=read("house_number", stored_text, ""),
        kind=kind(read("kind", stored_text, "")),
        status=status(read("status", stored_text, "")),
        standing_application=read("standing_application", stored_yes_no, False),
        email=read("email", stored_text, ""),
        email_consent=read("email_consent", stored_yes_no, False),
        form=form(read("form", stored_text, "")),
        unread=tuple(unread),
    )


def to_json(state: Mapping[str, Permit | None]) -> dict[str, Any]:
    return {number: _flat(permit) if permit else None for number, permit in state.items()}


def from_json(stored: dict[str, Any]) -> dict[str, Permit | None]:
    return {number: _permit(flat) if flat else None for number, flat in stored.items()}


def _flat(permit: Permit) -> dict[str, Any]:
    """Without `unread`: no effect touches a row that cannot be read."""
    flat = {name: getattr(permit, name) for name in _SAME}
    key = {"ags": permit.key.ags, "number": permit.key.number} if permit.key else None
    return {**flat, **{name: flat[name].isoformat() for name in _DATES}, "key": key}


def _permit(flat: dict[str, Any]) -> Permit:
    key = PersonKey(**flat["key"]) if flat["key"] else None
    texts = {n: plain(v) for n, v in flat.items() if isinstance(v, str) and n not in _OWN}
    flat = flat | texts | {"plate": tidy(flat["plate"])}  # as a row is read
    return Permit(**{**flat, **{n: date.fromisoformat(flat[n]) for n in _DATES}, "key": key})
