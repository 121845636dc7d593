"""Holds stop what they name, at once, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from flows.steps import approvals, file_reports, publish
from flows.steps.carriers import open_carrier
from models.values import BadInput, Channel, Handoff, HoldScope, Message, RecipientKind, Refused, Seat
from notifiers.contract import CHANNELS

ANSWERS = {
    "filed_by": "covered_entity",
    "entity_type": "provider",
    "associate_involved": "no",
    "breach_type": ["loss"],
    "safeguards": ["privacy", "physical"],
    "actions": ["policies", "training", "physical"],
    "attested_by": "Privacy officer (exercise)",
}
ANNUAL = "us-hipaa/regulator/US/annual"

LANES = CHANNELS[Channel.EMAIL].lanes


class Interrupted:
    """A carrier that does something once, while its first group of messages is under way."""

    def __init__(self, carrier: Any, act: Callable[[], None]) -> None:
        self.carrier, self.act, self.channel, self.sent = carrier, act, carrier.channel, 0

    async def send(self, message: Message) -> Handoff:
        self.sent += 1
        if self.sent == 1:
            self.act()
        answer: Handoff = await self.carrier.send(message)
        return answer

    async def look_up(self, message: Message, since: Any = None) -> Handoff | None:
        return None

    async def close(self) -> None:
        await self.carrier.close()


def opener(act: Callable[[], None]) -> Any:
    return lambda desk, incident, channel: Interrupted(open_carrier(desk, incident, channel), act)


def place(office: Any, scope: HoldScope, target: str = "", until: Any = None) -> None:
    approvals.hold(office.desk, office.slug, scope, target, "the police asked", "responder", until)


def ready(office: Any, people: int = 30) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(n) for n in range(people)])
    office.prepare()
    office.sign("wave:1")


def test_a_police_delay_stops_a_wave_midway_and_filings_still_go(office: Any) -> None:
    ready(office)
    second = office.another_desk()

    def delay() -> None:
        kind = RecipientKind.NOTICES.value
        approvals.hold(second, office.slug, HoldScope.RECIPIENT_KIND, kind, "the police asked", "officer")

    done = office.send(1, opener=opener(delay))
    assert len(office.sink.accepted) == LANES, "those that were under way, and no other"
    assert (done.open, office.states()["email", "ready"]) == (30 - LANES, 30 - LANES)
    assert office.send(1).outcomes == {}

    file_reports.prepare_reports(office.desk, office.slug, "responder", only=ANNUAL, judged=ANSWERS)
    office.sign(f"filing:{ANNUAL}", "counsel")
    office.enrol("second", Seat.DPO)
    office.sign(f"filing:{ANNUAL}", "second")
    assert file_reports.write(office.desk, office.slug, ANNUAL).folder is not None

    assert approvals.release(office.desk, office.slug, "officer") == 1
    office.send(1)
    assert len(office.sink.accepted) == 30 and set(office.mails().values()) == {1}


def test_a_hold_on_filings_stops_filings_and_not_notices(office: Any) -> None:
    ready(office, 2)
    place(office, HoldScope.RECIPIENT_KIND, RecipientKind.FILINGS.value)
    file_reports.prepare_reports(office.desk, office.slug, "responder", only=ANNUAL, judged=ANSWERS)
    office.sign(f"filing:{ANNUAL}")
    office.refuses(Refused, "filings are held: the police asked", file_reports.write, office.desk, office.slug, ANNUAL)
    office.send(1)
    assert office.people() == {"told": 2}


def test_a_held_wave_is_not_launched(office: Any) -> None:
    ready(office, 2)
    place(office, HoldScope.INCIDENT)
    office.refuses(Refused, "wave 1 is held: the police asked", office.send, 1)
    assert office.rows("wave")[0]["launched_at"] is None


def test_a_hold_on_a_channel_or_a_person_leaves_the_others_alone_until_it_is_released_or_over(office: Any) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(n, consent="" if n < 3 else "yes") for n in range(6)])
    office.prepare()
    office.sign("wave:1")
    place(office, HoldScope.CHANNEL, "letter", office.desk.now() + timedelta(hours=2))
    place(office, HoldScope.PERSON, office.subject(5))
    office.send(1)
    assert office.states() == {("letter", "ready"): 3, ("email", "accepted"): 2, ("email", "ready"): 1}
    assert office.status()["people"]["open"] == 4, "held people are open, not lost"

    office.pass_time(hours=3)
    office.send(1)
    assert office.states()["letter", "accepted"] == 3 and office.states_of(5) == {"email": "ready"}

    hold = next(row["id"] for row in office.rows("hold") if row["scope"] is HoldScope.PERSON)
    assert approvals.release(office.desk, office.slug, "officer", hold[:8]) == 1
    office.send(1)
    assert office.people() == {"told": 6}
    assert {row["body"]["by"] for row in office.events("hold_released")} == {"officer"}


def test_a_hold_on_what_is_public_stops_the_page_only(office: Any) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(0), *(office.person(100 + n, **office.NOWHERE) for n in range(10))])
    office.launch()
    place(office, HoldScope.RECIPIENT_KIND, RecipientKind.PUBLIC.value)
    office.refuses(Refused, "public notices are held", publish.publish, office.desk, office.slug, "responder")
    approvals.release(office.desk, office.slug, "officer")
    assert publish.publish(office.desk, office.slug, "responder").version == 1


def test_a_hold_without_a_reason_is_not_placed(office: Any) -> None:
    ready(office, 1)
    with pytest.raises(BadInput, match="A hold says why"):
        approvals.hold(office.desk, office.slug, HoldScope.INCIDENT, "", " ", "responder")
    assert office.rows("hold") == []
