"""One run over a wave, as its transactions see it: claim, check, hand off, record. Both kinds of sending use these."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import TypeVar

from sqlalchemy import Table, func
from sqlalchemy import select as columns
from sqlmodel import Session, select

from flows.steps import posting
from flows.steps.desk import Desk, Progress
from flows.steps.launching import find_wave
from flows.steps.posting import Landed
from models import outbox
from models.outbox import Change, Claim
from models.tables import Incident, Wave, metadata
from models.turn import turn
from models.values import Channel, DeliveryState, Evidence
from notifiers.contract import CHANNELS, Kind
from planning.pace import Throttle, too_many

DELIVERY: Table = metadata.tables["delivery"]
EVENT: Table = metadata.tables["event"]
RECEIPT: Table = metadata.tables["receipt"]
RESUMED = "wave_resumed"
ENOUGH = 20  # hand-offs below which a share says nothing
_T = TypeVar("_T")


@dataclass(slots=True)
class Delivered:
    """What one run did, and what is left."""

    incident: str
    wave: int
    outcomes: Counter[str] = field(default_factory=Counter)
    open: int = 0
    waiting: int = 0  # of these, put off to a later time
    stopped: str = ""
    warnings: list[str] = field(default_factory=list)
    met: list[str] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        return {"wave": self.wave, "open": self.open, **{str(k): v for k, v in sorted(self.outcomes.items())}}


class Brief(float, Enum):
    """Work that is done in the event loop while it takes fewer seconds than this. To wake a thread costs more than to
    do it, and a thread that computes beside the loop only takes turns with it; a slow disk or another program's lock is
    waited for in a thread.
    """

    TURN = 0.004
    CLAIM = 0.030


PATIENCE = 5.0  # seconds in which a kind of work that was not brief is done in a thread, before it is tried again


@dataclass(slots=True)
class Run:
    desk: Desk
    incident: Incident
    wave: str
    book: posting.Book
    progress: Progress
    lease_seconds: float
    done: Delivered
    tight: bool  # whether the ladders could come to more hand-offs than the cap
    room: int | None = None  # emails that the ramp still lets be claimed; None: no ramp
    moods: dict[Channel, Throttle] = field(default_factory=dict)
    rest: float = 0.0  # seconds that a relay asked to be left alone
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)  # two writers of one process would wait by polling
    slow: dict[Brief, float] = field(default_factory=dict)  # monotonic instant until which a kind goes to a thread

    async def write(self, work: Callable[[], _T], brief: Brief | None = None) -> _T:
        """A transaction: off the event loop, or in it when it is of a kind that is brief here."""
        async with self.writing:
            return await self._work(work, brief)

    def is_slow(self, brief: Brief, now: float) -> bool:
        """Whether that kind of work is not brief here, at least of late. `now` is monotonic."""
        return self.desk.db.dialect != "sqlite" or now < self.slow.get(brief, 0.0)

    async def _work(self, work: Callable[[], _T], brief: Brief | None) -> _T:
        start = time.monotonic()
        if brief is None or self.is_slow(brief, start):
            return await asyncio.to_thread(work)
        try:
            return work()
        finally:
            if time.monotonic() - start > brief:
                self.slow[brief] = time.monotonic() + PATIENCE


def claim(run: Run, channel: Channel, size: int, pilot: bool) -> list[Claim]:
    ramping = run.room is not None and channel is Channel.EMAIL and not pilot
    size = min(size, run.room or 0) if ramping else size
    taken = _claim(run, channel, size, pilot) if size else []
    if ramping:
        run.room = (run.room or 0) - len(taken)
    return taken


def _claim(run: Run, channel: Channel, size: int, pilot: bool) -> list[Claim]:
    return outbox.claim(
        run.desk.db,
        wave_id=run.wave,
        channel=channel,
        worker=run.desk.lane,
        limit=size,
        now=run.desk.now(),
        lease_now=run.desk.clock.lease(),
        lease_seconds=run.lease_seconds,
        pilot_only=pilot,
    )


def check(run: Run, claims: Sequence[Claim], channel: Channel, *, merged: bool) -> posting.Checked:
    """What of a claim may leave. The rest is suppressed, with its reason, and waits for a new draft."""
    with run.desk.db.read() as session:
        checked = posting.check(run.desk, session, run.book, claims, channel, merged=merged)
    if checked.stopped:
        now = run.desk.now()
        with run.desk.db.write() as session:
            outbox.apply(session, run.incident.id, run.desk.lane, checked.stopped, now)
            posting.draft_again(session, claims, checked.stopped, now)
        run.done.outcomes["suppressed"] += len(checked.stopped)
    return checked


def commit(run: Run, channel: Channel, ended: Sequence[Landed], going: Sequence[Claim]) -> set[str]:
    """One transaction: what came of some hand-offs, and that others are about to be made. Returns which may leave."""
    usual = CHANNELS[channel].kind is Kind.SINGLE and not run.tight and _short(run, ended, going)
    written, ours = (ended, {c.delivery for c in going}) if usual else _long(run, channel, ended, going)
    run.done.outcomes.update(f"{channel}_{one.outcome}" for one in written)
    if ended:
        run.progress(channel, sum(run.done.outcomes.values()), 0)
    return ours


def _short(run: Run, ended: Sequence[Landed], going: Sequence[Claim]) -> bool:
    """The usual case, in few statements. False, and nothing done, when a row or the wave is not as expected."""
    desk = run.desk
    changes = [posting.change(desk, one) for one in ended]
    until = desk.clock.lease() + timedelta(seconds=run.lease_seconds)
    with desk.db.quick() as connection:
        if not turn(connection, run.incident.id, f"{desk.lane}/stream", changes, going, desk.now(), until):
            connection.rollback()
            return False
        if any(one.step.halt_channel or one.step.open_next for one in ended):
            with Session(connection) as session:
                posting.follow(desk, session, run.incident, ended)
                session.flush()
    return True


def _long(
    run: Run, channel: Channel, ended: Sequence[Landed], going: Sequence[Claim]
) -> tuple[Sequence[Landed], set[str]]:
    desk = run.desk
    with desk.db.write() as session:
        written = posting.record(desk, session, run.incident, ended)
        if CHANNELS[channel].kind is Kind.BATCH:
            posting.batch_row(desk, session, run.incident, run.wave, [one.handoff for one in ended])
        return written, _hand_off(run, session, going) if going else set()


def _hand_off(run: Run, session: Session, claims: Sequence[Claim]) -> set[str]:
    desk = run.desk
    room = _room(run, session, claims)
    ours = outbox.hand_off(
        session, claims[:room], desk.now(), lane=desk.lane, lease=(desk.clock.lease(), run.lease_seconds)
    )
    back = [_given_back(run, c) for c in claims if c.delivery not in ours]  # held, past the cap, or ours no more
    outbox.apply(session, run.incident.id, desk.lane, back, desk.now())
    if room < len(claims):
        _stop_at_cap(run, session)
    return ours


def give_back(run: Run, claims: Sequence[Claim]) -> None:
    """Claims that nothing was done with are ready again at once."""
    with run.desk.db.write() as session:
        back = [_given_back(run, c) for c in claims]
        outbox.apply(session, run.incident.id, run.desk.lane, back, run.desk.now())


def keep(run: Run, claims: Sequence[Claim]) -> None:
    """Prolongs the leases of what is still in our hands."""
    with run.desk.db.write() as session:
        outbox.renew(session, claims, run.desk.clock.lease(), run.lease_seconds)


# --- stopping by itself ---------------------------------------------------------------------------------------------


def most_deliveries(ladders: Mapping[str, int]) -> int:
    """How many deliveries the plan's ladders come to when every rung is tried. Keys as planning.release writes them."""
    return sum(people * len(shape.replace("+", ">").split(">")) for shape, people in ladders.items() if shape != "none")


def _room(run: Run, session: Session, claims: Sequence[Claim]) -> int:
    """How many of these may be handed off under the signed cap.

    Counted in the transaction of the hand-off, one worker after another; only where the ladders could exceed the cap,
    since it reads every delivery of the wave.
    """
    if not run.tight:
        return len(claims)
    wave = session.exec(select(Wave).where(Wave.id == run.wave).with_for_update()).one()
    d = DELIVERY.c
    ours = [c.delivery for c in claims]
    others = columns(func.count()).where(d.wave_id == run.wave, d.handed_at.is_not(None), d.id.not_in(ours))
    left = wave.cap - int(session.connection().execute(others).scalar_one())
    return min(max(left, 0), len(claims))


def _stop_at_cap(run: Run, session: Session) -> None:
    """The wave has handed off all that was signed for: what is left waits for a person."""
    wave = find_wave(session, run.incident, run.done.wave)
    if wave.stopped_at is None:
        wave.stopped_at, wave.stopped_why = run.desk.now(), f"its cap of {wave.cap} hand-offs is reached"
        session.add(wave)
        run.desk.log(session, run.incident.id, "wave_stopped", wave.id, cap=wave.cap)


def _given_back(run: Run, claim: Claim) -> Change:
    return Change(
        delivery=claim.delivery,
        fence=claim.fence,
        from_states=frozenset({DeliveryState.CLAIMED}),
        to_state=DeliveryState.READY,
        kind="delivery.released",
        at=run.desk.now(),
    )


def shares(session: Session, wave_id: str, *, pilot: bool = False) -> tuple[int, int]:
    """Deliveries handed off in channels that answer at once, and how many of them were undeliverable."""
    d = DELIVERY.c
    query = columns(d.state, func.count()).where(
        d.wave_id == wave_id, d.handed_at.is_not(None), d.channel == Channel.EMAIL
    )
    rows = session.connection().execute((query.where(d.pilot.is_(True)) if pilot else query).group_by(d.state))
    found: dict[DeliveryState, int] = {state: count for state, count in rows}
    return sum(found.values()), found.get(DeliveryState.UNDELIVERABLE, 0)


def stop(run: Run) -> bool:
    """Stops the wave past its bounce threshold. A person decides how it goes on."""
    with run.desk.db.write() as session:
        wave = find_wave(session, run.incident, run.done.wave)
        if wave.stopped_at is not None:
            return True
        handed, bad, complaints = _since_resumed(session, run.incident.id, wave.id)
        why = _too_many(handed, bad, wave.bounce_limit, "were undeliverable")
        why = why or _too_many(handed, complaints, run.desk.profile.wave.complaint_limit, "were complained about")
        if not why:
            return False
        wave.stopped_at, wave.stopped_why = run.desk.now(), why
        session.add(wave)
        counted = {"handed": handed, "undeliverable": bad, "complaints": complaints}
        run.desk.log(session, run.incident.id, "wave_stopped", wave.id, **counted)
    return True


def _too_many(handed: int, bad: int, limit: float, what: str) -> str:
    return f"{bad} of {handed} emails {what}, more than {limit:.1%}" if too_many(handed, bad, limit, ENOUGH) else ""


def complaints_of(session: Session, wave_id: str) -> int:
    """Deliveries of the wave about which somebody complained."""
    d, r = DELIVERY.c, RECEIPT.c
    joined = columns(func.count(func.distinct(r.delivery_id))).join_from(RECEIPT, DELIVERY, r.delivery_id == d.id)
    mine = joined.where(r.evidence == Evidence.COMPLAINT, d.wave_id == wave_id)
    return int(session.connection().execute(mine).scalar_one())


def _since_resumed(session: Session, incident_id: str, wave_id: str) -> tuple[int, int, int]:
    """The counts without what a person had seen when they let the wave go on; or it would stop at once again."""
    handed, bad = shares(session, wave_id)
    complaints = complaints_of(session, wave_id)
    e = EVENT.c
    last = columns(e.body).where(e.incident_id == incident_id, e.kind == RESUMED, e.subject == wave_id)
    seen = [json.loads(body) for body in session.connection().execute(last).scalars()]
    known = {name: max((s.get(name, 0) for s in seen), default=0) for name in ("handed", "undeliverable", "complaints")}
    return handed - known["handed"], bad - known["undeliverable"], complaints - known["complaints"]
