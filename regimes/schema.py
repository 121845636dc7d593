"""The shape of an instrument of law: dated versions, their duties, and what they demand of notices and reports.

Frozen values only; `load` makes them from TOML and refuses what it does not understand. Nothing here decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from models.values import Channel, Confidence, Duty, Element, Recipient, Role, Stage

# --- closed words ---------------------------------------------------------------------------------------------------


class Status(StrEnum):
    IN_FORCE = "in_force"
    ENACTED_NOT_IN_FORCE = "enacted_not_in_force"  # never owed; named in `law list`
    PROPOSAL_NOT_LAW = "proposal_not_law"  # never owed
    VOLUNTARY = "voluntary"  # given as an obligation with voluntary = true
    RECOMMENDED_STANDARD = "recommended_standard"  # likewise
    NO_DUTY = "no_duty"  # the country was looked at and demands nothing
    IN_FORCE_BUT_NOT_OPERATIONAL = "in_force_but_not_operational"  # no authority to file with yet; owed


APPLIED = frozenset(
    {Status.IN_FORCE, Status.VOLUNTARY, Status.RECOMMENDED_STANDARD, Status.IN_FORCE_BUT_NOT_OPERATIONAL}
)


class Unit(StrEnum):
    MINUTES = "minutes"
    HOURS = "hours"  # elapsed, unless the counting rule drops the event's hour
    CALENDAR_DAYS = "calendar_days"
    BUSINESS_DAYS = "business_days"  # of the authority's calendar
    WEEKS = "weeks"
    MONTHS = "months"
    FIXED_DATE = "fixed_date"  # a month and day of the year after the anchor's


class Reach(StrEnum):
    """Whose people a duty covers."""

    EVERYONE = "everyone"
    RESIDENTS = "residents"  # of the obligation's jurisdiction
    ESTABLISHED = "everyone_if_established"  # in a rule only: everyone when the organisation is established there


class Per(StrEnum):
    """Into how many obligations a duty falls."""

    INSTRUMENT = "instrument"  # one, for the instrument's own place
    PLACE = "place"  # one per place of the instrument where people live (HIPAA's media)
    SUPERVISOR = "supervisor"  # GDPR: the lead authority, or one per Member State without an EU establishment


class MetWhen(StrEnum):
    """Which event meets a duty."""

    DISPATCH = "dispatch"  # accepted for the last person owed, or the lawful public notice posted
    RECEIPT = "receipt"  # the filing's receipt recorded
    POSTING = "posting"  # the public posting or release


class Enforcement(StrEnum):
    REFUSE = "refuse"
    WARN = "warn"


class Force(StrEnum):
    ALLOWED = "allowed"
    OWED = "owed"


class Base(StrEnum):
    """What a count counts."""

    RESIDENTS = "residents"  # of the duty's jurisdiction, or of the place that the test names
    TOTAL = "total"  # every individual of the incident
    PERSONS_NOTIFIED = "persons_notified"  # everyone who must be told at one time; taken as the total
    INSUFFICIENT_CONTACT = "insufficient_contact"
    NOTICE_COST = "notice_cost"  # in the currency that the test names
    MINORS = "minors"
    BROKERED_ACCOUNTS = "brokered_accounts"


class Op(StrEnum):
    AT_LEAST = "at_least"
    MORE_THAN = "more_than"
    LESS_THAN = "less_than"
    AT_MOST = "at_most"


class ChannelWhen(StrEnum):
    """For whom a channel of direct notice is lawful."""

    ALWAYS = "always"
    CONSENT_EMAIL = "consent_email"  # the person agreed to electronic notice and has not withdrawn
    PRIMARY_MEANS = "primary_means"  # consent, or electronic is how the organisation usually talks to the person
    URGENT = "urgent"  # imminent misuse; beside the other channels, not instead
    NEVER = "never"


class Means(StrEnum):
    """Ways of substitute notice."""

    ALTERNATIVE_WRITTEN = "alternative_written"
    TELEPHONE = "telephone"
    OTHER = "other"
    EMAIL = "email"
    WEBSITE = "website"
    STATEWIDE_MEDIA = "statewide_media"
    MAJOR_MEDIA = "major_media"  # print or broadcast, where the people likely live
    PUBLIC_COMMUNICATION = "public_communication"
    TOLL_FREE = "toll_free"


# --- conditions -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FactTest:
    """A fact compared: `is_`, or one of `any_of`, or (for lists and elements) containing one of `contains`.

    `assumed`: what is taken when nobody stated the fact, where the law itself puts the burden on one side.
    """

    key: str
    any_of: tuple[bool | str, ...] = ()
    contains: frozenset[str] = frozenset()
    assumed: bool | None = None
    because: str = ""


@dataclass(frozen=True, slots=True)
class CountTest:
    base: Base
    op: Op
    number: int
    place: str = ""  # "" is the duty's jurisdiction
    currency: str = ""
    because: str = ""


@dataclass(frozen=True, slots=True)
class PlaceTest:
    """Whether the organisation is established, or people live, in an area."""

    how: str  # established | residents
    area: str
    because: str = ""


@dataclass(frozen=True, slots=True)
class OrderTest:
    """Whether an authority has ordered a duty: an `[[order]]` of the facts by it (part of its name, or its slug).

    An order that names another duty is no such order; one that names no duty leaves it unknown.
    """

    authority: str
    duty: Duty
    because: str = ""


@dataclass(frozen=True, slots=True)
class Every:
    of: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Either:
    of: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    of: Condition


Condition = FactTest | CountTest | PlaceTest | OrderTest | Every | Either | Not

# --- clocks ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SubmissionRef:
    """An earlier telling that starts a clock. Empty words mean: of the same regime, any.

    With `form` (oral, written) only a telling of that form starts it, and one of another form shows that nothing
    follows; a telling whose form nobody stated is taken to be of that form.
    """

    duty: str
    stage: str = ""
    regime: str = ""
    form: str = ""


@dataclass(frozen=True, slots=True)
class Deadline:
    """One period: a number of units from an anchor. Value None means that the law gives no number."""

    value: int | None
    unit: Unit | None
    anchor: str  # a time of the facts, `submission`, `year_end` or `order`
    else_from: tuple[str, ...] = ()  # times that mean the same when the anchor is not stated
    safe_from: tuple[str, ...] = ()  # earlier times: used for `due_safe`, and as if, when the anchor is not stated
    submission: SubmissionRef | None = None  # with anchor `submission`
    year_of: str = ""  # with anchor `year_end`: the time whose calendar year ends
    month: int = 0  # with unit fixed_date
    day: int = 0
    counting: str = ""  # a rule of counting.toml; "" is the version's
    qualifier: str = ""
    citation: str = ""


@dataclass(frozen=True, slots=True)
class CountingRule:
    """How a law counts a period. Every field is data of counting.toml."""

    name: str
    citation: str
    text: str
    confidence: Confidence
    sources: tuple[str, ...]
    next_full_hour: bool  # hours run from the next full hour
    event_day: int  # 0: the day after the event is day 1; 1: the event's day is day 1
    roll: tuple[str, ...]  # units whose last day moves on to the next working day
    roll_hour: int  # 24: the end of that day; 12: its noon
    weekend: tuple[int, ...]  # Monday is 0
    closed: tuple[str, ...]  # MM-DD days on which the authority is closed, beside its public holidays
    working_holidays: tuple[
        str, ...
    ] = ()  # days of the calendar that this law does not take as holidays, by their name
    disputed_working_days: int = 0  # a disputed reading: a period holds at least so many; shown, never taken
    disputed_citation: str = ""


# --- what a law demands of texts ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ContentItem:
    """One thing that a notice to individuals must contain; `exposed` narrows it to people who lost one of these."""

    element: Element
    citation: str
    exposed: frozenset[str] = frozenset()
    when: Condition | None = None
    confidence: Confidence = Confidence.CORPUS
    note: str = ""


@dataclass(frozen=True, slots=True)
class ChannelRule:
    channel: Channel
    when: ChannelWhen = ChannelWhen.ALWAYS
    together_with: tuple[Channel, ...] = ()
    citation: str = ""
    because: str = ""
    confidence: Confidence = Confidence.CORPUS
    live: bool = False  # spoken by a person: no recording and no machine


@dataclass(frozen=True, slots=True)
class Monitoring:
    """Identity-theft services that must be offered free, to people who lost one of these elements."""

    months: int
    exposed: frozenset[str]
    citation: str
    when: Condition | None = None
    confidence: Confidence = Confidence.CORPUS
    note: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """What the notice to individuals must be."""

    elements: tuple[ContentItem, ...] = ()
    prohibited: tuple[str, ...] = ()  # nature_of_breach, number_of_residents
    form: str = ""  # a prescribed form (title, headings, order)
    supplement: str = ""  # words of its own beside the base text
    channels: tuple[ChannelRule, ...] = ()  # in order of preference
    monitoring: tuple[Monitoring, ...] = ()
    languages: tuple[str, ...] = ()  # that the law prescribes; empty: plain language, the reader's
    credentials_not_to_same_mailbox: bool = False
    next_of_kin: bool = False  # of people who have died
    none_prescribed: bool = False  # the text was read, and it prescribes no content
    citation: str = ""

    @property
    def content_settled(self) -> bool:
        """Whether the content is known: what it must be, or that the law prescribes none."""
        return bool(self.elements) or self.none_prescribed


@dataclass(frozen=True, slots=True)
class SubstituteTier:
    """When notice to each person may or must give way to another, and what that other is."""

    id: str
    when: Condition
    force: Force
    means: tuple[Means, ...]
    mode: str  # all | any | any_2: whether the means add up, one is enough, or two are
    citation: str
    because: str
    confidence: Confidence
    days: int | None = None  # that a posting must stay up
    toll_free_days: int | None = None
    beside: bool = False  # in addition to individual notice, not instead
    not_for: tuple[Role, ...] = ()


MODES = ("all", "any", "any_2")


def means_needed(mode: str, means: tuple[Means, ...]) -> int:
    """How many of these means of substitute notice must be used together."""
    return {"all": len(means), "any": min(1, len(means)), "any_2": min(2, len(means))}[mode]


def means_said(mode: str, means: tuple[Means, ...]) -> str:
    """Means as one clause: `email and website`, `email or website`, `two of email, website, statewide media`."""
    names = [word.value.replace("_", " ") for word in means]
    if mode == "any_2" and len(names) > 2:
        return f"two of {', '.join(names)}"
    return (" or " if mode == "any" else " and ").join(names)


@dataclass(frozen=True, slots=True)
class ReportItem:
    """One thing that a report to an authority must contain; a word of vocabulary/report.toml."""

    element: str
    citation: str = ""
    when: Condition | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What a report must contain, in the authority's order. Empty `authorities` or `stages`: all."""

    form: str
    items: tuple[ReportItem, ...]
    authorities: tuple[str, ...] = ()  # slugs
    stages: tuple[Stage, ...] = ()
    citation: str = ""


# --- duties, versions, instruments ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Authority:
    slug: str
    name: str
    filing: str = ""  # where and how to file, where known
    place: str = ""  # whose calendar and zone it keeps; "" is the instrument's


# How several deadlines of one duty make one: the earliest, the latest, or `capped`. The second of a capped pair limits
# the first, unless the first one's clock starts only after that limit: then the first stands alone.
COMBINE = ("earliest", "latest", "capped")


@dataclass(frozen=True, slots=True)
class DutyRule:
    """One telling that a version demands: of whom, when, by when."""

    duty: Duty
    recipient: Recipient
    stage: Stage
    citation: str
    confidence: Confidence
    checked: date | None
    authorities: tuple[Authority, ...]  # empty: none (individuals, media)
    when: Condition | None
    deadlines: tuple[Deadline, ...]
    combine: str  # one of COMBINE
    qualifier: str
    per: Per
    place: str  # whose residents count; "" is the instrument's
    reach: Reach
    met_when: MetWhen
    roles: tuple[str, ...]  # whom it binds: controller, processor; empty: anyone
    tolled: bool  # whether a law-enforcement delay stops it
    name: str = ""  # tells two duties of the same kind apart in ids
    voluntary: bool = False
    despite_exceptions: bool = False  # owed because an exception is used, such as telling an authority of it


@dataclass(frozen=True, slots=True)
class PrecedenceRule:
    """`before` must be told before `after`; both are words of duty."""

    before: Duty
    after: Duty
    enforcement: Enforcement
    citation: str
    because: str
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class LawEnforcement:
    """What a delay asked for by law enforcement does to the duties that are marked `tolled`."""

    citation: str
    oral_days: int | None = None  # an oral request holds at most so long, unless it is written down
    resume_days: int = 0  # after clearance; the original due stands if it is later
    resume_business_days: int = 0  # likewise, in working days of the authority's place; one of the two
    confidence: Confidence = Confidence.CORPUS


@dataclass(frozen=True, slots=True)
class Version:
    """The text of an instrument between two dates."""

    regime: str
    from_: date
    until: date | None  # last day; None: still so
    status: Status
    citation: str
    sources: tuple[str, ...]
    checked: date | None
    confidence: Confidence
    transition: str  # the time whose date picks this version; "" is each duty's own anchor
    counting: str
    duties: tuple[DutyRule, ...]
    applies: Condition | None  # to whom; false: nothing is owed, and said so
    personal_information: Condition | None  # what must have been exposed
    exceptions: tuple[Condition, ...]  # any one true: nothing is owed
    orders: tuple[PrecedenceRule, ...] = ()
    law_enforcement: LawEnforcement | None = None
    notice: Notice | None = None
    substitute: tuple[SubstituteTier, ...] = ()
    reports: tuple[Report, ...] = ()
    retention: str = ""
    notes: tuple[str, ...] = ()
    omits: tuple[str, ...] = ()  # what this file leaves out

    @property
    def id(self) -> str:
        """`us-ca@2026-01-01`: what an obligation keeps as its law version."""
        return f"{self.regime}@{self.from_.isoformat()}"

    def report_for(self, authority: str, stage: Stage) -> Report | None:
        """The report that an authority (by slug) wants at a stage."""
        for report in self.reports:
            if (not report.authorities or authority in report.authorities) and (
                not report.stages or stage in report.stages
            ):
                return report
        return None


@dataclass(frozen=True, slots=True)
class Instrument:
    id: str
    name: str
    place: str  # a place or group of vocabulary/places.toml
    kind: str  # personal_data | cyber_incident | sector
    nexus: Condition | None  # its tie to the facts, mostly places; false: the instrument is not mentioned at all
    versions: tuple[Version, ...]  # by date
    zone: str = ""  # IANA; "" is the place's, else the organisation's
    file: str = ""

    def version(self, law_version: str) -> Version:
        """The version of an obligation's `law_version`. KeyError when the file no longer holds it."""
        for version in self.versions:
            if version.id == law_version:
                return version
        raise KeyError(law_version)
