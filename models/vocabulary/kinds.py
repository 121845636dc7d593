"""The kinds of value that a fact can have, and how each is read from plain data. Standard library only.

A reader takes where it reads (for errors), the key, the raw value and the organisation's zone, and refuses what it does
not understand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from enum import Enum, StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from models import vocabulary
from models.values import BadInput

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
        low, high = ("?" if end is None else f"{end:,}" for end in (self.min, self.max))
        return f"{low} to {high}"


@dataclass(frozen=True, slots=True)
class Moment:
    """When: an interval whose ends may be unknown. `dated`: given by days, of which `first` and `last` are the ends."""

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


Value = (
    bool
    | str
    | int
    | float
    | Count
    | Moment
    | Elements
    | Money
    | frozenset[str]
    | Mapping[str, str]
    | tuple[Any, ...]
    | Unknown
)


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


def refuse_unknown(keys: Iterable[str], known: frozenset[str], file: str, where: str) -> None:
    for key in keys:
        if key not in known:
            raise BadInput(f"{file}: {where}", f'key "{key}" is unknown.', vocabulary.did_you_mean(key, known))


def read(where: str, key: str, kind: Kind, raw: Any, zone: ZoneInfo | None) -> Value:
    """Reads one fact; `"unknown"` gives UNKNOWN."""
    if isinstance(raw, str) and raw.strip().lower() == "unknown":
        return UNKNOWN
    return READERS[kind](where, key, raw, zone)


_CALLED: Final = {"str": "a text", "int": "a number", "float": "a number", "list": "a list", "dict": "a table"}


def _wrong(where: str, raw: Any, kind: Kind) -> BadInput:
    name = _CALLED.get(type(raw).__name__, f"a {type(raw).__name__}")
    return BadInput(where, f"{name} is not {kind.value}.", f'Write {kind.value}, or "unknown".')


def _bool(where: str, key: str, raw: Any, zone: ZoneInfo | None) -> bool:
    if not isinstance(raw, bool):
        raise _wrong(where, raw, Kind.BOOL)
    return raw


def _text(where: str, key: str, raw: Any, zone: ZoneInfo | None) -> str:
    if not isinstance(raw, str):
        raise _wrong(where, raw, Kind.TEXT)
    return raw


def _prose(where: str, key: str, raw: Any, zone: ZoneInfo | None) -> str | dict[str, str]:
    if isinstance(raw, Mapping) and raw and all(isinstance(text, str) for text in raw.values()):
        return dict(raw)
    if not isinstance(raw, str):
        raise _wrong(where, raw, Kind.PROSE)
    return raw


def _word(where: str, key: str, raw: Any, zone: ZoneInfo | None) -> str:
    if not isinstance(raw, str):
        raise _wrong(where, raw, Kind.WORD)
    if raw not in WORDS[key]:
        raise BadInput(where, f'"{raw}" is unknown.', vocabulary.did_you_mean(raw, WORDS[key]))
    return raw


def _words(where: str, key: str, raw: Any, zone: ZoneInfo | None) -> frozenset[str]:
    if not isinstance(raw, list | tuple) or not all(isinstance(word, str) for word in raw):
        raise _wrong(where, raw, Kind.WORDS)
    if key in WORDS:
        return frozenset(_word(where, key, word, zone) for word in raw)
    return _listed(where, VOCABULARY[key], raw)


def _listed(where: str, title: str, raw: Any) -> frozenset[str]:
    known = vocabulary.words(title)
    found = {word: known.find(word) for word in raw}
    for word, meant in found.items():
        if meant is None:
            near = known.nearest(word)
            hint = f'Did you mean "{near}"?' if near else f"`tocsin law vocabulary` lists the {title}."
            raise BadInput(where, f'"{word}" is unknown.', hint)
    return frozenset(meant for meant in found.values() if meant)


def read_place(where: str, raw: Any) -> str:
    found = vocabulary.find_place(raw) if isinstance(raw, str) else None
    if found is None:
        near = vocabulary.nearest_place(str(raw))
        hint = (
            f"Did you mean {near} ({vocabulary.place_name(near)})?"
            if near
            else "Use ISO 3166-1 (DE) or 3166-2 (US-CA)."
        )
        raise BadInput(where, f'place "{raw}" is unknown.', hint)
    return found


def _country(where: str, key: str, raw: Any, zone: ZoneInfo | None) -> str:
    return read_place(where, raw)


def _countries(where: str, key: str, raw: Any, zone: ZoneInfo | None) -> frozenset[str]:
    if not isinstance(raw, list | tuple):
        raise _wrong(where, raw, Kind.COUNTRIES)
    return frozenset(read_place(where, code) for code in raw)


def _zone_name(where: str, key: str, raw: Any, zone: ZoneInfo | None) -> str:
    try:
        return ZoneInfo(_text(where, key, raw, zone)).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadInput(where, f'time zone "{raw}" is unknown.', "Use an IANA name such as Europe/Berlin.") from error


def _count(where: str, key: str, raw: Any, zone: ZoneInfo | None) -> Count:
    if isinstance(raw, Mapping):
        refuse_unknown(raw.keys(), frozenset({"min", "max"}), where, "range")
        low, high = (_whole(where, raw.get(end)) for end in ("min", "max"))
        if low is not None and high is not None and low > high:
            raise BadInput(where, f"min {low} is more than max {high}.", "Swap them.")
        return Count(low, high)
    number = _whole(where, raw)
    return Count(number, number)


def _whole(where: str, raw: Any) -> int | None:
    if raw is None or raw == "unknown":
        return None
    if isinstance(raw, bool) or not isinstance(raw, int):
        raise _wrong(where, raw, Kind.COUNT)
    if raw < 0:
        raise BadInput(where, f"{raw} is negative.", "A count is 0 or more.")
    return raw


def _number(where: str, key: str, raw: Any, zone: ZoneInfo | None) -> int | float:
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise _wrong(where, raw, Kind.NUMBER)
    return raw


def _money(where: str, key: str, raw: Any, zone: ZoneInfo | None) -> Money:
    if not isinstance(raw, Mapping) or set(raw) != {"amount", "currency"}:
        raise BadInput(where, "must have an amount and a currency.", 'Write { amount = 12000, currency = "USD" }.')
    currency = raw["currency"]
    if not isinstance(currency, str) or not (len(currency) == 3 and currency.isalpha() and currency.isupper()):
        raise BadInput(where, f'currency "{currency}" is not an ISO 4217 code.', "Write USD, EUR, CNY …")
    return Money(_count(where, key, raw["amount"], zone), currency)


def _elements(where: str, key: str, raw: Any, zone: ZoneInfo | None) -> Elements:
    if isinstance(raw, Mapping):
        refuse_unknown(raw.keys(), frozenset({"min", "max"}), where, "range")
        ends = {end: raw[end] for end in ("min", "max") if raw.get(end, "unknown") != "unknown"}
        low = _element_list(where, ends.get("min", []))
        high = _element_list(where, ends["max"]) if "max" in ends else None
        if high is not None and not low <= high:
            raise BadInput(where, "min holds elements that max does not.", "max must name everything that min does.")
        return Elements(low, high)
    exact = _element_list(where, raw)
    return Elements(exact, exact)


def _element_list(where: str, raw: Any) -> frozenset[str]:
    if not isinstance(raw, list | tuple) or not all(isinstance(word, str) for word in raw):
        raise _wrong(where, raw, Kind.ELEMENTS)
    return _listed(where, "elements", raw)


def _cleared(where: str, key: str, raw: Any, zone: ZoneInfo | None) -> bool | Moment:
    return raw if isinstance(raw, bool) else _moment(where, key, raw, zone)


def _moment(where: str, key: str, raw: Any, zone: ZoneInfo | None) -> Moment:
    if not isinstance(raw, Mapping):
        return _instant_or_day(where, raw, zone)
    refuse_unknown(raw.keys(), frozenset({"min", "max"}), where, "range")
    low, high = (
        _instant_or_day(where, raw[end], zone) if raw.get(end, "unknown") != "unknown" else None
        for end in ("min", "max")
    )
    if low and high and low.earliest and high.latest and low.earliest > high.latest:
        raise BadInput(where, "min is after max.", "Swap them.")
    ends = [end for end in (low, high) if end]
    dated = bool(ends) and all(end.dated for end in ends)
    return Moment(
        low.earliest if low else None,
        high.latest if high else None,
        dated,
        low.first if low and dated else None,
        high.last if high and dated else None,
    )


def _instant_or_day(where: str, raw: Any, zone: ZoneInfo | None) -> Moment:
    at = _iso(where, raw) if isinstance(raw, str) else raw
    if isinstance(at, datetime):
        if at.tzinfo is None:
            raise BadInput(
                where, f"{at.isoformat()} has no offset.", f"Write {at.isoformat()}+01:00 or …Z, whichever is true."
            )
        return Moment(at, at)
    if not isinstance(at, date):
        raise _wrong(where, raw, Kind.MOMENT)
    return Moment(*day_bounds(at, zone), True, at, at)


def _iso(where: str, raw: str) -> date | datetime:
    try:
        return date.fromisoformat(raw) if len(raw) == 10 else datetime.fromisoformat(raw)
    except ValueError as error:
        raise BadInput(
            where, f'"{raw[:40]}" is no time.', "Write 2026-03-02T09:30:00+01:00, or 2026-03-02 for the whole day."
        ) from error


def day_bounds(day: date, zone: tzinfo | None) -> tuple[datetime, datetime]:
    """First and last second of a civil day; without a zone, of that day anywhere on earth."""
    first = zone or timezone(timedelta(hours=14))
    last = zone or timezone(timedelta(hours=-12))
    return datetime.combine(day, time(), first), datetime.combine(day, time(23, 59, 59), last)


READERS: Final[dict[Kind, Callable[[str, str, Any, ZoneInfo | None], Value]]] = {
    Kind.BOOL: _bool,
    Kind.TEXT: _text,
    Kind.PROSE: _prose,
    Kind.WORD: _word,
    Kind.WORDS: _words,
    Kind.COUNTRY: _country,
    Kind.COUNTRIES: _countries,
    Kind.ZONE: _zone_name,
    Kind.MOMENT: _moment,
    Kind.CLEARED: _cleared,
    Kind.ELEMENTS: _elements,
    Kind.COUNT: _count,
    Kind.MONEY: _money,
    Kind.NUMBER: _number,
}


# --- the way back, and comparing ------------------------------------------------------------------------------------


def plain(value: Value) -> Any:
    """The canonical plain form of a value: JSON-able, and read back to an equal value."""
    if isinstance(value, Count):
        return value.exact if value.exact is not None else _range(value.min, value.max)
    if isinstance(value, Moment):
        return _plain_moment(value)
    if isinstance(value, Elements):
        if value.at_least == value.at_most:
            return sorted(value.at_least)
        return _range(sorted(value.at_least), None if value.at_most is None else sorted(value.at_most))
    if isinstance(value, Money):
        return {"amount": plain(value.amount), "currency": value.currency}
    if isinstance(value, frozenset):
        return sorted(value)
    return dict(value) if isinstance(value, Mapping) else value


def _range(low: Any, high: Any) -> Any:
    ends = {end: value for end, value in (("min", low), ("max", high)) if value is not None}
    return ends or "unknown"


def _plain_moment(at: Moment) -> Any:
    low = at.first if at.dated else at.earliest
    high = at.last if at.dated else at.latest
    if low is not None and low == high:
        return low.isoformat()
    return _range(low.isoformat() if low else None, high.isoformat() if high else None)


def shown(value: Value) -> str:
    """A value in a sentence."""
    raw = plain(value)
    if isinstance(raw, dict):
        return " to ".join(str(raw.get(end, "?")) for end in ("min", "max"))
    return ", ".join(map(str, raw)) if isinstance(raw, list) else str(raw)


def compatible(before: Value, after: Value) -> bool:
    """Whether both can be true: ranges overlap, elements fit, anything else is equal."""
    if isinstance(before, Count) and isinstance(after, Count):
        return _overlap(before.min, before.max, after.min, after.max)
    if isinstance(before, Moment) and isinstance(after, Moment):
        return _overlap(before.earliest, before.latest, after.earliest, after.latest)
    if isinstance(before, Elements) and isinstance(after, Elements):
        return _fits(before, after) and _fits(after, before)
    return before == after


def _overlap(low: Any, high: Any, other_low: Any, other_high: Any) -> bool:
    apart = (high is not None and other_low is not None and high < other_low) or (
        low is not None and other_high is not None and other_high < low
    )
    return not apart


def _fits(some: Elements, frame: Elements) -> bool:
    return frame.at_most is None or some.at_least <= frame.at_most
