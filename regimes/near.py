"""Near misses: duties that are not owed and would be if one more kind of data had been exposed.

A list of elements is written by hand, and `ssn` without `name` is more often a slip than a fact. Pure; for a warning,
never for a decision.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from models.facts import Elements, Facts
from regimes import load
from regimes import schema as s
from regimes.assess import role_test
from regimes.conditions import Truth, Verdict, evaluate, negate
from regimes.obligations import NotOwed

_ELEMENTS: Final = "data.elements"
_NAMED: Final = 6  # elements, and regimes, of one sentence that are named

_LINES: Final = 4  # sentences on one screen


@dataclass(frozen=True, slots=True)
class Near:
    """Duties of one regime and place that any one of these elements would make owed."""

    regime: str
    jurisdiction: str
    duties: tuple[str, ...]
    elements: tuple[str, ...]

    def as_data(self) -> dict[str, Any]:
        return {
            "regime": self.regime,
            "jurisdiction": self.jurisdiction,
            "duties": list(self.duties),
            "fact": _ELEMENTS,
            "has_any_of": list(self.elements),
        }


def near(not_owed: Iterable[NotOwed], facts: Facts) -> tuple[Near, ...]:
    """What one more element would make owed. Nothing while the list of elements is open: it is undetermined then."""
    value = facts.value(_ELEMENTS)
    if not isinstance(value, Elements) or not value.at_least or value.at_most is None:
        return ()
    found: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for entry in not_owed:
        if entry.rule is not None and (words := _enough(entry, facts)):
            key = (entry.regime, entry.jurisdiction or "", words)
            found.setdefault(key, []).append(entry.duty.value.replace("_", " "))
    return tuple(Near(*key[:2], tuple(dict.fromkeys(duties)), key[2]) for key, duties in found.items())


def sentences(found: Iterable[Near]) -> list[str]:
    """One line for each set of elements, with the regimes that it would bring in: few, those that ask for least first.

    A single missing element is likely a slip; where any of twenty would do, it is likely what the incident was.
    """
    groups: dict[tuple[str, ...], list[str]] = {}
    for one in found:
        groups.setdefault(one.elements, []).append(f"{one.regime} {', '.join(one.duties)}")
    ranked = sorted(groups.items(), key=lambda group: len(group[0]))
    rest = len(ranked) - _LINES
    more = (
        [f"near: {rest} more sets of laws would ask for one more kind of data; --json names them"] if rest > 0 else []
    )
    return [*(_sentence(words, who) for words, who in ranked[:_LINES]), *more]


def _sentence(words: tuple[str, ...], who: list[str]) -> str:
    told = f"{'; '.join(who[:_NAMED])}{_more(who)}"
    return f"near: {told}: not owed, but would be if {_ELEMENTS} has {' or '.join(words[:_NAMED])}{_more(words)}"


def _more(words: list[str] | tuple[str, ...]) -> str:
    return f" and {len(words) - _NAMED} more" if len(words) > _NAMED else ""


# --- one duty -------------------------------------------------------------------------------------------------------

_Part = tuple[s.Condition, str]  # with the place whose residents count


def _enough(entry: NotOwed, facts: Facts) -> tuple[str, ...]:
    """The elements of which each alone would turn the duty; none when something else stands against it as well."""
    if entry.rule is None or not _reads_elements(entry):
        return ()
    parts = list(_parts(entry, entry.rule))
    asked = {word for part in parts for test in _refused(part[0], facts) for word in test.contains}
    if not asked or _unbound(parts, facts) or _blocked(parts, facts, frozenset(asked)):
        return ()
    return tuple(sorted(word for word in asked if not _blocked(parts, facts, frozenset({word}))))


def _reads_elements(entry: NotOwed) -> bool:
    """Whether an element stands among the reasons: most duties fail on something else, and need no closer look."""
    return any(reason.startswith(f"{_ELEMENTS} is ") for reason in entry.because)


def _parts(entry: NotOwed, rule: s.DutyRule) -> Iterator[_Part]:
    """All conditions that must hold for the duty."""
    instrument = load.instrument(entry.regime)
    version = instrument.version(entry.law_version)
    exempt = () if rule.despite_exceptions else tuple(s.Not(part) for part in version.exceptions)
    common = (instrument.nexus, version.applies, version.personal_information, *exempt)
    yield from ((part, instrument.place) for part in common if part is not None)
    if rule.roles:
        yield role_test(rule.roles), instrument.place
    if rule.when is not None:
        yield rule.when, entry.jurisdiction or ""


def _refused(node: s.Condition, facts: Facts) -> Iterator[s.FactTest]:
    match node:
        case s.Every() | s.Either():
            for part in node.of:
                yield from _refused(part, facts)
        case s.Not():
            yield from _refused(node.of, facts)
        case s.FactTest() if node.key == _ELEMENTS and evaluate(node, facts).truth is Truth.FALSE:
            yield node


def _unbound(parts: Iterable[_Part], facts: Facts) -> bool:
    """Whether it is not even known that the law binds this organisation: that question comes first."""
    return any(key.startswith("organisation.") for part, place in parts for key in evaluate(part, facts, place).missing)


def _blocked(parts: Iterable[_Part], facts: Facts, words: frozenset[str]) -> bool:
    return any(_with(part, place, facts, words) is Truth.FALSE for part, place in parts)


def _with(node: s.Condition, place: str, facts: Facts, words: frozenset[str]) -> Truth:
    """What a condition comes to when these elements were exposed as well."""
    match node:
        case s.Every():
            return _first(Truth.FALSE, Truth.TRUE, (_with(part, place, facts, words) for part in node.of))
        case s.Either():
            return _first(Truth.TRUE, Truth.FALSE, (_with(part, place, facts, words) for part in node.of))
        case s.Not():
            return negate(Verdict(_with(node.of, place, facts, words))).truth
        case s.FactTest() if node.key == _ELEMENTS and node.contains & words:
            return Truth.TRUE
    return evaluate(node, facts, place).truth


def _first(decides: Truth, otherwise: Truth, found: Iterable[Truth]) -> Truth:
    """The truth that decides as soon as one part has it; else unknown where one is."""
    for truth in found:
        if truth is decides:
            return decides
        otherwise = Truth.UNKNOWN if truth is Truth.UNKNOWN else otherwise
    return otherwise
