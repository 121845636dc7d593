"""The counting rules that ship, each on its own authority's calendar: weekdays in sight, dates worked out by hand."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from models.facts import Facts, parse_facts
from regimes.clock import Setting, disputed, work_out
from regimes.load import counting_rules
from regimes.schema import Deadline, Unit

ZONES = {
    **{"FR": "Europe/Paris", "DE": "Europe/Berlin", "JP": "Asia/Tokyo", "BR": "America/Sao_Paulo"},
    **{"CO": "America/Bogota", "EG": "Africa/Cairo", "US": "America/New_York", "SG": "Asia/Singapore"},
}
ROWS = [
    # DORA: hours and months roll to noon of the next working day of the entity's Member State
    ("dora-rts", "FR", "Fri 2026-11-06T20:30:00+01:00", 4, "hours", "Mon 2026-11-09T12:00:00+01:00"),
    ("dora-rts", "FR", "Thu 2026-11-05T10:00:00+01:00", 72, "hours", "Mon 2026-11-09T12:00:00+01:00"),
    ("dora-rts", "FR", "Sun 2026-11-08T10:00:00+01:00", 72, "hours", "Thu 2026-11-12T12:00:00+01:00"),  # 11 November
    ("dora-rts", "DE", "Sun 2026-11-08T10:00:00+01:00", 72, "hours", "Wed 2026-11-11T10:00:00+01:00"),  # not in Germany
    ("dora-rts", "FR", "Mon 2026-11-09T10:00:00+01:00", 4, "hours", "Mon 2026-11-09T14:00:00+01:00"),
    ("dora-rts", "FR", "Thu 2026-10-15T10:00:00+02:00", 1, "months", "Mon 2026-11-16T12:00:00+01:00"),
    # Japan: the day of knowledge is day 1; the year's end is closed
    ("jp-ppc", "JP", "Fri 2026-05-01T23:00:00+09:00", 30, "calendar_days", "Mon 2026-06-01T23:59:59+09:00"),
    ("jp-ppc", "JP", "Mon 2026-11-02T09:00:00+09:00", 60, "calendar_days", "Mon 2027-01-04T23:59:59+09:00"),
    ("jp-ppc", "JP", "Tue 2026-09-01T09:00:00+09:00", 30, "calendar_days", "Wed 2026-09-30T23:59:59+09:00"),
    # Brazil: 20 November is a holiday, Good Friday is none
    ("br-business", "BR", "Thu 2026-11-19T10:00:00-03:00", 3, "business_days", "Wed 2026-11-25T23:59:59-03:00"),
    ("br-business", "BR", "Wed 2026-04-01T10:00:00-03:00", 3, "business_days", "Mon 2026-04-06T23:59:59-03:00"),
    # Colombia: All Saints and Cartagena moved to Mondays 2 and 16 November
    ("co-business", "CO", "Fri 2026-10-30T10:00:00-05:00", 15, "business_days", "Tue 2026-11-24T23:59:59-05:00"),
    # a weekend of Friday and Saturday
    ("eg-business", "EG", "Thu 2026-11-05T10:00:00+02:00", 3, "business_days", "Tue 2026-11-10T23:59:59+02:00"),
    ("eg-business", "EG", "Fri 2026-11-06T10:00:00+02:00", 1, "business_days", "Sun 2026-11-08T23:59:59+02:00"),
    # the SEC: Thanksgiving; an event on a Saturday starts on Monday, which is the first day
    ("sec-business-days", "US", "Wed 2026-11-25T10:00:00-05:00", 4, "business_days", "Wed 2026-12-02T23:59:59-05:00"),
    ("sec-business-days", "US", "Sat 2026-11-28T10:00:00-05:00", 4, "business_days", "Thu 2026-12-03T23:59:59-05:00"),
    # Singapore: the day of the assessment is not counted, no roll from a Saturday
    ("sg-calendar", "SG", "Wed 2026-11-04T10:00:00+08:00", 3, "calendar_days", "Sat 2026-11-07T23:59:59+08:00"),
    # Regulation 1182/71: days roll, hours never do, nor does the change of the clock matter to them
    ("reg-1182-71", "DE", "Wed 2026-11-25T09:30:00+01:00", 72, "hours", "Sat 2026-11-28T10:00:00+01:00"),
    ("reg-1182-71", "DE", "Fri 2026-10-23T09:00:00+02:00", 72, "hours", "Mon 2026-10-26T09:00:00+01:00"),  # from 10:00
    ("reg-1182-71", "DE", "Thu 2026-11-26T09:30:00+01:00", 3, "calendar_days", "Mon 2026-11-30T23:59:59+01:00"),
    ("reg-1182-71", "DE", "Thu 2026-12-24T09:30:00+01:00", 1, "calendar_days", "Mon 2026-12-28T23:59:59+01:00"),
]


def _days(text: str) -> str:
    """The time of a row, whose weekday must be that of its date."""
    weekday, at = text.split()
    assert datetime.fromisoformat(at).strftime("%a") == weekday
    return at


def _case(place: str, at: str) -> tuple[Facts, Setting]:
    zone = ZoneInfo(ZONES[place])
    facts = parse_facts({"organisation": {"timezone": ZONES[place]}, "times": {"aware": at}}, "f")
    return facts, Setting("xx", place, zone, zone, place)


@pytest.mark.parametrize(("rule", "place", "event", "value", "unit", "due"), ROWS)
def test_the_last_moment_on_the_authoritys_own_calendar(
    rule: str, place: str, event: str, value: int, unit: str, due: str
) -> None:
    facts, setting = _case(place, _days(event))
    found = work_out(Deadline(value, Unit(unit), "aware"), facts, counting_rules()[rule], setting)
    assert found.due is not None and found.due_safe is not None
    assert found.due.isoformat() == _days(due)
    assert found.due_safe <= found.due


LEAP = [
    ("2026-11-02", "2027-03-01"),
    ("2027-11-02", "2028-02-29"),
    ("2027-01-01", "2028-02-29"),
    ("2028-12-31", "2029-03-01"),
]


@pytest.mark.parametrize(("discovered", "due"), LEAP)
def test_hipaas_log_is_due_60_days_after_the_end_of_the_year_of_discovery(discovered: str, due: str) -> None:
    zone = ZoneInfo("America/New_York")
    facts = parse_facts({"organisation": {"timezone": zone.key}, "times": {"discovered": discovered}}, "f")
    deadline = Deadline(60, Unit.CALENDAR_DAYS, "year_end", year_of="discovered")
    found = work_out(deadline, facts, counting_rules()["calendar"], Setting("us-hipaa", "US", zone, zone, "US"))
    assert found.due is not None and found.due.isoformat() == f"{due}T23:59:59-05:00"


DISPUTED = [
    ("Fri 2026-11-27T17:12:00+01:00", 72, "hours", "2026-12-01T23:59:59+01:00"),  # Monday and Tuesday
    ("Thu 2026-12-24T10:00:00+01:00", 72, "hours", "2026-12-29T23:59:59+01:00"),  # 25 and 26 are holidays, 27 a Sunday
    ("Mon 2026-11-23T12:00:00+01:00", 72, "hours", ""),  # Tuesday and Wednesday lie inside
    ("Fri 2026-11-27T17:12:00+01:00", 24, "hours", ""),  # not a period of two days
    ("Fri 2026-11-27T17:12:00+01:00", 2, "business_days", ""),  # these are working days already
]


@pytest.mark.parametrize(("event", "value", "unit", "later"), DISPUTED)
def test_the_disputed_two_working_days_are_a_second_date_that_is_never_taken(
    event: str, value: int, unit: str, later: str
) -> None:
    facts, setting = _case("DE", _days(event))
    deadline, rule = Deadline(value, Unit(unit), "aware"), counting_rules()["reg-1182-71"]
    line = disputed(deadline, facts, rule, setting)
    assert (f"end {later} (Regulation 1182/71 Art 3(5)" in line) if later else line == ""
    due = work_out(deadline, facts, rule, setting).due
    assert due is not None and (not later or due < datetime.fromisoformat(later))
