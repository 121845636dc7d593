"""The second-breach guard: what each crossing of people comes to, and that an honest wave of many has none.

The long profile, 100,000 people: `TOCSIN_GUARD_PEOPLE=100000 pytest tests/decisions/test_guard.py -k everybody`.
"""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from flows.steps.drafting import Draft, Drafter
from flows.steps.law import instruments_with_promises, telling_people
from models.facts import parse_facts
from models.tables import Subject
from models.values import Channel, Contacts, Mode, Role, Severity, Slot
from models.vault import Record, Vault
from planning.guard import Canary, Finding, Fixed, Guard, Limits, Notice, Source, odd_name, several
from planning.route import LadderPolicy
from regimes.assess import assess
from templates.audit import PROFILE
from templates.merge import merge
from templates.render import render, sheet
from templates.words import table

GIVEN = ("Ada", "Bruno", "Chloe", "Dmitri", "Elena", "Farid", "Grace", "Hugo", "Ines", "Jonas", "Keiko", "Liam")
FAMILY = ("Ashgrove", "Birchmere", "Caldbeck", "Dunmoor", "Ellerby", "Fairholt", "Greystone", "Hartsby", "Inglewood")


def notice(n: int = 0, **changes: Any) -> Notice:
    """An honest notice of somebody: name, email of that name, an address of their own."""
    given, family = GIVEN[n % len(GIVEN)], FAMILY[n // len(GIVEN) % len(FAMILY)]
    name, email = f"{given} {family}", f"{given.lower()}.{family.lower()}.{n}@example.org"
    address = (f"{n} Example Street", "Sampleton, IL 60600")
    source = Source(name=name, email=email, phone=f"+1202555{n:04}", address=address)
    usual = Notice(
        subject=f"s{n}",
        segment="general/en",
        source=source,
        slots={
            Slot.NAME: name,
            Slot.ADDRESSEE: name,
            Slot.ADDRESS: "\n".join(address),
            Slot.REFERENCE: f"REF{n:07}",
            Slot.VERIFICATION_CODE: f"CODE{n:09}",
        },
        contacts=Contacts(email, f"+1202555{n:04}", address),
        role=Role.SELF,
        own_role=Role.SELF,
        named=frozenset({"name", "email"}),
        lost=frozenset({"name", "email"}),
    )
    return replace(usual, **changes)


def guarded(*notices: Notice, words: str = "We write about an incident.", **more: Any) -> list[Finding]:
    guard = Guard(Fixed([words]), more.get("limits", Limits()), more.get("canaries", ()))
    for one in notices:
        guard.add(one)
    return guard.findings(more.get("list_days"))


def many(count: int = 100, **changes: Any) -> list[Notice]:
    return [notice(n, **changes) for n in range(count)]


def ids(found: list[Finding]) -> list[str]:
    return [f"{f.id}:{f.severity}" for f in found]


def test_an_honest_wave_has_no_finding() -> None:
    assert guarded(*many()) == []


# --- one notice that fits another row -------------------------------------------------------------------------------

ONE, TWO = notice(1), notice(2)
CROSSED = {
    "another's name in the slots": ({"slots": {**ONE.slots, Slot.NAME: TWO.source.name}}, "name"),
    "another's name on the envelope": ({"slots": {**ONE.slots, Slot.ADDRESSEE: TWO.source.name}}, "name"),
    "another's name as the minor's": ({"slots": {**ONE.slots, Slot.MINOR_NAME: TWO.source.name}}, "name"),
    "another's address in the slots": ({"slots": {**ONE.slots, Slot.ADDRESS: "2 Example Street"}}, "address"),
    "another's address on the envelope": ({"contacts": replace(ONE.contacts, address=TWO.contacts.address)}, "address"),
    "another's email": ({"contacts": replace(ONE.contacts, email=TWO.contacts.email)}, "contact"),
    "another's telephone": ({"contacts": replace(ONE.contacts, phone=TWO.contacts.phone)}, "contact"),
    "another's place in the app": ({"contacts": replace(ONE.contacts, app="app-2")}, "contact"),
    "the living written to as dead": ({"role": Role.NEXT_OF_KIN}, "role"),
    "the dead written to": ({"deceased": True}, "role"),
    "data that was not lost": ({"named": frozenset({"name", "email", "ssn"})}, "not_lost"),
    "data that is left out": ({"lost": frozenset({"name", "email", "ssn"})}, "not_named"),
}


@pytest.mark.parametrize(("changes", "found"), CROSSED.values(), ids=CROSSED)
def test_a_notice_that_fits_another_row_is_an_error(changes: dict[str, Any], found: str) -> None:
    assert ids(guarded(notice(0), replace(ONE, **changes), TWO)) == [f"guard.{found}:error"]


def test_crossed_labels_are_counted(size: int = 577) -> None:
    """Letters put into each other's envelopes: 577 of 16,342 once."""
    wave = many(1_000)
    crossed = [replace(a, contacts=b.contacts) for a, b in pairwise(wave[: size + 1])]
    found = guarded(*crossed, *wave[size:])
    assert {f.id: f.count for f in found} == {"guard.address": 577, "guard.contact": 577}


def test_a_code_of_two_people_is_found_whatever_their_order() -> None:
    same = {**TWO.slots, Slot.VERIFICATION_CODE: ONE.slots[Slot.VERIFICATION_CODE]}
    assert ids(guarded(ONE, replace(TWO, slots=same))) == ["guard.shared_code:error"]


@pytest.mark.parametrize(
    ("contact", "more_than_one"),
    [
        ("ada@example.org", False),
        ("ada@example.org,bo@example.org", True),
        ("ada@example.org; bo@example.org", True),
        ("Ada <ada@example.org>", True),
        ("a@b@example.org", True),
        ("+12025550123", False),
        ("+12025550123 +12025550124", True),
        ("", False),
    ],
)
def test_one_message_has_one_recipient(contact: str, more_than_one: bool) -> None:
    assert several(contact) is more_than_one


@pytest.mark.parametrize(
    "words", ["Write to ada.ashgrove.0@example.org.", "Call +1 202-555-0000", "Send it to 0 Example Street, IL"]
)
def test_a_persons_contact_in_the_fixed_words_is_found(words: str) -> None:
    own = replace(notice(0), contacts=notice(0).contacts)
    spoken_phone = replace(own, source=replace(own.source, phone="+1 202-555-0000"))
    assert "guard.stranger:error" in ids(guarded(own, words=words) + guarded(spoken_phone, words=words))


def test_what_the_organisation_says_of_itself_is_nobodys_secret() -> None:
    words = "Call us: ada.ashgrove.0@example.org"
    guard = Guard(Fixed([words], ["ada.ashgrove.0@example.org"]))
    guard.add(notice(0))
    assert guard.findings() == []


# --- a list that no honest source has -------------------------------------------------------------------------------


def test_columns_that_slid_by_one_row_are_found() -> None:
    wave = many(200)
    emails = [n.source.email for n in wave]
    slid = []
    for n, email in zip(wave, emails[1:] + emails[:1], strict=True):
        slid.append(replace(n, source=replace(n.source, email=email), contacts=replace(n.contacts, email=email)))
    assert ids(guarded(*slid)) == ["guard.shifted:error"]


def sent_to(one: Notice, email: str) -> Notice:
    return replace(one, source=replace(one.source, email=email), contacts=replace(one.contacts, email=email))


def people_of(count: int) -> list[tuple[str, str]]:
    """Given and family names, each pair once; neighbours share neither."""
    return [(GIVEN[n % 12], FAMILY[(n + n // 36) % 9]) for n in range(count)]


WRITTEN = {
    "given.family": "{0}.{1}@example.org",
    "family.given": "{1}_{0}@example.org",
    "givenfamily and a number": "{0}{1}77@example.org",
    "gfamily": "{0[0]}{1}@example.org",
}


@pytest.mark.parametrize("form", WRITTEN.values(), ids=WRITTEN)
@pytest.mark.parametrize(
    ("slid", "found"), [(0, []), (4, []), (6, ["warning"]), (50, ["error"]), (60, ["error"]), (100, ["error"])]
)
def test_rows_that_slid_are_found_by_their_share_however_emails_are_written(
    form: str, slid: int, found: list[str]
) -> None:
    wave = []
    for n, (given, family) in enumerate(people_of(100)):
        whose = people_of(101)[n + 1] if n < slid else (given, family)
        name = f"{given} {family}"
        one = notice(n)
        one = replace(one, source=replace(one.source, name=name), slots={**one.slots, Slot.NAME: name})
        one = replace(one, slots={**one.slots, Slot.ADDRESSEE: name})
        wave.append(sent_to(one, form.format(*map(str.lower, whose))))
    shared = Limits(one_email=1.0)
    assert ids(guarded(*wave, limits=shared)) == [f"guard.shifted:{severity}" for severity in found]


@pytest.mark.parametrize(
    ("strangers", "found"), [(4, []), (5, ["guard.shifted:warning"]), (15, ["guard.shifted:error"])]
)
def test_a_small_list_that_slid_is_found_as_well(strangers: int, found: list[str]) -> None:
    wave = [notice(n) if n >= strangers else sent_to(notice(n), f"hugo.hartsby.{n}@example.org") for n in range(20)]
    wave = [*wave, notice(12 * 7 + 7)]  # Hugo Hartsby himself
    assert ids(guarded(*wave)) == found


def test_where_no_email_carries_a_name_a_note_says_so_and_a_canary_answers_it() -> None:
    wave = [sent_to(one, f"member{n}@example.org") for n, one in enumerate(many())]
    assert ids(guarded(*wave)) == ["guard.unchecked:note"]
    assert guarded(*many(1), *wave[1:], canaries=[CANARY]) == []


NAMED = {
    "a full name": ("Ada Ashgrove", "We found that Ada Ashgrove, our patient, was seen.", True),
    "in capitals": ("Ada Ashgrove", "ADA  ASHGROVE", True),
    "half of it": ("Ada Ashgrove", "Ashgrove is a street.", False),
    "one word that is long": ("Ashgrovenby", "We saw Ashgrovenby.", True),
    "one word that is a word": ("Page", "See this page.", False),
    "without spaces": ("李安然", "我们发现李安然的记录被复制。", True),
    "the organisation's own contact": ("Quinn Contact", "Write to Quinn Contact.", False),
}


@pytest.mark.parametrize(("name", "words", "found"), NAMED.values(), ids=NAMED)
def test_a_listed_persons_full_name_in_the_fixed_words_waits_for_a_person(name: str, words: str, found: bool) -> None:
    guard = Guard(Fixed([words], ["Quinn Contact"]))
    one = notice(0)
    guard.add(
        replace(
            one,
            source=replace(one.source, name=name),
            slots={**one.slots, Slot.NAME: name, Slot.ADDRESSEE: name},
        )
    )
    assert ids(guard.findings()) == (["guard.named:warning"] if found else [])


PHONES = {
    "brackets": ("+12025550123", "Call (202) 555-0123.", True),
    "abroad": ("+12025550123", "Call 001 202 555 0123 now", True),
    "points": ("+442079460123", "020.7946.0123", True),
    "another": ("+12025550123", "Call (202) 555-0124.", False),
    "a date": ("+12025550123", "Between 2026-02-20 and 2026-03-01", False),
}


@pytest.mark.parametrize(("phone", "words", "found"), PHONES.values(), ids=PHONES)
def test_a_telephone_number_is_found_whatever_its_signs(phone: str, words: str, found: bool) -> None:
    one = notice(0)
    one = replace(one, source=replace(one.source, phone=phone), contacts=replace(one.contacts, phone=phone))
    assert ids(guarded(one, words=words)) == (["guard.stranger:error"] if found else [])


def test_columns_that_slid_by_one_column_are_found() -> None:
    wave = [
        replace(
            n,
            source=replace(n.source, name=n.source.email),
            slots={**n.slots, Slot.NAME: n.source.email, Slot.ADDRESSEE: n.source.email},
        )
        for n in many(200)
    ]
    assert "guard.odd_names:error" in ids(guarded(*wave))


@pytest.mark.parametrize(
    ("name", "odd"),
    [
        ("Ada Sample", False),
        ("Robin CNRY-00000001", False),
        ("李安然", False),
        ("X Æ A-12", False),
        ("ada@example.org", True),
        ("60600", True),
        ("12 Example Street", True),
        ("+12025550123", True),
        ("   ", True),
        ("", True),
    ],
)
def test_a_name_that_is_none(name: str, odd: bool) -> None:
    assert odd_name(name) is odd


def dead(n: int) -> Notice:
    one = notice(n)
    spoken = {**one.slots, Slot.ADDRESSEE: "Kim Kin"}
    source = replace(one.source, speaker="Kim Kin")
    return replace(one, deceased=True, role=Role.NEXT_OF_KIN, own_role=Role.NEXT_OF_KIN, source=source, slots=spoken)


SHARES = {
    "two in a hundred have died": ([dead(n) for n in range(2)], []),
    "three in a hundred have died": ([dead(n) for n in range(3)], ["guard.deceased:warning"]),
    "twenty-nine are minors": ([notice(n, minor=True) for n in range(29)], []),
    "thirty are minors": ([notice(n, minor=True) for n in range(30)], ["guard.minors:warning"]),
}


@pytest.mark.parametrize(("some", "found"), SHARES.values(), ids=SHARES)
def test_a_share_that_is_not_believed_waits_for_a_person(some: list[Notice], found: list[str]) -> None:
    assert ids(guarded(*some, *many()[len(some) :])) == found


@pytest.mark.parametrize(
    ("died", "found"), [(4, []), (5, ["guard.deceased:warning"]), (39, ["guard.deceased:warning"])]
)
def test_a_small_list_proves_nothing_by_its_shares_until_five_have_died(died: int, found: list[str]) -> None:
    assert ids(guarded(*[dead(n) for n in range(died)], *many(40)[died:])) == found


@pytest.mark.parametrize("kind", ["address", "email", "phone"])
def test_one_contact_for_many_is_a_default_that_somebody_filled_in(kind: str) -> None:
    same = {"address": ("1 Unknown Street", "Sampleton"), "email": "none@example.org", "phone": "+12025550100"}[kind]
    wave = []
    for n in many():
        if int(n.subject[1:]) < 3:
            slots = {**n.slots, Slot.ADDRESS: "\n".join(same)} if kind == "address" else n.slots
            contacts = replace(n.contacts, **{kind: same})
            n = replace(n, source=replace(n.source, **{kind: same}), contacts=contacts, slots=slots)
        wave.append(n)
    assert ids(guarded(*wave)) == [f"guard.one_{kind}:warning"]
    assert guarded(*wave, limits=Limits(one_address=0.05, one_email=0.05, one_phone=0.05)) == []


@pytest.mark.parametrize(("days", "found"), [(None, []), (60.0, []), (60.5, ["guard.list_days:warning"])])
def test_an_old_list_waits_for_a_person(days: float | None, found: list[str]) -> None:
    assert ids(guarded(*many(), list_days=days)) == found


CANARY = Canary("Ada Ashgrove", "ada.ashgrove.0@example.org", "+12025550000", "0 Example Street")


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, []),
        ({"email": "other@example.org"}, ["guard.canary_1:error"]),
        ({"address": ("7 Other Street", "Sampleton")}, ["guard.canary_1:error"]),
        (None, ["guard.canary_1:warning"]),
    ],
)
def test_a_canary_shows_a_crossed_or_incomplete_list(changes: dict[str, Any] | None, found: list[str]) -> None:
    wave = many(3)
    if changes is None:
        wave = wave[1:]
    else:
        source = replace(wave[0].source, **changes)
        contacts = replace(wave[0].contacts, email=source.email, address=source.address)
        wave[0] = replace(
            wave[0], source=source, contacts=contacts, slots={**wave[0].slots, Slot.ADDRESS: "\n".join(source.address)}
        )
    assert ids(guarded(*wave, canaries=[CANARY])) == found


def test_a_finding_never_repeats_a_value() -> None:
    wave = [replace(n, contacts=Contacts("other@example.org")) for n in many()]
    told = json.dumps([f.as_data() for f in guarded(*wave, canaries=[replace_canary()])])
    assert not [n for n in wave if n.source.email in told or n.source.name in told or n.source.phone in told]


def replace_canary() -> Canary:
    return Canary("Ada Ashgrove", "wrong@example.org")


def test_errors_come_before_warnings() -> None:
    wave = [dead(0), dead(1), dead(2), dead(3), *(replace(n, named=frozenset({"ssn"})) for n in many()[4:])]
    severities = [f.severity for f in guarded(*wave)]
    assert severities == sorted(severities, key=lambda s: s is not Severity.ERROR) and len(set(severities)) == 2


# --- everybody of a large wave, through the real drafting and the real words ----------------------------------------

PEOPLE = int(os.environ.get("TOCSIN_GUARD_PEOPLE", "5000"))
SETS = tuple(
    frozenset(text.split())
    for text in ("name email", "name ssn", "name password email", "name payment_card", "name diagnosis", "name phone")
)
TOKEN = re.compile(r"cnry-[0-9a-f]{8}", re.IGNORECASE)
FACTS: dict[str, Any] = {
    "id": "many",
    "title": "Many (exercise)",
    "organisation": {"name": "Example Shop", "country": "US", "role": "controller", "sectors": ["general"]},
    "times": {"discovered": "2026-03-02"},
    "data": {"elements": sorted(frozenset().union(*SETS)), "nature": ["confidentiality"]},
    "narrative": {"what_happened": "A stranger copied files.", "impact": "Thieves may write to you."},
    "promise": [{"name": "Policy", "text": "We tell you.", "to": ["individuals"], "channels": ["email", "letter"]}],
}


def drafter() -> Drafter:
    facts = parse_facts(FACTS, "many.toml")
    assessed = assess(facts, datetime(2026, 3, 3, tzinfo=UTC))
    vault = Vault(bytes(range(32)))
    return Drafter(
        facts=facts,
        obligations=telling_people(assessed),
        instruments=instruments_with_promises(assessed, facts),
        policy=LadderPolicy(),
        languages=frozenset({"en", "de", "zh-Hans"}),
        key=vault.incident("i1", vault.new_incident_key("i1")),
    )


def crowd(draw: random.Random) -> Iterator[tuple[Subject, Record]]:
    for n in range(PEOPLE):
        token = f"CNRY-{n:08x}"
        minor, died = draw.random() < 0.02, draw.random() < 0.01
        role = Role.NEXT_OF_KIN if died else Role.GUARDIAN if minor else Role.SELF
        row = Subject(
            id=f"s{n:08}",
            incident_id="i1",
            person_index=str(n),
            residence=draw.choice(["AQ", "AQ", "US-IL"]),
            language=draw.choice(["en", "de", "zh-Hans"]),
            role=role,
            minor=minor,
            deceased=died,
            elements=json.dumps(sorted(draw.choice(SETS))),
            has_email=True,
            has_address=True,
            content_mark="",
            first_scope=1,
            last_scope=1,
        )
        yield (
            row,
            Record(
                name=f"{draw.choice(GIVEN)} {draw.choice(FAMILY)} {token}",
                guardian_name=f"Gwen {token}" if minor else "",
                next_of_kin_name=f"Kim {token}" if died else "",
                email=f"p{n}.{token.lower()}@example.org",
                address=(f"{n} Example Street {token}", "Sampleton"),
            ),
        )


def watched(draft: Draft, row: Subject, record: Record, named: frozenset[str], role: Role) -> Notice:
    speaker = {Role.GUARDIAN: record.guardian_name, Role.NEXT_OF_KIN: record.next_of_kin_name}.get(row.role, "")
    return Notice(
        subject=row.id,
        segment=draft.key,
        source=Source(record.name, speaker, record.email, record.phone, record.address, record.app),
        slots=draft.slots,
        contacts=draft.contacts,
        role=role,
        own_role=row.role,
        named=named,
        lost=frozenset(json.loads(row.elements)),
        deceased=row.deceased,
        minor=row.minor,
    )


def listed(text: str, language: str, elements: frozenset[str]) -> bool:
    """Whether the section on what was involved names these elements and no other."""
    heading = table(f"{language}/headings.toml")["general"]["data_involved"]
    section = re.split(r"\n[^\n]+\n-{3,}\n", text.partition(heading)[2].partition("\n")[2].lstrip("-\n"))[0]
    names = table(f"{language}/words.toml")["elements"]
    items = {line[2:].strip() for line in section.split("\n") if line.startswith("- ")}
    return items == {names[element] for element in elements}


def test_everybodys_notice_names_what_they_lost_and_nobody_else() -> None:
    draw, work = random.Random(11), drafter()  # noqa: S311 - made-up people
    facts = sheet(work.facts, PROFILE)
    words: dict[str, Any] = {}
    guard: Guard | None = None
    strangers = 0
    drafts = []
    for row, record in crowd(draw):
        from flows.steps.drafting import person_of

        for key in work.keys(person_of(row)):
            if key.text not in words:
                made = render(key.spec(), Channel.EMAIL, facts, mode=Mode.EXERCISE)
                assert listed(made.text, key.language, frozenset(key.exposed)), key.text
                words[key.text] = (made, key)
            wording, own = words[key.text]
            draft = work.draft(row, record, key)
            merged = merge(wording, {Slot(name): value for name, value in draft.slots.items()})
            tokens = set(map(str.lower, TOKEN.findall(merged.subject + merged.text + merged.html)))
            strangers += tokens != {TOKEN.findall(record.name)[0].lower()}
            drafts.append(watched(draft, row, record, frozenset(own.exposed), own.role))
    guard = Guard(Fixed(w.text for w, _ in words.values()), Limits(minors=1.0, deceased=1.0))
    for one in drafts:
        guard.add(one)
    assert strangers == 0
    assert [f.as_data() for f in guard.findings()] == []
    assert len(drafts) >= PEOPLE and len(words) > len(SETS) * 3
