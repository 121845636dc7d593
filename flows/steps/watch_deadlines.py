"""Watch: ask our own clock which deadlines come near, and tell the people on call. Once for each threshold.

Runs from cron, from systemd or from Prefect alike; a missed run is caught up by the next.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address

from sqlmodel import Session, col, select

from flows.steps import judgements
from flows.steps.delayed import next_of, stopped
from flows.steps.desk import Desk
from flows.steps.law import body_of
from flows.steps.open_incident import current_facts, live_obligations, reassess
from flows.steps.open_incident import newest as newest_facts
from flows.steps.posted import check_page
from flows.steps.settle import open_incidents
from models.facts import Facts
from models.tables import Alarm, Incident, ObligationRow, new_id
from models.values import Channel, Contacts, Message, Outcome
from planning.deadlines import DUE, THRESHOLDS, alarms, lateness, span, started


@dataclass(frozen=True, slots=True)
class Raised:
    incident: str
    obligation: str
    threshold: str  # 50, 80, 95 or due
    due: datetime
    sentence: str


@dataclass(slots=True)
class Watched:
    raised: list[Raised] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)  # obligations past due and not met
    told: int = 0  # messages that a carrier took
    next_actions: dict[str, str] = field(default_factory=dict)
    pages: list[str] = field(default_factory=list)  # public notices that are not there as they were published

    def counts(self) -> dict[str, int]:
        return {"raised": len(self.raised), "missed": len(self.missed), "told": self.told}


def watch(desk: Desk) -> Watched:
    """Raises what is new for every open incident and tells the people on call. Idempotent."""
    done = Watched()
    for incident in open_incidents(desk):
        with desk.db.write() as session:
            found = _raise(desk, session, incident, done)
            due, rows = _untold(desk, session, incident)
        due += _page(desk, incident, done)
        if due:
            took = asyncio.run(_tell(desk, due))
            done.told += len(took)
            _note(desk, rows, took)
        done.raised += found
    return done


def _page(desk: Desk, incident: Incident, done: Watched) -> list[Raised]:
    """Once a day, whether the public notice is still there as it was published; an alarm when it is not."""
    seen = check_page(desk, incident.slug) if desk.settings.public_url else None
    if seen is None or not seen.problems:
        return []
    done.pages.append(seen.sentence)
    return [Raised(incident.slug, "public notice", DUE, desk.now(), seen.sentence)]


def _untold(desk: Desk, session: Session, incident: Incident) -> tuple[list[Raised], list[str]]:
    """Of each open duty the gravest alarm that nobody was told of, new or of a run whose mail failed; all their ids."""
    query = (
        select(Alarm, ObligationRow)
        .join(ObligationRow, col(Alarm.obligation_id) == ObligationRow.id)
        .where(Alarm.incident_id == incident.id, Alarm.told == "", col(ObligationRow.met_at).is_(None))
        .where(col(ObligationRow.superseded_at).is_(None))
    )
    gravest: dict[str, Raised] = {}
    rows = session.exec(query).all()
    facts = current_facts(session, incident)
    owed = {row.id for row in judgements.undecided(desk, session, incident, facts, [row for _, row in rows])}
    rows = [(alarm, row) for alarm, row in rows if row.id in owed and not stopped(row)]
    for alarm, row in sorted(rows, key=lambda pair: THRESHOLDS.index(pair[0].threshold)):
        due = row.due or desk.now()
        sentence = _sentence(desk, incident, row, alarm.threshold, due)
        gravest[row.key] = Raised(incident.slug, row.key, alarm.threshold, due, sentence)
    return list(gravest.values()), [alarm.id for alarm, _ in rows]


def _note(desk: Desk, alarms: list[str], names: list[str]) -> None:
    """Writes down who was told; nobody leaves it to the next run."""
    if names:
        with desk.db.write() as session:
            for row in session.exec(select(Alarm).where(col(Alarm.id).in_(alarms))).all():
                row.told = ", ".join(names)
                session.add(row)


def _raise(desk: Desk, session: Session, incident: Incident, done: Watched) -> list[Raised]:
    facts = current_facts(session, incident)
    revision = newest_facts(session, incident.id)
    reassess(desk, session, incident, facts, revision.number if revision else 0)
    found = []
    rows = judgements.undecided(desk, session, incident, facts, live_obligations(session, incident.id))
    for row in rows:
        if stopped(row):
            continue
        if row.due is not None and row.met_at is None and desk.now() > row.due:
            done.missed.append(row.key)
        already = _already(session, row)
        for threshold in alarms(_started(row, facts), row.due, desk.now(), row.met_at, already):
            found.append(_alarm(desk, session, incident, row, threshold))
    done.next_actions[incident.slug] = next_of(rows, desk)
    return [alarm for alarm in found if alarm.threshold == _last(found, alarm.obligation)]


def _already(session: Session, row: ObligationRow) -> set[str]:
    """Thresholds raised for this due time; under an earlier assessment that came to the same, only those told of."""
    query = select(Alarm.threshold).join(ObligationRow, col(Alarm.obligation_id) == ObligationRow.id)
    same = query.where(ObligationRow.incident_id == row.incident_id, ObligationRow.key == row.key)
    known = same.where(ObligationRow.due == row.due, (ObligationRow.id == row.id) | (Alarm.told != ""))
    return set(session.exec(known).all())


def _last(found: list[Raised], obligation: str) -> str:
    """When a run was missed, several thresholds are new at once; the people on call hear the gravest."""
    return [a.threshold for a in found if a.obligation == obligation][-1]


def _started(row: ObligationRow, facts: Facts) -> datetime:
    """When the clock began; for a clock that no time of the facts starts, when we first knew of it."""
    return started(facts, str(body_of(row).get("clock_from", ""))) or row.assessed_at


def _alarm(desk: Desk, session: Session, incident: Incident, row: ObligationRow, threshold: str) -> Raised:
    due = row.due or desk.now()
    session.add(Alarm(incident_id=incident.id, obligation_id=row.id, threshold=threshold, raised_at=desk.now()))
    session.flush()
    desk.log(session, incident.id, "alarm", row.id, key=row.key, threshold=threshold, due=due)
    return Raised(incident.slug, row.key, threshold, due, _sentence(desk, incident, row, threshold, due))


def _sentence(desk: Desk, incident: Incident, row: ObligationRow, threshold: str, due: datetime) -> str:
    who = row.authority or row.recipient.value
    if threshold == DUE:
        late = lateness(due, desk.now())
        return f"{incident.slug}: {row.key} ({who}) was due {due.isoformat()}" + (f", {span(late)} ago" if late else "")
    left = span(due - desk.now())
    return f"{incident.slug}: {row.key} ({who}) is due {due.isoformat()}, in {left}; {threshold} % of the time is over"


# --- telling the people on call -------------------------------------------------------------------------------------


async def _tell(desk: Desk, found: list[Raised]) -> list[str]:
    """By email where an SMTP relay is set, to everybody on call; the names of those whose mail the relay took."""
    people = [person for person in desk.profile.on_call if person.email]
    if not people or not desk.settings.smtp_url or not desk.profile.sender.email:
        return []
    from notifiers.email.carrier import EmailCarrier

    sender = Address(desk.profile.sender.name, addr_spec=desk.profile.sender.email)
    domain = desk.settings.bounce_domain or sender.domain
    secret = secrets.token_bytes(32)  # an alarm is no delivery: what bounces of it is listed as an orphan
    carrier = EmailCarrier(desk.settings.smtp_url, sender, None, domain, secret, desk.settings.mode, now=desk.now)
    text = "\n\n".join(alarm.sentence for alarm in found) + "\n"
    subject = f"{desk.watermark + ': ' if desk.watermark else ''}Tocsin: {found[0].sentence[:120]}"
    told: list[str] = []
    try:
        for person in people:
            identity = new_id()
            message = Message(identity, identity, Channel.EMAIL, "en", Contacts(email=person.email), {}, subject, text)
            if (await carrier.send(message)).outcome is Outcome.ACCEPTED:
                told.append(person.name)
    finally:
        await carrier.close()
    return told
