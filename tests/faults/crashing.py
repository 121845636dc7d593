"""Workers that kill themselves at a named point of sending, or are killed from outside: forks of one warm process.

Reads one JSON order a line, answers with the signals that ended the workers. Started by conftest.py, never by hand.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from flows.steps import posting  # noqa: F401 - warms up what a worker needs
from flows.steps.carriers import open_carrier
from flows.steps.deliver import deliver
from flows.steps.desk import open_desk
from models.values import Handoff, Message, NeedsPerson, Refused, Wording
from notifiers.contract import BatchCarrier
from notifiers.email import carrier as _email  # noqa: F401
from notifiers.letter import queue as _letter  # noqa: F401
from templates import press as _press  # noqa: F401

POINTS = ("after_claim", "after_hand_off_commit", "after_send_before_record", "after_record")


@dataclass
class Death:
    """Where a worker dies, and at which time of passing there."""

    point: str = ""
    nth: int = 1

    def at(self, point: str) -> None:
        if point == self.point:
            self.nth -= 1
            if self.nth <= 0:
                os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class Single:
    inner: Any
    death: Death

    @property
    def channel(self) -> Any:
        return self.inner.channel

    async def send(self, message: Message) -> Handoff:
        self.death.at("after_hand_off_commit")
        answer: Handoff = await self.inner.send(message)
        self.death.at("after_send_before_record")
        return answer

    async def look_up(self, message: Message, since: datetime | None = None) -> Handoff | None:
        return None

    async def close(self) -> None:
        await self.inner.close()


@dataclass
class Batch(Single):
    async def send_batch(
        self, messages: Sequence[Message], wordings: Mapping[str, Wording], name: str
    ) -> list[Handoff]:
        self.death.at("after_hand_off_commit")
        answers: list[Handoff] = await self.inner.send_batch(messages, wordings, name)
        self.death.at("after_send_before_record")
        return answers

    def where(self, delivery: str) -> str:
        return str(self.inner.where(delivery))


def work(order: Mapping[str, Any]) -> None:
    death = Death(order.get("point", ""), order.get("nth", 1))

    def opener(desk: Any, incident: Any, channel: Any) -> Any:
        death.at("after_claim")
        inner = open_carrier(desk, incident, channel)
        return (Batch if isinstance(inner, BatchCarrier) else Single)(inner, death)

    desk = open_desk(order["environ"])
    try:
        deliver(
            desk,
            order["slug"],
            order["wave"],
            "worker",
            lambda *_: death.at("after_record"),
            lease_seconds=order["lease"],
            opener=opener,
        )
    except (Refused, NeedsPerson) as error:
        print(error, file=sys.stderr)
    desk.close()


def fork(order: Mapping[str, Any]) -> int:
    child = os.fork()
    if child == 0:
        try:
            work(order)
        except BaseException as error:  # whatever it is, the parent hears of it as signal 6
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os.kill(os.getpid(), signal.SIGABRT)
        os._exit(0)
    return child


def main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        children = [fork(order) for _ in range(order.get("workers", 1))]
        if "kill_after" in order:
            time.sleep(order["kill_after"])
            for child in children:
                os.kill(child, signal.SIGKILL)
        ended = [os.waitpid(child, 0)[1] for child in children]
        print(json.dumps([os.WTERMSIG(s) if os.WIFSIGNALED(s) else 0 for s in ended]), flush=True)


if __name__ == "__main__":
    main()
