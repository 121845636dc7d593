"""Instruments in words and as plain data, for `law list`, `law show` and `law check`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any

from models.values import Confidence
from regimes import schema as s
from regimes.load import counting_rules

_OPS = {
    s.Op.AT_LEAST: "at least",
    s.Op.MORE_THAN: "more than",
    s.Op.LESS_THAN: "fewer than",
    s.Op.AT_MOST: "at most",
}


_BASES = {  # one, several
    s.Base.RESIDENTS: ("resident", "residents"),
    s.Base.TOTAL: ("person in all", "people in all"),
    s.Base.PERSONS_NOTIFIED: ("person to be told", "people to be told"),
    s.Base.INSUFFICIENT_CONTACT: ("person without sufficient contact data", "people without sufficient contact data"),
    s.Base.NOTICE_COST: ("notice cost", "notice cost"),
    s.Base.MINORS: ("minor", "minors"),
    s.Base.BROKERED_ACCOUNTS: ("brokered account", "brokered accounts"),
}


def condition(test: s.Condition | None) -> str:
    """A condition as one clause; "" for none."""
    match test:
        case None:
            return ""
        case s.Every():
            return " and ".join(_inner(part) for part in test.of)
        case s.Either():
            return " or ".join(_inner(part) for part in test.of)
        case s.Not():
            return f"not ({condition(test.of)})"
        case s.CountTest():
            unit = f"{test.currency} of " if test.currency else ""
            where = f" of {test.place}" if test.place else ""
            return f"{_OPS[test.op]} {test.number:,} {unit}{_BASES[test.base][test.number != 1]}{where}"
        case s.OrderTest():
            return f"ordered by {test.authority}"
        case s.PlaceTest():
            return f"{'established' if test.how == 'established' else 'people living'} in {test.area}"
        case s.FactTest():
            wanted = sorted(test.contains) or [str(word).lower() for word in test.any_of]
            verb = "is" if not test.contains else "has any of" if len(wanted) > 1 else "has"
            return f"{test.key} {verb} {', '.join(wanted)}"


def opposite(test: s.FactTest | s.CountTest | s.PlaceTest | s.OrderTest) -> str:
    """What would have to be so for a test to come out the other way."""
    if isinstance(test, s.CountTest):
        return condition(replace(test, op=_OPPOSITE[test.op]))
    if (
        isinstance(test, s.FactTest)
        and not test.contains
        and len(test.any_of) == 1
        and isinstance(test.any_of[0], bool)
    ):
        return condition(replace(test, any_of=(not test.any_of[0],)))
    return f"not {condition(test)}"


_OPPOSITE = {
    s.Op.AT_LEAST: s.Op.LESS_THAN,
    s.Op.LESS_THAN: s.Op.AT_LEAST,
    s.Op.MORE_THAN: s.Op.AT_MOST,
    s.Op.AT_MOST: s.Op.MORE_THAN,
}


def _inner(test: s.Condition) -> str:
    return f"({condition(test)})" if isinstance(test, s.Every | s.Either) else condition(test)


def deadline(period: s.Deadline) -> str:
    """A deadline as one clause."""
    start = period.anchor if period.anchor != "year_end" else f"the end of the calendar year of {period.year_of}"
    if period.submission:
        ref = period.submission
        form = f"({ref.form})" if ref.form else ""
        told = " ".join(part for part in (ref.duty, ref.stage, form) if part)
        start = f"telling {ref.regime or 'under the same law'}: {told}"
    if period.unit is None:
        return "when the order says" if period.anchor == "order" else f"no number, from {start}"
    if period.unit is s.Unit.FIXED_DATE:
        return f"by {period.month:02}-{period.day:02} of the year after {start}"
    unit = period.unit.value.replace("_", " ")
    return f"{period.value} {unit.removesuffix('s') if period.value == 1 else unit} from {start}"


_JOINED = {"earliest": "the earlier of {}", "latest": "the later of {}", "capped": "{}"}


def clock(rule: s.DutyRule) -> str:
    """All deadlines of a duty as one clause."""
    said = [deadline(period) for period in rule.deadlines]
    between = ", limited by " if rule.combine == "capped" else " and "
    return _JOINED[rule.combine].format(between.join(said)) if len(said) > 1 else said[0]


# --- as plain data --------------------------------------------------------------------------------------------------


def written(test: s.Condition) -> dict[str, Any]:
    """A condition in the keys of the instrument file, so that nothing of it is lost in words."""
    match test:
        case s.Every():
            return {"all": [written(part) for part in test.of]}
        case s.Either():
            return {"any": [written(part) for part in test.of]}
        case s.Not():
            return {"not": written(test.of)}
        case s.PlaceTest():
            return {test.how: test.area} | _filled(test, "how", "area")
        case s.OrderTest():
            return {"ordered_by": test.authority} | _filled(test, "authority")
        case s.CountTest():
            head = {"count": test.base.value, test.op.value: test.number} | ({"of": test.place} if test.place else {})
            return head | _filled(test, "base", "op", "number", "place")
        case s.FactTest():
            how: dict[str, Any] = (
                {"contains": sorted(test.contains)} if test.contains else {"any_of": list(test.any_of)}
            )
            return {"fact": test.key} | how | _filled(test, "key", "contains", "any_of")


def _filled(test: s.FactTest | s.CountTest | s.PlaceTest | s.OrderTest, *said: str) -> dict[str, Any]:
    """The other fields of a test, as far as the file fills them."""
    found = {f.name: _plain(getattr(test, f.name)) for f in fields(test) if f.name not in said}
    return {name: value for name, value in found.items() if value not in (None, "", [])}


def as_data(instrument: s.Instrument) -> dict[str, Any]:
    """Everything that an instrument's file holds, as plain data. Field by field, so a new key of the schema is in it.

    A condition stands twice: in words under its own name, and as the file writes it under that name and `_test`.
    """
    return _fields(instrument)


def _fields(value: Any) -> dict[str, Any]:
    data: dict[str, Any] = {"id": value.id} if isinstance(value, s.Version) else {}
    for part in fields(value):
        found, name = getattr(value, part.name), _NAMES.get((type(value), part.name), part.name.rstrip("_"))
        if "Condition" in str(part.type):
            many = isinstance(found, tuple)
            data[name] = [condition(test) for test in found] if many else condition(found)
            data[f"{name}_test"] = [written(test) for test in found] if many else found and written(found)
        else:
            data[name] = _plain(found)
    return data | _MORE.get(type(value), lambda _: {})(value)


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return _fields(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, frozenset):
        return sorted(_plain(item) for item in value)
    if isinstance(value, date):
        return value.isoformat()
    return value.value if isinstance(value, StrEnum) else value


_NAMES = {(s.DutyRule, "when"): "threshold"}
_MORE: dict[type, Callable[[Any], dict[str, Any]]] = {  # in words, beside the fields
    s.DutyRule: lambda rule: {"clock": [deadline(period) for period in rule.deadlines]},
    s.Version: lambda version: {"counting_rule": _fields(counting_rules()[version.counting])},
}


# --- what is weak ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Weak:
    """A part of the law that no source carries, or that sources dispute."""

    owner: str  # a version's id, or `counting rule NAME`
    part: str  # "": the whole of it
    confidence: Confidence
    citation: str

    def __str__(self) -> str:
        return f"{': '.join(part for part in (self.owner, self.part) if part)}: {self.confidence} ({self.citation})"

    @property
    def regime(self) -> str:
        """The instrument it belongs to; "" for a rule of counting."""
        return self.owner.partition("@")[0] if "@" in self.owner else ""


def weak(instruments: Iterable[s.Instrument]) -> Iterator[Weak]:
    """Everything that rests on memory or conflict, by name; the rules by which these instruments count come first."""
    return (part for part in _backed(instruments) if part.confidence is not Confidence.CORPUS)


def _backed(instruments: Iterable[s.Instrument]) -> Iterator[Weak]:
    versions = [version for instrument in instruments for version in instrument.versions]
    for rule in _rules_of(versions):
        yield Weak(f"counting rule {rule.name}", "", rule.confidence, rule.citation)
    for version in versions:
        yield Weak(version.id, "", version.confidence, version.citation)
        yield from (Weak(version.id, name, level, cited) for name, level, cited in _parts(version))


def _rules_of(versions: Iterable[s.Version]) -> Iterator[s.CountingRule]:
    used = {name for version in versions for name in (version.counting, *_own_rules(version))}
    return (rule for rule in counting_rules().values() if rule.name in used)


def _own_rules(version: s.Version) -> Iterator[str]:
    return (period.counting for rule in version.duties for period in rule.deadlines if period.counting)


def _parts(version: s.Version) -> Iterator[tuple[str, Confidence, str]]:
    for rule in version.duties:
        yield f"duty {rule.duty} {rule.stage}", rule.confidence, rule.citation
    for tier in version.substitute:
        yield f"substitute {tier.id}", tier.confidence, tier.citation
    for order in version.orders:
        yield f"order {order.before} before {order.after}", order.confidence, order.citation
    if version.law_enforcement:
        yield "law enforcement", version.law_enforcement.confidence, version.law_enforcement.citation
    if version.notice:
        for item in version.notice.elements:
            yield f"content {item.element}", item.confidence, item.citation
        for channel in version.notice.channels:
            yield f"channel {channel.channel}", channel.confidence, channel.citation
        for offer in version.notice.monitoring:
            yield f"monitoring {offer.months} months", offer.confidence, offer.citation
