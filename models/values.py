"""The words and small value types that every layer shares.

Closed vocabularies are StrEnums; a comment per member says what it means and, for a state, where it may go next.
Nothing here imports a third party, a database or another package of ours.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from json import encoder
from typing import Any, Protocol

# --- errors ---------------------------------------------------------------------------------------------------------


class Exit(int):
    """Exit codes of the command line (a contract, see docs/reference/exit-codes.md)."""


OK, ERROR, USAGE, NEEDS_PERSON, DEADLINE_MISSED, REFUSED = (Exit(n) for n in range(6))


class TocsinError(Exception):
    """A sentence for a colleague. Never holds a person's data: identifiers, places and keys only."""

    exit_code: Exit = ERROR


class BadInput(TocsinError):
    """Something given to us is wrong. `where` names file and key, `remedy` says what to do."""

    def __init__(self, where: str, problem: str, remedy: str = "") -> None:
        self.where, self.problem, self.remedy = where, problem, remedy
        super().__init__(f"{where}: {problem}" + (f" {remedy}" if remedy else ""))

    def __reduce__(self) -> tuple[type[BadInput], tuple[str, str, str]]:
        return type(self), (self.where, self.problem, self.remedy)  # it may be raised in one process for another


class NeedsPerson(TocsinError):
    """We can't go on before a person decides or signs."""

    exit_code = NEEDS_PERSON


class Refused(TocsinError):
    """A rule forbids it: no approval, a hold, the wrong mode."""

    exit_code = REFUSED


# --- law ------------------------------------------------------------------------------------------------------------


class Recipient(StrEnum):
    """Who must be told."""

    INDIVIDUALS = "individuals"
    REGULATOR = "regulator"
    CONSUMER_REPORTING_AGENCIES = "consumer_reporting_agencies"
    MEDIA = "media"
    PUBLIC = "public"
    CONTROLLER = "controller"
    INSURER = "insurer"
    OTHER = "other"


class Duty(StrEnum):
    """What kind of telling it is."""

    INDIVIDUALS = "individuals"
    REGULATOR = "regulator"
    MEDIA = "media"
    CRA = "cra"
    PUBLIC = "public"
    PROCESSOR_TO_CONTROLLER = "processor_to_controller"
    CONTRACT = "contract"
    INSURER = "insurer"
    REGISTER = "register"  # the internal record that Art. 33(5) GDPR and others demand


class Stage(StrEnum):
    """Where in a recipient's series of reports a duty stands."""

    POSSIBILITY = "possibility"
    ASSESSMENT = "assessment"
    EARLY_WARNING = "early_warning"
    INITIAL = "initial"
    SUPPLEMENT = "supplement"
    INTERMEDIATE = "intermediate"
    FINAL = "final"
    ANNUAL = "annual"


class Confidence(StrEnum):
    """How well a version of an instrument is backed."""

    CORPUS = "corpus"  # a source was read, on the day given as `checked`
    MEMORY = "memory"  # general knowledge; not checked
    CONFLICT = "conflict"  # sources disagree; the chosen reading is stated


class ObligationState(StrEnum):
    OWED = "owed"
    NOT_OWED = "not_owed"
    UNDETERMINED = "undetermined"  # a fact is missing; treated as owed, and the fact is named


# --- people and their notices ---------------------------------------------------------------------------------------


class Role(StrEnum):
    """To whom a notice about a person is addressed."""

    SELF = "self"
    GUARDIAN = "guardian"  # of a minor
    NEXT_OF_KIN = "next_of_kin"  # of a person who has died
    CUSTOMER_ORGANISATION = "customer_organisation"  # a controller whose people's data we process


class Channel(StrEnum):
    EMAIL = "email"
    SMS = "sms"
    LETTER = "letter"
    CALL_LIST = "call_list"  # a list that people dial from; the outcome is typed in
    VOICE = "voice"  # a call that a machine speaks; nothing is said before the person has confirmed who they are
    PUSH = "push"  # a signed message to the organisation's own app
    PUBLIC = "public"  # a page or a press release; belongs to nobody's ladder


class Slot(StrEnum):
    """The closed list of what may differ between two people of one segment."""

    SALUTATION = "salutation"  # neutral: words cannot agree with a person
    NAME = "name"
    ADDRESSEE = "addressee"  # who the envelope names: the person, the guardian, the next of kin
    ADDRESS = "address"  # lines, joined by newline
    REFERENCE = "reference"  # short, readable over the telephone
    CODE = "code"  # a remedy's code, such as for credit monitoring
    VERIFICATION_CODE = "verification_code"  # proves to the reader that the notice is ours
    MINOR_NAME = "minor_name"
    OWN_DATES = "own_dates"


class DeliveryState(StrEnum):
    """One rung of one person's notice. Arrows are decided by planning.fold and nowhere else."""

    PLANNED = "planned"  # -> ready | suppressed
    READY = "ready"  # -> claimed | suppressed; a not-before may make it wait
    CLAIMED = "claimed"  # -> handing_off | ready | suppressed; nothing has left yet, safe to claim again
    HANDING_OFF = "handing_off"  # -> accepted | ready | undeliverable | unknown; committed before the last byte leaves
    ACCEPTED = "accepted"  # -> delivered | undeliverable; the carrier took responsibility
    DELIVERED = "delivered"  # -> undeliverable (late evidence); evidence that it arrived, never that it was read
    UNDELIVERABLE = "undeliverable"  # final for this rung; the next rung opens
    UNKNOWN = "unknown"  # -> accepted | ready (flagged possible duplicate) | undeliverable; a crash hid the outcome
    SUPPRESSED = "suppressed"  # final, with a reason; never sent


OPEN_STATES = frozenset(
    {
        DeliveryState.PLANNED,
        DeliveryState.READY,
        DeliveryState.CLAIMED,
        DeliveryState.HANDING_OFF,
        DeliveryState.UNKNOWN,
    }
)
TOLD_STATES = frozenset({DeliveryState.ACCEPTED, DeliveryState.DELIVERED})
# Where a carrier's word that it took the notice tells nobody: only evidence from the person's side counts as told.
PROVEN_ONLY = frozenset({Channel.CALL_LIST, Channel.VOICE, Channel.PUSH})


class Outcome(StrEnum):
    """What one hand-off to a carrier came to. The carrier's own code and text are kept beside it."""

    ACCEPTED = "accepted"  # responsibility taken (SMTP 250 after the dot, HTTP 201, batch sealed)
    DEFERRED = "deferred"  # not now; try this rung again later
    REFUSED = "refused"  # this address will not work; try the next rung
    BLOCKED = "blocked"  # our own fault or the carrier's policy (5.7.x, 20003): stop the channel, keep the person
    UNKNOWN = "unknown"  # it may have left; never repeated without the channel's rule


class Evidence(StrEnum):
    """What a receipt says, after the hand-off."""

    DELIVERED = "delivered"
    BOUNCED_HARD = "hard"  # the address does not work
    BOUNCED_SOFT = "soft"  # full or busy; the relay may still try
    BLOCKED = "policy"  # refused for what we are or sent, not for the address
    COMPLAINT = "complaint"
    AUTO_REPLY = "auto_reply"  # says nothing about delivery
    RETURNED = "returned"  # a letter came back


class SuppressionReason(StrEnum):
    DECEASED = "deceased"
    PROTECTED = "protected"
    WITHDRAWN = "withdrawn"  # a later scope no longer lists the person
    CHANGED = "changed"  # the person changed after approval; a follow-up wave has them
    LEAF_MISMATCH = "leaf_mismatch"  # the row is not what was approved
    WINDOW_OVER = "window_over"  # the wave's window closed before it left; a follow-up wave has them
    SUPERSEDED = "superseded"  # an earlier rung already reached them
    DIRECTED = "directed"  # an authority or a person in charge said so


class RecipientKind(StrEnum):
    """Kinds that a hold can name: a police delay stops notices, not filings."""

    NOTICES = "notices"
    FILINGS = "filings"
    PUBLIC = "public"


class HoldScope(StrEnum):
    INCIDENT = "incident"
    WAVE = "wave"
    CHANNEL = "channel"
    RECIPIENT_KIND = "recipient_kind"
    PERSON = "person"


class WaveKind(StrEnum):
    FIRST = "first"
    FOLLOW_UP = "follow_up"  # people new or changed since the first
    SUPPLEMENTARY = "supplementary"  # people already told, of whom more was exposed
    CORRECTION = "correction"


class Seat(StrEnum):
    """Roles of people who work with Tocsin. An approval needs two people, one of them legal or dpo."""

    LEAD = "lead"
    PREPARER = "preparer"
    LEGAL = "legal"
    DPO = "dpo"
    COMMS = "comms"
    SENDER = "sender"
    OBSERVER = "observer"
    AUDITOR = "auditor"


DECIDING_SEATS = frozenset({Seat.LEGAL, Seat.DPO})


class Mode(StrEnum):
    LIVE = "live"
    EXERCISE = "exercise"


# --- what a notice must say -----------------------------------------------------------------------------------------


class Element(StrEnum):
    """Content that a law can demand of a notice or a public page. Instruments list these; the linter looks for them."""

    WHAT_HAPPENED = "what_happened"
    CAUSE = "cause"
    DATE_OF_BREACH = "date_of_breach"
    DATE_OF_DISCOVERY = "date_of_discovery"
    DATE_OF_NOTICE = "date_of_notice"
    DATA_INVOLVED = "data_involved"
    LIKELY_CONSEQUENCES = "likely_consequences"
    MEASURES = "measures"  # taken or to be taken by the organisation
    SELF_PROTECTION = "self_protection"  # what the reader can do
    REMEDY = "remedy"  # what is offered to the reader
    CONTACT = "contact"  # a named contact point
    CONTACT_TOLL_FREE = "contact_toll_free"
    CREDIT_BUREAUS = "credit_bureaus"  # names, toll-free numbers, addresses
    AGENCIES = "agencies"  # state and federal agencies on identity theft, with number and site
    LAW_ENFORCEMENT_DELAY = "law_enforcement_delay"  # whether notice was delayed by an investigation
    PASSWORD_CHANGE = "password_change"  # noqa: S105 - the name of an element of content
    POLICE_REPORT_RIGHT = "police_report_right"
    SECURITY_FREEZE = "security_freeze"
    MONITORING_OFFER = "monitoring_offer"
    ORGANISATION_NAME = "organisation_name"
    PARENT_NAME = "parent_name"
    BIOMETRIC_INSTRUCTIONS = "biometric_instructions"
    NUMBER_AFFECTED = "number_affected"  # how many people the incident touched
    FCRA_RIGHTS = "fcra_rights"  # rights under the federal Fair Credit Reporting Act


class Severity(StrEnum):
    ERROR = "error"  # approval is refused while it stands
    WARNING = "warning"  # a person may override it with a reason
    NOTE = "note"  # says what could not be checked; stops nothing


@dataclass(frozen=True, slots=True)
class Finding:
    """What a linter says of one text."""

    law: str
    citation: str
    element: str
    severity: Severity
    where: str
    remedy: str
    part: str = ""  # the file of words to mend
    segment: str = ""  # whose text it is; empty where there is only one


# --- time -----------------------------------------------------------------------------------------------------------


class Clock(Protocol):
    """Civil time (may be virtual) for law and records; lease time (real, never virtual) for claims."""

    def now(self) -> datetime:
        """Civil time, UTC."""

    def lease(self) -> datetime:
        """Real time, UTC. Only compared with other lease times; correctness rests on fencing tokens, not on it."""


@dataclass(slots=True)
class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def lease(self) -> datetime:
        return datetime.now(UTC)


@dataclass(slots=True)
class VirtualClock:
    """For exercises: civil time stands still until it is set; lease time stays real."""

    civil: datetime

    def now(self) -> datetime:
        return self.civil

    def lease(self) -> datetime:
        return datetime.now(UTC)


def micros(at: datetime) -> int:
    """Microseconds since 1970-01-01 UTC. Refuses naive times."""
    if at.tzinfo is None:
        raise ValueError("a naive time has no instant")
    delta = at.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


# --- canonical form and digests -------------------------------------------------------------------------------------


def canonical(value: Any) -> str:
    """Canonical JSON: sorted keys, no spaces, UTF-8; the text that is hashed is the text that is stored."""
    return _ENCODER.encode(value) if _ENCODE is None else "".join(_ENCODE(value, 0))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, frozenset | set):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no canonical form")


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)
# JSONEncoder.encode makes this anew for each text; made once, it costs half. None on a Python without the C part.
_MAKE: Any = getattr(encoder, "c_make_encoder", None)
_ENCODE: Any = _MAKE and _MAKE(None, _plain, encoder.encode_basestring, None, ":", ",", True, False, True)


def sha256(data: str | bytes) -> str:
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


def digest(value: Any) -> str:
    """SHA-256 of the canonical form, as hex."""
    return sha256(canonical(value))


_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")


def check_slug(value: str, where: str) -> str:
    """An identifier that is safe as a file name and in a URL."""
    if not _ID.fullmatch(value) or ".." in value:
        raise BadInput(
            where, f"id {value!r} is not usable.", "Use lower-case letters, digits, '-', '_' and '.', at most 80."
        )
    return value


@dataclass(frozen=True, slots=True)
class Person:
    """What decisions may know of one person: codes and flags, nothing that names them."""

    id: str
    residence: str  # ISO 3166-1 or -2
    language: str
    role: Role
    elements: frozenset[str]  # own exposed elements, words of models/vocabulary/elements.toml
    minor: bool = False
    deceased: bool = False
    protected: bool = False
    consent_email: bool = False
    has_email: bool = False
    has_phone: bool = False
    has_mobile: bool = False
    has_address: bool = False
    customer: str = ""
    has_app: bool = False  # signed in to the organisation's app


# --- what goes to a carrier -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Contacts:
    """Where one person can be reached. Normalised; empty strings mean none."""

    email: str = ""
    phone: str = ""  # E.164
    address: tuple[str, ...] = ()  # lines below the addressee, the country last
    country: str = ""  # ISO 3166-1 of the address
    app: str = ""  # the person's id in the organisation's own app
    large_print: bool = False  # asked for letters in large print

    def as_data(self) -> dict[str, Any]:
        """As `dataclasses.asdict`, without its copying: it is done for every person of a wave."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class SegmentSpec:
    """All that one segment's words depend on, besides the facts. Planning makes it, templates render it."""

    segment: str  # planning.segment.Key.text
    language: str
    role: Role
    form: str = "general"  # a prescribed form of templates/outlines.toml
    laws: tuple[str, ...] = ()  # regime ids
    elements: tuple[Element, ...] = ()  # what these laws demand of the text
    supplements: tuple[str, ...] = ()  # templates/<language>/supplements
    blocks: tuple[str, ...] = ()  # templates/<language>/blocks
    exposed: tuple[str, ...] = ()  # what every person of the segment lost; words of models/vocabulary
    monitoring_months: int = 0  # the longest that a law of the segment demands; 0: none does


@dataclass(frozen=True, slots=True)
class Wording:
    """One segment's text in one channel, rendered once. Slots stand as markers (templates.render.MARK)."""

    segment: str
    channel: Channel
    language: str
    subject: str = ""  # email
    text: str = ""  # email's text part, SMS, call script, press release
    html: str = ""  # email's HTML part, public page
    typst: str = ""  # letter body, typst markup
    short: str = ""  # public: the notice as a newspaper prints it; call list: what people ask, and the answers
    slots: tuple[Slot, ...] = ()

    def digest(self) -> str:
        return digest({n: getattr(self, n) for n in self.__slots__})


@dataclass(frozen=True, slots=True)
class Message:
    """One person's merged notice, ready for a carrier. Lives in memory only."""

    delivery: str  # id
    notice: str  # id; email's Message-ID is made from it
    channel: Channel
    language: str
    to: Contacts
    slots: Mapping[str, str]
    subject: str = ""
    text: str = ""
    html: str = ""
    wording: str = ""  # digest; letters print by wording, with slots as data
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Handoff:
    """What came of handing a message to a carrier."""

    delivery: str
    outcome: Outcome
    code: str = ""  # the carrier's own: "550 5.1.1", "21211"
    detail: str = ""  # raw answer, cut to 200 characters, addresses removed
    reference: str = ""  # the carrier's id: Twilio sid, batch hash and page range
    retry_after: float | None = None  # seconds, when the carrier says so
    host_wide: bool = False  # trouble of the whole line, not of this recipient: don't count it against their attempts


@dataclass(frozen=True, slots=True)
class Receipt:
    """Evidence about an earlier hand-off, matched to a delivery or not."""

    evidence: Evidence
    at: datetime
    delivery: str = ""  # empty: an orphan, kept and listed, never guessed at
    code: str = ""
    source: str = ""  # dsn, twilio, returned_letter, call_list, voice, app
    digest: str = ""  # of the raw receipt: the same receipt twice counts once
