"""The long profile: 200 workers killed at random moments, on both databases. Run by itself: `pytest -m long`.

Prints the figures of the plan: lost and silent must be 0; extra copies are counted, listed, and at most one group of
lanes per kill.
"""

from __future__ import annotations

import random
from typing import Any

import pytest

KILLS, SEED = 200, 20_260_302
PEOPLE, LETTERS = 3_000, 200
NAMED = ("after_claim", "after_hand_off_commit", "after_send_before_record", "after_record")


@pytest.mark.long
def test_two_hundred_kills_lose_nobody_and_repeat_nothing_in_silence(
    trial: Any, nursery: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(SEED)  # noqa: S311 - which moments, not which secrets
    trial.prepare(PEOPLE, LETTERS)
    for _ in range(3 * KILLS):
        if trial.kills >= KILLS:
            break
        if chance.random() < 0.5:
            order = {"point": chance.choice(NAMED), "nth": chance.randrange(1, 15)}
        else:
            order = {"kill_after": chance.uniform(0.03, 0.25)}
        trial.survive(nursery.run(trial.office, workers=chance.choice((1, 1, 2)), **order))
        if chance.random() < 0.2:  # doubts are looked into meanwhile, as the schedule does
            trial.office.pass_time(minutes=5)
            trial.office.settle()
    trial.drain()
    asked = trial.decide()
    found = trial.check(PEOPLE + LETTERS)
    assert trial.kills >= KILLS
    with capsys.disabled():
        print(f"\nlong profile: {found}, {asked} left to a person")
