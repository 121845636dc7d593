"""People of a list who may be one person: shown for a decision, never merged in silence.

Candidates share an email, a telephone, an address, a birthday or a source id (by their blind indexes, so only those are
opened), and have names alike. Who decides says which, and why. One person: the first stands for both, with what was
exposed of either and the contacts that it lacked; the other leaves the scope. Two people: the pair is not shown again.
A later list does not undo a decision.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, groupby
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Column, Table, func, update
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from flows.steps.desk import Desk, find_incident
from flows.steps.open_incident import revise
from flows.steps.sealing import SHARED_ID, contact_columns
from models import outbox
from models.intake.alike import alike, plain_word
from models.outbox import Change as StateChange
from models.tables import Incident, SamePerson, ScopeRun, Subject, metadata, new_id
from models.values import BadInput, DeliveryState, Refused, SuppressionReason, canonical
from models.vault import IncidentKey, Record
from planning.scope import Counting, Stored, fact_changes, fact_source, from_data

SUBJECT: Table = metadata.tables["subject"]
DELIVERY: Table = metadata.tables["delivery"]
LEAST: Final = 85  # percent that two names must be alike to be shown
LARGEST: Final = 60  # people of one block: a care home's address is no sign of one person, and pairs grow by the square
_BLOCKS: Final = ("block_index", "address_index", "email_index", "phone_index")
WAITING: Final = frozenset({DeliveryState.PLANNED, DeliveryState.READY, DeliveryState.CLAIMED})


@dataclass(frozen=True, slots=True)
class Pair:
    """Two people who may be one. `shares` says what they have in common; the records are for the decider's eyes."""

    one: str
    other: str
    alike: int  # percent, of the names
    shares: tuple[str, ...]
    records: tuple[Record, Record]


def likely(desk: Desk, slug: str, least: int = LEAST, most: int = 200) -> tuple[list[Pair], int]:
    """The likeliest pairs that nobody has decided on, at most so many; and how many blocks were too large."""
    with desk.db.read() as session:
        incident = find_incident(session, slug)
        key, found = desk.key(incident), dict[tuple[str, str], Pair]()
        decided = _decided(session, incident.id)
        for column in _BLOCKS:
            for block in _blocks(session, incident.id, SUBJECT.c[column]):
                found |= {(p.one, p.other): p for p in _pairs(key, block, column, least)}
        large = sum(_large(session, incident.id, SUBJECT.c[column]) for column in _BLOCKS)
    shown = [pair for ids, pair in found.items() if ids not in decided]
    return sorted(shown, key=lambda pair: (-len(pair.shares), -pair.alike, pair.one, pair.other))[:most], large


def _decided(session: Session, incident: str) -> set[tuple[str, str]]:
    rows = session.exec(select(SamePerson).where(SamePerson.incident_id == incident)).all()
    return {(min(row.one, row.other), max(row.one, row.other)) for row in rows}


def _shared(incident: str, column: Column[Any]) -> Any:
    here = (SUBJECT.c.incident_id == incident, SUBJECT.c.withdrawn.is_(False), column != "")
    return columns(column).where(*here).group_by(column)


def _large(session: Session, incident: str, column: Column[Any]) -> int:
    query = _shared(incident, column).having(func.count() > LARGEST).subquery()
    return int(session.connection().execute(columns(func.count()).select_from(query)).scalar_one())


def _blocks(session: Session, incident: str, column: Column[Any]) -> Iterator[list[Any]]:
    c = SUBJECT.c
    keys = _shared(incident, column).having(func.count().between(2, LARGEST))
    query = (
        columns(column.label("block"), c.id, c.sealed, *(c[name] for name in _BLOCKS))
        .where(c.incident_id == incident, c.withdrawn.is_(False), column.in_(keys))
        .order_by(column, c.id)
    )
    rows = session.connection().execute(query.execution_options(stream_results=True, yield_per=1_000))
    for _, block in groupby(rows, itemgetter(0)):
        yield list(block)


def _pairs(key: IncidentKey, block: Sequence[Any], column: str, least: int) -> Iterator[Pair]:
    opened = [(row, key.open_record(row.id, row.sealed)) for row in block]
    names = [plain_word(record.name) for _, record in opened]
    same_id = column == "block_index" and block[0].block_index.startswith(SHARED_ID)
    for (a, b), ((one, first), (other, second)) in zip(combinations(names, 2), combinations(opened, 2), strict=True):
        likeness = alike(a, b)
        if same_id or likeness >= least:
            yield Pair(one.id, other.id, likeness, _shares(one, other, first, second), (first, second))


def _shares(one: Any, other: Any, first: Record, second: Record) -> tuple[str, ...]:
    said = {
        "source id": one.block_index == other.block_index and one.block_index.startswith(SHARED_ID),
        "birthday": bool(first.born) and first.born == second.born,
        "address": bool(one.address_index) and one.address_index == other.address_index,
        "email": bool(one.email_index) and one.email_index == other.email_index,
        "phone": bool(one.phone_index) and one.phone_index == other.phone_index,
    }
    return tuple(name for name, same in said.items() if same)


# --- deciding -------------------------------------------------------------------------------------------------------


def decide(desk: Desk, slug: str, one: str, other: str, author: str, why: str, *, same: bool) -> tuple[str, str]:
    """Records whether two people of an incident are one. Ids may be shortened. Returns both ids, who stays first."""
    if not why.strip():
        raise BadInput("--reason", "is empty.", "Say why: whoever asks later reads it.")
    with desk.db.write() as session:
        incident = find_incident(session, slug)
        key = desk.key(incident)
        stays, goes = (_subject(session, incident, text) for text in (one, other))
        if stays.id == goes.id:
            raise BadInput(one, "is the same person twice.", "Name both of a pair.")
        _refuse_decided(session, stays, goes)
        row = _decision(incident, stays, goes, same, author, why, desk)
        session.add(row)
        session.flush()
        desk.log(
            session, incident.id, "same_person_decided", row.id, one=stays.id, other=goes.id, same=same, author=author
        )
        if same:
            _withdraw(desk, session, incident, stays, goes)
            apply_merges(desk, session, incident, key)
            _recount(desk, session, incident, goes, author)
        return stays.id, goes.id


def _decision(
    incident: Incident, one: Subject, other: Subject, same: bool, author: str, why: str, desk: Desk
) -> SamePerson:
    ids = {"id": new_id(), "incident_id": incident.id, "one": one.id, "other": other.id}
    return SamePerson(**ids, same=same, author=author, why=why, at=desk.now())


def _recount(desk: Desk, session: Session, incident: Incident, goes: Subject, author: str) -> None:
    """The facts count one person less of the list that was read last."""
    query = select(ScopeRun).where(ScopeRun.incident_id == incident.id)
    last = session.exec(query.order_by(col(ScopeRun.number).desc())).first()
    if last is None:
        return
    goes.last_scope = last.number
    session.add(goes)
    session.flush()
    waterfall = from_data(json.loads(last.waterfall))
    changes = fact_changes(waterfall, stood_for(session, incident.id, last.number))
    revise(desk, session, incident, changes, fact_source(waterfall), author)


def stood_for(session: Session, incident: str, number: int) -> Counting:
    """Those of a list for whom others stand, counted."""
    c, counting = SUBJECT.c, Counting()
    wanted = columns(
        *(c.residence, c.language, c.minor, c.deceased, c.protected),
        *(c.has_email, c.has_phone, c.has_mobile, c.has_address),
    ).where(c.incident_id == incident, c.merged_into != "", c.last_scope == number)
    for row in session.connection().execute(wanted):
        counting.add(Stored(*row))
    return counting


def _subject(session: Session, incident: Incident, text: str) -> Subject:
    query = select(Subject).where(Subject.incident_id == incident.id, col(Subject.id).startswith(text, autoescape=True))
    found = session.exec(query.limit(2)).all() if len(text) >= 6 else []
    if len(found) != 1:
        problem = "fits several people." if found else "is nobody of this incident."
        raise BadInput(text, problem, f"`tocsin people likely {incident.slug}` shows the ids; give six signs or more.")
    return found[0]


def _refuse_decided(session: Session, stays: Subject, goes: Subject) -> None:
    ids = (stays.id, goes.id)
    known = session.exec(select(SamePerson).where(col(SamePerson.one).in_(ids), col(SamePerson.other).in_(ids))).first()
    if known is not None:
        said = "one person" if known.same else "two people"
        raise Refused(f"{known.author} decided on {known.at:%Y-%m-%d} that {ids[0][:8]} and {ids[1][:8]} are {said}")
    gone = next((who for who in (stays, goes) if who.withdrawn), None)
    if gone is not None:
        raise Refused(f"{gone.id[:8]} is not in scope any more: another person stands for it, or no list names it")


def _withdraw(desk: Desk, session: Session, incident: Incident, stays: Subject, goes: Subject) -> None:
    """The other leaves the scope; whoever it stood for is stood for by the first."""
    goes.withdrawn, goes.merged_into, goes.changed_at = True, stays.id, desk.now()
    session.add(goes)
    session.flush()
    moved = update(SUBJECT).where(SUBJECT.c.merged_into == goes.id).values(merged_into=stays.id)
    session.connection().execute(moved)
    d = DELIVERY.c
    query = columns(d.id).where(d.subject_id == goes.id, d.state.in_([state.value for state in WAITING]))
    changes = [
        StateChange(
            delivery=delivery,
            from_states=WAITING,
            to_state=DeliveryState.SUPPRESSED,
            kind="delivery.suppressed",
            suppressed_why=SuppressionReason.WITHDRAWN,
            at=desk.now(),
        )
        for delivery in session.connection().execute(query).scalars()
    ]
    outbox.apply(session, incident.id, desk.lane, changes, desk.now())


def apply_merges(desk: Desk, session: Session, incident: Incident, key: IncidentKey) -> int:
    """Gives everybody who stands for others what was exposed of those, and the contacts that they lack.

    Safe to run again; a list that rewrote somebody is followed by it. Returns for how many more was exposed.
    """
    query = select(Subject).where(Subject.incident_id == incident.id, Subject.merged_into != "")
    grown = 0
    for goes in session.exec(query).all():
        stays = session.get_one(Subject, goes.merged_into)
        own, more = (set(json.loads(row.elements)) for row in (stays, goes))
        if more - own:
            stays.elements, stays.changed_at, grown = canonical(sorted(own | more)), desk.now(), grown + 1
        record = key.open_record(stays.id, stays.sealed or b"")
        filled = _filled(record, key.open_record(goes.id, goes.sealed or b""))
        if filled != record:
            stays.sealed, stays.changed_at = key.seal_record(stays.id, filled), desk.now()
            for name, value in contact_columns(key, filled, stays.has_mobile or goes.has_mobile).items():
                setattr(stays, name, value)
        session.add(stays)
    session.flush()
    return grown


def _filled(own: Record, more: Record) -> Record:
    """A record with what it lacks from another; an address comes with its country."""
    empty = {name: getattr(more, name) for name in ("email", "phone", "born", "app") if not getattr(own, name)}
    if not own.address:
        empty |= {"address": more.address, "country": more.country}
    return replace(own, **empty)
