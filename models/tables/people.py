"""The people an incident touched. Names and contacts are sealed; only codes and blind indexes stand in clear."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, LargeBinary, Text, UniqueConstraint
from sqlmodel import Field

from models.tables.base import Row, check_word, instant, new_id, word
from models.values import Role, SuppressionReason


class ScopeRun(Row, table=True):
    """One reading of one list of people."""

    __tablename__ = "scope_run"
    __table_args__ = (UniqueConstraint("incident_id", "number"),)
    id: str = Field(default_factory=new_id, primary_key=True)
    incident_id: str = Field(foreign_key="incident.id")
    number: int
    source: str  # file name or query name, no path
    source_digest: str
    mapping_digest: str
    waterfall: str = Field(sa_type=Text)  # canonical JSON, planning.scope.Waterfall.as_data()
    author: str
    at: datetime = instant()


class Subject(Row, table=True):
    """One person of one incident."""

    __tablename__ = "subject"
    __table_args__ = (
        check_word("role", Role),
        Index("ux_subject_incident_person", "incident_id", "person_index", unique=True),  # an index can be built late
        Index("ix_subject_incident_email", "incident_id", "email_index"),
    )
    id: str = Field(default_factory=new_id, primary_key=True)
    incident_id: str = Field(foreign_key="incident.id")
    person_index: str  # blind index of the person key (source id, or the rule that was shown)
    residence: str  # ISO 3166-1 or -2
    language: str  # BCP 47, as in templates/
    role: Role = word(Role)
    minor: bool = False
    deceased: bool = False
    protected: bool = False  # never contacted by the ordinary ways
    elements: str = Field(sa_type=Text)  # canonical JSON list of own exposed elements
    consent_email: bool = False  # absent in the source is not given
    has_email: bool = False
    has_phone: bool = False
    has_mobile: bool = False  # may receive an SMS
    has_address: bool = False
    has_app: bool = False
    email_index: str = ""
    phone_index: str = ""
    address_index: str = ""
    block_index: str = ""  # of birthday and initial, else of postal code and initial: who may be the same person
    customer: str = ""  # the controller (customer organisation) whose person this is; a code, not a person
    sealed: bytes | None = Field(default=None, sa_type=LargeBinary)  # Contact record; null after erasure
    content_mark: str  # keyed digest of the whole record: tells a second scope what changed
    first_scope: int
    last_scope: int  # the last one that said anything new of this person
    withdrawn: bool = False
    merged_into: str = ""  # the subject that stands for this one too, by a person's decision; such a one is withdrawn
    changed_at: datetime | None = instant(default=None, nullable=True)


class SamePerson(Row, table=True):
    """A person's decision on two subjects that look alike: one person, or two."""

    __tablename__ = "same_person"
    __table_args__ = (UniqueConstraint("one", "other"),)
    id: str = Field(default_factory=new_id, primary_key=True)
    incident_id: str = Field(foreign_key="incident.id", index=True)
    one: str = Field(foreign_key="subject.id")  # stands for both when they are one person
    other: str = Field(foreign_key="subject.id")
    same: bool
    author: str
    why: str
    at: datetime = instant()


class Suppression(Row, table=True):
    """People who must not be contacted, beyond one incident. Own key, own retention."""

    __tablename__ = "suppression"
    __table_args__ = (check_word("reason", SuppressionReason), UniqueConstraint("contact_index", "reason"))
    id: str = Field(default_factory=new_id, primary_key=True)
    contact_index: str  # blind index under the suppression key
    reason: SuppressionReason = word(SuppressionReason)
    since: datetime = instant()
    until: datetime | None = instant(default=None, nullable=True)
    note: str = ""
