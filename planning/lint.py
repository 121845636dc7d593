"""The linter: reads a finished text and says what its laws miss in it. Pure; it sees only what a reader sees.

An element is there when its heading has something under it, or when a line says it in words that the cues know.
What it can't see: whether a sentence is true (planning.claims holds it against the facts). It errs on the side of a
finding. What must not be there, and how things must be said, stands in planning.lint_rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from models.facts import Facts
from models.values import BadInput, Channel, Element, Finding, Role, Severity, Wording
from planning.cues import Cues
from planning.demands import Demand, Form, Prohibition, Task, task_for, whole_task
from planning.lint_rules import (
    MARKER,
    SHORT,
    every_text,
    named_elements,
    rules_of_content,
    rules_of_text_message,
    sms_parts,
)
from planning.parts import file_of
from planning.presence import look
from planning.reading import Part, lines_of, parts_of_file, sections
from planning.segment import LawNotice, content_classes, order_exposed
from regimes import schema

__all__ = [
    "Cues",
    "Demand",
    "Form",
    "Prohibition",
    "Task",
    "lint",
    "lint_parts",
    "lint_wording",
    "named_elements",
    "read_parts",
    "sms_parts",
    "task_for",
]

FACT: Final[Mapping[Element, str]] = {
    Element.WHAT_HAPPENED: "narrative.what_happened",
    Element.CAUSE: "narrative.cause",
    Element.DATE_OF_BREACH: "times.occurred_from and occurred_until",
    Element.DATE_OF_DISCOVERY: "times.discovered",
    Element.LIKELY_CONSEQUENCES: "narrative.impact",
    Element.MEASURES: "narrative.measures_taken and measures_planned",
    Element.SELF_PROTECTION: "narrative.advice",
    Element.REMEDY: "narrative.remedies",
    Element.MONITORING_OFFER: "remedy.monitoring of the profile",
    Element.CONTACT: "contact of the profile",
    Element.CONTACT_TOLL_FREE: "contact.toll_free of the profile",
    Element.DATE_OF_NOTICE: "the date of the notice",
    Element.PARENT_NAME: "organisation.parent of the profile",
}


# --- linting --------------------------------------------------------------------------------------------------------


def lint_wording(wording: Wording, task: Task, cues: Cues, sizes: Mapping[str, float] | None = None) -> list[Finding]:
    """Findings about a segment's wording, each naming it. Slots stand for text, so they are not leftovers."""
    parts = {"subject": wording.subject, "text": wording.text, "html": wording.html}
    found = lint({name: text for name, text in parts.items() if text}, task, cues, wording.language, sizes)
    return [replace(finding, segment=wording.segment) for finding in found]


def lint(
    text_by_part: Mapping[str, str],
    task: Task,
    cues: Cues,
    language: str,
    sizes: Mapping[str, float] | None = None,
) -> list[Finding]:
    """Findings about a text, part by part (subject, text, html), errors first. Each part must be complete by itself.

    `sizes`: the smallest type of a part, in points, where only its file shows it (a PDF).
    """
    found: list[Finding] = []
    for name, text in text_by_part.items():
        where = f"{task.channel} {name}"
        found += every_text(text, name, task, cues, language, where, (sizes or {}).get(name))
        if name != "subject":
            found += _content(MARKER.sub("—", text), task, cues, where, language)
    if task.channel is Channel.SMS:
        found += rules_of_text_message("".join(text_by_part.values()), task)
    named = [f if f.part else replace(f, part=file_of(f.element, language)) for f in dict.fromkeys(found)]
    return sorted(named, key=lambda finding: finding.severity is not Severity.ERROR)


def _content(shown: str, task: Task, cues: Cues, where: str, language: str) -> list[Finding]:
    lines = lines_of(shown)
    parts = sections(lines, cues.headings)
    found: list[Finding] = []
    for demand in task.required:
        if task.channel is not Channel.SMS or demand.element in SHORT:
            found += _missing(demand, parts, task, cues, where, language)
    found += _short_form(task, where)
    missed = {(finding.law, finding.element) for finding in found}
    return found + rules_of_content(lines, parts, task, cues, where, missed, language)


# --- required elements ----------------------------------------------------------------------------------------------


def _missing(demand: Demand, parts: list[Part], task: Task, cues: Cues, where: str, language: str) -> list[Finding]:
    if demand.element is Element.PARENT_NAME and not task.parent:
        return []
    state = look(demand.element, parts, task, cues, language).state
    if state == "there" or (state == "unknown" and demand.unknown_ok):
        return []
    problem = {"unknown": "is only said to be unknown, which this law does not allow", "empty": "has nothing under it"}
    fact = FACT.get(demand.element, "")
    remedy = f"{demand.element} {problem.get(state, 'is missing')}. Mend the part {demand.element}" + (
        f", or give {fact}{f' in {language}' if fact.startswith('narrative') else ''}." if fact else "."
    )
    return [Finding(demand.law, demand.citation, demand.element, Severity.ERROR, where, remedy)]


def _short_form(task: Task, where: str) -> list[Finding]:
    rest = sorted({demand.element.value for demand in task.required if demand.element not in SHORT})
    if task.channel is not Channel.SMS or not rest:
        return []
    laws = sorted({demand.law for demand in task.required})
    remedy = f"A text message does not carry {', '.join(rest)}: it counts only beside the full notice."
    return [Finding(", ".join(laws), "", "short_form", Severity.WARNING, where, remedy)]


# --- a file ---------------------------------------------------------------------------------------------------------


def read_parts(path: Path) -> dict[str, str]:
    """The parts of a finished file (.txt, .html, .eml): name -> text. BadInput when it can't be read."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise BadInput(str(path), f"cannot be read ({error.strerror}).", "Check the path.") from None
    return parts_of_file(path.name, raw)


def lint_parts(
    parts: Mapping[str, str],
    laws: Sequence[str],
    *,
    channel: Channel,
    language: str,
    role: Role,
    exposed: Iterable[str],
    facts: Facts | None,
    versions: Mapping[str, schema.Version],
    cues: Mapping[str, Any],
    sizes: Mapping[str, float] | None = None,
) -> list[Finding]:
    """Findings about a finished text held to all these laws at once. BadInput for an unknown law.

    `parts`: read_parts(path), or a PDF's text as part "text"; `versions`: each law's version of the day that counts, by
    regime id; `cues`: templates.render.cues(language); `sizes`: the smallest type of a part, in points.
    """
    if unknown := sorted(set(laws) - versions.keys()):
        raise BadInput(f"law {unknown[0]!r}", "is not known.", "`tocsin law list` shows them.")
    rules = [LawNotice(law, versions[law].notice or schema.Notice()) for law in laws]
    lost = order_exposed(exposed)
    name = facts.organisation.name if facts else ""
    letters = content_classes(rules, lost, facts)
    tasks = [task_for(letter, rules, channel, lost, facts, organisation=name, role=role) for letter in letters]
    return lint(parts, whole_task(tasks, merged=True), Cues.of(cues), language, sizes)
