"""Manners at scale: batches, domains with a limit, a cold domain's days, the ramp, complaints, a relay that is busy."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from flows.steps import deliver
from flows.steps.carriers import open_carrier
from models.tables import ReceiptRow
from models.values import Channel, Evidence, Handoff, Message
from notifiers.contract import CHANNELS

LANES = CHANNELS[Channel.EMAIL].lanes
GREEDY = "example.com"


def ready(office: Any, people: int, **emails: str) -> None:
    """`emails` maps p3 to another address for person 3."""
    office.declare(office.SHOP)
    office.scope(
        [office.customer(n, **({"email": emails[f"p{n}"]} if f"p{n}" in emails else {})) for n in range(people)]
    )
    office.sign(f"wave:{office.prepare().wave}")


def told(office: Any) -> int:
    return int(office.states()[("email", "accepted")])


class Counting:
    """A carrier that notes how many hand-offs the ledger knew of while it sent."""

    def __init__(self, carrier: Any, office: Any) -> None:
        self.carrier, self.office, self.channel, self.most = carrier, office, carrier.channel, 0

    async def send(self, message: Message) -> Handoff:
        rows = self.office.rows("delivery", channel=Channel.EMAIL)
        self.most = max(self.most, sum(row["state"] == "handing_off" for row in rows))
        answer: Handoff = await self.carrier.send(message)
        return answer

    async def look_up(self, message: Message, since: Any = None) -> Handoff | None:
        return None

    async def close(self) -> None:
        await self.carrier.close()


@pytest.mark.parametrize(("commit", "most"), [("strict", LANES), ("batch", 60)])
def test_as_many_are_in_doubt_as_the_profile_allows(commit: str, most: int, office: Any) -> None:
    office.profile("[wave]", f'[wave]\ncommit = "{commit}"')
    ready(office, 60)
    carriers: list[Counting] = []

    def opener(desk: Any, incident: Any, channel: Channel) -> Any:
        carriers.append(Counting(open_carrier(desk, incident, channel), office))
        return carriers[-1] if channel is Channel.EMAIL else carriers[-1].carrier

    done = office.send(opener=opener)
    assert told(office) == 60
    seen = max(carrier.most for carrier in carriers)
    assert (seen <= LANES) if commit == "strict" else (LANES < seen <= most)
    assert any(str(deliver.BATCH) in warning for warning in done.warnings) is (commit == "batch")


def test_what_a_batch_had_cleared_and_not_sent_when_a_fault_came_is_said_to_be_put_off(office: Any) -> None:
    office.profile("[wave]", '[wave]\ncommit = "batch"')
    ready(office, 60)

    class Broken(Counting):
        async def send(self, message: Message) -> Handoff:
            raise RuntimeError("a fault of ours")

    def opener(desk: Any, incident: Any, channel: Channel) -> Any:
        carrier = open_carrier(desk, incident, channel)
        return Broken(carrier, office) if channel is Channel.EMAIL else carrier

    with pytest.raises(RuntimeError):
        office.send(opener=opener)
    states = office.states()
    assert states[("email", "handing_off")] == LANES  # those whose send raised: in doubt until their lease is over
    assert states[("email", "ready")] == 60 - LANES
    assert all(row["code"] in ("", "not_sent") for row in office.rows("delivery") if row["state"] == "ready")


def test_a_domain_with_a_limit_is_written_to_at_its_pace_and_the_others_at_once(office: Any) -> None:
    office.profile("[wave]", f'[[limits]]\nname = "greedy"\ndomains = ["{GREEDY}"]\nper_minute = 60\nburst = 3\n[wave]')
    ready(office, 12, **{f"p{n}": f"p{n}.{office.canary(n)}@{GREEDY}" for n in range(8)})
    done = office.send()
    assert (told(office), done.waiting) == (4 + 3, 5)
    waiting = [row for row in office.rows("delivery", channel=Channel.EMAIL) if row["state"] == "ready"]
    now = office.desk.now()
    assert sorted((row["not_before"] - now).total_seconds() for row in waiting) == pytest.approx([1, 2, 3, 4, 5], abs=1)
    assert {row["attempts"] for row in waiting} == {0}  # to wait for one's turn is no attempt
    office.pass_time(seconds=10)
    office.send()
    assert told(office) == 12  # who has waited once does not wait again
    assert len(office.events("delivery.paced")) == 5


def test_a_cold_domain_writes_to_more_people_each_day(office: Any) -> None:
    office.profile("[wave]", "[warm_up]\nstart = 4\ngrowth = 2.0\n[wave]")
    ready(office, 20)
    counts = []
    for _ in range(4):
        office.send()
        counts.append(told(office))
        office.pass_time(days=1)
    assert counts == [4, 12, 20, 20]


def test_a_ramp_stops_for_an_hour_and_the_rest_follows(office: Any) -> None:
    office.profile("[wave]", "[wave]\nramp = 0.25\nramp_minutes = 60")
    ready(office, 40)
    done = office.send()
    assert told(office) == 10
    assert "goes from" in done.warnings[-1]
    office.pass_time(minutes=30)
    office.send()
    assert told(office) == 10
    office.pass_time(minutes=31)
    office.send()
    assert told(office) == 40
    assert [len(office.events(kind)) for kind in ("ramp_reached", "ramp_passed")] == [1, 1]


def test_complaints_that_came_during_the_ramp_stop_the_wave(office: Any) -> None:
    office.profile("[wave]", "[wave]\nramp = 0.5\nramp_minutes = 60")
    ready(office, 40)
    office.send()
    row = next(r for r in office.rows("delivery", channel=Channel.EMAIL) if r["state"] == "accepted")
    now = office.desk.now()
    with office.desk.db.write() as session:
        session.add(
            ReceiptRow(
                incident_id=row["incident_id"],
                delivery_id=row["id"],
                source="dsn",
                evidence=Evidence.COMPLAINT,
                digest="d",
                at=now,
                applied_at=now,
            )
        )
    office.pass_time(minutes=61)
    done = office.send()
    assert done.stopped == "1 of 20 emails were complained about, more than 0.3%"
    assert told(office) == 20
    assert office.send().stopped and told(office) == 20
    deliver.resume(office.desk, office.slug, 1, "counsel", "one reader took it for spam; the words are right")
    office.send()
    assert told(office) == 40


def test_a_busy_relay_is_left_alone_and_nobody_else_is_tried_meanwhile(office: Any) -> None:
    ready(office, 100, **{f"p{n}": office.marked(n, "busy") for n in range(100)})
    office.send()
    tried = [row for row in office.rows("delivery", channel=Channel.EMAIL) if row["attempts"] and row["code"]]
    assert 0 < len(tried) <= LANES
    office.pass_time(minutes=6)
    office.send()
    assert office.states()[("email", "ready")] + told(office) == 100  # nobody was given up


def test_a_wave_of_people_whose_turn_is_later_keeps_its_sums(office: Any) -> None:
    office.profile("[wave]", "[warm_up]\nstart = 3\nmost = 3\n[wave]")
    ready(office, 7)
    for _ in range(3):
        office.send()
        office.pass_time(days=1)
    assert told(office) == 7
    first = min(row["handed_at"] for row in office.rows("delivery", channel=Channel.EMAIL))
    last = max(row["handed_at"] for row in office.rows("delivery", channel=Channel.EMAIL))
    assert last - first == timedelta(days=2)
