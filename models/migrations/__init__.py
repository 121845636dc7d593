"""Bringing a database's tables to this version, by Alembic, under a version table of our own.

Every step says in full what it makes: it is never edited once released, and does not change when a table class does.
"""

from __future__ import annotations

from importlib.resources import as_file, files

from sqlalchemy import Connection, inspect, text

HEAD = "0001"  # the newest step in versions/; a test keeps it true, so that opening a database need not load Alembic
VERSION_TABLE = "tocsin_version"


def current(connection: Connection) -> str | None:
    """The step at which this database stands; None when it is not ours."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar_one_or_none()  # noqa: S608


def upgrade(connection: Connection) -> None:
    """Runs every step that is still to do, in the caller's transaction: all of them or none."""
    from alembic import command
    from alembic.config import Config

    with as_file(files(__name__)) as folder:
        config = Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
