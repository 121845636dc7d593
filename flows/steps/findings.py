"""What the linter found, and what it refuses."""

from __future__ import annotations

import json
from typing import Any

from sqlmodel import Session, select

from models.tables import Segment, Wave, WordingRow
from models.values import Refused, Severity


def findings(session: Session, wave: Wave) -> list[tuple[Segment, dict[str, Any]]]:
    """Every finding about a wave's wordings with its segment, errors first."""
    query = select(Segment, WordingRow.findings).join(WordingRow, Segment.wording_id == WordingRow.id)  # type: ignore[arg-type]
    rows = session.exec(query.where(Segment.wave_id == wave.id)).all()
    found = [(segment, finding) for segment, text in rows for finding in json.loads(text)]
    return sorted(found, key=lambda pair: (pair[1]["severity"] != Severity.ERROR, pair[0].key, pair[0].channel))


def refuse_errors(session: Session, wave: Wave) -> None:
    """An error of the linter stands against every approval and every launch."""
    errors = [finding for _, finding in findings(session, wave) if finding["severity"] == Severity.ERROR]
    if errors:
        first = errors[0]
        where = f"{first['law']} {first['citation']}, {first['where']}: {first['remedy']}"
        raise Refused(f"wave {wave.number}: the linter finds {len(errors)} errors, first: {where}")
