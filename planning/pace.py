"""How fast a wave may go: lanes that follow the relay's mood, domains that think too long, a cold domain's warm-up.

Pure: instants and counts come in, numbers go out. What many workers share (models.limits) is kept in the database.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Set
from dataclasses import dataclass

SLOW = 5.0  # seconds in the air after which a hand-off counts as slow
RELAPSE = 2.0  # a hand-off so many times as slow as usual takes a lane away
_USUAL = 0.1  # weight of the newest in the usual time


@dataclass(slots=True)
class Throttle:
    """Lanes in use: one more after as many quick answers as there are lanes, half of them when the relay complains.

    `most` is the channel's number of lanes, with which we begin: a relay of one's own takes them all.
    """

    most: int
    lanes: float = 0.0
    usual: float = 0.0  # seconds of a hand-off, smoothed

    def __post_init__(self) -> None:
        self.lanes = float(self.most)

    @property
    def now(self) -> int:
        return max(1, int(self.lanes))

    def answered(self, seconds: float) -> None:
        """An answer for a recipient, whatever it was."""
        strained = self.usual > 0.0 and seconds > max(RELAPSE * self.usual, SLOW)
        self.usual = seconds if self.usual == 0.0 else self.usual + _USUAL * (seconds - self.usual)
        if strained:
            self.complained()
        else:
            self.lanes = min(float(self.most), self.lanes + 1.0 / self.lanes)

    def complained(self) -> None:
        """The relay said that it is busy, or fell silent."""
        self.lanes = max(1.0, self.lanes / 2.0)


def fitting(
    waiting: Iterable[str], in_the_air: Iterable[tuple[str, float]], slow: Set[str], lanes: int, room: int
) -> list[int]:
    """Which of those who wait may go, as positions in `waiting` (their domains), at most `room`.

    A domain that was slow to answer last, or is now, has a quarter of the lanes at most: the others' mail does not wait
    behind it. `in_the_air` has domain and seconds of each hand-off without an answer yet.
    """
    air = list(in_the_air)
    busy = Counter(domain for domain, _ in air)
    late = slow | {domain for domain, seconds in air if seconds >= SLOW}
    chosen: list[int] = []
    for position, domain in enumerate(waiting):
        if len(chosen) >= room:
            break
        if domain not in late or busy[domain] < max(1, lanes // 4):
            chosen.append(position)
            busy[domain] += 1
    return chosen


# --- warm-up --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WarmUp:
    """What a sending domain may send on its first days. `start` 0: no limit but `most`; `most` 0: none either."""

    start: int = 0
    growth: float = 1.5
    most: int = 0  # on any day

    def allowance(self, day: int) -> int | None:
        """Mails on day `day`, the first being 0. None: as many as there are."""
        limits = [self.most] if self.most else []
        if self.start:
            limits.append(self._grown(day))
        return min(limits) if limits else None

    def _grown(self, day: int) -> int:
        steps = day * math.log(max(self.growth, 1.0)) + math.log(self.start)
        return 10**12 if steps > 27 else int(self.start * max(self.growth, 1.0) ** day)

    def days(self, mails: int, day: int = 0) -> int:
        """Days that so many mails take, beginning with day `day`; for the forecast of a plan."""
        count = 0
        while mails > 0:
            room = self.allowance(day + count)
            count += 1
            if room is None:
                return count
            mails -= room
        return count


# --- ramp -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ramp:
    """Between pilot and rest: `share` of the wave goes, then bounces and complaints get `minutes` to come in."""

    share: float = 0.0  # 0: no ramp
    minutes: float = 60.0

    def room(self, people: int, handed: int) -> int:
        """How many may be handed off before the wait."""
        return max(0, math.ceil(people * self.share) - handed)


def too_many(handed: int, bad: int, limit: float, enough: int) -> bool:
    """Whether a share stops a wave; below `enough` hand-offs it says nothing."""
    return handed >= enough and bad / handed > limit
