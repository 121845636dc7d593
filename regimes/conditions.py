"""Conditions of the law against the facts: true, false or unknown, each with a because and the facts that are missing.

Unknown is never no. Only where a law itself puts the burden on one side does its data say what is assumed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import chain
from typing import Final

from models import vocabulary
from models.facts import UNKNOWN, Count, Elements, Facts, Money, Value
from regimes import schema as s
from regimes.clock import orders


class Truth(StrEnum):
    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    truth: Truth
    because: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


TRUE: Final = Verdict(Truth.TRUE)
_FLIP: Final = {Truth.TRUE: Truth.FALSE, Truth.FALSE: Truth.TRUE, Truth.UNKNOWN: Truth.UNKNOWN}
_PHRASE: Final = {
    s.Op.AT_LEAST: "at least",
    s.Op.MORE_THAN: "more than",
    s.Op.LESS_THAN: "fewer than",
    s.Op.AT_MOST: "at most",
}
# A fact that nobody stated is true when one of these is: what was exfiltrated was acquired, what was acquired accessed.
_IMPLIED_BY: Final = {
    "data.acquired": ("data.exfiltrated",),
    "data.accessed": ("data.acquired", "data.exfiltrated"),
}
_HAPPENED: Final = {"incident.ransom_paid": "times.ransom_paid"}  # what has a time has happened


def evaluate(condition: s.Condition | None, facts: Facts, place: str = "") -> Verdict:
    """What a condition comes to; `place` is the duty's jurisdiction, whose residents count. None is true."""
    if condition is None:
        return TRUE
    key = (id(condition), place if type(condition) not in _PLACELESS else "")
    kept: tuple[s.Condition, Verdict] | None = facts.memo.get(key)
    if kept is None:  # the condition is kept beside its verdict: while it lives its id is nobody else's
        kept = facts.memo[key] = (condition, _evaluate(condition, facts, place))
    return kept[1]


_PLACELESS: Final = (s.FactTest, s.PlaceTest, s.OrderTest)  # these come to the same wherever the duty is owed


def _evaluate(condition: s.Condition, facts: Facts, place: str) -> Verdict:
    match condition:
        case s.Every():
            return _in_turn([evaluate(part, facts, place) for part in condition.of])
        case s.Either():
            return _either([evaluate(part, facts, place) for part in condition.of])
        case s.Not():
            return negate(evaluate(condition.of, facts, place))
        case s.FactTest():
            return _fact(condition, facts)
        case s.CountTest():
            return _count(condition, facts, place)
        case s.PlaceTest():
            return _place(condition, facts)
        case s.OrderTest():
            return _order(condition, facts)


def every(verdicts: Iterable[Verdict]) -> Verdict:
    """False when one is false (and says which), unknown when one is unknown, else true for all their reasons."""
    found = list(verdicts)
    if false := [verdict.because for verdict in found if verdict.truth is Truth.FALSE]:
        return Verdict(Truth.FALSE, _join(false))
    because = _join([verdict.because for verdict in found])
    if any(verdict.truth is Truth.UNKNOWN for verdict in found):
        return Verdict(Truth.UNKNOWN, because, _join([verdict.missing for verdict in found]))
    return Verdict(Truth.TRUE, because)


def _in_turn(found: list[Verdict]) -> Verdict:
    """As `every`, but of several unknown facts only the first is asked for: the next matters only if that one holds."""
    verdict = every(found)
    first = next((part for part in found if part.truth is Truth.UNKNOWN), None)
    return Verdict(verdict.truth, verdict.because, first.missing) if verdict.missing and first else verdict


def _either(found: list[Verdict]) -> Verdict:
    true = [verdict for verdict in found if verdict.truth is Truth.TRUE]
    if true:
        return Verdict(Truth.TRUE, _join([v.because for v in true]))
    open_ = [verdict for verdict in found if verdict.truth is Truth.UNKNOWN]
    if open_:
        return Verdict(Truth.UNKNOWN, _join([v.because for v in open_]), _join([v.missing for v in open_]))
    return Verdict(Truth.FALSE, _join([v.because for v in found]))


def negate(verdict: Verdict) -> Verdict:
    return Verdict(_FLIP[verdict.truth], verdict.because, verdict.missing)


def _join(parts: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    full = [part for part in parts if part]
    return full[0] if len(full) == 1 else tuple(dict.fromkeys(chain.from_iterable(full)))


# --- facts ----------------------------------------------------------------------------------------------------------


def known(facts: Facts, key: str) -> Value:
    """A fact as stated, or as another stated fact implies it."""
    value = facts.value(key)
    if value is UNKNOWN and any(facts.value(other) is True for other in _IMPLIED_BY.get(key, ())):
        return True
    if value is UNKNOWN and key in _HAPPENED and facts.value(_HAPPENED[key]) is not UNKNOWN:
        return True
    return value


def _fact(test: s.FactTest, facts: Facts) -> Verdict:
    value = known(facts, test.key)
    wanted = _wanted(test)
    if value is UNKNOWN:
        if test.assumed is None:
            return Verdict(Truth.UNKNOWN, (f"{test.key} is not known",), (test.key,))
        truth = Truth.TRUE if test.assumed else Truth.FALSE
        said = "is presumed" if test.assumed else "would have to be shown"
        return Verdict(truth, (f"{test.key} is not stated: {wanted} {said}",))
    holds = _contains(test.contains, value) if test.contains else (value in test.any_of)
    if holds is None:
        return Verdict(Truth.UNKNOWN, (f"{test.key} may hold {wanted}",), (test.key,))
    if holds:
        return Verdict(Truth.TRUE, (test.because or f"{test.key} is {_said(value, test.contains)}",))
    contrast = "" if isinstance(value, bool) else f", not {wanted}"
    return Verdict(Truth.FALSE, (f"{test.key} is {_said(value)}{contrast}",))


@cache
def _wanted(test: s.FactTest) -> str:
    return " or ".join(_word(word) for word in sorted(test.contains) or test.any_of)


def _word(value: bool | str) -> str:
    return str(value).lower() if isinstance(value, bool) else value


def _said(value: Value, only: frozenset[str] = frozenset()) -> str:
    if isinstance(value, Elements):
        value = value.at_least
    if isinstance(value, frozenset):
        return ", ".join(sorted(value & only if only else value)) or "none"
    return _word(value) if isinstance(value, bool | str) else str(value)


def _contains(wanted: frozenset[str], value: Value) -> bool | None:
    """Whether one of the wanted words is among a fact's; None when it may yet turn out to be."""
    if isinstance(value, Elements):
        if wanted & value.at_least:
            return True
        return None if value.at_most is None or wanted & value.at_most else False
    return isinstance(value, frozenset) and bool(wanted & value)


# --- counts ---------------------------------------------------------------------------------------------------------


def inhabited(facts: Facts, area: str) -> tuple[tuple[str, Count], ...]:
    """The places in an area that the facts name, each with its people."""
    return facts.once("inhabited", lambda: _by_area(facts)).get(area, ())


def _by_area(facts: Facts) -> dict[str, tuple[tuple[str, Count], ...]]:
    rows: dict[str, list[tuple[str, Count]]] = {}
    for row in facts.people.items():
        for area in vocabulary.areas_of(row[0]):
            rows.setdefault(area, []).append(row)
    return {area: tuple(found) for area, found in rows.items()}


def residents(facts: Facts, area: str) -> Count:
    """People who live in an area, by the places that the facts name; a place that they don't name adds nobody."""
    return facts.once(("residents", area), lambda: _sum([count for _, count in inhabited(facts, area)]))


def total(facts: Facts) -> Count:
    """Everyone: as stated, never fewer than the people counted by residence; else those added up."""
    return facts.once("total", lambda: _total(facts))


def _total(facts: Facts) -> Count:
    listed = _sum(list(facts.people.values())) if facts.people else Count(None, None)
    stated = facts.count("people_detail.total")
    if stated is None:
        return listed
    low = max(stated.min or 0, listed.min or 0)
    return Count(low, stated.max if stated.max is None or stated.max >= low else low)


def _sum(counts: list[Count]) -> Count:
    high = None if any(count.max is None for count in counts) else sum(count.max or 0 for count in counts)
    return Count(sum(count.min or 0 for count in counts), high)


def count_of(base: s.Base, facts: Facts, area: str, currency: str = "") -> tuple[Count, str, tuple[str, ...]]:
    """A count, how it is said in a sentence, and the keys that would make it exact."""
    if base is s.Base.RESIDENTS:
        keys = tuple(f"people.{place}" for place, count in inhabited(facts, area) if count.exact is None)
        return residents(facts, area), f"residents of {area}", keys or (f"people.{area}",)
    if base in (s.Base.TOTAL, s.Base.PERSONS_NOTIFIED):
        said = "individuals in all" if base is s.Base.TOTAL else "persons to be notified"
        return total(facts), said, ("people_detail.total",)
    if base is s.Base.NOTICE_COST:
        cost = facts.value("people_detail.notice_cost")
        amount = cost.amount if isinstance(cost, Money) and cost.currency == currency else Count(None, None)
        return amount, f"{currency} of notice cost", ("people_detail.notice_cost",)
    key = f"people_detail.{base.value}"
    return facts.count(key) or Count(None, None), _COUNTED[base], (key,)


_COUNTED: Final = {
    s.Base.INSUFFICIENT_CONTACT: "people without sufficient contact",
    s.Base.MINORS: "minors",
    s.Base.BROKERED_ACCOUNTS: "brokered accounts",
}


def _count(test: s.CountTest, facts: Facts, place: str) -> Verdict:
    count, said, keys = count_of(test.base, facts, test.place or place, test.currency)
    truth = compare(count, test.op, test.number)
    verb = {Truth.TRUE: "are", Truth.FALSE: "are not", Truth.UNKNOWN: "may or may not be"}[truth]
    reason = (
        test.because
        if test.because and truth is Truth.TRUE
        else f"{count} {said} {verb} {_PHRASE[test.op]} {test.number:,}"
    )
    return Verdict(truth, (reason,), keys if truth is Truth.UNKNOWN else ())


def compare(count: Count, op: s.Op, number: int) -> Truth:
    """Whether every count of the range passes, none does, or it depends."""
    if op in (s.Op.LESS_THAN, s.Op.AT_MOST):
        opposite = s.Op.AT_LEAST if op is s.Op.LESS_THAN else s.Op.MORE_THAN
        return _FLIP[compare(count, opposite, number)]
    needed = number if op is s.Op.AT_LEAST else number + 1
    if (count.min or 0) >= needed:
        return Truth.TRUE
    return Truth.FALSE if count.max is not None and count.max < needed else Truth.UNKNOWN


# --- places ---------------------------------------------------------------------------------------------------------


def establishments(facts: Facts, area: str) -> tuple[str, ...]:
    """Places in an area where the organisation says that it is; its own country first."""
    return facts.once("establishments", lambda: _seats(facts)).get(area, ())


def _seats(facts: Facts) -> dict[str, tuple[str, ...]]:
    organisation = facts.organisation
    named = [organisation.country, organisation.main_establishment, *sorted(organisation.establishments or ())]
    seats: dict[str, tuple[str, ...]] = {}
    for place in dict.fromkeys(place for place in named if place):
        for area in vocabulary.areas_of(place):
            seats[area] = (*seats.get(area, ()), place)
    return seats


def _place(test: s.PlaceTest, facts: Facts) -> Verdict:
    """Establishment and residence as the facts name them: a place that they don't name is no tie to its law."""
    if test.how == "established":
        found = establishments(facts, test.area)
        said = (
            f"the organisation is established in {', '.join(found) or 'no place of ' + test.area + ' that is stated'}"
        )
        return Verdict(Truth.TRUE if found else Truth.FALSE, (test.because if found and test.because else said,))
    if not inhabited(facts, test.area):
        return Verdict(Truth.FALSE, (f"0 residents of {test.area}",))
    count, said, keys = count_of(s.Base.RESIDENTS, facts, test.area)
    truth = compare(count, s.Op.AT_LEAST, 1)
    return Verdict(truth, (f"{count} {said}",), keys if truth is Truth.UNKNOWN else ())


# --- orders ---------------------------------------------------------------------------------------------------------


def _order(test: s.OrderTest, facts: Facts) -> Verdict:
    """An order arises by the authority's act, so without one on record nothing is owed."""
    named, vague = orders(test, facts)
    if named:
        return Verdict(Truth.TRUE, (test.because or f"{test.authority} ordered it",))
    if vague:
        return Verdict(
            Truth.UNKNOWN,
            (f"an order of {test.authority} is on record, and does not say what it orders",),
            ("order.duty",),
        )
    return Verdict(Truth.FALSE, (f"only on an order of {test.authority}, and none is on record",))
