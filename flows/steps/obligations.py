"""Which obligations are met, by what the ledger knows; and what the ledger states as facts in return."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from flows.steps import judgements
from flows.steps.desk import Desk, lock
from flows.steps.law import body_of, is_about
from flows.steps.open_incident import current_facts, live_obligations, revise
from models.sums import Standing, standings
from models.tables import Filing, Incident, ObligationRow, PublicNotice, ScopeRun
from models.values import Duty, ObligationState, Role
from planning.deadlines import Dispatched, Evidence, met
from regimes.schema import MetWhen

AUTHOR = "ledger"


@dataclass(frozen=True, slots=True)
class _Known:
    people: Sequence[Standing]
    rejected: int  # lines of the newest list that nobody could read: people may stand there whom nobody tells
    posted: dict[str, datetime]  # obligation key -> when a notice that serves it was posted
    receipts: dict[str, datetime]


def update_met(desk: Desk, session: Session, incident: Incident) -> list[str]:
    """Marks what is now met, in the session's transaction, and revises the facts that follow. Returns the keys."""
    lock(session, incident)
    known = _known(session, incident)
    newly = []
    for row in live_obligations(session, incident.id):
        at = None if row.met_at else _met(row, known)
        if at is not None:
            row.met_at, row.met_by = at, AUTHOR
            session.add(row)
            newly.append(row.key)
            desk.log(session, incident.id, "obligation_met", row.id, key=row.key, met=at, due=row.due)
    session.flush()
    changes = _facts(desk, session, incident, known)
    if changes:
        revise(desk, session, incident, changes, AUTHOR, AUTHOR)
    return newly


def _known(session: Session, incident: Incident) -> _Known:
    posted = _posted(session.exec(select(PublicNotice).where(PublicNotice.incident_id == incident.id)).all())
    filings = session.exec(select(Filing).where(Filing.incident_id == incident.id)).all()
    receipts: dict[str, datetime] = {}
    for filing in filings:
        if filing.filed_at is not None:
            receipts[filing.obligation_key] = min(filing.filed_at, receipts.get(filing.obligation_key, filing.filed_at))
    return _Known(standings(session, incident.id), rejected_lines(session, incident), posted, receipts)


def rejected_lines(session: Session, incident: Incident) -> int:
    """Lines that the newest list has and that could not be read."""
    query = select(ScopeRun.waterfall).where(ScopeRun.incident_id == incident.id)
    newest = session.exec(query.order_by(col(ScopeRun.number).desc())).first()
    return sum(json.loads(newest)["rejected"].values()) if newest else 0


def _posted(notices: Sequence[PublicNotice]) -> dict[str, datetime]:
    """Obligation -> when the public notice that serves it was out, in every kind that its law wants together."""
    first: dict[tuple[str, str], datetime] = {}
    both: set[str] = set()
    for notice in notices:
        both.update(json.loads(notice.reason or "{}").get("both", ()))
        for key in _keys(notice) if notice.published_at is not None else ():
            if (at := since(notice, key)) is not None:
                first[key, notice.kind] = min(at, first.get((key, notice.kind), at))
    found: dict[str, datetime] = {}
    for key in {key for key, _ in first}:
        own = [at for (name, _), at in first.items() if name == key]
        if key not in both:
            found[key] = min(own)
        elif len(own) > 1:
            found[key] = max(own)
    return found


def since(notice: PublicNotice, key: str) -> datetime | None:
    """From when a published notice counts for a duty; None while no outlet is on record for it (flows.steps.media)."""
    said = json.loads(notice.reason or "{}")
    if key not in said.get("ungiven", ()):
        return notice.published_at
    at = said.get("given", {}).get(key)
    return datetime.fromisoformat(at) if at else None


def _keys(notice: PublicNotice) -> list[str]:
    keys: list[str] = json.loads(notice.obligation_keys)
    return keys


def _met(row: ObligationRow, known: _Known) -> datetime | None:
    when = str(body_of(row).get("met_when", "receipt"))
    if when == MetWhen.DISPATCH and row.duty in (Duty.MEDIA, Duty.PUBLIC):
        when = MetWhen.POSTING  # to the media, sending the release is posting it
    told = row.duty is Duty.INDIVIDUALS and not known.rejected
    evidence = Evidence(
        dispatched=dispatched(row, known.people, row.key in known.posted) if told else None,
        public_posted_at=known.posted.get(row.key),
        receipt_at=known.receipts.get(row.key),
    )
    return met(when, evidence)


def dispatched(row: ObligationRow, people: Sequence[Standing], posted: bool) -> Dispatched | None:
    """The people whom an obligation covers, counted by how they stand; None when the list holds none of them."""
    own = [p for p in people if covered(row, p)]
    if not own:
        return None
    by = {stand: sum(p.people for p in own if p.stands == stand) for stand in ("told", "suppressed", "unreached")}
    kin = sum(p.people for p in own if p.stands == "unreached" and p.role is Role.NEXT_OF_KIN)
    last = max((p.last_accepted_at for p in own if p.last_accepted_at is not None), default=None)
    return Dispatched(
        owed=sum(p.people for p in own),
        told=by["told"],
        last_accepted_at=last,
        covered_by_public=by["unreached"] - kin if posted else 0,
        excused=by["suppressed"] + kin,
    )


def covered(row: ObligationRow, people: Standing) -> bool:
    """Whether an obligation is about these people."""
    return is_about(row, people.residence)


def _facts(desk: Desk, session: Session, incident: Incident, known: _Known) -> dict[str, Any]:
    """What the ledger knows better than the facts do: who could not be reached, and when everybody was told."""
    facts = current_facts(session, incident)
    changes: dict[str, Any] = {}
    if known.people:
        unreached = sum(p.people for p in known.people if p.stands == "unreached" and p.role is not Role.NEXT_OF_KIN)
        kin = sum(p.people for p in known.people if p.stands == "unreached" and p.role is Role.NEXT_OF_KIN)
        changes["people_detail.insufficient_contact"] = unreached
        changes["people_detail.insufficient_contact_next_of_kin"] = kin
    told = _all_told(judgements.undecided(desk, session, incident, facts, live_obligations(session, incident.id)))
    if told is not None and facts.moment("individuals_notified") is None:
        changes["times.individuals_notified"] = told.isoformat()
    return {key: value for key, value in changes.items() if facts.plain.get(key) != value}


def _all_told(live: Sequence[ObligationRow]) -> datetime | None:
    """When the last individuals' duty was met, once all of them are."""
    rows = [r for r in live if r.duty is Duty.INDIVIDUALS and r.state is ObligationState.OWED]
    if not rows or any(r.met_at is None for r in rows):
        return None
    return max(r.met_at for r in rows if r.met_at is not None)
