"""Quiet hours: whose clock counts, when a text may leave, and how long it may still arrive."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from models.zones import zones_of_place
from planning.hours import left, wait, zones_for

NEW_YORK, CALIFORNIA, BERLIN, SYDNEY = "America/New_York", "America/Los_Angeles", "Europe/Berlin", "Australia/Sydney"
TEXTS = (8, 21)


def at(text: str) -> datetime:
    return datetime.strptime(text, "%a %Y-%m-%d %H:%M").replace(tzinfo=UTC)


WAITS = [
    # now (UTC), zones, until when (UTC)
    ("Tue 2026-11-24 12:59", [NEW_YORK], "Tue 2026-11-24 13:00"),
    ("Tue 2026-11-24 13:00", [NEW_YORK], "Tue 2026-11-24 13:00"),
    ("Wed 2026-11-25 01:59", [NEW_YORK], "Wed 2026-11-25 01:59"),  # 20:59 there
    ("Wed 2026-11-25 02:00", [NEW_YORK], "Wed 2026-11-25 13:00"),  # 21:00 there: the next morning
    ("Tue 2026-11-24 13:00", [NEW_YORK, CALIFORNIA], "Tue 2026-11-24 16:00"),  # both awake
    ("Tue 2026-11-24 12:00", [SYDNEY], "Tue 2026-11-24 21:00"),
    ("Sat 2026-10-24 23:30", [BERLIN], "Sun 2026-10-25 07:00"),  # the clock goes back in that night
    ("Sun 2026-03-08 05:00", [NEW_YORK], "Sun 2026-03-08 12:00"),  # and forward in this one
    ("Tue 2026-11-24 03:00", [], "Tue 2026-11-24 07:00"),  # nothing known: the organisation's own
    ("Tue 2026-11-24 03:00", ["No/Where"], "Tue 2026-11-24 07:00"),
    ("Tue 2026-11-24 12:00", [BERLIN, "Asia/Shanghai", NEW_YORK], "Tue 2026-11-24 12:00"),  # never awake together
]


@pytest.mark.parametrize(("now", "zones", "until"), WAITS)
def test_a_text_waits_for_the_persons_own_morning(now: str, zones: list[str], until: str) -> None:
    assert at(now) + timedelta(seconds=wait(at(now), zones, *TEXTS, BERLIN)) == at(until)


ENDS = [
    ("Wed 2026-11-25 01:40", [NEW_YORK], "Wed 2026-11-25 02:00"),
    ("Tue 2026-11-24 19:30", [NEW_YORK, BERLIN], "Tue 2026-11-24 20:00"),  # Berlin's night comes first
    ("Tue 2026-11-24 02:00", [NEW_YORK], "Tue 2026-11-24 02:00"),  # it is night
    ("Tue 2026-11-24 12:00", [], "Tue 2026-11-24 20:00"),
]


@pytest.mark.parametrize(("now", "zones", "until"), ENDS)
def test_the_evening_of_the_first_zone_to_have_one_ends_it(now: str, zones: list[str], until: str) -> None:
    assert at(now) + timedelta(seconds=left(at(now), zones, *TEXTS, BERLIN)) == at(until)


def test_the_whole_day_never_waits_and_never_ends() -> None:
    now = at("Tue 2026-11-24 03:00")
    assert (wait(now, [NEW_YORK], 0, 24, BERLIN), left(now, [NEW_YORK], 0, 24, BERLIN)) == (0.0, 86_400.0)


@pytest.mark.parametrize("hour", range(0, 48))
def test_who_waits_leaves_within_the_hours_of_every_zone(hour: int) -> None:
    now = at("Sat 2026-10-24 00:07") + timedelta(hours=hour)
    zones = [NEW_YORK, CALIFORNIA]
    leaves = now + timedelta(seconds=wait(now, zones, *TEXTS, BERLIN))
    for place in zones:
        assert 8 <= leaves.astimezone(ZoneInfo(place)).hour < 21
    assert timedelta(0) <= leaves - now < timedelta(hours=24)


@pytest.mark.parametrize(
    ("residence", "number", "zones"),
    [
        ("US-CA", [CALIFORNIA], (CALIFORNIA,)),
        ("US-CA", [NEW_YORK], (CALIFORNIA, NEW_YORK)),  # moved, or a number taken along: both must be awake
        ("US", [NEW_YORK], (NEW_YORK,)),  # the number says where in the country
        ("DE", [], ("Europe/Berlin", "Europe/Busingen")),
        ("", [BERLIN], (BERLIN,)),
        ("ZZ", [], ()),
    ],
)
def test_residence_and_number_both_say_where_a_person_is(
    residence: str, number: list[str], zones: tuple[str, ...]
) -> None:
    assert zones_for(zones_of_place(residence), number) == zones
