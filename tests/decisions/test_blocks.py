"""Every element of the vocabulary is explained, in every complete language, to whoever gets the notice."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any

import pytest

from models import vocabulary
from models.facts import parse_facts
from models.values import Channel, Element, Mode, Role, Severity
from planning.cues import Cues
from planning.demands import Demand, Task
from planning.lint import lint_wording
from planning.presence import checklist
from planning.segment import Key, content_classes, fold_blocks, order_exposed
from templates.audit import PROFILE
from templates.render import cues, render, sheet
from templates.words import coverage, languages

ELEMENTS = sorted(vocabulary.words("elements").words)
COMPLETE = [language for language in languages() if coverage(language) == "complete"]
LENS = {language: Cues.of(cues(language)) for language in COMPLETE}
BARE = {"id": "x", "title": "X", "organisation": {"name": "Example Orchard", "timezone": "UTC"}}
# Nothing is told about the incident, so what stands there comes from the blocks.
EXPLAINED = (Element.DATA_INVOLVED, Element.LIKELY_CONSEQUENCES, Element.SELF_PROTECTION)


def told(language: str, role: Role, lost: list[str], **changes: Any) -> tuple[Any, Task]:
    own = order_exposed(lost)
    key = Key(content_classes([], own)[0], (), language, role, fold_blocks(own), own)
    made = render(key.spec(), Channel.LETTER, sheet(parse_facts(BARE | changes, "x.toml"), PROFILE), mode=Mode.LIVE)
    wanted = tuple(Demand("law", "1", element) for element in EXPLAINED)
    return made, Task(required=wanted, channel=Channel.LETTER, exposed=frozenset(own), role=role)


@pytest.mark.parametrize("element", ELEMENTS)
def test_each_element_has_one_block_that_says_what_it_means_and_what_to_do(element: str) -> None:
    (block,) = fold_blocks([element])
    for language in COMPLETE:
        source = (files("templates") / language / "blocks" / f"{block}.md.j2").read_text("utf-8")
        assert "{% block means %}" in source and "{% block do %}" in source, language


@pytest.mark.parametrize("language", COMPLETE)
@pytest.mark.parametrize("role", list(Role))
def test_whoever_reads_it_learns_what_it_means_and_what_to_do_about_each_element(language: str, role: Role) -> None:
    one_of_each = {block: element for element in ELEMENTS for block in fold_blocks([element])}
    for element in sorted(one_of_each.values()):
        made, task = told(language, role, [element])
        states = {check.element: check.seen.state for check in checklist(made.text, task, LENS[language], language)}
        assert set(states.values()) == {"there"}, (element, states)
        found = [f for f in lint_wording(made, task, LENS[language]) if f.severity is Severity.ERROR]
        assert found == [], element


def test_no_block_explains_what_no_element_needs() -> None:
    named = tomllib.loads((files("planning") / "blocks.toml").read_text("utf-8"))
    assert sorted(element for row in named.values() for element in row) == ELEMENTS
    for language in COMPLETE:
        own = {path.name.split(".")[0] for path in (files("templates") / language / "blocks").iterdir()}
        assert own == set(named), language


SAID = [
    ("known", {"times": {"occurred_from": "2026-03-02", "occurred_until": "2026-03-05"}}, "between March 2, 2026 and"),
    ("estimated", {"times": {"discovered": {"min": "2026-03-02", "max": "2026-03-09"}}}, "between March 2, 2026 and"),
    ("unknown", {}, "We do not yet know when it happened."),
    ("unknown cause", {}, "We do not yet know how this happened."),
    ("one end known", {"times": {"occurred_from": "2026-03-02"}}, "from March 2, 2026 on"),
]


@pytest.mark.parametrize(("state", "facts", "sentence"), SAID)
def test_what_is_known_estimated_or_unknown_is_said_so(state: str, facts: dict[str, Any], sentence: str) -> None:
    made, _ = told("en", Role.SELF, ["name"], **facts)
    assert sentence in made.text
