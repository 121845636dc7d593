"""What stands beside a text when people read it: checklist, the linter's findings, what changed, how hard it reads."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from flows.steps.desk import Desk
from flows.steps.findings import findings
from flows.steps.law import instruments_with_promises, telling_people
from flows.steps.open_incident import current_facts
from flows.steps.posting import wording_of
from flows.steps.samples import Sample
from flows.steps.statements import cues_of
from flows.steps.wording import name_of
from models.facts import Facts
from models.tables import Approval, Incident, Segment, Wave, WordingRow
from models.values import Channel, Wording
from planning.demands import Task, task_for
from planning.presence import Check, checklist
from planning.readability import Ease, ease
from planning.segment import Owed, content_classes, rules_for
from regimes.assess import assess
from regimes.schema import Instrument

# How a changed line of a text is marked.
SAME, NEW, GONE = "same", "new", "gone"


@dataclass(frozen=True, slots=True)
class Review:
    """One text, ready to be read beside its checklist."""

    checks: tuple[Check, ...]
    findings: tuple[Mapping[str, Any], ...]
    lines: tuple[tuple[str, str], ...]  # (same | new | gone, line) against `before`
    before: str  # what the lines are compared with; empty: nothing to compare with
    ease: Ease | None


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Looks at the texts of one wave; what they share is worked out once. Made by `reviewer`."""

    desk: Desk
    facts: Facts
    obligations: Sequence[Owed]
    instruments: Mapping[str, Instrument]
    said: Mapping[tuple[str, Channel], list[dict[str, Any]]]
    before: Mapping[tuple[str, Channel], tuple[int, Wording]]

    def review(self, sample: Sample, neighbour: Wording | None = None) -> Review:
        """The review of one text. Without an approved version of it, it is compared with `neighbour`."""
        language, overlay = sample.wording.language, self.desk.settings.templates
        earlier, name = self._earlier(sample, neighbour)
        return Review(
            checks=tuple(checklist(sample.wording.text, self.task(sample), cues_of(language, overlay), language)),
            findings=tuple(self.said.get((sample.segment, sample.channel), ())),
            lines=tuple(changes(earlier.text if earlier else "", sample.wording.text)),
            before=name,
            ease=ease(sample.wording.text, language),
        )

    def _earlier(self, sample: Sample, neighbour: Wording | None) -> tuple[Wording | None, str]:
        found = self.before.get((sample.segment, sample.channel))
        if found is not None:
            return found[1], f"wave {found[0]}, the last approved version"
        return (neighbour, f"the neighbour {neighbour.segment}") if neighbour else (None, "")

    def task(self, sample: Sample) -> Task:
        """What the text is held to, as when it was prepared."""
        rules = rules_for(sample.laws, self.obligations, self.instruments, self.facts)
        letters = content_classes(rules, sample.exposed, self.facts)
        letter = next((c for c in letters if c.id == sample.content_class), letters[0])
        names = {"organisation": name_of(self.desk, self.facts), "parent": self.desk.profile.organisation.parent}
        return task_for(letter, rules, sample.channel, sample.exposed, self.facts, **names, role=sample.role)


def reviewer(desk: Desk, session: Session, incident: Incident, wave: Wave) -> Reviewer:
    """Ready to look at a wave: its laws as they stand now, what the linter said, what was approved before."""
    facts = current_facts(session, incident)
    assessed = assess(facts, desk.now())
    said: dict[tuple[str, Channel], list[dict[str, Any]]] = {}
    for place, finding in findings(session, wave):
        said.setdefault((place.key, place.channel), []).append(finding)
    return Reviewer(
        desk=desk,
        facts=facts,
        obligations=telling_people(assessed),
        instruments=instruments_with_promises(assessed, facts),
        said=said,
        before=approved_before(session, incident, wave),
    )


def approved_before(session: Session, incident: Incident, wave: Wave) -> dict[tuple[str, Channel], tuple[int, Wording]]:
    """The texts of earlier waves that somebody signed: (segment, channel) -> wave and text, the newest of each."""
    signed = select(Approval.subject_id).where(
        Approval.incident_id == incident.id, Approval.subject_kind == "wave", col(Approval.voided_at).is_(None)
    )
    query = (
        select(Wave.number, Segment.key, Segment.channel, WordingRow)
        .join(Segment, col(Segment.wave_id) == Wave.id)
        .join(WordingRow, col(Segment.wording_id) == WordingRow.id)
        .where(Wave.incident_id == incident.id, Wave.number < wave.number, col(Wave.id).in_(signed))
        .order_by(col(Wave.number))
    )
    return {
        (str(key), Channel(channel)): (number, wording_of(row))
        for number, key, channel, row in session.exec(query).all()
    }


def changes(before: str, after: str) -> list[tuple[str, str]]:
    """The lines of a text, each marked same, new or gone against an earlier one."""
    old, new = before.splitlines(), after.splitlines()
    found: list[tuple[str, str]] = []
    for tag, a, b, c, d in difflib.SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if tag == "equal":
            found += [(SAME, line) for line in new[c:d]]
            continue
        found += [(GONE, line) for line in old[a:b] if line.strip()]
        found += [(NEW if before else SAME, line) for line in new[c:d]]
    return found


def read_aloud(text: str, figures: Ease | None) -> str:
    """A text as somebody reads it to somebody frightened: one sentence a line, with room for a mark."""
    from planning.lint_rules import MARKER
    from planning.reading import text_lines

    rows = ["Read this aloud to somebody. Mark where you stumble, and what you would say instead.", ""]
    for line in text_lines(MARKER.sub("…", text)):
        rows += ["", line.text.upper(), ""] if line.heading else [f"[ ] {line.text}"]
    if figures is not None:
        rows += ["", "---", *figures_said(figures)]
    return "\n".join(rows) + "\n"


def figures_said(figures: Ease) -> list[str]:
    """The figures of a text in sentences."""
    unit = "characters" if figures.language.startswith("zh") else "words"
    rows = [f"{figures.sentences} sentences of {figures.mean:g} {unit} on average."]
    if figures.score is not None:
        verdict = "reached" if figures.good else "NOT reached"
        rows.insert(
            0, f"{figures.formula.replace('_', ' ')}: {figures.score:g}; the aim of {figures.aim:g} is {verdict}."
        )
    rows += [f"Long: {sentence}" for sentence in figures.longest]
    rows += [f"Passive: {', '.join(figures.passive)}."] if figures.passive else []
    return rows + [f"“{word}”: say “{instead}”." for word, instead in figures.jargon]


def neighbours(found: Sequence[Sample]) -> dict[tuple[str, Channel], Wording]:
    """For each text one before it in the same language and channel, of the same role where there is one: a reader then
    reads only what differs."""
    last: dict[tuple[str, ...], Wording] = {}
    near: dict[tuple[str, Channel], Wording] = {}
    for sample in found:
        place = (sample.wording.language, sample.channel.value)
        one = last.get((*place, sample.role.value)) or last.get(place)
        if one is not None:
            near[sample.segment, sample.channel] = one
        last[place] = last[(*place, sample.role.value)] = sample.wording
    return near


def laws_said(sample: Sample) -> str:
    return ", ".join(sample.laws) or "no law; the organisation tells them anyway"
