"""Trouble on the way: broken lines, lost answers, frozen workers, a locked database, a full disk."""

from __future__ import annotations

import asyncio
import resource
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import psycopg
from sqlalchemy import create_engine

from flows.steps import deliver, settle
from flows.steps.carriers import open_carrier
from models import session as database
from models.values import Handoff, Message, Outcome, Wording
from notifiers.letter.queue import LetterQueue

# Mark of the address, which says what the relay does the first time -> copies that it has in the end.
CERTAIN = {"hangup": 1, "busy": 1, "softbounce": 1}  # nothing can have been taken
COPIES = {"drop": 2, **CERTAIN, "cutbody": 1}  # the last one breaks so late that the dot may have left, or not


def test_a_line_that_breaks_after_the_final_dot_is_sent_once_more_under_the_same_identity_and_listed(
    office: Any,
) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(n, email=office.marked(n, mark)) for n, mark in enumerate(COPIES)])
    office.launch()
    assert office.states_of(0) == {"email": "unknown"}
    office.settle()
    assert office.send(1).outcomes == {} and office.states_of(0) == {"email": "unknown"}, "it waits for a bounce first"
    for _ in range(4):
        office.pass_time(minutes=16)
        office.settle()
        office.send(1)
    assert [office.mails()[office.canary(n)] for n in range(len(COPIES))] == list(COPIES.values())
    assert office.people() == {"told": len(COPIES)}
    flagged = [row["subject_id"] for row in office.rows("delivery") if row["possible_duplicate"]]
    assert office.subject(0) in flagged and set(flagged) <= {office.subject(0), office.subject(len(COPIES) - 1)}
    dropped = office.rows("delivery", subject_id=office.subject(0))[0]["id"]
    assert dropped in office.status()["exceptions"]["possible_duplicates"]
    copies = [entry for entry in office.sink.accepted if entry["delivery"] == dropped]
    assert len({entry["message_id"] for entry in copies}) == 1 and [entry["copy"] for entry in copies] == [1, 2]


def test_a_text_whose_answer_was_lost_is_found_at_the_provider_and_never_sent_again(office: Any) -> None:
    office.declare(office.SHOP)
    lost = {1: "+12025550196", 2: "+12025550197"}  # the line breaks, or 500, after the provider took it
    office.scope([office.customer(n, email="", phone=phone) for n, phone in lost.items()])
    office.launch()
    assert office.states() == {("sms", "unknown"): 2}
    assert office.settle().resolved == {"accepted": 2}
    sids = {row["carrier_ref"] for row in office.rows("delivery")}
    assert sids == set(office.twilio.messages) and len(office.twilio.accepted) == 2
    office.send(1)
    assert len(office.twilio.accepted) == 2 and office.people() == {"told": 2}


def test_a_text_that_the_provider_does_not_know_waits_for_a_person(office: Any) -> None:
    office.declare(office.SHOP)
    office.scope([office.customer(1, email="", phone="+12025550198")])  # 500, and it was not taken
    office.launch()
    for _ in range(3):
        office.settle()
        office.pass_time(minutes=16)
        office.send(1)
    assert office.states() == {("sms", "unknown"): 1} and office.twilio.accepted == []
    delivery = office.status()["exceptions"]["unknown"][0]
    settle.decide_unknown(
        office.desk, office.slug, delivery, Outcome.DEFERRED, "responder", "not in the provider's log"
    )
    office.send(1)
    assert office.people() == {"told": 1} and len(office.twilio.accepted) == 1


# --- a worker that was frozen ---------------------------------------------------------------------------------------


class Frozen:
    """Sends, and its whole process stands still for a while, as a suspended machine does: meanwhile others act."""

    def __init__(self, inner: Any, meanwhile: Callable[[], None]) -> None:
        self.inner, self.meanwhile, self.channel = inner, meanwhile, inner.channel

    async def send(self, message: Message) -> Handoff:
        answer: Handoff = await self.inner.send(message)
        other = threading.Thread(target=self.meanwhile)
        other.start()
        other.join()
        return answer

    async def look_up(self, message: Message, since: Any = None) -> Handoff | None:
        return None

    async def close(self) -> None:
        await self.inner.close()


def test_a_worker_that_wakes_after_its_lease_changes_nothing_that_another_has_done_since(office: Any) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(1)])
    office.prepare()
    office.sign("wave:1")
    second, late = office.another_desk(), 0.3

    def meanwhile() -> None:
        time.sleep(late + 0.1)
        for minutes in (0, 16):
            second.clock = database.advance(second.db, second.now() + timedelta(minutes=minutes))
            settle.settle_all(second)
        deliver.deliver(second, office.slug, 1, "second")

    done = office.send(1, lease_seconds=late, opener=lambda d, i, c: Frozen(open_carrier(d, i, c), meanwhile))
    assert done.outcomes == {}, "what the sleeper saw is not written"
    row = office.rows("delivery")[0]
    assert (row["state"].value, row["attempts"], row["fence"], row["possible_duplicate"]) == ("accepted", 2, 2, True)
    assert [entry["copy"] for entry in office.sink.accepted] == [1, 2]
    assert len(office.events("delivery.accepted")) == 1 and office.verifies()


class Slow(Frozen):
    """Waits for a relay that thinks longer than the lease; the process is well."""

    async def send(self, message: Message) -> Handoff:
        answer: Handoff = await self.inner.send(message)
        await asyncio.to_thread(self.meanwhile)
        return answer


def test_a_relay_that_thinks_longer_than_the_lease_is_waited_for_and_nobody_else_takes_the_delivery(
    office: Any,
) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(1)])
    office.prepare()
    office.sign("wave:1")
    second, lease = office.another_desk(), 0.6
    found: list[str] = []

    def meanwhile() -> None:
        time.sleep(lease * 2)
        settle.settle_all(second)
        found.extend(row["state"].value for row in office.rows("delivery"))

    done = office.send(1, lease_seconds=lease, opener=lambda d, i, c: Slow(open_carrier(d, i, c), meanwhile))
    assert found == ["handing_off"], "its lease was kept"
    assert done.outcomes == {"email_accepted": 1}
    assert not office.rows("delivery")[0]["possible_duplicate"] and office.verifies()


# --- the database is busy, the disk is full -------------------------------------------------------------------------


def hold_database(url: str, seconds: float, held: threading.Event) -> None:
    """Another program's write transaction, as an external tool would make it."""
    if url.startswith("sqlite"):
        engine = create_engine(url)
        with engine.connect() as connection:
            connection.connection.driver_connection.isolation_level = None
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            held.set()
            time.sleep(seconds)
            connection.exec_driver_sql("ROLLBACK")
        engine.dispose()
        return
    with psycopg.connect(url) as connection:
        connection.execute("LOCK TABLE delivery, event IN ACCESS EXCLUSIVE MODE")
        held.set()
        time.sleep(seconds)
        connection.rollback()


def test_a_database_that_another_program_locks_for_three_seconds_is_waited_for(office: Any) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(n) for n in range(15)])
    office.prepare()
    office.sign("wave:1")
    held = threading.Event()
    holder = threading.Thread(target=hold_database, args=(office.environ["TOCSIN_DATABASE_URL"], 3.0, held))
    holder.start()
    assert held.wait(10)
    begun = time.monotonic()
    office.send(1)
    waited = time.monotonic() - begun
    holder.join()
    assert waited > 2.0, "the lock was in the way"
    assert office.people() == {"told": 15} and set(office.mails().values()) == {1} and office.verifies()


class Full:
    """The letter queue on a disk that has room for a few bytes only."""

    def __init__(self, inner: LetterQueue) -> None:
        self.inner, self.channel = inner, inner.channel

    async def send_batch(
        self, messages: Sequence[Message], wordings: Mapping[str, Wording], name: str
    ) -> list[Handoff]:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
        try:
            return await self.inner.send_batch(messages, wordings, name)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    def where(self, delivery: str) -> str:
        return self.inner.where(delivery)

    async def close(self) -> None:
        await self.inner.close()


def test_letters_on_a_full_disk_are_put_off_whole_and_printed_once_there_is_room(office: Any) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(n, consent="") for n in range(6)])
    office.prepare()
    office.sign("wave:1")
    done = office.send(1, opener=lambda d, i, c: Full(open_carrier(d, i, c)))
    letters = office.folder / "home" / "letters" / office.slug
    assert (done.outcomes, done.waiting) == ({"letter_deferred": 6}, 6)
    assert list(letters.iterdir()) == [], "no half batch, and nothing left of the attempt"
    assert office.states() == {("letter", "ready"): 6} and office.rows("letter_batch") == []
    office.pass_time(minutes=10)
    office.send(1)
    assert office.people() == {"told": 6} and len(list(letters.iterdir())) == 1
    assert [row["letters"] for row in office.rows("letter_batch")] == [6]


def test_a_wave_on_a_database_that_was_restored_from_a_copy_sends_nothing_before_it_is_armed_again(office: Any) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(n) for n in range(3)])
    office.prepare()
    office.sign("wave:1")
    database.lock_sending(office.desk.db, "restored from a copy of yesterday")
    office.refuses(database.Refused, "restored from a copy of yesterday", office.send, 1)
    database.rearm(office.desk.db)
    office.send(1)
    assert office.people() == {"told": 3}
