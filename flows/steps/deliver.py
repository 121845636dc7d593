"""Deliver: launch a wave whose approvals stand, then hand off what is still to do. Run it again at any time.

What is to do is always read from the rows, never from a memory of where we were. `handing_off` is committed before a
carrier gets the first byte, and no more are under way than the carrier has lanes, so a crash leaves at most so many in
doubt.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from functools import partial

from sqlalchemy import func
from sqlalchemy import select as columns
from sqlmodel import Session

from flows.steps import pacing, posting
from flows.steps.carriers import AnyCarrier, open_carrier
from flows.steps.desk import Desk, Progress, find_incident, quiet
from flows.steps.launching import find_wave, launch
from flows.steps.obligations import update_met
from flows.steps.run import (
    DELIVERY,
    RESUMED,
    Delivered,
    Run,
    check,
    claim,
    commit,
    complaints_of,
    most_deliveries,
    shares,
    stop,
)
from flows.steps.stream import stream
from models import outbox
from models.tables import Incident, Wave
from models.values import OPEN_STATES, BadInput, Channel, DeliveryState, Refused
from notifiers.contract import CHANNELS, BatchCarrier

ORDER = (
    Channel.PUSH,
    Channel.EMAIL,
    Channel.SMS,
    Channel.VOICE,
    Channel.LETTER,
    Channel.CALL_LIST,
)  # cheap and quick first; a refusal opens a later one


BATCH = 500  # messages that one commit clears to go, where the profile asks for batches


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
        done.warnings = [*launch(desk, session, incident, wave, author), *_said_of_commits(desk)]
        carriers = _carriers(desk, incident, wave, opener)  # a missing setting undoes the launch with it
        outbox.expire(session, incident.id, desk.lane, desk.clock.lease(), desk.now())
        run = Run(
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
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_waves(run, carriers))
    with desk.db.write() as session:
        done.met = update_met(desk, session, find_incident(session, slug))
        done.open, done.waiting = _open(desk, session, run.wave)
        done.stopped = find_wave(session, incident, number).stopped_why
    return done


def _said_of_commits(desk: Desk) -> list[str]:
    if desk.profile.wave.commit != "batch":
        return []
    return [
        f"[wave] commit is batch: a crash can leave {BATCH} messages of each channel in doubt instead of one a lane"
    ]


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's where it is installed (the extra `fast`): a third less processor time for each mail."""
    try:
        import uvloop
    except ImportError:
        return None
    made: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return made


def _carriers(desk: Desk, incident: Incident, wave: Wave, opener: Opener) -> dict[Channel, AnyCarrier]:
    """A carrier for every channel of the plan, before anything leaves: a missing setting is told now, not half-way."""
    shapes: dict[str, int] = json.loads(wave.plan or "{}").get("ladders", {})
    ways = {shape: {word for rung in shape.split(">") for word in rung.split("+")} for shape in shapes}
    planned = set().union(*ways.values())
    found: dict[Channel, AnyCarrier] = {}
    for channel in (one for one in ORDER if one.value in planned):
        try:
            found[channel] = opener(desk, incident, channel)
        except BadInput as error:
            without = sum(shapes[shape] for shape, way in ways.items() if channel.value not in way)
            raise _lacking(error, channel, without, sum(shapes.values())) from None
    return found


def _lacking(error: BadInput, channel: Channel, without: int, people: int) -> BadInput:
    """The same error, with what of the wave does not need this carrier."""
    name = channel.value.replace("_", " ")
    said = f"Nothing was sent. {without:,} of {people:,} people of this wave could be told without {name}."
    return BadInput(error.where, error.problem, f"{error.remedy} {said}".strip())


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


async def _waves(run: Run, carriers: Mapping[Channel, AnyCarrier]) -> None:
    """The pilot first, in every channel; then the ramp, then the rest. Fallbacks join while they are due."""
    try:
        merged = {channel: posting.introduce(carrier, run.book) for channel, carrier in carriers.items()}
        if not _pilot_passed(run):
            await _rounds(run, carriers, merged, pilot=True)
            if not _close_pilot(run):
                return
        pacing.begin_ramp(run)
        await _rounds(run, carriers, merged, pilot=False)
        if run.room is not None and pacing.end_ramp(run):
            await _rounds(run, carriers, merged, pilot=False)
    finally:
        for carrier in carriers.values():
            await carrier.close()


async def _rounds(
    run: Run, carriers: Mapping[Channel, AnyCarrier], merged: Mapping[Channel, bool], pilot: bool
) -> None:
    """Until nothing is due, nor will be in the next moments."""
    while await _round(run, carriers, merged, pilot) or await pacing.linger(run):
        pass


async def _round(run: Run, carriers: Mapping[Channel, AnyCarrier], merged: Mapping[Channel, bool], pilot: bool) -> int:
    """Everything that is due now, all channels at once. Refusals may open further rungs, so the caller asks again.

    A fault in one channel is raised when the others have done their part: to cut them off would leave what they hand
    off in doubt.
    """
    lines = [
        _batches(run, carrier, pilot)
        if isinstance(carrier, BatchCarrier)
        else stream(run, carrier, CHANNELS[channel].lanes, pilot, merged=merged[channel], in_doubt=_in_doubt(run))
        for channel, carrier in carriers.items()
        if not (channel is Channel.EMAIL and run.rest)  # its relay asked to be left alone
    ]
    ends = await asyncio.gather(*lines, return_exceptions=True)
    for end in ends:
        if isinstance(end, BaseException):
            raise end
    return 0 if await run.write(partial(stop, run)) else sum(end for end in ends if isinstance(end, int))


def _in_doubt(run: Run) -> int:
    """How many may be handing off at once beyond one for each lane: the organisation's choice."""
    return BATCH if run.desk.profile.wave.commit == "batch" else 0


async def _batches(run: Run, carrier: BatchCarrier, pilot: bool) -> int:
    """Sealed batches, one after the other: commit that we are handing off, hand off, commit what came of it."""
    channel, sent = carrier.channel, 0
    wordings = {digest: wording for wording, digest in run.book.wordings.values()}
    while claims := await run.write(partial(claim, run, channel, CHANNELS[channel].batch_size, pilot)):
        checked = await run.write(partial(check, run, claims, channel, merged=True))
        ours = await run.write(partial(commit, run, channel, [], checked.claims))
        mine = [(c, m) for c, m in zip(checked.claims, checked.messages, strict=True) if c.delivery in ours]
        if mine:
            name = f"{run.incident.slug}-{mine[0][0].delivery[:8]}"
            handoffs = await carrier.send_batch([m for _, m in mine], wordings, name)
            ended = [posting.landed(c, handoff) for (c, _), handoff in zip(mine, handoffs, strict=True)]
            await run.write(partial(commit, run, channel, ended, []))
        sent += len(checked.claims)
        if await run.write(partial(stop, run)):
            break
    return sent


# --- the pilot ------------------------------------------------------------------------------------------------------


def _pilot_passed(run: Run) -> bool:
    with run.desk.db.read() as session:
        return find_wave(session, run.incident, run.done.wave).pilot_passed_at is not None


def _close_pilot(run: Run) -> bool:
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
        handed, bad = shares(session, wave.id, pilot=True)
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
        handed, bad = shares(session, wave.id)
        counted = {"handed": handed, "undeliverable": bad, "complaints": complaints_of(session, wave.id)}
        desk.log(session, incident.id, RESUMED, wave.id, by=person, reason=reason, **counted)
