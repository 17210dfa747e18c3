"""Reads permits from CSV or JSON Lines, and takes them over into the register.

Columns in any order; docs/operations.md tells the form of each. A file with any other column is
refused: a slip in a name must not lose a column, and we keep no more data than we need.
"""

import csv
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TextIO

from tasks.domain.person import PartialDate, PersonKey
from tasks.domain.record import Permit
from tasks.records.sql import SqlPermitRegister
from tasks.records.storing import Stored

REQUIRED = ("permit_no", "name", "plate", "zone", "valid_from", "valid_until")
OPTIONAL = (
    *("holder_ags", "holder_ordnungsmerkmal", "birth_date", "standing_application"),
    *("street", "house_number", "email", "email_consent", "status"),
)
_KNOWN = f"the known ones are {', '.join(REQUIRED + OPTIONAL)}"
_YES_NO = {
    **dict.fromkeys(("true", "1", "ja", "yes"), True),
    **dict.fromkeys(("", "false", "0", "nein", "no"), False),
}
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class ImportProblem:
    """Why a line was not taken over; no values of the file."""

    line: int  # 0: the file as a whole, or (with `permit`) the register
    column: str
    reason: str
    permit: str = ""  # the number, where only the register could tell

    def __str__(self) -> str:
        place = f"permit {self.permit}" if self.permit else f"line {self.line}"
        return ", ".join(text for text in (place, self.column) if text) + f": {self.reason}"


@dataclass(frozen=True, slots=True)
class ImportResult:
    new: int
    changed: int
    unchanged: int
    problems: tuple[ImportProblem, ...]


class _Bad(ValueError):
    """`args`: column and reason."""


def read_permits(path: Path) -> Iterator[Permit | ImportProblem]:
    """JSON Lines if the name ends in .jsonl or .ndjson, else CSV with comma or semicolon."""
    read = _json_lines if path.suffix.lower() in {".jsonl", ".ndjson"} else _csv_lines
    try:
        # What is not UTF-8 is refused where it stands, so that one bad line stops no other.
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            for line, row in read(file):
                yield row if isinstance(row, ImportProblem) else _permit_or_problem(line, row)
    except OSError:
        yield ImportProblem(0, "", "the file cannot be read")


def import_permits(
    register: SqlPermitRegister, permits: Iterable[Permit | ImportProblem]
) -> ImportResult:
    """Takes over what is new or changed; the same file again changes nothing."""
    count = dict.fromkeys(Stored, 0)
    problems: list[ImportProblem] = []
    seen: set[str] = set()
    batch: list[Permit] = []

    def flush() -> None:
        for permit, stored in zip(batch, register.store(batch), strict=True):
            count[stored] += 1
            if stored == Stored.CONTRADICTS:
                reason = "contradicts what was changed here meanwhile"
                problems.append(ImportProblem(0, "", reason, permit.number))
        batch.clear()

    for permit in permits:
        if isinstance(permit, ImportProblem):
            problems.append(permit)
        elif permit.number in seen:
            problems.append(ImportProblem(0, "permit_no", "twice in the file", permit.number))
        else:
            seen.add(permit.number)
            batch.append(permit)
        if len(batch) == _BATCH:
            flush()
    flush()
    return ImportResult(
        count[Stored.NEW], count[Stored.CHANGED], count[Stored.UNCHANGED], tuple(problems)
    )


def _csv_lines(file: TextIO) -> Iterator[tuple[int, Mapping[str, Any] | ImportProblem]]:
    header_line = file.readline()
    delimiter = ";" if header_line.count(";") > header_line.count(",") else ","
    header = [name.strip() for name in next(csv.reader([header_line], delimiter=delimiter), [])]
    if problem := _header_problem(header):
        yield 1, problem
        return
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            line = reader.line_num + 1
            if len(cells) == len(header):
                yield line, dict(zip(header, cells, strict=True))
            elif any(cells):
                yield line, ImportProblem(line, "", f"{len(cells)} cells instead of {len(header)}")
    except csv.Error:
        line = reader.line_num + 1
        yield line, ImportProblem(line, "", "not CSV; nothing after it was read")


def _header_problem(header: list[str]) -> ImportProblem | None:
    if problem := _unknown(1, header):
        return problem
    for name in header:
        if header.count(name) > 1:
            return ImportProblem(1, name, "the column is there twice")
    missing = [name for name in REQUIRED if name not in header]
    return ImportProblem(1, missing[0], "the column is missing") if missing else None


def _unknown(line: int, names: Iterable[str]) -> ImportProblem | None:
    given = list(names)
    unknown = [name for name in given if name not in REQUIRED + OPTIONAL]
    if not unknown:
        return None
    if len(unknown) == len(given):  # perhaps no header but the first permit: nothing is quoted
        return ImportProblem(line, "", f"no column that is known; {_KNOWN}")
    shown = ", ".join(name[:40] for name in unknown if name.isprintable())
    return ImportProblem(line, shown, f"not a known column; {_KNOWN}")


def _json_lines(file: TextIO) -> Iterator[tuple[int, Mapping[str, Any] | ImportProblem]]:
    for line, text in enumerate(file, start=1):
        if not text.strip():
            continue
        try:
            row = json.loads(text)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict):
            yield line, ImportProblem(line, "", "not a JSON object")
        elif problem := _unknown(line, row):
            yield line, problem
        else:
            yield line, row


def _permit_or_problem(line: int, row: Mapping[str, Any]) -> Permit | ImportProblem:
    try:
        return _permit(row)
    except _Bad as error:
        return ImportProblem(line, *error.args)


def _permit(row: Mapping[str, Any]) -> Permit:
    text = {name: _text(row, name) for name in REQUIRED + OPTIONAL}
    for name in REQUIRED:
        if not text[name]:
            raise _Bad(name, "empty")
    status = text["status"].lower() or "active"
    if status not in {"active", "ended"}:
        raise _Bad("status", "neither active nor ended")
    permit = Permit(
        number=text["permit_no"],
        zone=text["zone"],
        valid_from=_day(text, "valid_from"),
        valid_until=_day(text, "valid_until"),
        plate=text["plate"],
        holder=text["name"],
        birth_date=_birth_date(text["birth_date"]),
        key=_key(text["holder_ags"], text["holder_ordnungsmerkmal"]),
        street=text["street"],
        house_number=text["house_number"],
        status=status,
        standing_application=_yes_no(text, "standing_application"),
        email=text["email"],
        email_consent=_yes_no(text, "email_consent"),
    )
    if permit.valid_until < permit.valid_from:
        raise _Bad("valid_until", "before valid_from")
    return permit


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        raise _Bad(name, "not a text")
    text = value.strip()
    if not text.isascii() or not text.isprintable():
        kinds = {unicodedata.category(letter) for letter in text}
        if "Cs" in kinds:
            raise _Bad(name, "not UTF-8")
        if "Cc" in kinds:
            raise _Bad(name, "has control characters")
    return text


def _day(text: Mapping[str, str], name: str) -> date:
    try:
        day = PartialDate.parse(text[name]).full()
    except ValueError:
        day = None
    if day is None:
        raise _Bad(name, "not a date (YYYY-MM-DD)")
    return day


def _birth_date(text: str) -> str:
    try:
        return str(PartialDate.parse(text))
    except ValueError:
        raise _Bad("birth_date", "neither a date nor YYYY-MM nor YYYY") from None


def _yes_no(text: Mapping[str, str], name: str) -> bool:
    answer = _YES_NO.get(text[name].lower())
    if answer is None:
        raise _Bad(name, "neither true nor false")
    return answer


def _key(ags: str, number: str) -> PersonKey | None:
    if not ags and not number:
        return None
    if not re.fullmatch("[0-9]{8}", ags):
        raise _Bad("holder_ags", "not eight digits")
    if not number:
        raise _Bad("holder_ordnungsmerkmal", "empty, though holder_ags is there")
    return PersonKey(ags, number)
