"""What the tables share: names of constraints, identifiers, CHECKs for closed words."""

from __future__ import annotations

import secrets
import time
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, MetaData
from sqlmodel import Field, SQLModel

from models.types import Instant, Word

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
# Our own metadata, so that no other SQLModel application shares it; named constraints let batch migrations find them.
metadata = MetaData(naming_convention=NAMING)


class Row(SQLModel):
    """A row of ours. Rows are for storing: what must be right is checked before, in dataclasses."""

    metadata = metadata


def new_id() -> str:
    """32 hex digits: the millisecond of making, then 80 random bits.

    Rows that are made together lie together in tables and indexes, which is what a wave's speed hangs on; beyond the
    millisecond an id says nothing about a person or an order.
    """
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(10)}"


def word(words: type[StrEnum], **options: Any) -> Any:
    """A column holding one member of a closed vocabulary."""
    return Field(sa_type=Word(words), **options)


def instant(**options: Any) -> Any:
    """A column holding an instant (see models.types.Instant)."""
    return Field(sa_type=Instant, **options)


def check_word(column: str, words: type[StrEnum], *, nullable: bool = False) -> CheckConstraint:
    listed = ", ".join(f"'{w.value}'" for w in words)
    rule = f"{column} IN ({listed})"
    return CheckConstraint(f"{column} IS NULL OR {rule}" if nullable else rule, name=f"{column}_word")
