"""`tocsin assess --ics`: the deadlines as a calendar (RFC 5545) with alarms at the shares of planning.deadlines.

An event keeps its UID over assessments of the same incident, so that a later export moves it instead of doubling it.
Duties that are met, or that have no time in the law, have no event.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

from models.facts import Facts
from models.values import BadInput, ObligationState
from planning.deadlines import SHARES, started
from regimes.assess import Assessment
from regimes.obligations import Obligation

if TYPE_CHECKING:
    from icalendar import Alarm, Event


BEGAN = datetime(2020, 1, 1, tzinfo=UTC)  # revisions count from here: RFC 5545 has 31 bits for them


def write_ics(path: Path, facts: Facts, found: Assessment, revision: int | None = None) -> int:
    """Writes the calendar; returns how many events it holds. BadInput when the file cannot be written.

    `revision` (None: the minute of the assessment) grows from one export to the next, so that a calendar takes a due
    date that moved for the newer one.
    """
    revision = max(0, int((found.as_of - BEGAN).total_seconds() // 60)) if revision is None else revision
    events = [_event(entry, facts, found.as_of, revision) for entry in found.all() if entry.due and not entry.met]
    try:
        path.write_bytes(_calendar(facts, events))
    except OSError as error:
        raise BadInput(f"--ics {path}", f"cannot be written ({error.strerror}).", "Check the folder.") from error
    return len(events)


def _calendar(facts: Facts, events: list[Event]) -> bytes:
    from icalendar import Calendar

    calendar = Calendar()
    calendar.add("prodid", "-//Tocsin//deadlines//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", f"{facts.id or facts.file}: deadlines")
    for event in events:
        calendar.add_component(event)
    text: bytes = calendar.to_ical()
    return text


def _event(entry: Obligation, facts: Facts, as_of: datetime, revision: int) -> Event:
    from icalendar import Event

    if entry.due is None:
        raise ValueError("an event needs a due time")
    due = entry.due.astimezone(UTC)
    event = Event()
    event.add("uid", str(uuid5(NAMESPACE_URL, f"tocsin:{facts.id}:{entry.id}")))
    event.add("dtstamp", as_of.astimezone(UTC))
    event.add("sequence", revision)
    event.add("dtstart", due)
    event.add("summary", _summary(entry))
    event.add("description", "\n".join(_description(entry)))
    event.add("categories", [entry.regime, entry.duty.value])
    event.add("status", "TENTATIVE" if entry.held or entry.state is ObligationState.UNDETERMINED else "CONFIRMED")
    event.add("transp", "TRANSPARENT")
    start = started(facts, entry.clock_from)
    for share in SHARES.values() if start else ():
        event.add_component(_alarm(share, (start or due).astimezone(UTC), due, _summary(entry)))
    return event


def _alarm(share: int, start: datetime, due: datetime, summary: str) -> Alarm:
    from icalendar import Alarm

    left = (due - start) * (100 - share) / 100
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("trigger", -timedelta(seconds=round(max(left, timedelta()).total_seconds())))
    alarm.add("description", f"{share} % of the time has passed: {summary}")
    return alarm


def _summary(entry: Obligation) -> str:
    open_ = " (undetermined, treated as owed)" if entry.state is ObligationState.UNDETERMINED else ""
    to = entry.authority or entry.recipient.value.replace("_", " ")
    return f"{entry.regime} {entry.stage}: tell {to}, {entry.jurisdiction or 'as promised'}{open_}"


def _description(entry: Obligation) -> Iterator[str]:
    yield f"{entry.id}: {'; '.join(entry.because)}"
    yield f"Law: {entry.citation} ({entry.law_version}, confidence {entry.confidence})"
    if entry.due_safe and entry.due_safe != entry.due:
        yield f"Safe before {entry.due_safe.isoformat()}"
    if entry.missing:
        yield f"Not known: {', '.join(entry.missing)}"
    if entry.held:
        yield f"Held by law enforcement: {entry.held}"
