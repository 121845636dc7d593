"""What all commands share: their common options, the desk, one answer on stdout, progress on stderr.

Only the standard library and Typer are imported here; each command imports what it needs when it runs.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from models.values import BadInput

if TYPE_CHECKING:
    from flows.steps.desk import Desk

AsJson = Annotated[bool, Option("--json", help="Print one JSON document on stdout and nothing else.")]
By = Annotated[
    str, Option("--by", metavar="NAME", help="Who does this, for the record. Default: your user name on this computer.")
]
IncidentArg = Annotated[str, Argument(metavar="INCIDENT", help="The incident's id, as its facts file has it.")]


def who(by: str) -> str:
    """The name that goes on record."""
    if by.strip():
        return by.strip()
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise BadInput("--by", "is missing, and this computer does not say who you are.", "Give --by NAME.") from None


def moment(option: str, text: str) -> datetime:
    """An instant typed by a person: ISO 8601 with an offset. A naive time is refused, never guessed."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(option, f"{text!r} is no time.", "Write it as 2026-11-24T09:00:00+01:00.") from None
    if at.tzinfo is None:
        raise BadInput(option, f"{text} has no offset.", f"Write {at.isoformat()}+01:00 or …Z, whichever is true.")
    return at


@contextmanager
def desk() -> Iterator[Desk]:
    """The desk that the environment names, closed at the end."""
    from flows.steps.desk import open_desk

    opened = open_desk(os.environ)
    try:
        yield opened
    finally:
        opened.close()


# --- the answer -----------------------------------------------------------------------------------------------------


def answer(as_json: bool, data: Any, show: Callable[[], None]) -> None:
    """The one answer of a command: JSON, or what `show` prints for a person."""
    if as_json:
        emit(data)
    else:
        show()


def emit(data: Any) -> None:
    """One JSON document on stdout."""
    import json

    print(json.dumps(plain(data), ensure_ascii=False, indent=1))


def plain(data: Any) -> Any:
    """What JSON can hold, from our value types."""
    if is_dataclass(data) and not isinstance(data, type):
        return {f.name: plain(getattr(data, f.name)) for f in fields(data)}  # asdict would spoil a Counter
    if isinstance(data, Mapping):
        return {str(plain(k)): plain(v) for k, v in data.items()}
    if isinstance(data, list | tuple | set | frozenset):
        return [plain(v) for v in data]
    if isinstance(data, Enum):
        return data.value
    if isinstance(data, datetime):
        return data.isoformat()
    return str(data) if isinstance(data, Path) else data


# --- progress -------------------------------------------------------------------------------------------------------

EVERY = 2.0  # seconds between two lines where there is no terminal


class Progress:
    """Progress of a step: a bar where stderr is a terminal, else a line now and then. Silent with --json."""

    def __init__(self, silent: bool) -> None:
        self._silent, self._bars, self._tasks = silent, None, dict[str, Any]()
        self._last = time.monotonic()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bars is not None:
            self._bars.stop()

    def __call__(self, stage: str, done: int, total: int) -> None:
        if self._silent:
            return
        if sys.stderr.isatty():
            self._bar(stage, done, total)
        elif time.monotonic() - self._last >= EVERY:
            self._last = time.monotonic()
            print(f"{stage}: {done:,}" + (f" of {total:,}" if total else ""), file=sys.stderr, flush=True)

    def _bar(self, stage: str, done: int, total: int) -> None:
        if self._bars is None:
            self._bars = _bars()
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(stage, total=total or None)
        self._bars.update(self._tasks[stage], completed=done, total=total or None)

    _bars: Any


def _bars() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bars = Bars(*columns, console=Console(stderr=True), transient=True)
    bars.start()
    return bars
