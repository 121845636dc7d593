"""The waterfall adds up or stops everything; a second list sorts everyone exactly once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.facts import parse_facts
from models.values import TocsinError, canonical
from planning.scope import (
    Change,
    Counting,
    Known,
    Waterfall,
    best_channel,
    compare_one,
    fact_changes,
    fact_source,
    from_data,
)


@dataclass(frozen=True)
class Listed:
    rows: int = 1
    residence: str = "US-IL"
    language: str = "en"
    minor: bool = False
    deceased: bool = False
    protected: bool = False
    has_email: bool = False
    has_phone: bool = False
    has_mobile: bool = False
    has_address: bool = False
    elements: frozenset[str] = frozenset({"name"})
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Spent:
    rows: int
    heading: int = 1
    blank: int = 0
    continued: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)

    @property
    def lines(self) -> int:
        return self.rows + self.heading + self.blank + self.continued + sum(self.rejected.values())


def count(people: list[Listed], **spent: int | Mapping[str, int]) -> Waterfall:
    counting = Counting()
    for person in people:
        counting.add(person)
    return counting.waterfall("people.csv", "source id", Spent(sum(p.rows for p in people), **spent))  # type: ignore[arg-type]


FLAG = st.booleans()
PEOPLE = st.builds(
    Listed,
    st.integers(1, 4),
    st.sampled_from(["US-IL", "US-CA", "DE", "ZZ"]),
    st.sampled_from(["en", "de"]),
    *[FLAG] * 7,
    st.frozensets(st.sampled_from(["name", "ssn", "iban"])),
    st.lists(st.sampled_from(["email_unusable", "no_name"])).map(tuple),
)
REJECTED = st.dictionaries(st.sampled_from(["nul", "unclosed_quote"]), st.integers(0, 9))


@given(st.lists(PEOPLE, max_size=40), REJECTED, st.integers(0, 5), st.integers(0, 5))
def test_the_waterfall_of_any_people_adds_up(
    people: list[Listed], rejected: dict[str, int], blank: int, continued: int
) -> None:
    waterfall = count(people, rejected=rejected, blank=blank, continued=continued)
    waterfall.check()
    assert waterfall.people == len(people)
    assert waterfall.no_contact == sum(best_channel(person) == "none" for person in people)
    assert from_data(json.loads(canonical(waterfall.as_data()))) == waterfall


@pytest.mark.parametrize(
    "broken",
    [
        {"lines": 9},
        {"rows": 4},
        {"merged": 0},
        {"people": 3},
        {"by_residence": {"DE": 1}},
        {"by_language": {"en": 3}},
        {"by_best_channel": {}},
        {"rejected": {"nul": 1}},
        {"minors": 3},
        {"warnings": {"no_name": 3}},
        {"by_element": {"ssn": 5}},
    ],
)
def test_a_waterfall_that_does_not_add_up_stops_everything(broken: dict[str, object]) -> None:
    good = count([Listed(rows=2), Listed()])
    good.check()
    with pytest.raises(TocsinError, match="does not add up"):
        replace(good, **broken).check()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("has", "best"),
    [
        ({"has_email", "has_address", "has_phone"}, "email"),
        ({"has_address", "has_phone", "has_mobile"}, "letter"),
        ({"has_phone", "has_mobile"}, "sms"),
        ({"has_phone"}, "call_list"),
        (set(), "none"),
    ],
)
def test_the_best_channel_is_the_first_that_a_person_has(has: set[str], best: str) -> None:
    assert best_channel(Listed(**dict.fromkeys(has, True))) == best  # type: ignore[arg-type]


def test_the_waterfall_reads_from_lines_to_people() -> None:
    people = [Listed(has_email=True)] * 500 + [Listed(residence="US-CA", minor=True, rows=2)]
    text = count(people, rejected={"unclosed_quote": 1}).as_text()
    steps = [" ".join(line.split()) for line in text.splitlines()]
    assert steps[0] == "lines of people.csv 504"
    for step in ("unclosed_quote 1", "rows 502", "merged (source id) 1", "people 501", "minors 1", "US-IL 500"):
        assert step in steps
    assert "no contact at all 1" in steps


def test_the_facts_take_residents_minors_and_the_unreachable_from_the_list() -> None:
    people = [Listed(has_email=True)] * 501 + [Listed(deceased=True), Listed(minor=True), Listed(residence="ZZ")]
    waterfall = count(people)
    changes = fact_changes(waterfall)
    assert changes == {
        "people.US-IL": 503,
        "people_detail.total": 504,
        "people_detail.minors": 1,
        "people_detail.deceased": 1,
        "people_detail.insufficient_contact": 2,
        "people_detail.insufficient_contact_next_of_kin": 1,
    }
    facts = parse_facts({"id": "x", "title": "X", "people": {"US-IL": 480}}, "x.toml")
    revised = facts.revised(changes, fact_source(waterfall))
    assert revised.people["US-IL"].exact == 503
    assert revised.source("people.US-IL") == "list:people.csv"


@given(st.lists(PEOPLE, max_size=40), st.integers(0, 40))
def test_people_counted_in_parts_are_counted_as_one_list(people: list[Listed], cut: int) -> None:
    whole, first, rest = Counting(), Counting(), Counting()
    for number, person in enumerate(people):
        whole.add(person)
        (first if number < cut else rest).add(person)
    first.merge(rest)
    spent = Spent(sum(person.rows for person in people))
    assert first.waterfall("l.csv", "id", spent) == whole.waterfall("l.csv", "id", spent)


def test_who_is_somebody_else_of_the_list_is_not_counted_twice_in_the_facts() -> None:
    again = Counting()
    again.add(Listed(minor=True))
    once = fact_changes(count([Listed(has_email=True), Listed(minor=True), Listed(minor=True)]), again)
    assert (once["people.US-IL"], once["people_detail.total"], once["people_detail.minors"]) == (2, 2, 1)
    assert once["people_detail.insufficient_contact"] == 1


# --- a second list --------------------------------------------------------------------------------------------------

OLD = Known("m1", frozenset({"name", "ssn"}), "e1", "p1", "a1")


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        (None, OLD, Change.NEW),
        (replace(OLD, withdrawn=True), OLD, Change.NEW),
        (OLD, OLD, Change.UNCHANGED),
        (OLD, replace(OLD, content_mark="m2", elements=OLD.elements | {"iban"}), Change.MORE_ELEMENTS),
        (OLD, replace(OLD, content_mark="m2", elements=frozenset({"name"})), Change.OTHER),
        (OLD, replace(OLD, content_mark="m2", email_index="e2"), Change.CONTACT),
        (OLD, replace(OLD, content_mark="m2", phone_index=""), Change.CONTACT),
        (OLD, replace(OLD, content_mark="m2", address_index="a2"), Change.CONTACT),
        (
            OLD,
            replace(OLD, content_mark="m2", email_index="e2", elements=OLD.elements | {"iban"}),
            Change.MORE_ELEMENTS,
        ),
        (OLD, replace(OLD, content_mark="m2", deceased=True, email_index=""), Change.DECEASED_SINCE),
        (OLD, replace(OLD, content_mark="m2"), Change.OTHER),
        (replace(OLD, consent_email=True), replace(OLD, content_mark="m2"), Change.CONTACT),
        (OLD, replace(OLD, content_mark="m2", consent_email=True), Change.OTHER),
    ],
)
def test_a_second_list_says_what_changed_for_a_person(old: Known | None, new: Known, change: Change) -> None:
    assert compare_one(old, new) is change
