"""Deliver: launch a wave whose approvals stand, then hand off what is still to do. Run it again at any time.

What is to do is always read from the rows, never from a memory of where we were. `handing_off` is committed before a
carrier gets the first byte, in groups no larger than the carrier's lanes, so a crash leaves at most so many in doubt.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Table, func
from sqlalchemy import select as columns
from sqlmodel import Session, select

from flows.steps import posting
from flows.steps.carriers import AnyCarrier, open_carrier
from flows.steps.desk import Desk, Progress, find_incident, quiet
from flows.steps.launching import find_wave, launch
from flows.steps.obligations import update_met
from models import outbox
from models.outbox import Change, Claim
from models.tables import Incident, Wave, metadata
from models.values import OPEN_STATES, BadInput, Channel, DeliveryState, Message, Refused
from notifiers.contract import CHANNELS, ChannelSpec, Kind

DELIVERY: Table = metadata.tables["delivery"]
EVENT: Table = metadata.tables["event"]
RESUMED = "wave_resumed"
ORDER = (
    Channel.EMAIL,
    Channel.SMS,
    Channel.LETTER,
    Channel.CALL_LIST,
)  # cheap and quick first; a refusal opens a later one
CLAIM = 200  # deliveries of one claim in a channel that sends one by one


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


Opener = Callable[[Desk, Incident, Channel], AnyCarrier]


def deliver(
    desk: Desk,
    slug: str,
    number: int,
    author: str,
    progress: Progress = quiet,
    *,
    lease_seconds: float = 120,
    opener: Opener = open_carrier,
) -> Delivered:
    """Launches if needed, sends what is due, records every outcome. NeedsPerson or Refused say why it may not start."""
    done = Delivered(slug, number)
    with desk.db.write() as session:
        incident = find_incident(session, slug)
        wave = find_wave(session, incident, number)
        session.refresh(wave, with_for_update=True)  # of two who launch in the same second, one does
        done.warnings = launch(desk, session, incident, wave, author)
        carriers = _carriers(desk, incident, wave, opener)  # a missing setting undoes the launch with it
        outbox.expire(session, incident.id, desk.lane, desk.clock.lease(), desk.now())
        run = _Run(
            desk,
            incident,
            wave.id,
            posting.open_book(desk, session, incident, wave.id),
            progress,
            lease_seconds,
            done,
            tight=most_deliveries(json.loads(wave.plan)["ladders"]) > wave.cap,
        )
        session.expunge_all()
    _refuse_window(desk, wave)
    asyncio.run(_waves(run, carriers))
    with desk.db.write() as session:
        done.met = update_met(desk, session, find_incident(session, slug))
        done.open, done.waiting = _open(desk, session, run.wave)
        done.stopped = find_wave(session, incident, number).stopped_why
    return done


def _carriers(desk: Desk, incident: Incident, wave: Wave, opener: Opener) -> dict[Channel, AnyCarrier]:
    """A carrier for every channel of the plan, before anything leaves: a missing setting is told now, not half-way."""
    shapes = json.loads(wave.plan or "{}").get("ladders", {})
    planned = {word for shape in shapes for rung in shape.split(">") for word in rung.split("+")}
    return {channel: opener(desk, incident, channel) for channel in ORDER if channel.value in planned}


def _refuse_window(desk: Desk, wave: Wave) -> None:
    if not wave.window_from <= desk.now() < wave.window_until:
        raise Refused(f"wave {wave.number}: its window closed at {wave.window_until.isoformat()}; prepare a follow-up")


def _open(desk: Desk, session: Session, wave_id: str) -> tuple[int, int]:
    d = DELIVERY.c
    open_ = columns(func.count()).where(d.wave_id == wave_id, d.state.in_([s.value for s in OPEN_STATES]))
    later = open_.where(d.not_before > desk.now())
    one = session.connection()
    return int(one.execute(open_).scalar_one()), int(one.execute(later).scalar_one())


# --- one run --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Run:
    desk: Desk
    incident: Incident
    wave: str
    book: posting.Book
    progress: Progress
    lease_seconds: float
    done: Delivered
    tight: bool  # whether the ladders could come to more hand-offs than the cap


async def _waves(run: _Run, carriers: Mapping[Channel, AnyCarrier]) -> None:
    """The pilot first, in every channel; the rest when it passed. Fallbacks join while they are due."""
    try:
        for pilot in (True, False):
            if pilot and _pilot_passed(run):
                continue
            while await _round(run, carriers, pilot):
                pass
            if pilot and not _close_pilot(run):
                return
    finally:
        for carrier in carriers.values():
            await carrier.close()


async def _round(run: _Run, carriers: Mapping[Channel, AnyCarrier], pilot: bool) -> int:
    """Everything that is due now, all channels at once. Refusals may open further rungs, so the caller asks again.

    A fault in one channel is raised when the others have done their part: to cut them off would leave what they hand
    off in doubt.
    """
    ends = await asyncio.gather(*(_channel(run, c, pilot) for c in carriers.values()), return_exceptions=True)
    for end in ends:
        if isinstance(end, BaseException):
            raise end
    return 0 if _stop(run) else sum(end for end in ends if isinstance(end, int))


async def _channel(run: _Run, carrier: AnyCarrier, pilot: bool) -> int:
    spec = CHANNELS[carrier.channel]
    size = spec.batch_size if spec.kind is Kind.BATCH else CLAIM
    sent = 0
    while claims := _claim(run, carrier.channel, size, pilot):
        sent += await _batch(run, carrier, spec, claims)
        if _stop(run):
            break
    return sent


def _claim(run: _Run, channel: Channel, size: int, pilot: bool) -> list[Claim]:
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


async def _batch(run: _Run, carrier: AnyCarrier, spec: ChannelSpec, claims: Sequence[Claim]) -> int:
    """Checks the claims, then sends them in groups. Returns how many were handed to the carrier."""
    desk = run.desk
    with desk.db.write() as session:
        checked = posting.check(desk, session, run.book, claims, carrier.channel)
        if checked.stopped:
            outbox.apply(session, run.incident.id, desk.lane, checked.stopped, desk.now())
            posting.draft_again(session, claims, checked.stopped, desk.now())
            run.done.outcomes["suppressed"] += len(checked.stopped)
    group = len(checked.claims) if spec.kind is Kind.BATCH else spec.lanes
    for start in range(0, len(checked.claims), max(group, 1)):
        end = start + group
        await _group(run, carrier, checked.claims[start:end], checked.messages[start:end])
        run.progress(carrier.channel, sum(run.done.outcomes.values()), 0)
    return len(checked.claims)


async def _group(run: _Run, carrier: AnyCarrier, claims: Sequence[Claim], messages: Sequence[Message]) -> None:
    """Commit that we are handing off, hand off, commit what came of it."""
    desk = run.desk
    with desk.db.write() as session:
        room = _room(run, session, claims)
        ours = outbox.hand_off(session, claims[:room], desk.now(), lane=desk.lane)
        outbox.renew(session, claims[:room], desk.clock.lease(), run.lease_seconds)
        back = [_given_back(run, c) for c in claims if c.delivery not in ours]  # held, past the cap, or ours no more
        outbox.apply(session, run.incident.id, desk.lane, back, desk.now())
        if room < len(claims):
            _stop_at_cap(run, session)
    mine = [(c, m) for c, m in zip(claims, messages, strict=True) if c.delivery in ours]
    if not mine:
        return
    handoffs = await posting.send(
        carrier, [m for _, m in mine], run.book, f"{run.incident.slug}-{mine[0][0].delivery[:8]}"
    )
    with desk.db.write() as session:
        outcomes = posting.record(desk, session, run.incident, [c for c, _ in mine], handoffs)
        if CHANNELS[carrier.channel].kind is Kind.BATCH:
            posting.batch_row(desk, session, run.incident, run.wave, handoffs)
    run.done.outcomes.update(f"{carrier.channel}_{outcome}" for outcome in outcomes.values())


# --- stopping by itself ---------------------------------------------------------------------------------------------


def most_deliveries(ladders: Mapping[str, int]) -> int:
    """How many deliveries the plan's ladders come to when every rung is tried. Keys as planning.release writes them."""
    return sum(people * len(shape.replace("+", ">").split(">")) for shape, people in ladders.items() if shape != "none")


def _room(run: _Run, session: Session, claims: Sequence[Claim]) -> int:
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


def _stop_at_cap(run: _Run, session: Session) -> None:
    """The wave has handed off all that was signed for: what is left waits for a person."""
    wave = find_wave(session, run.incident, run.done.wave)
    if wave.stopped_at is None:
        wave.stopped_at, wave.stopped_why = run.desk.now(), f"its cap of {wave.cap} hand-offs is reached"
        session.add(wave)
        run.desk.log(session, run.incident.id, "wave_stopped", wave.id, cap=wave.cap)


def _given_back(run: _Run, claim: Claim) -> Change:
    return Change(
        delivery=claim.delivery,
        fence=claim.fence,
        from_states=frozenset({DeliveryState.CLAIMED}),
        to_state=DeliveryState.READY,
        kind="delivery.released",
        at=run.desk.now(),
    )


def _shares(session: Session, wave_id: str, *, pilot: bool = False) -> tuple[int, int]:
    """Deliveries handed off in channels that answer at once, and how many of them were undeliverable."""
    d = DELIVERY.c
    query = columns(d.state, func.count()).where(
        d.wave_id == wave_id, d.handed_at.is_not(None), d.channel == Channel.EMAIL
    )
    rows = session.connection().execute((query.where(d.pilot.is_(True)) if pilot else query).group_by(d.state))
    found: dict[DeliveryState, int] = {state: count for state, count in rows}
    return sum(found.values()), found.get(DeliveryState.UNDELIVERABLE, 0)


ENOUGH = 20  # hand-offs below which a share says nothing


def _stop(run: _Run) -> bool:
    """Stops the wave past its bounce threshold. A person decides how it goes on."""
    with run.desk.db.write() as session:
        wave = find_wave(session, run.incident, run.done.wave)
        if wave.stopped_at is not None:
            return True
        handed, bad = _since_resumed(session, run.incident.id, wave.id)
        if handed < ENOUGH or bad / handed <= wave.bounce_limit:
            return False
        wave.stopped_at = run.desk.now()
        wave.stopped_why = f"{bad} of {handed} emails were undeliverable, more than {wave.bounce_limit:.0%}"
        session.add(wave)
        run.desk.log(session, run.incident.id, "wave_stopped", wave.id, handed=handed, undeliverable=bad)
    return True


def _since_resumed(session: Session, incident_id: str, wave_id: str) -> tuple[int, int]:
    """The shares without what a person had seen when they let the wave go on; or it would stop at once again."""
    handed, bad = _shares(session, wave_id)
    e = EVENT.c
    last = columns(e.body).where(e.incident_id == incident_id, e.kind == RESUMED, e.subject == wave_id)
    seen = [json.loads(body) for body in session.connection().execute(last).scalars()]
    return handed - max((s.get("handed", 0) for s in seen), default=0), bad - max(
        (s.get("undeliverable", 0) for s in seen), default=0
    )


def _pilot_passed(run: _Run) -> bool:
    with run.desk.db.read() as session:
        return find_wave(session, run.incident, run.done.wave).pilot_passed_at is not None


def _close_pilot(run: _Run) -> bool:
    """Marks the pilot as passed when nothing of it is left to send and its share of bounces is within the limit."""
    d = DELIVERY.c
    with run.desk.db.write() as session:
        wave = find_wave(session, run.incident, run.done.wave)
        if wave.stopped_at is not None:
            return False
        busy = columns(func.count()).where(
            d.wave_id == wave.id,
            d.pilot.is_(True),
            d.state.in_([DeliveryState.CLAIMED.value, DeliveryState.HANDING_OFF.value]),
        )
        if session.connection().execute(busy).scalar_one():
            return False
        handed, bad = _shares(session, wave.id, pilot=True)
        wave.pilot_passed_at = run.desk.now()
        session.add(wave)
        run.desk.log(session, run.incident.id, "pilot_passed", wave.id, handed=handed, undeliverable=bad)
    return True


def resume(desk: Desk, slug: str, number: int, person: str, reason: str) -> None:
    """A person lets a stopped wave go on."""
    if not reason.strip():
        raise BadInput("--resume", "needs a reason.", "Say what was found and mended.")
    with desk.db.write() as session:
        incident = find_incident(session, slug)
        wave = find_wave(session, incident, number)
        if wave.stopped_at is None or wave.launched_at is None:
            raise Refused(f"wave {number} is not stopped")
        wave.stopped_at, wave.stopped_why = None, ""
        session.add(wave)
        handed, bad = _shares(session, wave.id)
        desk.log(session, incident.id, RESUMED, wave.id, by=person, reason=reason, handed=handed, undeliverable=bad)
