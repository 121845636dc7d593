"""The organisation's profile: what every incident uses. One TOML file, read strictly."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

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
# zh-Hans = "Name of the reviewer, 2026-11-24"

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
sms = 0.03
currency = "USD"
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


@dataclass(frozen=True, slots=True)
class Cost:
    letter: float = 0.0
    email: float = 0.0
    sms: float = 0.0
    currency: str = "USD"


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
    reporter: Reporter = field(default_factory=Reporter)
    representative: Representative = field(default_factory=Representative)
    security: Security = field(default_factory=Security)
    hipaa: Hipaa = field(default_factory=Hipaa)
    reviewed: Mapping[str, str] = field(default_factory=dict)  # language -> who read its words, and when
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
    "reporter": Reporter,
    "representative": Representative,
    "security": Security,
    "hipaa": Hipaa,
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
    known = [*_TABLES, "on_call", "promise", "reviewed"]
    for name in data:
        if name not in known:
            raise BadInput(f"{file}: [{name}]", "is not a table of the profile.", _nearest(name, known))
    if "organisation" not in data:
        raise BadInput(f"{file}: [organisation]", "is missing.", "Every notice names the organisation.")
    tables = {name: _table(kind, data[name], f"{file}: [{name}]") for name, kind in _TABLES.items() if name in data}
    on_call = tuple(_table(OnCall, row, f"{file}: [[on_call]]") for row in data.get("on_call", ()))
    reviewed = _reviewed(data.get("reviewed", {}), f"{file}: [reviewed]")
    return Profile(**tables, on_call=on_call, reviewed=reviewed, promise=tuple(data.get("promise", ())))


def _reviewed(row: Any, where: str) -> Mapping[str, str]:
    if not isinstance(row, Mapping) or not all(isinstance(v, str) and v.strip() for v in row.values()):
        raise BadInput(where, "must name a reviewer for each language.", 'Write zh-Hans = "Name, date".')
    return {str(language): _line(name, f"{where} {language}") for language, name in row.items()}


def _table(kind: type, row: Any, where: str) -> Any:
    if not isinstance(row, Mapping):
        raise BadInput(where, "must be a table.")
    names = [f.name for f in fields(kind)]
    values: dict[str, Any] = {}
    for key, value in row.items():
        if key not in names:
            raise BadInput(f"{where} {key}", "is unknown.", _nearest(key, names))
        values[key] = _checked(kind, key, value, f"{where} {key}")
    if "name" in names and kind in (Organisation, OnCall) and not values.get("name"):
        raise BadInput(f"{where} name", "is missing.")
    return kind(**values)


def _checked(kind: type, key: str, value: Any, where: str) -> Any:
    wanted = str(kind.__dataclass_fields__[key].type)  # type: ignore[attr-defined]
    if wanted.startswith("tuple"):
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise BadInput(where, "must be a list of texts.")
        return tuple(_line(v, where) for v in value)
    if wanted == "float" and isinstance(value, int | float) and not isinstance(value, bool):
        return _not_negative(float(value), where)
    if wanted == "int" and isinstance(value, int) and not isinstance(value, bool):
        return _not_negative(value, where)
    if wanted == "str" and isinstance(value, str):
        return _line(value, where)
    raise BadInput(where, f"must be {'a number' if wanted in ('int', 'float') else 'a text'}, not {value!r}.")


def _line(value: str, where: str) -> str:
    if any(ord(c) < 32 or ord(c) == 127 for c in value):
        raise BadInput(where, "has a line break or control character.", "Write it on one line.")
    return value


def _not_negative(value: Any, where: str) -> Any:
    if value < 0:
        raise BadInput(where, "must not be negative.")
    return value


def _nearest(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f"Did you mean {close[0]}?" if close else f"Known: {', '.join(sorted(known))}."
