"""When notice to each person gives way: nine unreachable, the tenth, cost, numbers, reasons, a promise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.facts import Count, Facts, Money, parse_facts
from models.values import Confidence, Role
from planning.substitute import Reach, decide, problems_to_publish
from regimes import promise
from regimes.load import instruments
from regimes.schema import Base, CountTest, Either, Every, FactTest, Force, Means, Not, Op, PlaceTest, SubstituteTier

HIPAA = instruments()["us-hipaa"].versions[-1].substitute


def tier(when: Any, **more: Any) -> SubstituteTier:
    plain = SubstituteTier(
        "t", when, Force.ALLOWED, (Means.WEBSITE,), "all", "Example Code 2", "the law says so", Confidence.CORPUS
    )
    return replace(plain, **more)


COST = CountTest(Base.NOTICE_COST, Op.MORE_THAN, 250_000, currency="USD")
NUMBERS = CountTest(Base.PERSONS_NOTIFIED, Op.MORE_THAN, 500_000)
CONTACT = CountTest(Base.INSUFFICIENT_CONTACT, Op.AT_LEAST, 1)
CALIFORNIAN = tier(
    Either((COST, NUMBERS, CONTACT)),
    id="ca",
    means=(Means.EMAIL, Means.WEBSITE, Means.STATEWIDE_MEDIA),
    days=30,
)
REASONED = tier(FactTest("risk.reasons", any_of=("disproportionate",)), id="eu", means=(Means.PUBLIC_COMMUNICATION,))
MANY = tier(CountTest(Base.TOTAL, Op.MORE_THAN, 500))


def facts(**tables: Any) -> Facts:
    return parse_facts({"id": "i1", "title": "t", **tables}, "facts.toml")


def dollars(amount: int) -> Money:
    return Money(Count(amount, amount), "USD")


def reach(unreachable: int, **more: Any) -> Reach:
    return Reach(**{"regime": "us-xx", "jurisdiction": "US-CA", "people": 836, "unreachable": unreachable, **more})


@pytest.mark.parametrize(
    ("unreachable", "kin", "decided"),
    [
        (0, 0, []),
        (0, 40, []),
        (1, 0, [("hipaa-fewer-than-10", False)]),
        (9, 0, [("hipaa-fewer-than-10", False)]),
        (9, 40, [("hipaa-fewer-than-10", False)]),
        (10, 0, [("hipaa-10-or-more", True)]),
        (836, 0, [("hipaa-10-or-more", True)]),
    ],
)
def test_hipaas_tenth_unreachable_person_makes_public_notice_owed_and_next_of_kin_never_do(
    unreachable: int, kin: int, decided: list[tuple[str, bool]]
) -> None:
    found = decide(reach(unreachable, regime="us-hipaa", jurisdiction="US", next_of_kin_unreachable=kin), HIPAA)
    assert [(d.tier, d.public) for d in found] == decided
    assert all(d.owed and d.allowed and d.people == unreachable for d in found)


def test_hipaas_public_notice_says_how_long_by_which_means_and_why() -> None:
    (found,) = decide(reach(10, jurisdiction="US"), HIPAA)
    assert (found.days, found.toll_free_days, found.mode) == (90, 90, "any")
    assert found.means == (Means.WEBSITE, Means.MAJOR_MEDIA)
    assert found.citation == "45 CFR 164.404(d)(2)(ii)"
    assert found.because[0] == "10 could not be reached: at least 10"


@pytest.mark.parametrize(
    ("cost", "total", "unreachable", "allowed", "missing"),
    [
        (250_000, 836, 0, False, ()),
        (250_001, 836, 0, True, ()),
        (1, 500_000, 0, False, ()),
        (1, 500_001, 0, True, ()),
        (1, 836, 1, True, ()),
        (None, 836, 0, False, ("people_detail.notice_cost",)),
        (None, 836, 1, True, ()),
        (None, 500_001, 0, True, ()),
    ],
)
def test_california_allows_it_by_cost_by_numbers_or_for_those_it_cannot_reach(
    cost: int | None, total: int, unreachable: int, allowed: bool, missing: tuple[str, ...]
) -> None:
    counts = reach(unreachable, total=total, notice_cost=dollars(cost) if cost is not None else None)
    found = decide(counts, [CALIFORNIAN])
    assert [(d.allowed, d.owed, d.missing) for d in found] == (
        [(allowed, False, missing)] if allowed or missing else []
    )


def test_a_cost_in_another_currency_is_not_compared() -> None:
    (found,) = decide(reach(0, total=5, notice_cost=Money(Count(900_000, 900_000), "EUR")), [CALIFORNIAN])
    assert (found.allowed, found.missing) == (False, ("people_detail.notice_cost",))


def test_a_cost_given_as_a_range_decides_only_when_every_reading_does() -> None:
    ranges = {(300_000, None): True, (0, 250_000): None, (200_000, 300_000): False}
    for (low, high), allowed in ranges.items():
        found = decide(reach(0, total=5, notice_cost=Money(Count(low, high), "USD")), [CALIFORNIAN])
        assert [d.allowed for d in found] == ([] if allowed is None else [allowed])


def test_the_facts_answer_what_the_ledger_does_not_count() -> None:
    stated = facts(people_detail={"total": 600_000, "notice_cost": {"amount": 10, "currency": "USD"}})
    (found,) = decide(reach(0), [CALIFORNIAN], stated)
    assert found.allowed
    assert (
        decide(
            reach(0), [CALIFORNIAN], facts(people_detail={"total": 5, "notice_cost": {"amount": 10, "currency": "USD"}})
        )
        == []
    )


def test_without_facts_a_total_is_at_least_the_people_of_this_law() -> None:
    whole = [d.allowed for d in decide(reach(0, jurisdiction=None, people=501), [MANY])]
    part = [(d.allowed, d.missing) for d in decide(reach(0, people=400), [MANY])]
    assert (whole, decide(reach(0, jurisdiction=None, people=500), [MANY])) == ([True], [])
    assert part == [(False, ("people_detail.total",))]


@pytest.mark.parametrize(
    ("reasons", "allowed", "missing"),
    [("disproportionate", True, ()), ("other", None, ()), ("unknown", False, ("risk.reasons",))],
)
def test_disproportionate_effort_needs_its_reason_on_record(
    reasons: str, allowed: bool | None, missing: tuple[str, ...]
) -> None:
    found = decide(reach(3, regime="eu-gdpr", jurisdiction="DE"), [REASONED], facts(risk={"reasons": reasons}))
    assert [(d.allowed, d.missing) for d in found] == ([] if allowed is None else [(allowed, missing)])


def test_without_facts_a_reason_is_undetermined_and_named_never_assumed() -> None:
    (found,) = decide(reach(3), [REASONED])
    assert (found.allowed, found.owed, found.missing) == (False, False, ("risk.reasons",))


@pytest.mark.parametrize(("difficult", "unreachable", "owed"), [(True, 0, []), (True, 1, [True]), (False, 9, [])])
def test_a_promise_of_public_notice_is_kept_for_those_who_cannot_be_told(
    difficult: bool, unreachable: int, owed: list[bool]
) -> None:
    row = {
        "name": "Privacy policy",
        "text": "We will tell you.",
        "to": ["individuals"],
        "public_when_difficult": difficult,
    }
    stated = facts(promise=[row])
    pledge = next(promise.pledges(stated))
    tiers = promise.version(stated, f"promise@{pledge.slug}").substitute
    assert [d.owed for d in decide(reach(unreachable, regime="promise", jurisdiction=None), tiers, stated)] == owed


GDPR = instruments()["eu-gdpr"].versions[-1].substitute


@pytest.mark.parametrize(
    ("tiers", "unreachable", "reason", "said"),
    [
        (GDPR, 3, "", "Art 34(3)(c)) leaves it to the organisation: record why"),
        (GDPR, 3, "  ", "record why"),
        (GDPR, 3, "no address of former guests is held", ""),
        (HIPAA, 10, "", ""),
        ([REASONED], 3, "a reason", "does not allow it; state risk.reasons"),
    ],
)
def test_a_choice_to_publish_instead_is_made_with_its_reason_on_record(
    tiers: list[SubstituteTier], unreachable: int, reason: str, said: str
) -> None:
    (found,) = decide(reach(unreachable), tiers)
    problems = problems_to_publish(found, reason)
    assert [said in p for p in problems] == ([True] if said else [])


@pytest.mark.parametrize("regime", sorted(i for i, law in instruments().items() if law.versions[-1].substitute))
def test_every_law_opens_a_substitute_when_many_cost_much_and_none_when_nobody_is_unreachable(regime: str) -> None:
    tiers = instruments()[regime].versions[-1].substitute
    many = decide(reach(10, people=10_000_000, total=10_000_000, notice_cost=dollars(10_000_000)), tiers)
    assert any(d.allowed and not d.missing for d in many) and all(d.citation for d in many)
    assert decide(reach(0, total=900, notice_cost=dollars(1)), tiers) == []


@pytest.mark.parametrize(("regime", "opened"), [("us-ca", True), ("us-in", False), ("us-mi", False)])
def test_some_laws_do_not_take_insufficient_contact_alone_as_a_ground(regime: str, opened: bool) -> None:
    tiers = instruments()[regime].versions[-1].substitute
    assert any(d.allowed for d in decide(reach(10, total=900, notice_cost=dollars(1)), tiers)) == opened


def test_fewer_than_ten_does_not_mean_nobody() -> None:
    few = tier(CountTest(Base.INSUFFICIENT_CONTACT, Op.LESS_THAN, 10))
    assert [len(decide(reach(n), [few])) for n in (0, 1, 9, 10)] == [0, 1, 1, 0]


@pytest.mark.parametrize(
    ("when", "key"),
    [
        (COST, "people_detail.notice_cost"),
        (NUMBERS, "people_detail.total"),
        (CountTest(Base.MINORS, Op.AT_LEAST, 1), "people_detail.minors"),
        (CountTest(Base.RESIDENTS, Op.AT_LEAST, 1, place="US-TX"), "people.US-TX"),
        (PlaceTest("established", "EU"), "organisation.establishments"),
        (PlaceTest("residents", "EU"), "people.EU"),
    ],
)
def test_what_nobody_stated_is_named_by_its_key(when: Any, key: str) -> None:
    (found,) = decide(reach(5), [tier(when)])
    assert (found.allowed, found.missing) == (False, (key,))


@pytest.mark.parametrize(("not_for", "people"), [((), 5), ((Role.NEXT_OF_KIN,), 2)])
def test_next_of_kin_count_unless_the_law_leaves_them_out(not_for: tuple[Role, ...], people: int) -> None:
    (found,) = decide(reach(2, next_of_kin_unreachable=3), [tier(CONTACT, not_for=not_for)])
    assert found.people == people


@pytest.mark.parametrize(
    ("when", "allowed"),
    [
        (Every((CONTACT, NUMBERS)), False),
        (Every((CONTACT, Not(NUMBERS))), True),
        (Not(CONTACT), False),
        (Either((NUMBERS, Not(NUMBERS))), True),
        (CountTest(Base.RESIDENTS, Op.AT_MOST, 836), True),
        (CountTest(Base.RESIDENTS, Op.AT_MOST, 835), False),
    ],
)
def test_conditions_combine_as_they_read(when: Any, allowed: bool) -> None:
    assert [d.allowed for d in decide(reach(4, total=836), [tier(when)])] == ([True] if allowed else [])


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 5))
@settings(max_examples=100, deadline=None)
def test_more_unreachable_people_never_make_less_owed(fewer: int, more: int, kin: int) -> None:
    low, high = sorted((fewer, more))
    tiers = [*HIPAA, CALIFORNIAN, tier(CONTACT, force=Force.OWED)]
    before, after = (
        decide(reach(n, next_of_kin_unreachable=kin, total=900, notice_cost=dollars(1)), tiers) for n in (low, high)
    )
    assert sum(d.public and d.allowed for d in before) <= sum(d.public and d.allowed for d in after)
    assert all(d.because and d.citation for d in (*before, *after))


@pytest.mark.parametrize(
    ("mode", "means", "needed", "said"),
    [
        ("all", CALIFORNIAN.means, 3, "email and website and statewide media"),
        ("any", CALIFORNIAN.means, 1, "email or website or statewide media"),
        ("any_2", CALIFORNIAN.means, 2, "two of email, website, statewide media"),
    ],
)
def test_a_decision_says_how_many_of_its_means_are_used_together(
    mode: str, means: tuple[Means, ...], needed: int, said: str
) -> None:
    (found,) = decide(reach(3), [replace(CALIFORNIAN, mode=mode, means=means)])
    assert (found.needed, found.means_said) == (needed, said)


@pytest.mark.parametrize(
    ("mode", "means", "both"),
    [
        ("any_2", (Means.EMAIL, Means.WEBSITE, Means.STATEWIDE_MEDIA), True),
        ("all", (Means.WEBSITE, Means.STATEWIDE_MEDIA), True),
        ("any", (Means.WEBSITE, Means.STATEWIDE_MEDIA), False),
        ("any_2", (Means.EMAIL, Means.WEBSITE), False),
    ],
)
def test_a_page_alone_does_not_meet_a_law_that_wants_two_means(mode: str, means: tuple[Means, ...], both: bool) -> None:
    from flows.steps.publish import Judged

    (found,) = decide(reach(3), [replace(CALIFORNIAN, mode=mode, means=means)])
    judged = Judged(decisions=[("us-xx/individuals/US-CA/initial", found)])
    assert judged.both(["us-xx/individuals/US-CA/initial"]) == (["us-xx/individuals/US-CA/initial"] if both else [])
