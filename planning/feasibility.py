"""Whether the channels can carry everybody's notice before the law's due times.

A forecast, not a promise: it uses the rates that the plan states and assumes that channels run at once and that each
serves the earliest due first.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from models.values import BadInput, Channel

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Rate:
    """How many a channel carries. `whole_days`: a printer delivers by the day, so a day begun counts whole."""

    per_day: float
    whole_days: bool = False

    def days(self, people: int) -> float:
        exact = people / self.per_day
        return math.ceil(exact) if self.whole_days else exact


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
    return [_critical(pairs, start) for pairs in by_obligation.values()]


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


def _critical(pairs: Iterable[tuple[Load, float]], start: datetime) -> Forecast:
    load, days = max(pairs, key=lambda pair: pair[1])
    finish = start + DAY * days
    feasible = load.due is None or finish <= load.due
    verdict = "no due time" if load.due is None else ("in time" if feasible else f"{load.channel} is too slow")
    because = f"{load.people:,} by {load.channel} take {days:g} days, until {finish.isoformat()}: {verdict}"
    return Forecast(load.obligation, load.channel, days, finish, load.due, feasible, because)


def infeasible(forecasts: Iterable[Forecast]) -> list[str]:
    """The sentences of what can't be met; empty when the plan can work."""
    return [f"{f.obligation}: {f.because}" for f in forecasts if not f.feasible]
