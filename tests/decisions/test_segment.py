"""Who gets the same words, by which laws, and how many segments that makes."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import vocabulary
from models.facts import parse_facts
from models.values import BadInput, Duty, Element, Person, Refused, Role
from planning import segment
from planning.segment import ALWAYS, FORBIDS, LawNotice, block_table, check_count, content_classes, fold_blocks, key_for
from regimes import load, promise, schema
from regimes.obligations import covers

ELEMENTS = sorted(vocabulary.words("elements").words)
INSTRUMENTS = load.instruments()
FACTS = parse_facts(
    {"id": "x", "title": "X", "promise": [{"name": "Privacy policy 9", "text": "We will tell you."}]}, "x.toml"
)


@dataclass(frozen=True)
class Owed:
    regime: str
    jurisdiction: str | None
    law_version: str
    duty: Duty = Duty.INDIVIDUALS

    def covers(self, residence: str) -> bool:
        return covers(self.jurisdiction, residence)


PROMISE = Owed("promise", None, f"promise@{next(promise.pledges(FACTS)).slug}")


def owed(*regimes: str) -> list[Owed]:
    return [Owed(name, INSTRUMENTS[name].place, INSTRUMENTS[name].versions[-1].id) for name in regimes]


def person(residence: str = "US-OH", elements: str = "name email", **more: object) -> Person:
    details = {"language": "en", "role": Role.SELF} | more
    return Person("p", residence, elements=frozenset(elements.split()), **details)  # type: ignore[arg-type]


def rule(law: str, elements: str = "", **notice: object) -> LawNotice:
    items = tuple(schema.ContentItem(Element(word), f"{law} 1") for word in elements.split())
    return LawNotice(law, schema.Notice(elements=items, **notice))  # type: ignore[arg-type]


# --- blocks ---------------------------------------------------------------------------------------------------------


def test_every_element_has_exactly_one_block():
    assert sorted(block_table()) == ELEMENTS


def test_an_element_without_a_block_is_named():
    with pytest.raises(BadInput, match="'shoe_size' has no block"):
        fold_blocks(["name", "shoe_size"])


@given(st.sets(st.sampled_from(ELEMENTS)), st.randoms())
def test_folding_depends_on_what_was_lost_and_not_on_its_order(own, random):
    shuffled = sorted(own)
    random.shuffle(shuffled)
    assert fold_blocks(shuffled) == fold_blocks(own)
    assert set(fold_blocks(own)) == {block_table()[element] for element in own}


# --- laws -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("residence", "laws"),
    [
        ("US-CA", ("promise", "us-ca")),
        ("US-OH", ("promise",)),
        ("DE", ("eu-gdpr", "promise")),
        ("GB", ("promise", "uk-gdpr")),
        ("CN", ("cn-pipl", "promise")),
    ],
)
def test_a_person_is_told_by_the_laws_of_where_they_live(residence, laws):
    duties = [*owed("us-ca", "eu-gdpr", "uk-gdpr", "cn-pipl"), PROMISE]
    assert segment.laws_for(person(residence), duties) == laws


def test_a_customer_organisation_is_told_by_contract_and_not_by_the_laws_for_people():
    duties = [*owed("us-ca"), Owed("promise", None, "promise@c", Duty.CONTRACT)]
    assert segment.laws_for(person("US-CA", role=Role.CUSTOMER_ORGANISATION), duties) == ("promise",)


def test_the_regulators_duty_makes_no_notice():
    assert segment.laws_for(person("US-CA"), [Owed("us-ca", "US-CA", "x", Duty.REGULATOR)]) == ()


# --- content classes ------------------------------------------------------------------------------------------------


def test_laws_that_ask_for_the_same_share_one_letter():
    letters = content_classes([rule("a", "what_happened contact"), rule("b", "measures")], ["name"])
    assert [(letter.id, letter.laws) for letter in letters] == [("general", ("a", "b"))]


def test_a_prescribed_form_takes_in_the_laws_without_one():
    letters = content_classes([rule("a", "cause"), rule("us-ca", "date_of_notice", form="us-ca")], ["name"])
    assert [letter.id for letter in letters] == ["us-ca+date_of_notice"]
    assert letters[0].elements == (Element.CAUSE, Element.DATE_OF_NOTICE)


def test_two_prescribed_forms_are_two_letters():
    letters = content_classes([rule("a", form="form-a"), rule("b", form="form-b")], ["name"])
    assert [letter.form for letter in letters] == ["form-a", "form-b"]


def test_massachusetts_and_a_promise_to_tell_what_happened_are_two_letters():
    keys = key_for(person("US-MA", "ssn name"), [*owed("us-ma"), PROMISE], INSTRUMENTS, FACTS)
    told = {key.laws: set(key.content_class.elements) for key in keys}
    assert set(told) == {("us-ma",), ("promise",)}
    assert Element.WHAT_HAPPENED in told[("promise",)]
    assert not told[("us-ma",)] & FORBIDS["nature_of_breach"]
    assert {key.spec().form for key in keys} == {"us-ma", "general"}


def test_an_item_for_some_elements_is_demanded_only_of_those_who_lost_them():
    with_ssn, without = (
        key_for(person("US-CA", elements), owed("us-ca"), INSTRUMENTS, FACTS)[0].content_class
        for elements in ("ssn name", "username password")
    )
    assert Element.CREDIT_BUREAUS in with_ssn.elements and with_ssn.monitoring_months > 0
    assert Element.CREDIT_BUREAUS not in without.elements and without.monitoring_months == 0
    assert Element.PASSWORD_CHANGE in without.elements and Element.PASSWORD_CHANGE not in with_ssn.elements


def test_the_longest_monitoring_is_offered():
    offers = {
        law: schema.Monitoring(months, frozenset({"ssn"}), f"{law} 1") for law, months in (("a", 7), ("b", 9), ("c", 8))
    }
    rules = [LawNotice(law, schema.Notice(monitoring=(offer,))) for law, offer in offers.items()]
    (letter,) = content_classes(rules, ["ssn"])
    assert letter.monitoring_months == 9 and Element.MONITORING_OFFER in letter.elements


@given(
    st.lists(st.tuples(st.sampled_from(sorted(Element)), st.sampled_from(["", "f", "g"]), st.booleans()), max_size=6)
)
def test_every_law_is_in_exactly_one_letter_and_no_letter_contradicts_itself(drawn):
    rules = [
        rule(f"law-{n}", "contact" if bans else element, form=form, prohibited=("nature_of_breach",) if bans else ())
        for n, (element, form, bans) in enumerate(drawn)
    ]
    letters = content_classes(rules, ["name"])
    assert sorted(law for letter in letters for law in letter.laws) == sorted(r.law for r in rules)
    for letter in letters:
        assert not {e for word in letter.prohibited for e in FORBIDS[word]} & set(letter.elements)


def test_what_every_notice_says_makes_no_class_of_its_own():
    (letter,) = content_classes([rule("a", " ".join(sorted(ALWAYS)))], ["name"])
    assert letter.id == "general"


# --- keys -----------------------------------------------------------------------------------------------------------


def test_a_keys_text_is_stable_and_says_what_it_stands_for():
    (key,) = key_for(person("US-NY", "email name"), [*owed("us-ny"), PROMISE], INSTRUMENTS, FACTS)
    assert key.text == "general+us-ny+agencies/en/self/name+email"
    assert (key.blocks, key.exposed, key.laws) == (("contact",), ("name", "email"), ("promise", "us-ny"))


def test_places_that_ask_for_the_same_are_one_segment_held_to_all_their_laws():
    duties = [*owed("us-tx", "eu-gdpr"), PROMISE]
    keys = [key for place in ("US-TX", "DE", "US-OH") for key in key_for(person(place), duties, INSTRUMENTS, FACTS)]
    merged = segment.merge_keys(keys)
    assert list(merged) == ["general/en/self/name+email"]
    assert merged["general/en/self/name+email"].laws == ("eu-gdpr", "promise", "us-tx")


@pytest.mark.parametrize(
    ("residence", "language", "role", "elements"),
    [
        ("US-NY", "en", Role.SELF, "name email"),
        ("US-TX", "zh-Hans", Role.SELF, "name email"),
        ("US-TX", "en", Role.GUARDIAN, "name email"),
        ("US-TX", "en", Role.SELF, "name email phone"),
    ],
)
def test_another_law_language_role_or_loss_is_another_segment(residence, language, role, elements):
    duties = [*owed("us-tx", "us-ny"), PROMISE]
    (base,) = key_for(person("US-TX"), duties, INSTRUMENTS, FACTS)
    (other,) = key_for(person(residence, elements, language=language, role=role), duties, INSTRUMENTS, FACTS)
    assert base.text != other.text


def _keys(number: int, axis: str) -> list[segment.Key]:
    made = []
    for n in range(number):
        own = [element for bit, element in enumerate(ELEMENTS) if n >> bit & 1] if axis == "exposed" else ["name"]
        language = f"l{n}" if axis == "language" else "en"
        made += key_for(person("US-OH", " ".join(own), language=language), [], INSTRUMENTS)
    return made


@pytest.mark.parametrize(("axis", "said"), [("exposed", "exposed elements"), ("language", "languages")])
def test_too_many_segments_are_refused_with_the_axis_that_causes_them(axis, said):
    assert check_count(_keys(20, axis), 20) == 20
    with pytest.raises(Refused, match=f"21 segments are more than 20.*The cause is {said}: 21 different"):
        check_count(_keys(21, axis), 20)


def test_every_promise_is_held_to_by_itself():
    facts = parse_facts(
        {
            "id": "x",
            "title": "X",
            "promise": [{"name": n, "text": "t", "content": [c]} for n, c in (("A", "cause"), ("B", "contact"))],
        },
        "x.toml",
    )
    duties = [Owed("promise", None, f"promise@{pledge.slug}") for pledge in promise.pledges(facts)]
    rules = segment.rules_for(["promise"], duties, INSTRUMENTS, facts)
    assert [item.element for found in rules for item in found.notice.elements] == [Element.CAUSE, Element.CONTACT]
    assert content_classes(rules, ["name"])[0].laws == ("promise",)
