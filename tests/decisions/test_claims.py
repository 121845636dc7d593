"""Texts against facts, and against each other: what is said that can't be true."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

import pytest

from models.facts import Facts, parse_facts
from models.values import Channel, Element, Mode, Role, Severity
from planning.claims import Kind, Statement, against_facts, between, claims, facts_themselves, sentences
from planning.cues import Cues
from planning.segment import Key, content_classes, fold_blocks, order_exposed
from templates.audit import PROFILE
from templates.render import cues, render, sheet


@cache
def lens(language: str) -> Cues:
    return Cues.of(cues(language))


def facts(**changes: Any) -> Facts:
    data: dict[str, Any] = {
        "id": "x",
        "title": "X",
        "organisation": {"name": "Example Orchard", "timezone": "UTC"},
        "times": {"occurred_from": "2026-03-02", "occurred_until": "2026-03-05", "discovered": "2026-03-09"},
        "data": {"elements": ["name", "ssn", "iban"], "encrypted": False, "acquired": True},
        "people": {"US-IL": 900},
        "people_detail": {"total": 900},
    }
    return parse_facts(data | changes, "x.toml")


FALSE = [
    ("en", "No Social Security numbers were involved.", Kind.NOT_LOST),
    ("en", "Your IBAN and other bank details did not get out: they do not include the IBAN.", Kind.NOT_LOST),
    ("en", "Fewer than 500 people are concerned.", Kind.PEOPLE),
    ("en", "It concerns 1,204 residents.", Kind.PEOPLE),
    ("en", "More than 2,000 customers were told.", Kind.PEOPLE),
    ("en", "The data were encrypted.", Kind.ENCRYPTED),
    ("en", "There is no evidence that anybody copied the files.", Kind.UNTOUCHED),
    ("en", "The intruder had access on 12 March 2026.", Kind.HAPPENED),
    ("en", "We discovered it on March 19, 2026.", Kind.DISCOVERED),
    ("zh-Hans", "本次事件未涉及社会安全号码。", Kind.NOT_LOST),
    ("zh-Hans", "受影响的用户不到500人。", Kind.PEOPLE),
    ("zh-Hans", "涉及不到500名用户。", Kind.PEOPLE),
    ("zh-Hans", "相关数据均已加密。", Kind.ENCRYPTED),
    ("zh-Hans", "我们于2026年3月19日发现该事件。", Kind.DISCOVERED),
    ("es", "Ningún IBAN se ha visto afectado.", Kind.NOT_LOST),
    ("es", "Afecta a menos de 500 personas.", Kind.PEOPLE),
    ("es", "Los datos estaban cifrados.", Kind.ENCRYPTED),
    ("fr", "Aucun IBAN n’a été consulté.", Kind.NOT_LOST),
    ("fr", "Moins de 500 personnes sont concernées.", Kind.PEOPLE),
    ("fr", "Les données étaient chiffrées.", Kind.ENCRYPTED),
    ("de", "Die IBAN war nicht betroffen.", Kind.NOT_LOST),
    ("de", "Betroffen sind weniger als 500 Personen.", Kind.PEOPLE),
    ("de", "Die Daten waren verschlüsselt.", Kind.ENCRYPTED),
    ("de", "Wir haben den Vorfall am 19. März 2026 entdeckt.", Kind.DISCOVERED),
]
TRUE = [
    ("en", "No passport numbers were involved."),
    ("en", "Not only your name but also your Social Security number was involved."),
    ("en", "About 880 people are concerned."),
    ("en", "900 customers were told."),
    ("en", "The data were not encrypted."),
    ("en", "We will never ask you for a password, an IBAN or a code."),
    ("en", "It happened between March 2, 2026 and March 5, 2026."),
    ("en", "We discovered it on March 9, 2026."),
    ("zh-Hans", "本次事件未涉及护照号码。"),
    ("zh-Hans", "涉及约900名用户。"),
    ("es", "Afecta a unas 900 personas."),
    ("fr", "Environ 900 personnes sont concernées."),
    ("de", "Betroffen sind rund 900 Personen."),
    ("de", "Die Daten waren nicht verschlüsselt."),
]


@pytest.mark.parametrize(("language", "sentence", "kind"), FALSE)
def test_a_sentence_that_the_facts_contradict_is_an_error(language: str, sentence: str, kind: Kind) -> None:
    said = claims(sentence, lens(language), language)
    found = against_facts(said, facts(), "email text")
    assert kind in {claim.kind for claim in said}
    assert [f.severity for f in found] == [Severity.ERROR]
    assert found[0].element == "contradiction" and sentence[:20] in found[0].remedy


@pytest.mark.parametrize(("language", "sentence"), TRUE)
def test_a_true_sentence_passes(language: str, sentence: str) -> None:
    assert against_facts(claims(sentence, lens(language), language), facts(), "email text") == []


def test_what_others_lost_may_be_denied_to_these_readers_with_a_warning() -> None:
    said = claims("Your Social Security number was not involved.", lens("en"), "en")
    (found,) = against_facts(said, facts(), "email text", frozenset({"name"}))
    assert found.severity is Severity.WARNING
    (error,) = against_facts(said, facts(), "email text", frozenset({"name", "ssn"}))
    assert error.severity is Severity.ERROR


@pytest.mark.parametrize("sentence", [row[1] for row in FALSE if row[0] == "en"])
def test_facts_that_nobody_stated_contradict_nothing_with_certainty(sentence: str) -> None:
    empty = parse_facts({"id": "x", "title": "X", "organisation": {"name": "O"}}, "x.toml")
    found = against_facts(claims(sentence, lens("en"), "en"), empty, "text")
    assert all(f.severity is Severity.WARNING for f in found)


def test_the_story_is_held_against_its_own_facts_too() -> None:
    story = {"not_affected": "Bank details, IBAN and passwords", "what_happened": "The files were encrypted."}
    found = facts_themselves(facts(narrative=story), lens("en"), "en")
    assert {f.where for f in found} == {"narrative.not_affected in en", "narrative.what_happened in en"}


def test_two_statements_that_cannot_both_be_true_are_named() -> None:
    def statement(name: str, text: str) -> Statement:
        return Statement(name, claims(text, lens("en"), "en"))

    notice = statement("the notice", "What information was involved\n---\n\n- Social Security number")
    page = statement("the page", "No Social Security numbers were involved. Fewer than 500 people are concerned.")
    report = statement("the report", "It concerns 900 people. We discovered it on 9 March 2026.")
    later = statement("a later report", "We discovered it on 19 March 2026.")
    said = between([notice, page, report, later])
    assert len(said) == 3
    assert said[0].startswith("the notice and the page: ssn")
    assert "Fewer than 500" in said[1] and "900" in said[1]
    assert "discovered: 2026-03-09 and 2026-03-19" in said[2]


@pytest.mark.parametrize("language", ["en", "zh-Hans", "es", "fr", "de"])
@pytest.mark.parametrize("role", list(Role))
def test_our_own_words_contradict_no_facts(language: str, role: Role) -> None:
    own = order_exposed(["name", "ssn", "iban"])
    key = Key(content_classes([], own)[0], (), language, role, fold_blocks(own), own)
    told = sheet(facts(), PROFILE, notice_date=date(2026, 3, 20))
    for channel in (Channel.EMAIL, Channel.LETTER, Channel.SMS, Channel.CALL_LIST, Channel.PUBLIC):
        made = render(key.spec(), channel, told, mode=Mode.LIVE)
        for text in (made.text, made.html):
            said = claims(text, lens(language), language)
            assert against_facts(said, facts(), channel, frozenset(own)) == []
            assert not [claim for claim in said if claim.kind is Kind.NOT_LOST]


def test_the_list_of_a_notice_is_read_as_what_was_lost() -> None:
    text = "What information was involved\n---\n\n- Social Security number\n- name"
    assert {c.element for c in claims(text, lens("en"), "en") if c.kind is Kind.LOST} == {"ssn", "name"}
    assert Element.DATA_INVOLVED in lens("en").headings


def test_sentences_end_where_a_reader_ends_them() -> None:
    told = "It cost 1.5 million. We paid. Nobody else did!"
    assert sentences(told) == ["It cost 1.5 million.", "We paid.", "Nobody else did!"]
    assert sentences("没有泄露。我们已报警。") == ["没有泄露。", "我们已报警。"]
