"""Migrating and the table classes make the same database, on both, and what happened can't be rewritten in either."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from importlib.resources import as_file, files
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, make_url, text
from sqlalchemy.exc import DBAPIError

from models import ledger, migrations
from models.chain import Entry
from models.session import Database, open_database
from models.tables import metadata
from models.values import BadInput


def _shape(engine: Any) -> dict[str, Any]:
    """Everything the database says of its own tables, closed words and partial indexes included."""
    seen = inspect(engine)
    tables = set(seen.get_table_names()) - {migrations.VERSION_TABLE}
    return {
        table: {
            "columns": [(c["name"], str(c["type"]), c["nullable"], c["default"]) for c in seen.get_columns(table)],
            "primary key": seen.get_pk_constraint(table),
            "foreign keys": sorted(map(repr, seen.get_foreign_keys(table))),
            "uniques": sorted(map(repr, seen.get_unique_constraints(table))),
            "checks": sorted((c["name"], c["sqltext"]) for c in seen.get_check_constraints(table)),
            "indexes": sorted(repr((i["name"], i["column_names"], _where(i))) for i in seen.get_indexes(table)),
        }
        for table in sorted(tables)
    }


def _where(index: Any) -> list[str]:
    options = index.get("dialect_options", {})
    return [str(value) for name, value in sorted(options.items()) if name.endswith("_where")]


def test_the_migrated_tables_are_those_of_the_classes(db: Database, database_url: str, backend: str) -> None:
    if backend == "sqlite":
        fresh = create_engine("sqlite://")
    else:
        fresh = create_engine(make_url(database_url).set(drivername="postgresql+psycopg"))
    metadata.create_all(fresh)
    migrated, made = _shape(db.reader), _shape(fresh)
    fresh.dispose()
    assert set(migrated) == set(made)
    for table, shape in made.items():
        assert migrated[table] == shape, f"{table}: amend the newest step in models/migrations/versions, or add one"


def test_alembic_finds_nothing_to_migrate(db: Database) -> None:
    with db.reader.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": migrations.VERSION_TABLE, "compare_type": True}
        )
        assert compare_metadata(context, metadata) == []


def test_the_newest_step_is_the_one_that_opening_expects() -> None:
    with as_file(files(migrations)) as folder:
        config = Config()
        config.set_main_option("script_location", str(folder))
        assert ScriptDirectory.from_config(config).get_heads() == [migrations.HEAD]


def test_a_database_of_another_version_is_not_opened(db: Database, ready_url: str) -> None:
    with db.write() as session:
        session.connection().execute(text("UPDATE tocsin_version SET version_num = '9999'"))
    with pytest.raises(BadInput, match=f"has version 9999 of the tables, this Tocsin needs {migrations.HEAD}"):
        open_database(ready_url)


@pytest.mark.parametrize("table", ["event", "seal"])
@pytest.mark.parametrize("statement", ["UPDATE {table} SET at = 0", "DELETE FROM {table}"])
def test_what_happened_is_neither_changed_nor_deleted(
    world: Any, db: Database, now: datetime, table: str, statement: str
) -> None:
    with db.write() as session:
        ledger.append(session, world.incident, "lane", [Entry("opened", world.incident)], now)
        ledger.seal(session, world.incident, now)
    with pytest.raises(DBAPIError, match=f"rows of {table} are only ever inserted"), db.write() as session:
        session.connection().execute(text(statement.format(table=table)))
    with db.read() as session:
        assert ledger.verify(session, world.incident).events == 1


def test_a_step_that_fails_leaves_no_table_behind(
    database_url: str, monkeypatch: pytest.MonkeyPatch, opened: Callable[..., Database]
) -> None:
    from models import session as sessions
    from models.values import Mode

    real = migrations.upgrade

    def half(connection: Any) -> None:
        real(connection)
        raise RuntimeError("power cut")

    monkeypatch.setattr(migrations, "upgrade", half)
    with pytest.raises(RuntimeError):
        sessions.create_database(database_url, Mode.EXERCISE, "k")
    monkeypatch.undo()
    with pytest.raises(BadInput, match="no database of Tocsin's"):
        open_database(database_url)
    sessions.create_database(database_url, Mode.EXERCISE, "k").close()
    assert opened(database_url).setting("mode") == "exercise"
