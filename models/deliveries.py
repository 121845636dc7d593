"""Deliveries as the outbox hands them about: one that is claimed, one that changes, one that is to be opened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from models.values import Channel, DeliveryState, SuppressionReason


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that is ours until its lease is over. `sealed` opens with IncidentKey.open_notice(notice, sealed)."""

    delivery: str
    notice: str
    subject: str
    segment: str
    wave: str
    incident: str
    wording_id: str
    channel: Channel
    rung: int
    attempt: int
    fence: int
    sealed: bytes
    leaf: str
    reference: str
    segment_key: str
    ladder: str
    withdrawn: bool
    protected: bool
    changed_at: datetime | None  # since the draft
    possible_duplicate: bool = False
    paced: bool = False  # it has waited for its turn


@dataclass(frozen=True, slots=True)
class Change:
    """A new state for one delivery, as decided from an outcome or a receipt."""

    delivery: str
    from_states: frozenset[DeliveryState]
    to_state: DeliveryState
    kind: str  # of the ledger event: delivery.accepted, delivery.bounced
    at: datetime  # civil: when it happened, which may be earlier than when we record it
    fence: int | None = None  # of the claim; None when the evidence is no worker's
    code: str = ""  # the carrier's own
    detail: str = ""
    reference: str = ""  # the carrier's id; empty keeps what the row has
    not_before: datetime | None = None
    possible_duplicate: bool = False  # once true, stays true
    suppressed_why: SuppressionReason | None = None


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """One rung of one notice, to be opened."""

    incident: str
    wave: str
    notice: str
    subject: str
    segment: str
    channel: Channel
    rung: int
    state: DeliveryState = DeliveryState.READY
    pilot: bool = False
    not_before: datetime | None = None
    suppressed_why: SuppressionReason | None = None
    urgency: int = 0  # lower is claimed first
