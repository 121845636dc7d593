"""The incident, its facts, what it owes, and who may decide about it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, LargeBinary, Text, UniqueConstraint
from sqlmodel import Field

from models.tables.base import Row, check_word, instant, new_id, word
from models.values import Confidence, Duty, HoldScope, ObligationState, Recipient, Seat, Stage


class Setting(Row, table=True):
    """One value of the database itself: mode, sending_locked, civil_now, key_id."""

    __tablename__ = "setting"
    __table_args__ = (CheckConstraint("name <> 'mode' OR value IN ('live', 'exercise')", name="mode_word"),)
    name: str = Field(primary_key=True)
    value: str = Field(sa_type=Text)


class Incident(Row, table=True):
    __tablename__ = "incident"
    id: str = Field(default_factory=new_id, primary_key=True)
    slug: str = Field(unique=True)  # the facts file's id
    title: str
    opened_at: datetime = instant()
    closed_at: datetime | None = instant(default=None, nullable=True)
    erased_at: datetime | None = instant(default=None, nullable=True)
    key_id: str  # the wrapping key
    wrapped_key: bytes | None = Field(default=None, sa_type=LargeBinary)  # the incident's data key; null after erasure


class FactsRevision(Row, table=True):
    """The whole facts at one moment. Never edited; the newest number is current."""

    __tablename__ = "facts_revision"
    __table_args__ = (UniqueConstraint("incident_id", "number"),)
    id: str = Field(default_factory=new_id, primary_key=True)
    incident_id: str = Field(foreign_key="incident.id")
    number: int
    body: str = Field(sa_type=Text)  # canonical JSON of Facts.as_data()
    sources: str = Field(default="{}", sa_type=Text)  # canonical JSON: dotted key -> declared | list:... | ledger
    digest: str
    source: str  # what made this revision: declared, list:<scope>, ledger
    author: str
    at: datetime = instant()


class ObligationRow(Row, table=True):
    """One duty as assessed from one facts revision. No due date is edited: a later assessment supersedes the row."""

    __tablename__ = "obligation"
    __table_args__ = (
        check_word("state", ObligationState),
        check_word("duty", Duty),
        check_word("recipient", Recipient),
        check_word("stage", Stage),
        check_word("confidence", Confidence),
    )
    id: str = Field(default_factory=new_id, primary_key=True)
    incident_id: str = Field(foreign_key="incident.id", index=True)
    key: str  # us-hipaa/media/US-OH/initial
    state: ObligationState = word(ObligationState)
    regime: str
    law_version: str
    duty: Duty = word(Duty)
    recipient: Recipient = word(Recipient)
    authority: str | None = None
    jurisdiction: str | None = None
    stage: Stage = word(Stage)
    due: datetime | None = instant(default=None, nullable=True)
    due_safe: datetime | None = instant(default=None, nullable=True)
    confidence: Confidence = word(Confidence)
    body: str = Field(sa_type=Text)  # canonical JSON of the whole obligation, as in `assess --json`, with derivation
    facts_number: int
    assessed_at: datetime = instant()
    superseded_at: datetime | None = instant(default=None, nullable=True)
    met_at: datetime | None = instant(default=None, nullable=True)
    met_by: str = ""  # event that met it


class Approver(Row, table=True):
    """A person who can sign. The public key is Ed25519, raw, as hex. Enrolment is an event, signed after the first."""

    __tablename__ = "approver"
    __table_args__ = (check_word("seat", Seat),)
    id: str = Field(default_factory=new_id, primary_key=True)
    name: str = Field(unique=True)
    seat: Seat = word(Seat)
    public_key: str
    enrolled_at: datetime = instant()
    enrolled_by: str = ""
    retired_at: datetime | None = instant(default=None, nullable=True)


class Approval(Row, table=True):
    """One person's signature over one digest. `subject_kind` is wave, filing, public_notice or judgement."""

    __tablename__ = "approval"
    __table_args__ = (UniqueConstraint("subject_id", "digest", "approver_id"),)
    id: str = Field(default_factory=new_id, primary_key=True)
    incident_id: str = Field(foreign_key="incident.id")
    subject_kind: str
    subject_id: str = Field(index=True)
    digest: str
    approver_id: str = Field(foreign_key="approver.id")
    signature: str  # hex, over the bytes of models.approvals.statement(...)
    at: datetime = instant()
    reason: str = ""
    voided_at: datetime | None = instant(default=None, nullable=True)
    voided_why: str = ""


class Judgement(Row, table=True):
    """What somebody judged, on which ground and why; only ever inserted.

    Two people sign its digest (`Approval`); how it ended, if it did, is an event.
    """

    __tablename__ = "judgement"
    __table_args__ = (UniqueConstraint("incident_id", "number"),)
    id: str = Field(default_factory=new_id, primary_key=True)
    incident_id: str = Field(foreign_key="incident.id")
    number: int
    kind: str  # of models/vocabulary/judgement.toml
    body: str = Field(sa_type=Text)  # canonical JSON: what is signed, flows.steps.judgements.Body
    digest: str  # of body
    facts_number: int
    author: str
    at: datetime = instant()


class Hold(Row, table=True):
    """Stops what it names until released. Read at every claim; never a state of a delivery."""

    __tablename__ = "hold"
    __table_args__ = (check_word("scope", HoldScope),)
    id: str = Field(default_factory=new_id, primary_key=True)
    incident_id: str = Field(foreign_key="incident.id", index=True)
    scope: HoldScope = word(HoldScope)
    target: str = ""  # wave id, channel, recipient kind or subject id; empty for the incident
    reason: str
    placed_by: str
    placed_at: datetime = instant()
    until: datetime | None = instant(default=None, nullable=True)
    released_by: str = ""
    released_at: datetime | None = instant(default=None, nullable=True)
