"""Limits that workers share: buckets for domains, days for a warm-up. Time is the test's own."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from models.limits import Bucket, Limit, drawn, find, seats, take
from models.session import Database
from models.values import BadInput

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SIXTY = Limit("sixty", ("example.org", "*.example.net"), 60.0, 10)  # one a second, ten at once


def test_a_full_bucket_lets_its_burst_go_and_gives_the_others_a_second_each() -> None:
    bucket, waits = drawn(SIXTY, None, 13, NOON)
    assert waits == [0.0] * 10 + [1.0, 2.0, 3.0]
    assert bucket == Bucket(-3.0, NOON)


def test_who_comes_later_waits_behind_those_who_wait_already() -> None:
    bucket, _ = drawn(SIXTY, None, 13, NOON)
    assert drawn(SIXTY, bucket, 2, NOON)[1] == [4.0, 5.0]
    assert drawn(SIXTY, bucket, 2, NOON + timedelta(seconds=4))[1] == [0.0, 1.0]


def test_a_bucket_fills_to_its_burst_and_no_further() -> None:
    bucket, _ = drawn(SIXTY, None, 10, NOON)
    assert drawn(SIXTY, bucket, 11, NOON + timedelta(hours=9))[1] == [0.0] * 10 + [1.0]


def test_a_clock_that_steps_back_fills_no_bucket() -> None:
    bucket, _ = drawn(SIXTY, None, 10, NOON)
    assert drawn(SIXTY, bucket, 1, NOON - timedelta(hours=1))[1] == [1.0]


def test_a_limit_without_a_rate_is_refused() -> None:
    with pytest.raises(BadInput, match="per_minute"):
        drawn(Limit("none", ("example.org",), 0.0), None, 1, NOON)


COVERED = [
    ("p@example.org", True),
    ("p@Example.ORG", True),
    ("p@mail.example.org", False),
    ("p@mail.example.net", True),
    ("p@example.net", False),
    ("p@notexample.org", False),
]


@pytest.mark.parametrize(("email", "covered"), COVERED)
def test_a_limit_covers_its_domains(email: str, covered: bool) -> None:
    assert (find((SIXTY,), email) is SIXTY) is covered


def test_two_workers_draw_from_one_bucket(db: Database) -> None:
    given: list[float] = []
    for _ in range(2):
        with db.write() as session:
            given += take(session, SIXTY, 8, NOON)
    assert given == [0.0] * 10 + [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]


def test_a_draw_that_was_rolled_back_took_nothing(db: Database) -> None:
    with pytest.raises(RuntimeError), db.write() as session:
        take(session, SIXTY, 10, NOON)
        raise RuntimeError
    with db.write() as session:
        assert take(session, SIXTY, 10, NOON) == [0.0] * 10


def test_a_warm_up_keeps_seats_on_later_days_for_those_whom_today_does_not_hold(db: Database) -> None:
    today = date(2026, 11, 24)
    allowed = {0: 2, 1: 3, 2: 4}

    def seated(wanted: int) -> list[int]:
        with db.write() as session:
            days = seats(session, "warm_up", lambda day: allowed.get((day - today).days, 100), wanted, today, NOON)
        return [(day - today).days for day in days]

    assert seated(4) == [0, 0, 1, 1]
    assert seated(4) == [1, 2, 2, 2]  # another worker finds the seats taken
    assert seated(3) == [2, 3, 3]


def test_without_an_allowance_everybody_goes_today(db: Database) -> None:
    with db.write() as session:
        assert seats(session, "warm_up", lambda _: None, 3, date(2026, 11, 24), NOON) == [date(2026, 11, 24)] * 3


def test_a_warm_up_that_never_ends_is_refused(db: Database) -> None:
    with pytest.raises(BadInput, match="ten years"), db.write() as session:
        seats(session, "warm_up", lambda _: 0, 1, date(2026, 11, 24), NOON)
