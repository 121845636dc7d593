"""Opening the database: one address, two kinds of session, one mode.

`read()` is short and can't write; `write()` takes the write lock with its first statement. None begins as one and ends
as the other: a stale read that then writes fails at once in SQLite, and a lock taken for reading would block a wave.
SQLite by default (write-ahead log, synchronous=FULL), PostgreSQL for a team. Statements' parameters stay out of errors.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlmodel import Session, select

from models import migrations
from models.tables import Setting
from models.values import BadInput, Clock, Mode, Refused, SystemClock, TocsinError, VirtualClock, micros

BUSY_SECONDS = 30.0
SENDING_LOCKED = "sending_locked"
CIVIL_NOW = "civil_now"


class Locked(TocsinError):
    """Another program holds the database, or two writers crossed. Nothing was stored; running again is safe."""


class ReadOnly(TocsinError):
    """A read session was asked to write. Nothing was stored."""


class Unavailable(TocsinError):
    """The database can't be reached, read or written (no server, a full disk, a file that is something else)."""


@dataclass(frozen=True, slots=True, eq=False)
class Database:
    """An open database. One per process: never shared across a fork."""

    name: str  # address without a password, for messages
    dialect: str  # sqlite | postgresql
    busy_seconds: float
    reader: Engine
    writer: Engine

    @contextmanager
    def read(self) -> Iterator[Session]:
        """One snapshot, never a write; ReadOnly when something in it tries, a change left pending included."""
        with self.plain_errors(), Session(self.reader, expire_on_commit=False) as session:
            yield session
            session.flush()  # a change left pending is refused here, not lost in silence
            session.expunge_all()  # what was read stays readable

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction: commits at the end, rolls back on any error. Keep it short; no carrier call inside it."""
        with self.plain_errors(), Session(self.writer, expire_on_commit=False) as session:
            yield session
            session.commit()

    @contextmanager
    def quick(self) -> Iterator[Connection]:
        """As write(), without a session around it: for what is committed many times a second."""
        with self.plain_errors(), self.writer.begin() as connection:
            yield connection

    def setting(self, name: str) -> str | None:
        with self.read() as session:
            return session.exec(select(Setting.value).where(Setting.name == name)).one_or_none()

    def set_setting(self, name: str, value: str) -> None:
        with self.write() as session:
            session.merge(Setting(name=name, value=value))

    def scrub(self) -> None:
        """After an erasure: rewrites the file without what was deleted, and empties the write-ahead log (SQLite)."""
        with self.plain_errors(), self.writer.connect() as connection:
            connection.execution_options(**_NO_TRANSACTION[self.dialect])
            for statement in _SCRUB[self.dialect]:
                connection.exec_driver_sql(statement)

    def close(self) -> None:
        self.reader.dispose()
        self.writer.dispose()

    @contextmanager
    def plain_errors(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            plain = _plain(self, error)
            if plain is None:
                raise
            raise plain from error


_SCRUB = {"sqlite": ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"), "postgresql": ("VACUUM FULL",)}
_NO_TRANSACTION: dict[str, dict[str, Any]] = {  # vacuuming works outside one only
    "sqlite": {"tocsin_no_begin": True},
    "postgresql": {"isolation_level": "AUTOCOMMIT"},
}

# What a driver's code means to a colleague. SQLite's result codes and PostgreSQL's SQLSTATEs.
_MEANINGS: dict[int | str, tuple[type[TocsinError], str]] = {
    sqlite3.SQLITE_BUSY: (Locked, "is locked by another program for {busy:g} s; let that one end, then run again."),
    sqlite3.SQLITE_LOCKED: (Locked, "is locked by another program for {busy:g} s; let that one end, then run again."),
    sqlite3.SQLITE_READONLY: (ReadOnly, "was opened for reading, and something tried to write to it."),
    sqlite3.SQLITE_FULL: (Unavailable, "has no room left on its disk; free some, then run again."),
    sqlite3.SQLITE_CANTOPEN: (Unavailable, "can't be opened; check the path and who may read it."),
    sqlite3.SQLITE_NOTADB: (Unavailable, "is not a SQLite file; check TOCSIN_DATABASE_URL."),
    sqlite3.SQLITE_CORRUPT: (Unavailable, "is damaged; restore a backup (sending stays locked until re-armed)."),
    "55P03": (Locked, "is locked by another program for {busy:g} s; let that one end, then run again."),
    "40P01": (Locked, "had two writers waiting for each other; run again."),
    "40001": (Locked, "had two writers crossing; run again."),
    "25006": (ReadOnly, "was opened for reading, and something tried to write to it."),
    "53100": (Unavailable, "has no room left on its disk; free some, then run again."),
    "3D000": (Unavailable, "does not exist on that server; create it there, then run `tocsin init`."),
    "28P01": (Unavailable, "refused our user name or password; check TOCSIN_DATABASE_URL."),
    "57P01": (Unavailable, "closed the connection; see whether its server is running, then run again."),
    "": (Unavailable, "can't be reached; see whether its server is running, then run again."),
}


def _plain(db: Database, error: DBAPIError) -> TocsinError | None:
    meaning = _MEANINGS.get(_code(error))
    if meaning is None:
        return None
    kind, sentence = meaning
    return kind(f"{db.name}: the database {sentence.format(busy=db.busy_seconds)}")


def _code(error: DBAPIError) -> int | str:
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return int(code) & 0xFF  # extended codes keep the primary one in the low byte
    state = getattr(error.orig, "sqlstate", None)
    if state is None:
        return "" if type(error.orig).__name__ in {"OperationalError", "ConnectionTimeout"} else "?"
    return str(state)


# --- opening --------------------------------------------------------------------------------------------------------


def open_database(url: str, *, busy_seconds: float = BUSY_SECONDS) -> Database:
    """Opens what `tocsin init` made.

    `url` is `sqlite:///path` or `postgresql://user@host/name`. `busy_seconds` is how long to wait for another program's
    lock. BadInput when there is no database, or one of another version of Tocsin.
    """
    address = _address(url)
    if address.get_backend_name() == "sqlite" and not Path(address.database or "").is_file():
        raise BadInput("TOCSIN_DATABASE_URL", f"there is no database {address.database}.", "Run `tocsin init`.")
    db = _connect(address, busy_seconds)
    with db.plain_errors(), db.reader.connect() as connection:
        found = migrations.current(connection)
    if found == migrations.HEAD:
        return db
    db.close()
    if found is None:
        raise BadInput("TOCSIN_DATABASE_URL", f"{db.name} is no database of Tocsin's.", "Run `tocsin init`.")
    _refuse_newer(db, found)
    raise BadInput(
        "TOCSIN_DATABASE_URL",
        f"{db.name} has version {found} of the tables, this Tocsin needs {migrations.HEAD}.",
        "Back it up, then run `tocsin init` with the same mode and key: it brings the tables up to date.",
    )


def _refuse_newer(db: Database, found: str) -> None:
    """Steps are numbered upwards; what is not one of ours comes after ours."""
    if found > migrations.HEAD:
        raise BadInput(
            "TOCSIN_DATABASE_URL",
            f"{db.name} has version {found} of the tables, this Tocsin needs {migrations.HEAD}:"
            " it was made by a newer Tocsin.",
            "Use that one; nothing was changed.",
        )


def create_database(
    url: str, mode: Mode, key_id: str, *, civil_now: datetime | None = None, busy_seconds: float = BUSY_SECONDS
) -> Database:
    """Makes the tables, or brings those of an older Tocsin up to date, and writes down the mode and the key's id.

    Refused when the database has the other mode, another key, or somebody else's tables. `civil_now` starts the civil
    clock of an exercise; without it, the clock starts at the present. Running it twice changes nothing.
    """
    address = _address(url)
    if address.get_backend_name() == "sqlite":
        _make_file(Path(address.database or ""))
    db = _connect(address, busy_seconds)
    try:
        with db.plain_errors():
            _make(db, mode, key_id, civil_now)
    except BaseException:
        db.close()
        raise
    return db


def check_mode(db: Database, mode: Mode) -> None:
    """Refused when the environment and the database disagree about being live."""
    made = db.setting("mode")
    if made != mode.value:
        raise Refused(
            f"TOCSIN_MODE is {mode.value}, but {db.name} was made as {made}. "
            "An exercise and the real thing never share a database: set TOCSIN_MODE or TOCSIN_DATABASE_URL."
        )


def lock_sending(db: Database, why: str) -> None:
    """Nothing is claimed or handed off from now on: for a database that was restored from a copy."""
    db.set_setting(SENDING_LOCKED, why)


def rearm(db: Database) -> None:
    """Lifts lock_sending. A person's decision; who and why belongs into the ledger, by the caller."""
    with db.write() as session:
        row = session.get(Setting, SENDING_LOCKED)
        if row is not None:
            session.delete(row)


# --- the civil clock ------------------------------------------------------------------------------------------------


def db_clock(db: Database) -> Clock:
    """The civil clock of this database, as it stands now: the system's when live, the stored one in an exercise."""
    if db.setting("mode") == Mode.LIVE.value:
        return SystemClock()
    return VirtualClock(_civil(db.setting(CIVIL_NOW)))


def advance(db: Database, to: datetime) -> Clock:
    """Moves the civil clock of an exercise. Refused for a live database, and backwards: records would contradict."""
    try:
        micros(to)  # refuses a naive time
    except OverflowError:
        raise BadInput("--to", "is beyond the last day that can be counted.", "Name a nearer time.") from None
    if db.setting("mode") != Mode.EXERCISE.value:
        raise Refused(f"{db.name} is live: its civil clock is the system's and can't be set.")
    with db.write() as session:
        row = session.get(Setting, CIVIL_NOW)
        now = _civil(row.value if row else None)
        if to < now:
            raise Refused(f"The exercise stands at {now.isoformat()}: its clock can't go back to {to.isoformat()}.")
        session.merge(Setting(name=CIVIL_NOW, value=to.astimezone(UTC).isoformat()))
    return VirtualClock(to.astimezone(UTC))


def _civil(value: str | None) -> datetime:
    if value is None:
        raise BadInput("setting civil_now", "the exercise has no civil clock.", "Run `tocsin init` for it again.")
    return datetime.fromisoformat(value)


# --- engines --------------------------------------------------------------------------------------------------------


def _address(url: str) -> URL:
    remedy = "Use sqlite:///path/to/tocsin.db or postgresql://user@host/name."
    try:
        address = make_url(url)
    except ArgumentError:
        raise BadInput("TOCSIN_DATABASE_URL", "is not an address of a database.", remedy) from None
    if address.drivername in {"postgresql", "postgres", "postgresql+psycopg"}:
        return address.set(drivername="postgresql+psycopg")
    if address.drivername != "sqlite":
        raise BadInput("TOCSIN_DATABASE_URL", f"databases of kind {address.drivername} are not supported.", remedy)
    if address.database in {None, "", ":memory:"}:
        raise BadInput("TOCSIN_DATABASE_URL", "names no file, and a database in memory would be lost.", remedy)
    return address


def _make_file(path: Path) -> None:
    """An empty file that only we may read; SQLite gives its log files the same mode."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise BadInput(
            "TOCSIN_DATABASE_URL", f"{path} can't be made: {error.strerror}.", "Choose another path."
        ) from None


def _connect(address: URL, busy_seconds: float) -> Database:
    reader, writer = _ENGINES[address.get_backend_name()](address, busy_seconds)
    name = address.set(drivername=address.get_backend_name(), query={}).render_as_string(hide_password=True)
    return Database(name, address.get_backend_name(), busy_seconds, reader, writer)


def _sqlite_engines(address: URL, busy_seconds: float) -> tuple[Engine, Engine]:
    return (
        _sqlite_engine(address, busy_seconds, begin="BEGIN", pragmas=("query_only=ON",)),
        _sqlite_engine(address, busy_seconds, begin="BEGIN IMMEDIATE", pragmas=("secure_delete=ON",)),
    )


def _sqlite_engine(address: URL, busy_seconds: float, *, begin: str, pragmas: tuple[str, ...]) -> Engine:
    engine = create_engine(address, hide_parameters=True, connect_args={"timeout": busy_seconds})

    def connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver's own BEGIN would be a deferred one
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", *pragmas):
            connection.execute(f"PRAGMA {pragma}").close()

    def begun(connection: Connection) -> None:
        if not connection.get_execution_options().get("tocsin_no_begin"):
            connection.exec_driver_sql(begin)

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)
    return engine


def _postgresql_engines(address: URL, busy_seconds: float) -> tuple[Engine, Engine]:
    options = f"-c lock_timeout={int(busy_seconds * 1000)} -c timezone=UTC"
    engine = create_engine(
        address, hide_parameters=True, pool_pre_ping=True, connect_args={"options": options, "connect_timeout": 10}
    )
    event.listen(engine, "handle_error", _hide_rows)
    # A snapshot, as in SQLite: the two sums of a status come from one moment.
    reader = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return reader, engine.execution_options(isolation_level="READ COMMITTED")


def _hide_rows(context: ExceptionContext) -> None:
    """PostgreSQL quotes the whole row that a rule refused; keep what it says, not what it quotes."""
    raised: Any = context.original_exception
    primary = getattr(getattr(raised, "diag", None), "message_primary", None)
    if primary:
        raised.args = (primary,)
        if context.sqlalchemy_exception is not None:
            context.sqlalchemy_exception.args = (f"({type(raised).__name__}) {primary}",)


_ENGINES = {"sqlite": _sqlite_engines, "postgresql": _postgresql_engines}


# --- making ---------------------------------------------------------------------------------------------------------


def _make(db: Database, mode: Mode, key_id: str, civil_now: datetime | None) -> None:
    with db.writer.connect() as connection:
        if db.dialect == "sqlite":  # rebuilding a table would cascade; can be said only outside a transaction
            _driver(connection).execute("PRAGMA foreign_keys=OFF")
        with connection.begin():
            _bring_up(db, connection)
            with Session(connection) as session:
                _settle(db, session, mode, key_id, civil_now)
                session.flush()
        connection.invalidate()  # this connection checks no foreign keys: it must not come back


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


def _bring_up(db: Database, connection: Connection) -> None:
    found = migrations.current(connection)
    if found is not None:
        _refuse_newer(db, found)
    if found is None and inspect(connection).get_table_names():
        raise Refused(f"{db.name} holds tables of another program. Give Tocsin a database of its own.")
    migrations.upgrade(connection)
    if db.dialect == "sqlite" and connection.execute(text("PRAGMA foreign_key_check")).first():
        raise Unavailable(f"{db.name}: rows lost what they refer to while the tables changed; nothing was kept.")


def _settle(db: Database, session: Session, mode: Mode, key_id: str, civil_now: datetime | None) -> None:
    known = {row.name: row.value for row in session.exec(select(Setting))}
    if known.get("mode", mode.value) != mode.value:
        raise Refused(f"{db.name} was made as {known['mode']}: it can't become {mode.value}. Make another database.")
    if known.get("key_id", key_id) != key_id:
        raise Refused(f"{db.name} was made with key {known['key_id']}, not {key_id}. Check TOCSIN_KEY_FILE.")
    wanted = {"mode": mode.value, "key_id": key_id}
    if mode is Mode.EXERCISE:
        wanted[CIVIL_NOW] = (civil_now or SystemClock().now()).astimezone(UTC).isoformat()
    session.add_all([Setting(name=n, value=v) for n, v in wanted.items() if n not in known])
