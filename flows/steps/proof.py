"""Proofs: a marked sample of every text of a wave to the team's own address, before anybody approves.

Outside all counts: a proof is no delivery, needs no approval and opens no rung. It is never sent to an address of a
person of the incident, and holds invented people only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlmodel import Session, col, or_, select

from flows.steps.carriers import open_carrier
from flows.steps.desk import Desk, find_incident
from flows.steps.launching import find_wave
from flows.steps.preview import Sample, sample_message, samples
from flows.steps.sealing import index
from models.intake.contacts import read_email, read_phone
from models.tables import Incident, Subject, Suppression
from models.values import BadInput, Channel, Contacts, Handoff, Message, Outcome, Refused
from notifiers.contract import Carrier

PREFIX = "PROOF"


@dataclass(frozen=True, slots=True)
class Proofs:
    """What was sent where; `failed` names segment, channel and the carrier's code."""

    incident: str
    wave: int
    sent: int
    by_channel: dict[str, int]
    failed: tuple[str, ...]


def proof(desk: Desk, slug: str, number: int, address: str, author: str) -> Proofs:
    """Sends samples to `address`: an email address gets every text by email, a telephone number the text messages.

    BadInput for an address that is neither; Refused when it is one of the incident's people or on the lasting list.
    """
    to = _contacts(address)
    with desk.db.read() as session:
        incident = find_incident(session, slug)
        wave = find_wave(session, incident, number)
        _refuse_subject(desk, session, incident, to)
        chosen = [s for s in samples(session, wave) if to.email or s.channel is Channel.SMS]
    if not chosen:
        raise BadInput(
            "--proof-to", f"is a telephone number, and wave {number} has no text messages.", "Give an email address."
        )
    handoffs = asyncio.run(_send(desk, incident, [_message(s, to) for s in chosen], to))
    pairs = list(zip(chosen, handoffs, strict=True))
    failed = tuple(
        f"{s.segment}, {s.channel.value}: {h.outcome} {h.code}" for s, h in pairs if h.outcome is not Outcome.ACCEPTED
    )
    counts = {
        c.value: n for c in Channel if (n := sum(s.channel is c and h.outcome is Outcome.ACCEPTED for s, h in pairs))
    }
    with desk.db.write() as session:
        desk.log(
            session, incident.id, "proof_sent", wave.id, by=author, sent=counts, failed=len(failed), digest=wave.digest
        )
    return Proofs(slug, number, sum(counts.values()), counts, failed)


def _contacts(address: str) -> Contacts:
    if email := read_email(address):
        return Contacts(email=email)
    phone, mobile = read_phone(address, "")
    if phone and mobile:
        return Contacts(phone=phone)
    raise BadInput("--proof-to", "is neither an email address nor a mobile number.", "Write name@example.org or +1….")


def _refuse_subject(desk: Desk, session: Session, incident: Incident, to: Contacts) -> None:
    key = desk.key(incident)
    value = to.email or to.phone
    marks = [index(key, name, form) for name in ("email", "phone") for form in {value, value.lower()}]
    query = select(Subject.id).where(
        Subject.incident_id == incident.id,
        or_(col(Subject.email_index).in_(marks), col(Subject.phone_index).in_(marks)),
    )
    if session.exec(query).first() is not None:
        raise Refused("--proof-to: this is an address of one of the incident's people; a proof goes to the team only")
    lasting = select(Suppression.id).where(Suppression.contact_index == desk.vault.suppression_index(value))
    if session.exec(lasting).first() is not None:
        raise Refused("--proof-to: this address is on the lasting list of those who must not be written to")


def _message(sample: Sample, to: Contacts) -> Message:
    """The sample as the carrier of `to` can carry it; an email says which channel its words belong to."""
    made = sample_message(sample, to)
    if to.phone:
        return replace(made, text=f"{PREFIX} {made.text}")
    about = f"segment {sample.segment}, {sample.people:,} people"
    head = f"{PREFIX} ({sample.channel.value}): {about}. An invented person; not a notice.\n\n"
    subject = f"{PREFIX} {sample.channel.value}: {made.subject or sample.segment}"
    return replace(made, channel=Channel.EMAIL, subject=subject, text=head + made.text)


async def _send(desk: Desk, incident: Incident, messages: Sequence[Message], to: Contacts) -> list[Handoff]:
    carrier = open_carrier(desk, incident, Channel.EMAIL if to.email else Channel.SMS)
    if not isinstance(carrier, Carrier):
        raise BadInput("--proof-to", "can't be reached by a batch channel.", "Give an email address.")
    try:
        return [await carrier.send(message) for message in messages]
    finally:
        await carrier.close()
