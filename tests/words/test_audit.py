"""The audit of the words finds what a translator or an editor can do wrong, and names the file."""

from __future__ import annotations

from importlib.resources import files

import pytest

from models.values import BadInput, Channel, Mode, Slot
from planning.lint import sms_parts
from templates import words
from templates.audit import CONTEXT, audit, check_template
from templates.render import render
from templates.sheet import NAMES

EN_PARTS = "en/parts/measures.md.j2"


def test_the_packaged_words_have_no_problem():
    assert audit(sms_parts) == []


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ sheet.mesures_taken }}", "which the fact sheet does not have. Did you mean sheet.measures_taken?"),
        ("{{ slot.surname }}", "names slot.surname, which is no slot"),
        ("{{ slot.salutaton }}", "Did you mean slot.salutation?"),
        ("{{ sheat.cause }}", "is no placeholder. Did you mean sheet?"),
        ("{{ person.name }}", "names 'person', which is no placeholder"),
        ("{% if slot.name %}x{% endif %}", "does something with a slot"),
        ("{{ slot.name | upper }}", "does something with a slot"),
        ("{{ slot.name ~ 'x' }}", "does something with a slot"),
        ("{{ slot['name'] }}", "does something with a slot"),
        ("{% set x = slot %}{{ x }}", "does something with a slot"),
        ("{{ 'x' if slot.name == 'A' else 'y' }}", "does something with a slot"),
        ("{% include 'other' %}", "uses Include"),
        ("{{ sheet.cause.upper() }}", "uses Call"),
        ("{{ sheet.cause | length }}", "uses Filter"),
        ("{% if %}", "does not compile"),
        ("\ue000name\ue000", "private-use character"),
    ],
)
def test_a_wrong_template_is_named_before_it_renders(source, said, overlay):
    folder = overlay({EN_PARTS: source})
    found = check_template(EN_PARTS, folder)
    assert any(problem.where == str(folder / EN_PARTS) and said in problem.what for problem in found)


def test_an_unknown_placeholder_stops_rendering_and_names_the_file(overlay, spec, story):
    folder = overlay({EN_PARTS: "{{ sheet.mesures_taken }}"})
    with pytest.raises(BadInput, match=r"measures\.md\.j2: cannot be rendered.* Did you mean sheet\.measures_taken\?"):
        render(spec(), Channel.EMAIL, story(), mode=Mode.LIVE, overlay=folder)


@pytest.mark.parametrize(
    "source", ["{{ ''.__class__.__mro__ }}", "{{ words.update({}) }}", "{{ self._TemplateReference__context }}"]
)
def test_the_sandbox_refuses_a_template_that_reaches_out(source, overlay, spec, story):
    folder = overlay({EN_PARTS: source})
    with pytest.raises(BadInput, match="measures"):
        render(spec(), Channel.EMAIL, story(), mode=Mode.LIVE, overlay=folder)


def test_a_missing_file_and_a_missing_word_of_a_new_language_are_named(overlay):
    folder = overlay({"xx/words.toml": "[elements]\nname = 'n'", "xx/parts/cause.md.j2": "c"})
    assert "xx" in words.languages(folder)
    told = {(problem.where, problem.what) for problem in audit(overlay=folder, languages=["xx"])}
    assert ("templates/xx/parts/contact.md.j2", "is missing; templates/en has it.") in told
    assert ("templates/xx/words.toml: titles", "is missing; templates/en has it.") in told
    assert any(where == "templates/xx/headings.toml" for where, _ in told)


def test_a_text_message_that_is_too_long_is_named(overlay):
    folder = overlay({"en/notice/sms.md.j2": "{% block text %}" + "long " * 120 + "{{ slot.reference }}{% endblock %}"})
    found = audit(sms_parts, folder, ["en"])
    assert any("more than 3 parts" in problem.what for problem in found)


def test_a_public_text_with_a_slot_is_refused(overlay, spec, story):
    folder = overlay({"en/parts/real.public.md.j2": "{{ slot.reference }}"})
    with pytest.raises(BadInput, match="public text names a slot"):
        render(spec(), Channel.PUBLIC, story(), mode=Mode.LIVE, overlay=folder)


def test_the_overlay_wins_over_the_packaged_words(overlay, spec, story):
    folder = overlay({EN_PARTS: "Our own words about what we do."})
    assert (
        "Our own words about what we do." in render(spec(), Channel.EMAIL, story(), mode=Mode.LIVE, overlay=folder).text
    )
    assert "Our own words" not in render(spec(), Channel.EMAIL, story(), mode=Mode.LIVE).text


def test_every_placeholder_is_explained_in_the_readme():
    readme = files("templates").joinpath("README.md").read_text("utf-8")
    placeholders = (
        {f"sheet.{name}" for name in NAMES} | {f"slot.{slot}" for slot in Slot} | (CONTEXT - {"sheet", "slot"})
    )
    assert [name for name in sorted(placeholders) if f"`{name}`" not in readme] == []


def test_every_body_named_has_a_telephone_number_and_says_when_it_was_read():
    parties = words.table("agencies.toml")
    for row in (*parties["bureau"], *parties["agency"]):
        assert row["phone"] and row["source"].startswith("https://") and row["checked"], row["id"]
