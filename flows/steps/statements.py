"""What has been said already, on a page or in a report, so that a new text can be held against it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlmodel import Session, col, select

from flows.steps.desk import Desk
from flows.steps.posting import wording_of
from models.facts import Facts
from models.tables import Filing, Incident, PublicNotice, WordingRow
from models.values import Finding, Severity, Wording
from planning.claims import ELEMENT, Statement, against_facts, answers, between, claims
from planning.cues import Cues
from planning.filing import Filled
from planning.forms import form_ids, load_form
from templates.render import cues

PEOPLE = ("rule", "people")  # where a form's question for the number of people takes its answer from


@lru_cache(maxsize=64)
def cues_of(language: str, overlay: Path | None) -> Cues:
    """What the linter and the claims look for in a language, read once."""
    return Cues.of(cues(language, overlay))


def statement_of(made: Wording, name: str, overlay: Path | None) -> Statement:
    return Statement(name, claims(made.text, cues_of(made.language, overlay), made.language))


def made_before(desk: Desk, session: Session, incident: Incident) -> list[Statement]:
    """Every page that is posted and every report that was filed, as they stand."""
    return [*_pages(desk, session, incident), *_reports(desk, session, incident)]


def _pages(desk: Desk, session: Session, incident: Incident) -> Iterator[Statement]:
    mine = (PublicNotice.incident_id == incident.id, col(PublicNotice.withdrawn_at).is_(None))
    query = select(PublicNotice).where(*mine)
    newest: dict[str, PublicNotice] = {}
    for row in session.exec(query.order_by(col(PublicNotice.version))).all():
        if row.published_at is not None:
            newest[row.kind] = row
    for row in newest.values():
        for language, wording in sorted(json.loads(row.wordings).items()):
            text = session.get(WordingRow, wording)
            if text is not None:
                name = f"{row.kind} version {row.version} in {language}"
                yield statement_of(wording_of(text), name, desk.settings.templates)


def _reports(desk: Desk, session: Session, incident: Incident) -> Iterator[Statement]:
    query = select(Filing).where(Filing.incident_id == incident.id, col(Filing.filed_at).is_not(None))
    newest: dict[str, Filing] = {}
    for row in session.exec(query.order_by(col(Filing.version))).all():
        newest[row.obligation_key] = row
    for key, row in sorted(newest.items()):
        name = f"report {key} version {row.version}"
        yield report_statement(json.loads(row.body), row.form, name, desk.settings.templates)


def report_statement(packet: Mapping[str, Any], form_id: str, name: str, overlay: Path | None) -> Statement:
    """What a report's answers assert: its free texts, and how many people."""
    form = load_form(form_id if form_id in form_ids(overlay) else "generic", overlay)
    counting = {question.id for question in form.questions if PEOPLE in question.sources}
    told = "\n".join(str(answer["text"]) for answer in packet["answers"] if answer["state"] != "unknown")
    said = claims(told, cues_of(form.language, overlay), form.language) if form.language in _spoken(overlay) else ()
    counted = answers(("people.total", a["value"]) for a in packet["answers"] if a["id"] in counting)
    return Statement(name, (*said, *counted))


def untrue_answers(filled: Filled, facts: Facts, overlay: Path | None) -> tuple[str, ...]:
    """What people typed into a report and the facts contradict; the other answers are the facts' own."""
    if filled.language not in _spoken(overlay):
        return ()
    known = cues_of(filled.language, overlay)
    found: list[str] = []
    for answer in filled.answers:
        if answer.source == "person" and isinstance(answer.value, str):
            said = claims(answer.value, known, filled.language)
            found += [
                f"{answer.id}: {f.remedy}" for f in against_facts(said, facts, answer.id) if f.severity == "error"
            ]
    return tuple(found)


def _spoken(overlay: Path | None) -> tuple[str, ...]:
    from templates.words import languages

    return languages(overlay)


def against(made: Wording, earlier: list[Statement], where: str, overlay: Path | None) -> list[Finding]:
    """A warning for everything that this text and an earlier statement can't both be right about."""
    if not earlier:
        return []
    own = statement_of(made, where, overlay)
    found = [why for other in earlier for why in between([own, other])]
    return [Finding("", "", ELEMENT, Severity.WARNING, where, f"{why} One of them is wrong.") for why in found]
