"""The two sums that must always add up: deliveries by state, and people by how they stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, Subquery, Table, and_, case, func, not_, or_, select
from sqlmodel import Session

from models.tables import metadata
from models.values import OPEN_STATES, PROVEN_ONLY, TOLD_STATES, Channel, DeliveryState, Role, SuppressionReason

DELIVERY: Table = metadata.tables["delivery"]
NOTICE: Table = metadata.tables["notice"]
SUBJECT: Table = metadata.tables["subject"]

# Reasons that end the matter for a person. The others end one delivery only: somebody changed and waits for a later
# wave, or was withdrawn and is listed again (who still is withdrawn is not counted at all), or a row was not what was
# approved, or an earlier rung seemed to have reached them.
FINAL_REASONS = frozenset({SuppressionReason.DECEASED, SuppressionReason.PROTECTED, SuppressionReason.DIRECTED})
WAITING_REASONS = frozenset(
    {
        SuppressionReason.CHANGED,
        SuppressionReason.LEAF_MISMATCH,
        SuppressionReason.WINDOW_OVER,
        SuppressionReason.WITHDRAWN,
    }
)


@dataclass(frozen=True, slots=True)
class PeopleCounts:
    """People in scope (not withdrawn), each counted once."""

    told: int  # a delivery was accepted or delivered, and no later evidence took it back
    public_only: int  # reached by no channel of their own, and a public notice is out
    suppressed: int  # must not be told
    unreached: int  # every rung failed, or no channel is permitted, and no public notice is out
    open: int  # something is still to do, a notice that is not prepared yet included

    @property
    def in_scope(self) -> int:
        return self.told + self.public_only + self.suppressed + self.unreached + self.open


def counts(session: Session, incident_id: str) -> dict[Channel, dict[DeliveryState, int]]:
    """Deliveries by channel and state, every state of a channel named. The states' sum is what was planned."""
    d = DELIVERY.c
    grouped = select(d.channel, d.state, func.count()).where(d.incident_id == incident_id).group_by(d.channel, d.state)
    found: dict[Channel, dict[DeliveryState, int]] = {}
    for channel, state, count in session.connection().execute(grouped):
        found.setdefault(channel, dict.fromkeys(DeliveryState, 0))[state] = count
    return found


def people_counts(session: Session, incident_id: str, public_published: bool) -> PeopleCounts:
    """How the people of an incident stand, each once. `public_published`: a public notice that covers them is out.

    The order of the cases decides: told before anything, open before any ending, suppressed before unreached. A person
    with no notice yet is open; one whose notice has an empty ladder is reached by public notice only, or by nothing.
    Who is protected must not be told: suppressed with or without a notice, and no public notice stands for them.
    """
    people = _people(incident_id).subquery()
    grouped = session.connection().execute(select(people.c.stands, func.count()).group_by(people.c.stands))
    found = {stand: count for stand, count in grouped}
    unreached = found.get("unreached", 0)
    return PeopleCounts(
        told=found.get("told", 0),
        public_only=unreached if public_published else 0,
        suppressed=found.get("suppressed", 0),
        unreached=0 if public_published else unreached,
        open=found.get("open", 0),
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """People of one place and role who stand alike."""

    residence: str
    role: Role
    stands: str  # told | open | suppressed | unreached
    people: int
    last_accepted_at: datetime | None


def standings(session: Session, incident_id: str) -> list[Standing]:
    """As people_counts, by residence and role, with the last acceptance: what an obligation to individuals needs."""
    people = _people(incident_id).subquery()
    c = people.c
    grouped = select(c.residence, c.role, c.stands, func.count(), func.max(c.first_accepted)).group_by(
        c.residence, c.role, c.stands
    )
    return [Standing(*row) for row in session.connection().execute(grouped)]


def _people(incident_id: str) -> Select[Any]:
    """One row per person in scope: where, in which role, how they stand, and when a carrier first took a notice."""
    deliveries, notices = _deliveries(incident_id), _notices(incident_id)
    stands = case(
        (deliveries.c.told == 1, "told"),
        (deliveries.c.open == 1, "open"),
        (or_(deliveries.c.ended == 1, SUBJECT.c.protected.is_(True)), "suppressed"),
        (deliveries.c.waiting == 1, "open"),
        (deliveries.c.told == 0, "unreached"),  # deliveries exist, and none of the above
        (notices.c.laddered == 0, "unreached"),
        else_="open",
    )
    return (
        select(SUBJECT.c.residence, SUBJECT.c.role, stands.label("stands"), deliveries.c.first_accepted)
        .select_from(SUBJECT)
        .outerjoin(deliveries, deliveries.c.subject_id == SUBJECT.c.id)
        .outerjoin(notices, notices.c.subject_id == SUBJECT.c.id)
        .where(SUBJECT.c.incident_id == incident_id, SUBJECT.c.withdrawn.is_(False))
    )


def _any(condition: Any) -> Any:
    """1 when a row of the group meets the condition."""
    return func.max(case((condition, 1), else_=0))


def _listed(d: Any) -> Any:
    """On a list to be dialled from, called by a machine, or with the app: taken, and nothing shows yet that the person
    was told."""
    return and_(d.channel.in_(sorted(PROVEN_ONLY)), d.state == DeliveryState.ACCEPTED)


def _told(d: Any) -> Any:
    return and_(d.state.in_(sorted(TOLD_STATES)), not_(_listed(d)))


def _deliveries(incident_id: str) -> Subquery:
    """One row per person. Where laws contradict each other a wave holds two notices for one: told means both."""
    n = _by_notice(incident_id).c
    wave = (
        select(
            n.subject_id,
            func.min(n.told).label("told"),
            *(func.max(n[name]).label(name) for name in ("open", "ended", "waiting", "first_accepted")),
        )
        .group_by(n.subject_id, n.wave_id)
        .subquery()
        .c
    )
    return (
        select(
            wave.subject_id,
            *(func.max(wave[name]).label(name) for name in ("told", "open", "ended", "waiting")),
            func.min(wave.first_accepted).label("first_accepted"),
        )
        .group_by(wave.subject_id)
        .subquery()
    )


def _by_notice(incident_id: str) -> Subquery:
    d = DELIVERY.c
    return (
        select(
            d.subject_id,
            d.wave_id,
            _any(_told(d)).label("told"),
            _any(or_(d.state.in_(sorted(OPEN_STATES)), _listed(d))).label("open"),
            _any(d.suppressed_why.in_(sorted(FINAL_REASONS))).label("ended"),
            _any(d.suppressed_why.in_(sorted(WAITING_REASONS))).label("waiting"),
            func.min(case((_told(d), d.accepted_at))).label("first_accepted"),
        )
        .where(d.incident_id == incident_id)
        .group_by(d.subject_id, d.wave_id, d.notice_id)
        .subquery()
    )


def _notices(incident_id: str) -> Subquery:
    n = NOTICE.c
    return (
        select(n.subject_id, _any(n.ladder != "[]").label("laddered"))
        .where(n.incident_id == incident_id)
        .group_by(n.subject_id)
        .subquery()
    )
