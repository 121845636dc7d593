"""Where a text says what a law wants: under the heading of it, or in a line that the cues know. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from models.values import Channel, Element
from planning.cues import Cues
from planning.demands import Task
from planning.lint_rules import MARKER, cued, filled, has_words, matches, no_step
from planning.reading import Part, lines_of, sections

# In a text with headings these must stand under their own: a word in passing does not count.
HEADED: Final = frozenset(
    {Element.WHAT_HAPPENED, Element.DATA_INVOLVED, Element.MEASURES, Element.SELF_PROTECTION, Element.CONTACT}
)
STRUCTURED: Final = 3  # so many recognised headings make a text with headings


@dataclass(frozen=True, slots=True)
class Seen:
    """`there`, `unknown` (only said to be), `empty` (a heading alone) or `missing`; and the line that shows it."""

    state: str
    line: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the checklist beside a text: what a law wants, and where it stands."""

    law: str
    citation: str
    element: str
    seen: Seen


def checklist(text: str, task: Task, cues: Cues, language: str) -> list[Check]:
    """Every demand of every law on a text, in the laws' order, with the line that meets it."""
    parts = sections(lines_of(MARKER.sub("—", text)), cues.headings)
    found: list[Check] = []
    for demand in task.required:
        seen = look(demand.element, parts, task, cues, language)
        if seen.state == "unknown" and demand.unknown_ok:
            seen = Seen("there", seen.line)
        found.append(Check(demand.law, demand.citation, demand.element, seen))
    return found


def look(element: Element, parts: list[Part], task: Task, cues: Cues, language: str) -> Seen:
    """Whether a text says an element, and in which line."""
    parts = [replace(part, lines=tuple(filter(None, (filled(n, language) for n in part.lines)))) for part in parts]
    lines = [line for part in parts for line in part.lines]
    if element is Element.ORGANISATION_NAME and task.organisation:
        return _named(task.organisation, lines)
    if element is Element.PARENT_NAME:
        return _named(task.parent, lines)
    if task.channel is Channel.SMS:
        return _cue_seen(element, lines, cues) or Seen("missing")
    under = [part for part in parts if element in part.names]
    own = [line for part in under for line in part.lines if not _of_another(element, line, cues)]
    if element is Element.SELF_PROTECTION:
        own = [line for line in own if not no_step(line, language)]
    said = [line for line in own if not _unknown(line, cues) and has_words(line)]
    cue = cues.elements.get(element)
    if not (cue and cue.only) and said:
        return Seen("there", said[0])
    structured = sum(bool(part.names) for part in parts) >= STRUCTURED
    if (cue and cue.only) or not (structured and element in HEADED):
        seen = _cue_seen(element, [line for line in lines if not _unknown(line, cues)], cues)
        if seen:
            return seen
    return _not_there(element, under, own, lines, cues)


def _not_there(element: Element, under: list[Part], own: list[str], lines: list[str], cues: Cues) -> Seen:
    unknown = [line for line in lines if _unknown(line, cues) and cued(element, [line], cues)]
    if unknown or (own and all(_unknown(line, cues) for line in own)):
        return Seen("unknown", (unknown or own)[0])
    return Seen("empty" if under and not any(part.lines for part in under) else "missing")


def _named(name: str, lines: Sequence[str]) -> Seen:
    hit = next((line for line in lines if name in line), "")
    return Seen("there", hit) if hit else Seen("missing")


def _cue_seen(element: Element, lines: Sequence[str], cues: Cues) -> Seen | None:
    if not cued(element, lines, cues):
        return None
    one = next((line for line in lines if cued(element, [line], cues)), "")
    return Seen("there", one or next((line for line in lines if matches(cues.elements[element], line)), ""))


def _of_another(element: Element, line: str, cues: Cues) -> bool:
    """Whether a line under this element's heading says something else instead."""
    own = cues.elements.get(element)
    others = [cue for name, cue in cues.elements.items() if name != element]
    if any(pattern.search(line) for cue in others for pattern in cue.lead):
        return True
    if own and (own.free or matches(own, line)):
        return False
    return any(matches(cue, line) for cue in others)


def _unknown(line: str, cues: Cues) -> bool:
    return any(pattern.search(line) for pattern in cues.unknown)
