"""Launching a wave: the last look before anything leaves. Approvals, orders of duties, the people's root, holds."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from sqlalchemy import select as columns
from sqlmodel import Session, select

from flows.steps import approvals, guarding, judgements
from flows.steps.delayed import duties_of, refuse_delayed
from flows.steps.desk import Desk
from flows.steps.findings import refuse_errors
from flows.steps.freshness import refuse_old_words
from flows.steps.law import owed_row, versions
from flows.steps.open_incident import current_facts, live_obligations
from models import outbox
from models.tables import Incident, Segment, Wave, WordingRow, metadata
from models.values import BadInput, Duty, NeedsPerson, RecipientKind, Refused, digest
from planning.orders import orders
from planning.release import merkle_root, problems_to_launch
from regimes.assess import assess
from regimes.schema import Enforcement

NOTICE = metadata.tables["notice"]


def find_wave(session: Session, incident: Incident, number: int) -> Wave:
    wave = session.exec(select(Wave).where(Wave.incident_id == incident.id, Wave.number == number)).first()
    if wave is None:
        known = session.exec(select(Wave.number).where(Wave.incident_id == incident.id)).all()
        listed = ", ".join(str(n) for n in sorted(known)) or "none yet; run `tocsin prepare`"
        raise BadInput(f"{incident.slug}: wave {number}", "is not there.", f"Waves: {listed}.")
    return wave


def launch(desk: Desk, session: Session, incident: Incident, wave: Wave, author: str) -> list[str]:
    """Starts the wave, once; returns warnings. A wave that is launched already stays so: nothing happens twice.

    What was signed is held against what is stored in every run, since a wave may go on for weeks.
    """
    _refuse_changed(session, wave)
    refuse_delayed(desk, session, incident, lambda: duties_of(session, wave), f"wave {wave.number}")
    refuse_old_words(session, incident, wave.facts_number, f"wave {wave.number}")
    if wave.launched_at is not None:
        if problems := unsigned(session, wave):
            raise Refused(f"wave {wave.number} says that it was launched, but {'; '.join(problems)}; nothing is sent")
        return []
    if wave.stopped_at is not None:
        raise Refused(f"wave {wave.number} was stopped: {wave.stopped_why}")
    warnings = _refuse(desk, session, incident, wave)
    wave.launched_at, wave.launched_by = desk.now(), author
    session.add(wave)
    ready = outbox.make_ready(session, incident.id, desk.lane, wave.id, desk.now())
    desk.log(session, incident.id, "wave_launched", wave.id, digest=wave.digest, by=author, ready=ready)
    return warnings


def _refuse(desk: Desk, session: Session, incident: Incident, wave: Wave) -> list[str]:
    """Raises with every reason at once; what merely warns comes back."""
    _refuse_people(session, wave)
    standing = approvals.signed(session, "wave", wave.id)
    editors = approvals.editors(session, incident, wave)
    window = (wave.window_from, wave.window_until)
    problems = problems_to_launch(wave.digest, standing, editors, desk.now(), window)
    if problems:
        remedy = f"Sign it with `tocsin approve {incident.slug} wave:{wave.number} --person NAME --key FILE`"
        raise NeedsPerson(f"wave {wave.number} of {incident.slug} can't start: {'; '.join(problems)}. {remedy}")
    holds = approvals.active_holds(session, incident.id, desk.now())
    why = approvals.held(holds, kind=RecipientKind.NOTICES, wave=wave.id)
    if why:
        raise Refused(f"wave {wave.number} is held: {why}")
    refuse_errors(session, wave)
    guarding.refuse_findings(session, incident, wave)
    return _orders(desk, session, incident, wave)


def _refuse_changed(session: Session, wave: Wave) -> None:
    """What is stored must be what was signed: the plan's text, what the wave repeats of it, every wording."""
    plan = json.loads(wave.plan)
    if digest(plan) != wave.digest:
        raise Refused(f"wave {wave.number}: its plan is not the one that its digest names; nothing is sent")
    changed = [name for name in REPEATED if getattr(wave, name) != plan[name]]
    if [wave.window_from, wave.window_until] != [datetime.fromisoformat(at) for at in plan["window"]]:
        changed.append("window")
    if changed:
        raise Refused(f"wave {wave.number}: its {changed[0]} is not that of the plan; nothing is sent")
    query = select(Segment.id, WordingRow).join(WordingRow, Segment.wording_id == WordingRow.id)  # type: ignore[arg-type]
    for segment, wording in session.exec(query.where(Segment.wave_id == wave.id)).all():
        if digest(json.loads(wording.body)) != plan["wordings"].get(segment):
            raise Refused(f"wave {wave.number}: the wording of segment {segment} is not the one that was signed")


REPEATED = ("cap", "pilot", "bounce_limit", "people", "people_root")  # columns of the wave that its plan has too


def _refuse_people(session: Session, wave: Wave) -> None:
    """The root over the people, at launch; later each row's leaf is checked when it is claimed."""
    leaves = session.connection().execute(columns(NOTICE.c.leaf).where(NOTICE.c.wave_id == wave.id)).scalars()
    if merkle_root(leaves) != wave.people_root:
        raise Refused(f"wave {wave.number}: its people are not those of the plan; nothing is sent. Prepare it again.")


def unsigned(session: Session, wave: Wave) -> list[str]:
    """Why a wave that says it was launched lacks the signatures for it; their age no longer counts."""
    standing = approvals.signed(session, "wave", wave.id)
    now = max((a.at for a in standing), default=wave.window_from)
    always = (now, now + timedelta(days=1))
    return problems_to_launch(wave.digest, standing, (), now, always, timedelta.max)


def _orders(desk: Desk, session: Session, incident: Incident, wave: Wave) -> list[str]:
    """Regulator first, where a law says so. Raises what a law refuses, returns what it warns of."""
    facts = current_facts(session, incident)
    terms = versions(assess(facts, desk.now()), facts)
    rules = {key.split("/")[0]: version.orders for key, version in terms.items()}
    live = live_obligations(session, incident.id)
    owed = [owed_row(row) for row in judgements.undecided(desk, session, incident, facts, live)]
    found = orders([o for o in owed if o.duty is Duty.INDIVIDUALS and o.met is None], owed, rules)
    refusals = [sentence for enforcement, sentence in found if enforcement is Enforcement.REFUSE]
    if refusals:
        raise Refused("; ".join(refusals))
    return [sentence for _, sentence in found]
