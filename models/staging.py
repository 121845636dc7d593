"""People between a list and the table of subjects: sealed, in files of their own, until one transaction takes them in.

Whoever seals people writes them to a file beside the others' (models.staged); no lock is held meanwhile. Then `take_in`
opens one transaction in which the files are at hand as tables, and sets of people are compared, inserted and changed by
a few statements each: memory and time do not depend on how many were known before.

A staged person's id is the blind index of who it is, so the same person has the same id whenever a list is read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    LargeBinary,
    MetaData,
    Select,
    Table,
    Text,
    and_,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlmodel import Session

from models.bulk import bulk_insert, parts
from models.session import Database
from models.staged import COLUMNS, FLAGS
from models.tables import metadata

SUBJECT: Table = metadata.tables["subject"]
COMPARED: Final = (
    *("content_mark", "elements", "email_index", "phone_index", "address_index", "deceased", "consent_email"),
)
FRESH: Final = "fresh"  # in `sorted_out`: not a subject yet
_AT_A_TIME: Final = 5_000
_CACHE_KB: Final = 256 * 1024  # of SQLite's pages, while many people are taken in


# --- taking in ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stage:
    """Staged people of one incident within a transaction. Statements, each over all of them."""

    session: Session
    incident: str
    places: tuple[Table, ...]

    def known(self) -> int:
        """Subjects of the incident so far, withdrawn ones too."""
        return int(self._one(select(func.count()).where(SUBJECT.c.incident_id == self.incident)))

    def insert_all(self, number: int) -> int:
        """Everybody, where no subject is known."""
        connection = self.session.connection()
        with _late_indexes(connection):
            return sum(self._count(self._insert(place, number)) for place in self.places)

    def index(self) -> None:
        """Needed before the statements below."""
        for place in self.places:
            name = f"{place.schema}." if place.schema else ""
            self.session.connection().exec_driver_sql(f"CREATE UNIQUE INDEX {name}ix_{place.name} ON {place.name} (id)")
        SORTED.create(self.session.connection())

    def differing(self) -> Iterator[Sequence[tuple[str, tuple[Any, ...], tuple[Any, ...], bool, str]]]:
        """Id, what was known and what is listed (COMPARED), whether withdrawn, merged into whom; in batches."""
        width = len(COMPARED)
        for place in self.places:
            old, new = ([table.c[name] for name in COMPARED] for table in (SUBJECT, place))
            s = SUBJECT.c
            other = or_(s.content_mark != place.c.content_mark, s.withdrawn.is_(True))
            query = select(s.id, s.withdrawn, s.merged_into, *old, *new).join(place, place.c.id == s.id).where(other)
            found = self.session.connection().execute(query.execution_options(stream_results=True))
            for batch in found.partitions(_AT_A_TIME):
                yield [(r[0], tuple(r[3 : 3 + width]), tuple(r[3 + width :]), r[1], r[2]) for r in batch]

    def note(self, changes: Iterable[tuple[str, str]]) -> None:
        """Remembers what changed for whom: id and a word."""
        for part in parts(changes, _AT_A_TIME):
            self.session.connection().execute(SORTED.insert(), [{"id": i, "change": c} for i, c in part])

    def note_fresh(self) -> int:
        """Notes who is no subject yet; how many."""
        return sum(
            self._note(select(p.c.id, literal(FRESH)).where(~exists().where(SUBJECT.c.id == p.c.id)))
            for p in self.places
        )

    def note_gone(self, word: str) -> int:
        """Notes who is a subject, not withdrawn, and listed no more; how many."""
        s = SUBJECT.c
        here = and_(s.incident_id == self.incident, s.withdrawn.is_(False))
        absent = [~exists().where(place.c.id == s.id) for place in self.places]
        return self._note(select(s.id, literal(word)).where(here, *absent))

    def spare(self, ids: Sequence[str], word: str) -> int:
        """Takes back what was noted for these; for how many it was that word."""
        chosen = SORTED.delete().where(SORTED.c.change == word)
        return sum(self._count(chosen.where(SORTED.c.id.in_(part))) for part in parts(ids, _AT_A_TIME))

    def insert_fresh(self, number: int) -> None:
        for place in self.places:
            chosen = self._insert(place, number, place.c.id.in_(self.noted(FRESH)))
            self.session.connection().execute(chosen)

    def alter(self, number: int, but: str) -> None:
        """Rewrites the subjects that were noted, but for those with this word and fresh ones.

        Whoever somebody else stands for stays withdrawn.
        """
        for place in self.places:
            values = {name: place.c[name] for name in COLUMNS if name != "id"}
            chosen = (SUBJECT.c.id == place.c.id, place.c.id == SORTED.c.id, SORTED.c.change.not_in([FRESH, but]))
            self.session.connection().execute(
                update(SUBJECT)
                .where(*chosen)
                .values(**values, last_scope=number, withdrawn=SUBJECT.c.merged_into != "")
            )

    def noted(self, *words: str) -> Select[Any]:
        """The ids noted with one of these words, as a subquery."""
        return select(SORTED.c.id).where(SORTED.c.change.in_(words))

    def _insert(self, place: Table, number: int, *where: ColumnElement[bool]) -> Any:
        given = {
            **{name: place.c[name] for name in COLUMNS},
            "person_index": place.c.id,
            "incident_id": literal(self.incident),
            "first_scope": literal(number),
            "last_scope": literal(number),
            "withdrawn": literal(False),
            "merged_into": literal(""),
        }
        return insert(SUBJECT).from_select(list(given), select(*given.values()).where(*where), include_defaults=False)

    def _note(self, query: Select[Any]) -> int:
        return self._count(SORTED.insert().from_select(["id", "change"], query))

    def _count(self, statement: Any) -> int:
        """Runs a statement; how many rows it wrote."""
        options = {"preserve_rowcount": True}
        return self.session.connection().execute(statement, execution_options=options).rowcount

    def _one(self, query: Select[Any]) -> Any:
        return self.session.connection().execute(query).scalar_one()


_TEMPORARY = MetaData()
SORTED: Final = Table(
    "sorted_out",
    _TEMPORARY,
    Column("id", Text, primary_key=True),
    Column("change", Text, nullable=False),
    prefixes=["TEMPORARY"],
    postgresql_on_commit="DROP",
)


def _place(name: str, schema: str | None, **options: Any) -> Table:
    kinds = dict.fromkeys(FLAGS, Boolean) | {"sealed": LargeBinary}
    columns = [Column(name, kinds.get(name, Text)) for name in COLUMNS]
    return Table(name, MetaData(), *columns, schema=schema, **options)


@contextmanager
def take_in(db: Database, folder: Path, incident: str) -> Iterator[Stage]:
    """One transaction, as `Database.write`, with the staged people of a folder."""
    files = sorted(folder.glob("staged-*.db"))
    opened = _beside if db.dialect == "sqlite" else _copied
    with opened(db, files) as (session, places):
        yield Stage(session, incident, places)


@contextmanager
def _beside(db: Database, files: Sequence[Path]) -> Iterator[tuple[Session, tuple[Table, ...]]]:
    """SQLite reads the files where they are. They are attached before the transaction: within one it can't be done."""
    with db.plain_errors(), db.writer.connect() as connection:
        connection.execution_options(tocsin_no_begin=True)
        try:
            for number, file in enumerate(files):
                connection.exec_driver_sql(f"ATTACH ? AS stage{number}", (str(file),))
            connection.exec_driver_sql(f"PRAGMA cache_size = -{_CACHE_KB}")
            connection.commit()
            connection.execution_options(tocsin_no_begin=False)
            with Session(connection, expire_on_commit=False) as session:
                yield session, tuple(_place("staged", f"stage{number}") for number in range(len(files)))
                session.commit()
            connection.execution_options(tocsin_no_begin=True)
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.invalidate()  # with what is attached and temporary


@contextmanager
def _copied(db: Database, files: Sequence[Path]) -> Iterator[tuple[Session, tuple[Table, ...]]]:
    """PostgreSQL gets a copy, in a table that goes with the transaction."""
    place = _place("staged", None, prefixes=["TEMPORARY"], postgresql_on_commit="DROP")
    with db.write() as session:
        place.create(session.connection())
        for file in files:
            bulk_insert(session, place, _rows(file))
        session.connection().exec_driver_sql("ANALYZE staged")
        yield session, (place,)


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    with sqlite3.connect(file) as database:
        for row in database.execute(f"SELECT {', '.join(COLUMNS)} FROM staged"):  # noqa: S608 - our own names
            found = dict(zip(COLUMNS, row, strict=True))
            yield found | {name: bool(found[name]) for name in FLAGS}
    database.close()


@contextmanager
def _late_indexes(connection: Connection) -> Iterator[None]:
    """SQLite builds an index over many rows ten times as fast as it keeps one while they come in a random order."""
    late = connection.dialect.name == "sqlite" and not connection.execute(select(SUBJECT.c.id).limit(1)).first()
    for index in SUBJECT.indexes if late else ():
        index.drop(connection)
    yield
    for index in SUBJECT.indexes if late else ():
        index.create(connection)
