"""Where a duty lands: the jurisdictions and authorities of one rule, for the places that the facts name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from models import vocabulary
from models.facts import Facts
from regimes import conditions
from regimes import schema as s
from regimes.conditions import TRUE, Truth, Verdict


@dataclass(frozen=True, slots=True)
class Landing:
    """One place where a duty is owed, and the authority there."""

    jurisdiction: str
    authority: s.Authority | None
    reach: s.Reach
    verdict: Verdict = TRUE


def landings(rule: s.DutyRule, instrument: s.Instrument, facts: Facts) -> Iterator[Landing]:
    """Every landing of a rule; none when it falls on places where nobody lives."""
    area = rule.place or instrument.place
    if rule.per is s.Per.SUPERVISOR:
        yield from _supervisors(rule, area, facts)
        return
    places = [area] if rule.per is s.Per.INSTRUMENT else _inhabited(area, facts)
    for place in places:
        vague = rule.per is s.Per.PLACE and place == area
        for authority in rule.authorities or (None,):
            yield Landing(place, authority, _reach(rule, area, facts), _without_place(place) if vague else TRUE)


def _without_place(area: str) -> Verdict:
    return Verdict(Truth.UNKNOWN, (f"people in {area} are counted without their part of it",), (f"people.{area}",))


def _inhabited(area: str, facts: Facts) -> list[str]:
    return [place for place, count in conditions.inhabited(facts, area) if count.max != 0]


def _reach(rule: s.DutyRule, area: str, facts: Facts) -> s.Reach:
    """A law that binds an establishment wherever its people live protects everyone; otherwise those who live there."""
    if rule.reach is not s.Reach.ESTABLISHED:
        return rule.reach
    return s.Reach.EVERYONE if conditions.establishments(facts, area) else s.Reach.RESIDENTS


def _supervisors(rule: s.DutyRule, area: str, facts: Facts) -> Iterator[Landing]:
    """With an establishment in the area its lead authority, without one that of every state where people live."""
    seats = conditions.establishments(facts, area)
    main = facts.organisation.main_establishment
    if seats:
        country = facts.organisation.country
        lead = main if main in seats else country if country in seats else seats[0] if len(seats) == 1 else ""
        yield _lead(rule, area, lead)
        return
    said = f"the organisation states no establishment in {area}: the authority of every state where people live is told"
    for state in sorted({place.split("-")[0] for place in _inhabited(area, facts)}):
        verdict = conditions.evaluate(s.PlaceTest("residents", state), facts)
        yield Landing(
            state,
            _of(rule, state),
            s.Reach.RESIDENTS,
            Verdict(verdict.truth, (said, *verdict.because), verdict.missing),
        )


def _lead(rule: s.DutyRule, area: str, lead: str) -> Landing:
    if lead:
        return Landing(lead, _of(rule, lead), s.Reach.EVERYONE)
    said = "several establishments, and the main one is not stated"
    verdict = Verdict(Truth.UNKNOWN, (said,), ("organisation.main_establishment",))
    return Landing(area, s.Authority("lead", "lead supervisory authority"), s.Reach.EVERYONE, verdict)


def _of(rule: s.DutyRule, state: str) -> s.Authority:
    """The state's authority: as listed for it, else under the name that the law gives the authority of every state."""
    for authority in rule.authorities:
        if authority.place == state:
            return authority
    where = vocabulary.place_name(state)
    lent = next((authority for authority in rule.authorities if not authority.place), None)
    if lent is None:
        return s.Authority(state.lower(), f"supervisory authority of {where}", "", state)
    return s.Authority(state.lower(), f"{lent.name}, {where}", lent.filing, state)
