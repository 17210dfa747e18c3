"""Reads permits from CSV or JSON Lines, and takes them over into the register.

CSV as spreadsheets of German offices write it: `;`, `,` or tab, a line `sep=;`, UTF-8, UTF-16 or
Windows-1252, days as 2026-03-01 or 01.03.2026, empty rows at the end. Columns in any order;
docs/operations.md tells the form of each. A file with any other column is refused: a slip in a name
must not lose a column, and we keep no more data than we need.
"""

import csv
import io
import json
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tasks.domain.person import PersonKey
from tasks.domain.plate import LONGEST as LONGEST_PLATE
from tasks.domain.record import Permit
from tasks.domain.text import plain, tidy
from tasks.records import values
from tasks.records.sql import SqlPermitRegister
from tasks.records.storing import Stored

REQUIRED = ("permit_no", "name", "plate", "zone", "valid_from", "valid_until")
OPTIONAL = (
    *("holder_ags", "holder_ordnungsmerkmal", "birth_date", "standing_application"),
    *("street", "house_number", "email", "email_consent", "kind", "status", "form"),
)
_KNOWN = f"the known ones are {', '.join(REQUIRED + OPTIONAL)}"
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


def read_permits(
    path: Path, key_lengths: frozenset[int] = frozenset()
) -> Iterator[Permit | ImportProblem]:
    """JSON Lines if the name ends in .jsonl or .ndjson, else CSV.

    `key_lengths`: how long the registry's keys are, as its deliveries have shown.
    """
    read = _json_lines if path.suffix.lower() in {".jsonl", ".ndjson"} else _csv_lines
    try:
        content = path.read_bytes()
    except OSError:
        yield ImportProblem(0, "", "the file cannot be read")
        return
    text = _decoded(content)
    if isinstance(text, ImportProblem):
        yield text
        return
    for line, row in read(text):
        if isinstance(row, ImportProblem):
            yield row
        else:
            yield _permit_or_problem(line, row, key_lengths)


def _decoded(content: bytes) -> str | ImportProblem:
    """UTF-16 is known by its first bytes. What is not UTF-8 in any line is Windows-1252; where only
    some lines are not, these are refused one by one."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            return content.decode("utf-16")
        except UnicodeError:
            return ImportProblem(0, "", "UTF-16, but damaged; save it as „CSV UTF-8“")
    if content[:4].count(0) >= 2:
        return ImportProblem(0, "", "neither text nor CSV; save it as „CSV UTF-8“")
    if content[:4] == b"PK\x03\x04":
        return ImportProblem(0, "", "a spreadsheet's own file; save it as „CSV UTF-8“")
    try:
        return content.decode("utf-8-sig")
    except UnicodeError:
        pass
    if not any(_is_utf_8(line) for line in content.splitlines() if not line.isascii()):
        western = content.decode("cp1252", "replace")
        odd = {letter for letter in western if ord(letter) > 127 and not _is_western(letter)}
        if not odd:
            return western
        if "\ufffd" not in odd:
            reason = "neither UTF-8 nor Windows-1252; save it as „CSV UTF-8“"
            return ImportProblem(0, "", reason)
    return content.decode("utf-8-sig", "surrogateescape")


def _is_utf_8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeError:
        return False
    return True


def _is_western(letter: str) -> bool:
    """A letter, or a mark that stands in names and streets. Others come from an encoding of DOS or
    of old Macs, where ö is „”“: it would be read as another name."""
    return letter in "–’´°\u00a0" or (letter.isalpha() and "À" <= letter <= "ÿ")


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


def _csv_lines(text: str) -> Iterator[tuple[int, Mapping[str, Any] | ImportProblem]]:
    file = io.StringIO(text, newline="")
    header_line, before = file.readline(), 0
    said = header_line.strip().strip('"').lower()
    delimiter = ""
    if said.startswith("sep=") and len(said) <= len("sep=;"):  # tells Excel the delimiter
        delimiter = said[4:] or "\t"
        header_line, before = file.readline(), 1
    delimiter = delimiter or max(";", ",", "\t", key=header_line.count)
    header = [plain(name) for name in next(csv.reader([header_line], delimiter=delimiter), [])]
    while header and not header[-1]:
        header.pop()  # a spreadsheet's empty columns at the end
    if problem := _header_problem(header, before + 1):
        yield before + 1, problem
        return
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            line = reader.line_num + before + 1
            while len(cells) > len(header) and not cells[-1].strip():
                cells.pop()
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) == len(header):
                yield line, dict(zip(header, cells, strict=True))
            else:
                yield line, ImportProblem(line, "", f"{len(cells)} cells instead of {len(header)}")
    except csv.Error:
        line = reader.line_num + before + 1
        yield line, ImportProblem(line, "", "not CSV; nothing after it was read")


def _header_problem(header: list[str], line: int) -> ImportProblem | None:
    if problem := _unknown(line, header):
        return problem
    for name in header:
        if header.count(name) > 1:
            return ImportProblem(line, name, "the column is there twice")
    missing = [name for name in REQUIRED if name not in header]
    return ImportProblem(line, missing[0], "the column is missing") if missing else None


def _unknown(line: int, names: Iterable[str]) -> ImportProblem | None:
    given = list(names)
    unknown = [name for name in given if name not in REQUIRED + OPTIONAL]
    if not unknown:
        return None
    if len(unknown) == len(given):  # perhaps no header but the first permit: nothing is quoted
        return ImportProblem(line, "", f"no column that is known; {_KNOWN}")
    shown = ", ".join(name[:40] for name in unknown if name.isprintable())
    return ImportProblem(line, shown, f"not a known column; {_KNOWN}")


def _json_lines(content: str) -> Iterator[tuple[int, Mapping[str, Any] | ImportProblem]]:
    for line, text in enumerate(content.split("\n"), start=1):
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


def _permit_or_problem(
    line: int, row: Mapping[str, Any], key_lengths: frozenset[int]
) -> Permit | ImportProblem:
    try:
        return _permit(row, key_lengths)
    except _Bad as error:
        return ImportProblem(line, *error.args)


def _permit(row: Mapping[str, Any], key_lengths: frozenset[int]) -> Permit:
    text = {name: _text(row, name) for name in REQUIRED + OPTIONAL}
    for name in REQUIRED:
        if not text[name]:
            raise _Bad(name, "empty")
    permit = Permit(
        number=text["permit_no"],
        zone=text["zone"],
        valid_from=_read(text, "valid_from", values.whole_day),
        valid_until=_read(text, "valid_until", values.whole_day),
        plate=_read(text, "plate", _plate),
        holder=text["name"],
        birth_date=_read(text, "birth_date", values.partial_day),
        key=_key(text, key_lengths),
        street=text["street"],
        house_number=text["house_number"],
        kind=values.kind(text["kind"]),
        status=values.status(text["status"]),
        standing_application=_read(text, "standing_application", values.yes_no),
        email=text["email"],
        email_consent=_read(text, "email_consent", values.yes_no),
        form=values.form(text["form"]),
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
    text = plain(text)
    if len(text) > values.LONGEST:
        raise _Bad(name, f"longer than {values.LONGEST} characters")
    return text


def _read(text: Mapping[str, str], name: str, how: Callable[[str], Any]) -> Any:
    try:
        return how(text[name])
    except ValueError as error:
        raise _Bad(name, str(error)) from None


def _plate(text: str) -> str:
    plate = tidy(text)
    if len(plate) > LONGEST_PLATE:
        raise ValueError(f"longer than {LONGEST_PLATE} characters")
    return plate


def _key(text: Mapping[str, str], lengths: frozenset[int]) -> PersonKey | None:
    if not text["holder_ags"] and not text["holder_ordnungsmerkmal"]:
        return None
    ags = _read(text, "holder_ags", values.ags)
    if not text["holder_ordnungsmerkmal"]:
        raise _Bad("holder_ordnungsmerkmal", "empty, though holder_ags is there")
    number = _read(text, "holder_ordnungsmerkmal", partial(values.key_number, lengths=lengths))
    return PersonKey(ags, number)
