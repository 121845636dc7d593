"""Whether words still say what the facts say: what they were written from is held against the facts of now."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session, select

from flows.steps.open_incident import facts_of, newest
from models.tables import FactsRevision, Incident
from models.values import NeedsPerson

# Facts that notices speak of. What was filed, or who was told, changes no word; list and ledger add counts only.
WORDED = ("narrative.", "data.", "times.", "organisation.", "law_enforcement.", "promise")
TOLD = "times.individuals_notified"


def refuse_old_words(session: Session, incident: Incident, number: int, what: str) -> None:
    """NeedsPerson when facts that the words rest on were declared otherwise since facts revision `number`."""
    now = newest(session, incident.id)
    if now is None or now.number == number:
        return
    query = select(FactsRevision).where(FactsRevision.incident_id == incident.id, FactsRevision.number == number)
    then = session.exec(query).first()
    changed = _differences(then, now) if then else ["all of them"]
    if changed:
        raise NeedsPerson(
            f"{what} was written from facts revision {number}, and revision {now.number} says otherwise"
            f" ({', '.join(changed[:3])}). Prepare it again; its approvals do not hold for other facts."
        )


def _differences(then: FactsRevision, now: FactsRevision) -> list[str]:
    old, new = _worded(then), _worded(now)
    return sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))


def _worded(row: FactsRevision) -> dict[str, Any]:
    plain = facts_of(row).plain
    return {key: value for key, value in plain.items() if key.startswith(WORDED) and key != TOLD}
