"""Alembic's entry: runs the steps on the connection that models.migrations.upgrade hands over."""

from __future__ import annotations

from alembic import context

from models.migrations import VERSION_TABLE
from models.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
    transactional_ddl=True,  # SQLite rolls back tables too, once its driver stops committing before them
)
with context.begin_transaction():
    context.run_migrations()
