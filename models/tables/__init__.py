"""All tables; importing this package completes the metadata."""

from models.tables.base import metadata, new_id
from models.tables.incident import Approval, Approver, FactsRevision, Hold, Incident, ObligationRow, Setting
from models.tables.notices import Delivery, Notice, Segment, Wave, WordingRow
from models.tables.people import ScopeRun, Subject, Suppression
from models.tables.record import Alarm, Event, Filing, LetterBatch, PublicNotice, ReceiptRow, Seal

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
    "LetterBatch",
    "Notice",
    "ObligationRow",
    "PublicNotice",
    "ReceiptRow",
    "ScopeRun",
    "Seal",
    "Segment",
    "Setting",
    "Subject",
    "Suppression",
    "Wave",
    "WordingRow",
    "metadata",
    "new_id",
]
