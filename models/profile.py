"""The organisation's profile: what every incident uses. One TOML file, read strictly."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from models import profile_tables
from models.values import BadInput

EXAMPLE = """# Who you are, for every incident. Lines that start with # are examples to fill in.
[organisation]
name = "Example Organisation"
postal_address = ["1 Example Street", "Sampletown", "IL 00000", "United States"]
country = "US"
timezone = "America/Chicago"
website = "https://www.example.org"

[contact]                      # whom a reader of a notice reaches
name = "Incident response line"
email = "incident@example.org"
phone = "+1 202-555-0100"
toll_free = "+1 800-555-0100"
hours = "Monday to Friday, 8 am to 8 pm"

[dpo]
name = "Data protection officer"
email = "dpo@example.org"

[sender]                       # how notices are signed and from where email comes
name = "Example Organisation"
email = "notice@example.org"
reply_to = "incident@example.org"
signatory = "The incident response team"

[reporter]                     # who signs reports to authorities
name = "Privacy officer"
contact = "privacy@example.org, +1 202-555-0101"

[remedy]                       # what you offer; leave out what you do not offer
# monitoring = "identity monitoring by Example Monitoring"
# monitoring_months = 24

[[on_call]]                    # who is alarmed about deadlines
name = "Duty lead"
email = "duty@example.org"
phone = "+12025550101"

[reviewed]                     # who has read the words of a language that was translated by machine, and when
# zh-Hans = "Name of the reader, 2026-11-24"

# [in_language.es]             # the words above as another language says them
# hours = "De lunes a viernes, de 8 a 20 h"

[retention]
people_days = 180              # after closing, names and contacts are erased

[ladder]                       # order of channels where the law leaves it to you
order = ["email", "sms", "letter", "call_list"]

[wave]
pilot = 50                     # deliveries of the pilot
bounce_limit = 0.05            # share of hard bounces at which a wave stops itself
cap = 2000000                  # most deliveries of one wave
window_hours = 720             # how long an approved wave may run

[cost]                         # for substitute notice by cost
letter = 1.10
email = 0.002
sms = 0.03                     # one part of a text message, where the table below has no price
currency = "USD"

[sms_price]                    # by country, for the estimate that `tocsin prepare` prints
# GB = 0.05

[sms_sender]                   # by country, where TOCSIN_TWILIO_FROM does not suit; other = a number for the rest
# GB = "Example"

[texts]                        # your policy, not a law's: by the clock of the person, a text leaves from 8 until 21
first = 8
last = 21
"""


@dataclass(frozen=True, slots=True)
class Organisation:
    name: str
    postal_address: tuple[str, ...] = ()
    country: str = ""
    timezone: str = "UTC"
    website: str = ""
    parent: str = ""
    identifier: str = ""  # a register's number, and which register
    identifier_kind: str = ""
    economic_activity: str = ""
    ownership: str = ""  # public | private, as a form asks
    size: str = ""
    lead_authority: str = ""


@dataclass(frozen=True, slots=True)
class Contact:
    name: str = ""
    email: str = ""
    phone: str = ""
    toll_free: str = ""
    hours: str = ""
    website: str = ""
    verify: str = ""  # page where a reader can check a notice's code
    who: str = ""  # contact for an authority: what this person is, as a form asks
    function: str = ""


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who signs reports to authorities."""

    name: str = ""
    contact: str = ""
    function: str = ""
    function_text: str = ""


@dataclass(frozen=True, slots=True)
class Representative:
    name: str = ""
    contact: str = ""


@dataclass(frozen=True, slots=True)
class Security:
    """Safeguards that were in place, as forms ask."""

    safeguards: tuple[str, ...] = ()
    safeguards_text: str = ""
    program: str = ""


@dataclass(frozen=True, slots=True)
class Hipaa:
    filed_by: str = ""
    entity_type: str = ""


@dataclass(frozen=True, slots=True)
class Sender:
    name: str = ""
    email: str = ""
    reply_to: str = ""
    signatory: str = ""
    envelope: str = ""  # a name of templates.sheets; by default that of the country
    duplex: bool = False  # letters are printed on both sides: each begins on a new leaf
    large_print: bool = False  # all letters in 18 points
    mailer_id: str = ""  # 6 or 9 digits from USPS: letters within the US then bear its barcode
    service_type: str = ""  # 3 digits from the USPS table of STIDs


@dataclass(frozen=True, slots=True)
class Printer:
    """The print house. Its address and token come from the environment (TOCSIN_PRINT_URL, TOCSIN_PRINT_TOKEN)."""

    name: str = ""
    folder: str = ""  # where batches are put, such as a folder of its SFTP server that is mounted here
    cut_off: str = "15:00"  # what comes later counts for the next print day
    timezone: str = ""  # the print house's; by default the organisation's
    days: tuple[str, ...] = ("mon", "tue", "wed", "thu", "fri")
    per_day: int = 0  # letters it prints in a day


@dataclass(frozen=True, slots=True)
class Remedy:
    monitoring: str = ""
    monitoring_months: int = 0


@dataclass(frozen=True, slots=True)
class OnCall:
    name: str
    email: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Retention:
    people_days: int = 180


@dataclass(frozen=True, slots=True)
class LadderOrder:
    order: tuple[str, ...] = ("email", "sms", "letter", "call_list")


@dataclass(frozen=True, slots=True)
class WaveDefaults:
    pilot: int = 50
    bounce_limit: float = 0.05
    cap: int = 2_000_000
    window_hours: int = 720
    ramp: float = 0.0  # share of a wave that goes after the pilot and before a wait; 0: none
    ramp_minutes: int = 60  # how long bounces and complaints then get to come in
    complaint_limit: float = 0.003  # share of complaints at which a wave stops itself
    commit: str = "strict"  # batch: 500 at once are committed as handing off; quicker, and as many may be in doubt


@dataclass(frozen=True, slots=True)
class WarmUpPlan:
    """What a sending domain may send a day, so that receivers get used to it. See planning.pace.WarmUp."""

    start: int = 0  # on the first day; 0: no warm-up
    growth: float = 1.5  # each day so many times as much
    most: int = 0  # on any day; 0: no limit
    since: str = ""  # the first day, as 2026-11-24; by default that of the first mail on record here


@dataclass(frozen=True, slots=True)
class DomainLimit:
    """Mails a minute to a group of recipients' domains."""

    name: str
    domains: tuple[str, ...] = ()
    per_minute: float = 0.0
    burst: int = 0


@dataclass(frozen=True, slots=True)
class Cost:
    letter: float = 0.0
    email: float = 0.0
    sms: float = 0.0
    currency: str = "USD"


@dataclass(frozen=True, slots=True)
class Guard:
    """Shares at which a wave waits for a person: this organisation's policy. See planning.guard.Limits."""

    deceased: float = 0.03
    minors: float = 0.30
    one_address: float = 0.02
    one_email: float = 0.02
    one_phone: float = 0.02
    odd_names: float = 0.01
    odd_addresses: float = 0.02
    strangers: float = 0.02
    shifted: float = 0.20
    list_days: int = 60
    fewest: int = 50

    def limits(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Calls:
    """Hours in which a machine may call, by the clock of the person called."""

    first: int = 9
    last: int = 20  # no call begins at or after it


@dataclass(frozen=True, slots=True)
class Texts:
    """Text messages: hours by the clock of the person, and what the provider may keep. All of it is policy."""

    first: int = 8
    last: int = 21  # none leaves at or after it
    validity_hours: float = 4.0  # one that can't be delivered for so long is given up
    discard_content: bool = False  # a feature of the account; a look-up can then no longer compare words
    obfuscate_address: bool = False  # a feature of the account


@dataclass(frozen=True, slots=True)
class Emails:
    """Hours by the clock of the person; the whole day unless you say otherwise: a mail wakes nobody."""

    first: int = 0
    last: int = 24


@dataclass(frozen=True, slots=True)
class Outlet:
    """A newspaper or broadcaster that releases go to."""

    name: str
    email: str = ""
    phone: str = ""
    place: str = ""  # ISO 3166-1 or -2 that it serves
    reach: str = "local"  # statewide, major or local
    language: str = "en"


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """A made-up person whom you keep in your data, so that a crossed list shows."""

    name: str
    email: str = ""
    phone: str = ""
    address: str = ""  # the first line


@dataclass(frozen=True, slots=True)
class Profile:
    organisation: Organisation
    contact: Contact = field(default_factory=Contact)
    dpo: Contact = field(default_factory=Contact)
    sender: Sender = field(default_factory=Sender)
    remedy: Remedy = field(default_factory=Remedy)
    on_call: tuple[OnCall, ...] = ()
    retention: Retention = field(default_factory=Retention)
    ladder: LadderOrder = field(default_factory=LadderOrder)
    wave: WaveDefaults = field(default_factory=WaveDefaults)
    cost: Cost = field(default_factory=Cost)
    printer: Printer = field(default_factory=Printer)
    reporter: Reporter = field(default_factory=Reporter)
    representative: Representative = field(default_factory=Representative)
    guard: Guard = field(default_factory=Guard)
    calls: Calls = field(default_factory=Calls)
    texts: Texts = field(default_factory=Texts)
    emails: Emails = field(default_factory=Emails)
    canaries: tuple[KnownPerson, ...] = ()
    outlets: tuple[Outlet, ...] = ()
    limits: tuple[DomainLimit, ...] = ()
    warm_up: WarmUpPlan = field(default_factory=WarmUpPlan)
    security: Security = field(default_factory=Security)
    hipaa: Hipaa = field(default_factory=Hipaa)
    sms_price: Mapping[str, float] = field(default_factory=dict)  # country -> price of one part; else cost.sms
    sms_sender: Mapping[str, str] = field(default_factory=dict)  # country or "other" -> sender
    reviewed: Mapping[str, str] = field(default_factory=dict)  # language -> who read its words, and when
    in_language: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # language -> name, hours, signatory
    promise: tuple[Mapping[str, Any], ...] = ()  # merged into an incident's facts, read there


_TABLES: dict[str, type] = {
    "organisation": Organisation,
    "contact": Contact,
    "dpo": Contact,
    "sender": Sender,
    "remedy": Remedy,
    "retention": Retention,
    "ladder": LadderOrder,
    "wave": WaveDefaults,
    "cost": Cost,
    "printer": Printer,
    "reporter": Reporter,
    "representative": Representative,
    "security": Security,
    "guard": Guard,
    "calls": Calls,
    "texts": Texts,
    "emails": Emails,
    "hipaa": Hipaa,
    "warm_up": WarmUpPlan,
}


def load_profile(path: Path) -> Profile:
    """The profile in `path`. Errors name file, table and key."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise BadInput(str(path), "there is no profile.", "`tocsin init` writes one to fill in.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(str(path), f"is not TOML: {error}.") from None
    except (ValueError, RecursionError):
        raise BadInput(str(path), "is nested too deeply, or holds a number too long to read.", "Mend it.") from None
    return parse_profile(data, str(path))


def parse_profile(data: Mapping[str, Any], file: str) -> Profile:
    known = [*_TABLES, "on_call", "canary", "outlet", "limits", "promise", "reviewed", "in_language"]
    known += ["sms_price", "sms_sender"]
    for name in data:
        if name not in known:
            raise BadInput(f"{file}: [{name}]", "is not a table of the profile.", _nearest(name, known))
    if "organisation" not in data:
        raise BadInput(f"{file}: [organisation]", "is missing.", "Every notice names the organisation.")
    _refuse_unknown_commit(data, file)
    tables = {name: _table(kind, data[name], f"{file}: [{name}]") for name, kind in _TABLES.items() if name in data}
    on_call = tuple(_table(OnCall, row, f"{file}: [[on_call]]") for row in data.get("on_call", ()))
    canaries = tuple(_table(KnownPerson, row, f"{file}: [[canary]]") for row in data.get("canary", ()))
    outlets = tuple(_table(Outlet, row, f"{file}: [[outlet]]") for row in data.get("outlet", ()))
    limits = tuple(_limit(row, f"{file}: [[limits]]") for row in data.get("limits", ()))
    reviewed = profile_tables.reviewed(data.get("reviewed", {}), f"{file}: [reviewed]")
    promises = tuple(data.get("promise", ()))
    rows: dict[str, Any] = {
        "on_call": on_call,
        "canaries": canaries,
        "outlets": outlets,
        "limits": limits,
        "promise": promises,
    }
    prices = profile_tables.prices(data.get("sms_price", {}), f"{file}: [sms_price]")
    _check_hours(tables, file)
    senders = profile_tables.senders(data.get("sms_sender", {}), f"{file}: [sms_sender]")
    rows["in_language"] = profile_tables.by_language(data.get("in_language", {}), f"{file}: [in_language]")
    return Profile(**tables, **rows, reviewed=reviewed, sms_price=prices, sms_sender=senders)


def _check_hours(tables: Mapping[str, Any], file: str) -> None:
    for name in ("calls", "texts", "emails"):
        hours = tables.get(name)
        if hours is not None and not hours.first < hours.last <= 24:
            raise BadInput(f"{file}: [{name}]", "must begin before it ends, by 24.", "Write first = 8 and last = 21.")


def _limit(row: Any, where: str) -> DomainLimit:
    limit: DomainLimit = _table(DomainLimit, row, where)
    if not limit.domains or limit.per_minute <= 0:
        raise BadInput(f"{where} {limit.name}", "needs domains, and per_minute above zero.", "Or leave it out.")
    return limit


def _refuse_unknown_commit(data: Mapping[str, Any], file: str) -> None:
    wave = data.get("wave")
    if isinstance(wave, Mapping) and wave.get("commit", "strict") not in ("strict", "batch"):
        raise BadInput(f"{file}: [wave] commit", "is neither strict nor batch.", "Leave it out: strict is the default.")


def _table(kind: type, row: Any, where: str) -> Any:
    if not isinstance(row, Mapping):
        raise BadInput(where, "must be a table.")
    names = [f.name for f in fields(kind)]
    values: dict[str, Any] = {}
    for key, value in row.items():
        if key not in names:
            raise BadInput(f"{where} {key}", "is unknown.", _nearest(key, names))
        values[key] = _checked(kind, key, value, f"{where} {key}")
    if "name" in names and kind in (Organisation, OnCall, KnownPerson, Outlet, DomainLimit) and not values.get("name"):
        raise BadInput(f"{where} name", "is missing.")
    return kind(**values)


def _checked(kind: type, key: str, value: Any, where: str) -> Any:
    wanted = str(kind.__dataclass_fields__[key].type)  # type: ignore[attr-defined]
    if wanted.startswith("tuple"):
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise BadInput(where, "must be a list of texts.")
        return tuple(profile_tables.line(v, where) for v in value)
    if wanted == "float" and isinstance(value, int | float) and not isinstance(value, bool):
        return profile_tables.not_negative(float(value), where)
    if wanted == "int" and isinstance(value, int) and not isinstance(value, bool):
        return profile_tables.not_negative(value, where)
    if wanted == "bool" and isinstance(value, bool):
        return value
    if wanted == "str" and isinstance(value, str):
        return profile_tables.line(value, where)
    said = {"int": "a number", "float": "a number", "bool": "true or false"}.get(wanted, "a text")
    raise BadInput(where, f"must be {said}, not {value!r}.")


def _nearest(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f"Did you mean {close[0]}?" if close else f"Known: {', '.join(sorted(known))}."
