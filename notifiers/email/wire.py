"""An open line to a relay after its handshake: commands out, replies in, in order, each wait with an end.

aiosmtplib opens, secures and authenticates the connection; from then on its transport speaks to this protocol, which
may send a group of commands before the first reply (RFC 2920) and knows when the kernel has taken all that was written.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Final

_LONGEST: Final = 16_384  # octets of one reply; a relay that says more is no relay


class LineLost(ConnectionError):
    """The connection ended, or what came is no reply of SMTP's."""


@dataclass(frozen=True, slots=True)
class Reply:
    code: int
    text: str


class Wire(asyncio.Protocol):
    """Replies are read by one task at a time."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._buffer = b""
        self._lines: list[str] = []  # of a reply of several lines that is not complete yet
        self._replies: deque[Reply] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._wanted = 0
        self._taken: asyncio.Future[None] | None = None  # while the kernel has not taken all
        self._lost = False
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = 0.0
        transport.set_write_buffer_limits(high=0)  # pause_writing then means: something is still with us
        transport.set_protocol(self)

    @property
    def usable(self) -> bool:
        """Whether a transaction may begin: the line is open, and nothing came that nobody had asked for."""
        return not (self._lost or self._replies or self._transport.is_closing())

    def write(self, data: bytes) -> None:
        """LineLost when the line is closed; nothing was written then."""
        if self._lost or self._transport.is_closing():
            raise LineLost
        self._transport.write(data)

    async def replies(self, count: int, seconds: float) -> list[Reply]:
        """The next `count` replies. TimeoutError after `seconds`; LineLost when the line ends first.

        What had come until then is given back by `arrived`.
        """
        if len(self._replies) < count:
            if self._lost:
                raise LineLost
            self._wanted = count
            self._waiter = self._loop.create_future()
            self._arm(seconds)
            try:
                await self._waiter
            finally:
                self._waiter, self._wanted = None, 0
        return [self._replies.popleft() for _ in range(count)]

    def arrived(self) -> list[Reply]:
        """The replies that came before a wait was broken off."""
        found, self._replies = list(self._replies), deque()
        return found

    @property
    def all_taken(self) -> bool:
        """Whether the kernel has all that was written: what comes last may be at the relay.

        Asked right after a write: a transport that is closing then has failed to write it.
        """
        return self._taken is None and not self._transport.is_closing()

    async def drained(self, seconds: float) -> None:
        """Until the kernel has taken all that was written. TimeoutError, LineLost."""
        if self._taken is not None:
            self._arm(seconds)
            await self._taken
        if self._lost or self._transport.is_closing():
            raise LineLost

    def close(self) -> None:
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()

    # --- asyncio's calls ---

    def data_received(self, data: bytes) -> None:
        lines = (self._buffer + data).split(b"\n")
        self._buffer = lines.pop()
        for line in lines:
            self._take(line.rstrip(b"\r"))
        if len(self._buffer) + sum(map(len, self._lines)) > _LONGEST or len(self._replies) > 64:
            self._break()
        elif self._waiter and not self._waiter.done() and len(self._replies) >= self._wanted:
            self._waiter.set_result(None)

    def _take(self, line: bytes) -> None:
        code, text = line[:3], line[4:].decode("utf-8", "replace")
        if not (code.isdigit() and len(code) == 3 and line[3:4] in (b"", b" ", b"-")):
            self._break()
            return
        self._lines.append(text)
        if line[3:4] != b"-":
            self._replies.append(Reply(int(code), "\n".join(self._lines)))
            self._lines = []

    def _break(self) -> None:
        self._transport.abort()
        self.connection_lost(None)

    def pause_writing(self) -> None:
        self._taken = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._taken and not self._taken.done():
            self._taken.set_result(None)
        self._taken = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        if self._timer:
            self._timer.cancel()
        self._fail(LineLost())

    def _fail(self, error: Exception) -> None:
        for waiting in (self._waiter, self._taken):
            if waiting and not waiting.done():
                waiting.set_exception(error)
                waiting.exception()  # it may be that nobody waits any more

    # --- one timer for all waits: most end long before it, and a timer per wait would cost more than the wait ---

    def _arm(self, seconds: float) -> None:
        self._deadline = self._loop.time() + seconds
        if self._timer is None or self._timer.when() > self._deadline:
            if self._timer:
                self._timer.cancel()
            self._timer = self._loop.call_at(self._deadline, self._look)

    def _look(self) -> None:
        waiting = any(w and not w.done() for w in (self._waiter, self._taken))
        self._timer = None
        if waiting and self._loop.time() >= self._deadline:
            self._fail(TimeoutError())
        elif waiting:
            self._timer = self._loop.call_at(self._deadline, self._look)
