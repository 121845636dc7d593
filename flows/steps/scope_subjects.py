"""Scope: from a list to subjects, their own exposed elements and sealed contacts. A second list is compared.

Everything of one list is stored in one transaction, or nothing is. What is frozen in a launched wave, or sent, stays as
it is; who changed meanwhile leaves the set and waits for the next wave.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Table, bindparam, update
from sqlalchemy import select as columns
from sqlmodel import Session, select

from flows.steps.desk import Desk, Progress, find_incident, quiet
from flows.steps.open_incident import revise
from models import outbox
from models.intake import Candidate, Reading, Source, load_mapping, read_people
from models.outbox import Change as StateChange
from models.tables import Incident, ScopeRun, metadata, new_id
from models.values import DeliveryState, NeedsPerson, SuppressionReason, canonical
from models.vault import IncidentKey, Record
from planning.scope import Change, Counting, Known, Waterfall, compare_one, fact_changes, fact_source

SUBJECT: Table = metadata.tables["subject"]
DELIVERY: Table = metadata.tables["delivery"]
_AT_A_TIME = 2_000
_MOVES = frozenset({Change.DECEASED_SINCE, Change.MORE_ELEMENTS, Change.CONTACT, Change.WITHDRAWN})


@dataclass(frozen=True, slots=True)
class Scoped:
    """What a list came to."""

    incident: str
    number: int
    waterfall: Waterfall
    changes: dict[str, int]
    contradictions: tuple[str, ...]
    owed: tuple[str, ...]
    undetermined: tuple[str, ...]
    rejects: Path

    def counts(self) -> dict[str, int]:
        people = {"scope": self.number, "lines": self.waterfall.lines, "people": self.waterfall.people}
        return people | {"rejected": sum(self.waterfall.rejected.values())} | self.changes


def scope(
    desk: Desk,
    slug: str,
    source: Source,
    mapping_file: Path,
    author: str,
    progress: Progress = quiet,
    *,
    withdraw: bool = False,
) -> Scoped:
    """Reads a list into subjects. BadInput when it can't be read as its mapping says; then nothing is stored.

    Who is not on it any more is withdrawn, unless lines were rejected: then they may be on one of those, and stay. A
    list that lacks many is NeedsPerson. `withdraw`: a person says that whoever is missing is meant to be.
    """
    mapping = load_mapping(mapping_file)
    with desk.db.read() as session:
        incident = find_incident(session, slug)
        number = _next_number(session, incident.id)
        key = desk.key(incident)
    rejects = desk.settings.folder("rejects") / f"{slug}.scope-{number}.rejects.csv"
    warnings = rejects.with_name(f"{slug}.scope-{number}.warnings.csv")
    spill = desk.settings.folder("spill")
    for left in (rejects, warnings):
        left.unlink(missing_ok=True)
    with (
        read_people(
            source, mapping, as_of=desk.now().date(), spill_dir=spill, rejects_file=rejects, warnings_file=warnings
        ) as reading,
        desk.db.write() as session,
    ):
        incident = find_incident(session, slug)
        waterfall, changes, kept = _store(desk, session, incident, key, reading, number, progress, withdraw)
        _remember(desk, session, incident, reading, waterfall, changes, number, author)
        assessed, against = revise(desk, session, incident, fact_changes(waterfall), fact_source(waterfall), author)
    return Scoped(
        slug,
        number,
        waterfall,
        {str(k): v for k, v in sorted(changes.items()) if v} | ({"not_listed_but_kept": kept} if kept else {}),
        tuple(against),
        tuple(o.id for o in assessed.obligations),
        tuple(o.id for o in assessed.undetermined),
        rejects,
    )


def _next_number(session: Session, incident_id: str) -> int:
    numbers = session.exec(select(ScopeRun.number).where(ScopeRun.incident_id == incident_id)).all()
    return max(numbers, default=0) + 1


def _remember(
    desk: Desk,
    session: Session,
    incident: Incident,
    reading: Reading,
    waterfall: Waterfall,
    changes: Counter[Change],
    number: int,
    author: str,
) -> None:
    row = ScopeRun(
        incident_id=incident.id,
        number=number,
        source=reading.source,
        source_digest=reading.digest,
        mapping_digest=reading.mapping_digest,
        waterfall=canonical(waterfall.as_data()),
        author=author,
        at=desk.now(),
    )
    session.add(row)
    session.flush()
    body = {"number": number, "digest": reading.digest, "rows_digest": reading.rows_digest, "people": waterfall.people}
    desk.log(
        session, incident.id, "scoped", row.id, **body, changes={str(k): v for k, v in changes.items()}, author=author
    )


# --- storing --------------------------------------------------------------------------------------------------------


def _store(
    desk: Desk,
    session: Session,
    incident: Incident,
    key: IncidentKey,
    reading: Reading,
    number: int,
    progress: Progress,
    withdraw: bool,
) -> tuple[Waterfall, Counter[Change], int]:
    known = dict(_known(session, incident.id))
    consented = _consented(session, incident.id)
    counting, changes, moved = Counting(), Counter[Change](), list[tuple[str, Change]]()
    fresh: list[dict[str, Any]] = []
    altered: list[dict[str, Any]] = []
    seen: set[str] = set()
    for person in reading.people():
        counting.add(person)
        index = key.index("person", person.person_key)
        seen.add(index)
        old_id, old = known.get(index, ("", None))
        new = _mark(key, person)
        change = compare_one(old, new)
        if change is Change.OTHER and old_id in consented and not person.consent_email:
            change = Change.CONTACT  # an address that may no longer be written to is as good as another one
        changes[change] += 1
        row = _row(incident, key, person, index, old_id or new_id(), new, number)
        if not old_id:
            fresh.append(row)
        else:
            altered.append(row)
            moved += [(old_id, change)] if change in _MOVES else []
        if len(fresh) + len(altered) >= _AT_A_TIME:
            _flush(session, fresh, altered)
            progress("people", changes.total(), reading.tally.rows)
    _flush(session, fresh, altered)
    gone = [
        (identity, Change.WITHDRAWN) for index, (identity, k) in known.items() if index not in seen and not k.withdrawn
    ]
    kept = _kept(incident.slug, len(gone), len(known), reading.tally.rejected.total(), withdraw)
    gone = [] if kept else gone
    changes[Change.WITHDRAWN] += len(gone)
    _withdraw(desk, session, [identity for identity, _ in gone])
    _leave_set(desk, session, incident, [*moved, *gone])
    waterfall = counting.waterfall(reading.source, reading.rule, reading.tally)
    waterfall.check()
    progress("people", waterfall.people, waterfall.people)
    return waterfall, changes, kept


MANY = 0.2  # share of the people known so far that a list may lack without a person's word


def _kept(slug: str, gone: int, known: int, rejected: int, withdraw: bool) -> int:
    """How many that are not listed stay all the same. Raises when so many are missing that a person must say so."""
    if withdraw or not gone:
        return 0
    if rejected:
        return gone
    if gone > max(1, MANY * known):
        raise NeedsPerson(
            f"{slug}: {gone:,} of {known:,} people are not on this list any more. Nothing was stored. If they are meant"
            " to be withdrawn, say --withdraw; else mend the list"
        )
    return 0


def _consented(session: Session, incident_id: str) -> set[str]:
    c = SUBJECT.c
    agreed = columns(c.id).where(c.incident_id == incident_id, c.consent_email.is_(True))
    return set(session.connection().execute(agreed).scalars())


def _known(session: Session, incident_id: str) -> Iterator[tuple[str, tuple[str, Known]]]:
    c = SUBJECT.c
    wanted = columns(
        c.person_index,
        c.id,
        c.content_mark,
        c.elements,
        c.email_index,
        c.phone_index,
        c.address_index,
        c.deceased,
        c.withdrawn,
    ).where(c.incident_id == incident_id)
    for index, identity, mark, elements, email, phone, address, deceased, withdrawn in session.connection().execute(
        wanted
    ):
        own = frozenset(json.loads(elements))
        yield index, (identity, Known(mark, own, email, phone, address, deceased, withdrawn))


def _mark(key: IncidentKey, person: Candidate) -> Known:
    """What we remember of a person to compare with: a keyed mark of everything, blind indexes of the contacts."""
    content = {
        "record": _record(person).to_json(),
        "residence": person.residence,
        "language": person.language,
        "role": person.role,
        "flags": [person.minor, person.deceased, person.protected, person.consent_email],
        "elements": sorted(person.elements),
        "customer": person.customer,
    }
    address = "\n".join(person.address)
    return Known(
        content_mark=key.index("content", canonical(content)),
        elements=person.elements,
        email_index=key.index("email", person.email) if person.email else "",
        phone_index=key.index("phone", person.phone) if person.phone else "",
        address_index=key.index("address", address) if address else "",
        deceased=person.deceased,
    )


def _record(person: Candidate) -> Record:
    return Record(
        name=person.name,
        guardian_name=person.guardian_name,
        next_of_kin_name=person.next_of_kin_name,
        email=person.email,
        phone=person.phone,
        address=person.address,
        country=person.country,
        born=person.born,
        customer_name=person.customer_name,
        own_dates=(person.own_dates,) if person.own_dates else (),
    )


def _row(
    incident: Incident, key: IncidentKey, person: Candidate, index: str, identity: str, mark: Known, number: int
) -> dict[str, Any]:
    return {
        "id": identity,
        "incident_id": incident.id,
        "person_index": index,
        "residence": person.residence,
        "language": person.language,
        "role": person.role,
        "minor": person.minor,
        "deceased": person.deceased,
        "protected": person.protected,
        "elements": canonical(sorted(person.elements)),
        "consent_email": person.consent_email,
        "has_email": person.has_email,
        "has_phone": person.has_phone,
        "has_mobile": person.has_mobile,
        "has_address": person.has_address,
        "email_index": mark.email_index,
        "phone_index": mark.phone_index,
        "address_index": mark.address_index,
        "customer": person.customer,
        "sealed": key.seal_record(identity, _record(person)),
        "content_mark": mark.content_mark,
        "first_scope": number,
        "last_scope": number,
        "withdrawn": False,
        "changed_at": None,
    }


def _flush(session: Session, fresh: list[dict[str, Any]], altered: list[dict[str, Any]]) -> None:
    if fresh:
        outbox.bulk_insert(session, SUBJECT, fresh)
    if altered:
        session.connection().execute(_ALTER, [_altered(row) for row in altered])
    fresh.clear()
    altered.clear()


_ALTERED = [
    c.name for c in SUBJECT.columns if c.name not in ("id", "incident_id", "person_index", "first_scope", "changed_at")
]
_ALTER = (
    update(SUBJECT)
    .where(SUBJECT.c.id == bindparam("_id"))
    .values(
        **{name: bindparam(f"_{name}", type_=SUBJECT.c[name].type) for name in _ALTERED},
    )
)


def _altered(row: dict[str, Any]) -> dict[str, Any]:
    return {"_id": row["id"]} | {f"_{name}": row[name] for name in _ALTERED}


def _withdraw(desk: Desk, session: Session, ids: list[str]) -> None:
    for start in range(0, len(ids), _AT_A_TIME):
        part = ids[start : start + _AT_A_TIME]
        session.connection().execute(
            update(SUBJECT).where(SUBJECT.c.id.in_(part)).values(withdrawn=True, changed_at=desk.now())
        )


def _leave_set(desk: Desk, session: Session, incident: Incident, moved: list[tuple[str, Change]]) -> None:
    """Deliveries that have not left yet, of people who changed: suppressed, and the person waits for the next wave."""
    why = {identity: change for identity, change in moved}
    waiting = frozenset({DeliveryState.PLANNED, DeliveryState.READY, DeliveryState.CLAIMED})
    ids = list(why)
    for start in range(0, len(ids), _AT_A_TIME):
        part = ids[start : start + _AT_A_TIME]
        session.connection().execute(update(SUBJECT).where(SUBJECT.c.id.in_(part)).values(changed_at=desk.now()))
        query = columns(DELIVERY.c.id, DELIVERY.c.subject_id).where(
            DELIVERY.c.subject_id.in_(part), DELIVERY.c.state.in_([s.value for s in waiting])
        )
        changes = [
            StateChange(
                delivery=delivery,
                from_states=waiting,
                to_state=DeliveryState.SUPPRESSED,
                kind="delivery.suppressed",
                suppressed_why=_reason(why[subject]),
                at=desk.now(),
            )
            for delivery, subject in session.connection().execute(query)
        ]
        if changes:
            outbox.apply(session, incident.id, desk.lane, changes, desk.now())


def _reason(change: Change) -> SuppressionReason:
    return SuppressionReason.WITHDRAWN if change is Change.WITHDRAWN else SuppressionReason.CHANGED
