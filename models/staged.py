"""Files of sealed people on their way from a list to the table of subjects. See models.staging, which takes them in."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

FLAGS: Final = (
    *("minor", "deceased", "protected", "consent_email"),
    *("has_email", "has_phone", "has_mobile", "has_address", "has_app"),
)
COLUMNS: Final = (
    *("id", "residence", "language", "role", "elements", *FLAGS),
    *("email_index", "phone_index", "address_index", "block_index", "customer", "content_mark", "sealed"),
)


class Writer:
    """One process's file of staged people, in a folder that is private and goes away. No promise outlives a crash."""

    def __init__(self, folder: Path) -> None:
        path = folder / f"staged-{os.getpid()}.db"
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._database = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode = OFF", "synchronous = OFF"):
            self._database.execute(f"PRAGMA {pragma}")
        self._database.execute(f"CREATE TABLE IF NOT EXISTS staged ({', '.join(COLUMNS)})")
        self._insert = f"INSERT INTO staged VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608 - our own names

    def put(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Rows in the order of COLUMNS."""
        self._database.execute("BEGIN")
        self._database.executemany(self._insert, rows)
        self._database.execute("COMMIT")

    def close(self) -> None:
        self._database.close()
