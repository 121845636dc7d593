"""The office of the stories, and workers that die on the spot."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flows.steps import settle
from models.values import Channel, Outcome
from notifiers.contract import CHANNELS

HERE = Path(__file__).parent
_spec = importlib.util.spec_from_file_location("story_office", HERE.parent / "journeys" / "conftest.py")
assert _spec is not None and _spec.loader is not None
_stories = importlib.util.module_from_spec(_spec)
sys.modules["story_office"] = _stories
_spec.loader.exec_module(_stories)
office = _stories.office

LEASE = 0.25  # seconds; short, so that nobody waits long for what the dead held


@dataclass
class Nursery:
    """Workers that start at once: forks of one process that has imported everything."""

    process: subprocess.Popen[str]

    def run(self, office: Any, wave: int = 1, **job: Any) -> list[int]:
        """Runs a worker (`workers`: several at once) to its end; the signals that ended them, 0 for none.

        `point` and `nth` say where it kills itself (crashing.py), `kill_after` when it is killed from outside.
        """
        assert self.process.stdin is not None and self.process.stdout is not None
        order = {"environ": office.environ, "slug": office.slug, "wave": wave, "lease": LEASE, **job}
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        signals: list[int] = json.loads(self.process.stdout.readline())
        return signals


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    process = subprocess.Popen(
        [sys.executable, str(HERE / "crashing.py")],
        cwd=HERE.parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield Nursery(process)
    assert process.stdin is not None
    process.stdin.close()
    process.wait(20)


@dataclass
class Trial:
    """A signed wave, what was done to it, and the invariants that must hold whatever that was."""

    office: Any
    kills: int = 0

    def prepare(self, emails: int, letters: int = 0, **facts: Any) -> None:
        office = self.office
        office.declare(office.HIPAA, **facts)
        post = (office.person(10_000 + n, consent="") for n in range(letters))
        office.scope([*(office.person(n) for n in range(emails)), *post])
        office.prepare()
        office.sign("wave:1")

    def survive(self, signals: list[int]) -> None:
        """Counts the dead, and waits until what they held may be taken over."""
        self.kills += sum(signal == 9 for signal in signals)
        time.sleep(LEASE + 0.05)

    def drain(self) -> None:
        """Another process goes on until nothing is open; doubts are looked into after their wait."""
        for _ in range(8):
            if not self.office.send(1, lease_seconds=LEASE).open:
                break
            self.office.settle()
            self.office.pass_time(minutes=20)
            time.sleep(LEASE + 0.05 if self.held() else 0)
        self.office.settle()

    def decide(self) -> int:
        """Deliveries whose one repetition was lost as well wait for a person; here somebody has them sent again."""
        asked = self.office.status()["exceptions"]["unknown"]
        for delivery in asked:
            given = (delivery, Outcome.DEFERRED, "responder", "not in the relay's queue")
            settle.decide_unknown(self.office.desk, self.office.slug, *given)
        self.drain()
        return len(asked)

    def held(self) -> bool:
        return any(row["state"].value in ("claimed", "handing_off") for row in self.office.rows("delivery"))

    def report(self) -> dict[str, Any]:
        """The figures of the reliability plan, measured against the relay's own log and the sealed manifests."""
        office = self.office
        rows = {row["id"]: row for row in office.rows("delivery")}
        taken = Counter(entry["delivery"] for entry in lines(office.folder / "relay.jsonl"))
        printed = Counter(
            entry["delivery"]
            for manifest in (office.folder / "home" / "letters").rglob("manifest.json")
            for entry in json.loads(manifest.read_bytes())["entries"]
        )
        copies = taken + printed
        handed = Counter(event["subject"] for event in office.events("delivery.handing_off"))
        accepted = {i for i, row in rows.items() if row["state"].value in ("accepted", "delivered")}
        open_ = [i for i, row in rows.items() if i not in accepted and row["state"].value != "undeliverable"]
        twice = {i for i, n in copies.items() if n > 1}
        return {
            "lost": len(open_) + len(accepted - copies.keys()) + len(copies.keys() - accepted),
            "silent": sum(not rows[i]["possible_duplicate"] for i in twice),
            "extra": sum(n - 1 for n in copies.values()),
            "letters_twice": sum(n > 1 for n in printed.values()),
            "unannounced": sum(n > handed[i] for i, n in copies.items()),
            "messages": len({e["message_id"] for e in lines(office.folder / "relay.jsonl")}) - len(taken),
            "ledger": office.verifies(),
        }

    def check(self, people: int, ambiguous: int | None = None) -> dict[str, Any]:
        """I1, I2, I3 and I6. `ambiguous`: kills that may have hidden an outcome (all, unless told)."""
        found = self.report()
        extra = found.pop("extra")
        sound = {"lost": 0, "silent": 0, "letters_twice": 0, "unannounced": 0, "messages": 0, "ledger": True}
        assert found == sound, (found, self.office.states())
        assert extra <= (self.kills if ambiguous is None else ambiguous) * CHANNELS[Channel.EMAIL].lanes
        assert self.office.people() == {"told": people}
        return {"extra": extra, "kills": self.kills, **found}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture
def trial(office: Any) -> Trial:
    return Trial(office)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The long profile runs when it is asked for by name only: `pytest -m long`."""
    asked = config.option.markexpr
    if "long" in asked and "not long" not in asked:
        return
    long = [item for item in items if item.get_closest_marker("long")]
    config.hook.pytest_deselected(items=long)
    items[:] = [item for item in items if item not in long]
