"""Alarms before a deadline, lateness after it, and the instant at which a duty is met.

Obligations without a due time raise no alarm: "without undue delay" is a quality, not a date. All instants carry a
zone; a clock that starts at or after its own due time alarms only as due.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from models.facts import ANCHORS, Facts
from models.values import BadInput, Channel
from regimes.schema import MetWhen

SHARES: Mapping[str, int] = {"50": 50, "80": 80, "95": 95}  # threshold -> per cent of the time between start and due
DUE = "due"
THRESHOLDS = (*SHARES, DUE)


# --- alarms ---------------------------------------------------------------------------------------------------------


def alarms(
    clock_from: datetime | None, due: datetime | None, now: datetime, met: datetime | None, already: Iterable[str]
) -> list[str]:
    """Thresholds passed and not yet told, in order: "50", "80", "95", "due". None once the duty is met.

    Several may be new at once, when nobody watched for a while. Without a known start only "due" can be told.
    """
    if due is None or met is not None:
        return []
    told = set(already)
    passed = [name for name in SHARES if clock_from is not None and _at(clock_from, due, SHARES[name]) <= now < due]
    if now >= due:
        passed = [*SHARES, DUE] if clock_from is not None and clock_from < due else [DUE]
    return [name for name in passed if name not in told]


def started(facts: Facts, clock_from: str) -> datetime | None:
    """When a clock started that runs from a time of the facts, at its earliest reading; None for any other anchor.

    For those (an earlier submission, a year's end) the watcher may count from the day of the assessment instead.
    """
    moment = facts.moment(clock_from) if clock_from in ANCHORS else None
    return moment.earliest if moment is not None else None


def next_alarm(clock_from: datetime | None, due: datetime | None, now: datetime) -> datetime | None:
    """When the next threshold will pass; None when none is ahead."""
    if due is None:
        return None
    instants = [_at(clock_from, due, share) for share in SHARES.values()] if clock_from is not None else []
    return min((at for at in [*instants, due] if at > now), default=None)


def _at(start: datetime, due: datetime, share: int) -> datetime:
    return start + (due - start) * share / 100 if start < due else due


def lateness(due: datetime | None, met: datetime | None) -> timedelta | None:
    """How much after its due time a duty was met; None when in time, not met, or without a due time.

    A period that ends with a day, in the zone that `due` carries, is late by whole days, as the law counts it.
    """
    if due is None or met is None or met <= due:
        return None
    if (due.hour, due.minute, due.second) == (23, 59, 59):
        return timedelta(days=(met.astimezone(due.tzinfo).date() - due.date()).days)
    return met - due


# --- met ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """One person owed, as far as a duty is concerned: when a carrier first took a notice to them, if one did."""

    accepted_at: datetime | None
    channel: Channel | None = None
    contrary: bool = False  # the accepted one came back or is in doubt


@dataclass(frozen=True, slots=True)
class Dispatched:
    """The people owed, counted: what `met` needs without a list of a million."""

    owed: int
    told: int  # accepted or delivered, nothing contrary
    last_accepted_at: datetime | None
    covered_by_public: int = 0  # not told, and the law lets a posted public notice stand for them
    excused: int = 0  # suppressed, or the law asks nothing more for them (unreachable next of kin)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What happened for one duty."""

    dispatched: Dispatched | None = None
    public_posted_at: datetime | None = None  # lawful for this duty; the caller asked `substitute`
    receipt_at: datetime | None = None  # the authority's receipt, or the entry in the internal register


def met(met_when: str, evidence: Evidence) -> datetime | None:
    """The instant at which the duty was met, or None. `met_when` is a word of MetWhen."""
    return READERS[_met_when(met_when)](evidence)


def _met_when(word: str) -> MetWhen:
    try:
        return MetWhen(word)
    except ValueError:
        raise BadInput("met_when", f"{word!r} is not known.", f"Use one of: {', '.join(MetWhen)}.") from None


def _dispatched(evidence: Evidence) -> datetime | None:
    people = evidence.dispatched
    if people is None:
        return None
    publicly = people.covered_by_public if evidence.public_posted_at is not None else 0
    if people.told + publicly + people.excused < people.owed:
        return None
    instants = [people.last_accepted_at] if people.told else []
    instants += [evidence.public_posted_at] if publicly else []
    return max((at for at in instants if at is not None), default=None)


READERS: Mapping[MetWhen, Callable[[Evidence], datetime | None]] = {
    MetWhen.DISPATCH: _dispatched,
    MetWhen.RECEIPT: lambda evidence: evidence.receipt_at,
    MetWhen.POSTING: lambda evidence: evidence.public_posted_at,
}


def count(people: Iterable[Told], *, covered_by_public: int = 0, excused: int = 0) -> Dispatched:
    """The counts that `met` needs. `excused` people are not in `people`."""
    owed, told, last = excused, 0, None
    for person in people:
        owed += 1
        if person.accepted_at is None or person.contrary:
            continue
        told += 1
        last = person.accepted_at if last is None else max(last, person.accepted_at)
    return Dispatched(owed, told, last, covered_by_public, excused)


def final_at(accepted_at: datetime, window_days: int) -> datetime:
    """From when an acceptance without contrary evidence is final. The channel's table gives the window."""
    return accepted_at + timedelta(days=window_days)


def is_final(accepted_at: datetime, window_days: int, now: datetime, *, contrary: bool = False) -> bool:
    return not contrary and now >= final_at(accepted_at, window_days)


# --- what next ------------------------------------------------------------------------------------------------------


class Owed(Protocol):
    """What status shows of an obligation."""

    @property
    def id(self) -> str: ...
    @property
    def due(self) -> datetime | None: ...
    @property
    def met(self) -> datetime | None: ...


def next_action(owed: Sequence[Owed], now: datetime) -> str:
    """One sentence for status: what must be done next, by when."""
    open_ = [o for o in owed if o.met is None]
    if not open_:
        return "Nothing is open: every obligation is met." if owed else "Nothing is owed."
    dated = sorted((o for o in open_ if o.due is not None), key=_due)
    late = [o for o in dated if _due(o) < now]
    if late:
        more = f"; {len(late) - 1} more overdue" if len(late) > 1 else ""
        return f"Overdue by {span(now - _due(late[0]))}: {late[0].id}{more}. Do it now and state the reasons for delay."
    if dated:
        first = dated[0]
        return f"Next: {first.id}, due {_due(first).isoformat()}, in {span(_due(first) - now)}."
    return f"Next: {open_[0].id}, without undue delay; the law gives no date."


def _due(owed: Owed) -> datetime:
    if owed.due is None:
        raise ValueError(f"{owed.id} has no due time")
    return owed.due


def span(time: timedelta) -> str:
    """A length of time in its two largest units."""
    minutes = int(time.total_seconds() // 60)
    days, hours, minutes = minutes // 1440, minutes % 1440 // 60, minutes % 60
    parts = [
        f"{n} {unit}{'' if n == 1 else 's'}" for n, unit in ((days, "day"), (hours, "hour"), (minutes, "minute")) if n
    ]
    return " ".join(parts[:2]) or "less than a minute"
