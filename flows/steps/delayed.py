"""Law enforcement's delay, as the facts state it: what it keeps from going out, and that nothing is late meanwhile.

A delay without an end stops notices to people and to the public until it is cleared; filings go on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence

from sqlalchemy import select as columns
from sqlmodel import Session

from flows.steps.desk import Desk
from flows.steps.law import body_of, owed_row
from flows.steps.open_incident import current_facts
from models.facts import Facts
from models.tables import Incident, ObligationRow, Wave, metadata
from models.values import Recipient, Refused
from planning.deadlines import next_action
from regimes.assess import UNTIL_CLEARED, assess, delayed

NOTICE = metadata.tables["notice"]
TOLD = frozenset({Recipient.INDIVIDUALS, Recipient.CONTROLLER, Recipient.MEDIA, Recipient.PUBLIC})  # filings go on


def stopped(row: ObligationRow) -> bool:
    """Whether the clock of an open duty stands still until law enforcement clears it."""
    return row.met_at is None and body_of(row).get("held") == UNTIL_CLEARED


def next_of(rows: Sequence[ObligationRow], desk: Desk) -> str:
    """One sentence: what must be done next; what is held comes after everything else."""
    waiting = [row for row in rows if stopped(row)]
    if not waiting:
        return next_action([owed_row(row) for row in rows], desk.now())
    more = f" and {len(waiting) - 1} more" if len(waiting) > 1 else ""
    said = f"Held until law enforcement clears it: {waiting[0].key}{more}."
    free = [owed_row(row) for row in rows if not stopped(row)]
    return f"{next_action(free, desk.now())} {said}" if any(one.met is None for one in free) else said


def refuse_delayed(
    desk: Desk, session: Session, incident: Incident, serves: Callable[[], Collection[str]], what: str
) -> None:
    """Refused when law enforcement's delay keeps back one of the duties that `what` serves, whatever was signed."""
    asked = _kept_back(desk, current_facts(session, incident))
    found = sorted(asked.keys() & set(serves())) if asked else []
    if found:
        untils = ", ".join(sorted({asked[key] for key in found}))
        raise Refused(
            f"{what}: law enforcement's delay keeps back {', '.join(found)} (held: {untils}). Nothing goes out. "
            "When it is lifted, state the time in the facts ([law_enforcement] cleared), declare and prepare again"
        )


def _kept_back(desk: Desk, facts: Facts) -> dict[str, str]:
    """The tellings that wait now, each with until when."""
    if not any(key.startswith("law_enforcement.") for key in facts.values):
        return {}
    told = [o for o in assess(facts, desk.now()).all() if o.recipient in TOLD]
    return {o.id: until for o in told if (until := delayed(o, facts, desk.now()))}


def duties_of(session: Session, wave: Wave) -> frozenset[str]:
    """The obligations that the notices of a wave serve."""
    query = columns(NOTICE.c.obligations).where(NOTICE.c.wave_id == wave.id).distinct()
    return frozenset(key for text in session.connection().execute(query).scalars() for key in json.loads(text))
