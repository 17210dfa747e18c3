import json
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.domain.effect import Effect, EffectKind
from tasks.domain.person import PersonKey
from tasks.domain.record import Permit
from tasks.records.importing import ImportProblem, ImportResult, import_permits, read_permits
from tasks.records.sql import SqlPermitRegister

HEADER = (
    "permit_no,holder_ags,holder_ordnungsmerkmal,name,birth_date,plate,zone"
    ",valid_from,valid_until,standing_application"
)
LINE = (
    "BPA-0002,09000009,000000010025,Łukasz Wójcik,1991-07-30,ZZ-MU 102"
    ",A3,2026-01-01,2027-12-31,true"
)
PERMIT = Permit(
    number="BPA-0002",
    zone="A3",
    valid_from=date(2026, 1, 1),
    valid_until=date(2027, 12, 31),
    plate="ZZ-MU 102",
    holder="Łukasz Wójcik",
    birth_date="1991-07-30",
    key=PersonKey("09000009", "000000010025"),
    standing_application=True,
)
ROW = dict(zip(HEADER.split(","), LINE.split(","), strict=True))
SWITCH = Effect(
    EffectKind.SWITCH_ZONE,
    "BPA-0002",
    {
        "zone": "A2",
        "valid_from": "2026-11-15",
        "valid_until": "2027-12-31",
        "street": "Kröpeliner Str.",
        "house_number": "40",
        "end_old": "true",
        "old_until": "2026-11-14",
        "expected_zone": "A3",
    },
)


WRITE = "write 2026-03-01 or 01.03.2026"


@pytest.fixture
def register(database_url: str) -> Iterator[SqlPermitRegister]:
    opened = SqlPermitRegister(database_url, owner="musterstadt")
    yield opened
    opened.close()


def csv_file(folder: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path = folder / "permits.csv"
    path.write_bytes("\r\n".join([*lines, ""]).encode(encoding))
    return path


def json_file(folder: Path, *rows: object) -> Path:
    path = folder / "permits.jsonl"
    path.write_text("\n".join(r if isinstance(r, str) else json.dumps(r) for r in rows))
    return path


def numbers_of(result: ImportResult) -> tuple[int, int, int]:
    return result.new, result.changed, result.unchanged


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_permit_is_read_from_csv(tmp_path: Path, encoding: str, delimiter: str) -> None:
    lines = [text.replace(",", delimiter) for text in (HEADER, LINE)]
    assert list(read_permits(csv_file(tmp_path, *lines, encoding=encoding))) == [PERMIT]


def test_a_permit_is_read_from_json_lines(tmp_path: Path) -> None:
    row = {**ROW, "standing_application": True, "holder_ags": None, "holder_ordnungsmerkmal": None}
    assert list(read_permits(json_file(tmp_path, ROW, row))) == [PERMIT, replace(PERMIT, key=None)]


def test_what_a_permit_system_knows_besides_is_read(tmp_path: Path) -> None:
    header = f"{HEADER},street,house_number,email,email_consent,status"
    line = f'{LINE},"Am Strom, Hof",12a,l@example.org,ja,ended'
    (permit,) = read_permits(csv_file(tmp_path, header, line))
    assert permit == replace(
        PERMIT,
        street="Am Strom, Hof",
        house_number="12a",
        email="l@example.org",
        email_consent=True,
        status="ended",
    )


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("permit_no", " ", "empty"),
        ("name", None, "empty"),
        ("zone", 3, "not a text"),
        ("plate", "A\x00B", "has control characters"),
        ("name", "\ud800", "not UTF-8"),
        ("birth_date", "30.7.91", "neither a date nor YYYY-MM nor YYYY"),
        ("plate", "ZZ-MU 1" * 50, "longer than 200 characters"),
        ("plate", "ZZ-MU 1" * 5, "longer than 20 characters"),
        ("birth_date", "1991-02-30", "neither a date nor YYYY-MM nor YYYY"),
        ("valid_from", "2026-01", f"not a date ({WRITE})"),
        ("valid_from", "2026-02-30", f"not a date ({WRITE})"),
        ("valid_from", "30.02.2026", f"not a date ({WRITE})"),
        ("valid_from", "01.03.26", f"not a date (a year has four digits; {WRITE})"),
        (
            "valid_from",
            "03/01/2026",
            f"not a date (nobody knows if the day or the month comes first; {WRITE})",
        ),
        (
            "valid_from",
            "46082",
            "not a date (a spreadsheet's number of days: give the column the format of a date; "
            f"{WRITE})",
        ),
        ("valid_until", "2025-12-31", "before valid_from"),
        ("standing_application", "vielleicht", "neither true nor false"),
        ("holder_ags", "9000009", "not eight digits: the zero in front is missing"),
        ("holder_ags", "0900000x", "not eight digits"),
        ("holder_ordnungsmerkmal", "1", "not a registry key: shorter than 6 digits"),
        ("holder_ordnungsmerkmal", "0000000000", "not a registry key: only zeros"),
        ("holder_ordnungsmerkmal", "unbekannt", "not a registry key: digits only"),
        *(
            (
                "holder_ordnungsmerkmal",
                rounded,
                "a number that a spreadsheet has rounded: give the column the format text",
            )
            for rounded in ("1E+10", "1,00025E+10", "10025,0", "1e10")
        ),
        ("holder_ordnungsmerkmal", "", "empty, though holder_ags is there"),
    ],
)
def test_a_bad_line_is_named_by_line_column_and_reason_and_stops_no_other(
    tmp_path: Path, column: str, value: object, reason: str
) -> None:
    path = json_file(tmp_path, ROW, {**ROW, column: value}, "", ROW)
    assert list(read_permits(path)) == [PERMIT, ImportProblem(2, column, reason), PERMIT]


def test_a_permit_may_be_valid_for_one_day(tmp_path: Path) -> None:
    (permit,) = read_permits(json_file(tmp_path, {**ROW, "valid_until": "2026-01-01"}))
    assert isinstance(permit, Permit)


@pytest.mark.parametrize("line", ["{", "[]", "7", "[" * 100_000])
def test_a_line_that_is_no_json_object_stops_no_other(tmp_path: Path, line: str) -> None:
    path = json_file(tmp_path, line, ROW)
    assert list(read_permits(path)) == [ImportProblem(1, "", "not a JSON object"), PERMIT]


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ("", ImportProblem(1, "permit_no", "the column is missing")),
        (HEADER.replace(",zone", ""), ImportProblem(1, "zone", "the column is missing")),
        (f"{HEADER},zone", ImportProblem(1, "zone", "the column is there twice")),
    ],
)
def test_a_slip_in_the_header_refuses_the_file(
    tmp_path: Path, header: str, problem: ImportProblem
) -> None:
    assert list(read_permits(csv_file(tmp_path, header, LINE))) == [problem]


@pytest.mark.parametrize("write", [csv_file, json_file])
def test_an_unknown_column_is_named_with_those_that_are_known(
    tmp_path: Path, write: Callable[..., Path]
) -> None:
    header = HEADER.replace("standing_", "standig_").replace(",plate", ",Straße\x1b[1m,kfz")
    row = dict(zip(header.split(","), [*LINE.split(","), "x"], strict=True))
    (problem,) = read_permits(write(tmp_path, *([header] if write is csv_file else [row])))

    assert isinstance(problem, ImportProblem)
    assert (problem.line, problem.column) == (1, "kfz, standig_application")
    assert problem.reason.startswith("not a known column; the known ones are permit_no, name,")
    assert problem.reason.endswith(", form")


def test_a_file_without_a_header_is_refused_and_its_first_permit_not_quoted(
    tmp_path: Path,
) -> None:
    (problem,) = read_permits(csv_file(tmp_path, LINE, LINE))

    assert str(problem).startswith("line 1: no column that is known; the known ones are permit_no")
    assert not [cell for cell in LINE.split(",") if cell in str(problem)]


def test_a_line_of_another_length_or_encoding_stops_no_other(tmp_path: Path) -> None:
    path = csv_file(tmp_path, HEADER, LINE, f"{LINE},x", "LATIN", LINE)
    latin = LINE.replace("Łukasz Wójcik", "Müller").encode("latin-1")
    path.write_bytes(path.read_bytes().replace(b"LATIN", latin))
    assert list(read_permits(path)) == [
        PERMIT,
        ImportProblem(3, "", "11 cells instead of 10"),
        ImportProblem(4, "name", "not UTF-8"),
        PERMIT,
    ]


def test_a_file_that_is_not_there_is_a_problem_not_a_crash(tmp_path: Path) -> None:
    (problem,) = read_permits(tmp_path / "nothing.csv")
    assert str(problem) == "line 0: the file cannot be read"


@pytest.mark.parametrize(
    ("number", "lengths", "read"),
    [
        ("000000010025", {12}, True),
        ("000000010025", {10, 12}, True),
        ("10025", {12}, False),  # the zeros in front were stripped
        ("0000000010025", {12}, False),
        ("0000010025", {12}, False),
        ("100257", set(), True),  # before the first delivery nobody knows better
        ("10025", set(), False),
    ],
)
def test_a_key_is_as_long_as_the_keys_of_the_registry(
    tmp_path: Path, number: str, lengths: set[int], read: bool
) -> None:
    path = json_file(tmp_path, {**ROW, "holder_ordnungsmerkmal": number})
    (row,) = read_permits(path, frozenset(lengths))
    assert isinstance(row, Permit) is read


SEMICOLONS = [text.replace(",", ";") for text in (HEADER, LINE.replace("2026-01-01", "01.01.2026"))]


@pytest.mark.parametrize(
    "content",
    [
        "\r\n".join(["sep=;", *SEMICOLONS, ";" * 9, ""]).encode(),
        "\r\n".join(['"sep=;"', *SEMICOLONS]).encode("utf-8-sig"),
        "\r\n".join([*SEMICOLONS, ""]).encode("utf-16"),
        "\n".join([*SEMICOLONS, ""]).replace(";", "\t").encode("utf-16"),  # „Unicode-Text“
        "\r\n".join([f"{line};;" for line in SEMICOLONS]).encode(),
        "\n".join([*SEMICOLONS, " ; ;" + ";" * 7]).encode(),
        "\n".join(SEMICOLONS).replace("01.01.2026", "1.1.2026 00:00:00").encode(),
        "\n".join(SEMICOLONS).replace("ZZ-MU 102", "ZZ\u2011MU\u00a0１０２").encode(),
    ],
)
def test_what_a_spreadsheet_of_a_german_office_writes_is_read(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "permits.csv"
    path.write_bytes(content)
    assert list(read_permits(path)) == [PERMIT]


def test_a_line_after_the_one_for_excel_is_named_by_its_place_in_the_file(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "sep=;", *SEMICOLONS, f"{SEMICOLONS[1]};x")
    assert list(read_permits(path))[1] == ImportProblem(4, "", "11 cells instead of 10")


def test_windows_1252_is_read_where_the_whole_file_is_in_it(tmp_path: Path) -> None:
    line = LINE.replace("Łukasz Wójcik", "Jürgen Groß")
    (permit,) = read_permits(csv_file(tmp_path, HEADER, line, encoding="cp1252"))
    assert isinstance(permit, Permit)
    assert permit.holder == "Jürgen Groß"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (f"{HEADER}\n{LINE}\n".replace("Łukasz Wójcik", "Jörg").encode("cp850"), "neither UTF-8"),
        (f"{HEADER}\n{LINE}\n".replace("Łukasz Wójcik", "Jörg").encode("mac-roman"), "neither UTF"),
        (b"PK\x03\x04" + bytes(50), "a spreadsheet's own file"),
        ("\n".join(SEMICOLONS).encode("utf-16") + b"x", "UTF-16, but damaged"),
        ("\n".join(SEMICOLONS).encode("utf-16-le"), "neither text nor CSV"),
    ],
)
def test_a_file_in_another_form_is_refused_with_the_cause(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "permits.csv"
    path.write_bytes(content)
    (problem,) = read_permits(path)
    assert isinstance(problem, ImportProblem)
    assert problem.reason.startswith(reason)


@pytest.mark.parametrize(
    ("column", "said", "meant"),
    [
        ("kind", None, "resident"),
        ("kind", "Bewohner", "resident"),
        ("kind", "Besucher", "visitor"),
        ("kind", "Ferienhaus", "Ferienhaus"),
        ("status", "", "active"),
        ("status", "Gesperrt", "blocked"),
        ("status", "beendet", "ended"),
        ("status", "verloren", "verloren"),
        ("form", "", ""),
        ("form", "Papier", "paper"),
        ("form", "Digital", "digital"),
        ("form", "Plakette", "Plakette"),
    ],
)
def test_kind_status_and_form_are_taken_over_as_they_are_and_refuse_no_line(
    tmp_path: Path, register: SqlPermitRegister, column: str, said: str | None, meant: str
) -> None:
    import_permits(register, read_permits(json_file(tmp_path, {**ROW, column: said})))
    assert getattr(register.get(["BPA-0002"])["BPA-0002"], column) == meant


def test_a_file_that_knows_no_form_leaves_the_one_that_is_there(
    tmp_path: Path, register: SqlPermitRegister
) -> None:
    import_permits(register, read_permits(json_file(tmp_path, {**ROW, "form": "paper"})))
    import_permits(register, read_permits(json_file(tmp_path, {**ROW, "zone": "A1"})))
    kept = register.get(["BPA-0002"])["BPA-0002"]
    assert (kept.zone, kept.form) == ("A1", "paper")


def test_what_looks_the_same_is_the_same(tmp_path: Path) -> None:
    decomposed = {name: unicodedata.normalize("NFD", text) for name, text in ROW.items()}
    decomposed["name"] = "Łukasz\u00a0 Wo\u0301jcik"
    (permit,) = read_permits(json_file(tmp_path, decomposed))
    assert permit == PERMIT


@settings(max_examples=100)
@given(st.binary(max_size=300))
def test_whatever_stands_in_a_file_it_never_crashes_and_no_value_leaks(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = tmp_path_factory.getbasetemp()
    for name in ("any.csv", "any.jsonl"):
        path = folder / name
        path.write_bytes(f"{HEADER}\n{LINE}\n".encode() + content)
        for row in read_permits(path):
            assert isinstance(row, Permit) or str(row).isascii()


def test_the_same_file_twice_changes_nothing(register: SqlPermitRegister) -> None:
    path = Path(__file__).parents[1] / "data/permits/permits-sample.jsonl"
    assert numbers_of(import_permits(register, read_permits(path))) == (12, 0, 0)
    before = register.get([f"BPA-{i:04d}" for i in range(13)])
    assert numbers_of(import_permits(register, read_permits(path))) == (0, 0, 12)
    assert register.get(list(before)) == before
    assert len(before) == 12


def test_what_changed_in_the_file_is_taken_over(register: SqlPermitRegister) -> None:
    import_permits(register, [PERMIT])
    other = replace(PERMIT, plate="ZZ-MU 999", valid_until=date(2026, 12, 31))
    assert numbers_of(import_permits(register, [other])) == (0, 1, 0)
    assert register.get(["BPA-0002"]) == {"BPA-0002": other}


def test_a_number_that_is_twice_in_a_file_is_a_problem(register: SqlPermitRegister) -> None:
    result = import_permits(register, [PERMIT, replace(PERMIT, zone="A1")])
    assert numbers_of(result) == (1, 0, 0)
    assert [str(p) for p in result.problems] == ["permit BPA-0002, permit_no: twice in the file"]
    assert register.get(["BPA-0002"])["BPA-0002"].zone == "A3"


def test_an_old_file_does_not_bring_a_switched_permit_back_to_life(
    register: SqlPermitRegister,
) -> None:
    import_permits(register, [PERMIT])
    register.apply("case-1", SWITCH)
    switched = register.get(["BPA-0002", "BPA-0002/2"])

    result = import_permits(register, [PERMIT])
    assert numbers_of(result) == (0, 0, 0)
    assert [str(problem) for problem in result.problems] == [
        "permit BPA-0002: contradicts what was changed here meanwhile"
    ]
    assert register.get(["BPA-0002", "BPA-0002/2"]) == switched

    # What agrees with the switch is taken over, with what else is new in it.
    known = [replace(permit, plate="ZZ-MU 7") for permit in switched.values()]
    assert numbers_of(import_permits(register, known)) == (0, 2, 0)
    new = replace(switched["BPA-0002/2"], zone="A3")
    assert len(import_permits(register, [new]).problems) == 1


def test_after_an_effect_was_taken_back_the_file_counts_again(register: SqlPermitRegister) -> None:
    import_permits(register, [PERMIT])
    inverse = register.apply("case-1", SWITCH).inverse
    created = register.get(["BPA-0002/2"])["BPA-0002/2"]
    register.apply("undo-1", inverse)

    assert numbers_of(import_permits(register, [PERMIT])) == (0, 0, 1)
    assert numbers_of(import_permits(register, [replace(PERMIT, zone="B1")])) == (0, 1, 0)
    # But the permit that was taken back with it does not come back.
    assert len(import_permits(register, [created]).problems) == 1
    assert register.get(["BPA-0002/2"]) == {}


def test_a_file_without_addresses_keeps_the_address_an_effect_noted(
    register: SqlPermitRegister,
) -> None:
    import_permits(register, [PERMIT])
    address = {"street": "Altschmiedestr.", "house_number": "5"}
    register.apply("case-1", Effect(EffectKind.UPDATE_ADDRESS, "BPA-0002", address))
    result = import_permits(register, [replace(PERMIT, plate="ZZ-MU 7")])
    assert (numbers_of(result), result.problems) == ((0, 1, 0), ())
    assert register.get(["BPA-0002"])["BPA-0002"].street == "Altschmiedestr."


def test_consent_that_was_taken_back_is_taken_back_here(register: SqlPermitRegister) -> None:
    import_permits(register, [replace(PERMIT, email="l@example.org", email_consent=True)])
    import_permits(register, [PERMIT])
    assert register.get(["BPA-0002"]) == {"BPA-0002": PERMIT}


def test_an_import_finds_permits_by_new_candidate_keys_though_nothing_changed(
    database_url: str,
) -> None:
    unkeyed = replace(PERMIT, key=None)
    import_permits(SqlPermitRegister(database_url, owner="musterstadt"), [unkeyed])
    register = SqlPermitRegister(
        database_url,
        candidate_keys=lambda permit: frozenset({permit.birth_date}),
        owner="musterstadt",
    )
    assert register.similar({"1991-07-30"}) == []
    assert numbers_of(import_permits(register, [unkeyed])) == (0, 0, 1)
    assert register.similar({"1991-07-30"}) == [unkeyed]
    register.close()


def test_several_batches_are_imported_whole(register: SqlPermitRegister) -> None:
    permits = [replace(PERMIT, number=f"P-{i}") for i in range(2500)]
    assert numbers_of(import_permits(register, permits)) == (2500, 0, 0)
    assert numbers_of(import_permits(register, permits)) == (0, 0, 2500)
