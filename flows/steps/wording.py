"""Wordings: rendered once per segment and channel, linted against what the laws demand, stored as they are approved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlmodel import Session

from flows.steps.desk import Desk
from flows.steps.drafting import Drafter
from flows.steps.statements import against, cues_of, made_before
from models.facts import Facts
from models.tables import Incident, Segment, WordingRow, new_id
from models.values import Channel, Finding, Mode, Role, SegmentSpec, Severity, Wording, canonical
from planning.claims import Statement, against_facts, claims, facts_themselves
from planning.lint import Task, lint_wording, task_for
from planning.segment import Key, LawNotice, content_classes, fold_blocks, order_exposed, rules_for
from templates.render import render, sheet, speaks
from templates.sheet import Sheet
from templates.words import foreign_day, needs_review


@dataclass(slots=True)
class Texts:
    """The wordings of a wave by segment key and channel, and where they are stored."""

    wordings: dict[tuple[str, Channel], Wording] = field(default_factory=dict)
    segments: dict[tuple[str, Channel], str] = field(default_factory=dict)
    errors: int = 0
    warnings: int = 0
    errors_in: Counter[str] = field(default_factory=Counter)  # language -> errors


def fact_sheet(desk: Desk, facts: Facts) -> Sheet:
    return sheet(facts, asdict(desk.profile), notice_date=desk.now().date())


def render_all(
    desk: Desk,
    session: Session,
    incident: Incident,
    keys: Mapping[str, Key],
    channels: Mapping[str, set[Channel]],
    drafter: Drafter,
    facts: Facts,
    wave_id: str,
) -> Texts:
    """Every segment in every channel that a ladder of its people has."""
    texts = Texts()
    facts_sheet = fact_sheet(desk, facts)
    truth = Truth(facts, made_before(desk, session, incident))
    for text, key in keys.items():
        rules = rules_for(key.laws, drafter.obligations, drafter.instruments, facts)
        for channel in sorted(c for c in channels[text] if speaks(key.language, c, desk.settings.templates)):
            made = _render(desk, key.spec(), channel, facts_sheet)
            task = task_for(
                key.content_class,
                rules,
                channel,
                key.exposed,
                facts,
                organisation=name_of(desk, facts),
                parent=desk.profile.organisation.parent,
                role=key.role,
                site=desk.profile.organisation.website,
            )
            task = replace(task, mailbox=())  # the ladder keeps email from those whom a law protects
            row = _store(desk, session, incident, made, _findings(desk, made, task, truth, texts))
            texts.wordings[text, channel] = made
            texts.segments[text, channel] = _segment(session, incident, wave_id, key, channel, row.id)
    return texts


def name_of(desk: Desk, facts: Facts) -> str:
    return desk.profile.organisation.name or facts.organisation.name


def _render(desk: Desk, spec: SegmentSpec, channel: Channel, facts: Sheet) -> Wording:
    return render(spec, channel, facts, mode=desk.settings.mode, overlay=desk.settings.templates)


@dataclass(frozen=True, slots=True)
class Truth:
    """What a wording is held against besides its laws: the facts, and what was said before."""

    facts: Facts
    earlier: list[Statement]


def _findings(desk: Desk, made: Wording, task: Task, truth: Truth, texts: Texts) -> list[Finding]:
    overlay = desk.settings.templates
    found = [
        *_unreviewed(desk, made),
        *_foreign_hours(desk, made),
        *lint_wording(made, task, cues_of(made.language, overlay)),
    ]
    found += _untrue(made, task, truth, overlay)
    wrong = sum(f.severity is Severity.ERROR for f in found)
    texts.errors += wrong
    texts.errors_in += Counter({made.language: wrong})
    texts.warnings += sum(f.severity is Severity.WARNING for f in found)
    return found


def _untrue(made: Wording, task: Task, truth: Truth, overlay: Path | None) -> list[Finding]:
    """What the facts or an earlier statement contradict."""
    known, where = cues_of(made.language, overlay), f"{made.channel} text"
    found = against_facts(claims(made.text, known, made.language), truth.facts, where, task.exposed)
    key = ("facts_themselves", made.language)
    story = truth.facts.once(key, lambda: facts_themselves(truth.facts, known, made.language))
    found += [finding for finding in story if "not_affected" in finding.where]
    return [replace(f, segment=made.segment) for f in (*found, *against(made, truth.earlier, where, overlay))]


def _unreviewed(desk: Desk, made: Wording) -> list[Finding]:
    """Words that no speaker has read yet stop a live wave; an exercise only says so."""
    why = needs_review(made.language, desk.settings.templates)
    if not why or made.language in desk.profile.reviewed:
        return []
    severity = Severity.ERROR if desk.settings.mode is Mode.LIVE else Severity.WARNING
    line = f'[reviewed] {made.language} = "Name of the reader, YYYY-MM-DD"'
    remedy = f"{why} Then name the reader in the profile: {line}."
    return [Finding("", "", "review", severity, f"{made.channel} in {made.language}", remedy)]


def _foreign_hours(desk: Desk, made: Wording) -> list[Finding]:
    """The profile's hours, in another language than the text that prints them."""
    hours = desk.profile.in_language.get(made.language, {}).get("hours", desk.profile.contact.hours)
    if not hours or hours not in made.text or not foreign_day(hours, made.language):
        return []
    remedy = f"The hours are not in {made.language}. Write them in the profile: [in_language.{made.language}] hours."
    return [Finding("", "", "contact_hours", Severity.WARNING, f"{made.channel} text", remedy, segment=made.segment)]


def _store(desk: Desk, session: Session, incident: Incident, made: Wording, found: list[Finding]) -> WordingRow:
    row = WordingRow(
        id=new_id(),
        incident_id=incident.id,
        channel=made.channel,
        language=made.language,
        body=canonical(plain(made)),
        digest=made.digest(),
        findings=canonical([asdict(f) for f in found]),
    )
    session.add(row)
    session.flush()
    return row


def plain(made: Wording) -> dict[str, Any]:
    return {name: getattr(made, name) for name in made.__slots__}


def _segment(session: Session, incident: Incident, wave_id: str, key: Key, channel: Channel, wording_id: str) -> str:
    row = Segment(
        id=new_id(),
        incident_id=incident.id,
        wave_id=wave_id,
        key=key.text,
        content_class=key.content_class.id,
        laws=canonical(list(key.laws)),
        language=key.language,
        role=key.role,
        blocks=canonical(list(key.blocks)),
        exposed=canonical(list(key.exposed)),
        channel=channel,
        people=0,
        wording_id=wording_id,
    )
    session.add(row)
    session.flush()
    return row.id


# --- the notice to the public ---------------------------------------------------------------------------------------


def render_public(
    desk: Desk, session: Session, incident: Incident, keys: Mapping[str, Key], drafter: Drafter, facts: Facts
) -> dict[str, str]:
    """The public notice in every language of the people: language -> digest. It may follow the wave."""
    exposed = order_exposed({element for key in keys.values() for element in key.exposed})
    laws = tuple(sorted({law for key in keys.values() for law in key.laws}))
    rules = [_without_form(rule) for rule in rules_for(laws, drafter.obligations, drafter.instruments, facts)]
    letter = content_classes(rules, exposed, facts)[0]
    facts_sheet = fact_sheet(desk, facts)
    truth = Truth(facts, made_before(desk, session, incident))
    digests = {}
    spoken = {key.language for key in keys.values()}
    for language in sorted(spoken):
        spec = replace(
            Key(letter, letter.laws, language, Role.SELF, fold_blocks(exposed), exposed).spec(),
            segment=f"public/{language}",
        )
        made = _render(desk, spec, Channel.PUBLIC, facts_sheet)
        texts = Texts()
        task = task_for(letter, rules, Channel.PUBLIC, exposed, facts, organisation=name_of(desk, facts))
        task = _beside(task, spoken)
        row = _store(desk, session, incident, made, _findings(desk, made, task, truth, texts))
        digests[language] = row.digest
    return digests


def _beside(task: Task, spoken: Collection[str]) -> Task:
    """A page in several languages is one page: a law's language is there when any of them is that language."""
    lacking = [
        row for row in task.languages if not any(own == w or own.startswith(f"{w}-") for own in spoken for w in row[2])
    ]
    return replace(task, languages=tuple(lacking))


def _without_form(rule: LawNotice) -> LawNotice:
    """A page for everybody carries no single law's prescribed form, and no law forbids the public what happened."""
    return replace(rule, notice=replace(rule.notice, form="", supplement="", prohibited=(), monitoring=()))
