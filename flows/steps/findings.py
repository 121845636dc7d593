"""What the linter found in a wave's words, what it refuses, and which warnings a named person answers for.

An error stands against every approval and every launch, and nobody can let it pass. A warning of a live wave stands
until a person overrides it with a reason. The override goes into the plan, so it is part of what is signed; approvals
that were given without it are void.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from flows.steps.desk import Desk, find_incident
from models.tables import Event, Incident, Segment, Setting, Wave, WordingRow
from models.values import BadInput, Channel, Mode, NeedsPerson, Refused, Severity, canonical, digest

OVERRIDDEN = "wording_overridden"
PUBLIC = "notice to the public"
# What names a finding: the same finding in several segments, or in the text and the HTML of one channel, is one, and
# is answered for once.
_NAMED = ("law", "citation", "element", "severity", "where", "remedy")
_HALVES = (" text", " html", " subject")


@dataclass(frozen=True, slots=True)
class Place:
    """Whose words a finding is about."""

    key: str  # segment, or the notice to the public
    channel: Channel


def findings(session: Session, wave: Wave) -> list[tuple[Place, dict[str, Any]]]:
    """Every finding about a wave's words, the public notice that may follow included, errors first.

    Each has its `id`, and `overridden_by` and `reason` where somebody answers for it.
    """
    passed = overrides(session, wave)
    found = [(place, _named(finding, passed)) for place, finding in _stored(session, wave)]
    return sorted(found, key=lambda pair: (pair[1]["severity"] != Severity.ERROR, pair[0].key, pair[0].channel))


def _stored(session: Session, wave: Wave) -> Iterator[tuple[Place, dict[str, Any]]]:
    query = select(Segment, WordingRow.findings).join(WordingRow, Segment.wording_id == WordingRow.id)  # type: ignore[arg-type]
    for segment, text in session.exec(query.where(Segment.wave_id == wave.id)).all():
        yield from ((Place(segment.key, segment.channel), finding) for finding in json.loads(text))
    public = set(json.loads(wave.plan or "{}").get("substitute", {}).values())
    rows = select(WordingRow).where(WordingRow.incident_id == wave.incident_id, WordingRow.channel == Channel.PUBLIC)
    newest = {row.digest: row for row in session.exec(rows).all() if row.digest in public}
    for row in newest.values():
        place = Place(f"{PUBLIC} in {row.language}", Channel.PUBLIC)
        yield from ((place, finding) for finding in json.loads(row.findings))


def finding_id(finding: Mapping[str, Any]) -> str:
    """Ten letters and digits that name a finding, the same wherever it stands."""
    named = {name: str(finding[name]) for name in _NAMED}
    for half in _HALVES:
        named["where"] = named["where"].removesuffix(half)
    return digest(named)[:10]


def _named(finding: dict[str, Any], passed: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    name = finding_id(finding)
    by = passed.get(name)
    return finding | {"id": name} | ({"overridden_by": by["by"], "reason": by["reason"]} if by else {})


def refuse_errors(session: Session, wave: Wave) -> None:
    """Stands against every approval and launch. NeedsPerson where an override suffices (a live wave's warning)."""
    found = findings(session, wave)
    errors = [finding for _, finding in found if finding["severity"] == Severity.ERROR]
    if errors:
        raise Refused(f"wave {wave.number}: the linter finds {len(errors)} errors, first: {_said(errors[0])}")
    open_ = {f["id"]: f for _, f in found if not f.get("overridden_by")}
    if open_ and _live(session):
        incident = session.get(Incident, wave.incident_id)
        first = next(iter(open_.values()))
        how = (
            f"`tocsin override {incident.slug if incident else 'INCIDENT'} {first['id']} --reason TEXT` answers for it"
        )
        raise NeedsPerson(f"wave {wave.number}: {len(open_)} warnings stand, first: {_said(first)} Mend it, or {how}.")


def _said(finding: Mapping[str, Any]) -> str:
    law = " ".join(part for part in (finding["law"], finding["citation"]) if part)
    return f"{law + ', ' if law else ''}{finding['where']}: {finding['remedy']}"


def _live(session: Session) -> bool:
    row = session.get(Setting, "mode")
    return row is not None and row.value == Mode.LIVE.value


# --- overrides ------------------------------------------------------------------------------------------------------


def overrides(session: Session, wave: Wave) -> dict[str, dict[str, str]]:
    """Finding -> who answers for it and why. Only what the plan holds counts, so only what is signed."""
    signed: Mapping[str, str] = json.loads(wave.plan or "{}").get("overrides", {})
    query = select(Event.body).where(
        Event.incident_id == wave.incident_id, Event.kind == OVERRIDDEN, Event.subject == wave.id
    )
    bodies = [json.loads(text) for text in session.exec(query.order_by(col(Event.at), col(Event.seq))).all()]
    rows = {body["finding"]: {"by": body["by"], "reason": body["reason"]} for body in bodies}
    return {name: row for name, row in rows.items() if signed.get(name) == digest(row)}


def override(
    desk: Desk, slug: str, finding: str, person: str, reason: str, number: int | None = None
) -> dict[str, Any]:
    """A named person answers for a warning of a wave (default: the newest that stands) that is not launched yet.

    What was answered for, with the wave's new digest and how many approvals became void. Refused for an error.
    """
    from flows.steps import approvals, guarding  # they ask us what stands

    if not reason.strip():
        raise BadInput("--reason", "is missing.", "Say why the words may stay as they are.")
    with desk.db.write() as session:
        incident = find_incident(session, slug)
        wave = _wave(session, incident, number)
        own = _find(session, wave, finding)
        row = {"by": person, "reason": reason.strip()}
        plan = json.loads(wave.plan)
        plan["overrides"] = plan.get("overrides", {}) | {own["id"]: digest(row)}
        before, wave.plan, wave.digest = wave.digest, canonical(plan), digest(plan)
        session.add(wave)
        body = {"finding": own["id"], "element": own["element"], "law": own["law"], "digest": wave.digest, **row}
        desk.log(session, incident.id, OVERRIDDEN, wave.id, **body)
        guarding.carry(desk, session, incident, wave, before)
        void = approvals.void(desk, session, incident, wave.id, f"{own['element']} was overridden")
    return own | {
        "overridden_by": person,
        "reason": row["reason"],
        "wave": wave.number,
        "digest": wave.digest,
        "void": void,
    }


def _wave(session: Session, incident: Incident, number: int | None) -> Wave:
    from flows.steps.launching import find_wave
    from flows.steps.preview import newest_wave

    wave = find_wave(session, incident, number) if number else newest_wave(session, incident)
    if wave.launched_at is not None or wave.stopped_why.startswith("replaced"):
        why = "was replaced by a newer one" if wave.launched_at is None else "is launched already"
        raise Refused(f"wave {wave.number} {why}: its words are what they are")
    return wave


def _find(session: Session, wave: Wave, wanted: str) -> dict[str, Any]:
    known = {finding["id"]: finding for _, finding in findings(session, wave)}
    hits = [finding for name, finding in known.items() if wanted and name.startswith(wanted)]
    if len(hits) != 1:
        names = ", ".join(name for name, f in known.items() if f["severity"] == Severity.WARNING)
        problem = "names several findings." if hits else f"is no finding of wave {wave.number}."
        raise BadInput(f"finding {wanted!r}", problem, f"Warnings: {names or 'none'}.")
    if hits[0]["severity"] == Severity.ERROR:
        raise Refused(f"{hits[0]['id']} is an error: it is mended, never overridden. {_said(hits[0])}")
    return hits[0]
