"""When a duty falls due: an anchor, a period, a named rule of counting, and the derivation as text.

Every answer has two readings: `due`, the last lawful moment, and `due_safe`, the earliest that any reading gives (the
start of a day known only by its date, the instant instead of the next full hour, no roll from a weekend, the earlier of
two zones). A period without a number has no due time.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import product
from typing import Final

from models.facts import ANCHORS, Facts, Moment, Order, Submission
from models.values import BadInput
from regimes import calendars
from regimes.schema import CountingRule, Deadline, LawEnforcement, OrderTest, SubmissionRef, Unit


@dataclass(frozen=True, slots=True)
class Setting:
    """What a clock needs to know beside the deadline: whose regime, whose zone, whose calendar."""

    regime: str
    jurisdiction: str
    zone: tzinfo
    own_zone: tzinfo  # the organisation's
    calendar: str  # the place whose working days count
    order: OrderTest | None = None  # whose order names the time, for a deadline from `order`


@dataclass(frozen=True, slots=True)
class Due:
    due: datetime | None
    due_safe: datetime | None
    clock_from: str
    derivation: tuple[str, ...]
    missing: tuple[str, ...] = ()  # the anchor, when the facts don't state it
    waiting: str = ""  # the clock has not started: what it waits for
    by_days: bool = False  # lateness is counted in whole days
    limit: datetime | None = None  # the due time before it moved on from a day off: what is compared with other limits
    start: tuple[datetime | None, datetime | None] | None = None  # when the clock started: earliest, latest


# --- anchors --------------------------------------------------------------------------------------------------------


def matches(row: Submission, regime: str, duty: str, stage: str = "", jurisdiction: str = "") -> bool:
    """Whether a submission is the telling that is meant; words that it leaves out fit anything."""
    return (
        row.regime == regime
        and row.duty == duty
        and (not stage or (row.stage or "initial") == stage)
        and (not row.jurisdiction or not jurisdiction or row.jurisdiction == jurisdiction)
    )


def same_authority(written: str, slug: str, name: str) -> bool:
    """Whether a submission's free text means this authority; an empty text means any.

    A text of up to three letters is an abbreviation: it must be the slug, or a whole word of the name.
    """
    plain, full = written.strip().lower(), name.lower()
    if not plain or plain == slug:
        return True
    if plain.isascii() and len(plain) <= 3:
        return plain in re.split(r"[^a-z0-9]+", full)
    return plain in full or (bool(full) and full in plain)


def orders(test: OrderTest, facts: Facts) -> tuple[list[Order], list[Order]]:
    """The orders on record that an authority gave for a duty, and those of it that name no duty."""
    own = [row for row in facts.orders if same_authority(row.authority, test.authority.lower(), test.authority)]
    return [row for row in own if row.duty == test.duty], [row for row in own if not row.duty]


def earlier(ref: SubmissionRef, facts: Facts, regime: str, jurisdiction: str = "") -> tuple[list[Submission], bool]:
    """The tellings that may start a clock, and whether one on record shows by its form that it never will."""
    rows = [row for row in facts.submissions if matches(row, ref.regime or regime, ref.duty, ref.stage, jurisdiction)]
    fit = [row for row in rows if not ref.form or not row.form or row.form == ref.form]
    return fit, bool(rows) and not fit


def individuals_told(facts: Facts, regime: str, jurisdiction: str = "") -> Moment | None:
    """When people were told: by this law's own submissions, else as `times.individuals_notified` says."""
    own = [row.at for row in facts.submissions if matches(row, regime, "individuals", "", jurisdiction)]
    return span(own) or facts.moment("individuals_notified")


def span(moments: Iterable[Moment]) -> Moment | None:
    """From the first to the last of several moments."""
    found = list(moments)
    if not found:
        return None
    low = min((m for m in found if m.earliest), key=lambda m: m.earliest or _NEVER, default=found[0])
    high = max((m for m in found if m.latest), key=lambda m: m.latest or _NEVER, default=found[0])
    dated = low.dated and high.dated
    return Moment(low.earliest, high.latest, dated, low.first if dated else None, high.last if dated else None)


_NEVER: Final = datetime.max.replace(tzinfo=UTC)


def _anchored(deadline: Deadline, facts: Facts, setting: Setting) -> tuple[str, Moment | None]:
    if deadline.anchor == "submission" and deadline.submission:
        ref = deadline.submission
        regime = ref.regime or setting.regime
        if ref.duty == "individuals":
            return "individuals told", individuals_told(facts, regime, setting.jurisdiction)
        rows = [row.at for row in earlier(ref, facts, setting.regime)[0]]
        return " ".join(filter(None, (regime, ref.duty, ref.stage, ref.form))), span(rows)
    if deadline.anchor == "individuals_notified":
        return deadline.anchor, individuals_told(facts, setting.regime, setting.jurisdiction)
    if deadline.anchor == "year_end":
        _, moment = first_stated((deadline.year_of, *deadline.else_from), facts)
        return f"year end of {deadline.year_of}", _year_end(moment, setting.zone) if moment else None
    name, moment = first_stated((deadline.anchor, *deadline.else_from), facts)
    return name or deadline.anchor, moment


def first_stated(names: tuple[str, ...], facts: Facts) -> tuple[str, Moment | None]:
    """The first of several times that the facts state."""
    return facts.once(names, lambda: _first_stated(names, facts))


def _first_stated(names: tuple[str, ...], facts: Facts) -> tuple[str, Moment | None]:
    for name in names:
        key = "risk.harm_unlikely_determined" if name == "harm_unlikely_determined" else f"times.{name}"
        if isinstance(moment := facts.value(key), Moment):
            return name, moment
    return "", None


def _year_end(at: Moment, zone: tzinfo) -> Moment:
    first, last = (date(day.year, 12, 31) if day else None for day in (_civil(at, zone, False), _civil(at, zone, True)))
    return replace(at, dated=True, first=first, last=last)


def _civil(at: Moment, zone: tzinfo, last: bool) -> date | None:
    """The civil day of one end of a moment: as written for a bare date, else in the zone."""
    if at.dated:
        return at.last if last else at.first
    instant = at.latest if last else at.earliest
    return instant.astimezone(zone).date() if instant else None


# --- periods --------------------------------------------------------------------------------------------------------


def _months(day: date, number: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + number, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


_DAYS: Final[dict[Unit, Callable[[date, Deadline, CountingRule, str], date]]] = {
    Unit.CALENDAR_DAYS: lambda day, d, rule, _: day + timedelta(days=(d.value or 0) - rule.event_day),
    Unit.WEEKS: lambda day, d, rule, _: day + timedelta(weeks=d.value or 0) - timedelta(days=rule.event_day),
    Unit.MONTHS: lambda day, d, rule, _: _months(day, d.value or 0) - timedelta(days=rule.event_day),
    Unit.BUSINESS_DAYS: lambda day, d, rule, place: calendars.add_working_days(day, d.value or 0, place, rule),
    Unit.FIXED_DATE: lambda day, d, _rule, _place: date(day.year + 1, d.month, d.day),
}


def _end_of(day: date, zone: tzinfo, hour: int = 24) -> datetime:
    return datetime.combine(day, time(23, 59, 59) if hour == 24 else time(hour), zone)


def _by_days(
    deadline: Deadline, at: Moment, last: bool, zone: tzinfo, rule: CountingRule, place: str, roll: bool
) -> datetime | None:
    day = _civil(at, zone, last)
    if day is None or deadline.unit is None:
        return None
    end = _DAYS[deadline.unit](day, deadline, rule, place)
    rolled = calendars.next_working_day(end, place, rule) if roll and deadline.unit in rule.roll else end
    return _end_of(rolled, zone, rule.roll_hour if rolled != end else 24)


def _by_hours(deadline: Deadline, at: Moment, last: bool, zone: tzinfo, full_hour: bool) -> datetime | None:
    instant = at.latest if last else at.earliest
    if instant is None:
        return None
    if full_hour and not at.dated:
        local = instant.astimezone(zone)
        instant += timedelta(hours=1) - timedelta(
            minutes=local.minute, seconds=local.second, microseconds=local.microsecond
        )
    step = timedelta(hours=1) if deadline.unit is Unit.HOURS else timedelta(minutes=1)
    return (instant.astimezone(UTC) + (deadline.value or 0) * step).astimezone(zone)


def _rolled(end: datetime | None, unit: Unit, rule: CountingRule, setting: Setting) -> datetime | None:
    """The end of a period of hours, moved on where its rule rolls hours and the day is no working day."""
    if end is None or unit not in rule.roll:
        return end
    day = calendars.next_working_day(end.date(), setting.calendar, rule)
    return end if day == end.date() else _end_of(day, setting.zone, rule.roll_hour)


def _readings(
    deadline: Deadline, at: Moment, rule: CountingRule, setting: Setting
) -> tuple[datetime | None, datetime | None, datetime | None]:
    """The last lawful moment, the earliest that any reading gives, and the limit before any roll."""
    if deadline.unit in (Unit.HOURS, Unit.MINUTES):
        limit = _by_hours(deadline, at, True, setting.zone, rule.next_full_hour)
        due = _rolled(limit, deadline.unit, rule, setting)
        others = [_by_hours(deadline, at, False, setting.zone, False)]
    else:
        place = setting.calendar
        due = _by_days(deadline, at, True, setting.zone, rule, place, True)
        limit = _by_days(deadline, at, True, setting.zone, rule, place, False)
        others = [
            _by_days(deadline, at, last, zone, rule, place, False)
            for last, zone in product((True, False), (setting.zone, setting.own_zone))
        ]
    found = [reading for reading in (due, *others) if reading]
    return due or min(found, default=None), min(found, default=None), limit


_SHORT: Final = {
    Unit.MINUTES: timedelta(minutes=1),
    Unit.HOURS: timedelta(hours=1),
    Unit.CALENDAR_DAYS: timedelta(days=1),
}


def disputed(deadline: Deadline, facts: Facts, rule: CountingRule, setting: Setting) -> str:
    """The later date of a disputed reading, as a line of the derivation; "" where no such reading matters.

    Asks the calendar of holidays, so it is left to whoever wants the whole reasoning.
    """
    with _in_calendar(facts, deadline):
        return _disputed(deadline, facts, rule, setting)


def _disputed(deadline: Deadline, facts: Facts, rule: CountingRule, setting: Setting) -> str:
    name, at = _anchored(deadline, facts, setting)
    need, unit = rule.disputed_working_days, deadline.unit
    if not need or at is None or unit is None or unit is Unit.BUSINESS_DAYS:
        return ""
    if unit in _SHORT and (deadline.value or 0) * _SHORT[unit] < timedelta(days=need):
        return ""
    due, _, _ = _readings(deadline, at, rule, setting)
    start = _civil(at, setting.zone, True)
    if due is None or start is None:
        return ""
    later = _end_of(calendars.add_working_days(start, need, setting.calendar, rule), setting.zone)
    if later <= due:
        return ""
    return f"disputed, not taken: {need} working days after {name} end {later.isoformat()} ({rule.disputed_citation})"


# --- a duty's due time ----------------------------------------------------------------------------------------------


def work_out(deadline: Deadline, facts: Facts, rule: CountingRule, setting: Setting) -> Due:
    """One deadline against the facts, with its derivation. BadInput where it would end outside the calendar."""
    with _in_calendar(facts, deadline):
        return _work_out(deadline, facts, rule, setting)


@contextmanager
def _in_calendar(facts: Facts, deadline: Deadline) -> Iterator[None]:
    """The calendar ends with the year 9999: a time or a period that leads beyond is a slip of the pen."""
    try:
        yield
    except (OverflowError, ValueError) as error:
        names = (deadline.anchor, deadline.year_of, *deadline.else_from, *deadline.safe_from)
        name, _ = first_stated(tuple(n for n in names if n in ANCHORS), facts)
        raise _beyond(facts, f"times.{name}" if name else deadline.anchor) from error


def _beyond(facts: Facts, key: str) -> BadInput:
    return BadInput(
        f"{facts.file}: {key}",
        "is too far away: a deadline counted from it, or its period, ends outside the calendar.",
        "Check the year and the deadlines that are promised or agreed.",
    )


def _by_order(test: OrderTest, facts: Facts) -> Due:
    """The time that an order itself names; of several orders the earliest."""
    named, vague = orders(test, facts)
    found = named or vague
    if not found:
        return Due(None, None, "order", (f"{test.authority} has ordered nothing yet",), (), "order")
    at = min((row.due for row in found), key=lambda due: due.latest or _NEVER)
    said = f"the order of {test.authority} names the time: {_said(at)}"
    return Due(at.latest, at.earliest, "order", (said,), by_days=at.dated)


def _work_out(deadline: Deadline, facts: Facts, rule: CountingRule, setting: Setting) -> Due:
    if setting.order is not None and deadline.anchor == "order":
        return _by_order(setting.order, facts)
    name, at = _anchored(deadline, facts, setting)
    missing: tuple[str, ...] = ()
    if at is None and deadline.anchor in _CHAINED and not first_stated(deadline.safe_from, facts)[1]:
        return Due(
            None,
            None,
            name,
            (f"the clock starts when {_CHAINED[deadline.anchor]} ({name}), which has not happened",),
            (),
            name,
        )
    if at is None:
        missing = (f"times.{deadline.year_of or deadline.anchor}",)
        name, at = first_stated(deadline.safe_from, facts)
    elif at.latest is None or at.earliest is None:
        missing = (f"times.{name}",)
    clock_from = name or deadline.anchor
    if deadline.unit is None:
        return Due(None, None, clock_from, (f"{deadline.qualifier or 'the law'} gives no number of hours or days",))
    if at is None:
        return Due(None, None, clock_from, (f"{missing[0]} is not stated",), missing)
    due, safe, limit = _readings(deadline, at, rule, setting)
    return Due(
        due,
        safe,
        clock_from,
        _derivation(deadline, clock_from, at, rule, due, safe),
        missing,
        "",
        _whole_days(deadline, at) and (rule.roll_hour == 24 or due == limit),
        limit or due,
        (at.earliest, at.latest),
    )


_CHAINED: Final = {
    "submission": "an earlier telling is made",
    "individuals_notified": "the people are told",
    "handling_done": "handling of the incident ends",
    "fix_available": "a fix is available",
    "scope_known": "the scope is known",
}


def _whole_days(deadline: Deadline, at: Moment) -> bool:
    return deadline.unit not in (Unit.HOURS, Unit.MINUTES) or at.dated


def _derivation(
    deadline: Deadline, name: str, at: Moment, rule: CountingRule, due: datetime | None, safe: datetime | None
) -> tuple[str, ...]:
    unit = deadline.unit.value.replace("_", " ") if deadline.unit else ""
    period = (
        f"{deadline.month:02}-{deadline.day:02} of the next year"
        if deadline.unit is Unit.FIXED_DATE
        else f"{deadline.value} {unit}"
    )
    lines = [f"{name}: {_said(at)}", f"{period}, counted by {rule.name} ({rule.citation})"]
    lines += [f"due {due.isoformat()}"] if due else []
    return (*lines, f"safe before {safe.isoformat()}") if safe and safe != due else tuple(lines)


def _said(at: Moment) -> str:
    if at.dated:
        days = [day.isoformat() if day else "?" for day in (at.first, at.last)]
        return f"{days[0]}, the whole day" if days[0] == days[1] else f"{days[0]} to {days[1]}"
    ends = [end.isoformat() if end else "?" for end in (at.earliest, at.latest)]
    return ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"


def combine(dues: list[Due], how: str) -> Due:
    """The earliest or latest of several deadlines of one duty; those that have not started wait.

    Limits are compared before they roll: of four hours that end on a holiday and a day that ends after it, the four
    hours are the limit, and it is that limit which moves on.
    """
    started = [due for due in dues if due.due]
    if not started:
        return dues[0]
    if how == "capped":
        return _capped(dues, len(started))
    pick = min if how == "earliest" else max
    chosen = pick(started, key=lambda due: due.limit or due.due or _NEVER)
    safe = (
        min((due.due_safe for due in started if due.due_safe), default=None) if how == "earliest" else chosen.due_safe
    )
    if len(dues) == 1:
        return chosen
    lines = tuple(line for due in dues for line in due.derivation)
    return replace(chosen, due_safe=safe, derivation=(*lines, f"the {how} of these counts"))


def _capped(dues: list[Due], started: int) -> Due:
    """A period and its cap. A clock that starts only after the cap is over is not limited by it."""
    period, cap = dues
    end = cap.limit or cap.due
    if started < 2 or period.start is None or end is None or period.missing:
        return combine(dues, "earliest")
    first, last = period.start
    if last is not None and last > end:
        safe = min(filter(None, (period.due_safe, cap.due_safe)), default=None)
        late = f"the clock of {period.clock_from} starts after the cap is over: the cap no longer limits it"
        lines = (*period.derivation, *cap.derivation, late)
        alone = first is not None and first > end
        return replace(period, due_safe=period.due_safe if alone else safe, derivation=lines)
    return combine(dues, "earliest")


# --- a delay asked for by law enforcement ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hold:
    start: datetime | None
    end: datetime | None  # None: open until it is cleared
    said: str


def hold_of(facts: Facts, law: LawEnforcement | None) -> Hold | None:
    """The delay that this law grants on what law enforcement asked for; None when nobody asked.

    None too where it was cleared at a time that nobody states: what can't be dated moves no due time.
    """
    written, start, until = (facts.value(f"law_enforcement.{key}") for key in ("form", "from", "until"))
    cleared = facts.value("law_enforcement.cleared")
    if law is None or cleared is True or not (isinstance(start, Moment) or isinstance(until, Moment) or written):
        return None
    begin = start.earliest if isinstance(start, Moment) else None
    if isinstance(cleared, Moment):
        return Hold(begin, cleared.latest, "cleared by law enforcement")
    ends = [until.latest] if isinstance(until, Moment) else []
    if written == "oral" and law.oral_days is not None and begin:
        try:
            ends.append(begin + timedelta(days=law.oral_days))
        except OverflowError as error:
            raise _beyond(facts, "law_enforcement.from") from error
    known = [end for end in ends if end]
    return Hold(begin, min(known, default=None), f"asked for by law enforcement ({law.citation})")


def stops(hold: Hold, due: Due) -> bool:
    """Whether a delay stops a clock: one that began after the due time comes too late for that."""
    return hold.start is None or due.due is None or hold.start <= due.due


def tolled(due: Due, hold: Hold | None, law: LawEnforcement | None, setting: Setting, rule: CountingRule) -> Due:
    """A due time moved to the end of the hold, when the hold began before it and ends after it."""
    if hold is None or law is None or due.due is None or not stops(hold, due):
        return due
    if hold.end is None:
        return replace(due, derivation=(*due.derivation, f"held until cleared: {hold.said}"))
    try:
        end = _resumed(hold.end.astimezone(setting.zone), law, setting, rule)
    except OverflowError as error:
        raise BadInput(
            "law_enforcement", "ends too far away: outside the calendar.", "Check the year of until, or of cleared."
        ) from error
    if end <= due.due:
        return due
    return replace(
        due,
        due=end,
        due_safe=end,
        derivation=(*due.derivation, f"moved to {end.isoformat()}: {hold.said}"),
    )


def _resumed(end: datetime, law: LawEnforcement, setting: Setting, rule: CountingRule) -> datetime:
    """The due time that follows the end of a hold, in the zone where the duty is owed."""
    if law.resume_business_days:
        day = calendars.add_working_days(end.date(), law.resume_business_days, setting.calendar, rule)
        return _end_of(day, setting.zone)
    if law.resume_days:
        return _end_of((end + timedelta(days=law.resume_days)).date(), setting.zone)
    return end
