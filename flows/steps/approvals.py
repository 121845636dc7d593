"""People who decide: enrolling them, their signatures over digests, and holds. Nothing goes out without these."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from sqlmodel import Session, col, select

from flows.steps.desk import Desk, find_incident
from flows.steps.findings import refuse_errors
from models import signing
from models.tables import Approval, Approver, FactsRevision, Filing, Hold, Incident, PublicNotice, ScopeRun, Wave
from models.values import BadInput, HoldScope, Refused, Seat, digest
from planning.release import Signed, statement

# --- who may sign ---------------------------------------------------------------------------------------------------


def enrol(desk: Desk, name: str, seat: Seat, public_key: Path, by: str = "", key: Path | None = None) -> Approver:
    """Adds a person who can sign. After the first, an enrolled person signs for the new one."""
    public = signing.read_public(public_key)
    with desk.db.write() as session:
        standing = session.exec(select(Approver)).all()
        if any(a.name == name for a in standing):
            raise BadInput(f"person {name!r}", "is enrolled already.", "Retire the entry first to change a key.")
        signature = _sponsor(session, by, key, _enrolment(name, seat, public)) if standing else ""
        row = Approver(name=name, seat=seat, public_key=public, enrolled_at=desk.now(), enrolled_by=by)
        session.add(row)
        session.flush()
        desk.log(session, "people", "approver_enrolled", row.id, seat=seat, key=public, by=by, signature=signature)
    return row


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

Approvable = Wave | Filing | PublicNotice
_KINDS: dict[type, str] = {Wave: "wave", Filing: "filing", PublicNotice: "public_notice"}


def find_approvable(session: Session, incident: Incident, what: str) -> Approvable:
    """`wave:1`, `page:1`, `press:1` (versions), or `filing:<obligation id>` (its newest version)."""
    kind, _, name = what.partition(":")
    row: Approvable | None = None
    if kind == "wave" and name.isdigit():
        query = select(Wave).where(Wave.incident_id == incident.id, Wave.number == int(name))
        row = session.exec(query).first()
    elif kind in ("page", "press") and name.isdigit():
        public = select(PublicNotice).where(PublicNotice.incident_id == incident.id, PublicNotice.kind == kind)
        row = session.exec(public.where(PublicNotice.version == int(name))).first()
    elif kind == "filing":
        filing = select(Filing).where(Filing.incident_id == incident.id, Filing.obligation_key == name)
        row = session.exec(filing.order_by(col(Filing.version).desc())).first()
    if row is None:
        raise BadInput(
            f"{incident.slug}: {what!r}",
            "is not there.",
            "Write wave:N, page:N, press:N or filing:OBLIGATION; `tocsin status` lists them.",
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
            "approved",
            row.id,
            what=kind,
            digest=row.digest,
            approver=approver.id,
            seat=approver.seat,
            signature=approval.signature,
        )
    return approval


def _may_approve(session: Session, incident: Incident, row: Approvable, approver: Approver) -> None:
    if approver.name in editors(session, incident, row):
        raise Refused(
            f"{approver.name} prepared this or edited facts or list since the last approval; another person approves"
        )
    if isinstance(row, Wave) and row.stopped_why.startswith("replaced"):
        raise Refused(f"wave {row.number} was replaced by a newer one")
    if isinstance(row, Wave):
        refuse_errors(session, row)


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
        desk.log(session, incident.id, "approval_voided", subject_id, approver=row.approver_id, why=why)
    return len(rows)


def signed(session: Session, subject_kind: str, subject_id: str) -> list[Signed]:
    """The approvals of one thing, each signature verified anew."""
    query = select(Approval, Approver).join(Approver).where(Approval.subject_id == subject_id)
    return [
        Signed(
            person=who.name,
            seat=who.seat,
            at=row.at,
            digest=row.digest,
            voided=row.voided_at is not None,
            valid_signature=signing.holds(
                who.public_key, statement(subject_kind, subject_id, row.digest), row.signature
            ),
        )
        for row, who in session.exec(query).all()
    ]


def editors(session: Session, incident: Incident, row: Approvable) -> set[str]:
    """Who prepared this, or edited facts or list since the last thing was launched, published or filed."""
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
