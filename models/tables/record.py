"""What happened: events, seals, filings, public notices, receipts, alarms."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Text, UniqueConstraint
from sqlmodel import Field

from models.tables.base import Row, check_word, instant, new_id, word
from models.values import Evidence


class Event(Row, table=True):
    """One entry of one lane of the ledger. Only ever inserted. Bodies hold identifiers and codes, nothing personal."""

    __tablename__ = "event"
    incident_id: str = Field(primary_key=True)
    lane: str = Field(primary_key=True)  # one writer
    seq: int = Field(primary_key=True)  # from 1, without gaps
    at: datetime = instant()  # civil
    kind: str = Field(index=True)
    subject: str = ""  # the id of what it is about: delivery, wave, filing, obligation
    body: str = Field(sa_type=Text)  # canonical JSON, the text that was hashed
    previous: str  # hash of the lane's previous event; 64 zeros for the first
    hash: str


class Seal(Row, table=True):
    """The heads of all lanes folded into one root, at a moment. A missing lane shows."""

    __tablename__ = "seal"
    __table_args__ = (UniqueConstraint("incident_id", "number"),)
    id: str = Field(default_factory=new_id, primary_key=True)
    incident_id: str = Field(foreign_key="incident.id", index=True)
    number: int
    at: datetime = instant()
    heads: str = Field(sa_type=Text)  # canonical JSON: [[lane, seq, hash], ...], by lane
    previous_root: str
    root: str
    signature: str = ""


class Filing(Row, table=True):
    """One report to one authority, one stage, one version."""

    __tablename__ = "filing"
    __table_args__ = (UniqueConstraint("incident_id", "obligation_key", "version"),)
    id: str = Field(default_factory=new_id, primary_key=True)
    incident_id: str = Field(foreign_key="incident.id", index=True)
    obligation_key: str
    form: str  # template form id
    version: int
    prepared_at: datetime = instant()
    prepared_by: str
    facts_number: int
    body: str = Field(sa_type=Text)  # canonical JSON of the filled questions
    digest: str
    unknown: int  # questions answered "not yet known"
    late_reasons: str = ""
    filed_at: datetime | None = instant(default=None, nullable=True)
    receipt_number: str = ""
    receipt_by: str = ""
    receipt_confirmed_by: str = ""
    superseded_at: datetime | None = instant(default=None, nullable=True)


class PublicNotice(Row, table=True):
    """One version of the notice to the public, in all its languages."""

    __tablename__ = "public_notice"
    __table_args__ = (UniqueConstraint("incident_id", "kind", "version"),)
    id: str = Field(default_factory=new_id, primary_key=True)
    incident_id: str = Field(foreign_key="incident.id", index=True)
    kind: str  # substitute_page, press_release
    version: int
    obligation_keys: str = Field(sa_type=Text)  # canonical JSON list: what it serves
    wordings: str = Field(sa_type=Text)  # canonical JSON: language -> wording id
    digest: str
    prepared_at: datetime = instant()
    published_at: datetime | None = instant(default=None, nullable=True)
    until: datetime | None = instant(default=None, nullable=True)
    withdrawn_at: datetime | None = instant(default=None, nullable=True)
    reason: str = Field(default="", sa_type=Text)  # why the law allows or demands it


class ReceiptRow(Row, table=True):
    """Evidence that came in, once per raw receipt. Orphans have no delivery."""

    __tablename__ = "receipt"
    __table_args__ = (UniqueConstraint("source", "digest"), check_word("evidence", Evidence))
    id: str = Field(default_factory=new_id, primary_key=True)
    incident_id: str = Field(default="", index=True)
    delivery_id: str = Field(default="", index=True)
    source: str
    evidence: Evidence = word(Evidence)
    code: str = ""
    digest: str
    at: datetime = instant()
    applied_at: datetime | None = instant(default=None, nullable=True)


class LetterBatch(Row, table=True):
    """A sealed folder of letters, named by the hash of its content. Printed once."""

    __tablename__ = "letter_batch"
    id: str = Field(primary_key=True)  # content hash
    incident_id: str = Field(foreign_key="incident.id", index=True)
    wave_id: str
    sealed_at: datetime = instant()
    letters: int
    pages: int
    folder: str  # name inside TOCSIN_HOME/letters
    handed_at: datetime | None = instant(default=None, nullable=True)  # to the print house
    printer_id: str = ""  # the print house's own
    print_state: str = ""  # accepted, printed or posted, once all its letters are
    print_state_at: datetime | None = instant(default=None, nullable=True)


class SendLimit(Row, table=True):
    """What all workers draw from: a domain group's bucket, or one day's allowance. See models.limits."""

    __tablename__ = "send_limit"
    name: str = Field(primary_key=True)
    used: float  # tokens left (below zero: kept for those who wait), or seats of the day that are taken
    at: datetime = instant()  # lease time of the last draw


class Alarm(Row, table=True):
    """A warning that was raised about one deadline, once per threshold."""

    __tablename__ = "alarm"
    __table_args__ = (UniqueConstraint("obligation_id", "threshold"),)
    id: str = Field(default_factory=new_id, primary_key=True)
    incident_id: str = Field(foreign_key="incident.id", index=True)
    obligation_id: str = Field(foreign_key="obligation.id")
    threshold: str  # 50, 80, 95, due
    raised_at: datetime = instant()
    told: str = ""  # names of on-call people told
    acknowledged_by: str = ""
    acknowledged_at: datetime | None = instant(default=None, nullable=True)
