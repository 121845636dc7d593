"""All tables; importing this package completes the metadata."""

from models.tables.base import metadata, new_id
from models.tables.incident import (
    Approval,
    Approver,
    FactsRevision,
    Hold,
    Incident,
    Judgement,
    ObligationRow,
    Setting,
)
from models.tables.notices import Delivery, Notice, Segment, Wave, WordingRow
from models.tables.people import SamePerson, ScopeRun, Subject, Suppression
from models.tables.record import Alarm, Event, Filing, LetterBatch, PublicNotice, ReceiptRow, Seal, SendLimit

__all__ = [
    "Alarm",
    "Approval",
    "Approver",
    "Delivery",
    "Event",
    "FactsRevision",
    "Filing",
    "Hold",
    "Incident",
    "Judgement",
    "LetterBatch",
    "Notice",
    "ObligationRow",
    "PublicNotice",
    "ReceiptRow",
    "SamePerson",
    "ScopeRun",
    "Seal",
    "Segment",
    "SendLimit",
    "Setting",
    "Subject",
    "Suppression",
    "Wave",
    "WordingRow",
    "metadata",
    "new_id",
]
