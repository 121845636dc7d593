"""Workers killed with signal 9, wherever it hurts: nobody is lost, and every copy that may be a second is listed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SEED = 20_260_302

# Where the worker dies, at which passing, and whether the outcome of what was under way is hidden by it.
POINTS = [
    ("after_claim", 1, False),
    ("after_hand_off_commit", 15, True),
    ("after_send_before_record", 5, True),
    ("after_send_before_record", 13, True),
    ("after_record", 1, True),  # others are on the wire then
]


def test_a_worker_killed_at_every_point_in_turn_loses_nobody_and_lists_every_possible_copy(
    trial: Any, nursery: Any
) -> None:
    trial.prepare(110, letters=12)
    for point, nth, _ in POINTS:
        assert nursery.run(trial.office, point=point, nth=nth) == [9], f"{point}: it must die there"
        trial.survive([9])
    trial.drain()
    found = trial.check(122, ambiguous=sum(hidden for _, _, hidden in POINTS))
    assert found["extra"] >= 1, "the kills after a hand-off do make copies; that is what the flag is for"


def test_a_worker_killed_with_letters_in_hand_prints_each_once(trial: Any, nursery: Any) -> None:
    trial.prepare(1, letters=12)
    assert nursery.run(trial.office, point="after_claim", nth=2) == [9], "the letters are the second claim"
    trial.survive([9])
    trial.drain()
    assert trial.check(13)["extra"] == 0


def test_a_kill_that_hides_no_outcome_makes_no_copy_and_flags_nobody(trial: Any, nursery: Any) -> None:
    trial.prepare(25)
    assert nursery.run(trial.office, point="after_claim") == [9]
    trial.survive([9])
    trial.drain()
    assert trial.check(25)["extra"] == 0
    assert not any(row["possible_duplicate"] for row in trial.office.rows("delivery"))


def test_letters_of_a_killed_worker_are_found_in_their_sealed_batch_and_not_printed_again(
    trial: Any, nursery: Any
) -> None:
    trial.prepare(0, letters=8)
    assert nursery.run(trial.office, point="after_send_before_record") == [9]
    trial.survive([9])
    trial.office.send(1)
    assert trial.office.settle().resolved == {"accepted": 8}
    assert trial.check(8)["extra"] == 0


def test_ten_kills_at_random_moments_keep_the_invariants(trial: Any, nursery: Any) -> None:
    moments = random.Random(SEED)  # noqa: S311 - which moments, not which secrets
    trial.prepare(110, letters=6)
    for _ in range(10):
        trial.survive(nursery.run(trial.office, kill_after=moments.uniform(0.05, 0.35)))
    assert trial.kills >= 3, "workers died in the middle of their work"
    trial.drain()
    trial.check(116)


def test_two_workers_on_one_wave_share_it_and_nobody_gets_anything_twice(trial: Any, nursery: Any) -> None:
    trial.prepare(90, letters=6)
    assert nursery.run(trial.office, workers=2, lease=60) == [0, 0]
    assert trial.check(96)["extra"] == 0
    assert len(trial.office.events("wave_launched")) == 1
    assert not trial.held()


def test_two_workers_together_never_hand_off_more_than_the_cap(trial: Any, nursery: Any) -> None:
    trial.office.profile("pilot = 0", "pilot = 0\ncap = 37")
    trial.prepare(90)
    assert nursery.run(trial.office, workers=2, lease=60) == [0, 0]
    assert sum(row["handed_at"] is not None for row in trial.office.rows("delivery")) == 37
    assert len(trial.office.sink.accepted) == 37 and set(trial.office.mails().values()) == {1}
    assert not trial.held() and trial.office.rows("wave")[0]["stopped_why"] == "its cap of 37 hand-offs is reached"


def test_the_worker_process_of_the_flow_is_killed_and_another_one_takes_over(trial: Any) -> None:
    trial.prepare(60)
    office = trial.office
    command = [sys.executable, "-m", "flows.steps.worker", office.slug, "1", "1"]
    with (office.folder / "worker.log").open("wb") as log:
        worker = subprocess.Popen(command, cwd=ROOT, env=office.environ, stdout=log, stderr=log)
        until = time.monotonic() + 30
        while len(office.sink.accepted) < 15 and worker.poll() is None and time.monotonic() < until:
            time.sleep(0.005)
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
    assert 15 <= len(office.sink.accepted) < 60
    trial.kills = 1
    time.sleep(1.1)
    subprocess.run(command, cwd=ROOT, env=office.environ, check=True, capture_output=True)
    trial.drain()
    trial.check(60)
    assert "CNRY" not in (office.folder / "worker.log").read_text()
