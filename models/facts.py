"""The facts of one incident: a TOML file in, a frozen `Facts` out. Standard library only.

Every fact is a value, a range `{min, max}` or unknown. Unknown equals absence and is never treated as no. The reader is strict:
an unknown key, word, element, sector or place, a time without offset, a negative count are refused with the file, the key and the
remedy. A bare date means that whole day in the organisation's zone.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import Enum, StrEnum
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from models import vocabulary
from models.values import BadInput, Duty, Element, Stage

# --- values ---------------------------------------------------------------------------------------------------------


class Unknown(Enum):
    """The one value of every fact that nobody stated."""

    UNKNOWN = "unknown"

    def __bool__(self) -> bool:
        return False


UNKNOWN: Final = Unknown.UNKNOWN


@dataclass(frozen=True, slots=True)
class Count:
    """How many; an end that is None is not known. Never negative, `min` is never above `max`."""

    min: int | None
    max: int | None

    @property
    def exact(self) -> int | None:
        return self.min if self.min == self.max else None

    def __str__(self) -> str:
        if self.exact is not None:
            return f"{self.exact:,}"
        return f"{'?' if self.min is None else format(self.min, ',')} to {'?' if self.max is None else format(self.max, ',')}"


@dataclass(frozen=True, slots=True)
class Moment:
    """When; an interval whose ends may be unknown. `dated`: it was given by days, and `first` and `last` are those days."""

    earliest: datetime | None
    latest: datetime | None
    dated: bool = False
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True)
class Elements:
    """What was exposed: at least these; at most those, or None when more may come."""

    at_least: frozenset[str]
    at_most: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Money:
    amount: Count  # whole units of the currency
    currency: str  # ISO 4217


@dataclass(frozen=True, slots=True)
class Period:
    """A deadline that somebody promised or agreed: value None means no number."""

    value: int | None
    unit: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Organisation:
    name: str = ""
    country: str = ""  # ISO 3166-1
    role: str = ""  # controller | processor; "" is unknown
    sectors: frozenset[str] | None = None
    establishments: frozenset[str] | None = None  # ISO 3166-1
    main_establishment: str = ""
    representative: str = ""
    timezone: str = ""  # IANA


@dataclass(frozen=True, slots=True)
class Narrative:
    """The story in an editor's words. An empty text is not known yet."""

    what_happened: str = ""
    cause: str = ""
    impact: str = ""
    measures_taken: str = ""
    measures_planned: str = ""
    advice: str = ""
    remedies: str = ""
    contact: str = ""
    not_affected: str = ""


@dataclass(frozen=True, slots=True)
class Submission:
    """Something that has been told or filed."""

    regime: str
    duty: str
    at: Moment
    authority: str = ""
    stage: str = ""
    jurisdiction: str = ""
    receipt: str = ""
    form: str = ""  # oral | written
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Order:
    """A regulator's order; it is an obligation too."""

    authority: str
    due: Moment
    at: Moment | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Promise:
    """What the organisation's own policy promises."""

    name: str
    text: str
    to: tuple[str, ...] = ("individuals",)
    deadline: Period | None = None
    channels: tuple[str, ...] = ()
    public_when_difficult: bool = False
    content: tuple[str, ...] = ()  # words of values.Element; empty: those of regimes/promise.toml


@dataclass(frozen=True, slots=True)
class Contract:
    customer: str
    deadline: Period | None = None
    contact: str = ""
    people: Count | None = None


Value = (
    bool | str | int | float | Count | Moment | Elements | Money | frozenset[str] | Mapping[str, str] | tuple[Any, ...] | Unknown
)

# --- the words that a file may use ----------------------------------------------------------------------------------


class Kind(StrEnum):
    BOOL = "true or false"
    TEXT = "a text"
    PROSE = "a text, or a table of texts by language"
    WORD = "one word of a list"
    WORDS = "a list of words"
    COUNTRY = "an ISO 3166-1 code"
    COUNTRIES = "a list of ISO 3166-1 codes"
    ZONE = "an IANA time zone"
    MOMENT = "an ISO 8601 time with offset, or a date"
    CLEARED = "true or false, or the time when it was cleared"
    ELEMENTS = "a list of exposed elements"
    COUNT = "a whole number that is not negative"
    MONEY = "a table of amount and currency"
    NUMBER = "a number"


def _keys(table: str, kind: Kind, names: str) -> dict[str, Kind]:
    return {f"{table}.{name}": kind for name in names.split()}


KEYS: Final[dict[str, Kind]] = {
    **_keys("organisation", Kind.TEXT, "name representative"),
    **_keys("organisation", Kind.COUNTRY, "country main_establishment"),
    **_keys("organisation", Kind.COUNTRIES, "establishments"),
    **_keys("organisation", Kind.WORD, "role"),
    **_keys("organisation", Kind.WORDS, "sectors free_zones"),
    **_keys("organisation", Kind.ZONE, "timezone"),
    **_keys("organisation", Kind.BOOL, "small_business relevant_digital_service"),
    **_keys("incident", Kind.WORD, "kind"),
    **_keys("incident", Kind.BOOL, "actively_exploited"),
    **_keys(
        "times",
        Kind.MOMENT,
        "occurred_from occurred_until detected suspected discovered aware confirmed determined assessed classified scope_known "
        "persons_identified contained restored fix_available handling_done materiality_determined ransom_paid processor_aware "
        "controller_informed individuals_notified",
    ),
    **_keys("data", Kind.ELEMENTS, "elements"),
    **_keys("data", Kind.WORDS, "nature"),
    **_keys("data", Kind.TEXT, "cause"),
    **_keys("data", Kind.WORD, "medium"),
    **_keys(
        "data",
        Kind.BOOL,
        "encrypted key_compromised acquired accessed exfiltrated backup unsecured_phi malicious within_organisation_only "
        "inadvertent_by_authorized_person recipient_trusted database_level material_part",
    ),
    **_keys(
        "people_detail",
        Kind.COUNT,
        "total insufficient_contact insufficient_contact_next_of_kin minors deceased brokered_accounts",
    ),
    **_keys("people_detail", Kind.MONEY, "notice_cost"),
    **_keys("risk", Kind.WORD, "gdpr service_impact"),
    **_keys(
        "risk",
        Kind.BOOL,
        "significant_harm harm_unlikely real_risk_of_significant_harm significant_incident critical_services_affected "
        "national_security",
    ),
    **_keys("risk", Kind.MOMENT, "harm_unlikely_determined"),
    **_keys("risk", Kind.TEXT, "reasons"),
    **_keys("risk.enisa", Kind.NUMBER, "dpc ei cb_confidentiality cb_integrity cb_availability cb_malicious"),
    **_keys("law_enforcement", Kind.WORD, "form"),
    **_keys("law_enforcement", Kind.MOMENT, "from until"),
    **_keys("law_enforcement", Kind.CLEARED, "cleared"),
    **_keys(
        "narrative",
        Kind.PROSE,
        "what_happened cause impact measures_taken measures_planned advice remedies contact not_affected",
    ),
}

WORDS: Final[dict[str, frozenset[str]]] = {
    "organisation.role": frozenset({"controller", "processor"}),
    "incident.kind": frozenset({"incident", "vulnerability"}),
    "data.nature": frozenset({"confidentiality", "integrity", "availability"}),
    "data.medium": frozenset({"electronic", "paper", "both"}),
    "risk.gdpr": frozenset({"unlikely", "risk", "high"}),
    "risk.service_impact": frozenset({"relevant", "significant"}),
    "law_enforcement.form": frozenset({"oral", "written"}),
}
VOCABULARY: Final = {"organisation.sectors": "sectors", "organisation.free_zones": "free_zones"}

LISTS: Final[dict[str, frozenset[str]]] = {
    "submission": frozenset("regime duty authority stage jurisdiction at receipt form complete".split()),
    "order": frozenset("authority at due text".split()),
    "promise": frozenset("name text to deadline channels public_when_difficult content".split()),
    "contract": frozenset("customer deadline contact people".split()),
}
TABLES: Final = frozenset({*(key.split(".")[0] for key in KEYS), "people"})
TOP: Final = frozenset({"id", "title", "sources", *TABLES, *LISTS})
ANCHORS: Final = frozenset(key.removeprefix("times.") for key in KEYS if key.startswith("times."))
UNITS: Final = frozenset({"minutes", "hours", "calendar_days", "business_days", "weeks", "months"})
PROMISE_CHANNELS: Final = frozenset({"email", "sms", "letter", "telephone", "notification", "push", "public", "call_list"})
DECLARED: Final = "declared"
