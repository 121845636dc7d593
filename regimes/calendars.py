"""Working days of an authority. The package `holidays` is imported only when a clock asks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache
from typing import Any

from regimes.schema import CountingRule

_DAY = timedelta(days=1)


@cache
def _holidays(place: str) -> Mapping[date, str]:
    import holidays

    country, _, part = place.partition("-")
    known: dict[str, Any] = holidays.list_supported_countries(include_aliases=False)
    if country not in known:
        return {}
    found: Mapping[date, str] = holidays.country_holidays(
        country, subdiv=part if part in known[country] else None, language="en_US"
    )
    return found


def is_working_day(day: date, place: str, rule: CountingRule) -> bool:
    """Neither weekend, nor public holiday of the place, nor a day on which its authority is closed."""
    if day.weekday() in rule.weekend or f"{day:%m-%d}" in rule.closed:
        return False
    names = _holidays(place).get(day)
    return names is None or all(name in rule.working_holidays for name in names.split("; "))


def next_working_day(day: date, place: str, rule: CountingRule) -> date:
    """The day itself when it is a working day, else the first one after it."""
    while not is_working_day(day, place, rule):
        day += _DAY
    return day


def add_working_days(day: date, number: int, place: str, rule: CountingRule) -> date:
    """The last of so many working days; the event's own day counts only where the rule says so."""
    if rule.event_day and is_working_day(day, place, rule):
        number -= 1
    while number > 0:
        day = next_working_day(day + _DAY, place, rule)
        number -= 1
    return day
