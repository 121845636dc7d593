"""Manners at scale: who waits for a domain's limit or for a later day, the ramp after the pilot, the wait for a relay.

Decisions are planning.pace's and models.limits'; here they meet the rows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func
from sqlalchemy import select as columns
from sqlmodel import Session

from flows.steps.desk import Desk
from flows.steps.launching import find_wave
from flows.steps.posting import Checked
from flows.steps.run import DELIVERY, EVENT, Run
from models import limits, outbox
from models.limits import PACED, Limit
from models.outbox import Change, Claim
from models.values import BadInput, Channel, DeliveryState, Mode
from planning.pace import Ramp, WarmUp

LINGER = 90.0  # seconds that a run waits for something to become due, rather than end
REACHED, PASSED = "ramp_reached", "ramp_passed"


# --- domains and days -----------------------------------------------------------------------------------------------


def sift(run: Run, checked: Checked) -> Checked:
    """Those who may go now. The others are ready again at an instant that is kept for them."""
    profile = run.desk.profile
    own = tuple(Limit(x.name, x.domains, x.per_minute, x.burst) for x in profile.limits)
    warm_up = WarmUp(profile.warm_up.start, profile.warm_up.growth, profile.warm_up.most)
    if not own and warm_up.allowance(0) is None:
        return checked
    with run.desk.db.write() as session:
        waits = _waits(run, session, checked, own, warm_up)
        _put_off(run, session, [(c, waits[c.delivery]) for c in checked.claims if c.delivery in waits])
    going = [(m, c) for m, c in zip(checked.messages, checked.claims, strict=True) if c.delivery not in waits]
    return replace(checked, messages=[m for m, _ in going], claims=[c for _, c in going])


def _waits(
    run: Run, session: Session, checked: Checked, own: Sequence[Limit], warm_up: WarmUp
) -> Mapping[str, datetime]:
    """Delivery -> when it may go, for those who may not go now. Who has waited once goes."""
    fresh = [(m, c) for m, c in zip(checked.messages, checked.claims, strict=True) if not c.paced]
    now, waits = run.desk.now(), dict[str, datetime]()
    for limit in own:
        mine = [c for m, c in fresh if limits.find(own, m.to.email) is limit]
        seconds = limits.take(session, limit, len(mine), run.desk.clock.lease()) if mine else []
        waits |= {c.delivery: now + timedelta(seconds=s) for c, s in zip(mine, seconds, strict=True) if s > 0}
    if warm_up.allowance(0) is None:
        return waits
    zone = ZoneInfo(run.desk.profile.organisation.timezone)
    today, first = now.astimezone(zone).date(), _first_day(run.desk, session, zone)
    days = limits.seats(
        session, "warm_up", lambda day: warm_up.allowance((day - first).days), len(fresh), today, run.desk.clock.lease()
    )
    for (_, c), day in zip(fresh, days, strict=True):
        if day > today:
            waits[c.delivery] = max(datetime.combine(day, time(), zone).astimezone(UTC), waits.get(c.delivery, now))
    return waits


def _first_day(desk: Desk, session: Session, zone: ZoneInfo) -> date:
    said = desk.profile.warm_up.since
    if said:
        try:
            return date.fromisoformat(said)
        except ValueError:
            raise BadInput("[warm_up] since", f"{said!r} is no date.", "Write 2026-11-24.") from None
    d = DELIVERY.c
    query = columns(func.min(d.handed_at)).where(d.channel == Channel.EMAIL, d.handed_at.is_not(None))
    first: datetime | None = session.connection().execute(query).scalar()
    return (first or desk.now()).astimezone(zone).date()


def _put_off(run: Run, session: Session, later: Sequence[tuple[Claim, datetime]]) -> None:
    """Ready again, at an instant of its own; a wait for one's turn is no attempt."""
    changes = [_later(run, c, at) for c, at in later]
    outbox.apply(session, run.incident.id, run.desk.lane, changes, run.desk.now())
    outbox.uncount(session, [c.delivery for c, _ in later])
    run.done.outcomes[PACED] += len(later)


def _later(run: Run, claim: Claim, at: datetime) -> Change:
    return Change(
        delivery=claim.delivery,
        fence=claim.fence,
        from_states=frozenset({DeliveryState.CLAIMED}),
        to_state=DeliveryState.READY,
        kind="delivery.paced",
        at=run.desk.now(),
        code=PACED,
        not_before=at,
    )


# --- the ramp -------------------------------------------------------------------------------------------------------


def begin_ramp(run: Run) -> None:
    """Says how many emails may still be claimed before the wait; run.room stays None where there is none."""
    ramp = _ramp(run.desk)
    with run.desk.db.read() as session:
        if not ramp.share or _when(session, run, PASSED):
            return
        d = DELIVERY.c
        mine = columns(func.count(), func.count(d.handed_at)).where(d.wave_id == run.wave, d.channel == Channel.EMAIL)
        people, handed = session.connection().execute(mine).one()
    run.room = ramp.room(people, handed)


def end_ramp(run: Run) -> bool:
    """After what the ramp let go has gone: True when the rest may follow. Else it follows in a later run."""
    if run.room is None:
        return True
    ramp = _ramp(run.desk)
    with run.desk.db.write() as session:
        wave = find_wave(session, run.incident, run.done.wave)
        reached = _when(session, run, REACHED)
        if reached is None:
            run.desk.log(session, run.incident.id, REACHED, wave.id, share=ramp.share)
        free = (reached or run.desk.now()) + timedelta(minutes=ramp.minutes)
        if wave.stopped_at is not None or run.desk.now() < free:
            run.done.warnings.append(f"the rest of the wave's email goes from {free.isoformat()}: send it again then")
            return False
        run.desk.log(session, run.incident.id, PASSED, wave.id)
    run.room = None
    return True


def _ramp(desk: Desk) -> Ramp:
    return Ramp(desk.profile.wave.ramp, float(desk.profile.wave.ramp_minutes))


def _when(session: Session, run: Run, kind: str) -> datetime | None:
    e = EVENT.c
    first = columns(func.min(e.at)).where(e.incident_id == run.incident.id, e.kind == kind, e.subject == run.wave)
    found: datetime | None = session.connection().execute(first).scalar()
    return found


# --- waiting --------------------------------------------------------------------------------------------------------


async def linger(run: Run) -> bool:
    """Waits for what is due soon: the relay's rest, a domain's next turn. False when nothing is, or time stands still.

    An exercise's clock stands still: there, whoever leads it moves it and sends again.
    """
    if run.desk.settings.mode is Mode.EXERCISE or run.room == 0:
        return False
    d, now = DELIVERY.c, run.desk.now()
    with run.desk.db.read() as session:
        waiting = columns(func.min(d.not_before)).where(
            d.wave_id == run.wave, d.state == DeliveryState.READY, d.not_before <= now + timedelta(seconds=LINGER)
        )
        due: datetime | None = session.connection().execute(waiting).scalar()
    wait = max((due - now).total_seconds() if due else 0.0, run.rest)
    run.rest = 0.0
    if not 0.0 < wait <= LINGER:
        return False
    await asyncio.sleep(wait)
    return True
