"""Recorded judgements as they stand: which count, which wait for signatures, which have lapsed. Writes only lapses.

A judgement counts while two people's signatures over its digest stand, the facts that it rests on are stated as they
were when it was recorded, and the duties that it names rest on the same versions of law. The row is never changed; that
it ended is an event.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from flows.steps import approvals
from flows.steps.approvals import JUDGEMENT_ENDED
from flows.steps.desk import Desk
from flows.steps.law import is_about, live_rows
from models.facts import Facts
from models.tables import Incident, Judgement, ObligationRow, Subject
from models.values import Duty, digest
from models.vocabulary.judgement import NOT_TO_NOTIFY, basis, kinds
from planning.release import Signed, problems_to_launch
from regimes.assess import assess
from regimes.judgement import Resting, resting

ALWAYS = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Standing:
    """One judgement of the record. `problems`: why it does not count yet; `ended`: why it no longer does."""

    id: str
    number: int
    kind: str
    about: Mapping[str, Any]  # judged fact -> its value; empty for a decision not to tell
    factors: Mapping[str, str]
    reasons: str
    obligations: tuple[str, ...]
    author: str
    at: datetime
    digest: str
    body: str  # canonical JSON: exactly what the digest is over
    signatures: tuple[Signed, ...]
    problems: tuple[str, ...]
    ended: str = ""

    @property
    def counts(self) -> bool:
        return not self.problems and not self.ended

    @property
    def outcome(self) -> str:
        """What was judged, as one clause."""
        if self.kind == NOT_TO_NOTIFY:
            count = len(self.obligations)
            return f"not to tell, for {count} {'duty' if count == 1 else 'duties'}"
        return "; ".join(f"{key} is {str(value).lower()}" for key, value in self.about.items())

    @property
    def signers(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(a.person for a in self.signatures if not a.voided))

    def as_data(self) -> dict[str, Any]:
        kind = kinds()[self.kind]
        return {
            "number": self.number,
            "kind": self.kind,
            "title": kind.title,
            "citation": kind.citation,
            "outcome": self.outcome,
            "about": dict(self.about),
            "factors": dict(self.factors),
            "reasons": self.reasons,
            "obligations": list(self.obligations),
            "by": self.author,
            "at": self.at.isoformat(),
            "digest": self.digest,
            "signed": self.body,
            "approvals": [
                {"person": a.person, "seat": a.seat.value, "at": a.at.isoformat(), "voided": a.voided}
                for a in self.signatures
            ],
            "counts": self.counts,
            "problems": list(self.problems),
            "ended": self.ended,
        }


def every(desk: Desk, session: Session, incident: Incident, facts: Facts) -> list[Standing]:
    """All judgements of an incident, in the order in which they were recorded."""
    query = select(Judgement).where(Judgement.incident_id == incident.id).order_by(col(Judgement.number))
    return [_standing(desk, session, incident, row, facts) for row in session.exec(query).all()]


def counting(desk: Desk, session: Session, incident: Incident, facts: Facts) -> list[Standing]:
    return [found for found in every(desk, session, incident, facts) if found.counts]


def _standing(desk: Desk, session: Session, incident: Incident, row: Judgement, facts: Facts) -> Standing:
    body = json.loads(row.body)
    signatures = approvals.signed(session, "judgement", row.id)
    editors = approvals.editors(session, incident, row)
    problems = problems_to_launch(digest(body), signatures, editors, desk.now(), ALWAYS, timedelta.max)
    return Standing(
        row.id,
        row.number,
        str(body["kind"]),
        body["about"],
        body["factors"],
        body["reasons"],
        tuple(body["obligations"]),
        row.author,
        row.at,
        row.digest,
        row.body,
        tuple(signatures),
        tuple(problems),
        _ended(session, incident, row) or _changed(desk, body, facts),
    )


def _ended(session: Session, incident: Incident, row: Judgement) -> str:
    events = approvals.recorded(session, incident.id, JUDGEMENT_ENDED, row.id)
    return str(events[-1].body.get("why", "ended")) if events else ""


def laws(session: Session, incident: Incident, keys: Collection[str]) -> dict[str, str]:
    """The version of law that each of these obligations rests on now."""
    return {row.key: row.law_version for row in live_rows(session, incident.id) if row.key in keys}


def _changed(desk: Desk, body: Mapping[str, Any], facts: Facts) -> str:
    """Why a judgement no longer rests on what it rested on; "" while it does."""
    now, then = basis(facts.plain), body["basis"]
    keys = sorted(key for key in {*now, *then} if now.get(key) != then.get(key))
    if keys:
        return f"lapsed: the facts now say otherwise on {', '.join(keys)}"
    if not body["laws"]:
        return ""
    rests = {o.id: o.law_version for o in assess(facts, desk.now()).all()}
    moved = sorted(key for key, version in body["laws"].items() if rests.get(key, version) != version)
    return f"lapsed: another version of the law now applies to {', '.join(moved)}" if moved else ""


def lapse(desk: Desk, session: Session, incident: Incident, facts: Facts, number: int) -> list[str]:
    """Ends, on the record, the judgements that a revision of the facts took the ground from. Returns why, each."""
    found = []
    query = select(Judgement).where(Judgement.incident_id == incident.id).order_by(col(Judgement.number))
    for row in session.exec(query).all():
        why = "" if _ended(session, incident, row) else _changed(desk, json.loads(row.body), facts)
        if why:
            end(desk, session, incident, row, why, facts=number)
            found.append(f"judgement {row.number} {why}; record it anew")
    return found


def end(desk: Desk, session: Session, incident: Incident, row: Judgement, why: str, **more: Any) -> None:
    """Strikes through the signatures and writes down that it ended."""
    standing = [a for a in approvals.signed(session, "judgement", row.id) if not a.voided]
    more["had_signed"] = sorted({a.person for a in standing})
    approvals.void(desk, session, incident, row.id, why)
    desk.log(session, incident.id, JUDGEMENT_ENDED, row.id, number=row.number, judged=row.kind, why=why, **more)


# --- effects --------------------------------------------------------------------------------------------------------


def decided(standing: Iterable[Standing]) -> dict[str, Standing]:
    """Obligation -> the decision not to tell that covers it."""
    return {key: one for one in standing if one.kind == NOT_TO_NOTIFY for key in one.obligations}


def undecided(
    desk: Desk, session: Session, incident: Incident, facts: Facts, rows: Iterable[ObligationRow]
) -> list[ObligationRow]:
    """The obligations among `rows` that no standing decision not to tell covers: those that are still owed."""
    left = list(rows)
    covered = decided(counting(desk, session, incident, facts)) if left else {}
    return [row for row in left if row.key not in covered]


TELLING = frozenset({Duty.INDIVIDUALS, Duty.PROCESSOR_TO_CONTROLLER, Duty.CONTRACT})  # duties with words for people


def only_decided(live: Iterable[ObligationRow], covered: Collection[str], residence: str) -> bool:
    """Whether of a person who lives there it was decided not to tell, and no other duty is about them."""
    about = [row for row in live if row.duty in TELLING and is_about(row, residence)]
    return bool(about) and all(row.key in covered for row in about)


def to_tell(desk: Desk, session: Session, incident: Incident, facts: Facts, subjects: Sequence[str]) -> list[str]:
    """The people among `subjects` whom no standing decision keeps from being told."""
    covered, live = decided(counting(desk, session, incident, facts)), live_rows(session, incident.id)
    if not covered:
        return list(subjects)
    query = select(Subject.id, Subject.residence).where(Subject.incident_id == incident.id)
    lives = dict(session.exec(query).all())
    silent = {place: only_decided(live, covered, place) for place in set(lives.values())}
    return [subject for subject in subjects if not silent[lives[subject]]]


def grounds(desk: Desk, session: Session, incident: Incident, facts: Facts) -> dict[str, str]:
    """Why people or authorities are not told, for the register and for reports: every judgement that counts."""
    standing = counting(desk, session, incident, facts)
    said = [f"{one.outcome}: {' '.join([one.reasons, *one.factors.values()])}" for one in standing if one.obligations]
    return {"grounds_not_notifying": "\n".join(said)} if said else {}


def resting_now(desk: Desk, facts: Facts, standing: Iterable[Standing]) -> tuple[Resting, ...]:
    """The duties that are not owed by judgement; `missing` names what no counting judgement records."""
    recorded = {(key, one.kind) for one in standing if one.counts for key in one.about}
    return resting(facts, assess(facts, desk.now()), recorded)
