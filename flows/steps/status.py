"""Status: both sums, every deadline, what is held, what needs a person, and the one next action. Reads only."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table, func
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from flows.steps import approvals, guarding, judgements
from flows.steps.delayed import next_of, stopped
from flows.steps.desk import Desk, find_incident
from flows.steps.findings import findings
from flows.steps.judgements import Standing
from flows.steps.law import body_of, local
from flows.steps.open_incident import current_facts, live_obligations
from flows.steps.whose_turn import without_notice
from models import sums
from models.tables import (
    Delivery,
    Event,
    Filing,
    Incident,
    LetterBatch,
    ObligationRow,
    PublicNotice,
    ScopeRun,
    Wave,
    metadata,
)
from models.values import OPEN_STATES, DeliveryState, TocsinError
from planning.deadlines import lateness
from planning.release import problems_to_launch
from regimes.judgement import Resting
from regimes.obligations import duration

DELIVERY: Table = metadata.tables["delivery"]


def status(desk: Desk, slug: str) -> dict[str, Any]:
    """Everything one page needs, as plain data. Raises when a sum does not come out: then something was lost."""
    with desk.db.read() as session:
        incident = find_incident(session, slug)
        rows = live_obligations(session, incident.id)
        facts = current_facts(session, incident)
        judged = judgements.every(desk, session, incident, facts)
        decided = judgements.decided(one for one in judged if one.counts)
        public = _public(session, incident)
        return {
            "incident": incident.slug,
            "title": incident.title,
            "mode": desk.settings.mode.value,
            "now": desk.now().isoformat(),
            "closed": _iso(incident.closed_at),
            "erased": _iso(incident.erased_at),
            "next_action": _next_action(desk, rows, decided),
            "deadlines": [deadline(desk, r, decided.get(r.key)) for r in rows],
            "judgements": [one.as_data() for one in judged],
            "not_recorded": [_resting(r) for r in judgements.resting_now(desk, facts, judged) if r.missing],
            "people": people(session, incident, any(p["kind"] == "page" and p["published"] for p in public)),
            "without_notice": without_notice(session, incident),
            "deliveries": deliveries(session, incident),
            "scopes": [
                _scope(s) for s in session.exec(select(ScopeRun).where(ScopeRun.incident_id == incident.id)).all()
            ],
            "waves": [_wave(desk, session, incident, w) for w in _waves(session, incident)],
            "letters": letters(session, incident),
            "filings": [_filing(session, f) for f in _filings(session, incident)],
            "public_notices": public,
            "holds": [_hold(h) for h in approvals.active_holds(session, incident.id, desk.now())],
            "exceptions": exceptions(session, incident),
        }


def _next_action(desk: Desk, rows: Sequence[ObligationRow], decided: Mapping[str, Standing]) -> str:
    """What comes next; before it, that of some duties it was decided not to tell, and by whom."""
    silent = [decided[r.key] for r in rows if r.key in decided]
    left = [r for r in rows if r.key not in decided]
    if not silent:
        return next_of(left, desk)
    who = " and ".join(dict.fromkeys(name for one in silent for name in one.signers))
    duties = "1 duty" if len(silent) == 1 else f"{len(silent)} duties"
    said = f"{duties}: decided not to tell (by {who})."
    return f"{said} {next_of(left, desk)}" if left else said


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


# --- the two sums ---------------------------------------------------------------------------------------------------


def people(session: Session, incident: Incident, published: bool) -> dict[str, int]:
    """People in scope = told + covered by public notice only + suppressed + unreached + open, each once."""
    counted = sums.people_counts(session, incident.id, published)
    subject = metadata.tables["subject"].c
    query = columns(func.count()).where(subject.incident_id == incident.id, subject.withdrawn.is_(False))
    in_scope = int(session.connection().execute(query).scalar_one())
    if in_scope != counted.in_scope:
        raise TocsinError(f"{incident.slug}: {in_scope} people are in scope, but {counted.in_scope} are accounted for")
    return {"in_scope": in_scope, **asdict(counted)}


def deliveries(session: Session, incident: Incident) -> dict[str, dict[str, int]]:
    """By channel: planned = delivered + accepted + undeliverable + suppressed + open."""
    found: dict[str, dict[str, int]] = {}
    for channel, states in sorted(sums.counts(session, incident.id).items()):
        ended = {s.value: n for s, n in states.items() if s not in OPEN_STATES}
        open_ = sum(states[s] for s in OPEN_STATES)
        found[channel.value] = {"planned": sum(states.values()), **ended, "open": open_}
    return found


STEPS = ("handed_over", "accepted", "printed", "posted")  # of a batch of letters, in the order in which they come


def letters(session: Session, incident: Incident) -> dict[str, int]:
    """Letters sealed, and of them those that came at least so far. `waiting`: sealed, and nobody has them yet."""
    rows = session.exec(select(LetterBatch).where(LetterBatch.incident_id == incident.id)).all()
    reached = [(row.letters, _step(row)) for row in rows]
    far = {name: sum(n for n, step in reached if step >= at) for at, name in enumerate(STEPS)}
    sealed = sum(n for n, _ in reached)
    return {"sealed": sealed, **far, "waiting": sealed - far["handed_over"]}


def _step(row: LetterBatch) -> int:
    """The furthest step of a batch; -1 while it only lies here. One carried by hand is known by what came back."""
    return STEPS.index(row.print_state) if row.print_state else 0 if row.handed_at else -1


# --- the parts ------------------------------------------------------------------------------------------------------


DECIDED = "decided_not_to_notify"  # a state of the page alone: the row stays what the law says


def deadline(desk: Desk, row: ObligationRow, decision: Standing | None = None) -> dict[str, Any]:
    """One obligation. A decision not to tell that covers it, or a delay that law enforcement has not cleared, takes its
    lateness away."""
    body = body_of(row)
    done = row.met_at
    late = None if decision or stopped(row) else lateness(local(body.get("due")), done or desk.now())
    return {
        "id": row.key,
        "state": DECIDED if decision else row.state.value,
        "decision": _decision(decision) if decision else None,
        "recipient": row.recipient.value,
        "authority": row.authority,
        "due": body.get("due"),
        "due_safe": body.get("due_safe"),
        "qualifier": body.get("qualifier"),
        "met": _iso(done),
        "late_by": duration(late),
        "held": body.get("held"),
        "because": body.get("because"),
        "missing": body.get("missing", []),
        "deciding": body.get("deciding", []),  # of data.elements: those on which it turns
        "citation": body.get("citation"),
        "checked": body.get("checked"),
        "confidence": row.confidence.value,
        "waiting": body.get("waiting", ""),
    }


def _decision(one: Standing) -> dict[str, Any]:
    return {"judgement": one.number, "reasons": one.reasons, "factors": dict(one.factors), "signed": list(one.signers)}


def _resting(one: Resting) -> dict[str, Any]:
    """A duty that is not owed by a judgement which nobody recorded: a person must."""
    return {"id": one.id, "facts": list(one.missing), "because": list(one.because)}


def _scope(row: ScopeRun) -> dict[str, Any]:
    waterfall: Mapping[str, Any] = json.loads(row.waterfall)
    wanted = ("lines", "rows", "merged", "people", "minors", "deceased", "protected")
    return {"number": row.number, "source": row.source, "at": _iso(row.at)} | {k: waterfall[k] for k in wanted}


def _waves(session: Session, incident: Incident) -> list[Wave]:
    return list(session.exec(select(Wave).where(Wave.incident_id == incident.id).order_by(col(Wave.number))).all())


def _wave(desk: Desk, session: Session, incident: Incident, wave: Wave) -> dict[str, Any]:
    signed = approvals.signed(session, "wave", wave.id)
    window = (wave.window_from, wave.window_until)
    editors = approvals.editors(session, incident, wave)
    replaced = wave.stopped_why.startswith("replaced")
    blocked = (
        [] if wave.launched_at or replaced else problems_to_launch(wave.digest, signed, editors, desk.now(), window)
    )
    said = [finding["severity"] for _, finding in findings(session, wave)]
    guarded = None if wave.launched_at or replaced else guarding.state(session, incident, wave)
    return {
        "number": wave.number,
        "kind": wave.kind.value,
        "people": wave.people,
        "digest": wave.digest,
        "prepared": _iso(wave.prepared_at),
        "prepared_by": wave.prepared_by,
        "approvals": [{"person": a.person, "seat": a.seat.value, "at": _iso(a.at), "voided": a.voided} for a in signed],
        "blocked": blocked,
        "findings": len(said),
        "errors": said.count("error"),
        "guard": guarded.standing if guarded else [],
        "launched": _iso(wave.launched_at),
        "pilot_passed": _iso(wave.pilot_passed_at),
        "stopped": wave.stopped_why,
        "window_until": _iso(wave.window_until),
    }


def _filings(session: Session, incident: Incident) -> list[Filing]:
    query = select(Filing).where(Filing.incident_id == incident.id, col(Filing.superseded_at).is_(None))
    return list(session.exec(query.order_by(col(Filing.obligation_key))).all())


def _filing(session: Session, row: Filing) -> dict[str, Any]:
    packet = json.loads(row.body)
    written = select(Event.at).where(Event.incident_id == row.incident_id, Event.kind == "report_packet")
    return {
        "obligation": row.obligation_key,
        "form": row.form,
        "version": row.version,
        "unknown": row.unknown,
        "missing": packet["missing"],
        "problems": packet["problems"],
        "packet": _iso(session.exec(written.where(Event.subject == row.id)).first()),
        "filed": _iso(row.filed_at),
        "receipt": row.receipt_number,
    }


def _public(session: Session, incident: Incident) -> list[dict[str, Any]]:
    query = select(PublicNotice).where(PublicNotice.incident_id == incident.id)
    rows = session.exec(query.order_by(PublicNotice.kind, PublicNotice.version)).all()  # type: ignore[arg-type]
    return [
        {
            "kind": row.kind,
            "version": row.version,
            "published": _iso(row.published_at),
            "until": _iso(row.until),
            "toll_free_until": _iso(_toll_free_until(row)),
            "withdrawn": _iso(row.withdrawn_at),
            "serves": json.loads(row.obligation_keys),
            **json.loads(row.reason or "{}"),
        }
        for row in rows
    ]


def _toll_free_until(row: PublicNotice) -> datetime | None:
    days = json.loads(row.reason or "{}").get("toll_free_days", 0)
    return row.published_at + timedelta(days=int(days)) if row.published_at and days else None


def _hold(row: Any) -> dict[str, Any]:
    return {
        "id": row.id[:8],
        "scope": row.scope.value,
        "target": row.target,
        "reason": row.reason,
        "by": row.placed_by,
        "since": _iso(row.placed_at),
        "until": _iso(row.until),
    }


def exceptions(session: Session, incident: Incident) -> dict[str, list[str]]:
    """Identifiers of deliveries that a person should look at. Never names."""
    mine = select(Delivery.id).where(Delivery.incident_id == incident.id).order_by(col(Delivery.id))
    return {
        "unknown": list(session.exec(mine.where(Delivery.state == DeliveryState.UNKNOWN)).all()),
        "possible_duplicates": list(session.exec(mine.where(col(Delivery.possible_duplicate).is_(True))).all()),
        "leaf_mismatch": list(session.exec(mine.where(Delivery.suppressed_why == "leaf_mismatch")).all()),
    }
