"""A wave of people without faces: rows that the outbox can work on, and short words for working on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models import outbox
from models.outbox import Change, Claim, NewDelivery
from models.session import Database
from models.tables import Hold, Incident, Segment, Subject, Wave, WordingRow, metadata
from models.values import Channel, DeliveryState, HoldScope, Role, WaveKind
from models.vault import Vault

LEASE = datetime(2030, 1, 1, tzinfo=UTC)  # lease time has nothing to do with civil time


@dataclass
class World:
    """One incident with one wave; deliveries are ready unless a test says otherwise."""

    db: Database
    now: datetime
    incident: str = "incident-1"
    wave: str = "wave-1"
    people: int = 0
    lease_now: datetime = LEASE
    deliveries: list[str] = field(default_factory=list)

    def add_people(self, many: int, *, ladder: str = '[["email"],["letter"]]', notices: bool = True) -> list[str]:
        """People, by number, and (unless told not) a notice for each; ids are subject-000001, notice-000001."""
        numbers = range(self.people + 1, self.people + many + 1)
        self.people += many
        with self.db.write() as session:
            outbox.bulk_insert(session, Subject, [self._subject(n) for n in numbers])
            if notices:
                outbox.bulk_insert(session, metadata.tables["notice"], [self._notice(n, ladder) for n in numbers])
        return [f"{n:06}" for n in numbers]

    def _subject(self, n: int) -> dict[str, Any]:
        return {
            "id": f"subject-{n:06}",
            "incident_id": self.incident,
            "person_index": f"index-{n}",
            "residence": "US-IL",
            "language": "en",
            "role": Role.SELF,
            "elements": "[]",
            "content_mark": "mark",
            "first_scope": 1,
            "last_scope": 1,
        }

    def _notice(self, n: int, ladder: str) -> dict[str, Any]:
        return {
            "id": f"notice-{n:06}",
            "incident_id": self.incident,
            "wave_id": self.wave,
            "subject_id": f"subject-{n:06}",
            "segment_key": "key",
            "ladder": ladder,
            "obligations": "[]",
            "sealed": b"sealed",
            "leaf": f"leaf-{n}",
            "reference": f"R{n}",
        }

    def rung(self, number: str, channel: Channel = Channel.EMAIL, rung: int = 0, **options: Any) -> NewDelivery:
        return NewDelivery(
            incident=self.incident,
            wave=self.wave,
            notice=f"notice-{number}",
            subject=f"subject-{number}",
            segment=f"segment-{channel}",
            channel=channel,
            rung=rung,
            **options,
        )

    def open(self, rungs: Sequence[NewDelivery]) -> list[str]:
        with self.db.write() as session:
            new = outbox.open_rung(session, rungs, self.now)
        self.deliveries += new
        return new

    def add_ready(self, many: int) -> list[str]:
        """People with one email each that is ready to go."""
        return self.open([self.rung(n) for n in self.add_people(many)])

    def claim(self, limit: int = 100, worker: str = "worker-1", **options: Any) -> list[Claim]:
        usual: dict[str, Any] = {"now": self.now, "lease_now": self.lease_now}
        usual |= {"channel": Channel.EMAIL, "wave_id": self.wave}
        return outbox.claim(self.db, worker=worker, limit=limit, **(usual | options))

    def hand_off(self, claims: Sequence[Claim], **options: Any) -> set[str]:
        with self.db.write() as session:
            return outbox.hand_off(session, claims, self.now, **options)

    def apply(self, changes: Sequence[Change], lane: str = "worker-1", now: datetime | None = None) -> set[str]:
        with self.db.write() as session:
            return outbox.apply(session, self.incident, lane, changes, now or self.now)

    def expire(self, seconds: float = 121) -> tuple[list[str], list[str]]:
        with self.db.write() as session:
            later = self.lease_now + timedelta(seconds=seconds)
            return outbox.expire(session, self.incident, "keeper", later, self.now)

    def hold(self, scope: HoldScope, target: str = "", **options: Any) -> str:
        hold = Hold(
            incident_id=self.incident,
            scope=scope,
            target=target,
            reason="police",
            placed_by="lead",
            placed_at=self.now,
            **options,
        )
        with self.db.write() as session:
            session.add(hold)
        return hold.id

    def rows(self, table: str = "delivery") -> list[dict[str, Any]]:
        with self.db.read() as session:
            found = session.connection().execute(metadata.tables[table].select())
            return [dict(row) for row in found.mappings()]

    def states(self) -> dict[str, DeliveryState]:
        return {row["id"]: row["state"] for row in self.rows()}


@pytest.fixture
def world(db: Database, now: datetime, vault: Vault) -> World:
    world = World(db, now)
    with db.write() as session:
        session.add(
            Incident(
                id=world.incident,
                slug="case",
                title="A case",
                opened_at=now,
                key_id=vault.key_id,
                wrapped_key=vault.new_incident_key(world.incident),
            )
        )
        session.flush()
        session.add(_wave(world))
        for channel in Channel:
            session.add(
                WordingRow(
                    id=f"wording-{channel}",
                    incident_id=world.incident,
                    channel=channel,
                    language="en",
                    body="{}",
                    digest="d",
                )
            )
        session.flush()
        for channel in Channel:
            session.add(_segment(world, channel))
    return world


def _wave(world: World) -> Wave:
    return Wave(
        id=world.wave,
        incident_id=world.incident,
        number=1,
        kind=WaveKind.FIRST,
        facts_number=1,
        prepared_by="preparer",
        prepared_at=world.now,
        plan="{}",
        digest="d",
        people=0,
        people_root="r",
        cap=10_000,
        pilot=0,
        bounce_limit=0.05,
        window_from=world.now,
        window_until=world.now + timedelta(days=3),
    )


def _segment(world: World, channel: Channel) -> Segment:
    return Segment(
        id=f"segment-{channel}",
        incident_id=world.incident,
        wave_id=world.wave,
        key="key",
        content_class="class",
        laws="[]",
        language="en",
        role=Role.SELF,
        blocks="[]",
        exposed="[]",
        channel=channel,
        people=0,
        wording_id=f"wording-{channel}",
    )


@pytest.fixture
def change() -> Callable[..., Change]:
    """A change by the worker that holds the claim; accepted from handing_off unless a test says otherwise."""

    def make(claimed: Claim, **options: Any) -> Change:
        usual: dict[str, Any] = {
            "delivery": claimed.delivery,
            "fence": claimed.fence,
            "from_states": frozenset({DeliveryState.HANDING_OFF}),
            "to_state": DeliveryState.ACCEPTED,
            "kind": "delivery.accepted",
            "at": datetime(2026, 3, 2, 9, 31, tzinfo=UTC),
        }
        return Change(**(usual | options))

    return make
