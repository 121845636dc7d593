"""Many rows at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Table
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from models.tables import metadata

_AT_A_TIME = 5_000  # rows in one executemany
_ANY = TypeVar("_ANY")


def bulk_insert(session: Session, table: type[Any] | Table, rows: Iterable[Mapping[str, Any]]) -> int:
    """Many rows of one table, all with the same keys: COPY in PostgreSQL, executemany in SQLite. Returns how many.

    Missing columns get their defaults. Flushes the session first, so that rows may refer to what it holds.
    """
    session.flush()
    into: Table = table if isinstance(table, Table) else metadata.tables[table.__tablename__]
    connection = session.connection()
    put = _copy if connection.dialect.name == "postgresql" else _executemany
    return put(connection, into, _checked(into, rows))


def _checked(table: Table, rows: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Neither way of inserting minds a name that is no column: a slip would become a default, in silence."""
    names = set(table.columns.keys())
    for row in rows:
        if not row.keys() <= names:
            raise ValueError(f"{table.name} has no column {', '.join(sorted(row.keys() - names))}")
        yield row


def _executemany(connection: Connection, table: Table, rows: Iterable[Mapping[str, Any]]) -> int:
    count = 0
    for part in parts(rows, _AT_A_TIME):
        connection.execute(table.insert(), [dict(row) for row in part])
        count += len(part)
    return count


def _copy(connection: Connection, table: Table, rows: Iterable[Mapping[str, Any]]) -> int:
    columns = list(table.columns)
    binds = [c.type.bind_processor(connection.dialect) for c in columns]
    quote = connection.dialect.identifier_preparer.quote
    into = f"COPY {quote(table.name)} ({', '.join(quote(c.name) for c in columns)}) FROM STDIN"
    count = 0
    driver: Any = connection.connection.driver_connection
    with _hidden_rows(connection), driver.cursor() as cursor, cursor.copy(into) as copy:
        for row in rows:
            values = [row[c.name] if c.name in row else _default(c.default) for c in columns]
            copy.write_row([v if b is None or v is None else b(v) for v, b in zip(values, binds, strict=True)])
            count += 1
    return count


@contextmanager
def _hidden_rows(connection: Connection) -> Iterator[None]:
    """The driver's error as SQLAlchemy's, without the row that PostgreSQL quotes in it."""
    driver: Any = connection.dialect.dbapi
    try:
        yield
    except driver.Error as error:
        told = type(error)(error.diag.message_primary or "COPY failed")
        raise DBAPIError.instance("COPY", None, told, driver.Error, dialect=connection.dialect) from None


def _default(default: Any) -> Any:
    if default is None:
        return None
    return default.arg(None) if default.is_callable else default.arg


def parts(items: Iterable[_ANY], size: int) -> Iterator[list[_ANY]]:
    """Lists of at most `size`, until nothing is left."""
    source = iter(items)
    while part := list(islice(source, size)):
        yield part
