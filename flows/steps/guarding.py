"""The second-breach guard at work: reads a wave's notices back as they are stored, each beside its source row.

It runs when a wave is prepared, over what was written and not over what was meant. What it finds stands in the ledger
under the wave. Errors stand against every approval and every launch; a warning does until a named person overrides it,
which strikes out the approvals that were given without it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from flows.steps import approvals
from flows.steps.desk import Desk, find_incident
from models.slots import MARK
from models.tables import Event, Incident, ScopeRun, Segment, Wave, WordingRow, metadata
from models.values import BadInput, NeedsPerson, Refused, Role, Severity
from models.vault import IncidentKey, Record
from planning.guard import Canary, Finding, Fixed, Guard, Limits, Notice, Source

NOTICE: Table = metadata.tables["notice"]
SUBJECT: Table = metadata.tables["subject"]
GUARDED, OVERRIDDEN = "wave_guarded", "finding_overridden"
_AT_A_TIME = 2_000
_LISTED = 20  # notices that are named by id for each kind of crossing


@dataclass(frozen=True, slots=True)
class Guarded:
    """What the guard says of one wave now."""

    incident: str
    wave: int
    notices: int
    findings: tuple[dict[str, Any], ...]  # with `overridden_by` and `reason` where a person let it pass

    @property
    def standing(self) -> list[dict[str, Any]]:
        """Those that stop the wave."""
        return [f for f in self.findings if f["severity"] != Severity.NOTE and not f.get("overridden_by")]


def guard_wave(desk: Desk, session: Session, incident: Incident, wave: Wave) -> list[Finding]:
    """Looks over every notice of a wave and writes down what it finds, in the session's transaction."""
    session.flush()
    profile = desk.profile
    watch = Guard(
        Fixed(_fixed(session, wave), _own(desk)),
        Limits(**profile.guard.limits()),
        [Canary(c.name, c.email, c.phone, c.address) for c in profile.canaries],
    )
    listed: dict[str, list[str]] = {}
    notices = 0
    for identity, notice in _stored(desk.key(incident), session, wave):
        notices += 1
        for crossed in watch.add(notice):
            listed.setdefault(crossed, []).append(identity)
    found = watch.findings(_list_days(desk, session, incident))
    body = {
        "notices": notices,
        "digest": wave.digest,
        "findings": [f.as_data() for f in found],
        "listed": {name: ids[:_LISTED] for name, ids in listed.items()},
    }
    desk.log(session, incident.id, GUARDED, wave.id, **body)
    return found


def _fixed(session: Session, wave: Wave) -> list[str]:
    """The words of every segment, cut at its slots."""
    query = select(WordingRow.body).join(Segment, col(Segment.wording_id) == WordingRow.id)
    bodies = [json.loads(text) for text in set(session.exec(query.where(Segment.wave_id == wave.id)).all())]
    return [part for body in bodies for text in (body["subject"], body["text"]) for part in text.split(MARK)[::2]]


def _own(desk: Desk) -> Iterator[str]:
    """What the organisation says of itself: it may be somebody's of the list as well."""
    profile = desk.profile
    yield from profile.organisation.postal_address
    for contact in (profile.contact, profile.dpo):
        yield from (contact.name, contact.email, contact.phone, contact.toll_free)
    yield from (profile.sender.email, profile.sender.reply_to, profile.sender.signatory, profile.organisation.name)


def _stored(key: IncidentKey, session: Session, wave: Wave) -> Iterator[tuple[str, Notice]]:
    n, s = NOTICE.c, SUBJECT.c
    wanted = (n.id, n.segment_key, n.sealed.label("slots"), s.id.label("subject"), s.sealed, s.role, s.elements)
    query = columns(*wanted, s.deceased, s.minor).join(SUBJECT, n.subject_id == s.id).where(n.wave_id == wave.id)
    segments = _segments(session, wave)
    last = ""
    while rows := session.connection().execute(query.where(n.id > last).order_by(n.id).limit(_AT_A_TIME)).all():
        for row in rows:
            role, named = segments.get(row.segment_key, (row.role, None))
            lost = frozenset(json.loads(row.elements))
            slots, contacts = key.open_notice(row.id, row.slots)
            yield (
                row.id,
                Notice(
                    subject=row.subject,
                    segment=row.segment_key,
                    source=_source(key.open_record(row.subject, row.sealed), row.role),
                    slots=slots,
                    contacts=contacts,
                    role=role,
                    own_role=row.role,
                    named=lost if named is None else named,  # no segment: nothing on the ladder, no words go out
                    lost=lost,
                    deceased=row.deceased,
                    minor=row.minor,
                ),
            )
        last = rows[-1].id


def _segments(session: Session, wave: Wave) -> dict[str, tuple[Role, frozenset[str]]]:
    rows = session.exec(select(Segment).where(Segment.wave_id == wave.id)).all()
    return {row.key: (row.role, frozenset(json.loads(row.exposed))) for row in rows}


def _source(record: Record, role: Role) -> Source:
    speaker = {Role.GUARDIAN: record.guardian_name, Role.NEXT_OF_KIN: record.next_of_kin_name}.get(role, "")
    return Source(record.name, speaker, record.email, record.phone, record.address, record.app, record.born)


def _list_days(desk: Desk, session: Session, incident: Incident) -> float | None:
    query = select(ScopeRun.at).where(ScopeRun.incident_id == incident.id).order_by(col(ScopeRun.number).desc())
    at = session.exec(query).first()
    return None if at is None else (desk.now() - at).total_seconds() / 86_400


# --- what stands ----------------------------------------------------------------------------------------------------


def state(session: Session, incident: Incident, wave: Wave) -> Guarded | None:
    """What the ledger holds of a wave's guard; None when it never ran over this plan."""
    events = _events(session, incident, wave, GUARDED)
    newest = next((e for e in reversed(events) if e["digest"] == wave.digest), None)
    if newest is None:
        return None
    passed = {e["finding"]: e for e in _events(session, incident, wave, OVERRIDDEN) if e["digest"] == wave.digest}
    found = tuple(
        f | ({"overridden_by": passed[f["id"]]["by"], "reason": passed[f["id"]]["reason"]} if f["id"] in passed else {})
        for f in newest["findings"]
    )
    return Guarded(incident.slug, wave.number, newest["notices"], found)


def _events(session: Session, incident: Incident, wave: Wave, kind: str) -> Sequence[dict[str, Any]]:
    query = select(Event.body).where(Event.incident_id == incident.id, Event.kind == kind, Event.subject == wave.id)
    return [json.loads(body) for body in session.exec(query.order_by(col(Event.at), col(Event.seq))).all()]


def carry(desk: Desk, session: Session, incident: Incident, wave: Wave, before: str) -> None:
    """What was seen and answered for under the plan `before` holds for the new plan: its notices are the same."""
    for kind in (GUARDED, OVERRIDDEN):
        for body in [e for e in _events(session, incident, wave, kind) if e["digest"] == before]:
            desk.log(session, incident.id, kind, wave.id, **(body | {"digest": wave.digest}))


def refuse_findings(session: Session, incident: Incident, wave: Wave) -> None:
    """Stands against every approval and every launch. NeedsPerson where an override is enough."""
    seen = state(session, incident, wave)
    if seen is None:
        raise Refused(f"wave {wave.number}: the guard has not looked over these notices; prepare it again")
    errors = [f for f in seen.standing if f["severity"] == Severity.ERROR]
    if errors:
        raise Refused(
            f"wave {wave.number}: {errors[0]['what']}. {errors[0]['remedy']} (`tocsin guard` names the notices)"
        )
    if seen.standing:
        first = seen.standing[0]
        how = f"`tocsin guard {incident.slug} {wave.number} --override {first['id']} --reason TEXT` lets it pass"
        raise NeedsPerson(f"wave {wave.number}: {first['what']}. {first['remedy']} Or a person answers for it: {how}")


def look(desk: Desk, slug: str, number: int) -> Guarded:
    """Looks over a wave again, as it is stored now."""
    from flows.steps.launching import find_wave

    with desk.db.write() as session:
        incident = find_incident(session, slug)
        wave = find_wave(session, incident, number)
        guard_wave(desk, session, incident, wave)
        session.flush()
        seen = state(session, incident, wave)
        assert seen is not None  # noqa: S101 - written just now
    return seen


def override(desk: Desk, slug: str, number: int, finding: str, person: str, reason: str) -> int:
    """A named person answers for a warning. Approvals given before are void; how many. Errors can't be passed."""
    from flows.steps.launching import find_wave

    if not reason.strip():
        raise BadInput("--reason", "is missing.", "Say what was looked at, and why it is right.")
    with desk.db.write() as session:
        incident = find_incident(session, slug)
        wave = find_wave(session, incident, number)
        seen = state(session, incident, wave)
        own = next((f for f in (seen.findings if seen else ()) if f["id"] == finding), None)
        if own is None:
            known = ", ".join(f["id"] for f in seen.findings) if seen else ""
            raise BadInput(f"--override {finding!r}", "does not stand.", f"Findings: {known or 'none'}.")
        if own["severity"] == Severity.NOTE:
            raise BadInput(f"--override {finding!r}", "is a note: it stops nothing.")
        if own["severity"] == Severity.ERROR:
            raise Refused(f"{finding} is an error: nobody can let it pass. {own['remedy']}")
        body = {"finding": finding, "by": person, "reason": reason, "digest": wave.digest}
        desk.log(session, incident.id, OVERRIDDEN, wave.id, **body)
        return approvals.void(desk, session, incident, wave.id, f"{finding} was overridden")
