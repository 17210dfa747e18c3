"""The tables of the permit register, in a database of the municipality's own."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, Column, DateTime, Index, MetaData
from sqlalchemy.engine import RowMapping
from sqlmodel import Field, SQLModel

from tasks.domain.person import PersonKey
from tasks.domain.record import Permit

_DATES = ("valid_from", "valid_until")
_SAME = tuple(f.name for f in fields(Permit) if f.name != "key")


class Register(SQLModel):
    """Its own metadata: these tables never turn up in another database."""

    metadata: ClassVar[MetaData] = MetaData()


class ParkingPermit(Register, table=True):
    __tablename__ = "parking_permit"
    __table_args__ = (Index("parking_permit_key", "key_number", "key_ags"),)

    number: str = Field(primary_key=True)
    zone: str
    valid_from: date
    valid_until: date
    plate: str
    holder: str
    birth_date: str = ""
    key_ags: str | None = None
    key_number: str | None = None
    street: str = ""
    house_number: str = ""
    status: str = "active"
    standing_application: bool = False
    email: str = ""
    email_consent: bool = False
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
    key = PersonKey(row["key_ags"], row["key_number"]) if row["key_number"] else None
    return Permit(**{name: row[name] for name in _SAME}, key=key)


def to_json(state: Mapping[str, Permit | None]) -> dict[str, Any]:
    return {number: _flat(permit) if permit else None for number, permit in state.items()}


def from_json(stored: dict[str, Any]) -> dict[str, Permit | None]:
    return {number: _permit(flat) if flat else None for number, flat in stored.items()}


def _flat(permit: Permit) -> dict[str, Any]:
    flat = asdict(permit)
    return {**flat, **{name: flat[name].isoformat() for name in _DATES}}


def _permit(flat: dict[str, Any]) -> Permit:
    key = PersonKey(**flat["key"]) if flat["key"] else None
    return Permit(**{**flat, **{n: date.fromisoformat(flat[n]) for n in _DATES}, "key": key})
