"""The law as the steps use it: the assessment of now, the terms of each obligation, and the people each one covers."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from models.facts import Facts
from models.tables import ObligationRow
from models.values import Duty, Stage
from regimes import load, promise
from regimes.assess import terms
from regimes.obligations import Assessment, Obligation, covers
from regimes.schema import Instrument, Version


@dataclass(frozen=True, slots=True)
class OwedRow:
    """An obligation as the database remembers it, in the words that planning reads."""

    id: str
    regime: str
    duty: Duty
    jurisdiction: str | None
    stage: Stage
    due: datetime | None
    met: datetime | None


def owed_row(row: ObligationRow) -> OwedRow:
    return OwedRow(row.key, row.regime, row.duty, row.jurisdiction, row.stage, row.due, row.met_at)


def body_of(row: ObligationRow) -> Mapping[str, Any]:
    data: Mapping[str, Any] = json.loads(row.body)
    return data


def versions(assessed: Assessment, facts: Facts) -> dict[str, Version]:
    """Obligation id -> the version of law, or the promise, that it rests on."""
    return {o.id: terms(o, facts) for o in assessed.all()}


def instruments_with_promises(assessed: Assessment, facts: Facts) -> Mapping[str, Instrument]:
    """The law that ships, and the organisation's promises beside it as an instrument of their own."""
    pledged = {o.law_version: terms(o, facts) for o in assessed.all() if o.regime == promise.REGIME}
    if not pledged:
        return load.instruments()
    own = Instrument(promise.REGIME, "Own promises", "", "promise", None, tuple(pledged.values()))
    return {**load.instruments(), promise.REGIME: own}


def telling_people(assessed: Assessment, decided: Collection[str] = ()) -> Sequence[Obligation]:
    """Obligations that put words before individuals, or before the customers whose people they are, but for those of
    which it was decided not to tell."""
    duties = (Duty.INDIVIDUALS, Duty.PROCESSOR_TO_CONTROLLER, Duty.CONTRACT)
    return [o for o in assessed.all() if o.duty in duties and o.id not in decided]


def live_rows(session: Session, incident_id: str) -> list[ObligationRow]:
    """The obligations that no later assessment superseded, by due time."""
    query = select(ObligationRow).where(
        ObligationRow.incident_id == incident_id,
        col(ObligationRow.superseded_at).is_(None),
    )
    return list(session.exec(query.order_by(ObligationRow.due, ObligationRow.key)).all())  # type: ignore[arg-type]


def is_about(row: ObligationRow, residence: str) -> bool:
    """Whether an obligation is about a person who lives there."""
    return body_of(row).get("reach") == "everyone" or covers(row.jurisdiction, residence)


def local(text: str | None) -> datetime | None:
    """A due time with the offset of the authority's zone, as the assessment wrote it."""
    return datetime.fromisoformat(text) if text else None
