"""What a segment's wording says, in every language, channel and role."""

from __future__ import annotations

import os
import re
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import vocabulary
from models.facts import parse_facts
from models.values import BadInput, Channel, Mode, Role, SegmentSpec, Slot
from planning import reading
from planning.lint import Cues, named_elements
from planning.segment import fold_blocks, order_exposed
from templates.audit import PROFILE, full_sheet
from templates.render import MARK, addressee, cues, merge, render, salutation, sheet

LANGUAGES = ("en", "zh-Hans")
GOLDEN = Path(__file__).parent / "golden"
ELEMENTS = sorted(vocabulary.words("elements").words)


@pytest.mark.parametrize(("language", "role", "channel"), list(product(LANGUAGES, Role, Channel)))
def test_every_language_role_and_channel_renders_with_its_slots(language, role, channel, spec, story, values):
    wording = render(spec(language, role), channel, story(), mode=Mode.LIVE)
    merged = merge(wording, values)
    assert MARK not in merged.subject + merged.text + merged.html
    assert "Example Orchard" in merged.text
    assert wording.language == language and wording.channel is channel
    assert (Slot.REFERENCE in wording.slots) == (channel is not Channel.PUBLIC)


@pytest.mark.parametrize("channel", Channel)
def test_an_exercise_is_marked_in_every_part(channel, spec, story):
    wording = render(spec(), channel, story(), mode=Mode.EXERCISE)
    for part in filter(None, (wording.subject, wording.text, wording.html, wording.typst)):
        assert "EXERCISE" in part
    live = render(spec(), channel, story(), mode=Mode.LIVE)
    assert "EXERCISE" not in live.subject + live.text + live.html + live.typst


@pytest.mark.parametrize(
    "attack", ["{{ 7 * 7 }}", "{% for x in y %}", "<script>alert(1)</script>", '#panic("x")', "$x$ *b* _i_ @ref `c`"]
)
def test_text_of_the_incident_is_never_compiled(attack, spec, story):
    facts = story(what_happened=f"They left this: {attack}")
    email = render(spec(), Channel.EMAIL, facts, mode=Mode.LIVE)
    assert attack in email.text
    assert "<script>" not in email.html
    letter = render(spec(), Channel.LETTER, facts, mode=Mode.LIVE)
    bare = re.sub(r"\\(.)", "", letter.typst.replace('#s.at("', "").replace('")', ""))
    assert not set("#$*_@`<") & set(bare)


def test_a_line_of_the_incident_that_looks_like_a_list_stays_a_paragraph(spec, story):
    html = render(spec(), Channel.EMAIL, story(what_happened="First.\n- second"), mode=Mode.LIVE).html
    assert re.search(r"<p[^>]*>- second</p>", html)


def test_text_and_html_of_an_email_say_the_same_in_the_same_order(spec, story):
    wording = render(spec(exposed="ssn password health_record name"), Channel.EMAIL, story(), mode=Mode.LIVE)
    html = [line.text for line in reading.html_lines(wording.html)][1:]
    text = [line.text for line in reading.text_lines(wording.text)]
    assert html == text


def test_an_email_needs_no_image_script_or_link_and_has_its_styles_inline(spec, story):
    html = render(spec(), Channel.EMAIL, story(), mode=Mode.LIVE).html
    assert not re.search(r"<img|<script|<a |https?://", html)
    assert 'lang="en"' in html and 'dir="ltr"' in html and "prefers-color-scheme" in html
    assert all("style=" in tag for tag in re.findall(r"<(?:p|h1|h2|li|ul)\b[^>]*>", html))


def test_the_public_page_works_without_scripts_and_is_ordered(spec, story):
    html = render(spec(), Channel.PUBLIC, story(), mode=Mode.LIVE).html
    assert "<script" not in html and " style=" not in html and "http" not in html
    assert re.findall(r"<h(\d)", html) == ["1"] + ["2"] * (len(re.findall(r"<h2", html)))
    assert 'class="skip" href="#notice"' in html and 'id="notice"' in html
    assert "How to check that this notice is real" in html
    assert set(re.findall(r'href="#(\w+)"', html)) <= set(re.findall(r'id="(\w+)"', html))


def test_the_dead_are_not_written_to(spec, story, values):
    for channel in (Channel.EMAIL, Channel.LETTER, Channel.SMS):
        merged = merge(render(spec(role=Role.NEXT_OF_KIN), channel, story(), mode=Mode.LIVE), values)
        assert "your personal information" not in merged.text.lower()
    assert salutation("en", Role.NEXT_OF_KIN, "") == "To the next of kin:"
    assert addressee("en", Role.NEXT_OF_KIN, "Ada Sample") == "The next of kin of Ada Sample"


def test_a_guardian_is_told_which_child(spec, story, values):
    wording = render(spec(role=Role.GUARDIAN), Channel.LETTER, story(), mode=Mode.LIVE)
    assert Slot.MINOR_NAME in wording.slots and Slot.NAME not in wording.slots
    assert "guardian of Bo Sample" in merge(wording, values).text
    assert '#s.at("minor_name")' in wording.typst


def test_massachusetts_gets_none_of_the_story(spec, story):
    text = render(spec(exposed="ssn name", form="us-ma"), Channel.LETTER, story(), mode=Mode.LIVE).text
    for told in ("order system", "password of an employee", "2026", "closed the way in"):
        assert told not in text
    assert "right to obtain a police report" in text


def test_california_has_its_title_and_headings_in_order(spec, story):
    wording = render(spec(exposed="ssn name", form="us-ca"), Channel.LETTER, story(), mode=Mode.LIVE)
    headings = re.findall(r"^== (.+)$", wording.typst, re.MULTILINE)
    assert wording.subject == "Notice of Data Breach"
    assert headings == [
        "What Happened",
        "What Information Was Involved",
        "What We Are Doing",
        "What You Can Do",
        "For More Information",
    ]


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ({}, "We do not yet know when it happened."),
        ({"occurred_from": "2026-03-02"}, "It happened from March 2, 2026 on."),
        ({"occurred_until": "2026-03-05"}, "It happened up to March 5, 2026."),
        ({"occurred_from": "2026-03-02", "occurred_until": "2026-03-02"}, "It happened on March 2, 2026."),
        (
            {"occurred_from": {"min": "2026-03-01", "max": "2026-03-03"}},
            "It happened between March 1, 2026 and March 3, 2026.",
        ),
    ],
)
def test_what_is_unknown_or_estimated_is_said_to_be_so(times, said, spec):
    data = {"id": "x", "title": "X", "organisation": {"timezone": "UTC"}, "times": times}
    facts = sheet(parse_facts(data, "x.toml"), PROFILE)
    assert said in render(spec(), Channel.EMAIL, facts, mode=Mode.LIVE).text


@pytest.mark.parametrize("sign", ["\u202e", "\ue000", "\x1b", "\u2028"])
def test_a_fact_with_a_sign_that_texts_cannot_carry_is_refused_by_key(sign, spec, story):
    with pytest.raises(BadInput, match=r"narrative\.cause: has the character U\+"):
        render(spec(), Channel.EMAIL, story(cause=f"a{sign}b"), mode=Mode.LIVE)


def test_a_profile_without_a_name_is_refused():
    with pytest.raises(BadInput, match=r"organisation\.name"):
        sheet(parse_facts({"id": "x", "title": "X"}, "x.toml"), {})


FACTS = full_sheet()
READERS = {language: Cues.of(cues(language)) for language in LANGUAGES}


@settings(max_examples=80, deadline=None)
@given(
    own=st.sets(st.sampled_from(ELEMENTS), min_size=1), language=st.sampled_from(LANGUAGES), role=st.sampled_from(Role)
)
def test_nobodys_notice_names_what_they_did_not_lose(own, language, role):
    exposed = order_exposed(own)
    segment = SegmentSpec("s", language, role, exposed=exposed, blocks=fold_blocks(exposed))
    wording = render(segment, Channel.EMAIL, FACTS, mode=Mode.LIVE)
    reader = READERS[language]
    for lines in (reading.text_lines(wording.text), reading.html_lines(wording.html)):
        told = [part for part in reading.sections(lines, reader.headings) if "data_involved" in part.names]
        assert named_elements((line for part in told for line in part.lines), reader) == own


@pytest.mark.parametrize(
    ("name", "language", "role", "channel", "exposed", "form"),
    [
        ("en-sms", "en", Role.SELF, Channel.SMS, "ssn name", "general"),
        ("en-email-ca", "en", Role.SELF, Channel.EMAIL, "ssn password name", "us-ca"),
        ("en-letter-ma", "en", Role.SELF, Channel.LETTER, "ssn name", "us-ma"),
        ("en-letter-guardian", "en", Role.GUARDIAN, Channel.LETTER, "health_record name", "general"),
        ("en-letter-next-of-kin", "en", Role.NEXT_OF_KIN, Channel.LETTER, "ssn name", "general"),
        ("zh-email", "zh-Hans", Role.SELF, Channel.EMAIL, "national_id payment_card phone name", "general"),
        ("zh-sms", "zh-Hans", Role.SELF, Channel.SMS, "payment_card phone", "general"),
        ("en-press", "en", Role.SELF, Channel.PUBLIC, "health_record name", "general"),
    ],
)
def test_the_words_are_as_they_were_read(name, language, role, channel, exposed, form, spec, story, values):
    """A change of words is meant: `TOCSIN_UPDATE_GOLDEN=1` writes the files anew, and the difference is read."""
    supplements = ("cn-pipl",) if language == "zh-Hans" and channel is Channel.EMAIL else ()
    segment = spec(language, role, exposed, form=form, supplements=supplements)
    merged = merge(render(segment, channel, story(), mode=Mode.LIVE), values)
    text = f"{merged.subject}\n\n{merged.text}".strip() + "\n"
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("TOCSIN_UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
