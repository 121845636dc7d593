"""Which channels one person's ladder has, in which order, and why the others are not on it."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.values import Channel, Person, Role
from planning.route import LadderPolicy, Router, because, ladder, mailbox_leaked, route, traits
from regimes.load import instruments
from regimes.schema import ChannelRule, ChannelWhen, Notice

EMAIL, SMS, LETTER, CALL = Channel.EMAIL, Channel.SMS, Channel.LETTER, Channel.CALL_LIST
W = ChannelWhen

PERSON = Person(
    "p1",
    "US-IL",
    "en",
    Role.SELF,
    frozenset({"name", "health_record"}),
    consent_email=True,
    has_email=True,
    has_phone=True,
    has_mobile=True,
    has_address=True,
)
NO_CONSENT = replace(PERSON, consent_email=False)
LEAKED = replace(PERSON, elements=frozenset({"email", "password"}))
PLAN = LadderPolicy()


def law(*channels: ChannelRule, mailbox: bool = False, name: str = "Example Code 1") -> Notice:
    return Notice(channels=channels, credentials_not_to_same_mailbox=mailbox, citation=name)


def allow(channel: Channel, when: ChannelWhen = W.ALWAYS, *together: Channel) -> ChannelRule:
    return ChannelRule(channel, when, together)


SILENT = law()
WRITTEN = law(allow(LETTER), allow(EMAIL, W.CONSENT_EMAIL))
LETTER_FIRST = law(allow(LETTER), allow(EMAIL))
EMAIL_FIRST = law(allow(EMAIL), allow(LETTER), allow(SMS))
USUAL = law(allow(LETTER), allow(EMAIL, W.PRIMARY_MEANS))
URGENT = law(allow(LETTER), allow(EMAIL, W.CONSENT_EMAIL), allow(CALL, W.URGENT, LETTER))
TEXT_BESIDE = law(allow(LETTER), allow(EMAIL), allow(SMS, W.ALWAYS, EMAIL))
NO_CALLS = law(allow(EMAIL), allow(LETTER), allow(CALL, W.NEVER))
MAILBOX = law(mailbox=True)

E, S, L, C = "email", "sms", "letter", "call_list"


def shown(rungs: tuple[frozenset[Channel], ...]) -> str:
    return " > ".join("+".join(sorted(rung)) for rung in rungs)


@pytest.mark.parametrize(
    ("person", "rules", "policy", "expected"),
    [
        # the plan's own order, where no law says anything
        (PERSON, [], PLAN, "email > sms > letter > call_list"),
        (PERSON, [SILENT], PLAN, "email > sms > letter > call_list"),
        (PERSON, [], LadderPolicy(order=(LETTER, EMAIL)), "letter > email"),
        (PERSON, [], LadderPolicy(order=()), ""),
        # only where the person can be reached
        (replace(PERSON, has_email=False), [], PLAN, "sms > letter > call_list"),
        (replace(PERSON, has_mobile=False), [], PLAN, "email > letter > call_list"),
        (replace(PERSON, has_address=False), [WRITTEN], PLAN, "email"),
        (replace(PERSON, has_mobile=False, has_phone=False), [], PLAN, "email > letter"),
        # every law must permit it, for this person
        (PERSON, [WRITTEN], PLAN, "email > letter"),
        (NO_CONSENT, [WRITTEN], PLAN, "letter"),
        (NO_CONSENT, [WRITTEN, SILENT], PLAN, "letter"),
        (NO_CONSENT, [EMAIL_FIRST, WRITTEN], PLAN, "letter"),
        (replace(NO_CONSENT, has_address=False), [WRITTEN], PLAN, ""),
        (NO_CONSENT, [USUAL], LadderPolicy(electronic_is_usual=True), "email > letter"),
        (NO_CONSENT, [USUAL], PLAN, "letter"),
        (PERSON, [NO_CALLS], PLAN, "email > letter"),
        # a law's own order goes before the plan's
        (PERSON, [LETTER_FIRST], PLAN, "letter > email"),
        (PERSON, [LETTER_FIRST, SILENT], PLAN, "letter > email"),
        (PERSON, [LETTER_FIRST, EMAIL_FIRST], PLAN, "email > letter"),
        (PERSON, [EMAIL_FIRST], LadderPolicy(order=(SMS, LETTER, EMAIL)), "email > letter > sms"),
        # a text message alone is no notice where a law wants writing
        (replace(PERSON, has_email=False, has_address=False), [WRITTEN], PLAN, ""),
        (PERSON, [TEXT_BESIDE], PLAN, "letter > email+sms"),
        (replace(PERSON, has_email=False), [TEXT_BESIDE], PLAN, "letter"),
        (replace(PERSON, has_email=False, has_address=False), [TEXT_BESIDE], PLAN, ""),
        # an urgent call goes beside the first notice, never alone
        (NO_CONSENT, [URGENT], PLAN, "letter"),
        (NO_CONSENT, [URGENT], LadderPolicy(urgent=True), "call_list+letter"),
        (PERSON, [URGENT], LadderPolicy(urgent=True), "call_list+email > letter"),
        (replace(NO_CONSENT, has_address=False), [URGENT], LadderPolicy(urgent=True), ""),
        # a leaked mailbox isn't written to where a law says so
        (LEAKED, [MAILBOX], PLAN, "sms > letter > call_list"),
        (LEAKED, [SILENT], PLAN, "email > sms > letter > call_list"),
        (LEAKED, [MAILBOX, WRITTEN], PLAN, "letter"),
        (PERSON, [MAILBOX], PLAN, "email > sms > letter > call_list"),
        # who must not be contacted
        (replace(PERSON, protected=True), [], PLAN, ""),
        (replace(PERSON, deceased=True), [], PLAN, ""),
        (replace(PERSON, deceased=True, role=Role.NEXT_OF_KIN), [WRITTEN], PLAN, "email > letter"),
        (replace(PERSON, minor=True, role=Role.GUARDIAN), [WRITTEN], PLAN, "email > letter"),
    ],
)
def test_a_ladder_has_what_the_person_the_laws_and_the_plan_permit(
    person: Person, rules: list[Notice], policy: LadderPolicy, expected: str
) -> None:
    assert shown(ladder(person, rules, policy)) == expected


@pytest.mark.parametrize(
    ("person", "rules", "policy", "line"),
    [
        (NO_CONSENT, [WRITTEN], PLAN, "email: lawful only for those who agreed"),
        (NO_CONSENT, [WRITTEN], PLAN, "sms: not among the ways of notice that the law lists (Example Code 1)"),
        (NO_CONSENT, [USUAL], PLAN, "email: lawful only by agreement or as the usual means"),
        (PERSON, [NO_CALLS], PLAN, "call_list: ruled out (Example Code 1)"),
        (PERSON, [URGENT], PLAN, "call_list: asked for only when misuse is imminent (Example Code 1)"),
        (LEAKED, [MAILBOX], PLAN, "email: the mailbox's own credentials leaked (Example Code 1)"),
        (replace(PERSON, has_email=False), [], PLAN, "email: the list has no usable email address"),
        (replace(PERSON, has_email=False), [TEXT_BESIDE], PLAN, "sms: no notice by itself, and email is not possible"),
        (PERSON, [TEXT_BESIDE], PLAN, "sms: only together with email"),
        (PERSON, [], LadderPolicy(order=(LETTER,)), "sms: this plan does not use it"),
        (replace(PERSON, protected=True), [], PLAN, "protected: never contacted by the ordinary ways"),
        (replace(PERSON, deceased=True), [], PLAN, "deceased, and no next of kin is known"),
    ],
)
def test_every_exclusion_says_why(person: Person, rules: list[Notice], policy: LadderPolicy, line: str) -> None:
    assert [said for said in because(person, rules, policy) if said.startswith(line)] != []


@pytest.mark.parametrize(
    ("elements", "leaked"),
    [
        ({"password", "email"}, True),
        ({"password", "username"}, True),
        ({"security_answers", "email"}, True),
        ({"password"}, False),
        ({"email", "username"}, False),
        ({"password", "account_number"}, False),
    ],
)
def test_a_mailbox_has_leaked_with_a_secret_and_the_account_it_opens(elements: set[str], leaked: bool) -> None:
    assert mailbox_leaked(replace(PERSON, elements=frozenset(elements))) is leaked


@pytest.mark.parametrize(
    ("person", "rules", "conflict"),
    [
        (PERSON, [law(allow(LETTER)), law(allow(EMAIL))], True),
        (PERSON, [law(allow(LETTER)), law(allow(LETTER))], False),
        (replace(PERSON, has_email=False), [law(allow(LETTER)), law(allow(EMAIL))], False),
        (replace(NO_CONSENT, has_address=False), [WRITTEN, SILENT], False),
        (PERSON, [law(allow(EMAIL, W.NEVER))], False),
    ],
)
def test_laws_that_contradict_each_other_are_told_apart_from_people_without_contacts(
    person: Person, rules: list[Notice], conflict: bool
) -> None:
    found = route(person, rules, PLAN)
    assert found.conflict is conflict
    assert any("no channel in common" in line for line in found.because) is conflict


@pytest.mark.parametrize("regime", sorted(i for i, one in instruments().items() if one.versions[-1].notice))
def test_every_law_leaves_a_way_to_someone_who_can_be_reached_and_none_adds_email_without_consent(regime: str) -> None:
    notice = instruments()[regime].versions[-1].notice
    assert notice is not None
    assert ladder(PERSON, [notice], PLAN)
    asks = {rule.when for rule in notice.channels if rule.channel is EMAIL} == {W.CONSENT_EMAIL}
    assert not asks or EMAIL not in frozenset().union(*ladder(NO_CONSENT, [notice], PLAN))


def test_hipaa_writes_by_letter_unless_the_person_agreed_to_email() -> None:
    rules = [v.notice for v in instruments()["us-hipaa"].versions if v.notice]
    assert shown(ladder(NO_CONSENT, rules[-1:], PLAN)) == "letter"
    assert shown(ladder(PERSON, rules[-1:], PLAN)) == "email > letter"
    assert shown(ladder(NO_CONSENT, rules[-1:], LadderPolicy(urgent=True))) == "call_list+letter"


# --- properties -----------------------------------------------------------------------------------------------------

PEOPLE = st.builds(
    Person,
    id=st.just("p"),
    residence=st.just("US-IL"),
    language=st.just("en"),
    role=st.sampled_from(list(Role)),
    elements=st.sets(st.sampled_from(["email", "password", "name"])).map(frozenset),
    deceased=st.booleans(),
    protected=st.booleans(),
    consent_email=st.booleans(),
    has_email=st.booleans(),
    has_phone=st.booleans(),
    has_mobile=st.booleans(),
    has_address=st.booleans(),
)
LAWS = st.lists(
    st.sampled_from([SILENT, WRITTEN, LETTER_FIRST, EMAIL_FIRST, USUAL, URGENT, TEXT_BESIDE, NO_CALLS, MAILBOX]),
    max_size=3,
)
POLICIES = st.builds(LadderPolicy, urgent=st.booleans(), electronic_is_usual=st.booleans())


@given(PEOPLE, LAWS, POLICIES)
@settings(max_examples=300, deadline=None)
def test_a_ladder_never_repeats_a_channel_never_holds_public_and_accounts_for_every_channel(
    person: Person, rules: list[Notice], policy: LadderPolicy
) -> None:
    rungs = ladder(person, rules, policy)
    flat = [channel for rung in rungs for channel in rung]
    assert len(flat) == len(set(flat))
    assert Channel.PUBLIC not in flat
    if person.protected:
        assert rungs == ()
    if rungs:
        named = {line.split(":")[0] for line in because(person, rules, policy) if "only together with" not in line}
        assert named == {E, S, L, C} - set(flat)
    if not person.consent_email and any(r in (WRITTEN, URGENT) for r in rules):
        assert Channel.EMAIL not in flat


@given(PEOPLE, LAWS, POLICIES, st.sampled_from([WRITTEN, EMAIL_FIRST, NO_CALLS, MAILBOX]))
@settings(max_examples=200, deadline=None)
def test_one_law_more_never_adds_a_channel_beside_urgent_ones(
    person: Person, rules: list[Notice], policy: LadderPolicy, more: Notice
) -> None:
    before = {channel for rung in ladder(person, rules, policy) for channel in rung}
    after = {channel for rung in ladder(person, [*rules, more], policy) for channel in rung}
    assert after <= before


def test_people_alike_in_what_a_ladder_depends_on_share_one() -> None:
    router = Router([WRITTEN, MAILBOX], PLAN)
    for email, consent, address, leaked in product([True, False], repeat=4):
        person = replace(
            PERSON,
            id=f"{email}{consent}{address}{leaked}",
            has_email=email,
            consent_email=consent,
            has_address=address,
            elements=LEAKED.elements if leaked else PERSON.elements,
        )
        assert router.route(person).ladder == ladder(person, [WRITTEN, MAILBOX], PLAN)
        assert router.route(replace(person, id="other", language="zh-Hans")) is router.route(person)
    assert traits(PERSON) != traits(NO_CONSENT)
