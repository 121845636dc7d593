"""Limits that many workers share, in the database: token buckets for domains, a day's allowance for a warm-up.

Who comes when a bucket is empty is given an instant at which there will be room, and room is kept for them: what has
waited once does not wait again. Time is the lease clock's for buckets, the civil day's for allowances.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Table, select
from sqlmodel import Session

from models.tables import metadata
from models.values import BadInput

PACED = "paced"  # the code of a delivery that waits for its turn
LIMIT: Table = metadata.tables["send_limit"]
_DAYS_AHEAD = 3_650


@dataclass(frozen=True, slots=True)
class Limit:
    """Mails a minute to a group of domains: `example.org`, or `*.example.org` for all below it."""

    name: str
    domains: tuple[str, ...]
    per_minute: float
    burst: int = 0  # at once; by default a minute's worth

    def covers(self, domain: str) -> bool:
        return any(domain == d or (d.startswith("*.") and domain.endswith(d[1:])) for d in map(str.lower, self.domains))

    @property
    def room(self) -> float:
        return float(self.burst or max(1, int(self.per_minute)))


def find(limits: Sequence[Limit], email: str) -> Limit | None:
    """The first limit that covers an address's domain."""
    domain = email.rpartition("@")[2].lower()
    return next((limit for limit in limits if limit.covers(domain)), None)


@dataclass(frozen=True, slots=True)
class Bucket:
    tokens: float  # below zero: kept for those who wait
    at: datetime  # lease time


def drawn(limit: Limit, bucket: Bucket | None, wanted: int, now: datetime) -> tuple[Bucket, list[float]]:
    """The bucket after `wanted` mails, and how many seconds each of them has to wait. Pure."""
    if limit.per_minute <= 0:
        raise BadInput(f"[[limits]] {limit.name}", "per_minute must be above zero.")
    rate = limit.per_minute / 60
    passed = max(0.0, (now - bucket.at).total_seconds()) if bucket else 0.0  # a clock that steps back fills nothing
    had = min(limit.room, bucket.tokens + passed * rate) if bucket else limit.room
    return Bucket(had - wanted, now), [max(0.0, (n + 1 - had) / rate) for n in range(wanted)]


def take(session: Session, limit: Limit, wanted: int, now: datetime) -> list[float]:
    """As `drawn`, from the bucket that all workers draw from, in the session's transaction. `now` is lease time."""
    name = f"domains/{limit.name}"
    row = _locked(session, name)
    bucket, waits = drawn(limit, Bucket(row.used, row.at) if row else None, wanted, now)
    _store(session, name, bucket.tokens, bucket.at, row is not None)
    return waits


def seats(
    session: Session, name: str, allowance: Callable[[date], int | None], wanted: int, today: date, now: datetime
) -> list[date]:
    """A day for each of `wanted` mails, today or later, in the order of days; each is kept for them.

    BadInput when ten years don't hold them.
    """
    given: list[date] = []
    day = today
    while len(given) < wanted:
        if (day - today).days > _DAYS_AHEAD:
            raise BadInput("[warm_up]", "lets too few go to end within ten years.", "Raise start or most.")
        given += [day] * _seated(session, f"{name}/{day.isoformat()}", allowance(day), wanted - len(given), now)
        day += timedelta(days=1)
    return given


def _seated(session: Session, name: str, allowance: int | None, wanted: int, now: datetime) -> int:
    if allowance is None:
        return wanted
    row = _locked(session, name)
    taken = min(wanted, max(0, allowance - int(row.used if row else 0)))
    if taken:
        _store(session, name, float((row.used if row else 0) + taken), now, row is not None)
    return taken


def _locked(session: Session, name: str) -> Any:
    query = select(LIMIT.c.used, LIMIT.c.at).where(LIMIT.c.name == name).with_for_update()
    return session.connection().execute(query).first()


def _store(session: Session, name: str, used: float, at: datetime, known: bool) -> None:
    """Two workers who make the same row at once: the second's transaction fails as a whole, and is made again."""
    values = {"used": used, "at": at}
    statement = LIMIT.update().where(LIMIT.c.name == name) if known else LIMIT.insert().values(name=name)
    session.connection().execute(statement.values(**values))
