"""Open an incident, keep its facts in revisions, and keep its obligations assessed from the newest one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlmodel import Session, col, select

from flows.steps import judgements
from flows.steps.desk import Desk, find_incident, lock
from flows.steps.law import body_of
from flows.steps.law import live_rows as live_obligations
from models.facts import Facts, contradictions, load_facts, parse_facts
from models.ledger import Entry
from models.tables import FactsRevision, Incident, ObligationRow, new_id
from models.values import BadInput, ObligationState, canonical, check_slug, digest
from regimes.assess import assess
from regimes.explain import deciding
from regimes.obligations import Assessment, Obligation

DECLARED = "declared"


@dataclass(frozen=True, slots=True)
class Opened:
    """What declaring came to."""

    incident: str
    facts_number: int
    new_facts: bool
    owed: int
    undetermined: int
    warnings: tuple[str, ...]

    def counts(self) -> dict[str, int]:
        return {"facts": self.facts_number, "owed": self.owed, "undetermined": self.undetermined}


def inbox_file(desk: Desk, name: str) -> Path:
    """A file of TOCSIN_HOME/inbox by its bare name. Whoever reaches Prefect's form must not read any other path."""
    inbox = desk.settings.folder("inbox").resolve()
    path = (inbox / name).resolve()
    if path.parent != inbox or not path.is_file():
        raise BadInput(f"inbox file {name!r}", "is not there.", f"Put it into {inbox}; names have no folders.")
    return path


def declare(desk: Desk, facts_file: Path, author: str) -> Opened:
    """Store the incident and a facts revision from a file. The same facts again change nothing."""
    facts = with_profile(desk, load_facts(facts_file))
    slug = check_slug(facts.id, f"{facts_file.name}: id")
    with desk.db.write() as session:
        incident = session.exec(select(Incident).where(Incident.slug == slug)).first() or _open(desk, session, facts)
        number, new, lapsed = _store(desk, session, incident, facts, "declared", author)
        assessed = reassess(desk, session, incident, facts, number)
    owed, undetermined = len(assessed.obligations), len(assessed.undetermined)
    return Opened(slug, number, new, owed, undetermined, (*lapsed, *assessed.warnings))


def with_profile(desk: Desk, facts: Facts) -> Facts:
    """The facts with the promises of the organisation's profile; a promise of the same name in the incident stands."""
    if not desk.settings.profile.exists() or not desk.profile.promise:
        return facts
    own = {promise.name for promise in facts.promises}
    data = facts.as_data()
    added = [dict(row) for row in desk.profile.promise if row.get("name") not in own]
    return parse_facts({**data, "promise": [*data.get("promise", []), *added]}, facts.file)


def _open(desk: Desk, session: Session, facts: Facts) -> Incident:
    identity = new_id()
    incident = Incident(
        id=identity,
        slug=facts.id,
        title=facts.title,
        opened_at=desk.now(),
        key_id=desk.vault.key_id,
        wrapped_key=desk.vault.new_incident_key(identity),
    )
    session.add(incident)
    session.flush()
    desk.log(session, incident.id, "incident_opened", incident.id, slug=facts.id)
    return incident


def _store(
    desk: Desk, session: Session, incident: Incident, facts: Facts, source: str, author: str
) -> tuple[int, bool, list[str]]:
    """A new revision, unless the facts are what they were; and which judgements it took the ground from."""
    lock(session, incident)
    last = newest(session, incident.id)
    body = canonical(facts.as_data())
    if last is not None and last.body == body:
        return last.number, False, []
    number = last.number + 1 if last else 1
    row = FactsRevision(
        incident_id=incident.id,
        number=number,
        body=body,
        sources=canonical(dict(facts.sources)),
        digest=digest(facts.as_data()),
        source=source,
        author=author,
        at=desk.now(),
    )
    session.add(row)
    session.flush()
    desk.log(
        session, incident.id, "facts_revised", row.id, number=number, source=source, author=author, digest=row.digest
    )
    return number, True, judgements.lapse(desk, session, incident, facts, number)


def newest(session: Session, incident_id: str) -> FactsRevision | None:
    query = select(FactsRevision).where(FactsRevision.incident_id == incident_id)
    return session.exec(query.order_by(col(FactsRevision.number).desc())).first()


def facts_of(row: FactsRevision) -> Facts:
    return parse_facts(json.loads(row.body), f"facts revision {row.number}")


def current_facts(session: Session, incident: Incident) -> Facts:
    row = newest(session, incident.id)
    if row is None:
        raise BadInput(f"incident {incident.slug}", "has no facts.", "Run `tocsin declare FILE`.")
    return facts_of(row)


def declared_facts(session: Session, incident: Incident) -> Facts:
    """The newest facts that a person declared; what a list or the ledger says is held against them."""
    query = select(FactsRevision).where(FactsRevision.incident_id == incident.id, FactsRevision.source == "declared")
    row = session.exec(query.order_by(col(FactsRevision.number).desc())).first()
    return facts_of(row) if row else current_facts(session, incident)


def revise(
    desk: Desk, session: Session, incident: Incident, changes: Mapping[str, Any], source: str, author: str
) -> tuple[Assessment, list[str]]:
    """Facts that a list or the ledger knows better, as a revision, assessed again; and what contradicts them."""
    facts = current_facts(session, incident).revised(changes, source)
    number, _, _ = _store(desk, session, incident, facts, source, author)
    against = contradictions(declared_facts(session, incident), facts)
    if against:
        desk.log(
            session,
            incident.id,
            "facts_contradicted",
            incident.id,
            number=number,
            keys=[a.split(":")[0] for a in against],
        )
    return reassess(desk, session, incident, facts, number), against


def fallen_away(desk: Desk, session: Session, incident: Incident, assessed: Assessment) -> tuple[str, ...]:
    """Duties that the declared facts make owed or leave open and these do not, each with its reason."""
    standing = {entry.id for entry in assessed.all()}
    why = {entry.id: "; ".join(entry.because) for entry in assessed.not_owed}
    before = assess(declared_facts(session, incident), desk.now()).all()
    gone = dict.fromkeys(entry.id for entry in before if entry.id not in standing)
    return tuple(f"{id_}: {why.get(id_) or 'nothing ties it to these facts any more'}" for id_ in gone)


# --- obligations ----------------------------------------------------------------------------------------------------


def reassess(desk: Desk, session: Session, incident: Incident, facts: Facts, number: int) -> Assessment:
    """Assess, and let what changed supersede the rows that stand. No due date of a row is ever edited."""
    assessed = assess(facts, desk.now())
    wanted = {row.key: row for row in _rows(desk, incident, assessed, facts, number)}
    standing = {row.key: row for row in live_obligations(session, incident.id)}
    events: list[Entry] = []
    for key, old in standing.items():
        new = wanted.get(key)
        if new is not None and _same(old, new):
            continue
        old.superseded_at = desk.now()
        session.add(old)
        events.append(Entry("obligation_superseded", old.id, {"key": key, "by": new.id if new else ""}))
        if new is not None and _by_ledger(old):
            new.met_at, new.met_by = old.met_at, old.met_by
    for key, new in wanted.items():
        if key not in standing or not _same(standing[key], new):
            session.add(new)
            events.append(Entry("obligation_assessed", new.id, {"key": key, "state": new.state, "facts": number}))
    session.flush()
    desk.log_many(session, incident.id, events)
    return assessed


def _rows(desk: Desk, incident: Incident, assessed: Assessment, facts: Facts, number: int) -> Iterable[ObligationRow]:
    groups: tuple[tuple[ObligationState, Iterable[Any]], ...] = (
        (ObligationState.OWED, assessed.obligations),
        (ObligationState.UNDETERMINED, assessed.undetermined),
    )
    for state, found in groups:
        for obligation in found:
            yield _row(desk, incident, obligation, facts, number, state)


def _row(
    desk: Desk, incident: Incident, o: Obligation, facts: Facts, number: int, state: ObligationState
) -> ObligationRow:
    return ObligationRow(
        incident_id=incident.id,
        key=o.id,
        state=state,
        regime=o.regime,
        law_version=o.law_version,
        duty=o.duty,
        recipient=o.recipient,
        authority=o.authority,
        jurisdiction=o.jurisdiction,
        stage=o.stage,
        due=o.due,
        due_safe=o.due_safe,
        confidence=o.confidence,
        body=canonical(o.as_data() | _inner(o) | {"deciding": list(deciding(o, facts))}),
        facts_number=number,
        assessed_at=desk.now(),
        met_at=o.met,
        met_by=DECLARED if o.met else "",
    )


def _inner(o: Obligation) -> dict[str, Any]:
    """What the public contract does not show and later steps need."""
    return {
        "derivation": list(o.derivation),
        "reach": o.reach.value,
        "met_when": o.met_when.value,
        "authority_slug": o.authority_slug,
        "tolled": o.tolled,
        "waiting": o.waiting,
    }


def _same(old: ObligationRow, new: ObligationRow) -> bool:
    """Equal in all that matters to a deadline; lateness and the moment of asking do not."""
    told = _by_ledger(old) or old.met_at == new.met_at  # a declared submission that was added, moved or taken back
    return (
        told
        and all(getattr(old, n) == getattr(new, n) for n in ("state", "law_version", "due", "due_safe", "recipient"))
        and (_because(old) == _because(new))
        and body_of(old).get("held") == body_of(new).get("held")
    )


def _by_ledger(row: ObligationRow) -> bool:
    """Met by what we did ourselves; a declaration neither makes nor undoes that."""
    return row.met_at is not None and row.met_by != DECLARED


def _because(row: ObligationRow) -> Any:
    body = json.loads(row.body)
    return body.get("because"), body.get("missing"), body.get("citation")


__all__ = [
    "Opened",
    "current_facts",
    "declare",
    "declared_facts",
    "facts_of",
    "fallen_away",
    "find_incident",
    "inbox_file",
    "live_obligations",
    "newest",
    "reassess",
    "revise",
    "with_profile",
]
