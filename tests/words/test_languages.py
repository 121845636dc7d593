"""Every language by one table: complete or short, true to its laws, its cues proven by taking each part away.

What each language is held to, its story and other people's sentences stand in languages.toml. TOCSIN_UPDATE_GOLDEN=1
writes the golden renders anew: read them before they are committed.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import vocabulary
from models.facts import parse_facts
from models.values import Channel, Element, Finding, Mode, Role, SegmentSpec, Severity, Slot, Wording
from planning import lint, reading
from planning.lint import Cues, Demand, Task, lint_wording, named_elements, sms_parts, task_for
from planning.segment import Key, LawNotice, content_classes, fold_blocks, order_exposed
from regimes import load, schema
from templates import words
from templates.audit import PROFILE, audit, full_sheet, standing
from templates.press import frame_words
from templates.render import LAYOUTS, addressee, cues, merge, render, salutation, sheet
from templates.sheet import Sheet

HERE = Path(__file__).parent
TABLE: dict[str, dict[str, Any]] = tomllib.loads((HERE / "languages.toml").read_text("utf-8"))
LANGUAGES = tuple(TABLE)
SHORT = tuple(language for language in LANGUAGES if words.coverage(language) == words.SHORT)
INSTRUMENTS = load.instruments()
EXPOSED = order_exposed(("ssn", "password", "biometric", "name", "iban", "diagnosis"))
TIMES = {"occurred_from": "2026-03-02", "occurred_until": "2026-03-05", "discovered": "2026-03-09"}
PROVEN = (
    *("what_happened", "cause", "date_of_breach", "date_of_discovery", "date_of_notice", "data_involved", "measures"),
    *("likely_consequences", "self_protection", "remedy", "contact", "contact_toll_free", "credit_bureaus", "agencies"),
    *("law_enforcement_delay", "password_change", "police_report_right", "security_freeze", "monitoring_offer"),
    *("organisation_name", "parent_name", "biometric_instructions"),
)
EVERY = LawNotice("every", schema.Notice(tuple(schema.ContentItem(Element(word), "1") for word in PROVEN)))
VALUES = {
    Slot.NAME: "Ada Sample",
    Slot.ADDRESSEE: "Ada Sample",
    Slot.ADDRESS: "1 Example Street\nSampletown",
    Slot.REFERENCE: "7K3M-9QXA",
    Slot.CODE: "CODE-0001",
    Slot.VERIFICATION_CODE: "V-0001",
    Slot.MINOR_NAME: "Bo Sample",
    Slot.OWN_DATES: "2026-03-02",
}


@cache
def cues_of(language: str) -> Cues:
    return Cues.of(cues(language))


def story(language: str, **more: Any) -> Sheet:
    data = {"id": "orchard", "title": "Orchard", "organisation": {"name": "Example Orchard", "timezone": "UTC"}}
    narrative = {name: {language: text} for name, text in TABLE[language]["story"].items()}
    narrative["what_happened"] |= {"en": "A stranger got in."}
    return sheet(
        parse_facts(data | {"times": TIMES, "narrative": narrative} | more, "orchard.toml"),
        PROFILE | {"organisation": PROFILE["organisation"] | {"name": "Example Orchard"}},
        notice_date=date(2026, 3, 20),
    )


def rule(law: str) -> LawNotice:
    if law == "every":
        return EVERY
    found = INSTRUMENTS[law]
    return LawNotice(law, found.versions[-1].notice or schema.Notice(), found.place)


def made(
    language: str,
    laws: tuple[str, ...],
    role: Role = Role.SELF,
    channel: Channel = Channel.EMAIL,
    overlay: Path | None = None,
    mode: Mode = Mode.LIVE,
) -> tuple[Wording, Task]:
    """The first letter of these laws in this language, and what it is held to."""
    rules, facts = [rule(law) for law in laws], story(language)
    letter = content_classes(rules, EXPOSED, facts.facts)[0]
    key = Key(letter, letter.laws, language, role, fold_blocks(EXPOSED), EXPOSED)
    wording = render(key.spec(), channel, facts, mode=mode, overlay=overlay)
    names = {"organisation": "Example Orchard", "parent": "Example Holding"}
    return wording, task_for(letter, rules, channel, EXPOSED, facts.facts, role=role, **names)


def errors(findings: list[Finding]) -> set[str]:
    return {finding.element for finding in findings if finding.severity is Severity.ERROR}


# --- what stands ----------------------------------------------------------------------------------------------------


def test_every_language_has_a_row_in_the_table():
    assert set(words.languages()) == set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_have_no_problem(language):
    assert audit(sms_parts, languages=[language]) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_says_what_it_is_complete_or_short_and_names_what_it_does_without(language):
    found = standing(language)
    assert found.coverage == TABLE[language]["coverage"]
    assert bool(found.missing) == (found.coverage == words.SHORT)
    assert bool(found.review) == (language != "en")


@pytest.mark.parametrize("language", SHORT)
def test_a_short_language_lacks_only_blocks_supplements_and_nothing_that_its_outline_names(language):
    assert {name.split("/")[0] for name in standing(language).missing} <= {"blocks", "supplements"}


@pytest.mark.parametrize("language", SHORT)
def test_a_short_notice_says_that_it_is_short_and_where_the_full_one_is(language):
    text = made(language, ("every",))[0].text
    assert words.named(["en"], language) in text
    assert words.table(f"{language}/headings.toml")["general"]["full_notice"] in text


@pytest.mark.parametrize("language", SHORT)
def test_no_full_notice_is_promised_that_nobody_could_render_or_send(language):
    told = {"what_happened": {language: TABLE[language]["story"]["what_happened"], "es": "Alguien entró."}}
    spec = SegmentSpec("s", language, Role.SELF, exposed=("name",), blocks=("contact",))
    text = render(spec, Channel.EMAIL, story(language, narrative=told), mode=Mode.LIVE).text
    assert words.table(f"{language}/headings.toml")["general"]["full_notice"] not in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_letters_and_reports_say_their_few_words_in_the_language(language):
    own, table = frame_words(language), tomllib.loads((Path(words.__file__).parent / "frame/letter.toml").read_text())
    assert table[language].keys() == table["en"].keys()
    assert language == "en" or own["question"] != frame_words("en")["question"] or language == "fr"


# --- the laws -------------------------------------------------------------------------------------------------------

LAWS = [(language, tuple(row.split())) for language in LANGUAGES for row in TABLE[language]["laws"]]


@pytest.mark.parametrize(("language", "laws"), LAWS)
@pytest.mark.parametrize("role", [Role.SELF, Role.GUARDIAN, Role.NEXT_OF_KIN])
def test_our_own_words_satisfy_the_laws_in_every_channel(language, laws, role):
    for channel in LAYOUTS:  # every language has words for each
        wording, task = made(language, laws, role, channel)
        found = lint_wording(wording, task, cues_of(language))
        assert [finding for finding in found if finding.element != "short_form"] == [], channel


REMOVED: dict[str, tuple[tuple[str, ...], set[str]]] = {
    "the story": (("what_happened",), {"what_happened"}),
    "the cause": (("cause",), {"cause"}),
    "the dates": (("dates",), {"date_of_breach", "date_of_discovery"}),
    "the date of the notice": (("date_of_notice",), {"date_of_notice"}),
    "the consequences": (("likely_consequences", "short_means", "means"), {"likely_consequences"}),
    "the measures": (("measures",), {"measures"}),
    "the remedy": (("remedy", "monitoring_offer"), {"remedy", "monitoring_offer"}),
    "the monitoring": (("monitoring_offer",), {"monitoring_offer"}),
    "the toll-free number": (("contact_toll_free",), {"contact_toll_free"}),
    "the contact": (("contact", "contact_toll_free"), {"contact", "contact_toll_free"}),
    "the delay": (("law_enforcement_delay",), {"law_enforcement_delay"}),
    "the bureaus": (("credit_bureaus",), {"credit_bureaus"}),
    "the password": (("password_change",), {"password_change"}),
    "the fingerprint": (("biometric_instructions",), {"biometric_instructions"}),
    "the police report": (("police_report_right",), {"police_report_right"}),
    "the freeze": (("security_freeze",), {"security_freeze"}),
    "the parent": (("parent_name",), {"parent_name"}),
    "the agencies": (("agencies",), {"agencies"}),
}
STEPS = (
    *("self_protection", "short_do", "do", "password_change", "biometric_instructions", "security_freeze"),
    *("credit_bureaus", "police_report_right", "agencies"),
)
STEP_ELEMENTS = {
    *("self_protection", "password_change", "biometric_instructions", "security_freeze", "credit_bureaus"),
    *("police_report_right", "agencies"),
}


@pytest.fixture
def without(overlay: Callable[..., Path]) -> Callable[..., Path]:
    """Words of a language in which these parts say nothing. `means` and `do` stand for those of every block."""

    def emptied(language: str, parts: tuple[str, ...]) -> Path:
        gone = {f"{language}/parts/{part}.md.j2": "" for part in parts if part not in ("means", "do")}
        for block in fold_blocks(EXPOSED) if {"means", "do"} & set(parts) else ():
            path = Path(words.__file__).parent / language / "blocks" / f"{block}.md.j2"
            text = path.read_text("utf-8") if path.is_file() else ""
            for part in {"means", "do"} & set(parts) if text else ():
                text = text.replace(f"block {part} ", f"block {part}_gone ") + f"{{% block {part} %}}{{% endblock %}}"
            gone[f"{language}/blocks/{block}.md.j2"] = text
        return overlay(gone)

    return emptied


def removals() -> list[tuple[str, str, tuple[str, ...], set[str]]]:
    rows = {**REMOVED, "the steps": (STEPS, STEP_ELEMENTS)}
    return [(language, what, *row) for language in LANGUAGES for what, row in rows.items()]


@pytest.mark.parametrize(
    ("language", "what", "parts", "missing"), removals(), ids=[f"{r[0]}-{r[1].replace(' ', '-')}" for r in removals()]
)
def test_what_is_taken_away_is_found_and_nothing_else(language, what, parts, missing, without):
    wording, task = made(language, ("every",), overlay=without(language, parts))
    for part in ("text", "html"):
        found = lint.lint({part: getattr(wording, part)}, task, cues_of(language), language)
        assert errors(found) == missing, part


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_message_without_its_data_or_its_number_is_found(language):
    wording, task = made(language, ("every",), channel=Channel.SMS)
    assert errors(lint_wording(wording, task, cues_of(language))) == set()
    bare = {"text": "Example Orchard: 7K3M"}
    assert errors(lint.lint(bare, task, cues_of(language), language)) == {"data_involved", "contact"}


@settings(max_examples=24, deadline=None)
@given(
    language=st.sampled_from(LANGUAGES),
    own=st.sets(st.sampled_from(sorted(vocabulary.words("elements").words)), min_size=1),
    role=st.sampled_from(Role),
)
def test_nobodys_notice_names_what_they_did_not_lose(language, own, role):
    exposed = order_exposed(own)
    segment = SegmentSpec("s", language, role, exposed=exposed, blocks=fold_blocks(exposed))
    page = render(segment, Channel.EMAIL, full_sheet(), mode=Mode.LIVE).html
    known = cues_of(language)
    told = [
        part for part in reading.sections(reading.html_lines(page), known.headings) if "data_involved" in part.names
    ]
    assert named_elements((line for part in told for line in part.lines), known) == own


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_element_is_known_by_its_own_name_alone(language):
    for element, name in words.table(f"{language}/words.toml")["elements"].items():
        assert named_elements([name], cues_of(language)) == {element}


def test_a_notice_whose_story_is_in_another_script_is_found():
    english = {"what_happened": {"en": "Someone whom we do not know got into the system and copied all the files."}}
    spec = SegmentSpec("s", "ar", Role.SELF, exposed=("name",), blocks=("contact",))
    for language in ("ar", "hi", "ja", "ko", "zh-Hant", "zh-Hans"):
        own = {"what_happened": {language: english["what_happened"]["en"]}}
        text = render(
            SegmentSpec("s", language, Role.SELF, exposed=spec.exposed, blocks=spec.blocks),
            Channel.EMAIL,
            story(language, narrative=own),
            mode=Mode.LIVE,
        ).text
        assert "language" in errors(lint.lint({"text": text}, Task(), cues_of(language), language)), language


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("written_to", "read_as"),
    [(Role.NEXT_OF_KIN, Role.SELF), (Role.SELF, Role.NEXT_OF_KIN), (Role.SELF, Role.GUARDIAN)],
)
def test_the_living_are_not_written_to_as_dead_nor_a_guardian_as_the_child(language, written_to, read_as):
    """A letter that reaches somebody in another role than it was written for is found in every language."""
    wording, task = made(language, ("us-hipaa",), written_to, Channel.LETTER)
    found = lint.lint({"text": wording.text}, replace(task, role=read_as), cues_of(language), language)
    assert errors(found) == {"address_form"}


# --- other people's sentences ---------------------------------------------------------------------------------------

PHRASES = [
    (language, element, line)
    for language in LANGUAGES
    for element, lines in TABLE[language].get("phrases", {}).items()
    for line in lines
]


@pytest.mark.parametrize(("language", "element", "line"), PHRASES)
def test_the_usual_phrases_of_others_are_known(language, element, line):
    task = Task(required=(Demand("l", "1", Element(element)),), channel=Channel.LETTER)
    assert errors(lint.lint({"text": line}, task, cues_of(language), language)) == set()
    empty = lint.lint({"text": TABLE[language]["beside"]}, task, cues_of(language), language)
    assert errors(empty) == {element}


@pytest.mark.parametrize("language", [name for name in LANGUAGES if "unknown" in TABLE[name]])
def test_saying_that_it_is_not_known_is_not_saying_it(language):
    for line in TABLE[language]["unknown"]:
        assert any(pattern.search(line) for pattern in cues_of(language).unknown), line
    for line in TABLE[language]["story"].values():
        assert not any(pattern.search(line) for pattern in cues_of(language).unknown), line


@pytest.mark.parametrize("language", [name for name in LANGUAGES if "hedging" in TABLE[name]])
def test_hedging_and_playing_down_are_warned_of(language):
    for line in TABLE[language]["hedging"]:
        found = lint.lint({"text": line}, Task(), cues_of(language), language)
        assert {(f.element, f.severity) for f in found} == {("hedging", Severity.WARNING)}, line


# --- prescribed forms, salutations, plurals, direction --------------------------------------------------------------


@pytest.mark.parametrize("language", [name for name in LANGUAGES if name != "en"])
def test_a_prescribed_form_says_its_title_and_headings_in_english_too(language):
    text = made(language, ("us-ca",))[0].text
    assert "Notice of Data Breach" in text.splitlines()[0]
    prescribed = ("What Happened", "What Information Was Involved", "What We Are Doing", "What You Can Do")
    at = [text.index(heading) for heading in (*prescribed, "For More Information")]
    assert at == sorted(at)


@pytest.mark.parametrize("language", LANGUAGES)
def test_massachusetts_is_not_told_what_happened_in_any_language(language):
    wording, task = made(language, ("us-ma",))
    assert errors(lint_wording(wording, task, cues_of(language))) == set()
    assert TABLE[language]["story"]["what_happened"] not in wording.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_salutation_names_the_person_or_nobody_and_never_a_gender(language):
    assert "Ada" in salutation(language, Role.SELF, "Ada")
    for role in Role:
        said = salutation(language, role, "")
        assert said and "{" not in said
        assert "Ada" in addressee(language, role, "Ada")


@pytest.mark.parametrize(
    ("language", "number", "said"),
    [
        ("en", 1, "1 month"),
        ("de", 24, "24 Monate"),
        ("pl", 1, "1 miesiąc"),
        ("pl", 22, "22 miesiące"),
        ("pl", 12, "12 miesięcy"),
        ("ar", 2, "شهران"),
        ("ar", 6, "6 أشهر"),
        ("ar", 24, "24 شهرًا"),
        ("ja", 12, "12か月"),
        ("ko", 12, "12개월"),
    ],
)
def test_a_number_has_its_noun_in_the_plural_of_the_language(language, number, said):
    assert words.counted(words.table(f"{language}/words.toml"), language, "months", number) == said


def test_in_right_to_left_text_what_reads_from_left_to_right_is_isolated():
    wording = made("ar", ("every",))[0]
    assert "\u2068+1 202-555-0100\u2069" in wording.text and "\u2068Example Orchard\u2069" in wording.text
    merged = merge(wording, {slot: VALUES.get(slot, "تحية طيبة") for slot in wording.slots})
    assert "\u20687K3M-9QXA\u2069" in merged.text
    assert '<html lang="ar" dir="rtl">' in merged.html
    own = TABLE["ar"]["story"]["what_happened"]
    assert own in merged.text and f"\u2068{own}" not in merged.text


def test_left_to_right_languages_carry_no_direction_marks():
    for language in LANGUAGES:
        if language != "ar":
            assert not set("\u2066\u2067\u2068\u2069\u200e\u200f") & set(made(language, ("every",))[0].text), language


# --- golden renders -------------------------------------------------------------------------------------------------

GOLDEN = [
    (language, channel, role)
    for language in LANGUAGES
    for channel, role in (
        (Channel.EMAIL, Role.SELF),
        (Channel.SMS, Role.SELF),
        (Channel.LETTER, Role.GUARDIAN),
        (Channel.CALL_LIST, Role.NEXT_OF_KIN),
        (Channel.PUBLIC, Role.SELF),
    )
]


@pytest.mark.parametrize(("language", "channel", "role"), GOLDEN)
def test_the_words_are_as_they_were_read(language, channel, role):
    laws = tuple(TABLE[language]["laws"][0].split())
    wording = made(language, laws, role, channel)[0]
    slots = VALUES | {Slot.SALUTATION: salutation(language, role, "Ada Sample")}
    text = merge(wording, {slot: slots[slot] for slot in wording.slots}).text
    path = HERE / "golden" / "languages" / f"{language}-{channel.value}.txt"
    if os.environ.get("TOCSIN_UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8"), f"{path.name}: TOCSIN_UPDATE_GOLDEN=1 writes it anew; read it then"


@pytest.mark.parametrize(
    "page", ["https://www.example.org/verify?code={code}", "https://www.example.org/verify/{code}"]
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_words_show_the_page_that_checks_codes_and_never_the_place_of_the_code(language, page):
    data = {"id": "orchard", "title": "Orchard", "organisation": {"name": "Example Orchard"}}
    facts = sheet(parse_facts(data, "o.toml"), PROFILE | {"contact": PROFILE["contact"] | {"verify": page}})
    shown = 0
    for channel in (Channel.EMAIL, Channel.LETTER, Channel.PUBLIC):
        wording = render(SegmentSpec("s", language, Role.SELF, exposed=("name",)), channel, facts, mode=Mode.LIVE)
        told = wording.text + wording.html
        assert "{" not in wording.text and "{code}" not in told
        assert "leftover" not in {f.element for f in lint_wording(wording, Task(channel=channel), cues_of(language))}
        shown += "https://www.example.org/verify" in told
    assert shown, "the address itself is printed"
