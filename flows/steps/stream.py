"""Sending one by one, as a stream: while some messages are on the wire, what became of others is committed, together
with the next ones' `handing_off`. Never more are in doubt than the carrier has lanes, or, where the profile says
`commit = "batch"`, than a batch: its messages are cleared to go by one commit and wait for a lane.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from functools import partial

from flows.steps.pacing import sift
from flows.steps.posting import Landed, landed
from flows.steps.run import Brief, Run, check, claim, commit, give_back, keep, stop
from models.outbox import Claim
from models.values import Channel, Handoff, Message, Outcome
from notifiers.contract import Carrier
from planning.pace import SLOW, Throttle, fitting

CLAIM = 200  # deliveries of one claim
QUIET = "quiet_hours"  # the person's night, not the relay's trouble
GATHER = 0.005  # seconds that an outcome waits for others to be committed with
GATHER_BATCH = 0.25  # the same where a batch may be in doubt anyhow
LOOK_SHARE = 0.05  # of a run's time goes at most into looking whether the wave must stop
LOOK_EVERY = 0.5  # seconds between two looks, at least


async def stream(run: Run, carrier: Carrier, lanes: int, pilot: bool, *, merged: bool, in_doubt: int = 0) -> int:
    """Sends what is due in a carrier's channel. Returns how many were handed to it.

    `in_doubt` is how many may be handing off at once, at least one for each lane. A fault is raised after what is on
    the wire has landed and been recorded.
    """
    return await _Stream(run, carrier, lanes, pilot, merged, max(in_doubt, lanes)).dry()


def _domain(message: Message) -> str:
    return message.to.email.rpartition("@")[2].lower()


@dataclass(slots=True)
class _Stream:
    run: Run
    carrier: Carrier
    lanes: int
    pilot: bool
    merged: bool
    in_doubt: int
    ready: deque[tuple[Claim, Message]] = field(default_factory=deque)
    cleared: deque[tuple[Claim, Message]] = field(default_factory=deque)  # committed, waiting for a lane
    flying: dict[asyncio.Task[None], tuple[Claim, str, float]] = field(default_factory=dict)  # with domain and start
    ended: list[Landed] = field(default_factory=list)
    filling: asyncio.Task[None] | None = None
    no_more: bool = False
    sent: int = 0
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    next_look: float = 0.0
    commit_by: float = 0.0  # monotonic
    kept_at: float = field(default_factory=time.monotonic)
    fault: BaseException | None = None
    resting: bool = False  # the relay asked to be left alone: what is left waits
    slow: set[str] = field(default_factory=set)  # domains that were slow to answer last
    throttle: Throttle = field(init=False)

    def __post_init__(self) -> None:
        self.throttle = self.run.moods.setdefault(self.carrier.channel, Throttle(self.lanes))

    async def dry(self) -> int:
        try:
            while await self._turn():
                pass
        finally:
            await self._land()
        if self.fault:
            raise self.fault
        return self.sent

    async def _turn(self) -> bool:
        """One commit, or a wait for something to commit. False when nothing is left to do."""
        self._refill()
        if self.fault:
            self._turn_back()
        elif self.resting and (self.ready or self.cleared):
            self._turn_back()
            await self._give_back()
        room = 0 if self.fault else self._most() - self._doubtful()
        going = self._pick(room) if self._enough() else []
        if going or (self.ended and self._enough()):
            await self._commit(going)
            await self._look()
        elif self.flying or self.filling:
            await self._wait()
        else:
            return False
        return True

    def _enough(self) -> bool:
        """Whether a commit is worth it: enough of those in doubt have landed, or the first has waited long enough.

        Half of them, so that the wire has something to do meanwhile; nearly all where a commit takes longer than it.
        """
        now = time.monotonic()
        left = self._most() // (8 if self.run.is_slow(Brief.TURN, now) else 2)
        return self._doubtful() <= left or now >= self.commit_by

    def _most(self) -> int:
        """How many may be handing off now: as many as the relay's mood allows, or a batch."""
        return self.throttle.now if self.in_doubt == self.lanes else self.in_doubt

    def _pick(self, room: int) -> list[tuple[Claim, Message]]:
        """The next in order, but for domains whose hand-offs are stuck: those keep a quarter of the lanes, no more."""
        now = time.monotonic()
        air = [(domain, now - since) for _, domain, since in self.flying.values()]
        if not self.slow and all(seconds < SLOW for _, seconds in air):
            return [self.ready.popleft() for _ in range(min(room, len(self.ready)))]
        chosen = fitting((_domain(m) for _, m in self.ready), air, self.slow, self.lanes, room)
        going, taken = [self.ready[n] for n in chosen], set(chosen)
        self.ready = deque(one for n, one in enumerate(self.ready) if n not in taken)
        return going

    def _doubtful(self) -> int:
        return len(self.flying) + len(self.cleared)

    def _rest(self, seconds: float) -> None:
        """A relay that is busy or silent: half of the lanes, and nothing new in this stream: a later one tries."""
        self.throttle.complained()
        self.run.rest = max(self.run.rest, seconds)
        self.resting = self.no_more = True

    def _refill(self) -> None:
        if len(self.ready) < self.in_doubt * 2 and not (self.filling or self.no_more or self.fault):
            self.filling = asyncio.create_task(self._fill())
            self.filling.add_done_callback(self._filled)

    async def _fill(self) -> None:
        channel = self.carrier.channel
        claims = await self.run.write(
            partial(claim, self.run, channel, max(CLAIM, self.in_doubt), self.pilot), Brief.CLAIM
        )
        if not claims:
            self.no_more = True
            return
        # In turn with the commits: what is stopped here is written to the same lane of the ledger.
        checked = await self.run.write(partial(check, self.run, claims, channel, merged=self.merged), Brief.CLAIM)
        if channel is Channel.EMAIL:
            checked = await self.run.write(partial(sift, self.run, checked), Brief.TURN)
        self.ready.extend(zip(checked.claims, checked.messages, strict=True))

    def _filled(self, task: asyncio.Task[None]) -> None:
        self.filling = None
        self._ended_badly(task)
        self.wake.set()

    async def _commit(self, going: list[tuple[Claim, Message]]) -> None:
        ended, self.ended = self.ended, []
        claims = [c for c, _ in going]
        try:
            ours = await self.run.write(partial(commit, self.run, self.carrier.channel, ended, claims), Brief.TURN)
        except BaseException:
            self.ended = ended + self.ended
            raise
        self.cleared.extend((one, message) for one, message in going if one.delivery in ours)
        self._launch()

    def _launch(self) -> None:
        """As many as there are lanes for."""
        while self.cleared and len(self.flying) < self.throttle.now:
            self._send(*self.cleared.popleft())

    def _turn_back(self) -> None:
        """What was cleared and has no lane yet does not leave: said to be put off, since nothing of it was sent."""
        while self.cleared:
            one, _ = self.cleared.popleft()
            self.ended.append(landed(one, Handoff(one.delivery, Outcome.DEFERRED, "not_sent", host_wide=True)))

    def _send(self, one: Claim, message: Message) -> None:
        self.sent += 1
        task = asyncio.create_task(self._fly(one, message))
        self.flying[task] = one, _domain(message), time.monotonic()
        task.add_done_callback(self._flown)

    async def _fly(self, one: Claim, message: Message) -> None:
        start = time.monotonic()
        handoff = await self.carrier.send(message)
        self._learn(handoff, _domain(message), time.monotonic() - start)
        if not self.ended:
            gather = GATHER if self.in_doubt == self.lanes else GATHER_BATCH
            self.commit_by = time.monotonic() + gather
            asyncio.get_running_loop().call_later(gather, self.wake.set)
        self.ended.append(landed(one, handoff))  # the list of now: a commit may have taken it away meanwhile

    def _learn(self, handoff: Handoff, domain: str, seconds: float) -> None:
        busy = handoff.host_wide and handoff.outcome is Outcome.DEFERRED
        if busy and self.carrier.channel is Channel.EMAIL and handoff.code != QUIET:
            self._rest(handoff.retry_after or 0.0)
            return
        self.throttle.answered(seconds)
        if seconds >= SLOW:
            self.slow.add(domain)
        else:
            self.slow.discard(domain)

    def _flown(self, task: asyncio.Task[None]) -> None:
        del self.flying[task]
        self._ended_badly(task)
        if not self.fault:
            self._launch()
        if self.fault or self._enough():
            self.wake.set()

    def _ended_badly(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            self.fault = self.fault or error

    async def _wait(self) -> None:
        """Until something happens; leases are kept meanwhile, since a relay may think for ten minutes."""
        self.wake.clear()
        try:
            async with asyncio.timeout(self.run.lease_seconds / 3):
                await self.wake.wait()
        except TimeoutError:
            await self._keep()

    async def _keep(self) -> None:
        self.kept_at = time.monotonic()
        mine = [*(c for c, _, _ in self.flying.values()), *(c for c, _ in (*self.cleared, *self.ready))]
        if mine:
            await self.run.write(partial(keep, self.run, mine))

    async def _look(self) -> None:
        """Now and then: whether the wave has to stop, and whether leases run out."""
        now = time.monotonic()
        if now - self.kept_at > self.run.lease_seconds / 3:
            await self._keep()
        if now < self.next_look:
            return
        if await self.run.write(partial(stop, self.run)):
            self.no_more = True
            self._turn_back()
            await self._give_back()
        took = time.monotonic() - now
        self.next_look = time.monotonic() + max(LOOK_EVERY, took / LOOK_SHARE)

    async def _land(self) -> None:
        """Lets what is on the wire land, records it, and gives back what never left."""
        self._turn_back()
        while self.flying or self.filling:
            await asyncio.wait([*self.flying, *([self.filling] if self.filling else [])])
        if self.ended:
            await self._commit([])
        await self._give_back()

    async def _give_back(self) -> None:
        back = [c for c, _ in self.ready]
        self.ready.clear()
        if back:
            await self.run.write(partial(give_back, self.run, back))
