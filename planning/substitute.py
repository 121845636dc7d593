"""Whether notice to each person may, or must, give way to another kind of notice.

Counts of people who could not be reached meet the tiers of the laws that apply. Nothing here publishes: a decision is
a proposal with its citation, and the publication is approved like everything else. Next of kin are counted apart, since
some laws ask nothing more for those who can't be reached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from models.facts import Count, Facts, Money
from models.values import Confidence, Role
from regimes.conditions import Truth, Verdict, compare, evaluate, every, negate
from regimes.schema import (
    Base,
    Condition,
    CountTest,
    Either,
    Every,
    FactTest,
    Force,
    Means,
    Not,
    Op,
    OrderTest,
    PlaceTest,
    SubstituteTier,
    means_needed,
    means_said,
)

PUBLIC_MEANS = frozenset({Means.WEBSITE, Means.STATEWIDE_MEDIA, Means.MAJOR_MEDIA, Means.PUBLIC_COMMUNICATION})


@dataclass(frozen=True, slots=True)
class Reach:
    """Whom one law's notice reached. Unreachable: every rung of the ladder came back, or there was none."""

    regime: str
    jurisdiction: str | None
    people: int  # owed a notice under this law here
    unreachable: int  # of these, without next of kin
    next_of_kin_unreachable: int = 0
    total: int | None = None  # people of the whole incident; None: as the facts say, else as `people`
    notice_cost: Money | None = None  # what telling each would cost; None: as the facts say


@dataclass(frozen=True, slots=True)
class Decision:
    """What one tier of one law says. Neither allowed nor owed, with `missing`: a fact decides that nobody stated."""

    regime: str
    jurisdiction: str | None
    tier: str
    allowed: bool
    owed: bool
    means: tuple[Means, ...]
    mode: str  # all | any | any_2: whether the means add up, one is enough, or two are
    days: int | None  # that a posting must stay up
    toll_free_days: int | None
    citation: str
    confidence: Confidence
    because: tuple[str, ...]
    people: int  # unreachable ones that it stands for
    beside: bool = False  # in addition to individual notice, not instead
    missing: tuple[str, ...] = ()

    @property
    def public(self) -> bool:
        """Whether it is notice to the public rather than another way to each person."""
        return bool(PUBLIC_MEANS.intersection(self.means))

    @property
    def needed(self) -> int:
        """How many of the means must be used together."""
        return means_needed(self.mode, self.means)

    @property
    def means_said(self) -> str:
        """The means as one clause: `email and website`, `two of email, website, statewide media`."""
        return means_said(self.mode, self.means)

    @property
    def needs_reason(self) -> bool:
        """Whether it is the organisation's choice: then why (cost, disproportionate effort) is put on record first."""
        return self.allowed and not self.owed


def decide(reach: Reach, tiers: Sequence[SubstituteTier], facts: Facts | None = None) -> list[Decision]:
    """What the tiers of one law say of these counts; those that say no are left out.

    The counts are the ledger's; `facts` answer what a tier asks beside them (cost, reasons, a promise). Without facts
    such a tier is undetermined, never assumed.
    """
    decisions = [_decision(reach, tier, facts) for tier in tiers]
    return [d for d in decisions if d.allowed or d.missing]


def problems_to_publish(decision: Decision, reason: str) -> list[str]:
    """Why this may not be published instead of telling each person; `reason` is what a person put on record."""
    where = f"{decision.regime}: {decision.tier} ({decision.citation})"
    if not decision.allowed:
        unknown = f"; state {', '.join(decision.missing)}" if decision.missing else ""
        return [f"{where} does not allow it{unknown}"]
    if decision.needs_reason and not reason.strip():
        return [f"{where} leaves it to the organisation: record why telling each person is not done"]
    return []


def _decision(reach: Reach, tier: SubstituteTier, facts: Facts | None) -> Decision:
    counted = _counted(reach, tier)
    verdict = _verdict(tier.when, counted, facts) if _concerned(counted, tier) else Verdict(Truth.FALSE)
    allowed = verdict.truth is Truth.TRUE
    return Decision(
        regime=reach.regime,
        jurisdiction=reach.jurisdiction,
        tier=tier.id,
        allowed=allowed,
        owed=allowed and tier.force is Force.OWED,
        means=tier.means,
        mode=tier.mode,
        days=tier.days,
        toll_free_days=tier.toll_free_days,
        citation=tier.citation,
        confidence=tier.confidence,
        because=tuple(dict.fromkeys(filter(None, (*verdict.because, tier.because)))),
        people=counted.unreachable,
        beside=tier.beside,
        missing=verdict.missing if verdict.truth is Truth.UNKNOWN else (),
    )


def _counted(reach: Reach, tier: SubstituteTier) -> Reach:
    """The reach with next of kin counted in, unless the tier is not for them."""
    if Role.NEXT_OF_KIN in tier.not_for:
        return reach
    together = reach.unreachable + reach.next_of_kin_unreachable
    return replace(reach, unreachable=together, next_of_kin_unreachable=0)


def _concerned(reach: Reach, tier: SubstituteTier) -> bool:
    """Where only the number of unreachable people decides ("fewer than ten"), nobody unreachable is no such case."""
    tests = list(_leaves(tier.when))
    by_contact = all(isinstance(t, CountTest) and t.base is Base.INSUFFICIENT_CONTACT for t in tests)
    return reach.unreachable > 0 or not by_contact


def _leaves(condition: Condition) -> Iterator[Condition]:
    match condition:
        case Every() | Either():
            for part in condition.of:
                yield from _leaves(part)
        case Not():
            yield from _leaves(condition.of)
        case _:
            yield condition


# --- three-valued truth: counts of the ledger, everything else by the facts -----------------------------------------


def _verdict(condition: Condition, reach: Reach, facts: Facts | None) -> Verdict:
    match condition:
        case Every():
            return every(_verdict(part, reach, facts) for part in condition.of)
        case Either():
            return negate(every(negate(_verdict(part, reach, facts)) for part in condition.of))
        case Not():
            return negate(_verdict(condition.of, reach, facts))
        case CountTest() if (found := _found(condition, reach)) is not None:
            return _compared(condition, found)
        case _:
            return _by_facts(condition, reach, facts)


COUNTED: Mapping[Base, tuple[Callable[[Reach], int | None], str]] = {
    Base.INSUFFICIENT_CONTACT: (lambda reach: reach.unreachable, "could not be reached"),
    Base.RESIDENTS: (lambda reach: reach.people, "are owed a notice"),
    Base.TOTAL: (lambda reach: reach.total, "are concerned in all"),
    Base.PERSONS_NOTIFIED: (lambda reach: reach.total, "are to be told in all"),
}

SAID: Mapping[Op, str] = {
    Op.AT_LEAST: "at least",
    Op.MORE_THAN: "more than",
    Op.LESS_THAN: "fewer than",
    Op.AT_MOST: "at most",
}


def _found(test: CountTest, reach: Reach) -> Count | None:
    """The ledger's count for a test, or None when the facts must answer."""
    if test.place and test.place != reach.jurisdiction:
        return None
    if test.base is Base.NOTICE_COST:
        cost = reach.notice_cost
        return cost.amount if cost is not None and cost.currency == test.currency else None
    count = COUNTED[test.base][0](reach) if test.base in COUNTED else None
    return None if count is None else Count(count, count)


def _compared(test: CountTest, found: Count) -> Verdict:
    truth = compare(found, test.op, test.number)
    hold = {Truth.TRUE: "", Truth.FALSE: "not ", Truth.UNKNOWN: "perhaps "}[truth]
    noun = f"{test.currency} is the cost of notice" if test.base is Base.NOTICE_COST else COUNTED[test.base][1]
    line = f"{found} {noun}: {hold}{SAID[test.op]} {test.number:,}"
    return Verdict(truth, (line,), (_key(test),) if truth is Truth.UNKNOWN else ())


def _by_facts(condition: Condition, reach: Reach, facts: Facts | None) -> Verdict:
    if facts is not None:
        return evaluate(condition, facts, reach.jurisdiction or "")
    if isinstance(condition, CountTest) and condition.base in (Base.TOTAL, Base.PERSONS_NOTIFIED):
        return _compared(condition, Count(reach.people, reach.people if reach.jurisdiction is None else None))
    key = _key(condition)
    return Verdict(Truth.UNKNOWN, (f"{key} is not known",), (key,))


def _key(condition: Condition) -> str:
    """The fact that would settle a test."""
    match condition:
        case FactTest():
            return condition.key
        case CountTest(base=Base.TOTAL | Base.PERSONS_NOTIFIED):
            return "people_detail.total"
        case CountTest(base=Base.RESIDENTS):
            return f"people.{condition.place}"
        case CountTest():
            return f"people_detail.{condition.base}"
        case OrderTest():
            return "order"
        case PlaceTest():
            return "organisation.establishments" if condition.how == "established" else f"people.{condition.area}"
        case _:
            raise TypeError(f"{type(condition).__name__} is no single test")
