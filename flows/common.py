"""What the flows share: how they are declared, what they may take, and how they fail.

Prefect stores parameters, results and exception texts in clear. So a flow takes identifiers, file names inside the
inbox and small choices; returns counts; and fails with a sentence that holds no person's data.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from prefect import flow
from prefect.runtime import flow_run
from pydantic import Field

from flows.steps.desk import Desk, open_desk
from models.values import TocsinError

IncidentId = Annotated[
    str,
    Field(
        title="Incident",
        description="The id in the incident's facts file, such as presence-health.",
        pattern=r"^[a-z0-9][a-z0-9._-]{0,79}$",
    ),
]
InboxName = Annotated[
    str,
    Field(
        title="File in the inbox",
        description="The name of a file in TOCSIN_HOME/inbox; no folders.",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,119}$",
    ),
]
WaveNumber = Annotated[int, Field(title="Wave", description="The wave's number, as `tocsin status` shows it.", ge=1)]


class FlowFailed(Exception):
    """What Prefect gets to see of a failure."""


@contextmanager
def safely() -> Iterator[None]:
    """Every exception leaves as FlowFailed, without values."""
    try:
        yield
    except TocsinError as error:
        raise FlowFailed(str(error)) from None
    except Exception as error:
        raise FlowFailed(_where(error)) from None


@contextmanager
def desk() -> Iterator[Desk]:
    """The desk of this process, safely."""
    with safely():
        opened = open_desk(os.environ)
        try:
            yield opened
        finally:
            opened.close()


def _where(error: Exception) -> str:
    """The kind of exception and the place; never its text, which may quote a row."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {frame.name}, line {frame.lineno} of {os.path.basename(frame.filename)}"


def author() -> str:
    """Who acts, for the ledger: a run started in Prefect is nobody's approval, and its name says so."""
    return f"flow-run:{flow_run.id or 'local'}"


def step(name: str) -> Callable[[Callable[..., Any]], Any]:
    """A flow of ours: nothing persisted, nothing printed into Prefect's log, no retries of its own."""
    return flow(name=name, persist_result=False, log_prints=False, retries=0, validate_parameters=True)
