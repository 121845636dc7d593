"""Why a duty is owed or not, as a tree: every condition of its law with its verdict, the facts it read and where they
come from, and what would turn the verdict round. Pure; for a person to read and to check, never for a decision.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from models.facts import Elements, Facts, Money, Value
from models.vocabulary.kinds import shown
from regimes import conditions, describe, load
from regimes import schema as s
from regimes.assess import role_test
from regimes.conditions import Truth
from regimes.obligations import NotOwed, Obligation

Leaf = s.FactTest | s.CountTest | s.PlaceTest | s.OrderTest


@dataclass(frozen=True, slots=True)
class Read:
    """A fact that a condition looked at."""

    key: str
    value: str
    source: str  # "" when nobody stated it


@dataclass(frozen=True, slots=True)
class Step:
    """A condition and what it came to; the parts of a compound one stand in `of`."""

    said: str
    truth: Truth
    because: tuple[str, ...] = ()
    reads: tuple[Read, ...] = ()
    of: tuple[Step, ...] = ()
    leaf: Leaf | None = None
    kind: str = ""  # all | any | not, for a compound one


@dataclass(frozen=True, slots=True)
class Reasoning:
    """The conditions of one duty, each under the part it plays, and what would change the outcome."""

    parts: tuple[tuple[str, Step], ...]
    changes: tuple[str, ...]


def reasoning(entry: Obligation | NotOwed, facts: Facts) -> Reasoning:
    """The tree behind one entry of an assessment of these facts; empty for a promise, which has no conditions."""
    if entry.rule is None:
        return Reasoning((), ())
    instrument = load.instrument(entry.regime)
    version = instrument.version(entry.law_version)
    parts = tuple(_parts(instrument, version, entry.rule, entry.jurisdiction or "", facts))
    whole = Step("", Truth.TRUE, of=tuple(step for _, step in parts), kind="all")
    return Reasoning(parts, tuple(dict.fromkeys(_changes(whole))))


def _parts(
    instrument: s.Instrument, version: s.Version, rule: s.DutyRule, place: str, facts: Facts
) -> Iterator[tuple[str, Step]]:
    area = instrument.place
    common = (
        ("tie to the facts", instrument.nexus),
        ("applies", version.applies),
        ("data", version.personal_information),
    )
    for name, condition in common:
        if condition is not None:
            yield name, step(condition, facts, area)
    if not rule.despite_exceptions:
        for condition in version.exceptions:
            yield "no exception", step(s.Not(condition), facts, area)
    if rule.roles:
        yield "binds", step(role_test(rule.roles), facts, area)
    if rule.when is not None:
        yield "this duty", step(rule.when, facts, place)


def step(condition: s.Condition, facts: Facts, place: str) -> Step:
    """One condition as a tree of steps; `place` is the jurisdiction whose residents count."""
    verdict = conditions.evaluate(condition, facts, place)
    said = describe.condition(condition)
    match condition:
        case s.Every() | s.Either():
            of = tuple(step(part, facts, place) for part in condition.of)
            return Step(said, verdict.truth, of=of, kind="all" if isinstance(condition, s.Every) else "any")
        case s.Not():
            return Step(said, verdict.truth, of=(step(condition.of, facts, place),), kind="not")
        case s.FactTest() | s.CountTest() | s.PlaceTest() | s.OrderTest():
            reads = tuple(_reads(condition, facts, place))
            return Step(said, verdict.truth, verdict.because, reads, leaf=condition)


def _reads(test: Leaf, facts: Facts, place: str) -> Iterator[Read]:
    for key in _keys(test, facts, place):
        yield Read(key, _value(facts.values.get(key)), facts.source(key))


def _value(value: Value | None) -> str:
    if value is None:
        return "not stated"
    if isinstance(value, Money):
        return f"{value.amount} {value.currency}"
    return str(value).lower() if isinstance(value, bool) else shown(value)


def _keys(test: Leaf, facts: Facts, place: str) -> tuple[str, ...]:
    if isinstance(test, s.FactTest):
        return (test.key,)
    if isinstance(test, s.OrderTest):
        return ("order",)
    if isinstance(test, s.PlaceTest) and test.how == "established":
        keys = ("organisation.country", "organisation.main_establishment", "organisation.establishments")
        return tuple(key for key in keys if key in facts.values) or keys[:1]
    if isinstance(test, s.PlaceTest) or test.base is s.Base.RESIDENTS:
        area = test.area if isinstance(test, s.PlaceTest) else test.place or place
        return tuple(f"people.{where}" for where, _ in conditions.inhabited(facts, area)) or (f"people.{area}",)
    if test.base in (s.Base.TOTAL, s.Base.PERSONS_NOTIFIED):
        return ("people_detail.total", *(f"people.{where}" for where in facts.people))
    return (f"people_detail.{test.base.value}",)


# --- what would change it -------------------------------------------------------------------------------------------


def _changes(whole: Step) -> Iterator[str]:
    """Each single test whose other outcome alone would turn the whole round."""
    now = _truth(whole, None)
    for leaf in _leaves(whole):
        if leaf.leaf is not None and _truth(whole, leaf) is not now:
            yield describe.opposite(leaf.leaf) if leaf.truth is Truth.TRUE else describe.condition(leaf.leaf)


def _leaves(node: Step) -> Iterator[Step]:
    if node.leaf is not None:
        yield node
    yield from chain.from_iterable(_leaves(part) for part in node.of)


def _truth(node: Step, flipped: Step | None) -> Truth:
    """What a tree comes to when one of its tests came out the other way; what was unknown then holds."""
    if node.leaf is not None:
        return node.truth if node is not flipped else Truth.FALSE if node.truth is Truth.TRUE else Truth.TRUE
    parts = [_truth(part, flipped) for part in node.of]
    if node.kind == "not":
        return {Truth.TRUE: Truth.FALSE, Truth.FALSE: Truth.TRUE}.get(parts[0], Truth.UNKNOWN)
    decides = Truth.FALSE if node.kind == "all" else Truth.TRUE
    if decides in parts:
        return decides
    return Truth.UNKNOWN if Truth.UNKNOWN in parts else Truth.TRUE if node.kind == "all" else Truth.FALSE


# --- what would decide ----------------------------------------------------------------------------------------------


def deciding(entry: Obligation, facts: Facts) -> tuple[str, ...]:
    """The elements of which nobody stated whether they were exposed, and on which an undetermined duty turns."""
    if entry.rule is None or "data.elements" not in entry.missing:
        return ()
    value = facts.value("data.elements")
    known = value.at_least if isinstance(value, Elements) else frozenset()
    most = value.at_most if isinstance(value, Elements) else None
    open_ = [leaf for _, part in reasoning(entry, facts).parts for leaf in open_tests(part)]
    tests = [test for test in open_ if isinstance(test, s.FactTest) and test.key == "data.elements"]
    asked = frozenset(word for test in tests for word in test.contains)
    return tuple(sorted(word for word in asked - known if most is None or word in most))


def open_tests(node: Step) -> Iterator[Leaf]:
    """The single tests that are unknown and still matter: none inside a branch that is decided already."""
    if node.truth is Truth.UNKNOWN:
        if node.leaf is not None:
            yield node.leaf
        yield from chain.from_iterable(open_tests(part) for part in node.of)
