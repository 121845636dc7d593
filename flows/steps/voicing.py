"""Spoken calls and the app, from the other side: what a call is told next, and what came of it.

Everything here has been signed by the provider or the app before it comes (console.web.outside checks it). A call's
first ending stands; whatever is told of it later is a repeat.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import or_, update
from sqlalchemy import select as columns
from sqlmodel import Session

from flows.steps import approvals, posting, settle
from flows.steps.carriers import open_carrier
from flows.steps.desk import Desk, find_incident
from models.tables import Delivery, Incident, Notice, Segment, Subject, metadata
from models.values import BadInput, Channel, DeliveryState, Receipt, RecipientKind, Slot, digest
from notifiers.contract import CHANNELS
from notifiers.voice.codes import EVIDENCE, FINAL, Ending
from notifiers.voice.dialogue import Reply, Step, Words, reply
from templates.merge import merge

DELIVERY = metadata.tables["delivery"]
HANG_UP = Reply('<?xml version="1.0" encoding="UTF-8"?><Response><Hangup/></Response>')


@dataclass(frozen=True, slots=True)
class _Call:
    slug: str
    delivery: str
    words: Words | None  # None: nothing may be said any more


def say(desk: Desk, delivery: str, step: str, params: Mapping[str, str], asked: int = 1) -> str:
    """What the provider is to do next in this call. BadInput for a call that is none of ours."""
    call = _call(desk, delivery)
    base = f"{desk.settings.callback_url.rstrip('/')}/voice/{delivery}"
    known = next((s for s in Step if s == step), None)
    if known is None:
        raise BadInput("call", "asks for a step that there is not.")
    made = HANG_UP if call.words is None else reply(known, base, call.words, params, asked)
    if made.ending is not None:
        _end(desk, call, made.ending, params.get("CallSid", ""))
    return made.twiml


def ended(desk: Desk, delivery: str, params: Mapping[str, str]) -> Ending | None:
    """A call's status callback; None while nothing is final."""
    ending = FINAL.get(params.get("CallStatus", "").lower())
    if ending is not None:
        _end(desk, _call(desk, delivery), ending, params.get("CallSid", ""))
    return ending


def _end(desk: Desk, call: _Call, ending: Ending, sid: str) -> None:
    mark = digest(["call", call.delivery, sid])
    receipt = Receipt(EVIDENCE[ending], desk.now(), call.delivery, ending.value, "voice", mark)
    settle.take(desk, call.slug, [receipt], settle.Settled())


def _call(desk: Desk, delivery: str) -> _Call:
    with desk.db.read() as session:
        row = session.get(Delivery, delivery)
        if row is None or row.channel is not Channel.VOICE:
            raise BadInput("call", "is none of ours.")
        incident = session.get_one(Incident, row.incident_id)
        allowed = incident.wrapped_key is not None and _may_speak(desk, session, incident, row)
        return _Call(incident.slug, row.id, _words(desk, session, incident, row) if allowed else None)


def _may_speak(desk: Desk, session: Session, incident: Incident, row: Delivery) -> bool:
    """A hold stops a call that rings already; so does whatever became known of the person."""
    subject = session.get_one(Subject, row.subject_id)
    holds = approvals.active_holds(session, incident.id, desk.now())
    held = approvals.held(
        holds, kind=RecipientKind.NOTICES, wave=row.wave_id, channel=Channel.VOICE, subject=row.subject_id
    )
    states = {DeliveryState.HANDING_OFF, DeliveryState.ACCEPTED, DeliveryState.UNKNOWN, DeliveryState.DELIVERED}
    return not held and not subject.withdrawn and not subject.protected and row.state in states


def _words(desk: Desk, session: Session, incident: Incident, row: Delivery) -> Words:
    notice, segment = session.get_one(Notice, row.notice_id), session.get_one(Segment, row.segment_id)
    book = posting.open_book(desk, session, incident, row.wave_id)
    slots, _ = book.key.open_notice(notice.id, notice.sealed or b"")
    merged = merge(book.wordings[segment.wording_id][0], {Slot(name): value for name, value in slots.items()})
    return Words(segment.language, merged.subject, merged.text)


# --- asking -------------------------------------------------------------------------------------------------------


def calls(desk: Desk, slug: str, done: settle.Settled | None = None) -> settle.Settled:
    """Asks the provider what became of the calls it took; where its callbacks reach us, this finds nothing new."""
    done = done or settle.Settled()
    with desk.db.read() as session:
        incident = find_incident(session, slug)
        asked = _taken(desk, session, incident)
    if asked:
        found = asyncio.run(_fetch(desk, incident, asked))
        with desk.db.write() as session:
            count = update(DELIVERY).where(DELIVERY.c.id.in_(list(asked))).values(looked_up=DELIVERY.c.looked_up + 1)
            session.connection().execute(count)
        settle.take(desk, slug, found, done)
    return done


def _taken(desk: Desk, session: Session, incident: Incident) -> dict[str, str]:
    """Delivery -> the provider's id of each call without an ending."""
    d = DELIVERY.c
    since = desk.now() - timedelta(days=CHANNELS[Channel.VOICE].evidence_days)
    query = columns(d.id, d.carrier_ref).where(
        d.incident_id == incident.id,
        d.channel == Channel.VOICE,
        d.state == DeliveryState.ACCEPTED,
        d.carrier_ref != "",
        or_(d.looked_up == 0, d.accepted_at >= since),
    )
    return {delivery: sid for delivery, sid in session.connection().execute(query.limit(500))}


async def _fetch(desk: Desk, incident: Incident, asked: Mapping[str, str]) -> list[Receipt]:
    from notifiers.voice.carrier import VoiceCarrier

    carrier = open_carrier(desk, incident, Channel.VOICE)
    if not isinstance(carrier, VoiceCarrier):
        return []
    try:
        answers = [(d, sid, await carrier.fetch(sid)) for d, sid in asked.items()]
    finally:
        await carrier.close()
    found = [(d, sid, FINAL.get(a["CallStatus"].lower())) for d, sid, a in answers if a is not None]
    return [
        Receipt(EVIDENCE[ending], desk.now(), d, ending.value, "voice", digest(["call", d, sid]))
        for d, sid, ending in found
        if ending is not None
    ]


# --- the app --------------------------------------------------------------------------------------------------------


def app_receipt(desk: Desk, headers: Mapping[str, str], body: bytes) -> str:
    """A receipt that the app posted: `noted`, `nothing`, or `unknown` for a delivery that is none of ours."""
    from notifiers.push.receipts import read_receipt

    receipt = read_receipt(desk.settings.push_secret, headers, body, desk.now())
    if receipt is None:
        return "nothing"
    with desk.db.read() as session:
        row = session.get(Delivery, receipt.delivery)
        if row is None or row.channel is not Channel.PUSH:
            return "unknown"
        slug = session.get_one(Incident, row.incident_id).slug
    settle.take(desk, slug, [receipt], settle.Settled())
    return "noted"
