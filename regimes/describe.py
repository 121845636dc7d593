"""Instruments in words and as plain data, for `law list`, `law show` and `law check`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
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
            return f"{_OPS[test.op]} {test.number:,} {unit}{test.base.value.replace('_', ' ')}{where}"
        case s.PlaceTest():
            return f"{'established' if test.how == 'established' else 'people living'} in {test.area}"
        case s.FactTest():
            wanted = sorted(test.contains) or [str(word).lower() for word in test.any_of]
            verb = "is" if not test.contains else "has any of" if len(wanted) > 1 else "has"
            return f"{test.key} {verb} {', '.join(wanted)}"


def opposite(test: s.FactTest | s.CountTest | s.PlaceTest) -> str:
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
        start = f"telling {ref.regime or 'under the same law'}: {ref.duty} {ref.stage}".strip()
    if period.unit is None:
        return f"no number, from {start}"
    if period.unit is s.Unit.FIXED_DATE:
        return f"by {period.month:02}-{period.day:02} of the year after {start}"
    return f"{period.value} {period.unit.value.replace('_', ' ')} from {start}"


def as_data(instrument: s.Instrument) -> dict[str, Any]:
    """An instrument for `law list --json`: versions, duties, thresholds, clocks, sources, confidence."""
    return {
        "id": instrument.id,
        "name": instrument.name,
        "place": instrument.place,
        "kind": instrument.kind,
        "versions": [_version(version) for version in instrument.versions],
    }


def _version(version: s.Version) -> dict[str, Any]:
    return {
        "id": version.id,
        "from": version.from_.isoformat(),
        "until": version.until.isoformat() if version.until else None,
        "status": version.status.value,
        "citation": version.citation,
        "checked": version.checked.isoformat() if version.checked else None,
        "confidence": version.confidence.value,
        "sources": list(version.sources),
        "counting": version.counting,
        "applies": condition(version.applies),
        "personal_information": condition(version.personal_information),
        "exceptions": [condition(part) for part in version.exceptions],
        "duties": [_duty(rule) for rule in version.duties],
        "substitute": [_tier(tier) for tier in version.substitute],
        "orders": [f"{order.before} before {order.after} ({order.enforcement})" for order in version.orders],
        "omits": list(version.omits),
    }


def _duty(rule: s.DutyRule) -> dict[str, Any]:
    return {
        "duty": rule.duty.value,
        "stage": rule.stage.value,
        "recipient": rule.recipient.value,
        "authorities": [authority.name for authority in rule.authorities],
        "threshold": condition(rule.when),
        "clock": [deadline(period) for period in rule.deadlines],
        "qualifier": rule.qualifier,
        "citation": rule.citation,
        "checked": rule.checked.isoformat() if rule.checked else None,
        "confidence": rule.confidence.value,
    }


def _tier(tier: s.SubstituteTier) -> dict[str, Any]:
    return {
        "id": tier.id,
        "when": condition(tier.when),
        "force": tier.force.value,
        "means": [means.value for means in tier.means],
        "days": tier.days,
        "citation": tier.citation,
        "confidence": tier.confidence.value,
    }


def weak(instruments: Iterable[s.Instrument]) -> Iterator[str]:
    """Everything that rests on memory or conflict, by name."""
    for rule in counting_rules().values():
        if rule.confidence is not Confidence.CORPUS:
            yield f"counting rule {rule.name}: {rule.confidence} ({rule.citation})"
    for version in (version for instrument in instruments for version in instrument.versions):
        if version.confidence is not Confidence.CORPUS:
            yield f"{version.id}: {version.confidence} ({version.citation})"
        yield from (
            f"{version.id}: {name}: {level} ({cited})" for name, level, cited in _parts(version) if level != "corpus"
        )


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
