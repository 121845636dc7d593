"""Close an incident, and erase its people when retention is over. What proves what happened stays and verifies."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Table, select, update
from sqlmodel import Session

from flows.steps import judgements
from flows.steps.carriers import open_carrier
from flows.steps.desk import Desk, find_incident
from flows.steps.open_incident import current_facts, live_obligations
from flows.steps.settle import ORPHANS
from models import ledger
from models.sums import people_counts, standings
from models.tables import Incident, ObligationRow, metadata
from models.values import Channel, NeedsPerson, Refused

SUBJECT, NOTICE, DELIVERY = (metadata.tables[name] for name in ("subject", "notice", "delivery"))
HOLD_PEOPLE = ("letters", "lists")  # folders of TOCSIN_HOME with people's data, each with a folder per incident
BEYOND_US = (
    "logs and queues of your mail relay",
    "backups of the database and of TOCSIN_HOME",
    "the print house's copy of the letters",
    "the source list itself",
    "the log of spoken calls at the telephone provider, and notices that your app took",
)


@dataclass(frozen=True, slots=True)
class Erased:
    incident: str
    people: int
    notices: int
    files: int
    beyond_us: tuple[str, ...]

    def counts(self) -> dict[str, int]:
        return {"people": self.people, "notices": self.notices, "files": self.files}


def close(desk: Desk, slug: str, person: str, reason: str = "") -> None:
    """Closes the incident and seals its ledger. NeedsPerson while something is open and no reason is given."""
    with desk.db.write() as session:
        incident = find_incident(session, slug)
        open_ = _open_items(desk, session, incident)
        if open_ and not reason.strip():
            raise NeedsPerson(
                f"{slug} is not finished: {'; '.join(open_)}. Close it with --reason to do so all the same."
            )
        incident.closed_at = desk.now()
        session.add(incident)
        desk.log(session, incident.id, "incident_closed", incident.id, by=person, reason=reason, open=len(open_))
        ledger.seal(session, incident.id, desk.now())


def _open_items(desk: Desk, session: Session, incident: Incident) -> list[str]:
    facts, live = current_facts(session, incident), live_obligations(session, incident.id)
    owed = judgements.undecided(desk, session, incident, facts, live)
    people = people_counts(session, incident.id, public_published=False).open - _excused(session, incident, live, owed)
    unmet = [row.key for row in owed if row.met_at is None]
    resting = judgements.resting_now(desk, facts, judgements.every(desk, session, incident, facts))
    unrecorded = [r.id for r in resting if r.missing]
    parts = (
        (people, f"{people} people are still open"),
        (
            unmet,
            f"{_many(len(unmet), 'obligation is', 'obligations are')} not met ({next(iter(unmet), '')} first)",
        ),
        (
            unrecorded,
            f"{_many(len(unrecorded), 'duty is', 'duties are')} not owed only by a judgement that is not recorded "
            f"({next(iter(unrecorded), '')} first; `tocsin judge {incident.slug}`)",
        ),
    )
    return [said for found, said in parts if found]


def _many(count: int, one: str, more: str) -> str:
    return f"{count} {one if count == 1 else more}"


def _excused(session: Session, incident: Incident, live: Sequence[ObligationRow], owed: Iterable[ObligationRow]) -> int:
    """People still open whom no duty but those that were decided against is about."""
    decided = {row.key for row in live} - {row.key for row in owed}
    open_ = [p for p in standings(session, incident.id) if p.stands == "open"]
    return sum(p.people for p in open_ if judgements.only_decided(live, decided, p.residence))


def erase(desk: Desk, slug: str, author: str, *, early: str = "") -> Erased:
    """Shreds the incident's key, and removes names, contacts, slots and every file that holds them.

    Refused before the retention of the profile is over, unless `early` gives a reason. Running it again removes what a
    crash left.
    """
    with desk.db.write() as session:
        incident = find_incident(session, slug)
        _refuse(desk, incident, early)
        ledger.seal(session, incident.id, desk.now())
        people = _clear(
            session, SUBJECT, incident, sealed=None, email_index="", phone_index="", address_index="", block_index=""
        )
        notices = _clear(session, NOTICE, incident, sealed=None)
        incident.wrapped_key, incident.erased_at = None, incident.erased_at or desk.now()
        session.add(incident)
        desk.log(session, incident.id, "erased", incident.id, people=people, notices=notices, by=author, early=early)
        ledger.seal(session, incident.id, desk.now())
        sids = _sids(session, incident)
    desk.db.scrub()
    left = asyncio.run(_redact(desk, incident, sids)) if sids else 0
    kept = (f"{left} of {len(sids)} texts at the SMS provider, whose words could not be emptied",) if left else ()
    numbers = ("the numbers in the SMS provider's log, where AddressRetention is not enabled",) if sids else ()
    return Erased(slug, people, notices, _remove(desk, slug), (*BEYOND_US, *kept, *numbers))


def _sids(session: Session, incident: Incident) -> list[str]:
    d = DELIVERY.c
    query = select(d.carrier_ref).where(d.incident_id == incident.id, d.channel == Channel.SMS, d.carrier_ref != "")
    return list(session.connection().execute(query).scalars())


async def _redact(desk: Desk, incident: Incident, sids: list[str]) -> int:
    """Empties the words that the SMS provider keeps; how many are left, all of them where it is not set up."""
    if not desk.settings.twilio_sid:
        return len(sids)
    from notifiers.sms.carrier import SmsCarrier

    carrier = open_carrier(desk, incident, Channel.SMS)
    try:
        return sum([not await carrier.redact(sid) for sid in sids]) if isinstance(carrier, SmsCarrier) else len(sids)
    finally:
        await carrier.close()


def _refuse(desk: Desk, incident: Incident, early: str) -> None:
    if incident.closed_at is None:
        raise Refused(f"{incident.slug} is not closed; only a closed incident is erased")
    due = incident.closed_at + timedelta(days=desk.profile.retention.people_days)
    if desk.now() < due and not early.strip():
        raise Refused(
            f"{incident.slug}: its people are kept until {due.date().isoformat()}; --early REASON erases them now"
        )


def _clear(session: Session, table: Table, incident: Incident, **values: object) -> int:
    return (
        session.connection().execute(update(table).where(table.c.incident_id == incident.id).values(**values)).rowcount
    )


def _remove(desk: Desk, slug: str) -> int:
    return sum(_unlink(path) for path in _holding(desk, slug) if path.exists())


def _holding(desk: Desk, slug: str) -> Iterable[Path]:
    """Files and folders that hold people's data. Returned mails of nobody are any incident's, so they go too."""
    yield from (desk.settings.folder(name) / slug for name in HOLD_PEOPLE)
    mails = desk.settings.folder("inbox") / "bounces.done"
    yield from (mails / slug, mails / ORPHANS)
    rejects = re.compile(rf"{re.escape(slug)}\.scope-\d+\.(rejects|warnings)\.csv")
    yield from (path for path in desk.settings.folder("rejects").iterdir() if rejects.fullmatch(path.name))


def _unlink(path: Path) -> int:
    if path.is_file():
        path.unlink()
        return 1
    files = [p for p in path.rglob("*") if p.is_file()]
    for folder in (path, *(p for p in path.rglob("*") if p.is_dir())):
        folder.chmod(0o700)
    shutil.rmtree(path)
    return len(files)
