"""A private place for the sort, and the DuckDB that does it: no extensions, no network, no file but those named.

A list larger than memory spills here in clear, so the folder is 0700 and is removed whatever happens.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from models.values import BadInput

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@contextmanager
def private_folder(parent: Path) -> Iterator[Path]:
    """A new folder that only we can read, gone at the end."""
    try:
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sweep(parent)
        folder = Path(tempfile.mkdtemp(prefix=f"list-{os.getpid()}-", dir=parent))  # mkdtemp makes it 0700
    except OSError as error:
        raise BadInput(str(parent), f"cannot hold a private folder ({error.strerror}).", "Name another.") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _sweep(parent: Path) -> None:
    """Removes what a process that was killed has left behind."""
    for folder in parent.glob("list-*-*"):
        owner = folder.name.split("-")[1]
        if owner.isdigit() and not _alive(int(owner)):
            shutil.rmtree(folder)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def private_writer(path: Path) -> int:
    """A file descriptor of a new file that only we can read; an old one is emptied and closed to others."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0), 0o600)
    os.fchmod(descriptor, 0o600)
    return descriptor


@contextmanager
def private_database(folder: Path, memory: str, files: tuple[Path, ...]) -> Iterator[DuckDBPyConnection]:
    """DuckDB in memory, spilling to `folder`, that may read these files and nothing else. `memory`: such as "1GB"."""
    import duckdb

    folder.mkdir(mode=0o700, exist_ok=True)
    database = duckdb.connect(":memory:", config={"autoinstall_known_extensions": "false"})
    try:
        for setting, value in (
            ("autoload_known_extensions", "false"),
            ("allow_community_extensions", "false"),
            ("temp_directory", _quoted(str(folder))),
            ("memory_limit", _quoted(memory)),
            ("threads", "2"),
            ("allowed_paths", "[" + ", ".join(_quoted(str(file)) for file in files) + "]"),
            ("enable_external_access", "false"),
            ("lock_configuration", "true"),
        ):
            database.execute(f"SET {setting} = {value}")
        yield database
    finally:
        database.close()


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
