"""Every law with a list of contents: our own notice passes it, and a notice without one element misses exactly that."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from models.facts import Facts, parse_facts
from models.values import Channel, Element, Finding, Mode, Role, Severity, Wording
from planning.lint import Cues, Task, lint, lint_wording, task_for
from planning.segment import Key, LawNotice, content_classes, fold_blocks, order_exposed
from regimes import load
from templates.audit import PROFILE
from templates.render import cues, render, sheet
from templates.words import coverage, languages

HERE = Path(__file__).parent / "lint_cases"
REMOVED: dict[str, Any] = tomllib.loads((HERE / "removed.toml").read_text("utf-8"))
STORIES: dict[str, dict[str, str]] = tomllib.loads((HERE / "stories.toml").read_text("utf-8"))
COMPLETE = [language for language in languages() if coverage(language) == "complete" and language in STORIES]
# Not asked of the text as a whole: how it is sent, and in which language, is the plan's business.
BESIDE = {"short_form", "language_of_law"}


@dataclass(frozen=True)
class Law:
    """One version of one instrument, with the parts of its notice that people with these elements are owed."""

    id: str
    version: str
    rule: LawNotice

    def __str__(self) -> str:
        return f"{self.id}@{self.version}"


def laws() -> Iterator[Law]:
    for name, instrument in sorted(load.instruments().items()):
        for version in instrument.versions:
            if version.notice and version.notice.elements:
                yield Law(name, version.id, LawNotice(name, version.notice, instrument.place))


LAWS = list(laws())
LOST = order_exposed(["ssn", "password", "biometric", "name"])


@cache
def facts() -> Facts:
    story = {key: {language: texts[key] for language, texts in STORIES.items()} for key in STORIES["en"]}
    data = {
        "id": "x",
        "title": "X",
        "organisation": {"name": "Example Orchard", "timezone": "UTC"},
        "times": {"occurred_from": "2026-03-02", "occurred_until": "2026-03-05", "discovered": "2026-03-09"},
        "narrative": story,
    }
    return parse_facts(data, "x.toml")


@cache
def lens(language: str) -> Cues:
    return Cues.of(cues(language))


def notice(
    law: Law, language: str, channel: Channel = Channel.EMAIL, words: Path | None = None
) -> tuple[Wording, Task]:
    """The notice that our words make for one law, and what it is held to."""
    letter = content_classes([law.rule], LOST, facts())[0]
    key = Key(letter, letter.laws, language, Role.SELF, fold_blocks(LOST), LOST)
    profile = PROFILE | {
        "organisation": {"name": "Example Orchard", "parent": "Example Holding"},
        "remedy": {"monitoring": "identity monitoring", "monitoring_months": letter.monitoring_months or 12},
    }
    told = sheet(facts(), profile, notice_date=date(2026, 3, 20))
    made = render(key.spec(), channel, told, mode=Mode.LIVE, overlay=words)
    names = {"organisation": "Example Orchard", "parent": "Example Holding"}
    return made, task_for(letter, [law.rule], channel, LOST, facts(), **names)


def errors(found: list[Finding]) -> set[str]:
    return {f.element for f in found if f.severity is Severity.ERROR}


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_our_own_notice_passes_every_law(law: Law) -> None:
    for channel in (Channel.EMAIL, Channel.LETTER):
        made, task = notice(law, "en", channel)
        assert [f for f in lint_wording(made, task, lens("en")) if f.element not in BESIDE] == [], channel


@pytest.mark.parametrize("language", [language for language in COMPLETE if language != "en"])
def test_our_own_notice_passes_every_law_in_every_complete_language(language: str) -> None:
    newest = {law.id: law for law in LAWS}
    for law in newest.values():
        made, task = notice(law, language)
        assert [f for f in lint_wording(made, task, lens(language)) if f.element not in BESIDE] == [], law


# --- one element less -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """(language, element) -> a folder of words in which that element is not said."""

    @cache
    def make(language: str, element: str) -> Path:
        folder = tmp_path_factory.mktemp(f"{language}-{element}")
        for name, text in removed(language, element).items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return folder

    return make


def removed(language: str, element: str) -> dict[str, str]:
    """The changed files of words: name -> text."""
    row = REMOVED[element]
    found = {f"{language}/parts/{part}.md.j2": "" for part in row.get("parts", ()) if part not in ("means", "do")}
    found |= {f"{language}/parts/{part}.md.j2": half(language, text) for part, text in row.get("text", {}).items()}
    if row.get("supplements"):
        found |= {
            f"{language}/supplements/{path.name}": "" for path in Path("templates", language, "supplements").iterdir()
        }
    for block in dict.fromkeys(fold_blocks(LOST)):
        name = f"{language}/blocks/{block}.md.j2"
        source = (Path("templates") / name).read_text("utf-8")
        for what in ("means", "do"):
            if what in row.get("parts", ()):
                source = source.replace(f"{{% block {what} %}}", f"{{% block {what}_gone %}}")
                source += f"{{% block {what} %}}{{% endblock %}}"
        found[name] = source
    return found


def half(language: str, text: str) -> str:
    """One of the two sentences of the part `dates`, cut from the words themselves."""
    source = (Path("templates") / language / "parts" / "dates.md.j2").read_text("utf-8")
    breach, _, discovery = source.partition("{% endif %}")
    if "lead_breach" in text:
        return breach + "{% endif %}"
    return discovery


def demanded() -> Iterator[tuple[Law, str]]:
    for law in LAWS:
        _, task = notice_task(law)
        for element in dict.fromkeys(demand.element.value for demand in task.required):
            if element in REMOVED:
                yield law, element


def notice_task(law: Law) -> tuple[None, Task]:
    letter = content_classes([law.rule], LOST, facts())[0]
    return None, task_for(letter, [law.rule], Channel.EMAIL, LOST, facts(), organisation="x", parent="Example Holding")


PAIRS = list(demanded())


def expected(element: str, task: Task) -> set[str]:
    owed = {demand.element.value for demand in task.required}
    laws = {law for law, _ in task.laws}
    owed |= {f"agencies:{a.id}" for a in lens("en").agencies if laws & a.laws.keys() and "agencies" not in owed}
    return {element} | (set(REMOVED[element].get("also", ())) & owed)


@pytest.mark.parametrize(("law", "element"), PAIRS, ids=lambda value: str(value))
def test_a_notice_without_one_element_misses_exactly_that_by_the_law_that_wants_it(
    law: Law, element: str, without: Any
) -> None:
    made, task = notice(law, "en", Channel.LETTER, without("en", element))
    found = lint({"text": made.text}, task, lens("en"), "en")
    assert errors(found) == expected(element, task)
    mine = [f for f in found if f.element == element]
    assert {f.law for f in mine} == {law.id} and all(f.citation and f.remedy and f.part for f in mine)


def one_law_per_element() -> Iterator[tuple[str, str, Law]]:
    """The laws that want each element, a different one for each language."""
    by_element: dict[str, list[Law]] = {}
    for law, element in PAIRS:
        by_element.setdefault(element, []).append(law)
    for n, language in enumerate(language for language in COMPLETE if language != "en"):
        for element, wanting in by_element.items():
            yield language, element, wanting[n % len(wanting)]


@pytest.mark.parametrize(("language", "element", "law"), list(one_law_per_element()), ids=lambda value: str(value))
def test_it_is_so_in_every_complete_language(language: str, element: str, law: Law, without: Any) -> None:
    made, task = notice(law, language, Channel.LETTER, without(language, element))
    assert errors(lint({"text": made.text}, task, lens(language), language)) == expected(element, task)


def test_every_element_that_a_law_demands_is_taken_out_at_least_once() -> None:
    wanted = {item.element.value for law in LAWS for item in law.rule.notice.elements}
    # The organisation's name and the list of what was involved have tests of their own: more goes out with them.
    assert wanted - {element for _, element in PAIRS} == {Element.ORGANISATION_NAME, Element.DATA_INVOLVED}
