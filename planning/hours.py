"""Quiet hours: when a person may be called or written to. The organisation's policy, in the person's own zone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

STEP = timedelta(minutes=15)
DAY = 96  # steps


def wait(now: datetime, zones: Sequence[str], first: int, last: int, home: str) -> float:
    """Seconds until it is between `first` and `last` o'clock in every zone; 0 when it is now.

    A number may belong to several zones, and then all must be awake. Where none is known, or they are never awake
    together, the organisation's own zone `home` decides.
    """
    known = [zone for name in zones if (zone := _zone(name)) is not None]
    found = _first(now, known, first, last) if known else None
    if found is None:
        own = _zone(home) or ZoneInfo("UTC")
        found = _first(now, [own], first, last)
    return 0.0 if found is None else found


def left(now: datetime, zones: Sequence[str], first: int, last: int, home: str) -> float:
    """Seconds until the hours end in the first of the zones; at most a day, and 0 outside of them. See `wait`."""
    known = [zone for name in zones if (zone := _zone(name)) is not None] or [_zone(home) or ZoneInfo("UTC")]
    for n in range(DAY + 1):
        at = now if n == 0 else _rounded(now) + n * STEP
        if not all(first <= at.astimezone(zone).hour < last for zone in known):
            return (at - now).total_seconds()
    return (DAY * STEP).total_seconds()


def zones_for(residence: Sequence[str], number: Sequence[str]) -> tuple[str, ...]:
    """The zones that a person may be in. A number within the place of residence says where in it; one from elsewhere
    has been taken along, or the person has moved: both count.
    """
    if number and (not residence or set(number) <= set(residence)):
        return tuple(number)
    return tuple(dict.fromkeys([*residence, *number]))


def _first(now: datetime, zones: Sequence[ZoneInfo], first: int, last: int) -> float | None:
    for n in range(DAY + 1):
        at = now if n == 0 else _rounded(now) + n * STEP
        if all(first <= at.astimezone(zone).hour < last for zone in zones):
            return (at - now).total_seconds()
    return None


def _rounded(now: datetime) -> datetime:
    """The quarter of an hour that has begun."""
    return now - timedelta(minutes=now.minute % 15, seconds=now.second, microseconds=now.microsecond)


def _zone(name: str) -> ZoneInfo | None:
    if not name or name == "Etc/Unknown":
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return None
