"""Whether a release reached the media: an empty distribution list tells nobody, and only a person knows who got it.

A release counts from its posting for the places where the list names an outlet of statewide or major reach. For every
other place it counts from the time at which a named person gave it to outlets, which `give` records.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from flows.steps.desk import Desk, find_incident
from flows.steps.obligations import update_met
from models.tables import Incident, PublicNotice
from models.values import BadInput, canonical

GIVEN = "press_given"


@dataclass(frozen=True, slots=True)
class Given:
    """A release that somebody gave to outlets, the duties that it serves by that, and those that are met."""

    incident: str
    version: int
    at: datetime
    outlets: tuple[str, ...]
    serves: tuple[str, ...]
    met: tuple[str, ...]
    left: tuple[str, ...]  # duties for whose media nothing is recorded yet


def place_of(key: str) -> str:
    """The place in an obligation's id."""
    parts = key.split("/")
    return parts[2] if len(parts) > 2 else ""


def give(desk: Desk, slug: str, author: str, outlets: Sequence[str], at: datetime | None, place: str = "") -> Given:
    """Records that a person gave the newest release to these outlets, for one place or for all that lack one.

    BadInput when no release is out, no outlet is named, or the time lies before its publication or ahead of now.
    """
    names = tuple(dict.fromkeys(name.strip() for name in outlets if name.strip()))
    if not names:
        raise BadInput("--given", "names no outlet.", 'Write --given "Ohio Examiner"; once for each outlet.')
    with desk.db.write() as session:
        incident = find_incident(session, slug)
        notice = _newest(session, incident)
        when = _instant(desk, notice, at)
        said = json.loads(notice.reason or "{}")
        open_ = [key for key in said.get("ungiven", ()) if key not in said.get("given", {})]
        serves = _served(open_, place)
        said["given"] = {**said.get("given", {}), **dict.fromkeys(serves, when.isoformat())}
        notice.reason = canonical(said)
        session.add(notice)
        body = {"version": notice.version, "outlets": list(names), "at": when, "serves": serves, "by": author}
        desk.log(session, incident.id, GIVEN, notice.id, **body)
        met = update_met(desk, session, incident)
        left = tuple(key for key in open_ if key not in serves)
        return Given(slug, notice.version, when, names, tuple(serves), tuple(met), left)


def _newest(session: Session, incident: Incident) -> PublicNotice:
    query = select(PublicNotice).where(PublicNotice.incident_id == incident.id, PublicNotice.kind == "press")
    query = query.where(col(PublicNotice.published_at).is_not(None))
    found = session.exec(query.order_by(col(PublicNotice.version).desc())).first()
    if found is None:
        raise BadInput("--given", "no release is out.", f"`tocsin publish {incident.slug} --what press` writes it.")
    return found


def _instant(desk: Desk, notice: PublicNotice, at: datetime | None) -> datetime:
    now, out = desk.now(), notice.published_at or desk.now()
    when = at or now
    if when > now:
        raise BadInput("--at", "lies ahead of now.", "Record it when it has been given.")
    if when < out:
        raise BadInput("--at", f"lies before the release was approved and written ({out.isoformat()}).")
    return when


def _served(open_: Sequence[str], place: str) -> list[str]:
    found = [key for key in open_ if not place or place_of(key) == place]
    if place and not found:
        places = ", ".join(sorted({place_of(key) for key in open_})) or "none"
        raise BadInput("--place", f"{place} waits for no outlet.", f"Waiting: {places}.")
    return found
