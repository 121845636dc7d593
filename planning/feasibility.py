"""Whether the channels can carry everybody's notice before the law's due times.

A forecast, not a promise: it uses the rates that the plan states and assumes that channels run at once and that each
serves the earliest due first.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from models.values import BadInput, Channel
from planning.pace import WarmUp

DAY = timedelta(days=1)
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class PrintDays:
    """When a print house takes letters in: on which days, and until when of the day, by its own clock."""

    cut_off: time
    zone: ZoneInfo
    days: frozenset[int]  # weekdays, Monday is 0

    @classmethod
    def of(cls, cut_off: str, zone: str, days: Sequence[str]) -> PrintDays:
        """From the profile's words: "15:00", a zone's name, "mon" to "sun"."""
        wrong = [day for day in days if day not in WEEK]
        if wrong or not days:
            raise BadInput("[printer] days", f"{wrong or 'nothing'} is no weekday.", f"Known: {', '.join(WEEK)}.")
        try:
            at, place = time.fromisoformat(cut_off), ZoneInfo(zone)
        except (ValueError, ZoneInfoNotFoundError, OSError):
            remedy = 'Write cut_off = "15:00" and a zone such as Europe/Berlin.'
            raise BadInput("[printer] cut_off, timezone", "is no time of a day in a zone.", remedy) from None
        return cls(at, place, frozenset(map(WEEK.index, days)))

    def counts_for(self, at: datetime) -> date:
        """The print day of letters that are handed over at `at`: what comes at the cut-off or later waits."""
        local = at.astimezone(self.zone)
        day = local.date() + (DAY if local.time() >= self.cut_off else timedelta())
        return self._next(day)

    def last_of(self, first: date, count: int) -> date:
        """The last of `count` print days of which `first` is one."""
        for _ in range(count - 1):
            first = self._next(first + DAY)
        return first

    def _next(self, day: date) -> date:
        while day.weekday() not in self.days:
            day += DAY
        return day


@dataclass(frozen=True, slots=True)
class Rate:
    """How many a channel carries. `whole_days`: a printer delivers by the day, so a day begun counts whole.

    `print_days`: what comes after the cut-off counts for the next print day, and weekends may be none; it finishes at
    the end of its last print day.
    """

    per_day: float
    whole_days: bool = False
    print_days: PrintDays | None = None
    warm_up: WarmUp | None = None  # of the sending domain, whose first day is that on which the wave starts

    def days(self, people: int) -> float:
        if self.warm_up is not None and (warming := self.warm_up.days(people)) > people / self.per_day:
            return warming
        exact = people / self.per_day
        return math.ceil(exact) if self.whole_days or self.print_days else exact

    def finish(self, days: float, start: datetime) -> datetime:
        """The instant at which `days` of work are done that begin at `start`."""
        if self.print_days is None:
            return start + DAY * days
        last = self.print_days.last_of(self.print_days.counts_for(start), max(math.ceil(days), 1))
        return datetime.combine(last + DAY, time(), self.print_days.zone)


@dataclass(frozen=True, slots=True)
class Load:
    """People of one obligation in one channel (people of the first rung; add what fallback is expected to add)."""

    obligation: str
    channel: Channel
    people: int
    due: datetime | None


@dataclass(frozen=True, slots=True)
class Forecast:
    obligation: str
    channel: Channel  # the critical one: it finishes last
    days: float
    finish: datetime
    due: datetime | None
    feasible: bool
    because: str


def forecast(loads: Sequence[Load], rates: Mapping[Channel, Rate], start: datetime) -> list[Forecast]:
    """One line per obligation, in order of due time, naming its critical channel.

    Raises BadInput when a channel that carries people has no rate, or a rate that is not above zero.
    """
    for channel in sorted({load.channel for load in loads if load.people}):
        if channel not in rates or rates[channel].per_day <= 0:
            raise BadInput(f"rates: {channel}", "no rate is given.", "State how many it carries a day.")
    finishes = _finishes(loads, rates)
    by_obligation: dict[str, list[tuple[Load, float]]] = {}
    for load, days in finishes:
        by_obligation.setdefault(load.obligation, []).append((load, days))
    return [_critical(pairs, rates, start) for pairs in by_obligation.values()]


def _finishes(loads: Sequence[Load], rates: Mapping[Channel, Rate]) -> list[tuple[Load, float]]:
    """Each load with the days after which its channel is through with it, earliest due first."""
    queued: dict[Channel, int] = {}
    done = []
    for load in sorted((x for x in loads if x.people), key=_by_due):
        queued[load.channel] = queued.get(load.channel, 0) + load.people
        done.append((load, rates[load.channel].days(queued[load.channel])))
    return done


def _by_due(load: Load) -> tuple[bool, float, str]:
    return (load.due is None, load.due.timestamp() if load.due else 0.0, load.obligation)


def _critical(pairs: Iterable[tuple[Load, float]], rates: Mapping[Channel, Rate], start: datetime) -> Forecast:
    ends = [(load, days, rates[load.channel].finish(days, start)) for load, days in pairs]
    load, days, finish = max(ends, key=lambda end: end[2])
    feasible = load.due is None or finish <= load.due
    verdict = "no due time" if load.due is None else ("in time" if feasible else f"{load.channel} is too slow")
    because = f"{load.people:,} by {load.channel} take {days:g} days, until {finish.isoformat()}: {verdict}"
    return Forecast(load.obligation, load.channel, days, finish, load.due, feasible, because)


def infeasible(forecasts: Iterable[Forecast]) -> list[str]:
    """The sentences of what can't be met; empty when the plan can work."""
    return [f"{f.obligation}: {f.because}" for f in forecasts if not f.feasible]
