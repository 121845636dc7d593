"""A strict reader for one table of an instrument file: every key is asked for, and what nobody asked for is refused.

Errors name the file, the duty, the version, the key and the nearest known word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Set
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

from models import vocabulary
from models.facts import ANCHORS, KEYS
from models.values import BadInput, Duty
from models.vocabulary.kinds import WORDS
from regimes import schema as s

E = TypeVar("E", bound=StrEnum)
T = TypeVar("T")


class Table:
    """A TOML table with its place in the file. `done` refuses the keys that were not read."""

    def __init__(self, data: Any, where: str) -> None:
        if not isinstance(data, dict):
            raise BadInput(where, "must be a table.", "Write it as { key = value }.")
        self.data, self.where = data, where
        self._asked: set[str] = set()

    def bad(self, key: str, problem: str, remedy: str = "") -> BadInput:
        return BadInput(self.where, f"{key} {problem}", remedy)

    def raw(self, key: str, default: Any = None) -> Any:
        self._asked.add(key)
        return self.data.get(key, default)

    def has(self, key: str) -> bool:
        return key in self.data

    def need(self, key: str) -> Any:
        value = self.raw(key)
        if value is None or value == "":
            raise self.bad(key, "is missing.", f"Add {key} = …")
        return value

    def text(self, key: str, default: str | None = None) -> str:
        value = self.need(key) if default is None else self.raw(key, default)
        if not isinstance(value, str):
            raise self.bad(key, f"must be a text, not {type(value).__name__}.")
        return value

    def flag(self, key: str, default: bool = False) -> bool:
        value = self.raw(key, default)
        if not isinstance(value, bool):
            raise self.bad(key, "must be true or false.")
        return value

    def whole(self, key: str) -> int | None:
        value = self.raw(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
            raise self.bad(key, f"must be a whole number, not {value!r}.")
        return value

    def day(self, key: str) -> date | None:
        value = self.raw(key)
        if value is not None and (not isinstance(value, date) or isinstance(value, datetime)):
            raise self.bad(key, f"must be a date, not {value!r}.", f"Write {key} = 2026-01-31, without quotes.")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.raw(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.bad(key, "must be a list of texts.")
        return tuple(value)

    def word(self, key: str, words: type[E], default: E | None = None) -> E:
        value = self.raw(key, default) if default is not None else self.need(key)
        return self._word(key, value, words)

    def words(self, key: str, words: type[E]) -> tuple[E, ...]:
        return tuple(self._word(key, value, words) for value in self.texts(key))

    def one_of(self, key: str, value: Any, known: Set[str]) -> str:
        if not isinstance(value, str) or value not in known:
            raise self.bad(key, f'"{value}" is unknown.', vocabulary.did_you_mean(str(value), frozenset(known)))
        return value

    def rows(self, key: str, read: Callable[[Table], T]) -> tuple[T, ...]:
        value = self.raw(key, [])
        if not isinstance(value, list):
            raise self.bad(key, "must be a list of tables.")
        return tuple(self._row(row, f"{self.where}, {key} {n}", read) for n, row in enumerate(value, 1))

    def inner(self, key: str, read: Callable[[Table], T]) -> T | None:
        value = self.raw(key)
        return None if value is None else self._row(value, f"{self.where}, {key}", read)

    def done(self) -> None:
        for key in self.data:
            if key not in self._asked:
                raise BadInput(self.where, f'key "{key}" is unknown.', vocabulary.did_you_mean(key, self._asked))

    def _row(self, row: Any, where: str, read: Callable[[Table], T]) -> T:
        table = Table(row, where)
        found = read(table)
        table.done()
        return found

    def _word(self, key: str, value: Any, words: type[E]) -> E:
        return words(self.one_of(key, value, _members(words)))


@cache
def _members(words: type[StrEnum]) -> frozenset[str]:
    return frozenset(words)


_KEYS = frozenset(KEYS)


# --- the small parts that many tables share -------------------------------------------------------------------------


def place(table: Table, key: str, default: str | None = None) -> str:
    """A place or a group of places; "" where the default is "" and nothing is written."""
    value = table.text(key, default)
    if value and not vocabulary.members(value) and vocabulary.find_place(value) != value:
        raise table.bad(
            key, f'"{value}" is no place.', "Use ISO 3166-1, ISO 3166-2, or a group of vocabulary/places.toml."
        )
    return value


def anchor(table: Table, key: str, value: str, more: frozenset[str] = frozenset()) -> str:
    return table.one_of(key, value, ANCHORS | more)


def exposed(table: Table, key: str) -> frozenset[str]:
    return frozenset(table.one_of(key, word, vocabulary.words("elements").words) for word in table.texts(key))


def condition(table: Table) -> s.Condition:
    """One condition; exactly one of all, any, not, fact, count, established, residents, ordered_by."""
    kinds = [key for key in _CONDITIONS if table.has(key)]
    if len(kinds) != 1:
        raise BadInput(
            table.where,
            f"a condition has exactly one of {', '.join(_CONDITIONS)}.",
            f"Found: {', '.join(kinds) or 'none'}.",
        )
    found = _CONDITIONS[kinds[0]](table)
    return _same.setdefault(found, found)


_same: dict[s.Condition, s.Condition] = {}  # laws ask alike: equal conditions are one object, and are evaluated once


def _every(table: Table) -> s.Condition:
    return s.Every(table.rows("all", condition))


def _either(table: Table) -> s.Condition:
    return s.Either(table.rows("any", condition))


def _not(table: Table) -> s.Condition:
    inner = table.inner("not", condition)
    if inner is None:
        raise table.bad("not", "is empty.")
    return s.Not(inner)


def _fact(table: Table) -> s.Condition:
    key = table.one_of("fact", table.text("fact"), _KEYS)
    given = [op for op in ("is", "any_of", "contains") if table.has(op)]
    if len(given) != 1:
        raise table.bad(key, "needs exactly one of is, any_of, contains.")
    raw = table.raw(given[0])
    values = raw if isinstance(raw, list) else [raw]
    for value in values:
        _check_fact_word(table, key, value)
    assumed = table.flag("assumed") if table.has("assumed") else None
    because = table.text("because", "")
    if given[0] == "contains":
        return s.FactTest(key, (), frozenset(values), assumed, because)
    return s.FactTest(key, tuple(values), frozenset(), assumed, because)


def _check_fact_word(table: Table, key: str, value: Any) -> None:
    known = {
        "data.elements": vocabulary.words("elements").words,
        "organisation.sectors": vocabulary.words("sectors").words,
        "organisation.free_zones": vocabulary.words("free_zones").words,
    }.get(key, WORDS.get(key))
    if known is not None:
        table.one_of(key, value, known)
    elif not isinstance(value, bool | str):
        raise table.bad(key, f"cannot be compared with {value!r}.")


def _count(table: Table) -> s.Condition:
    base = table.word("count", s.Base)
    given = [op for op in s.Op if table.has(op)]
    if len(given) != 1:
        raise table.bad("count", f"needs exactly one of {', '.join(s.Op)}.")
    number = table.whole(given[0])
    assert number is not None  # noqa: S101 - has() was true, so whole() found a number or refused
    currency = table.text("currency", "")
    return s.CountTest(base, given[0], number, place(table, "of", ""), currency, table.text("because", ""))


def _place_test(how: str) -> Callable[[Table], s.Condition]:
    return lambda table: s.PlaceTest(how, place(table, how), table.text("because", ""))


def _ordered(table: Table) -> s.Condition:
    return s.OrderTest(table.text("ordered_by"), table.word("duty", Duty), table.text("because", ""))


def order_test(found: s.Condition | None) -> s.OrderTest | None:
    """The order that a condition asks for, or None."""
    match found:
        case s.OrderTest():
            return found
        case s.Every() | s.Either():
            return next((test for part in found.of if (test := order_test(part))), None)
        case _:
            return None


_CONDITIONS: dict[str, Callable[[Table], s.Condition]] = {
    "all": _every,
    "any": _either,
    "not": _not,
    "fact": _fact,
    "count": _count,
    "established": _place_test("established"),
    "residents": _place_test("residents"),
    "ordered_by": _ordered,
}


# --- what no law says -----------------------------------------------------------------------------------------------

MOST = 10_000  # of any unit


def identity(table: Table) -> str:
    """The id of an instrument, which is part of paths and of the ids of obligations."""
    name = table.text("id")
    if not re.fullmatch(r"[a-z0-9]+(?:[-_][a-z0-9]+)*", name):
        raise table.bad("id", "may hold small letters, digits and hyphens alone.", 'Write it like "us-ca".')
    return name


def check_figures(table: Table, value: int | None, unit: s.Unit | None) -> None:
    """Refuses a period beyond belief, and a month and day that are none or stand beside a period."""
    if value is not None and value > MOST:
        raise table.bad("value", f"is more than {MOST:,}.", "Write the figure of the law, in its own unit.")
    month, day = table.whole("month"), table.whole("day")
    if unit is not s.Unit.FIXED_DATE:
        if month is not None or day is not None:
            raise table.bad("month", 'and day go with unit = "fixed_date" alone.', "Take them away.")
        return
    try:
        date(2001, month or 0, day or 0)  # of every year, so none of a leap year's
    except ValueError as error:
        raise table.bad("month", "and day are no date of every year.", "Write month = 3, day = 1.") from error


def check_readings(law: s.Instrument, where: str, today: date) -> None:
    """Refuses a source that was read after `today`; one day more, as it is tomorrow already for some readers."""
    for version in law.versions:
        if version.checked and version.checked > today + timedelta(days=1):
            place_ = f"{where}: version from {version.from_}"
            raise BadInput(place_, f"checked {version.checked} is in the future.", "Write the day of the reading.")
