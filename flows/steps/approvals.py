"""People who decide: enrolling them, their signatures over digests, and holds. Nothing goes out without these."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlmodel import Session, col, select

from flows.steps.desk import Desk, find_incident
from flows.steps.findings import refuse_errors
from models import signing
from models.chain import link_hash
from models.tables import (
    Approval,
    Approver,
    Event,
    FactsRevision,
    Filing,
    Hold,
    Incident,
    Judgement,
    PublicNotice,
    ScopeRun,
    Wave,
)
from models.values import BadInput, HoldScope, Refused, Seat, digest, micros
from planning.release import Signed, disguise, name_key, statement

PEOPLE, ENROLLED = "people", "approver_enrolled"  # the lanes and the event that say who may sign
RETIRED = "approver_retired"  # the event from which a person signs no more
APPROVED, VOIDED = "approved", "approval_voided"
JUDGEMENT_ENDED = "judgement_ended"  # the event that a judgement lapsed or was withdrawn

# --- who may sign ---------------------------------------------------------------------------------------------------


def enrol(desk: Desk, name: str, seat: Seat, public_key: Path, by: str = "", key: Path | None = None) -> Approver:
    """Adds a person who can sign. After the first, an enrolled person signs for the new one."""
    public = signing.read_public(public_key)
    with desk.db.write() as session:
        standing = session.exec(select(Approver)).all()
        _refuse_twice(standing, name, public)
        founded = bool(standing) or bool(recorded(session, PEOPLE, ENROLLED))
        signature = _sponsor(session, by, key, _enrolment(name, seat, public)) if founded else ""
        row = Approver(name=name, seat=seat, public_key=public, enrolled_at=desk.now(), enrolled_by=by)
        session.add(row)
        session.flush()
        body: dict[str, Any] = {"name": name, "seat": seat, "key": public, "by": by, "signature": signature}
        desk.log(session, PEOPLE, ENROLLED, row.id, **body)
    return row


def retire(desk: Desk, name: str, by: str, key: Path) -> Approver:
    """Ends somebody's seat; another enrolled person signs for it. What they signed before holds, nothing after does."""
    with desk.db.write() as session:
        row = _approver(session, name)
        if row.name == by:
            raise Refused(f"{by} is retired by another enrolled person: give --by NAME and --key FILE")
        signature = _sponsor(session, by, key, _retirement(row))
        row.retired_at = desk.now()
        session.add(row)
        desk.log(session, PEOPLE, RETIRED, row.id, name=name, by=by, signature=signature)
    return row


def _retirement(row: Approver) -> bytes:
    return statement("approver_retired", row.name, digest({"key": row.public_key}))


def _refuse_twice(standing: Iterable[Approver], name: str, public: str) -> None:
    """One name and one key belong to one person for good; a retired entry keeps both."""
    if not name_key(name):
        raise BadInput("person ''", "is no name.", "Write how the record should name this person.")
    if why := disguise(name):
        raise BadInput("person", f"{why}.", "Write the name in one script, with plain spaces.")
    for other in standing:
        if name_key(other.name) == name_key(name):
            raise BadInput(f"person {name!r}", f"is enrolled already as {other.name!r}.", "Use another name.")
        if other.public_key == public:
            raise BadInput(
                f"person {name!r}",
                f"has a key that {other.name!r} is enrolled with.",
                "Each person has a key of their own: `tocsin people key FILE` makes one.",
            )


def _enrolment(name: str, seat: Seat, public: str) -> bytes:
    return statement("approver", name, digest({"seat": seat, "key": public}))


def _sponsor(session: Session, by: str, key: Path | None, text: bytes) -> str:
    if not by or key is None:
        raise Refused("a further person is enrolled by one who is enrolled: give --by NAME and --key FILE")
    approver = _approver(session, by)
    private = signing.read_private(key)
    _same_key(approver, signing.public_of(private))
    return signing.sign(private, text)


def _approver(session: Session, name: str) -> Approver:
    row = session.exec(select(Approver).where(Approver.name == name)).first()
    if row is None or row.retired_at is not None:
        known = session.exec(select(Approver.name).where(col(Approver.retired_at).is_(None))).all()
        raise BadInput(f"person {name!r}", "is not enrolled.", f"Enrolled: {', '.join(sorted(known)) or 'nobody yet'}.")
    return row


def _same_key(approver: Approver, public: str) -> None:
    if approver.public_key != public:
        raise Refused(f"this key is not the one that {approver.name} was enrolled with")


# --- approving ------------------------------------------------------------------------------------------------------

Approvable = Wave | Filing | PublicNotice | Judgement
_KINDS: dict[type, str] = {
    Wave: "wave",
    Filing: "filing",
    PublicNotice: "public_notice",
    Judgement: "judgement",
}


def find_approvable(session: Session, incident: Incident, what: str) -> Approvable:
    """`wave:1`, `page:1`, `press:1` (versions), `judgement:1`, or `filing:<obligation id>` (its newest version)."""
    kind, _, name = what.partition(":")
    row: Approvable | None = None
    if kind == "wave" and name.isdigit():
        query = select(Wave).where(Wave.incident_id == incident.id, Wave.number == int(name))
        row = session.exec(query).first()
    elif kind in ("page", "press") and name.isdigit():
        public = select(PublicNotice).where(PublicNotice.incident_id == incident.id, PublicNotice.kind == kind)
        row = session.exec(public.where(PublicNotice.version == int(name))).first()
    elif kind == "judgement" and name.isdigit():
        judged = select(Judgement).where(Judgement.incident_id == incident.id, Judgement.number == int(name))
        row = session.exec(judged).first()
    elif kind == "filing":
        filing = select(Filing).where(Filing.incident_id == incident.id, Filing.obligation_key == name)
        row = session.exec(filing.order_by(col(Filing.version).desc())).first()
    if row is None:
        raise BadInput(
            f"{incident.slug}: {what!r}",
            "is not there.",
            "Write wave:N, page:N, press:N, judgement:N or filing:OBLIGATION; `tocsin status` lists them.",
        )
    return row


def approve(desk: Desk, slug: str, what: str, person: str, key: Path, reason: str = "") -> Approval:
    """One person's signature over the digest as it stands now."""
    private = signing.read_private(key)
    with desk.db.write() as session:
        incident = find_incident(session, slug)
        row = find_approvable(session, incident, what)
        approver = _approver(session, person)
        _same_key(approver, signing.public_of(private))
        _may_approve(session, incident, row, approver)
        kind = _KINDS[type(row)]
        approval = Approval(
            incident_id=incident.id,
            subject_kind=kind,
            subject_id=row.id,
            digest=row.digest,
            approver_id=approver.id,
            signature=signing.sign(private, statement(kind, row.id, row.digest)),
            at=desk.now(),
            reason=reason,
        )
        _replace(session, approval)
        desk.log(
            session,
            incident.id,
            APPROVED,
            row.id,
            what=kind,
            digest=row.digest,
            approver=approver.id,
            seat=approver.seat,
            signature=approval.signature,
        )
    return approval


def _may_approve(session: Session, incident: Incident, row: Approvable, approver: Approver) -> None:
    if name_key(approver.name) in map(name_key, editors(session, incident, row)):
        raise Refused(
            f"{approver.name} prepared this or edited facts or list since the last approval; another person approves"
        )
    if isinstance(row, Judgement) and recorded(session, incident.id, JUDGEMENT_ENDED, row.id):
        raise Refused(f"judgement {row.number} lapsed or was withdrawn; record it anew")
    if isinstance(row, Wave) and row.stopped_why.startswith("replaced"):
        raise Refused(f"wave {row.number} was replaced by a newer one")
    if isinstance(row, Wave):
        from flows.steps import guarding  # it voids approvals, so it imports us

        refuse_errors(session, row)
        guarding.refuse_findings(session, incident, row)


def _replace(session: Session, approval: Approval) -> None:
    """A person may sign the same digest again, to be fresh; the older signature then no longer counts."""
    query = select(Approval).where(
        Approval.subject_id == approval.subject_id,
        Approval.digest == approval.digest,
        Approval.approver_id == approval.approver_id,
    )
    for old in session.exec(query).all():
        session.delete(old)
    session.flush()
    session.add(approval)
    session.flush()


def void(desk: Desk, session: Session, incident: Incident, subject_id: str, why: str) -> int:
    """Strikes through every standing approval of a thing that changed."""
    query = select(Approval).where(Approval.subject_id == subject_id, col(Approval.voided_at).is_(None))
    rows = session.exec(query).all()
    for row in rows:
        row.voided_at, row.voided_why = desk.now(), why
        session.add(row)
        desk.log(session, incident.id, VOIDED, subject_id, approver=row.approver_id, digest=row.digest, why=why)
    return len(rows)


def signed(session: Session, subject_kind: str, subject_id: str) -> list[Signed]:
    """The approvals of one thing, each signature verified anew, by people and at times that the ledger knows.

    A row says nothing that its event does not: who may sign comes from the enrolments, when it was signed from the
    event of the approval. Only a row's mark that it was voided is believed by itself.
    """
    query = select(Approval, Approver).join(Approver).where(Approval.subject_id == subject_id)
    rows = session.exec(query).all()
    known = enrolled(session) if rows else frozenset()
    ended = retired(session, known) if rows else {}
    found = []
    for row, who in rows:
        given, voided = _on_record(session, row)
        sat = who.id in known and (who.id not in ended or given is None or given.at < ended[who.id])
        text = statement(subject_kind, subject_id, row.digest)
        found.append(
            Signed(
                person=who.name,
                seat=who.seat,
                at=given.at if given else row.at,
                digest=row.digest,
                voided=voided or row.voided_at is not None,
                valid_signature=sat and signing.holds(who.public_key, text, row.signature),
                key=who.public_key,
                recorded=given is not None,
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class Recorded:
    """One event whose hash holds."""

    at: datetime
    lane: str
    seq: int
    subject: str
    body: dict[str, Any]


def recorded(session: Session, incident_id: str, kind: str, subject: str = "") -> list[Recorded]:
    """The events of one kind (and subject) in the order of their time; one that was changed since is left out."""
    query = select(Event).where(Event.incident_id == incident_id, Event.kind == kind)
    if subject:
        query = query.where(Event.subject == subject)
    rows = session.exec(query.order_by(col(Event.at), Event.lane, col(Event.seq))).all()
    return [Recorded(e.at, e.lane, e.seq, e.subject, json.loads(e.body)) for e in rows if _unchanged(e)]


def _unchanged(e: Event) -> bool:
    return link_hash(e.incident_id, e.lane, e.seq, micros(e.at), e.kind, e.subject, e.body, e.previous) == e.hash


def _on_record(session: Session, row: Approval) -> tuple[Recorded | None, bool]:
    """The newest event of this very approval, and whether one that came after it voids it."""
    mine = {"approver": row.approver_id, "digest": row.digest, "signature": row.signature}
    events = recorded(session, row.incident_id, APPROVED, row.subject_id)
    given = [e for e in events if mine.items() <= e.body.items()]
    if not given:
        return None, False
    last = given[-1]
    voids = recorded(session, row.incident_id, VOIDED, row.subject_id)
    return last, any(_voids(e, row, last) for e in voids)


def _voids(void: Recorded, row: Approval, given: Recorded) -> bool:
    if void.body.get("approver") != row.approver_id or void.body.get("digest", row.digest) != row.digest:
        return False
    return void.at > given.at or (void.at == given.at and void.lane == given.lane and void.seq > given.seq)


def enrolled(session: Session) -> frozenset[str]:
    """Ids of those whose key and seat are as the ledger enrolled them, each by one who was enrolled before.

    Only the very first has nobody who signs for them. Where the ledger names two such, nobody can tell which is real,
    and nobody counts.
    """
    rows = {row.id: row for row in session.exec(select(Approver)).all()}
    events = [e for e in recorded(session, PEOPLE, ENROLLED) if _is_of(e, rows.get(e.subject))]
    first = [e for e in recorded(session, PEOPLE, ENROLLED) if not e.body.get("signature")]
    known = {e.subject for e in events if len(first) == 1 and e == first[0]}
    while new := {e.subject for e in events if e.subject not in known and _sponsored(e, rows, known)}:
        known |= new
    return frozenset(known)


def retired(session: Session, known: frozenset[str]) -> dict[str, datetime]:
    """Since when each of these signs no more, as the ledger says: whoever forgets it in a row changes nothing."""
    rows = {row.id: row for row in session.exec(select(Approver)).all() if row.id in known}
    ended: dict[str, datetime] = {}
    for event in recorded(session, PEOPLE, RETIRED):
        signer = next((r for r in rows.values() if r.name == event.body.get("by") and r.id != event.subject), None)
        own, signature = rows.get(event.subject), str(event.body.get("signature", ""))
        if own and signer and signing.holds(signer.public_key, _retirement(own), signature):
            ended.setdefault(event.subject, event.at)
    return ended


def _is_of(event: Recorded, row: Approver | None) -> bool:
    if row is None or event.body.get("name", row.name) != row.name:
        return False
    return (event.body.get("key"), event.body.get("seat")) == (row.public_key, row.seat.value)


def _sponsored(event: Recorded, rows: dict[str, Approver], known: set[str]) -> bool:
    row, by = rows[event.subject], event.body.get("by")
    keys = [rows[i].public_key for i in known if rows[i].name == by]
    text, signature = _enrolment(row.name, row.seat, row.public_key), str(event.body.get("signature", ""))
    return any(signing.holds(key, text, signature) for key in keys)


def editors(session: Session, incident: Incident, row: Approvable) -> set[str]:
    """Who prepared this, or edited facts or list since the last thing was launched, published or filed.

    For a judgement: who wrote it down, or had edited the facts by then.
    """
    if isinstance(row, Judgement):
        query = select(FactsRevision.author).where(FactsRevision.incident_id == incident.id)
        return {row.author, *session.exec(query.where(FactsRevision.number <= row.facts_number)).all()}
    since = _last_release(session, incident, row)
    people = {row.prepared_by} if isinstance(row, Wave | Filing) else set()
    for table in (FactsRevision, ScopeRun):
        query = select(table.author).where(table.incident_id == incident.id)
        people.update(session.exec(query if since is None else query.where(table.at > since)).all())
    return people


def _last_release(session: Session, incident: Incident, row: Approvable) -> datetime | None:
    query = select(Wave.launched_at).where(Wave.incident_id == incident.id, Wave.id != row.id)
    return max((at for at in session.exec(query).all() if at is not None), default=None)


# --- holds ----------------------------------------------------------------------------------------------------------


def hold(
    desk: Desk, slug: str, scope: HoldScope, target: str, reason: str, person: str, until: datetime | None = None
) -> Hold:
    """Stops what it names at the next claim, until released."""
    if not reason.strip():
        raise BadInput("--reason", "is missing.", "A hold says why, for whoever reads it at night.")
    with desk.db.write() as session:
        incident = find_incident(session, slug)
        row = Hold(
            incident_id=incident.id,
            scope=scope,
            target=target,
            reason=reason,
            placed_by=person,
            placed_at=desk.now(),
            until=until,
        )
        session.add(row)
        session.flush()
        desk.log(session, incident.id, "hold_placed", row.id, scope=scope, target=target, by=person)
    return row


def release(desk: Desk, slug: str, person: str, hold_id: str = "") -> int:
    """Releases one hold, or all of the incident."""
    with desk.db.write() as session:
        incident = find_incident(session, slug)
        rows = [h for h in active_holds(session, incident.id, desk.now()) if not hold_id or h.id.startswith(hold_id)]
        if hold_id and not rows:
            raise BadInput(f"hold {hold_id!r}", "is not active.", "`tocsin status` lists the active ones.")
        for row in rows:
            row.released_by, row.released_at = person, desk.now()
            session.add(row)
            desk.log(session, incident.id, "hold_released", row.id, by=person)
    return len(rows)


def active_holds(session: Session, incident_id: str, now: datetime) -> list[Hold]:
    query = select(Hold).where(Hold.incident_id == incident_id, col(Hold.released_at).is_(None))
    return [h for h in session.exec(query).all() if h.until is None or h.until > now]


def held(holds: Iterable[Hold], *, kind: str = "", channel: str = "", wave: str = "", subject: str = "") -> str:
    """The reason of the first hold that covers this, or an empty text."""
    targets = {
        HoldScope.INCIDENT: None,
        HoldScope.WAVE: wave,
        HoldScope.CHANNEL: channel,
        HoldScope.RECIPIENT_KIND: kind,
        HoldScope.PERSON: subject,
    }
    for row in holds:
        wanted = targets[row.scope]
        if wanted is None or (wanted and row.target == wanted):
            return row.reason
    return ""
