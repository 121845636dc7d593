"""Work on the parts of a list in processes beside ours, its results in the list's order, in bounded memory.

Each worker holds a pipe whose other end is ours alone: when we end, however, it reads the end of the pipe and ends too,
so that no orphan keeps a key in memory. A short list is worked on here, without any process.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from multiprocessing.connection import Connection
from typing import Any, Final, Generic, TypeVar

from models.values import TocsinError

MOST: Final = 8
_Part = TypeVar("_Part")
_Done = TypeVar("_Done")
Work = Callable[[_Part], _Done]


@dataclass(frozen=True, slots=True)
class _Failed:
    """What a worker raised. Only errors of ours travel as they are: others may quote a row."""

    error: TocsinError


def processors() -> int:
    """How many workers pay: one for each processor that we may use, within reason."""
    return min(MOST, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def in_order(
    make: Callable[[], Work[_Part, _Done]], parts: Iterable[_Part], workers: int, few: int = 1
) -> Iterator[_Done]:
    """`make()(part)` for each part, in their order. `make` is called once in each process, and must pickle.

    With one worker, or no more than `few` parts, no process is started. An error of ours is raised here as it was
    there; a worker that died is a TocsinError.
    """
    source = iter(parts)
    first = list(islice(source, few + 1)) if workers > 1 else []
    if len(first) <= few:
        work = make()
        yield from map(work, chain(first, source))
        return
    with _crew(make, workers) as crew:
        yield from crew.run(chain(first, source))


@dataclass(slots=True)
class _Crew(Generic[_Part, _Done]):
    pipes: list[Connection]

    def run(self, parts: Iterable[_Part]) -> Iterator[_Done]:
        """Each worker has one part at a time, so neither side ever waits for the other to empty a full pipe."""
        idle, busy = deque(self.pipes), deque[Connection]()
        for part in parts:
            if not idle:
                pipe = busy.popleft()
                yield _result(pipe)
                idle.append(pipe)
            pipe = idle.popleft()
            _send(pipe, part)
            busy.append(pipe)
        yield from map(_result, busy)


def _send(pipe: Connection, part: Any) -> None:
    try:
        pipe.send(part)
    except OSError:
        raise _died() from None


def _result(pipe: Connection) -> Any:
    try:
        done = pipe.recv()
    except (EOFError, OSError):
        raise _died() from None
    if isinstance(done, _Failed):
        raise done.error
    return done


def _died() -> TocsinError:
    return TocsinError("A process that worked on the list ended (is memory short?). Nothing was stored; run again.")


@contextmanager
def _crew(make: Callable[[], Work[Any, Any]], workers: int) -> Iterator[_Crew[Any, Any]]:
    context = multiprocessing.get_context("spawn")  # a fork would copy open databases and their locks
    pipes, processes = [], []
    try:
        for _ in range(workers):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, make), daemon=True)
            process.start()
            theirs.close()
            pipes.append(ours)
            processes.append(process)
        yield _Crew(pipes)
    finally:
        for pipe in pipes:
            pipe.close()
        for process in processes:
            process.join(5)
            if process.is_alive():
                process.terminate()
                process.join()


def _serve(pipe: Connection, make: Callable[[], Work[Any, Any]]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one who started us hears it, and closes the pipe
    work: Work[Any, Any] | None = None
    while True:
        try:
            part = pipe.recv()
        except EOFError:
            return
        try:
            work = work or make()
            done = work(part)
        except TocsinError as error:
            done = _Failed(error)
        except Exception as error:  # its words may quote a row; its kind and place do not
            done = _Failed(TocsinError(f"Reading a list failed: {_place(error)}. Nothing was stored."))
        try:
            pipe.send(done)
        except OSError:
            return  # nobody listens any more


def _place(error: Exception) -> str:
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    where = f" at {os.path.basename(at.tb_frame.f_code.co_filename)}:{at.tb_lineno}" if at is not None else ""
    return type(error).__name__ + where
