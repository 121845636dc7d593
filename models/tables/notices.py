"""Waves, segments, wordings, notices and their deliveries."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, LargeBinary, Text, UniqueConstraint, text
from sqlmodel import Field

from models.tables.base import Row, check_word, instant, new_id, word
from models.values import Channel, DeliveryState, Role, SuppressionReason, WaveKind


class Wave(Row, table=True):
    """A set of notices that are approved and sent together."""

    __tablename__ = "wave"
    __table_args__ = (UniqueConstraint("incident_id", "number"), check_word("kind", WaveKind))
    id: str = Field(default_factory=new_id, primary_key=True)
    incident_id: str = Field(foreign_key="incident.id")
    number: int
    kind: WaveKind = word(WaveKind)
    facts_number: int
    prepared_by: str
    prepared_at: datetime = instant()
    plan: str = Field(sa_type=Text)  # canonical JSON: what the approval binds, planning.release.Plan.as_data()
    digest: str  # of plan; the thing that is signed
    people: int
    people_root: str  # Merkle root over the notices' leaves
    cap: int  # most deliveries that may be handed off
    pilot: int  # deliveries of the pilot, handed off before the rest
    bounce_limit: float  # share of hard bounces at which the wave stops itself
    window_from: datetime = instant()
    window_until: datetime = instant()
    launched_at: datetime | None = instant(default=None, nullable=True)
    launched_by: str = ""
    pilot_passed_at: datetime | None = instant(default=None, nullable=True)
    stopped_at: datetime | None = instant(default=None, nullable=True)
    stopped_why: str = ""
    closed_at: datetime | None = instant(default=None, nullable=True)


class Segment(Row, table=True):
    """People who get the same words in the same channel."""

    __tablename__ = "segment"
    __table_args__ = (
        UniqueConstraint("wave_id", "key", "channel"),
        check_word("role", Role),
        check_word("channel", Channel),
    )
    id: str = Field(default_factory=new_id, primary_key=True)
    incident_id: str = Field(foreign_key="incident.id")
    wave_id: str = Field(foreign_key="wave.id")
    key: str  # without the channel; planning.segment.Key.text
    content_class: str
    laws: str = Field(sa_type=Text)  # canonical JSON list of regime ids
    language: str
    role: Role = word(Role)
    blocks: str = Field(sa_type=Text)  # canonical JSON list
    exposed: str = Field(sa_type=Text)  # canonical JSON list of elements
    channel: Channel = word(Channel)
    people: int
    wording_id: str = Field(foreign_key="wording.id")


class WordingRow(Row, table=True):
    """A text as it was linted and approved. One segment's, or the public notice's."""

    __tablename__ = "wording"
    __table_args__ = (check_word("channel", Channel),)
    id: str = Field(default_factory=new_id, primary_key=True)
    incident_id: str = Field(foreign_key="incident.id", index=True)
    channel: Channel = word(Channel)
    language: str
    body: str = Field(sa_type=Text)  # canonical JSON of values.Wording
    digest: str
    findings: str = Field(default="[]", sa_type=Text)  # canonical JSON list of values.Finding


class Notice(Row, table=True):
    """One person's one duty-text: a segment key, a ladder and the sealed slots and contacts that were approved."""

    __tablename__ = "notice"
    __table_args__ = (UniqueConstraint("wave_id", "subject_id", "segment_key"),)
    id: str = Field(default_factory=new_id, primary_key=True)
    incident_id: str = Field(foreign_key="incident.id", index=True)
    wave_id: str = Field(foreign_key="wave.id", index=True)
    subject_id: str = Field(foreign_key="subject.id", index=True)
    segment_key: str
    ladder: str  # canonical JSON: [["email"],["letter"]]; a rung may be several channels at once
    obligations: str = Field(sa_type=Text)  # canonical JSON list of obligation keys that this notice serves
    sealed: bytes | None = Field(default=None, sa_type=LargeBinary)  # slots and contacts; null after erasure
    leaf: str  # keyed digest of what was approved for this person
    reference: str  # the person's reference, safe to say over the telephone
    verification: str = Field(default="", index=True)  # blind index of the verification code


class Delivery(Row, table=True):
    """One rung of one notice: what was done in one channel, and where it stands."""

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("notice_id", "channel", "rung"),
        check_word("channel", Channel),
        check_word("state", DeliveryState),
        check_word("suppressed_why", SuppressionReason, nullable=True),
        Index(  # what may be claimed; the condition is spelt as models.outbox spells it, or SQLite passes it over
            "ix_delivery_ready",
            "wave_id",
            "channel",
            "urgency",
            "id",
            sqlite_where=text("state = 'ready'"),
            postgresql_where=text("state = 'ready'"),
        ),
        Index(  # what a worker holds
            "ix_delivery_leased",
            "incident_id",
            "lease_until",
            sqlite_where=text("state IN ('claimed', 'handing_off')"),
            postgresql_where=text("state IN ('claimed', 'handing_off')"),
        ),
        Index("ix_delivery_state", "incident_id", "channel", "state"),
    )
    id: str = Field(default_factory=new_id, primary_key=True)
    incident_id: str = Field(foreign_key="incident.id")
    wave_id: str = Field(foreign_key="wave.id")
    notice_id: str = Field(foreign_key="notice.id", index=True)
    subject_id: str = Field(foreign_key="subject.id", index=True)
    segment_id: str = Field(foreign_key="segment.id")
    channel: Channel = word(Channel)
    rung: int
    state: DeliveryState = word(DeliveryState)
    pilot: bool = False
    urgency: int = 0  # lower is claimed first; see planning.urgency
    attempts: int = 0
    not_before: datetime | None = instant(default=None, nullable=True)  # civil
    worker: str = ""
    fence: int = 0  # raised by each claim; a write with an older one is refused
    lease_until: datetime | None = instant(default=None, nullable=True)  # lease clock
    carrier_ref: str = Field(default="", index=True)
    code: str = ""
    possible_duplicate: bool = False
    looked_up: int = 0  # how often an unknown outcome was asked about
    suppressed_why: SuppressionReason | None = word(SuppressionReason, default=None, nullable=True)
    handed_at: datetime | None = instant(default=None, nullable=True)
    accepted_at: datetime | None = instant(default=None, nullable=True)
    updated_at: datetime = instant()
