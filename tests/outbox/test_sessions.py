"""Opening a database: what each kind of session may do, what refuses, and in which words."""

from __future__ import annotations

import sqlite3
import stat
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from models.bulk import bulk_insert
from models.session import (
    Database,
    Locked,
    ReadOnly,
    Unavailable,
    advance,
    check_mode,
    create_database,
    db_clock,
    lock_sending,
    open_database,
    rearm,
)
from models.tables import Hold, Incident, Setting
from models.values import BadInput, HoldScope, Mode, Refused, SystemClock

CANARY = "CNRY-0badcafe"


def _incident(number: int, at: datetime) -> Incident:
    return Incident(id=f"i-{number}", slug=f"case-{number}", title="A case", opened_at=at, key_id="k")


@pytest.mark.parametrize(
    "how",
    [
        pytest.param(lambda s: s.add(Setting(name="colour", value="red")), id="a row added"),
        pytest.param(lambda s: s.connection().execute(text("DELETE FROM setting")), id="a statement"),
        pytest.param(lambda s: setattr(s.get(Setting, "key_id"), "value", "other"), id="a row changed"),
    ],
)
def test_a_read_session_refuses_to_write(db: Database, how: Callable[..., object]) -> None:
    before = db.setting("key_id")
    with pytest.raises(ReadOnly, match="opened for reading"), db.read() as session:
        how(session)
    assert (db.setting("key_id"), db.setting("colour")) == (before, None)


def test_a_read_that_then_writes_is_refused_even_with_fresh_data(db: Database) -> None:
    with pytest.raises(ReadOnly), db.read() as session:
        assert session.get(Setting, "mode") is not None
        session.merge(Setting(name="mode", value="live"))


def test_a_write_commits_at_its_end_and_nothing_after_an_error(db: Database) -> None:
    with db.write() as session:
        session.add(Setting(name="kept", value="1"))
    with pytest.raises(ZeroDivisionError), db.write() as session:
        session.add(Setting(name="lost", value="1"))
        session.flush()
        raise ZeroDivisionError
    assert (db.setting("kept"), db.setting("lost")) == ("1", None)


def test_a_reader_sees_one_moment_while_others_write(db: Database) -> None:
    with db.read() as session:
        before = session.connection().execute(text("SELECT count(*) FROM setting")).scalar_one()
        db.set_setting("colour", "red")
        after = session.connection().execute(text("SELECT count(*) FROM setting")).scalar_one()
    assert before == after


def test_a_locked_database_says_so_and_keeps_nothing(
    ready_url: str, opened: Callable[..., Database], backend: str
) -> None:
    holder, waiter = opened(ready_url), opened(ready_url, busy_seconds=0.2)
    with holder.write() as session:
        session.connection().execute(text("UPDATE setting SET value = value WHERE name = 'key_id'"))
        with pytest.raises(Locked, match=r"is locked by another program for 0\.2 s; let that one end"):
            waiter.set_setting("key_id", "other")
    assert waiter.setting("key_id") == holder.setting("key_id") != "other"


def test_writers_of_sqlite_take_the_lock_with_their_first_statement(
    tmp_path: Path, opened: Callable[..., Database]
) -> None:
    url = f"sqlite:///{tmp_path / 'one.db'}"
    create_database(url, Mode.EXERCISE, "k").close()
    first, second = opened(url), opened(url, busy_seconds=0.1)
    with first.write() as session:
        assert session.get(Setting, "mode") is not None  # only a read so far
        with pytest.raises(Locked):
            second.set_setting("colour", "red")


def test_sqlite_is_set_up_to_lose_nothing(tmp_path: Path, opened: Callable[..., Database]) -> None:
    url = f"sqlite:///{tmp_path / 'deep' / 'one.db'}"
    create_database(url, Mode.EXERCISE, "k").close()
    with opened(url).write() as session:
        pragmas = {
            name: session.connection().exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        }
        files = {p.name: stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "deep").iterdir()}
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}
    assert files == dict.fromkeys(["one.db", "one.db-wal", "one.db-shm"], 0o600)
    assert stat.S_IMODE((tmp_path / "deep").stat().st_mode) == 0o700


def test_a_row_that_refers_to_nothing_is_refused(db: Database, now: datetime) -> None:
    hold = Hold(incident_id="nobody", scope=HoldScope.INCIDENT, reason="r", placed_by="p", placed_at=now)
    with pytest.raises(IntegrityError), db.write() as session:
        session.add(hold)


REFUSED_ROWS: dict[str, Callable[[Any], object]] = {
    "an id there is already": lambda s: s.add(Setting(name="mode", value=CANARY)),
    "a rule of the table": lambda s: s.connection().execute(
        text("INSERT INTO hold (id, incident_id, scope, target, reason, placed_by, placed_at, released_by) "
             "VALUES ('h', 'i', 'everything', '', :reason, 'p', 0, '')"), {"reason": CANARY}),
    "a value missing": lambda s: s.connection().execute(
        text("INSERT INTO approver (id, name, seat) VALUES ('a', :name, 'legal')"), {"name": CANARY}),
    "in bulk": lambda s: bulk_insert(s, Hold, [{"incident_id": "i", "scope": HoldScope.WAVE, "reason": CANARY,
                                                "placed_by": "p", "placed_at": None}]),
}  # fmt: skip


@pytest.mark.parametrize("write", REFUSED_ROWS.values(), ids=REFUSED_ROWS.keys())
def test_the_error_about_a_refused_row_does_not_quote_it(db: Database, write: Callable[[Any], object]) -> None:
    with pytest.raises(IntegrityError) as caught, db.write() as session:
        write(session)
    assert CANARY not in "".join(traceback.format_exception(caught.value, limit=0))


def test_rows_in_bulk_with_an_unknown_column_are_refused(db: Database) -> None:
    with pytest.raises(ValueError, match="setting has no column colour"), db.write() as session:
        bulk_insert(session, Setting, [{"name": "n", "value": "v", "colour": "red"}])
    assert db.setting("n") is None


@pytest.mark.parametrize(
    "at",
    [
        datetime(2026, 3, 2, 9, 30, 0, 1, tzinfo=UTC),
        datetime(2026, 3, 2, 9, 30, 0, 999_999, tzinfo=timezone(timedelta(hours=5, minutes=45))),
        datetime(2013, 10, 22, 0, 0, tzinfo=timezone(timedelta(hours=-5))),
        datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    ],
)
def test_instants_keep_their_microseconds_and_come_back_in_utc(db: Database, at: datetime) -> None:
    with db.write() as session:
        session.add(_incident(1, at))
    with db.read() as session:
        found = session.get_one(Incident, "i-1").opened_at
    assert found == at
    assert found.tzinfo is UTC


def test_a_naive_instant_is_refused(db: Database) -> None:
    naive = datetime(2026, 3, 2, 9, 30)  # noqa: DTZ001 - the thing that must not pass
    with pytest.raises(Exception, match="naive"), db.write() as session:
        session.add(_incident(1, naive))


def test_a_word_outside_its_closed_list_is_refused_by_the_database_itself(db: Database, now: datetime) -> None:
    with db.write() as session:
        session.add(_incident(1, now))
    statement = text(
        "INSERT INTO hold (id, incident_id, scope, target, reason, placed_by, placed_at, released_by) "
        "VALUES ('h', 'i-1', 'everything', '', 'r', 'p', 0, '')"
    )
    with pytest.raises(IntegrityError), db.write() as session:
        session.connection().execute(statement)


# --- making, opening, modes -----------------------------------------------------------------------------------------


def test_making_a_database_twice_changes_nothing(database_url: str, now: datetime) -> None:
    create_database(database_url, Mode.EXERCISE, "k", civil_now=now).close()
    db = create_database(database_url, Mode.EXERCISE, "k", civil_now=now + timedelta(days=9))
    assert (db.setting("mode"), db.setting("key_id"), db_clock(db).now()) == ("exercise", "k", now)
    db.close()


@pytest.mark.parametrize(
    ("mode", "key", "says"),
    [
        (Mode.LIVE, "k", "was made as exercise: it can't become live"),
        (Mode.EXERCISE, "other", "was made with key k, not other"),
    ],
)
def test_making_over_a_database_of_another_mode_or_key_is_refused(
    database_url: str, mode: Mode, key: str, says: str
) -> None:
    create_database(database_url, Mode.EXERCISE, "k").close()
    with pytest.raises(Refused, match=says):
        create_database(database_url, mode, key)
    db = open_database(database_url)
    assert (db.setting("mode"), db.setting("key_id")) == ("exercise", "k")
    db.close()


def test_tables_of_another_program_are_left_alone(database_url: str, backend: str, tmp_path: Path) -> None:
    if backend == "sqlite":
        path = Path(database_url.removeprefix("sqlite:///"))
        path.parent.mkdir()
        sqlite3.connect(path).execute("CREATE TABLE flow_run (id TEXT)").connection.close()
    else:
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("CREATE TABLE flow_run (id TEXT)")
    with pytest.raises(Refused, match="tables of another program"):
        create_database(database_url, Mode.EXERCISE, "k")
    with pytest.raises(BadInput, match="no database of Tocsin's"):
        open_database(database_url)


@pytest.mark.parametrize("made", list(Mode))
@pytest.mark.parametrize("environment", list(Mode))
def test_environment_and_database_must_agree_about_being_live(tmp_path: Path, made: Mode, environment: Mode) -> None:
    db = create_database(f"sqlite:///{tmp_path / 'one.db'}", made, "k")
    if made is environment:
        check_mode(db, environment)
    else:
        with pytest.raises(Refused, match=f"TOCSIN_MODE is {environment}, but .* was made as {made}"):
            check_mode(db, environment)
    db.close()


@pytest.mark.parametrize("statement", ["UPDATE setting SET value = 'live'", "DELETE FROM setting"])
def test_the_mode_of_a_database_never_changes(db: Database, statement: str) -> None:
    with pytest.raises(DBAPIError, match="mode of a database never changes"), db.write() as session:
        session.connection().execute(text(f"{statement} WHERE name = 'mode'"))
    assert db.setting("mode") == "exercise"


def test_a_mode_that_is_no_mode_is_refused(database_url: str) -> None:
    db = create_database(database_url, Mode.EXERCISE, "k")
    with pytest.raises(DBAPIError), db.write() as session:
        session.connection().execute(text("INSERT INTO setting (name, value) VALUES ('mode', 'drill')"))
    db.close()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("sqlite:///{folder}/missing.db", "there is no database .* Run `tocsin init`"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("mysql://root:hunter2@localhost/x", "of kind mysql are not supported"),
        ("what is this", "is not an address of a database"),
    ],
)
def test_an_address_that_can_not_be_used_says_what_to_write(tmp_path: Path, url: str, says: str) -> None:
    with pytest.raises(BadInput, match=f"TOCSIN_DATABASE_URL: .*{says}") as caught:
        open_database(url.format(folder=tmp_path))
    assert "hunter2" not in str(caught.value)


def test_a_file_that_is_no_database_says_so(tmp_path: Path) -> None:
    path = tmp_path / "letters.db"
    path.write_text("Dear Sir or Madam, " * 100)
    with pytest.raises(Unavailable, match="is not a SQLite file"):
        open_database(f"sqlite:///{path}")


def test_a_server_that_does_not_answer_says_so_without_the_password() -> None:
    with pytest.raises(Unavailable, match="can't be reached") as caught:
        open_database("postgresql://tocsin:hunter2@127.0.0.1:1/tocsin")
    assert "hunter2" not in str(caught.value)


def test_a_database_of_a_newer_tocsin_is_neither_opened_nor_made_over(ready_url: str, db: Database) -> None:
    with db.write() as session:
        session.connection().execute(text("UPDATE tocsin_version SET version_num = '9998'"))
    acts: list[Callable[[], Database]] = [
        lambda: open_database(ready_url),
        lambda: create_database(ready_url, Mode.EXERCISE, "k"),
    ]
    for act in acts:
        with pytest.raises(BadInput, match=r"was made by a newer Tocsin\. Use that one") as caught:
            act()
        assert "tocsin init" not in str(caught.value)
    with db.read() as session:
        assert session.connection().execute(text("SELECT version_num FROM tocsin_version")).scalar_one() == "9998"


# --- clock and lock -------------------------------------------------------------------------------------------------


def test_the_clock_of_an_exercise_stands_until_it_is_advanced_and_never_goes_back(db: Database, now: datetime) -> None:
    assert db_clock(db).now() == now
    later = datetime(2026, 4, 1, 8, 0, 0, 7, tzinfo=timezone(timedelta(hours=2)))
    assert advance(db, later).now() == later
    assert db_clock(db).now() == later
    with pytest.raises(Refused, match="can't go back"):
        advance(db, now)
    assert db_clock(db).now() == later


def test_a_time_beyond_the_calendar_is_refused(db: Database, now: datetime) -> None:
    with pytest.raises(BadInput, match="beyond the last day"):
        advance(db, datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-12))))
    assert db_clock(db).now() == now


def test_a_live_database_has_the_clock_of_the_system(tmp_path: Path, now: datetime) -> None:
    db = create_database(f"sqlite:///{tmp_path / 'one.db'}", Mode.LIVE, "k")
    assert isinstance(db_clock(db), SystemClock)
    assert db.setting("civil_now") is None
    with pytest.raises(Refused, match="is live"):
        advance(db, now)
    db.close()


def test_a_sending_lock_holds_until_somebody_rearms(db: Database) -> None:
    lock_sending(db, "restored from a copy")
    assert db.setting("sending_locked") == "restored from a copy"
    rearm(db)
    rearm(db)
    assert db.setting("sending_locked") is None
