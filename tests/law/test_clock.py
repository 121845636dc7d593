"""Clocks by their rules of counting: each row gives the weekday, the event and the last moment."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from models.facts import parse_facts
from models.values import Confidence
from regimes.clock import Due, Setting, combine, work_out
from regimes.load import counting_rules
from regimes.schema import CountingRule, Deadline, SubmissionRef, Unit

BRUSSELS = ZoneInfo("Europe/Brussels")
DORA = replace(
    counting_rules()["reg-1182-71"], name="noon", next_full_hour=False, roll=("hours", "months"), roll_hour=12
)
DAY_ONE = CountingRule(
    "day-one", "made up", "the event's day is day 1", Confidence.MEMORY, (), False, 1, (), 24, (5, 6), ()
)
FRIDAY_WEEKEND = replace(DAY_ONE, name="friday", event_day=0, weekend=(4, 5))
CLOSED = replace(DAY_ONE, name="closed", roll=("calendar_days",), closed=("12-29", "12-30", "12-31", "01-02", "01-03"))
RULES = {**counting_rules(), "noon": DORA, "day-one": DAY_ONE, "friday": FRIDAY_WEEKEND, "closed": CLOSED}

# event, value, unit, rule, place, due
CLOCKS = [
    ("Mon 2026-03-02T12:00:00+01:00", 72, "hours", "reg-1182-71", "BE", "2026-03-05T13:00:00+01:00"),
    ("Mon 2026-03-02T12:00:00+01:00", 72, "hours", "elapsed-hours", "BE", "2026-03-05T12:00:00+01:00"),
    ("Mon 2026-03-02T12:17:30+01:00", 30, "minutes", "elapsed-hours", "BE", "2026-03-02T12:47:30+01:00"),
    ("Fri 2026-03-27T12:10:00+01:00", 72, "hours", "elapsed-hours", "BE", "2026-03-30T13:10:00+02:00"),
    ("Fri 2026-10-23T12:10:00+02:00", 72, "hours", "elapsed-hours", "BE", "2026-10-26T11:10:00+01:00"),
    ("Sat 2026-01-31", 1, "months", "calendar", "BE", "2026-02-28T23:59:59+01:00"),
    ("Mon 2028-01-31", 1, "months", "calendar", "BE", "2028-02-29T23:59:59+01:00"),
    ("Wed 2026-12-30", 2, "months", "calendar", "BE", "2027-02-28T23:59:59+01:00"),
    ("Tue 2026-03-03", 2, "weeks", "calendar", "BE", "2026-03-17T23:59:59+01:00"),
    ("Thu 2026-01-01", 1, "months", "reg-1182-71", "BE", "2026-02-02T23:59:59+01:00"),  # Sunday rolls to Monday
    ("Wed 2026-04-01", 1, "months", "reg-1182-71", "BE", "2026-05-04T23:59:59+02:00"),  # 1 May, a Friday, is a holiday
    ("Thu 2026-01-01", 1, "months", "noon", "BE", "2026-02-02T12:00:00+01:00"),
    ("Fri 2026-01-02", 1, "months", "noon", "BE", "2026-02-02T23:59:59+01:00"),  # no roll, no noon
    ("Fri 2026-05-01", 30, "calendar_days", "day-one", "JP", "2026-05-30T23:59:59+02:00"),
    ("Thu 2026-04-30", 3, "business_days", "business-days", "BE", "2026-05-06T23:59:59+02:00"),  # Mon 4, Tue 5, Wed 6
    (
        "Thu 2026-03-05",
        2,
        "business_days",
        "friday",
        "XX",
        "2026-03-09T23:59:59+01:00",
    ),  # Fri and Sat off: Sun 8, Mon 9
    (
        "Mon 2026-11-30",
        30,
        "calendar_days",
        "closed",
        "XX",
        "2027-01-01T23:59:59+01:00",
    ),  # 29 Dec is closed until 1 Jan
]


def _setting(place: str) -> Setting:
    return Setting("xx", place, BRUSSELS, BRUSSELS, place)


def _due(event: str, deadline: Deadline, rule: str, place: str = "BE") -> Due:
    facts = parse_facts({"organisation": {"timezone": "Europe/Brussels"}, "times": {"aware": event}}, "f")
    return work_out(deadline, facts, RULES[rule], _setting(place))


@pytest.mark.parametrize(("event", "value", "unit", "rule", "place", "due"), CLOCKS)
def test_each_rule_counts_as_its_text_says(event: str, value: int, unit: str, rule: str, place: str, due: str) -> None:
    weekday, at = event.split()
    assert datetime.fromisoformat(at).strftime("%a") == weekday
    found = _due(at, Deadline(value, Unit(unit), "aware"), rule, place)
    assert found.due is not None and found.due_safe is not None
    assert found.due.isoformat() == due
    assert found.due_safe <= found.due
    assert RULES[rule].citation in " ".join(found.derivation)


def test_a_fixed_date_of_the_next_year() -> None:
    found = _due("2026-03-02", Deadline(None, Unit.FIXED_DATE, "aware", month=2, day=1), "calendar")
    assert found.due is not None and found.due.isoformat() == "2027-02-01T23:59:59+01:00"


def test_a_day_counts_from_its_end_for_due_and_from_its_start_for_safe() -> None:
    found = _due("2026-03-02", Deadline(24, Unit.HOURS, "aware"), "elapsed-hours")
    assert found.due is not None and found.due_safe is not None
    assert found.due.isoformat() == "2026-03-03T23:59:59+01:00"
    assert found.due_safe.isoformat() == "2026-03-03T00:00:00+01:00"


def test_a_time_known_as_a_range_is_due_from_its_end_and_safe_from_its_start() -> None:
    times = {"aware": {"min": "2026-03-02T08:00:00+01:00", "max": "2026-03-02T20:00:00+01:00"}}
    facts = parse_facts({"times": times}, "f")
    found = work_out(Deadline(4, Unit.HOURS, "aware"), facts, RULES["elapsed-hours"], _setting("BE"))
    assert found.due is not None and found.due_safe is not None
    assert (found.due.hour, found.due_safe.hour) == (0, 12)
    assert found.missing == ()


def test_a_range_with_an_open_end_names_the_time_as_missing() -> None:
    facts = parse_facts({"times": {"aware": {"min": "2026-03-02T08:00:00+01:00"}}}, "f")
    found = work_out(Deadline(4, Unit.HOURS, "aware"), facts, RULES["elapsed-hours"], _setting("BE"))
    assert found.missing == ("times.aware",)
    assert found.due is not None and found.due.isoformat() == "2026-03-02T12:00:00+01:00"


def test_a_chained_clock_waits_and_then_counts_from_the_submission_not_from_its_due_time() -> None:
    deadline = Deadline(1, Unit.MONTHS, "submission", submission=SubmissionRef("regulator", "initial"))
    waiting = work_out(deadline, parse_facts({}, "f"), RULES["calendar"], _setting("BE"))
    assert (waiting.due, waiting.missing) == (None, ()) and waiting.waiting
    row = {"regime": "xx", "duty": "regulator", "at": "2026-03-05T10:00:00+01:00"}
    told = work_out(deadline, parse_facts({"submission": [row]}, "f"), RULES["calendar"], _setting("BE"))
    assert told.due is not None and told.due.isoformat() == "2026-04-05T23:59:59+02:00"


def test_the_earliest_or_latest_of_two_deadlines_counts() -> None:
    day, hours = (
        _due("2026-03-02T10:00:00+01:00", Deadline(n, u, "aware"), "calendar")
        for n, u in ((1, Unit.CALENDAR_DAYS), (4, Unit.HOURS))
    )
    assert combine([day, hours], "earliest").due == hours.due
    assert combine([day, hours], "latest").due == day.due
