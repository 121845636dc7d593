"""The desk: everything a step needs, opened once. Settings, database, clock, vault, profile, law."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from models import ledger
from models.ledger import Entry
from models.profile import Profile, load_profile
from models.session import Database, check_mode, db_clock, open_database
from models.settings import Settings, read_settings
from models.tables import Incident
from models.values import BadInput, Clock, Mode, Refused
from models.vault import IncidentKey, KeyFile, Vault


@dataclass(slots=True)
class Desk:
    """One process's place of work. `lane` names its lane in the ledger; two desks never share one."""

    settings: Settings
    db: Database
    clock: Clock
    lane: str = field(default_factory=lambda: f"w{os.getpid()}-{secrets.token_hex(4)}")
    _vault: Vault | None = None
    _profile: Profile | None = None

    @property
    def vault(self) -> Vault:
        if self._vault is None:
            self._vault = KeyFile.load(self.settings.key_file).vault()
        return self._vault

    @property
    def profile(self) -> Profile:
        if self._profile is None:
            self._profile = load_profile(self.settings.profile)
        return self._profile

    def forget_profile(self) -> None:
        """The profile's file was written anew; it is read again when it is next asked for."""
        self._profile = None

    def key(self, incident: Incident) -> IncidentKey:
        """The incident's key. Refused after erasure."""
        if incident.wrapped_key is None:
            raise Refused(f"{incident.slug} was erased; its people can no longer be read")
        return self.vault.incident(incident.id, incident.wrapped_key)

    @property
    def watermark(self) -> str:
        return "EXERCISE" if self.settings.mode is Mode.EXERCISE else ""

    def close(self) -> None:
        self.db.close()

    def now(self) -> datetime:
        return self.clock.now()

    def log(self, session: Session, incident: str, kind: str, subject: str = "", **body: Any) -> None:
        """One event of the ledger, in the session's transaction."""
        ledger.append(session, incident, self.lane, [Entry(kind, subject, body)], self.now())

    def log_many(self, session: Session, incident: str, entries: Sequence[Entry]) -> None:
        if entries:
            ledger.append(session, incident, self.lane, entries, self.now())


def open_desk(environ: Mapping[str, str], *, clock: Clock | None = None) -> Desk:
    """Opens the database that the environment names. Refused when its mode and the environment's disagree."""
    settings = read_settings(environ)
    db = open_database(settings.database_url)
    check_mode(db, settings.mode)
    return Desk(settings, db, clock or db_clock(db))


def find_incident(session: Session, slug: str) -> Incident:
    """The incident of that id (the facts file's), or its internal one."""
    query = select(Incident).where((Incident.slug == slug) | (Incident.id == slug))
    incident = session.exec(query).first()
    if incident is None:
        known = sorted(session.exec(select(Incident.slug)).all())
        raise BadInput(f"incident {slug!r}", "is not known here.", f"Known: {', '.join(known) or 'none yet'}.")
    return incident


def lock(session: Session, incident: Incident) -> None:
    """Others who would revise this incident's facts or obligations wait until this transaction ends (PostgreSQL)."""
    session.exec(select(Incident.id).where(Incident.id == incident.id).with_for_update()).one()


Progress = Callable[[str, int, int], None]  # stage, done, total (0: not known)


def quiet(stage: str, done: int, total: int) -> None:
    """Shows nothing."""


__all__ = ["Desk", "Progress", "find_incident", "open_desk", "quiet"]
