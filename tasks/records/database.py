"""The one door to the register's database: connections, transactions, and errors translated."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, exc

from tasks.errors import RecordConflict, RecordsUnavailable
from tasks.records.tables import Register

_UNREACHABLE = (exc.OperationalError, exc.InterfaceError, exc.TimeoutError, exc.ArgumentError)


class Database:
    """`url`: SQLite (`sqlite:///…`) or PostgreSQL (`postgresql+psycopg://…`)."""

    def __init__(self, url: str) -> None:
        with _translated():
            # An error's text would hold names and addresses otherwise.
            engine = create_engine(url, hide_parameters=True, pool_pre_ping=True)
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
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
            try:
                Register.metadata.create_all(self._writing)
            except (exc.ProgrammingError, exc.IntegrityError):
                # Another process made them between our look and our making.
                Register.metadata.create_all(self._writing)
            self._has_tables = True
        return engine


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


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where we say, not where pysqlite thinks
    # Shorter than the state waits: its transaction is open while we wait here.
    for pragma in ("busy_timeout=10000", "journal_mode=WAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes the lock at once: what it has read stays true until it commits.
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
