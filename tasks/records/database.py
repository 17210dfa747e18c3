"""The one door to the register's database: connections, transactions, and errors translated."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, insert, inspect, select
from sqlalchemy.engine import make_url

from tasks.errors import RecordConflict, RecordsUnavailable, RegisterRefused
from tasks.records.address import must_be_a_file_of_the_town
from tasks.records.tables import Register, RegisterOwner

_UNREACHABLE = (exc.OperationalError, exc.InterfaceError, exc.TimeoutError, exc.ArgumentError)


_PATIENCE = 300  # seconds for one statement: a view of the town's may never end
# Tables by which the state and Prefect's database are known, however the address is written.
NO_REGISTER = ({"case", "delta", "letter"}, {"flow", "flow_run"})

_owner = RegisterOwner.__table__  # type: ignore[attr-defined]


class Database:
    """`url`: SQLite (`sqlite:///…`) or PostgreSQL (`postgresql+psycopg://…`).

    `owner`: the municipality whose register it is. Who comes first claims it; for any other
    RegisterRefused is raised.
    """

    def __init__(self, url: str | URL, owner: str) -> None:
        self._owner = owner
        with _translated():
            # An error's text would hold names and addresses otherwise.
            engine = create_engine(make_url(url), hide_parameters=True, pool_pre_ping=True)
        if engine.dialect.name == "sqlite":
            event.listen(engine, "do_connect", _look_at_file)
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        else:
            event.listen(engine, "do_connect", _hurry)
            event.listen(engine, "connect", _prepare_postgresql)
        self._reading = engine
        self._writing = engine.execution_options(writes=True)
        self._has_tables = False

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with _translated(), self._with_tables(self._reading).begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Commits at the end, rolls back on any error."""
        with _translated(), self._with_tables(self._writing).begin() as connection:
            yield connection

    def close(self) -> None:
        self._reading.dispose()

    def _with_tables(self, engine: Engine) -> Engine:
        if not self._has_tables:
            if not self._is_ours():  # looked at before anything is written into it
                self._make_tables()
                self._claim()
            self._has_tables = True
        return engine

    def _is_ours(self) -> bool:
        """False where nobody has claimed it. Raises RegisterRefused."""
        with self._reading.begin() as connection:
            there = set(inspect(connection).get_table_names())
            if any(others <= there for others in NO_REGISTER):
                raise RegisterRefused("records.no_register", detail="not a database of permits")
            if _owner.name not in there:
                return False
            owner = connection.scalar(select(_owner.c.municipality))
            if owner not in (None, self._owner):
                raise RegisterRefused("records.of_another_town", detail="another municipality's")
            return owner is not None and there.issuperset(Register.metadata.tables)

    def _make_tables(self) -> None:
        try:
            Register.metadata.create_all(self._writing)
        except (exc.ProgrammingError, exc.IntegrityError):
            # Another process made them between our look and our making.
            Register.metadata.create_all(self._writing)

    def _claim(self) -> None:
        with suppress(exc.IntegrityError), self._writing.begin() as connection:
            connection.execute(insert(_owner).values(row=1, municipality=self._owner))
        self._is_ours()  # another may have been first


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except _UNREACHABLE:
        raise RecordsUnavailable("records.unreachable") from None
    except exc.IntegrityError:
        raise RecordsUnavailable("records.busy") from None  # another process was first
    except (exc.DataError, exc.ProgrammingError, UnicodeError):
        raise RecordConflict("records.refused") from None
    except (exc.SQLAlchemyError, ImportError):
        raise RecordsUnavailable("records.unreachable") from None


def _look_at_file(_dialect: object, _record: object, args: list[Any], _: object) -> None:
    must_be_a_file_of_the_town(Path(args[0]))


def _hurry(_dialect: object, _record: object, _: object, given: dict[str, Any]) -> None:
    given["connect_timeout"] = 10


def _prepare_postgresql(connection: Any, _record: object) -> None:
    connection.execute(f"SET statement_timeout = '{_PATIENCE}s'")
    connection.commit()


def _prepare_sqlite(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # transactions begin where we say, not where pysqlite thinks
    # Shorter than the state waits: its transaction is open while we wait here. And a schema that
    # the town has written calls no function that could do harm.
    for pragma in (
        "busy_timeout=10000",
        "trusted_schema=OFF",
        "journal_mode=WAL",
        "foreign_keys=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")
    began = record.info
    connection.set_progress_handler(lambda: time.monotonic() > began.get("ends", 1e99), 100_000)


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes the lock at once: what it has read stays true until it commits.
    writes = connection.get_execution_options().get("writes")
    connection.info["ends"] = time.monotonic() + _PATIENCE
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
