"""Quiet hours of texts and mails: whose night it is, and the named decision to write at night all the same.

The hours are the organisation's policy ([texts] and [emails] of the profile), never a law's. A text that waits is put
off and uses up no attempt. Where a law's hour comes before the person's morning, a person may decide for one wave.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Table, select
from sqlmodel import Session

from flows.steps.desk import Desk, find_incident
from flows.steps.launching import find_wave
from models.tables import Incident, metadata
from models.values import BadInput, Channel, Handoff, Message, Outcome, Wording
from models.zones import zones_of_place
from notifiers.contract import Pouring
from planning.hours import left, wait, zones_for

if TYPE_CHECKING:
    from datetime import datetime

    from models.profile import Emails, Texts

DELIVERY, SUBJECT, EVENT = (metadata.tables[name] for name in ("delivery", "subject", "event"))
LIFTED = "quiet_hours_lifted"
DAY = 86_400.0  # seconds


@dataclass(frozen=True, slots=True)
class Night:
    """The hours of one channel for the people of one incident."""

    desk: Desk
    hours: Texts | Emails
    lifted: frozenset[str]  # waves that a person sent into the night

    def window(self, message: Message) -> tuple[float, float]:
        """Seconds until the message may leave, 0 when it may; and seconds until it may no more, a day at most."""
        if (self.hours.first, self.hours.last) == (0, 24):
            return 0.0, DAY
        zones, wave = self._of(message)
        if wave in self.lifted:
            return 0.0, DAY
        hours = (self.hours.first, self.hours.last, self.desk.profile.organisation.timezone)
        now = self.desk.now()
        return wait(now, zones, *hours), left(now, zones, *hours) or DAY

    def _of(self, message: Message) -> tuple[tuple[str, ...], str]:
        """The person's zones, from residence and number, and the wave."""
        from models.intake.contacts import zones_of

        query = select(SUBJECT.c.residence, DELIVERY.c.wave_id).select_from(
            DELIVERY.join(SUBJECT, DELIVERY.c.subject_id == SUBJECT.c.id)
        )
        with self.desk.db.read() as session:
            row = session.connection().execute(query.where(DELIVERY.c.id == message.delivery)).first()
        residence, wave = row if row else ("", "")
        number = zones_of(message.to.phone) if message.to.phone else ()
        return zones_for(zones_of_place(residence or message.to.country), number), wave


def night(desk: Desk, incident: Incident, hours: Texts | Emails) -> Night:
    with desk.db.read() as session:
        return Night(desk, hours, _lifted(session, incident))


def _lifted(session: Session, incident: Incident) -> frozenset[str]:
    e: Table = EVENT
    query = select(e.c.subject).where(e.c.incident_id == incident.id, e.c.kind == LIFTED)
    return frozenset(session.connection().execute(query).scalars())


def lift(desk: Desk, slug: str, number: int, person: str, reason: str) -> None:
    """A named person sends one wave at night too; what waits for the morning leaves with the next run."""
    if not person.strip() or not reason.strip():
        raise BadInput("--at-night", "needs a person and a reason.", "Say which hour comes before the morning.")
    with desk.db.write() as session:
        incident = find_incident(session, slug)
        wave = find_wave(session, incident, number)
        desk.log(session, incident.id, LIFTED, wave.id, by=person, reason=reason)
        waiting = DELIVERY.update().where(
            DELIVERY.c.wave_id == wave.id, DELIVERY.c.state == "ready", DELIVERY.c.code == "quiet_hours"
        )
        session.connection().execute(waiting.values(not_before=None))


# --- email ----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Hushed:
    """A carrier that pours its own messages, with hours before it. Only made where the profile sets some."""

    inner: Pouring
    night: Night

    @property
    def channel(self) -> Channel:
        return self.inner.channel

    def learn(self, wordings: Mapping[str, Wording]) -> None:
        self.inner.learn(wordings)

    async def send(self, message: Message) -> Handoff:
        """See notifiers.contract.Carrier."""
        seconds, _ = self.night.window(message)
        if seconds:
            return Handoff(message.delivery, Outcome.DEFERRED, "quiet_hours", retry_after=seconds, host_wide=True)
        return await self.inner.send(message)

    async def look_up(self, message: Message, since: datetime | None = None) -> Handoff | None:
        """See notifiers.contract.Carrier."""
        return await self.inner.look_up(message, since)

    async def close(self) -> None:
        await self.inner.close()
