"""What became of the texts that the SMS provider took: its callbacks, and our own asking where none reach us."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import Table, or_, update
from sqlalchemy import select as columns
from sqlmodel import Session

from flows.steps import settle
from flows.steps.carriers import open_carrier
from flows.steps.desk import Desk, find_incident
from models.tables import Delivery, Incident, metadata
from models.values import BadInput, Channel, DeliveryState, Receipt
from notifiers.contract import CHANNELS

DELIVERY: Table = metadata.tables["delivery"]
AT_A_TIME = 500


def texts(desk: Desk, slug: str, done: settle.Settled | None = None) -> settle.Settled:
    """Asks the SMS provider what became of the texts it took; where its callbacks reach us, this finds nothing new.

    Each is asked about at least once, and until the channel's window for contrary evidence is over.
    """
    done = done or settle.Settled()
    with desk.db.read() as session:
        incident = find_incident(session, slug)
        asked = _taken_texts(desk, session, incident)
    if asked:
        found = asyncio.run(_fetch(desk, incident, asked))
        with desk.db.write() as session:
            for part in (list(asked)[n : n + AT_A_TIME] for n in range(0, len(asked), AT_A_TIME)):
                count = update(DELIVERY).where(DELIVERY.c.id.in_(part)).values(looked_up=DELIVERY.c.looked_up + 1)
                session.connection().execute(count)
        settle.take(desk, slug, found, done)
    return done


def _taken_texts(desk: Desk, session: Session, incident: Incident) -> dict[str, str]:
    """Delivery -> the provider's id of each text without a final answer."""
    d = DELIVERY.c
    since = desk.now() - timedelta(days=CHANNELS[Channel.SMS].evidence_days)
    query = columns(d.id, d.carrier_ref).where(
        d.incident_id == incident.id,
        d.channel == Channel.SMS,
        d.state == DeliveryState.ACCEPTED,
        d.carrier_ref != "",
        or_(d.looked_up == 0, d.accepted_at >= since),
    )
    return {delivery: sid for delivery, sid in session.connection().execute(query)}


async def _fetch(desk: Desk, incident: Incident, asked: Mapping[str, str]) -> list[Receipt]:
    from notifiers.sms.carrier import SmsCarrier
    from notifiers.sms.webhook import receipt_from_callback

    carrier = open_carrier(desk, incident, Channel.SMS)
    if not isinstance(carrier, SmsCarrier):
        return []
    found: list[Receipt] = []
    pairs, lanes = list(asked.items()), CHANNELS[Channel.SMS].lanes
    try:
        for start in range(0, len(pairs), lanes):
            part = pairs[start : start + lanes]
            answers = await asyncio.gather(*(carrier.fetch(sid) for _, sid in part))
            told = zip(part, answers, strict=True)
            made = [receipt_from_callback(a, desk.now(), delivery) for (delivery, _), a in told if a is not None]
            found += [receipt for receipt in made if receipt is not None]
    finally:
        await carrier.close()
    return found


def text_called(desk: Desk, delivery: str, params: Mapping[str, str]) -> str:
    """A text's status callback, its signature checked before: the evidence noted, `nothing` while it is
    under way, or `repeat` when an ending was known.

    It may overtake the answer to our own request, or replace one that was lost: then the delivery is known by the
    address that the provider was told, and its id is adopted. BadInput for a text that is none of ours.
    """
    from notifiers.sms.webhook import receipt_from_callback

    receipt = receipt_from_callback(params, desk.now(), delivery)
    sid = params.get("MessageSid") or params.get("SmsSid", "")
    with desk.db.read() as session:
        row = session.get(Delivery, delivery)
        if row is None or row.channel is not Channel.SMS or not sid or row.carrier_ref not in ("", sid):
            raise BadInput("text", "is none of ours.")
        slug, unnamed = session.get_one(Incident, row.incident_id).slug, not row.carrier_ref
        if receipt is not None and settle.ended(session, receipt):
            return "repeat"
    if unnamed:
        with desk.db.write() as session:
            named = DELIVERY.c.carrier_ref == ""
            adopt = update(DELIVERY).where(DELIVERY.c.id == delivery, named).values(carrier_ref=sid)
            session.connection().execute(adopt)
    if receipt is None:
        return "nothing"
    settle.take(desk, slug, [receipt], settle.Settled())
    return receipt.evidence.value
