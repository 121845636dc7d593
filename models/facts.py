"""The facts of one incident: a TOML file in, a frozen `Facts` out. Standard library only.

Every fact is a value, a range `{min, max}` or unknown. Unknown equals absence and is never treated as no. The reader is
strict: an unknown key, word, element, sector or place, a time without offset, a negative count are refused with file,
key and remedy. A bare date means that whole day in the organisation's zone.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

from models import vocabulary
from models.values import BadInput, Duty, Element, Stage
from models.vocabulary.kinds import (
    UNKNOWN,
    Count,
    Elements,
    Kind,
    Moment,
    Money,
    Unknown,
    Value,
    compatible,
    day_bounds,
    plain,
    read,
    read_place,
    refuse_unknown,
    shown,
)

__all__ = [
    "ANCHORS",
    "KEYS",
    "UNITS",
    "UNKNOWN",
    "Contract",
    "Count",
    "Elements",
    "Facts",
    "Moment",
    "Money",
    "Narrative",
    "Order",
    "Organisation",
    "Period",
    "Promise",
    "Submission",
    "Unknown",
    "Value",
    "contradictions",
    "day_bounds",
    "load_facts",
    "parse_facts",
]

T = TypeVar("T")

# --- rows -----------------------------------------------------------------------------------------------------------


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
    """A regulator's order; it is an obligation too. `duty`: what it orders, where that is a telling."""

    authority: str
    due: Moment
    at: Moment | None = None
    text: str = ""
    duty: str = ""  # a word of values.Duty; "" is a report to that authority


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


# --- the words that a file may use ----------------------------------------------------------------------------------


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
    **_keys("incident", Kind.BOOL, "actively_exploited ransom_paid"),
    **_keys(
        "times",
        Kind.MOMENT,
        "occurred_from occurred_until detected suspected discovered aware confirmed determined assessed classified "
        "scope_known persons_identified contained restored fix_available handling_done materiality_determined "
        "ransom_paid processor_aware controller_informed individuals_notified",
    ),
    **_keys("data", Kind.ELEMENTS, "elements"),
    **_keys("data", Kind.WORDS, "nature"),
    **_keys("data", Kind.TEXT, "cause"),
    **_keys("data", Kind.WORD, "medium"),
    **_keys(
        "data",
        Kind.BOOL,
        "encrypted key_compromised acquired accessed exfiltrated backup unsecured_phi malicious database_level "
        "within_organisation_only inadvertent_by_authorized_person recipient_trusted material_part",
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

ROWS: Final[dict[str, type[Any]]] = {"submission": Submission, "order": Order, "promise": Promise, "contract": Contract}
TABLES: Final = frozenset({*(key.split(".")[0] for key in KEYS), "people"})
TOP: Final = frozenset({"id", "title", "sources", *TABLES, *ROWS})
ANCHORS: Final = frozenset(key.removeprefix("times.") for key in KEYS if key.startswith("times."))
UNITS: Final = frozenset({"minutes", "hours", "calendar_days", "business_days", "weeks", "months"})
UNIT_ALIASES: Final = {
    "hour": "hours",
    "day": "calendar_days",
    "days": "calendar_days",
    "month": "months",
    "week": "weeks",
}
PROMISED_TO: Final = frozenset({"individuals", "guardians", "regulator", "customers", "public"})
PROMISE_CHANNELS: Final = frozenset(
    {"email", "sms", "letter", "telephone", "notification", "push", "public", "call_list"}
)
DECLARED: Final = "declared"


@dataclass(frozen=True, slots=True)
class Facts:
    """One revision of an incident's facts. Made by `load_facts` or `parse_facts`, never by hand."""

    id: str
    title: str
    file: str
    values: Mapping[str, Value]  # dotted key -> value; unknown facts are absent
    submissions: tuple[Submission, ...] = ()
    orders: tuple[Order, ...] = ()
    promises: tuple[Promise, ...] = ()
    contracts: tuple[Contract, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    plain: Mapping[str, Any] = field(default_factory=dict)
    people: Mapping[str, Count] = field(default_factory=dict)  # by residence; an unknown count has both ends None
    memo: dict[Any, Any] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )  # worked out, never stated

    def value(self, key: str) -> Value:
        """The fact of a dotted key, or UNKNOWN. An unknown key of the law is a mistake of ours, so KeyError."""
        if key not in KEYS and not key.startswith("people."):
            raise KeyError(key)
        return self.values.get(key, UNKNOWN)

    def source(self, key: str) -> str:
        """Where a fact comes from: `declared`, `list:<name>` or `ledger`; "" when it is unknown."""
        return self.sources.get(key, DECLARED) if key in self.values else ""

    def moment(self, key: str) -> Moment | None:
        value = self.value(f"times.{key}")
        return value if isinstance(value, Moment) else None

    def count(self, key: str) -> Count | None:
        value = self.value(key)
        return value if isinstance(value, Count) else None

    @property
    def organisation(self) -> Organisation:
        return self.once("organisation", self._organisation)

    def _organisation(self) -> Organisation:
        names = Organisation.__slots__
        found = {name: self.values.get(f"organisation.{name}") for name in names}
        return Organisation(**{name: value for name, value in found.items() if value is not None})  # type: ignore[arg-type]

    def once(self, key: object, work: Callable[[], T]) -> T:
        """What a pure function makes of these facts, worked out once: facts never change, a revision is another object.

        `key` must name the function and every argument besides the facts.
        """
        if key not in self.memo:
            self.memo[key] = work()
        found: T = self.memo[key]
        return found

    @property
    def narrative(self) -> Narrative:
        """The story as written without a language, else in English, else in the first language given."""
        return self.narrative_in("")

    def narrative_in(self, language: str) -> Narrative:
        """The story in one language (`zh-Hans` falls back to `zh`); a text without a language serves for all."""
        found = {name: _in_language(self.values.get(f"narrative.{name}"), language) for name in Narrative.__slots__}
        return Narrative(**found)

    @property
    def zone(self) -> ZoneInfo | None:
        """The organisation's zone: as stated, else that of its country where the country has one zone."""
        return self.once("zone", lambda: _zone(self.values))

    def as_data(self) -> dict[str, Any]:
        """A canonical form for JSON; `parse_facts` reads it back to equal facts."""
        data: dict[str, Any] = {"id": self.id, "title": self.title}
        for key, value in self.plain.items():
            table, _, name = key.rpartition(".") if not key.startswith("people.") else ("people", "", key[7:])
            part = data
            for step in filter(None, table.split(".")):
                part = part.setdefault(step, {})
            part[name] = value
        return data | ({"sources": dict(sorted(self.sources.items()))} if self.sources else {})

    def revised(self, changes: Mapping[str, Any], source: str) -> Facts:
        """New facts with some keys set to plain values, as a list or the ledger found them.

        `"unknown"` takes a fact away. What the source contradicts is told by `contradictions`.
        """
        data = self.as_data()
        for key, value in changes.items():
            _put(data, key, value, self.file)
        known = {**self.sources, **dict.fromkeys(changes, source)}
        return parse_facts(data | {"sources": known}, self.file)


def load_facts(path: str | Path) -> Facts:
    """Reads a facts file. BadInput when it is missing, is no UTF-8 TOML, or breaks a rule of this module."""
    file = str(path)
    try:
        data = tomllib.loads(Path(path).read_text("utf-8-sig"))
    except OSError as error:
        raise BadInput(file, f"cannot be read ({error.strerror}).", "Check the path.") from error
    except UnicodeDecodeError as error:
        raise BadInput(file, f"is not UTF-8 (byte {error.start}).", "Save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise BadInput(file, f"is not TOML: {error}.", "Mend that line.") from error
    except ValueError as error:  # Python reads no number of more than some thousand digits
        raise BadInput(file, "holds a number that is too long to read.", _NUMBERS) from error
    except RecursionError:
        raise BadInput(file, "is nested too deeply.", "Facts need two levels; take the others away.") from None
    _refuse_huge(data, file)
    return parse_facts(data, file)


_NUMBERS: Final = "Write numbers of at most 18 digits."


def _refuse_huge(data: Mapping[str, Any], file: str) -> None:
    """TOML knows 64 bits; Python reads more, which nothing after it can store or show."""
    todo: list[tuple[str, Any]] = list(data.items())
    while todo:
        where, value = todo.pop()
        if isinstance(value, Mapping):
            todo += [(f"{where}.{key}", inner) for key, inner in value.items()]
        elif isinstance(value, list):
            todo += [(f"{where}[{n}]", inner) for n, inner in enumerate(value, start=1)]
        elif isinstance(value, int) and abs(value) >= 10**18:
            raise BadInput(f"{file}: {where}", "is a number too large to mean anything.", _NUMBERS)


def parse_facts(data: Mapping[str, Any], file: str) -> Facts:
    """Reads facts that are already parsed; `file` only names them in errors."""
    refuse_unknown(data.keys(), TOP, file, "top level")
    flat = _flatten(data, file)
    zone = _zone({key: _parse(file, key, raw, None) for key, raw in flat.items() if key.startswith("organisation.")})
    values = {key: _parse(file, key, raw, zone) for key, raw in flat.items()}
    values = {key: value for key, value in values.items() if value is not UNKNOWN}
    lists = {name: _read_list(data, name, file, zone) for name in ROWS}
    _refuse_edges(values, lists, file)
    canonical: dict[str, Any] = {key: plain(value) for key, value in values.items()}
    canonical |= {name: [_plain_row(row) for row in rows] for name, rows in lists.items() if rows}
    sources = {key: str(text) for key, text in data.get("sources", {}).items() if key in values}
    sources = {key: text for key, text in sources.items() if text != DECLARED}
    story = (lists["submission"], lists["order"], lists["promise"], lists["contract"])
    name, title = (_top_text(data, key, file) for key in ("id", "title"))
    people = {key[7:]: value for key, value in values.items() if key.startswith("people.") and isinstance(value, Count)}
    return Facts(name, title, file, values, *story, sources, canonical, people)


def _refuse_edges(values: Mapping[str, Value], lists: Mapping[str, tuple[Any, ...]], file: str) -> None:
    """A time that is another year in another zone, and that year is none: no clock can take it."""
    stated: list[tuple[str, Any]] = list(values.items())
    for name, rows in lists.items():
        stated += [(f"{name}[{n}].{key}", getattr(row, key, None)) for n, row in enumerate(rows, 1) for key in _AT]
    for key, value in stated:
        for end in (value.earliest, value.latest) if isinstance(value, Moment) else ():
            if end is not None and not _DAY_TWO < end.replace(tzinfo=None) < _LAST_BUT_ONE:
                raise BadInput(f"{file}: {key}", "is at an end of the calendar.", "Write the year in which it was.")


_AT: Final = ("at", "due")
_DAY_TWO, _LAST_BUT_ONE = datetime(1, 1, 3), datetime(9999, 12, 30)  # noqa: DTZ001 - compared as written


def contradictions(declared: Facts, revised: Facts) -> list[str]:
    """What a later source says that the declared facts cannot both be true with; one sentence per key."""
    found = []
    for key, before in declared.values.items():
        after = revised.values.get(key)
        if after is not None and revised.source(key) != declared.source(key) and not compatible(before, after):
            found.append(f"{key}: declared {shown(before)}, but {revised.source(key)} says {shown(after)}")
    return found


# --- reading --------------------------------------------------------------------------------------------------------


def _top_text(data: Mapping[str, Any], key: str, file: str) -> str:
    text = data.get(key, "")
    if not isinstance(text, str):
        raise BadInput(f"{file}: {key}", "must be a text.", f'Write {key} = "…" at the top.')
    return text


def _flatten(data: Mapping[str, Any], file: str) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name in sorted(TABLES & data.keys()):
        table = data[name]
        if not isinstance(table, Mapping):
            raise BadInput(f"{file}: {name}", "must be a table.", f"Write [{name}] and its keys below.")
        known = frozenset(key.removeprefix(f"{name}.").split(".")[0] for key in KEYS if key.startswith(f"{name}."))
        if name == "people":
            flat |= {f"people.{read_place(f'{file}: people', code)}": raw for code, raw in table.items()}
            continue
        refuse_unknown(table.keys(), known, file, f"[{name}]")
        flat |= {f"{name}.{key}": raw for key, raw in table.items() if f"{name}.{key}" in KEYS}
        for key, inner in table.items():
            if f"{name}.{key}" not in KEYS:
                flat |= _inner(inner, f"{name}.{key}", file)
    return flat


def _inner(table: Any, name: str, file: str) -> dict[str, Any]:
    if not isinstance(table, Mapping):
        raise BadInput(f"{file}: {name}", "must be a table.", f"Write [{name}] and its keys below.")
    known = frozenset(key.removeprefix(f"{name}.") for key in KEYS if key.startswith(f"{name}."))
    refuse_unknown(table.keys(), known, file, f"[{name}]")
    return {f"{name}.{key}": raw for key, raw in table.items()}


def _parse(file: str, key: str, raw: Any, zone: ZoneInfo | None) -> Value:
    if not key.startswith("people."):
        return read(f"{file}: {key}", key, KEYS[key], raw, zone)
    found = read(f"{file}: {key}", key, Kind.COUNT, raw, zone)
    return Count(None, None) if found is UNKNOWN else found


def _zone(values: Mapping[str, Value]) -> ZoneInfo | None:
    name = values.get("organisation.timezone") or vocabulary.zone_of(str(values.get("organisation.country") or ""))
    return ZoneInfo(str(name)) if name else None


def _in_language(value: Any, language: str) -> str:
    if not isinstance(value, Mapping):
        return value if isinstance(value, str) else ""
    text = value.get(language) or value.get(language.split("-")[0])
    return str(text or ("" if language else value.get("en") or next(iter(value.values()))))


def _put(data: dict[str, Any], key: str, value: Any, file: str) -> None:
    if key not in KEYS and not key.startswith("people."):
        raise BadInput(f"{file}: {key}", "key is unknown.", vocabulary.did_you_mean(key, set(KEYS)))
    table, _, name = key.rpartition(".")
    part = data
    for step in table.split("."):
        part = part.setdefault(step, {})
    part[name] = value


# --- the lists of tables --------------------------------------------------------------------------------------------


def _read_list(data: Mapping[str, Any], name: str, file: str, zone: ZoneInfo | None) -> tuple[Any, ...]:
    rows = data.get(name, [])
    if not isinstance(rows, list):
        raise BadInput(f"{file}: {name}", "must be a list of tables.", f"Write [[{name}]].")
    return tuple(_read_row(row, name, f"{file}: {name}[{n}]", zone) for n, row in enumerate(rows, 1))


def _read_row(row: Any, name: str, where: str, zone: ZoneInfo | None) -> Any:
    known = {part.name: part for part in fields(ROWS[name])}
    if not isinstance(row, Mapping):
        raise BadInput(where, "must be a table.", f"Write [[{name}]].")
    refuse_unknown(row.keys(), frozenset(known), where, "row")
    missing = [key for key, part in known.items() if part.default is MISSING and key not in row]
    if missing:
        raise BadInput(where, f'"{missing[0]}" is missing.', f"[[{name}]] needs {', '.join(missing)}.")
    found = {key: _cell(f"{where}.{key}", f"{name}.{key}", raw, zone) for key, raw in row.items()}
    return ROWS[name](**{key: value for key, value in found.items() if value is not UNKNOWN})


_CELLS: Final[dict[str, Kind]] = {
    "submission.at": Kind.MOMENT,
    "submission.complete": Kind.BOOL,
    "order.at": Kind.MOMENT,
    "order.due": Kind.MOMENT,
    "promise.public_when_difficult": Kind.BOOL,
    "contract.people": Kind.COUNT,
}
_CELL_WORDS: Final[dict[str, frozenset[str]]] = {
    "submission.duty": frozenset(Duty),
    "order.duty": frozenset(Duty),
    "submission.stage": frozenset(Stage),
    "submission.form": frozenset({"oral", "written"}),
    "promise.channels": PROMISE_CHANNELS,
    "promise.content": frozenset(Element),
    "promise.to": PROMISED_TO,
}


def _cell(where: str, key: str, raw: Any, zone: ZoneInfo | None) -> Any:
    if key.endswith(".deadline"):
        return _period(where, raw)
    if key in ("promise.to", "promise.channels", "promise.content"):
        many = raw if isinstance(raw, list | tuple) else [raw]
        return tuple(_one_of(where, word, _CELL_WORDS[key]) for word in many)
    if key == "submission.jurisdiction":
        return read_place(where, raw)
    if key in _CELL_WORDS:
        return _one_of(where, raw, _CELL_WORDS[key])
    return read(where, key, _CELLS.get(key, Kind.TEXT), raw, zone)


def _one_of(where: str, raw: Any, known: frozenset[str]) -> str:
    if not isinstance(raw, str) or raw not in known:
        raise BadInput(where, f'"{raw}" is unknown.', vocabulary.did_you_mean(str(raw), known))
    return raw


def _period(where: str, raw: Any) -> Period:
    if not isinstance(raw, Mapping):
        raise BadInput(where, "must be a table.", 'Write { value = 72, unit = "hours", from = "aware" }.')
    refuse_unknown(raw.keys(), frozenset({"value", "unit", "from"}), where, "deadline")
    anchor = _one_of(f"{where}.from", raw.get("from"), ANCHORS)
    if raw.get("value", "unknown") == "unknown":
        return Period(None, "", anchor)
    unit = UNIT_ALIASES.get(str(raw.get("unit")), raw.get("unit"))
    count = read(f"{where}.value", "value", Kind.COUNT, raw["value"], None)
    number = count.exact if isinstance(count, Count) else None
    return Period(number, _one_of(f"{where}.unit", unit, UNITS), anchor)


def _plain_row(row: Any) -> dict[str, Any]:
    default = {part.name: part.default for part in fields(row)}
    return {
        part.name: _plain_cell(getattr(row, part.name))
        for part in fields(row)
        if getattr(row, part.name) != default[part.name] or part.default is MISSING
    }


def _plain_cell(value: Any) -> Any:
    if isinstance(value, Period):
        ends: dict[str, Any] = {} if value.value is None else {"value": value.value, "unit": value.unit}
        return ends | {"from": value.anchor}
    return list(value) if isinstance(value, tuple) else plain(value)
