"""One engine a database; the same code on SQLite and on PostgreSQL."""

import random
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Table, create_engine, event, insert, inspect
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError, SQLAlchemyError
from sqlmodel import Session, SQLModel

import tasks.state.tables as tables
from tasks.errors import StateUnavailable

__all__ = ["Engine", "Session", "new_id", "open_database", "reading", "utcnow", "writing"]

chance: random.Random = secrets.SystemRandom()  # tests put one here whose seed they know
THREADS = 45
_ALPHABET = "23456789abcdefghjkmnpqrstvwxyz"  # no look-alikes: ids are read aloud on the phone
Row = dict[str, Any]  # column -> value
TABLES = [
    SQLModel.metadata.tables[str(model.__tablename__)]
    for model in vars(tables).values()
    if isinstance(model, type) and issubclass(model, SQLModel) and hasattr(model, "__table__")
]


def table_of(model: type[SQLModel]) -> Table:
    table: Table = SQLModel.metadata.tables[str(model.__tablename__)]
    return table


def new_id(prefix: str) -> str:
    left, letters = chance.randrange(len(_ALPHABET) ** 12), ""  # asked once: it is a system call
    for _ in range(12):
        left, place = divmod(left, len(_ALPHABET))
        letters += _ALPHABET[place]
    return f"{prefix}-{letters}"


def utcnow() -> datetime:
    return datetime.now(UTC)


@lru_cache(maxsize=8)
def open_database(url: str) -> Engine:
    """Creates missing tables. Raises StateUnavailable.

    SQL errors never quote parameters: they would carry personal data.
    """
    try:
        engine = _engine(url)
        if _lacks_tables(engine):
            try:
                SQLModel.metadata.create_all(engine, tables=TABLES)
            except (ProgrammingError, IntegrityError):
                # Another process made them between our look and our making.
                SQLModel.metadata.create_all(engine, tables=TABLES)
    except (SQLAlchemyError, ImportError, OSError) as error:
        # The text of the error may quote the address, and with it the password.
        raise StateUnavailable("state.unreachable", type(error).__name__) from None
    return engine


def _lacks_tables(engine: Engine) -> bool:
    """Looked at without a lock: whoever only reads waits for no writer, the first time either."""
    with engine.execution_options(antragslos_reading=True).connect() as connection:
        there = inspect(connection).get_table_names()
    return not {table.name for table in TABLES} <= set(there)


def _engine(url: str) -> Engine:
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_pre_ping=not url.startswith("sqlite"),
        # A connection for each thread of the pages: those that write and wait must leave one to
        # those that read.
        max_overflow=THREADS,
    )
    if engine.dialect.name == "sqlite":
        if engine.url.database:
            Path(engine.url.database).parent.mkdir(parents=True, exist_ok=True)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_immediate)
    return engine


def _prepare_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see _begin_immediate
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=60000"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("PRAGMA foreign_keys=ON")


def _begin_immediate(connection: Any) -> None:
    # A transaction that reads first and writes later would fail with „database is locked“ at once,
    # whatever the busy timeout says; taking the write lock at the start makes it wait instead.
    reading = connection.get_execution_options().get("antragslos_reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """One transaction: all of it, or nothing. Raises StateUnavailable."""
    with in_the_way(), Session(engine, expire_on_commit=False) as session, session.begin():
        yield session


@contextmanager
def in_the_way() -> Iterator[None]:
    """Two transactions waited for each other, one waited too long, or the connection was lost."""
    try:
        yield
    except OperationalError as error:
        raise StateUnavailable("state.busy") from error


def reading(engine: Engine) -> Session:
    """A session that only reads: it never waits for a writer."""
    return Session(engine.execution_options(antragslos_reading=True))


def insert_rows(session: Session, model: type[SQLModel], rows: Sequence[Row]) -> None:
    """One statement for all of them. What a row does not say is the default of its column."""
    if rows:
        session.execute(insert(table_of(model)), _filled(model, rows))


def insert_missing(session: Session, model: type[SQLModel], rows: Sequence[Row]) -> None:
    """Inserts what no unique key holds yet: doing it twice changes nothing."""
    if rows:
        statement = _dialect_insert(session, model).on_conflict_do_nothing()
        session.execute(statement, _filled(model, rows))


def _filled(model: type[SQLModel], rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Plain mappings, since to build an object of a model costs ten times as much."""
    keys = {column.name for column in table_of(model).primary_key}
    fields = model.model_fields.items()
    defaults = {name: field.get_default() for name, field in fields if not field.is_required()}
    made_by_database = {name for name in keys & defaults.keys() if defaults[name] is None}
    known = {name: value for name, value in defaults.items() if name not in made_by_database}
    return [known | row for row in rows]


def upsert(
    session: Session,
    model: type[SQLModel],
    rows: Sequence[Row],
    key: Sequence[str],
    change: Sequence[str],
    where: Any = None,
) -> None:
    """`where`: what of the known rows may be changed at all."""
    if rows:
        statement = _dialect_insert(session, model)
        statement = statement.on_conflict_do_update(
            index_elements=list(key),
            set_={name: statement.excluded[name] for name in change},
            where=where,
        )
        session.execute(statement, _filled(model, rows))


def _dialect_insert(session: Session, model: type[SQLModel]) -> Any:
    table = table_of(model)
    name = session.get_bind().dialect.name
    return sqlite.insert(table) if name == "sqlite" else postgresql.insert(table)
