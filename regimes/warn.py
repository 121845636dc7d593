"""What an assessment warns of beside its obligations: weak backing, broken orders, people whom no law here covers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date

from models import vocabulary
from models.facts import Facts
from models.values import Confidence
from regimes import clock, conditions
from regimes import schema as s
from regimes.load import counting_rules
from regimes.obligations import Obligation, Precedence


def told_too_early(entry: Obligation, orders: tuple[Precedence, ...], all_: list[Obligation]) -> Obligation:
    """The obligation that should have come first, with the broken order among its reasons."""
    if not any(order.broken for order in orders):
        return entry
    said = [_broken(order, all_) for order in orders if order.broken and entry.id in order.before]
    return replace(entry, because=(*entry.because, *said)) if said else entry


def warnings(
    facts: Facts,
    open_: list[Obligation],
    orders: tuple[Precedence, ...],
    held: Mapping[str, s.Instrument],
    heads: Iterable[s.Instrument],
    day: date,
) -> tuple[str, ...]:
    """Sentences for a person, each once. `held`: the instruments tied to these facts; `heads`: all that are known."""
    found = [
        *_backing(open_),
        *_counting(open_, held),
        *(_broken(order, open_) for order in orders if order.broken),
        *_places(facts, held, list(heads)),
        *(f"{id_}: {said}" for id_, said in not_held(facts, held, open_, day).items()),
        *_earlier(facts, held, open_),
        *_unsure(facts),
        *_unmatched(facts, open_),
    ]
    return tuple(dict.fromkeys(found))


def _backing(open_: list[Obligation]) -> Iterator[str]:
    for entry in open_:
        if entry.confidence is not Confidence.CORPUS:
            yield f"{entry.id} rests on {entry.confidence}: {entry.citation} was not checked against a source"


def _counting(open_: list[Obligation], held: Mapping[str, s.Instrument]) -> Iterator[str]:
    for entry in open_:
        if entry.due and entry.regime in held:
            rule = counting_rules()[held[entry.regime].version(entry.law_version).counting]
            if rule.confidence is not Confidence.CORPUS:
                yield f"{entry.regime}: counted by {rule.name}, which rests on {rule.confidence}: {rule.citation}"


def _broken(order: Precedence, all_: list[Obligation]) -> str:
    first = min(entry.met for entry in all_ if entry.id in order.after and entry.met)
    return (
        f"warning: {order.regime}: {order.rule.after} told on {first.date().isoformat()}, before {order.rule.before} "
        f"({order.rule.citation}: {order.rule.because})"
    )


GENERAL = "personal_data"  # the kind of an instrument that protects people whatever the organisation's trade


def _places(facts: Facts, held: Mapping[str, s.Instrument], heads: list[s.Instrument]) -> Iterator[str]:
    by_place: dict[str, list[s.Instrument]] = {}
    for head in heads:
        by_place.setdefault(head.place, []).append(head)
    for place, count in facts.people.items():
        if count.max == 0:
            continue
        known = [head for area in vocabulary.areas_of(place) for head in by_place.get(area, ())]
        general = [held[head.id] for head in known if head.kind == GENERAL and head.id in held]
        said = f"people in {place} ({vocabulary.place_name(place)})"
        if not known:
            yield f"{said}: no regime known here"
        elif not any(head.kind == GENERAL for head in known) and place != "US":
            yield f"{said}: no general regime known here, only {', '.join(head.id for head in known)}"
        elif general and not any(_demands(instrument) for instrument in general):
            yield f"{said}: {'; '.join(_standing(instrument) for instrument in general)}: nothing is owed under it"
        if place == "US":
            yield f"{count} people in {place} without a State: the laws of the States are not assessed for them"
    if not facts.people:
        yield "people by residence are not stated: laws that protect residents of a place are not assessed"


def _demands(instrument: s.Instrument) -> bool:
    return any(version.status in s.APPLIED and version.duties for version in instrument.versions)


def _standing(instrument: s.Instrument) -> str:
    last = instrument.versions[-1]
    return f"{instrument.id} is {last.status.value.replace('_', ' ')}, from {last.from_.isoformat()}"


def not_held(facts: Facts, held: Mapping[str, s.Instrument], open_: list[Obligation], day: date) -> dict[str, str]:
    """Laws that are tied to the facts and of which no version of that day is held, each with a sentence.

    Laws that would not bind the organisation are passed.
    """
    found: dict[str, str] = {}
    answered = {entry.regime for entry in open_}
    times = [facts.moment(name) for name in ("discovered", "aware", "detected", "occurred_from")]
    last = max((at.latest.date() for at in times if at and at.latest), default=day)
    for instrument in held.values():
        first = instrument.versions[0]
        if instrument.id not in answered and last < first.from_ and first.status in s.APPLIED:
            bound = conditions.evaluate(first.applies, facts, instrument.place).truth
            if bound is not conditions.Truth.FALSE:
                found[instrument.id] = f"no version before {first.from_.isoformat()} is held here; not assessed"
    return found


def _earlier(facts: Facts, held: Mapping[str, s.Instrument], open_: list[Obligation]) -> Iterator[str]:
    """The law of the day from which a duty counts was taken, and another one was in force when the incident began.

    Where the law's own file names the time that decides, nothing is in doubt.
    """
    began = facts.moment("occurred_from")
    day = (began.first or (began.earliest and began.earliest.date())) if began else None
    for entry in open_ if day else ():
        if entry.regime not in held or day is None:
            continue
        version = held[entry.regime].version(entry.law_version)
        before = [v for v in held[entry.regime].versions if v.from_ <= day and v.until and day <= v.until]
        if day < version.from_ and not version.transition and before and before[0].status in s.APPLIED:
            yield (
                f"{entry.regime}: the version from {version.from_.isoformat()} is taken, in force on the day from "
                f"which its duties count; the incident began on {day.isoformat()}, under an earlier one, and "
                f"which of them holds is not settled here: compare with --on {day.isoformat()}"
            )


def _unsure(facts: Facts) -> Iterator[str]:
    dated = any(at and at.dated for at in map(facts.moment, ("discovered", "aware", "detected", "determined")))
    if dated and facts.zone is None:
        yield "a time is given by its day, without organisation.timezone: hours count over that day anywhere on earth"
    stated, listed = facts.count("people_detail.total"), sum(count.min or 0 for count in facts.people.values())
    if stated and stated.max is not None and stated.max < listed:
        yield f"people_detail.total says {stated}, but the places add up to {listed:,}"
    exact = bool(facts.people) and all(count.exact is not None for count in facts.people.values())
    if stated and exact and (stated.min or 0) > listed:
        yield f"{(stated.min or 0) - listed:,} people have no residence: the laws of their places are not assessed"


def _unmatched(facts: Facts, open_: list[Obligation]) -> Iterator[str]:
    """Tellings on record that meet no duty: a misspelt regime or authority, or something nobody owed."""
    for number, row in enumerate(facts.submissions, 1):
        mine = [o for o in open_ if clock.matches(row, o.regime, o.duty, o.stage, o.jurisdiction or "")]
        if not any(clock.same_authority(row.authority, o.authority_slug, o.authority or "") for o in mine):
            yield f"submission {number} ({row.regime} {row.duty}) matches no duty that is owed on these facts"
