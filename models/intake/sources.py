"""Where a list comes from: CSV, Parquet, XLSX or a SQL query. Each becomes the same stream of rows, rejects and blanks.

Nothing here knows what a column means. A source opens, says its columns, and is read once, in bounded memory.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from models.intake.lines import (
    Blank,
    Fault,
    Form,
    Read,
    Reject,
    Row,
    fault_of,
    physical_lines,
    read_lines,
    read_records,
    split_record,
    text_encoding,
)
from models.intake.mapping import Mapping
from models.intake.private import private_database
from models.values import BadInput, sha256

if TYPE_CHECKING:
    from sqlalchemy import Dialect

TEXT_SUFFIXES: Final = frozenset({".csv", ".tsv", ".txt"})
LARGEST_SHEET: Final = 2 << 30  # bytes that a workbook may unpack to
LARGEST_RATIO: Final = 200  # unpacked to packed; a real sheet is about 10
_FETCH: Final = 2_000
_LARGE: Final = 1 << 20  # characters


@dataclass(frozen=True, slots=True)
class SqlSource:
    """A database to read from by the mapping's `query` or `table`. The address may hold a password: it is not shown."""

    url: str = field(repr=False)
    name: str = "query"  # how the list is called in our records


Source = Path | SqlSource


T = TypeVar("T")


@dataclass(slots=True)
class Seen:
    """How many lines (rows, for tables) a source has given."""

    lines: int = 0

    def count(self, lines: Iterable[T]) -> Iterator[T]:
        for line in lines:
            self.lines += 1
            yield line


@dataclass(frozen=True, slots=True)
class Opened:
    """An open source: its columns, how many lines its heading took, and its records."""

    names: tuple[str, ...]
    heading: int  # lines, of which `blank_above` are blank
    blank_above: int
    parts: Iterator[Part]
    seen: Seen  # counted where lines leave the source, apart from what becomes of them


@dataclass(frozen=True, slots=True)
class Lines:
    """Whole lines of a text in which no record runs over its line, so that they can be cut anywhere."""

    first: int  # number of the first line
    lines: list[str | None]
    form: Form

    def reads(self, names: tuple[str, ...]) -> Iterator[Read]:
        return read_lines(self.lines, names, self.form, self.first)


@dataclass(frozen=True, slots=True)
class Cut:
    """Records that are cut already."""

    records: list[Read]

    def reads(self, names: tuple[str, ...]) -> Iterator[Read]:
        return iter(self.records)


Part = Lines | Cut


def _lines_parts(lines: Iterator[str | None], form: Form, first: int) -> Iterator[Part]:
    for part in in_parts(lines, lambda line: len(line or "")):
        yield Lines(first, part, form)
        first += len(part)


def _cut_parts(records: Iterator[Read]) -> Iterator[Part]:
    return map(Cut, in_parts(records, lambda read: sum(map(len, read.fields)) if isinstance(read, Row) else 0))


def in_parts(items: Iterable[T], size: Callable[[T], int]) -> Iterator[list[T]]:
    """Items by so many, fewer where they are large: memory is bounded whatever a list holds."""
    part: list[T] = []
    total = 0
    for item in items:
        part.append(item)
        total += size(item)
        if len(part) >= _FETCH or total >= _LARGE:
            yield part
            part, total = [], 0
    if part:
        yield part


def source_name(source: Source) -> str:
    """What a list is called in records: a file's name without its folder, or the query's name."""
    return source.name


def source_digest(source: Source, mapping: Mapping) -> str:
    """SHA-256 of a file; for a query, of its text (the rows have a digest of their own, see Reading.rows_digest)."""
    if isinstance(source, SqlSource):
        return sha256(mapping.query or mapping.table)
    with _file(source).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def open_source(source: Source, mapping: Mapping, folder: Path, memory: str) -> Iterator[Opened]:
    """Opens a list. BadInput when it is missing, of an unknown kind, or not what its name says."""
    if isinstance(source, SqlSource):
        opener = _open_query(source, mapping)
    else:
        suffix = _file(source).suffix.lower()
        if suffix in TEXT_SUFFIXES:
            opener = _open_text(source, mapping)
        elif suffix == ".parquet":
            opener = _open_parquet(source, mapping, folder, memory)
        elif suffix == ".xlsx":
            opener = _open_sheet(source, mapping)
        else:
            raise BadInput(str(source), f'a list cannot be "{suffix}".', "Give .csv, .tsv, .txt, .parquet or .xlsx.")
    yield from opener


def _file(path: Path) -> Path:
    if not path.is_file():
        raise BadInput(str(path), "is no file that can be read.", "Check the path.")
    return path


# --- text -----------------------------------------------------------------------------------------------------------


def _open_text(path: Path, mapping: Mapping) -> Iterator[Opened]:
    name = str(path)
    with path.open("rb") as file:
        encoding = text_encoding(file.read(4), mapping.encoding, name)
        file.seek(0)
        seen = Seen()
        lines = seen.count(physical_lines(file, encoding, mapping.line_end, name))
        blank, heading = 0, next(lines, "")
        while heading is not None and not heading.strip():
            blank, heading = blank + 1, next(lines, None)
        names = _heading(heading, mapping, name)
        form = Form(mapping.delimiter, mapping.multiline, mapping.longest_field)
        first = blank + 2
        cut = _cut_parts(read_records(lines, names, form, first)) if form.multiline else None
        yield Opened(names, blank + 1, blank, cut or _lines_parts(lines, form, first), seen)


def _heading(text: str | None, mapping: Mapping, file: str) -> tuple[str, ...]:
    if text is None:
        raise BadInput(file, "has no heading line.", "The first line names the columns.")
    try:
        return tuple(name.strip() for name in split_record(text, mapping.delimiter))
    except ValueError as error:
        raise BadInput(file, "the heading line has an open quotation mark.", "Mend the first line.") from error


# --- tables ---------------------------------------------------------------------------------------------------------


def _open_parquet(path: Path, mapping: Mapping, folder: Path, memory: str) -> Iterator[Opened]:
    import duckdb

    with private_database(folder / "parquet", memory, (path,)) as database:
        try:
            cursor = database.execute("SELECT * FROM read_parquet(?)", [str(path)])
        except duckdb.Error:
            raise BadInput(str(path), "is no Parquet file that can be read.", "Export it again.") from None
        names = tuple(column[0].strip() for column in cursor.description)
        yield _table(names, _fetched(cursor, duckdb.Error, str(path)), mapping)


def _fetched(cursor: Any, failure: type[Exception], name: str) -> Iterator[Iterable[Any]]:
    while True:
        try:
            batch = cursor.fetchmany(_FETCH)
        except failure:
            raise BadInput(name, "broke off while it was read.", "Check the source. Nothing was stored.") from None
        if not batch:
            return
        yield from batch


def _open_sheet(path: Path, mapping: Mapping) -> Iterator[Opened]:
    import python_calamine

    _check_size(path)
    try:
        book = python_calamine.CalamineWorkbook.from_path(str(path))
    except python_calamine.CalamineError:
        raise BadInput(str(path), "is no workbook that can be read.", "Save it again as .xlsx.") from None
    sheet = book.get_sheet_by_name(_sheet_name(book.sheet_names, mapping, str(path)))
    seen, blank = Seen(), 0
    rows = seen.count(sheet.iter_rows())
    heading: list[Any] = next(rows, [])
    while heading and not any(_text(cell) for cell in heading):
        blank, heading = blank + 1, next(rows, [])
    if not heading:
        raise BadInput(str(path), "the sheet is empty.", "Name another: sheet = …")
    names = tuple((_text(cell) or "").strip() for cell in heading)
    try:
        yield Opened(names, blank + 1, blank, _cut_parts(_cells(rows, names, mapping, blank + 2)), seen)
    finally:
        book.close()


def _check_size(path: Path) -> None:
    """A workbook is a ZIP file: one that unpacks to far more than it should is refused before it is unpacked."""
    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(part.file_size for part in packed.infolist())
    except zipfile.BadZipFile:
        raise BadInput(str(path), "is no workbook that can be read.", "Save it again as .xlsx.") from None
    if size > LARGEST_SHEET or size > LARGEST_RATIO * max(path.stat().st_size, 1 << 16):
        raise BadInput(str(path), f"would unpack to {size:,} bytes.", "Export the list as CSV or Parquet.")


def _sheet_name(known: list[str], mapping: Mapping, file: str) -> str:
    if mapping.sheet in known:
        return mapping.sheet
    if mapping.sheet or len(known) != 1:
        problem = f'has no sheet "{mapping.sheet}".' if mapping.sheet else f"has {len(known)} sheets."
        raise BadInput(file, problem, "Set sheet to one of: " + ", ".join(known) + ".")
    return known[0]


def _open_query(source: SqlSource, mapping: Mapping) -> Iterator[Opened]:
    """Reads in one transaction that may not write and is rolled back, by a cursor that streams."""
    import sqlalchemy as sa

    query = _select(mapping)
    try:
        engine = sa.create_engine(_driver(source.url), poolclass=sa.NullPool, hide_parameters=True)
        connection = engine.connect()
    except (sa.exc.SQLAlchemyError, ImportError, ValueError):
        raise BadInput(source.name, "the database cannot be opened.", "Check its address and driver.") from None
    with connection, connection.begin() as transaction:
        try:
            connection.exec_driver_sql(_READ_ONLY.get(engine.dialect.name, "SELECT 1"))
            text = query or _whole_table(mapping.table, engine.dialect)
            literal = sa.text(text.replace(":", "\\:"))  # a colon or percent sign of the query is no parameter
            result = connection.execute(literal, execution_options={"stream_results": True, "yield_per": _FETCH})
            names = tuple(str(name).strip() for name in result.keys())  # noqa: SIM118 - a result's keys are its columns
        except sa.exc.SQLAlchemyError:
            where = f"{mapping.file}: {'query' if mapping.query else 'table'}"
            raise BadInput(where, "the database refuses it.", "Try it in the database's own tool.") from None
        yield _table(names, _fetched(result, sa.exc.SQLAlchemyError, source.name), mapping)
        transaction.rollback()


_SELECT: Final = re.compile(r"\s*(select|with)\b", re.IGNORECASE)
_READ_ONLY: Final = {"sqlite": "PRAGMA query_only = ON", "postgresql": "SET TRANSACTION READ ONLY"}


def _driver(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


def _select(mapping: Mapping) -> str:
    """The mapping's query; "" when it names a table instead."""
    if not mapping.query and not mapping.table:
        raise BadInput(f"{mapping.file}: query", "is missing.", "Set query to a SELECT, or set table.")
    if mapping.query and not _SELECT.match(mapping.query):
        raise BadInput(f"{mapping.file}: query", "is no SELECT.", "Set query to a SELECT, or set table.")
    return mapping.query


def _whole_table(table: str, dialect: Dialect) -> str:
    return "SELECT * FROM " + ".".join(map(dialect.identifier_preparer.quote, table.split(".")))  # noqa: S608 - quoted


def _table(names: tuple[str, ...], rows: Iterable[Iterable[Any]], mapping: Mapping) -> Opened:
    """A source whose columns are named apart from its rows."""
    seen = Seen()
    return Opened(names, 0, 0, _cut_parts(_cells(seen.count(rows), names, mapping, 1)), seen)


def _cells(rows: Iterable[Iterable[Any]], names: tuple[str, ...], mapping: Mapping, first: int) -> Iterator[Read]:
    for number, cells in enumerate(rows, first):
        yield _cell_row(number, tuple(map(_text, cells)), names, mapping)


def _cell_row(number: int, texts: tuple[str | None, ...], names: tuple[str, ...], mapping: Mapping) -> Read:
    if None in texts:
        return Reject(number, Fault.NOT_TEXT, names[texts.index(None)])
    fields = tuple(text for text in texts if text is not None)
    if not any(map(str.strip, fields)):
        return Blank(number)
    fault = fault_of(fields, names, mapping.longest_field)
    return Reject(number, *fault) if fault else Row(number, fields)


def _text(cell: Any) -> str | None:
    """A cell as a list would write it; None when it is nothing that a list can hold."""
    if isinstance(cell, str):
        return cell
    if cell is None:
        return ""
    return next((write(cell) for kind, write in _WRITTEN if isinstance(cell, kind)), None)


_WRITTEN: Final[tuple[tuple[type, Any], ...]] = (
    (bool, lambda cell: "true" if cell else "false"),
    (int, str),
    (float, lambda cell: str(int(cell)) if cell.is_integer() else repr(cell)),  # sheets keep whole numbers as floats
    (Decimal, lambda cell: format(cell, "f")),
    (datetime, lambda cell: cell.date().isoformat() if cell.time() == time() else cell.isoformat()),
    (date, date.isoformat),
    (time, time.isoformat),
)
