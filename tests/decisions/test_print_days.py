"""Cut-off times: on which day a print house counts letters, and when a plan with them is done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from models.values import BadInput, Channel
from planning.feasibility import Load, PrintDays, Rate, forecast

WORKDAYS = ("mon", "tue", "wed", "thu", "fri")
BERLIN = PrintDays.of("15:00", "Europe/Berlin", WORKDAYS)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("handed_over", "counts_for"),
    [
        ("2026-11-24T14:59:59+01:00", "2026-11-24"),  # Tuesday, a second before the cut-off
        ("2026-11-24T15:00:00+01:00", "2026-11-25"),
        ("2026-11-24T14:30:00Z", "2026-11-25"),  # half past three in Berlin
        ("2026-11-27T14:00:00+01:00", "2026-11-27"),  # Friday
        ("2026-11-27T16:00:00+01:00", "2026-11-30"),  # Friday after the cut-off: Monday
        ("2026-11-28T09:00:00+01:00", "2026-11-30"),  # Saturday
        ("2026-07-24T13:30:00Z", "2026-07-27"),  # summer time: half past three on a Friday
    ],
)
def test_letters_after_the_cut_off_count_for_the_next_print_day(handed_over: str, counts_for: str) -> None:
    assert BERLIN.counts_for(at(handed_over)).isoformat() == counts_for


@pytest.mark.parametrize(
    ("start", "letters", "finish"),
    [
        ("2026-11-24T10:00:00+01:00", 1_000, "2026-11-25T00:00:00+01:00"),  # this Tuesday
        ("2026-11-24T16:00:00+01:00", 1_000, "2026-11-26T00:00:00+01:00"),  # too late for Tuesday
        ("2026-11-26T10:00:00+01:00", 20_000, "2026-11-28T00:00:00+01:00"),  # Thursday and Friday
        ("2026-11-26T10:00:00+01:00", 20_001, "2026-12-01T00:00:00+01:00"),  # the last one on Monday
    ],
)
def test_a_forecast_counts_print_days_and_no_weekend(start: str, letters: int, finish: str) -> None:
    rates = {Channel.LETTER: Rate(10_000, print_days=BERLIN)}
    (line,) = forecast([Load("x", Channel.LETTER, letters, at(finish))], rates, at(start))
    assert (line.finish, line.feasible) == (at(finish), True)
    early = at(finish) - timedelta(seconds=1)
    (late,) = forecast([Load("x", Channel.LETTER, letters, early)], rates, at(start))
    assert late.feasible is False and "letter is too slow" in late.because


def test_the_channel_that_ends_last_is_critical_even_when_it_has_less_to_do() -> None:
    start = at("2026-11-27T16:00:00+01:00")
    rates = {Channel.LETTER: Rate(10_000, print_days=BERLIN), Channel.EMAIL: Rate(1_000)}
    loads = [Load("x", Channel.LETTER, 10, None), Load("x", Channel.EMAIL, 2_000, None)]
    (line,) = forecast(loads, rates, start)
    assert (line.channel, line.finish.astimezone(UTC)) == (Channel.LETTER, at("2026-11-30T23:00:00Z"))


@pytest.mark.parametrize(
    ("cut_off", "zone", "days", "where"),
    [
        ("3 pm", "Europe/Berlin", WORKDAYS, "cut_off"),
        ("15:00", "Middle/Earth", WORKDAYS, "timezone"),
        ("15:00", "Europe/Berlin", ("monday",), "days"),
        ("15:00", "Europe/Berlin", (), "days"),
    ],
)
def test_words_of_the_profile_that_mean_nothing_are_refused(
    cut_off: str, zone: str, days: tuple[str, ...], where: str
) -> None:
    with pytest.raises(BadInput, match=where):
        PrintDays.of(cut_off, zone, days)
