"""Whose turn it is: which people the next wave is for, and what it takes the place of.

A draft that was never launched is taken away; what a launched wave may no longer send waits for the new one.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Table, delete, func, update
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from flows.steps import approvals
from flows.steps.desk import Desk
from flows.steps.freshness import refuse_old_words
from models import outbox
from models.outbox import Change
from models.tables import Incident, Wave, metadata
from models.values import TOLD_STATES, DeliveryState, NeedsPerson, SuppressionReason, WaveKind

SUBJECT, NOTICE, DELIVERY, WAVE = (metadata.tables[n] for n in ("subject", "notice", "delivery", "wave"))
SEGMENT: Table = metadata.tables["segment"]
REPLACED = "replaced"
_AT_A_TIME = 2_000


def replace_drafts(desk: Desk, session: Session, incident: Incident) -> None:
    """Takes away what was drafted and never launched; its approvals are void."""
    query = select(Wave).where(
        Wave.incident_id == incident.id,
        col(Wave.launched_at).is_(None),
        col(Wave.stopped_at).is_(None),
    )
    for wave in session.exec(query).all():
        mark_changed(session, columns(NOTICE.c.subject_id).where(NOTICE.c.wave_id == wave.id), desk.now())
        approvals.void(desk, session, incident, wave.id, "the wave was prepared anew")
        wave.stopped_at, wave.stopped_why = desk.now(), f"{REPLACED} by a later draft"
        session.add(wave)
        session.flush()
        for table in (DELIVERY, NOTICE, SEGMENT):
            session.connection().execute(delete(table).where(table.c.wave_id == wave.id))
        desk.log(session, incident.id, "wave_replaced", wave.id, number=wave.number)


def end_stale(desk: Desk, session: Session, incident: Incident) -> None:
    """What a launched wave may send no longer leaves it, and its people wait for the wave that is drafted now.

    Its window is over, or its words rest on facts that were declared otherwise since.
    """
    outbox.expire(session, incident.id, desk.lane, desk.clock.lease(), desk.now())
    d = DELIVERY.c
    waiting = frozenset({DeliveryState.PLANNED, DeliveryState.READY})
    stale = {wave.id: why for wave in _launched(session, incident) if (why := _stale(desk, session, incident, wave))}
    over = columns(d.id, d.subject_id, d.wave_id).where(
        d.wave_id.in_(list(stale)), d.state.in_([state.value for state in waiting])
    )
    left = list(session.connection().execute(over))
    changes = [
        Change(
            delivery=delivery,
            from_states=waiting,
            to_state=DeliveryState.SUPPRESSED,
            kind="delivery.suppressed",
            suppressed_why=stale[wave],
            at=desk.now(),
        )
        for delivery, _, wave in left
    ]
    outbox.apply(session, incident.id, desk.lane, changes, desk.now())
    for start in range(0, len(left), _AT_A_TIME):
        mark_changed(session, [subject for _, subject, _ in left[start : start + _AT_A_TIME]], desk.now())


def _launched(session: Session, incident: Incident) -> Sequence[Wave]:
    query = select(Wave).where(Wave.incident_id == incident.id, col(Wave.launched_at).is_not(None))
    return session.exec(query).all()


def _stale(desk: Desk, session: Session, incident: Incident, wave: Wave) -> SuppressionReason | None:
    if wave.window_until <= desk.now():
        return SuppressionReason.WINDOW_OVER
    try:
        refuse_old_words(session, incident, wave.facts_number, f"wave {wave.number}")
    except NeedsPerson:
        return SuppressionReason.CHANGED
    return None


def mark_changed(session: Session, subjects: Any, at: datetime | None) -> None:
    """`changed_at` stands while what was last drafted for a person is not what they should get."""
    session.connection().execute(update(SUBJECT).where(SUBJECT.c.id.in_(subjects)).values(changed_at=at))


def next_wave(session: Session, incident: Incident) -> tuple[WaveKind, list[str]]:
    """People without a notice, or who left an earlier wave; else those already told of whom more was exposed."""
    s, n = SUBJECT.c, NOTICE.c
    has = columns(n.subject_id).where(n.incident_id == incident.id)
    people = columns(s.id).where(s.incident_id == incident.id, s.withdrawn.is_(False)).order_by(s.id)
    fresh = list(session.connection().execute(people.where(s.id.not_in(has))).scalars())
    earlier = session.exec(
        select(Wave.id).where(Wave.incident_id == incident.id, col(Wave.launched_at).is_not(None))
    ).first()
    left, more = _changed(session, incident)
    if fresh or left:
        return (WaveKind.FOLLOW_UP if earlier else WaveKind.FIRST), sorted([*fresh, *left])
    return WaveKind.SUPPLEMENTARY, sorted(more)


def _changed(session: Session, incident: Incident) -> tuple[list[str], list[str]]:
    """Of the people who changed since their notice was drafted: those never told, and those told too little."""
    s, n, w = SUBJECT.c, NOTICE.c, WAVE.c
    changed = (
        columns(s.id, s.elements)
        .join(NOTICE, n.subject_id == s.id)
        .join(WAVE, n.wave_id == w.id)
        .where(s.incident_id == incident.id, s.withdrawn.is_(False), s.changed_at.is_not(None))
    )
    own = {row.id: frozenset(json.loads(row.elements)) for row in session.connection().execute(changed)}
    left, more = [], []
    for subject, elements in own.items():
        told, open_ = _told_of(session, subject)
        if open_:
            continue
        if told is None:
            left.append(subject)
        elif elements - told:
            more.append(subject)
    return left, more


def _told_of(session: Session, subject: str) -> tuple[frozenset[str] | None, bool]:
    """The elements that a person has been told of (None: never told), and whether a notice is still under way.

    A wave that holds two notices for a person has told them when both were taken.
    """
    d = DELIVERY.c
    rows = session.connection().execute(
        columns(d.wave_id, d.notice_id, d.state, d.suppressed_why, SEGMENT.c.exposed)
        .join(SEGMENT, d.segment_id == SEGMENT.c.id)
        .where(d.subject_id == subject)
    )
    taken: dict[str, dict[str, bool]] = {}  # wave -> notice -> whether a carrier took it
    known: dict[str, frozenset[str]] = {}
    under_way = False
    for wave, notice, state, why, exposed in rows:
        notices = taken.setdefault(wave, {})
        notices[notice] = notices.get(notice, False) or state in TOLD_STATES
        known[wave] = frozenset(json.loads(exposed))
        open_ = state not in TOLD_STATES and state is not DeliveryState.UNDELIVERABLE and why is None
        under_way = under_way or open_
    told = [known[wave] for wave, notices in taken.items() if all(notices.values())]
    return (frozenset().union(*told) if told else None), under_way


# --- held back ------------------------------------------------------------------------------------------------------


def held_back(
    session: Session, people: Sequence[str], chosen: Collection[str], own: Callable[[str], str]
) -> Counter[str]:
    """Of these people, those who read none of the chosen languages, by the language that they would be written in."""
    s = SUBJECT.c
    found: Counter[str] = Counter()
    for start in range(0, len(people), _AT_A_TIME):
        query = columns(s.language, func.count()).where(s.id.in_(people[start : start + _AT_A_TIME]))
        for language, count in session.connection().execute(query.group_by(s.language)):
            if own(language) not in chosen:
                found[own(language)] += count
    return found


def chosen_people(
    session: Session, people: Sequence[str], chosen: Collection[str], own: Callable[[str], str]
) -> list[str]:
    """Those of these people whose notice is written in one of the chosen languages."""
    s = SUBJECT.c
    kept: list[str] = []
    for start in range(0, len(people), _AT_A_TIME):
        query = columns(s.id, s.language).where(s.id.in_(people[start : start + _AT_A_TIME])).order_by(s.id)
        kept += [identity for identity, language in session.connection().execute(query) if own(language) in chosen]
    return kept


def without_notice(session: Session, incident: Incident) -> dict[str, int]:
    """People in scope for whom no notice is drafted or sent, by their language: they have not been told."""
    s, n = SUBJECT.c, NOTICE.c
    has = columns(n.subject_id).where(n.incident_id == incident.id)
    query = columns(s.language, func.count()).where(
        s.incident_id == incident.id, s.withdrawn.is_(False), s.protected.is_(False), s.id.not_in(has)
    )
    rows = session.connection().execute(query.group_by(s.language).order_by(s.language))
    return {str(language): int(count) for language, count in rows}
