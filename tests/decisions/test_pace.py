"""How fast a wave may go: lanes, slow domains, a cold domain's first days, the ramp."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from planning.feasibility import Rate
from planning.pace import Ramp, Throttle, WarmUp, fitting, too_many

MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def test_a_relay_that_complains_halves_the_lanes_and_quick_answers_bring_them_back_one_by_one() -> None:
    throttle = Throttle(20)
    throttle.complained()
    throttle.complained()
    assert throttle.now == 5
    for _ in range(6):  # as many answers as there are lanes, and one
        throttle.answered(0.01)
    assert throttle.now == 6
    for _ in range(1_000):
        throttle.answered(0.01)
    assert throttle.now == 20


def test_however_much_it_complains_one_lane_is_left() -> None:
    throttle = Throttle(20)
    for _ in range(50):
        throttle.complained()
    assert throttle.now == 1


def test_answers_that_become_slow_take_lanes_away() -> None:
    throttle = Throttle(20)
    for _ in range(50):
        throttle.answered(0.05)
    throttle.answered(12.0)
    assert throttle.now == 10


def test_a_relay_that_was_always_slow_is_not_strained() -> None:
    throttle = Throttle(20)
    for _ in range(50):
        throttle.answered(8.0)
    assert throttle.now == 20


FITTING = [
    # waiting, in the air, known to be slow, expected positions
    (["a", "b", "a", "c"], [], set(), [0, 1, 2, 3]),
    (["a", "b", "a", "c"], [("a", 6.0)] * 5, set(), [1, 3]),  # five of 20 lanes hang at a
    (["a", "b", "a", "c"], [("a", 6.0)] * 4, set(), [0, 1, 3]),  # one more may
    (["a", "b", "a", "c"], [("a", 1.0)] * 5, set(), [0, 1, 2, 3]),  # they may still answer
    (["a", "b", "a", "c"], [("a", 1.0)] * 5, {"a"}, [1, 3]),  # it was slow before
    (["a"] * 12, [], {"a"}, [0, 1, 2, 3, 4]),
]


@pytest.mark.parametrize(("waiting", "air", "slow", "expected"), FITTING)
def test_a_slow_domain_keeps_a_quarter_of_the_lanes_and_the_others_pass_it(
    waiting: list[str], air: list[tuple[str, float]], slow: set[str], expected: list[int]
) -> None:
    assert fitting(waiting, air, slow, lanes=20, room=20) == expected


def test_no_more_are_chosen_than_there_is_room_for() -> None:
    assert fitting(["a", "b", "c"], [], set(), lanes=20, room=2) == [0, 1]
    assert fitting(["a", "b", "c"], [], {"a"}, lanes=20, room=0) == []


ALLOWED = [
    # start, growth, most, day, mails
    (0, 1.5, 0, 0, None),
    (0, 1.5, 5_000, 9, 5_000),
    (1_000, 2.0, 0, 0, 1_000),
    (1_000, 2.0, 0, 3, 8_000),
    (1_000, 2.0, 5_000, 3, 5_000),
    (1_000, 0.5, 0, 9, 1_000),  # a domain does not cool down
    (1_000, 2.0, 0, 10_000, 10**12),  # and no number becomes too large to count with
]


@pytest.mark.parametrize(("start", "growth", "most", "day", "mails"), ALLOWED)
def test_a_cold_domain_sends_more_each_day(start: int, growth: float, most: int, day: int, mails: int | None) -> None:
    assert WarmUp(start, growth, most).allowance(day) == mails


def test_the_forecast_counts_the_days_of_a_warm_up() -> None:
    warm_up = WarmUp(1_000, 2.0)
    assert [warm_up.days(n) for n in (0, 1, 1_000, 1_001, 7_000, 7_001)] == [0, 1, 1, 2, 3, 4]
    assert Rate(1_000_000).days(7_000) == 0.007
    assert Rate(1_000_000, warm_up=warm_up).days(7_000) == 3
    assert Rate(1_000, warm_up=warm_up).days(7_000) == 7.0  # the relay is slower than the warm-up asks
    assert Rate(1_000_000, warm_up=warm_up).finish(3, MONDAY) == MONDAY + timedelta(days=3)


def test_a_ramp_lets_a_share_of_the_wave_go_what_has_gone_included() -> None:
    ramp = Ramp(0.1)
    assert [ramp.room(1_000, handed) for handed in (0, 40, 100, 150)] == [100, 60, 0, 0]
    assert ramp.room(5, 0) == 1


def test_a_share_says_nothing_of_a_few() -> None:
    assert not too_many(19, 19, 0.05, enough=20)
    assert not too_many(20, 1, 0.05, enough=20)
    assert too_many(20, 2, 0.05, enough=20)
