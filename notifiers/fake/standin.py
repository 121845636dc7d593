"""What the stand-ins share: a server on a loopback port, inside a running loop or in a thread of its own, and a log."""

from __future__ import annotations

import asyncio
import json
import os
import re
import threading
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from models.values import BadInput
from notifiers.guard import is_loopback

# Tokens that synthetic people carry in their fields (examples/make_people.py), and any word like canary-1f.
CANARY = re.compile(r"cnry-[0-9a-f]{8}|canary[-_]?[a-z0-9]+(?:[-_][a-z0-9]+)*", re.IGNORECASE)


class Log:
    """Append-only JSON lines; an entry is on the disk before the client hears that it was accepted."""

    def __init__(self, path: Path | None) -> None:
        self.entries: list[dict[str, Any]] = []
        self._file = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def append(self, entry: dict[str, Any]) -> None:
        self.entries.append(entry)
        if self._file is not None:
            os.write(self._file, json.dumps(entry, ensure_ascii=False).encode() + b"\n")
            os.fsync(self._file)

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


class StandIn(ABC):
    """`async with standin:` inside a loop, or `start()` and `stop()` from anywhere. Loopback only."""

    def __init__(self, host: str, port: int, log: Path | None) -> None:
        if not is_loopback(host):
            raise BadInput("host", "a stand-in listens on loopback only.", "Use 127.0.0.1.")
        self.host, self.port = host, port
        self.log = Log(log)
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @abstractmethod
    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""

    @property
    def accepted(self) -> list[dict[str, Any]]:
        """What was accepted so far, in order; the same entries as in the log."""
        return self.log.entries

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, self.host, self.port, limit=2**20)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        for task in list(self._clients):
            task.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)
        self._server = None
        self.log.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a stream server calls us in a task
        self._clients.add(task)
        try:
            await self._client(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the client went away in the middle: nothing to answer
        except asyncio.CancelledError:
            pass  # we are closing; a task that ends cancelled would be reported as a fault by asyncio.streams
        finally:
            self._clients.discard(task)
            writer.close()

    def start(self) -> Self:
        """Serve from a thread of its own; returns once the port is known."""
        ready = threading.Event()
        failed: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, args=(ready, failed), daemon=True, name=type(self).__name__)
        self._thread.start()
        ready.wait(10)
        if failed:
            raise failed[0]
        return self

    def _run(self, ready: threading.Event, failed: list[BaseException]) -> None:
        async def serve() -> None:
            try:
                await self.__aenter__()
            except OSError as e:
                failed.append(e)
                return
            finally:
                self._loop = asyncio.get_running_loop()
                self._done = asyncio.Event()
                ready.set()
            await self._done.wait()
            await self.__aexit__(None, None, None)

        asyncio.run(serve())

    def stop(self) -> None:
        """End the thread that start() began; open connections are cut."""
        if self._thread and self._loop and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._done.set)
            self._thread.join(10)


def cut(writer: asyncio.StreamWriter) -> None:
    """Break the line at once, without a goodbye and without sending what is still buffered."""
    writer.transport.abort()
