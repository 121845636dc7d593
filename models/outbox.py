"""The outbox: deliveries on their way out. Claim, hand off, record; nobody lost, nobody claimed twice.

A claim raises the row's fence; whoever writes with an older one changes nothing. `handing_off` is committed before the
last byte leaves, so that a crash after it shows as `unknown` once the lease is over. Holds are read at claim and again
at hand-off. Each change of state and its ledger event are one transaction. Which change follows which outcome is
decided by planning.fold; this module only refuses what does not fit the row.

Civil time (`now`) says when something may go and when it went; lease time (`lease_now`, real) says whose row it is.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, bindparam, exists, or_, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from models.bulk import bulk_insert, parts
from models.chain import Entry, instant
from models.deliveries import Change, Claim, NewDelivery
from models.ledger import append
from models.limits import PACED
from models.session import SENDING_LOCKED, Database
from models.sums import PeopleCounts, counts, people_counts
from models.tables import metadata, new_id
from models.values import Channel, DeliveryState, HoldScope, RecipientKind, Refused, canonical

__all__ = [
    "Change",
    "Claim",
    "NewDelivery",
    "PeopleCounts",
    "apply",
    "bulk_insert",
    "claim",
    "counts",
    "event_body",
    "expire",
    "hand_off",
    "make_ready",
    "open_rung",
    "people_counts",
    "renew",
    "uncount",
    "without_people",
]

DELIVERY: Table = metadata.tables["delivery"]
NOTICE: Table = metadata.tables["notice"]
SEGMENT: Table = metadata.tables["segment"]
SUBJECT: Table = metadata.tables["subject"]
WAVE: Table = metadata.tables["wave"]
HOLD: Table = metadata.tables["hold"]
SETTING: Table = metadata.tables["setting"]

_AT_A_TIME = 5_000  # identifiers in one statement
_INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


# --- claiming -------------------------------------------------------------------------------------------------------


def claim(
    db: Database,
    *,
    wave_id: str,
    channel: Channel,
    worker: str,
    limit: int,
    now: datetime,
    lease_now: datetime,
    lease_seconds: float = 120,
    pilot_only: bool = False,
) -> list[Claim]:
    """Takes up to `limit` deliveries that are ready, due and under no hold; no two callers get the same one.

    Empty when nothing is ready, the wave is stopped or a hold covers it. Refused while sending is locked.
    """
    with db.write() as session:
        _refuse_when_locked(session)
        if _stopped(session, wave_id, channel, now):
            return []
        due = or_(DELIVERY.c.not_before.is_(None), DELIVERY.c.not_before <= now)
        pilot = [DELIVERY.c.pilot.is_(True)] if pilot_only else []
        picked = (
            select(DELIVERY.c.id)
            .where(DELIVERY.c.wave_id == wave_id, DELIVERY.c.channel == channel)
            .where(text("state = 'ready'"), due, ~_held(now), *pilot)  # spelt as in the index
            .order_by(DELIVERY.c.urgency, DELIVERY.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True, of=DELIVERY)
            .cte("picked")
        )
        taken = (
            DELIVERY.update()
            .where(DELIVERY.c.id.in_(select(picked.c.id)))
            .values(
                state=DeliveryState.CLAIMED,
                fence=DELIVERY.c.fence + 1,
                attempts=DELIVERY.c.attempts + 1,
                worker=worker,
                lease_until=lease_now + timedelta(seconds=lease_seconds),
                updated_at=now,
            )
            .returning(DELIVERY.c.id)
        )
        ids = list(session.connection().execute(taken).scalars())
        return _claims(session, ids, channel)


# In the order of Claim's fields but the channel, which is known. Prepared once: it runs for every claim of a wave.
_JOINED = """
SELECT d.id, d.notice_id, d.subject_id, d.segment_id, d.wave_id, d.incident_id, s.wording_id, d.rung, d.attempts,
       d.fence, n.sealed, n.leaf, n.reference, n.segment_key, n.ladder, w.withdrawn, w.protected, w.changed_at,
       d.possible_duplicate, d.code
  FROM delivery d JOIN notice n ON n.id = d.notice_id JOIN segment s ON s.id = d.segment_id
  JOIN subject w ON w.id = d.subject_id
 WHERE d.id IN (SELECT value FROM {ids}) ORDER BY d.id
"""
_LISTED = {"sqlite": "json_each(?)", "postgresql": "json_array_elements_text(%s::json) AS ids(value)"}


def _claims(session: Session, ids: Sequence[str], channel: Channel) -> list[Claim]:
    connection = session.connection()
    joined = _JOINED.format(ids=_LISTED[connection.dialect.name])
    rows = connection.exec_driver_sql(joined, (canonical(list(ids)),))
    return [_claim(row, channel) for row in rows]


def _claim(row: Any, channel: Channel) -> Claim:
    withdrawn, protected, changed, duplicate, code = row[15:]
    at = None if changed is None else instant(changed)
    values = [*row[:7], channel, *row[7:15], bool(withdrawn), bool(protected), at, bool(duplicate), code == PACED]
    return Claim(*values)


def _by_id(session: Session, statement: Select[Any], ids: Sequence[str]) -> Iterator[Any]:
    """Rows of deliveries by id, in order of id."""
    for part in parts(sorted(ids), _AT_A_TIME):
        yield from session.connection().execute(statement.where(DELIVERY.c.id.in_(part)).order_by(DELIVERY.c.id))


def _refuse_when_locked(session: Session) -> None:
    why = session.connection().execute(select(SETTING.c.value).where(SETTING.c.name == SENDING_LOCKED)).scalar()
    if why is not None:
        raise Refused(f"Sending is locked: {why}. A person must re-arm this database before anything leaves.")


def _active(now: datetime) -> ColumnElement[bool]:
    return and_(HOLD.c.released_at.is_(None), or_(HOLD.c.until.is_(None), HOLD.c.until > now))


def _held(now: datetime) -> ColumnElement[bool]:
    """Whether any hold covers the delivery of the surrounding statement."""
    covers = or_(
        HOLD.c.scope == HoldScope.INCIDENT,
        and_(HOLD.c.scope == HoldScope.WAVE, HOLD.c.target == DELIVERY.c.wave_id),
        and_(HOLD.c.scope == HoldScope.CHANNEL, HOLD.c.target == DELIVERY.c.channel),
        and_(HOLD.c.scope == HoldScope.RECIPIENT_KIND, HOLD.c.target == RecipientKind.NOTICES.value),
        and_(HOLD.c.scope == HoldScope.PERSON, HOLD.c.target == DELIVERY.c.subject_id),
    )
    return exists().where(HOLD.c.incident_id == DELIVERY.c.incident_id, _active(now), covers).correlate(DELIVERY)


def _stopped(session: Session, wave_id: str, channel: Channel, now: datetime) -> bool:
    """Whether the wave as a whole may not send in this channel: spares looking at each of its rows."""
    blanket = or_(
        HOLD.c.scope == HoldScope.INCIDENT,
        and_(HOLD.c.scope == HoldScope.WAVE, HOLD.c.target == wave_id),
        and_(HOLD.c.scope == HoldScope.CHANNEL, HOLD.c.target == channel.value),
        and_(HOLD.c.scope == HoldScope.RECIPIENT_KIND, HOLD.c.target == RecipientKind.NOTICES.value),
    )
    held = exists().where(HOLD.c.incident_id == WAVE.c.incident_id, _active(now), blanket).correlate(WAVE)
    stops = select(WAVE.c.id).where(WAVE.c.id == wave_id, or_(held, WAVE.c.stopped_at.is_not(None)))
    return session.connection().execute(stops).first() is not None


def renew(session: Session, claims: Sequence[Claim], lease_now: datetime, lease_seconds: float = 120) -> set[str]:
    """Prolongs the leases that are still ours, for a worker that waits on a slow carrier. Returns their deliveries."""
    held = text("state IN ('claimed', 'handing_off')")
    return _fenced(session, claims, [held], lease_until=lease_now + timedelta(seconds=lease_seconds))


def uncount(session: Session, deliveries: Sequence[str]) -> None:
    """A claim that only found that it has to wait is no attempt."""
    for ids in parts(sorted(deliveries), _AT_A_TIME):
        update = DELIVERY.update().where(DELIVERY.c.id.in_(ids), DELIVERY.c.attempts > 0)
        session.connection().execute(update.values(attempts=DELIVERY.c.attempts - 1))


def hand_off(
    session: Session,
    claims: Sequence[Claim],
    now: datetime,
    *,
    lane: str | None = None,
    lease: tuple[datetime, float] | None = None,
) -> set[str]:
    """Commits us to sending: claimed becomes handing_off where the fence is still ours and no hold has come since.

    Returns the deliveries that may leave, once the session has committed. The others stay claimed and go back to ready
    with their lease. With `lane`, each is written to the ledger as well; with `lease` (lease time, seconds), theirs
    begins anew. Refused while sending is locked.
    """
    _refuse_when_locked(session)
    stopped = select(WAVE.c.id).where(WAVE.c.stopped_at.is_not(None))
    free = [text("state = 'claimed'"), ~_held(now), DELIVERY.c.wave_id.not_in(stopped)]
    values: dict[str, Any] = {"state": DeliveryState.HANDING_OFF, "handed_at": now, "updated_at": now}
    if lease is not None:
        values["lease_until"] = lease[0] + timedelta(seconds=lease[1])
    ours = _fenced(session, claims, free, **values)
    if lane is not None:
        for incident, part in _grouped((c for c in claims if c.delivery in ours), lambda c: c.incident).items():
            entries = [
                Entry("delivery.handing_off", c.delivery, {"attempt": c.attempt, "fence": c.fence}) for c in part
            ]
            append(session, incident, lane, entries, now)
    return ours


def _fenced(session: Session, claims: Sequence[Claim], conditions: Sequence[Any], **values: Any) -> set[str]:
    """One update for all claims of one fence; nearly always all have the same."""
    done: set[str] = set()
    for fence, part in _grouped(claims, lambda c: c.fence).items():
        for ids in parts(sorted(c.delivery for c in part), _AT_A_TIME):
            update = DELIVERY.update().where(DELIVERY.c.id.in_(ids), DELIVERY.c.fence == fence, *conditions)
            done.update(session.connection().execute(update.values(**values).returning(DELIVERY.c.id)).scalars())
    return done


# --- recording ------------------------------------------------------------------------------------------------------


def apply(session: Session, incident_id: str, lane: str, changes: Sequence[Change], now: datetime) -> set[str]:
    """Records changes and one ledger event each, in the session's transaction. Returns the deliveries that changed.

    A change whose fence is stale, or whose delivery is in none of `from_states`, does nothing and is not returned: the
    row has moved on, and what it says now holds.
    """
    known = _lock(session, incident_id, {c.delivery for c in changes})
    updates: list[dict[str, Any]] = []
    entries: list[Entry] = []
    for change in changes:
        row = known.get(change.delivery)
        if row is None or not _fits(change, row):
            continue
        updates.append(_update_of(change, row, now))
        entries.append(_entry_of(change, row))
        known[change.delivery] = _after(change, row)
    if updates:
        session.connection().execute(_UPDATE, updates)
        append(session, incident_id, lane, entries, now)
    return {entry.subject for entry in entries}


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a change needs to know of the row it changes."""

    id: str
    state: DeliveryState
    fence: int
    carrier_ref: str
    possible_duplicate: bool
    accepted_at: datetime | None


def _lock(session: Session, incident_id: str, ids: set[str]) -> dict[str, _Seen]:
    session.flush()
    d = DELIVERY.c
    columns = select(d.id, d.state, d.fence, d.carrier_ref, d.possible_duplicate, d.accepted_at)
    locked = columns.where(d.incident_id == incident_id).with_for_update()
    return {row.id: _Seen(*row) for row in _by_id(session, locked, list(ids))}


def _fits(change: Change, row: _Seen) -> bool:
    return row.state in change.from_states and change.fence in {None, row.fence}


_BY_WORKERS_ONLY = frozenset({DeliveryState.CLAIMED, DeliveryState.HANDING_OFF})

_UPDATE = (
    DELIVERY.update()
    .where(DELIVERY.c.id == bindparam("_id"))
    .values(
        state=bindparam("_state", type_=DELIVERY.c.state.type),
        code=bindparam("_code"),
        carrier_ref=bindparam("_carrier_ref"),
        not_before=bindparam("_not_before", type_=DELIVERY.c.not_before.type),
        possible_duplicate=bindparam("_possible_duplicate"),
        suppressed_why=bindparam("_suppressed_why", type_=DELIVERY.c.suppressed_why.type),
        accepted_at=bindparam("_accepted_at", type_=DELIVERY.c.accepted_at.type),
        updated_at=bindparam("_updated_at", type_=DELIVERY.c.updated_at.type),
        lease_until=None,
        worker="",
    )
)


def _update_of(change: Change, row: _Seen, now: datetime) -> dict[str, Any]:
    if change.to_state in _BY_WORKERS_ONLY:
        raise ValueError(f"{change.to_state} is reached by claim and hand_off only")
    if (change.to_state is DeliveryState.SUPPRESSED) != (change.suppressed_why is not None):
        raise ValueError("a suppressed delivery has a reason, and no other has one")
    return {
        "_id": change.delivery,
        "_state": change.to_state,
        "_code": change.code,
        "_carrier_ref": change.reference or row.carrier_ref,
        "_not_before": change.not_before,
        "_possible_duplicate": change.possible_duplicate or row.possible_duplicate,
        "_suppressed_why": change.suppressed_why,
        "_accepted_at": _accepted_at(change, row),
        "_updated_at": now,
    }


def _accepted_at(change: Change, row: _Seen) -> datetime | None:
    return change.at if change.to_state is DeliveryState.ACCEPTED else row.accepted_at


def _after(change: Change, row: _Seen) -> _Seen:
    return replace(
        row,
        state=change.to_state,
        carrier_ref=change.reference or row.carrier_ref,
        possible_duplicate=change.possible_duplicate or row.possible_duplicate,
        accepted_at=_accepted_at(change, row),
    )


def _entry_of(change: Change, row: _Seen) -> Entry:
    return Entry(change.kind, change.delivery, event_body(change, row.state, row.fence))


def event_body(change: Change, state: DeliveryState, fence: int) -> dict[str, Any]:
    """What the ledger says of a change, made from a row in `state` with `fence`. Holds nothing about the person."""
    body: dict[str, Any] = {
        "from": state.value,
        "to": change.to_state.value,
        "fence": fence,
        "at": change.at,
        "code": change.code,
        "detail": without_people(change.detail),
        "reference": change.reference,
        "not_before": change.not_before,
        "possible_duplicate": change.possible_duplicate,
        "suppressed_why": change.suppressed_why.value if change.suppressed_why else None,
    }
    return {k: v for k, v in body.items() if v not in (None, "", False)}


_ADDRESS = re.compile(r"\S+@\S+")
_NUMBER = re.compile(r"(?P<status>(?:\b\d{3}[ -])?\b[245]\.\d{1,3}\.\d{1,3}\b)|\+?\d(?:[ ()./-]{0,2}\d){6,}")


def without_people(answer: str) -> str:
    """A carrier's answer for the ledger, which is kept after erasure: no address, no number, at most 200 characters."""
    return _NUMBER.sub(lambda m: m["status"] or "<number>", _ADDRESS.sub("<address>", answer[:1_000]))[:200]


def expire(
    session: Session, incident_id: str, lane: str, lease_now: datetime, now: datetime
) -> tuple[list[str], list[str]]:
    """What workers left behind when their lease ended: (claimed, now ready again; handing off, now unknown)."""
    d = DELIVERY.c
    over = (
        select(d.id, d.state, d.fence)
        .where(d.incident_id == incident_id, text("state IN ('claimed', 'handing_off')"), d.lease_until < lease_now)
        .order_by(d.id)
        .with_for_update(skip_locked=True)
    )
    found = session.connection().execute(over).all()
    changes = [_expired(row.id, row.state, row.fence, now) for row in found]
    done = apply(session, incident_id, lane, changes, now)
    ready = [c.delivery for c in changes if c.delivery in done and c.to_state is DeliveryState.READY]
    unknown = [c.delivery for c in changes if c.delivery in done and c.to_state is DeliveryState.UNKNOWN]
    return ready, unknown


def _expired(delivery: str, state: DeliveryState, fence: int, now: datetime) -> Change:
    nothing_left = state is DeliveryState.CLAIMED
    return Change(
        delivery=delivery,
        fence=fence,
        from_states=frozenset({state}),
        to_state=DeliveryState.READY if nothing_left else DeliveryState.UNKNOWN,
        kind="delivery.released" if nothing_left else "delivery.unknown",
        at=now,
        code="lease over",
    )


# --- opening --------------------------------------------------------------------------------------------------------


def open_rung(session: Session, rungs: Iterable[NewDelivery], now: datetime) -> list[str]:
    """Adds deliveries; one that its notice, channel and rung have already is left as it is. Returns the new ids."""
    session.flush()
    connection = session.connection()
    insert = _INSERT[connection.dialect.name](DELIVERY).on_conflict_do_nothing()
    new: list[str] = []
    for part in parts(rungs, _AT_A_TIME):
        # In the order of their ids, in which they are claimed: those of one claim then share pages.
        rows = sorted((_opening(r, now) for r in part), key=lambda row: str(row["id"]))
        connection.execute(insert, rows)
        new += [row.id for row in _by_id(session, select(DELIVERY.c.id), [r["id"] for r in rows])]  # ids are new
    return new


def _opening(rung: NewDelivery, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "incident_id": rung.incident,
        "wave_id": rung.wave,
        "notice_id": rung.notice,
        "subject_id": rung.subject,
        "segment_id": rung.segment,
        "channel": rung.channel,
        "rung": rung.rung,
        "state": rung.state,
        "pilot": rung.pilot,
        "urgency": rung.urgency,
        "not_before": rung.not_before,
        "suppressed_why": rung.suppressed_why,
        "updated_at": now,
    }


def make_ready(
    session: Session, incident_id: str, lane: str, wave_id: str, now: datetime, *, pilot_only: bool = False
) -> int:
    """Launch: the wave's planned deliveries (or its pilot) may be claimed from now on. One event for all of them.

    Returns how many became ready.
    """
    session.flush()
    pilot = [DELIVERY.c.pilot.is_(True)] if pilot_only else []
    planned = [DELIVERY.c.wave_id == wave_id, DELIVERY.c.state == DeliveryState.PLANNED, *pilot]
    update = DELIVERY.update().where(*planned).values(state=DeliveryState.READY, updated_at=now)
    count = session.connection().execute(update).rowcount
    if count:
        append(
            session, incident_id, lane, [Entry("wave.ready", wave_id, {"deliveries": count, "pilot": pilot_only})], now
        )
    return count


def _grouped(items: Iterable[Claim], key: Callable[[Claim], Any]) -> dict[Any, list[Claim]]:
    groups: dict[Any, list[Claim]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return groups
