"""A profile's address of its permit register leads nowhere but to the town's own register."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from tasks.errors import RegisterRefused
from tasks.records.address import register_url
from tasks.records.database import NO_REGISTER, Database
from tasks.records.sql import SqlPermitRegister
from tasks.records.tables import Register

PG = "postgresql+psycopg://"
ALLOWED = ["db.example", "other.example:5433", "/run/postgresql"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "musterstadt"
    path.mkdir()
    return path


def refused(call: Callable[..., object], *args: object) -> str:
    with pytest.raises(RegisterRefused) as error:
        call(*args)
    return error.value.code


@pytest.mark.parametrize("written", ["", "sqlite:///permits.db", "sqlite:///{folder}/permits.db"])
def test_a_file_of_the_towns_own_folder_is_its_register(folder: Path, written: str) -> None:
    url = register_url(written.format(folder=folder), folder, ())

    assert url.database == str(folder / "permits.db")


@pytest.mark.parametrize(
    "written",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///../nachbar/permits.db",
        "sqlite:///../antragslos.db",
        "sqlite:///{folder}/../nachbar/permits.db",
        "sqlite:////{folder}/inbox/permits.db",
        "sqlite:////etc/permits.db",
        "sqlite:///profile.toml",
        "sqlite:///.permits.db",
        "sqlite:///permits.db?uri=true",
        "sqlite:///file:../nachbar/permits.db?uri=true",
        "sqlite:///file:permits.db?mode=ro",
        "sqlite:///permits.db?timeout=0",
        "sqlite://host/permits.db",
        "SQLite:///../nachbar/permits.db",
        "sqlite+pysqlite:///permits.db",
        "sqlite+pysqlcipher:///permits.db",
        "sqlite+aiosqlite:///permits.db",
        "mysql://user:geheim@db.example/permits",
        "oracle://user:geheim@db.example/permits",
        "geheim",
        f"{PG}user:geheim@db.example:port/permits",
    ],
)
def test_no_other_file_and_no_other_kind_of_database(folder: Path, written: str) -> None:
    with pytest.raises(RegisterRefused) as error:
        register_url(written.format(folder=folder), folder, ALLOWED)

    assert "geheim" not in f"{error.value} {error.value.detail}"


@pytest.mark.parametrize(
    "written",
    [
        f"{PG}user@db.example/permits",
        f"{PG}user:geheim@DB.example:5432/permits?sslmode=verify-full",
        f"{PG}user@other.example:5433/permits",
        f"{PG}user@/permits?host=/run/postgresql",
    ],
)
def test_a_server_that_the_installation_allows(folder: Path, written: str) -> None:
    assert register_url(written, folder, ALLOWED).database == "permits"


@pytest.mark.parametrize(
    "written",
    [
        f"{PG}user@evil.example/permits",
        f"{PG}user@127.0.0.1/permits",
        f"{PG}user@db.example:5433/permits",
        f"{PG}user@other.example/permits",
        f"{PG}user@db.example.evil.example/permits",
        f"{PG}user@db.example,evil.example/permits",
        f"{PG}user@/permits",
        f"{PG}user@/permits?host=evil.example",
        f"{PG}user@/permits?host=/tmp",
        f"{PG}user@/permits?host=/run/postgresql,/tmp",
        f"{PG}user@/permits?host=/run/postgresql&host=/tmp",
        f"{PG}user@db.example/permits?host=/run/postgresql",
        f"{PG}user@db.example/permits?host=evil.example",
        f"{PG}user@db.example/permits?hostaddr=10.0.0.1",
        f"{PG}user@db.example/permits?service=neighbour",
        f"{PG}user@db.example/permits?servicefile=x",
        f"{PG}user@db.example/permits?passfile=/srv/secret.key",
        f"{PG}user@db.example/permits?sslrootcert=/srv/secret.key",
        f"{PG}user@db.example/permits?sslkey=/srv/secret.key",
        f"{PG}user@db.example/permits?options=-csearch_path%3Dneighbour",
        f"{PG}user@db.example/permits?dbname=antragslos",
        f"{PG}user@db.example/permits?port=22",
        f"{PG}user@db.example/host%3Devil.example",
        f"{PG}user@db.example/postgresql:%2F%2Fevil.example",
        f"{PG}user@db.example",
        f"{PG}db.example/permits",
        "postgresql://user@db.example/permits",
        "postgresql+asyncpg://user@db.example/permits",
    ],
)
def test_no_other_server_and_no_way_around_by_a_parameter(folder: Path, written: str) -> None:
    assert refused(register_url, written, folder, ALLOWED) == "records.address_refused"


def test_without_a_setting_no_server_is_allowed(folder: Path) -> None:
    assert refused(register_url, f"{PG}user@localhost/permits", folder, ())


# The file itself ----------------------------------------------------------------------------


@pytest.mark.parametrize("way", [os.symlink, os.link], ids=["link", "second name"])
@pytest.mark.parametrize("end", ["", "-wal", "-shm", "-journal"])
def test_a_file_that_is_a_neighbours_is_not_opened(
    folder: Path, way: Callable[[Path, Path], None], end: str
) -> None:
    theirs = folder.parent / "theirs.db"
    sqlite3.connect(theirs).execute("CREATE TABLE x (y)").connection.close()
    before = theirs.read_bytes()
    way(theirs, folder / f"permits.db{end}")
    register = SqlPermitRegister(register_url("", folder, ()), owner="musterstadt")

    assert refused(register.get, ["BPA-1"]) == "records.address_refused"
    assert theirs.read_bytes() == before


# Whose it is --------------------------------------------------------------------------------


def owned_by(url: str, owner: str) -> SqlPermitRegister:
    return SqlPermitRegister(url, owner=owner)


def test_a_register_belongs_to_the_town_that_came_first(database_url: str) -> None:
    first, second = owned_by(database_url, "musterstadt"), owned_by(database_url, "nachbar")
    first.get(["BPA-1"])

    for _ in range(2):
        assert refused(second.get, ["BPA-1"]) == "records.of_another_town"
        assert refused(second.store, []) == "records.of_another_town"
        assert refused(second.forget, ["case-1"]) == "records.of_another_town"
    owned_by(database_url, "musterstadt").get(["BPA-1"])
    first.close()
    second.close()


def test_of_two_that_claim_it_at_once_one_gets_it(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one's claim falls between the first one's look and its claim."""
    claim = Database._claim

    def late(self: Database) -> None:
        if self._owner == "musterstadt":
            owned_by(database_url, "nachbar").get(["BPA-1"])
        claim(self)

    monkeypatch.setattr(Database, "_claim", late)

    assert refused(owned_by(database_url, "musterstadt").get, ["x"]) == "records.of_another_town"


@pytest.mark.parametrize("tables", NO_REGISTER)
def test_what_is_no_register_is_left_as_it_was(database_url: str, tables: set[str]) -> None:
    engine = create_engine(database_url)
    with engine.begin() as connection:
        for name in tables:
            connection.exec_driver_sql(f'CREATE TABLE "{name}" (x integer)')

    assert refused(owned_by(database_url, "musterstadt").get, ["x"]) == "records.no_register"

    from sqlalchemy import inspect

    assert set(inspect(engine).get_table_names()) == tables
    engine.dispose()


def test_the_state_and_prefects_database_are_known_by_their_tables() -> None:
    from prefect.server.database.orm_models import Base

    from tasks.state.database import TABLES

    state, prefect = NO_REGISTER
    assert state <= {table.name for table in TABLES}
    assert prefect <= set(Base.metadata.tables)
    assert not set().union(*NO_REGISTER) & set(Register.metadata.tables)


def test_a_view_that_never_ends_is_given_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A town can write anything into its own file."""
    from tasks.errors import RecordsUnavailable

    register = owned_by(str(register_url("", folder, ())), "musterstadt")
    register.get(["x"])
    with sqlite3.connect(folder / "permits.db") as file:
        file.execute("DROP TABLE parking_permit")
        file.execute(
            "CREATE VIEW parking_permit AS WITH RECURSIVE n(x) AS"
            " (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x AS zone, 'active' AS status FROM n"
            " WHERE x < 0"
        )
    monkeypatch.setattr("tasks.records.database._PATIENCE", 0.1)

    with pytest.raises(RecordsUnavailable):
        register.zones()
