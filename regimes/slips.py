"""Slips of the pen in the facts: tellings after now, which don't count, and times and counts that can't all be true.

They are warned of and never corrected: which of two times is wrong only a person knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

from models.facts import Facts, Moment

TOLD: Final = "times.individuals_notified"

# The first can't be after the second.
ORDERED: Final = (
    ("times.occurred_from", "times.occurred_until"),
    ("times.occurred_from", "times.detected"),
    ("times.occurred_from", "times.suspected"),
    ("times.occurred_from", "times.discovered"),
    ("times.occurred_from", "times.aware"),
    ("times.occurred_from", "times.confirmed"),
    ("times.occurred_from", TOLD),
    ("times.discovered", TOLD),
    ("times.aware", TOLD),
    ("times.contained", "times.restored"),
    ("law_enforcement.from", "law_enforcement.until"),
    ("law_enforcement.from", "law_enforcement.cleared"),
)
PARTS: Final = ("minors", "deceased", "insufficient_contact", "insufficient_contact_next_of_kin")  # of the total


def by_then(facts: Facts, as_of: datetime) -> Facts:
    """The facts without what they say was told after `as_of`: it has not happened."""
    told = tuple(row for row in facts.submissions if not _after(row.at, as_of))
    early = _after(facts.value(TOLD), as_of)
    if len(told) == len(facts.submissions) and not early:
        return facts
    values = {key: value for key, value in facts.values.items() if key != TOLD or not early}
    return replace(facts, submissions=told, values=values)


def _after(at: object, as_of: datetime) -> bool:
    """Whether a time lies wholly after `as_of`; a day that has begun may already hold it."""
    begins = (at.earliest or at.latest) if isinstance(at, Moment) else None
    return begins is not None and begins > as_of


def warnings(facts: Facts, as_of: datetime) -> tuple[str, ...]:
    """Sentences for a person."""
    return (*_not_yet(facts, as_of), *_out_of_order(facts), *_more_than_all(facts), *_undated(facts))


def _not_yet(facts: Facts, as_of: datetime) -> Iterator[str]:
    for number, row in enumerate(facts.submissions, 1):
        if _after(row.at, as_of):
            yield f"submission {number} ({row.regime} {row.duty}) is after now: it does not count"
    if _after(facts.value(TOLD), as_of):
        yield f"{TOLD} is after now: it does not count"


def _out_of_order(facts: Facts) -> Iterator[str]:
    for first, second in ORDERED:
        one, other = facts.value(first), facts.value(second)
        if isinstance(one, Moment) and isinstance(other, Moment) and _wholly_after(one, other):
            yield f"{first} is after {second}: one of them is wrong; the deadlines follow what is stated"


def _wholly_after(one: Moment, other: Moment) -> bool:
    """Days are compared as written where both are: their zones say nothing about their order."""
    if one.dated and other.dated and one.first and other.last:
        return one.first > other.last
    return one.earliest is not None and other.latest is not None and one.earliest > other.latest


def _more_than_all(facts: Facts) -> Iterator[str]:
    total = facts.count("people_detail.total")
    for name in PARTS if total is not None and total.max is not None else ():
        part = facts.count(f"people_detail.{name}")
        if part is not None and total is not None and (part.min or 0) > (total.max or 0):
            yield f"people_detail.{name} says {part}, more than people_detail.total, {total}"


def _undated(facts: Facts) -> Iterator[str]:
    if facts.value("law_enforcement.cleared") is True:
        yield "law_enforcement.cleared gives no time: the delay moves no due time; state when it was cleared"
