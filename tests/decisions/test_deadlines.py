"""Alarms, lateness, the instant at which a duty is met, and whether the channels can make it in time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.facts import parse_facts
from models.values import BadInput, Channel
from planning.deadlines import (
    THRESHOLDS,
    Dispatched,
    Evidence,
    Told,
    alarms,
    count,
    is_final,
    lateness,
    met,
    next_action,
    next_alarm,
    span,
    started,
)
from planning.feasibility import Load, Rate, forecast, infeasible

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # a Monday
DUE = START + timedelta(hours=100)  # Friday 13:00


@pytest.mark.parametrize(
    ("hours", "already", "told"),
    [
        (0, set(), []),
        (49.99, set(), []),
        (50, set(), ["50"]),
        (50, {"50"}, []),
        (80, {"50"}, ["80"]),
        (95, {"50"}, ["80", "95"]),
        (99.99, {"50", "80", "95"}, []),
        (100, {"50", "80", "95"}, ["due"]),
        (100, set(), ["50", "80", "95", "due"]),
        (5000, {"50", "80", "95", "due"}, []),
    ],
)
def test_alarms_come_at_half_four_fifths_nearly_all_and_past_due(
    hours: float, already: set[str], told: list[str]
) -> None:
    assert alarms(START, DUE, START + timedelta(hours=hours), None, already) == told


@pytest.mark.parametrize(
    ("clock_from", "due", "met_at", "told"),
    [
        (START, None, None, []),
        (None, None, None, []),
        (START, DUE, START, []),
        (START, DUE, DUE + timedelta(days=9), []),
        (None, DUE, None, ["due"]),
        (DUE, DUE, None, ["due"]),
        (DUE + timedelta(days=1), DUE, None, ["due"]),
    ],
)
def test_what_has_no_due_or_is_met_is_silent_and_a_lost_start_still_alarms_as_due(
    clock_from: datetime | None, due: datetime | None, met_at: datetime | None, told: list[str]
) -> None:
    assert alarms(clock_from, due, DUE + timedelta(days=2), met_at, set()) == told


@given(st.lists(st.integers(0, 120), min_size=1, max_size=12))
@settings(max_examples=80, deadline=None)
def test_each_alarm_is_told_once_and_none_is_skipped_however_often_one_watches(hours: list[int]) -> None:
    already: set[str] = set()
    heard: list[str] = []
    for hour in sorted(hours):
        new = alarms(START, DUE, START + timedelta(hours=hour), None, already)
        heard += new
        already |= set(new)
    passed = sum(max(hours) >= h for h in (50, 80, 95, 100))
    assert heard == list(THRESHOLDS[:passed])


def test_the_next_alarm_is_the_next_threshold_ahead() -> None:
    assert next_alarm(START, DUE, START) == START + timedelta(hours=50)
    assert next_alarm(START, DUE, START + timedelta(hours=95)) == DUE
    assert next_alarm(None, DUE, START) == DUE
    assert next_alarm(START, DUE, DUE) is None
    assert next_alarm(START, None, START) is None


@pytest.mark.parametrize(
    ("clock_from", "expected"),
    [("discovered", START), ("aware", None), ("submission", None), ("year_end", None), ("", None)],
)
def test_a_clock_starts_at_the_stated_time_of_its_anchor(clock_from: str, expected: datetime | None) -> None:
    facts = parse_facts({"id": "i1", "title": "t", "times": {"discovered": START.isoformat()}}, "facts.toml")
    assert started(facts, clock_from) == expected


CHICAGO = ZoneInfo("America/Chicago")


@pytest.mark.parametrize(
    ("due", "met_at", "late"),
    [
        (DUE, DUE, None),
        (DUE, DUE - timedelta(days=1), None),
        (DUE, DUE + timedelta(seconds=1), timedelta(seconds=1)),
        (DUE, None, None),
        (None, DUE, None),
        (
            datetime(2013, 12, 21, 23, 59, 59, tzinfo=CHICAGO),
            datetime(2014, 2, 3, 23, 59, 59, tzinfo=CHICAGO),
            timedelta(days=44),
        ),
    ],
)
def test_lateness_is_how_much_after_due_a_duty_was_met(
    due: datetime | None, met_at: datetime | None, late: timedelta | None
) -> None:
    assert lateness(due, met_at) == late


# --- met ------------------------------------------------------------------------------------------------------------

LAST = START + timedelta(hours=30)
POSTED = START + timedelta(hours=60)
RECEIPT = START + timedelta(hours=10)


@pytest.mark.parametrize(
    ("when", "people", "posted", "receipt", "expected"),
    [
        ("dispatch", Dispatched(3, 3, LAST), None, None, LAST),
        ("dispatch", Dispatched(3, 2, LAST), None, None, None),
        ("dispatch", Dispatched(3, 2, LAST, excused=1), None, None, LAST),
        ("dispatch", Dispatched(3, 2, LAST, covered_by_public=1), None, None, None),
        ("dispatch", Dispatched(3, 2, LAST, covered_by_public=1), POSTED, None, POSTED),
        ("dispatch", Dispatched(3, 2, LAST, covered_by_public=1), START, None, LAST),
        ("dispatch", Dispatched(3, 0, None, covered_by_public=3), POSTED, None, POSTED),
        ("dispatch", Dispatched(3, 3, LAST), POSTED, None, LAST),
        ("dispatch", Dispatched(0, 0, None), None, None, None),
        ("dispatch", None, POSTED, RECEIPT, None),
        ("receipt", Dispatched(3, 3, LAST), POSTED, None, None),
        ("receipt", None, None, RECEIPT, RECEIPT),
        ("posting", None, POSTED, RECEIPT, POSTED),
        ("posting", Dispatched(3, 3, LAST), None, None, None),
    ],
)
def test_a_duty_is_met_at_the_instant_that_its_law_counts(
    when: str,
    people: Dispatched | None,
    posted: datetime | None,
    receipt: datetime | None,
    expected: datetime | None,
) -> None:
    assert met(when, Evidence(people, posted, receipt)) == expected


def test_a_word_that_met_when_does_not_know_is_refused() -> None:
    with pytest.raises(BadInput, match="Use one of: dispatch, receipt, posting"):
        met("someday", Evidence())


def test_people_whose_notice_came_back_are_not_told() -> None:
    people = [Told(START), Told(LAST), Told(POSTED, contrary=True), Told(None)]
    assert count(people, excused=1) == Dispatched(5, 2, LAST, 0, 1)


@pytest.mark.parametrize(
    ("days", "contrary", "final"), [(4.99, False, False), (5, False, True), (5, True, False), (400, True, False)]
)
def test_an_acceptance_is_final_after_the_channels_window_unless_something_speaks_against_it(
    days: float, contrary: bool, final: bool
) -> None:
    assert is_final(START, 5, START + timedelta(days=days), contrary=contrary) is final


# --- what next ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Duty:
    id: str
    due: datetime | None = None
    met: datetime | None = None


@pytest.mark.parametrize(
    ("owed", "sentence"),
    [
        ([], "Nothing is owed."),
        ([Duty("a", DUE, START)], "Nothing is open: every obligation is met."),
        ([Duty("a"), Duty("b", DUE)], "Next: b, due 2026-03-06T13:00:00+00:00, in 4 days 4 hours."),
        ([Duty("a")], "Next: a, without undue delay; the law gives no date."),
        ([Duty("a", DUE), Duty("b", START - timedelta(minutes=90))], "Overdue by 1 hour 30 minutes: b."),
        ([Duty("a", START - timedelta(days=1)), Duty("b", START - timedelta(days=2))], "b; 1 more overdue."),
    ],
)
def test_status_says_in_one_sentence_what_comes_next(owed: list[Duty], sentence: str) -> None:
    assert sentence in next_action(owed, START)


def test_a_span_shows_its_two_largest_units() -> None:
    shown = [span(timedelta(**t)) for t in ({"seconds": 3}, {"minutes": 1}, {"days": 3, "minutes": 2}, {"days": 44})]
    assert shown == ["less than a minute", "1 minute", "3 days 2 minutes", "44 days"]


# --- feasibility ----------------------------------------------------------------------------------------------------

PEOPLE = 814_093  # letters of a real case, posted by one printer


@pytest.mark.parametrize(
    ("per_day", "days", "feasible"), [(20_000, 41, False), (27_136, 31, False), (27_137, 30, True), (250_000, 4, True)]
)
def test_a_printer_that_is_too_slow_for_the_clock_is_named(per_day: int, days: int, feasible: bool) -> None:
    load = Load("us-xx/individuals", Channel.LETTER, PEOPLE, START + timedelta(days=30))
    (line,) = forecast([load], {Channel.LETTER: Rate(per_day, whole_days=True)}, START)
    assert (line.channel, line.days, line.feasible) == (Channel.LETTER, days, feasible)
    assert [("letter is too slow" in s) for s in infeasible([line])] == ([] if feasible else [True])


def test_the_channel_that_finishes_last_is_the_critical_one_and_the_earliest_due_goes_first() -> None:
    rates = {Channel.EMAIL: Rate(100_000), Channel.LETTER: Rate(1_000, whole_days=True)}
    loads = [
        Load("late", Channel.LETTER, 5_000, START + timedelta(days=30)),
        Load("soon", Channel.EMAIL, 50_000, START + timedelta(days=4)),
        Load("soon", Channel.LETTER, 3_500, START + timedelta(days=4)),
        Load("undated", Channel.LETTER, 500, None),
        Load("nobody", Channel.SMS, 0, START),
    ]
    lines = forecast(loads, rates, START)
    assert [(x.obligation, x.channel, x.days, x.feasible) for x in lines] == [
        ("soon", Channel.LETTER, 4, True),
        ("late", Channel.LETTER, 9, True),
        ("undated", Channel.LETTER, 9, True),
    ]


@pytest.mark.parametrize("rates", [{}, {Channel.LETTER: Rate(0)}])
def test_a_channel_without_a_rate_is_asked_for(rates: dict[Channel, Rate]) -> None:
    with pytest.raises(BadInput, match="rates: letter"):
        forecast([Load("a", Channel.LETTER, 1, DUE)], rates, START)
