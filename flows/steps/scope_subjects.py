"""Scope: from a list to subjects, their own exposed elements and sealed contacts. A second list is compared.

Everything of one list is stored in one transaction, or nothing is. What is frozen in a launched wave, or sent, stays as
it is; who changed meanwhile leaves the set and waits for the next wave.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Table, update
from sqlalchemy import select as columns
from sqlmodel import Session, select

from flows.steps.desk import Desk, Progress, find_incident, quiet
from flows.steps.likely import apply_merges, stood_for
from flows.steps.open_incident import fallen_away, revise
from flows.steps.sealing import Sealing
from models import outbox
from models.intake import Reading, Source, load_mapping, read_people
from models.outbox import Change as StateChange
from models.staging import COMPARED, SORTED, Stage, take_in
from models.tables import Incident, ScopeRun, metadata
from models.values import DeliveryState, NeedsPerson, SuppressionReason, canonical
from planning.scope import Change, Counting, Known, Waterfall, compare_one, fact_changes, fact_source

SUBJECT: Table = metadata.tables["subject"]
DELIVERY: Table = metadata.tables["delivery"]
_AT_A_TIME = 2_000
_STOOD_FOR = "stood_for"  # beside the words of Change: another person stands for this one
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
    fallen: tuple[str, ...] = ()  # duties that fall away because the list contradicts a declared number

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
        desk.key(incident)  # refused once the people are erased
    rejects = desk.settings.folder("rejects") / f"{slug}.scope-{number}.rejects.csv"
    warnings = rejects.with_name(f"{slug}.scope-{number}.warnings.csv")
    spill = desk.settings.folder("spill")
    for left in (rejects, warnings):
        left.unlink(missing_ok=True)
    make = Sealing(desk.settings.key_file, incident.id, incident.wrapped_key or b"", Path())
    with read_people(
        source, mapping, as_of=desk.now().date(), spill_dir=spill, rejects_file=rejects, warnings_file=warnings
    ) as reading:
        waterfall = _seal(reading, replace(make, folder=reading.folder), progress)
        with take_in(desk.db, reading.folder, incident.id) as stage:
            session, incident = stage.session, find_incident(stage.session, slug)
            changes, kept = _store(desk, stage, incident, number, waterfall, withdraw)
            _remember(desk, session, incident, reading, waterfall, changes, number, author)
            assessed, against = revise(
                desk,
                session,
                incident,
                fact_changes(waterfall, stood_for(session, incident.id, number)),
                fact_source(waterfall),
                author,
            )
            fallen = fallen_away(desk, session, incident, assessed) if against else ()
    return Scoped(
        slug,
        number,
        waterfall,
        {str(k): v for k, v in sorted(changes.items()) if v} | ({"not_listed_but_kept": kept} if kept else {}),
        tuple(against),
        tuple(o.id for o in assessed.obligations),
        tuple(o.id for o in assessed.undetermined),
        rejects,
        fallen,
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


def _seal(reading: Reading, make: Sealing, progress: Progress) -> Waterfall:
    """Seals everybody into files of the private folder, in as many processes as pay. No lock is held meanwhile."""
    counting = Counting()
    for part in reading.through(make):
        counting.merge(part)
        progress("people", counting.people, reading.tally.rows)
    waterfall = counting.waterfall(reading.source, reading.rule, reading.tally)
    waterfall.check()
    return waterfall


def _store(
    desk: Desk, stage: Stage, incident: Incident, number: int, waterfall: Waterfall, withdraw: bool
) -> tuple[Counter[Change], int]:
    """Sorts people into new, changed, unchanged and withdrawn, and writes what is new. Also how many were kept."""
    known = stage.known()
    if not known:
        return Counter({Change.NEW: stage.insert_all(number)}), 0
    stage.index()
    changes, stand_ins = _sort_out(stage)
    fresh = stage.note_fresh()
    gone = stage.note_gone(Change.WITHDRAWN)
    gone -= stage.spare(stand_ins, Change.WITHDRAWN)  # whom they stand for is listed still
    kept = _kept(incident.slug, gone, known, sum(waterfall.rejected.values()), withdraw)
    changes[Change.NEW] += fresh
    changes[Change.WITHDRAWN] += 0 if kept else gone
    changes[Change.UNCHANGED] += waterfall.people - sum(n for c, n in changes.items() if c is not Change.WITHDRAWN)
    stage.alter(number, but=Change.WITHDRAWN)
    stage.insert_fresh(number)
    apply_merges(desk, stage.session, incident, desk.key(incident))
    moves = _MOVES - {Change.WITHDRAWN} if kept else _MOVES
    _mark_moved(desk, stage, moves)
    _leave_set(desk, stage, incident, moves)
    return changes, kept


def _sort_out(stage: Stage) -> tuple[Counter[Change], list[str]]:
    """Decides what changed for everybody whose record differs, or who was withdrawn and is listed again.

    Also who stands for others that are listed: those others stay as they are, by a person's decision.
    """
    changes, stand_ins = Counter[Change](), list[str]()
    for batch in stage.differing():
        others = [(i, into) for i, *_, into in batch if into]
        stand_ins += [into for _, into in others]
        stage.note((i, _STOOD_FOR) for i, _ in others)
        alone = ((i, _known(old, withdrawn), _known(new)) for i, old, new, withdrawn, into in batch if not into)
        found = [(i, compare_one(old, new)) for i, old, new in alone]
        changes.update(change for _, change in found)
        stage.note((i, change.value) for i, change in found)
    changes[Change.UNCHANGED] += len(stand_ins)
    return changes, stand_ins


def _known(values: tuple[Any, ...], withdrawn: bool = False) -> Known:
    """Values of models.staging.COMPARED."""
    known = dict(zip(COMPARED, values, strict=True))
    return Known(**known | {"elements": frozenset(json.loads(known["elements"]))}, withdrawn=withdrawn)


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


def _mark_moved(desk: Desk, stage: Stage, moves: frozenset[Change]) -> None:
    """Whoever may need another notice than the one that was drafted, and who is withdrawn."""
    connection, at = stage.session.connection(), desk.now()
    connection.execute(update(SUBJECT).where(SUBJECT.c.id.in_(stage.noted(*moves))).values(changed_at=at))
    if Change.WITHDRAWN in moves:
        gone = stage.noted(Change.WITHDRAWN)
        connection.execute(update(SUBJECT).where(SUBJECT.c.id.in_(gone)).values(withdrawn=True))


def _leave_set(desk: Desk, stage: Stage, incident: Incident, moves: frozenset[Change]) -> None:
    """Deliveries that have not left yet, of people who changed: suppressed, and the person waits for the next wave."""
    waiting = frozenset({DeliveryState.PLANNED, DeliveryState.READY, DeliveryState.CLAIMED})
    d, last = DELIVERY.c, ""
    query = (
        columns(d.id, SORTED.c.change)
        .join(SORTED, SORTED.c.id == d.subject_id)
        .where(d.state.in_([s.value for s in waiting]), SORTED.c.change.in_(moves))
        .order_by(d.id)
        .limit(_AT_A_TIME)
    )
    while found := stage.session.connection().execute(query.where(d.id > last)).all():
        changes = [
            StateChange(
                delivery=delivery,
                from_states=waiting,
                to_state=DeliveryState.SUPPRESSED,
                kind="delivery.suppressed",
                suppressed_why=_reason(change),
                at=desk.now(),
            )
            for delivery, change in found
        ]
        outbox.apply(stage.session, incident.id, desk.lane, changes, desk.now())
        last = found[-1].id


def _reason(change: str) -> SuppressionReason:
    return SuppressionReason.WITHDRAWN if change == Change.WITHDRAWN else SuppressionReason.CHANGED
