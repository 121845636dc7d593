"""Handing off: from claims to messages, to a carrier, to outcomes and events, and to the next rung of the ladder."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import Table, update
from sqlmodel import Session, col, select

from flows.steps.carriers import AnyCarrier
from flows.steps.desk import Desk
from flows.steps.leaves import leaf_text, message, rungs
from models import outbox
from models.outbox import Change, Claim, NewDelivery
from models.tables import (
    Delivery,
    Hold,
    Incident,
    LetterBatch,
    Notice,
    Segment,
    Subject,
    Suppression,
    WordingRow,
    metadata,
)
from models.values import (
    OPEN_STATES,
    PROVEN_ONLY,
    TOLD_STATES,
    BadInput,
    Channel,
    Contacts,
    DeliveryState,
    Handoff,
    HoldScope,
    Message,
    Outcome,
    Slot,
    SuppressionReason,
    Wording,
)
from models.vault import IncidentKey, NotOurs, WrongKey
from notifiers.contract import CHANNELS, Pouring
from planning.fold import Patience, Step, fold

SUBJECT: Table = metadata.tables["subject"]
SENT_FROM = frozenset({DeliveryState.HANDING_OFF, DeliveryState.UNKNOWN})


@dataclass(slots=True)
class Book:
    """The wordings of a wave and the incident's key, read once."""

    key: IncidentKey
    wordings: dict[str, tuple[Wording, str]] = field(default_factory=dict)  # wording id -> wording, digest


def open_book(desk: Desk, session: Session, incident: Incident, wave_id: str) -> Book:
    book = Book(desk.key(incident))
    query = select(WordingRow).join(Segment, col(Segment.wording_id) == WordingRow.id)
    query = query.where(Segment.wave_id == wave_id)
    for row in session.exec(query).all():
        book.wordings[row.id] = (wording_of(row), row.digest)
    return book


def wording_of(row: WordingRow) -> Wording:
    data = json.loads(row.body)
    return Wording(**data | {"channel": Channel(data["channel"]), "slots": tuple(Slot(s) for s in data["slots"])})


Rows = TypeVar("Rows", Subject, Notice, Delivery)


# --- what may leave -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Checked:
    messages: list[Message]
    claims: list[Claim]  # in the order of the messages
    stopped: list[Change]  # those that must not leave


def check(
    desk: Desk, session: Session, book: Book, claims: Sequence[Claim], channel: Channel, *, merged: bool = True
) -> Checked:
    """Opens each claimed notice and holds it against what was approved, the subject as it is now, and suppressions."""
    opened = [_opened(book, claim) for claim in claims]
    suppressed = _suppressed(desk, session, [contacts for _, contacts in opened])
    checked = Checked([], [], [])
    for claim, (slots, contacts) in zip(claims, opened, strict=True):
        why = _unfit(claim)
        if not _approved(book, claim, channel, slots, contacts):
            why = SuppressionReason.LEAF_MISMATCH
        for value in (contacts.email, contacts.phone) if suppressed else ():
            why = why or suppressed.get(value)
        if why:
            checked.stopped.append(_stop(desk, claim, why))
            continue
        wording, digest = book.wordings[claim.wording_id]
        checked.messages.append(message(claim, channel, wording, digest, slots, contacts, merged=merged))
        checked.claims.append(claim)
    return checked


def draft_again(session: Session, claims: Sequence[Claim], stopped: Sequence[Change], now: datetime) -> None:
    """People whose row was not what had been approved wait for a new draft, as those who changed do."""
    wrong = {c.delivery for c in stopped if c.suppressed_why is SuppressionReason.LEAF_MISMATCH}
    subjects = {c.subject for c in claims if c.delivery in wrong}
    if subjects:
        session.connection().execute(update(SUBJECT).where(SUBJECT.c.id.in_(subjects)).values(changed_at=now))


def _by_id(session: Session, table: type[Rows], ids: Iterable[str]) -> dict[str, Rows]:
    rows = session.exec(select(table).where(col(table.id).in_(list(set(ids))))).all()
    return {row.id: row for row in rows}


def _opened(book: Book, claim: Claim) -> tuple[dict[str, str], Contacts]:
    """Slots and contacts; nothing of a value that does not open, which then is not what was approved."""
    try:
        return book.key.open_notice(claim.notice, claim.sealed or b"")
    except (NotOurs, WrongKey):
        return {}, Contacts()


def _approved(book: Book, claim: Claim, channel: Channel, slots: Mapping[str, str], contacts: Contacts) -> bool:
    """Whether the row is what was signed: the person's leaf, this rung of the ladder, and the words of its segment."""
    text = leaf_text(claim.notice, claim.subject, claim.segment_key, claim.ladder, slots, contacts)
    if book.key.leaf(text) != claim.leaf:
        return False
    ladder = rungs(claim.ladder)
    known = book.wordings.get(claim.wording_id)
    fits = claim.rung < len(ladder) and channel in ladder[claim.rung]
    return fits and known is not None and known[0].segment == claim.segment_key and known[0].channel is channel


def _unfit(claim: Claim) -> SuppressionReason | None:
    """Why a person gets nothing any more of what was drafted."""
    if claim.withdrawn:
        return SuppressionReason.WITHDRAWN
    if claim.protected:
        return SuppressionReason.PROTECTED
    if claim.changed_at is not None:  # since the draft; also for a rung that opens late, to an address of then
        return SuppressionReason.CHANGED
    return None


def _suppressed(desk: Desk, session: Session, contacts: Iterable[Contacts]) -> dict[str, SuppressionReason]:
    """Contact -> why it must not be used, for those on the lasting list, in whichever case it was written down."""
    if session.exec(select(Suppression.id).limit(1)).first() is None:
        return {}
    values = {v for c in contacts for v in (c.email, c.phone) if v}
    index = {desk.vault.suppression_index(form): v for v in values for form in (v, v.lower())}
    rows = session.exec(select(Suppression).where(col(Suppression.contact_index).in_(list(index)))).all()
    now = desk.now()
    return {index[r.contact_index]: r.reason for r in rows if r.until is None or r.until > now}


def _stop(desk: Desk, claim: Claim, why: SuppressionReason) -> Change:
    return Change(
        delivery=claim.delivery,
        fence=claim.fence,
        from_states=frozenset({DeliveryState.CLAIMED}),
        to_state=DeliveryState.SUPPRESSED,
        kind="delivery.suppressed",
        suppressed_why=why,
        at=desk.now(),
    )


# --- sending --------------------------------------------------------------------------------------------------------


def introduce(carrier: AnyCarrier, book: Book) -> bool:
    """Tells a carrier that pours its messages itself which wordings come. Returns whether it wants merged text."""
    if not isinstance(carrier, Pouring):
        return True
    carrier.learn({digest: w for w, digest in book.wordings.values() if w.channel is carrier.channel})
    return False


# --- recording ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Landed:
    """A hand-off that has ended, and what follows from it."""

    claim: Claim
    handoff: Handoff
    step: Step

    @property
    def outcome(self) -> Outcome:
        return self.handoff.outcome


EXPECTED = PROVEN_ONLY - {Channel.CALL_LIST}  # people who dial take the time they take, and say how it went


def landed(claim: Claim, handoff: Handoff) -> Landed:
    attempts = 1 if handoff.host_wide else claim.attempt
    step = fold(
        DeliveryState.HANDING_OFF,
        handoff.outcome,
        patience(claim.channel, attempts),
        retry_after=handoff.retry_after,
    )
    if step is None:
        raise ValueError(f"no step leads on from {handoff.outcome}")
    if step.state is DeliveryState.ACCEPTED and claim.channel in EXPECTED:
        # Taken, and nobody told: without evidence the next rung opens when the channel's window is over.
        step = replace(step, delay_seconds=CHANNELS[claim.channel].evidence_days * 86_400.0)
    return Landed(claim, handoff, step)


def record(desk: Desk, session: Session, incident: Incident, ended: Sequence[Landed]) -> list[Landed]:
    """Outcomes, their events and the rungs that they open, in the session's transaction.

    Returns those that were written: a row that has moved on meanwhile keeps what it says.
    """
    changes = [change(desk, one) for one in ended]
    done = outbox.apply(session, incident.id, desk.lane, changes, desk.now())
    written = [one for one in ended if one.claim.delivery in done]
    follow(desk, session, incident, written)
    return written


def follow(desk: Desk, session: Session, incident: Incident, ended: Sequence[Landed]) -> None:
    """Holds and next rungs that outcomes bring with them."""
    blocked = [one for one in ended if one.step.halt_channel]
    for channel in {one.claim.channel for one in blocked if one.handoff.host_wide}:
        halt(desk, session, incident, channel, "the carrier refused us for what we are or sent")
    for one in blocked:
        if not one.handoff.host_wide:
            hold_person(desk, session, incident, one.claim.subject, f"{one.claim.channel}: {one.handoff.code}")
    open_next(desk, session, incident, [one.claim.delivery for one in ended if one.step.open_next])


def patience(channel: Channel, attempts: int) -> Patience:
    spec = CHANNELS[channel]
    wait = spec.evidence_days * 86_400.0
    return Patience(attempts=attempts, most=spec.attempts, delays=spec.retry_delays, soft_wait=wait)


def change(desk: Desk, ended: Landed) -> Change:
    """The new state of the delivery, as the carrier's answer and our table say."""
    handoff, step, now = ended.handoff, ended.step, desk.now()
    return Change(
        delivery=ended.claim.delivery,
        fence=ended.claim.fence,
        from_states=SENT_FROM,
        to_state=step.state,
        kind=f"delivery.{handoff.outcome}",
        code=handoff.code,
        detail=handoff.detail,
        reference=handoff.reference,
        not_before=later(now, step.delay_seconds),
        possible_duplicate=step.possible_duplicate,
        at=now,
    )


def later(now: datetime, seconds: float | None) -> datetime | None:
    return None if seconds is None else now + timedelta(seconds=seconds)


def halt(desk: Desk, session: Session, incident: Incident, channel: Channel, why: str) -> None:
    """A hold on the channel, placed by us; a person lifts it."""
    _hold(desk, session, incident, HoldScope.CHANNEL, channel.value, why)


def hold_person(desk: Desk, session: Session, incident: Incident, subject: str, why: str) -> None:
    """One person's notice can't leave as it is; the others go on, and a person looks at this one."""
    _hold(desk, session, incident, HoldScope.PERSON, subject, why)


def _hold(desk: Desk, session: Session, incident: Incident, scope: HoldScope, target: str, why: str) -> None:
    query = select(Hold).where(
        Hold.incident_id == incident.id,
        Hold.scope == scope,
        Hold.target == target,
        col(Hold.released_at).is_(None),
    )
    if session.exec(query).first() is not None:
        return
    row = Hold(
        incident_id=incident.id,
        scope=scope,
        target=target,
        reason=why,
        placed_by="tocsin",
        placed_at=desk.now(),
    )
    session.add(row)
    session.flush()
    desk.log(session, incident.id, "hold_placed", row.id, scope=scope, target=target, by="tocsin")


# --- the next rung --------------------------------------------------------------------------------------------------


def open_next(desk: Desk, session: Session, incident: Incident, deliveries: Sequence[str]) -> list[str]:
    """Opens the next rung of each notice whose present one is spent; without one, the person is unreachable."""
    if not deliveries:
        return []
    session.flush()
    spent = _by_id(session, Delivery, deliveries)
    notices = _by_id(session, Notice, [d.notice_id for d in spent.values()])
    segments = _segments(session, {n.wave_id for n in notices.values()})
    rungs: list[NewDelivery] = []
    for delivery in spent.values():
        found = _next_of(session, delivery, notices[delivery.notice_id], segments)
        rungs += found
        if not found and _all_spent(session, delivery.notice_id):
            desk.log(session, incident.id, "person_unreachable", delivery.subject_id, notice=delivery.notice_id)
    return outbox.open_rung(session, rungs, desk.now())


def _segments(session: Session, waves: set[str]) -> Mapping[tuple[str, str, Channel], str]:
    rows = session.exec(select(Segment).where(col(Segment.wave_id).in_(list(waves)))).all()
    return {(row.wave_id, row.key, row.channel): row.id for row in rows}


def _next_of(
    session: Session, delivery: Delivery, notice: Notice, segments: Mapping[tuple[str, str, Channel], str]
) -> list[NewDelivery]:
    ladder = json.loads(notice.ladder)
    beside = session.exec(select(Delivery).where(Delivery.notice_id == notice.id)).all()
    busy = OPEN_STATES | TOLD_STATES
    if any(d.state in busy for d in beside) or delivery.rung + 1 >= len(ladder):
        return []
    return [
        NewDelivery(
            incident=notice.incident_id,
            wave=notice.wave_id,
            notice=notice.id,
            subject=notice.subject_id,
            segment=segments[notice.wave_id, notice.segment_key, Channel(channel)],
            channel=Channel(channel),
            rung=delivery.rung + 1,
            urgency=delivery.urgency,
        )
        for channel in ladder[delivery.rung + 1]
    ]


def _all_spent(session: Session, notice_id: str) -> bool:
    states = session.exec(select(Delivery.state).where(Delivery.notice_id == notice_id)).all()
    return all(s is DeliveryState.UNDELIVERABLE for s in states)


def batch_row(desk: Desk, session: Session, incident: Incident, wave_id: str, handoffs: Sequence[Handoff]) -> None:
    """Remembers sealed batches of letters by their content's hash: `reference` is `<hash>:<first page>-<last page>`."""
    for name in {h.reference.partition(":")[0] for h in handoffs if h.reference}:
        if session.get(LetterBatch, name) is not None:
            continue
        own = [h for h in handoffs if h.reference.startswith(name)]
        last = max((int(h.reference.rpartition("-")[2]) for h in own if "-" in h.reference), default=0)
        session.add(
            LetterBatch(
                id=name,
                incident_id=incident.id,
                wave_id=wave_id,
                sealed_at=desk.now(),
                letters=len(own),
                pages=last,
                folder=name,
            )
        )


__all__ = [
    "BadInput",
    "Book",
    "batch_row",
    "check",
    "halt",
    "introduce",
    "open_book",
    "open_next",
    "patience",
    "record",
]
