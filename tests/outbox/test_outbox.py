"""The outbox: who gets a delivery, whose word about it counts, and that nobody is lost or counted twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from models import ledger, outbox
from models.outbox import Change, Claim, without_people
from models.session import Database, lock_sending, rearm
from models.tables import Subject, Wave
from models.values import Channel, DeliveryState, HoldScope, Refused, SuppressionReason

S = DeliveryState
Changer = Callable[..., Change]


def _ids(claims: Sequence[Claim]) -> list[str]:
    return [c.delivery for c in claims]


# --- claiming -------------------------------------------------------------------------------------------------------


def test_a_claim_holds_what_sending_needs(world: Any) -> None:
    (delivery,) = world.add_ready(1)
    (got,) = world.claim()
    assert got == Claim(
        delivery=delivery,
        notice="notice-000001",
        subject="subject-000001",
        segment="segment-email",
        wave="wave-1",
        incident="incident-1",
        wording_id="wording-email",
        channel=Channel.EMAIL,
        rung=0,
        attempt=1,
        fence=1,
        sealed=b"sealed",
        leaf="leaf-1",
        reference="R1",
        segment_key="key",
        ladder='[["email"],["letter"]]',
        withdrawn=False,
        protected=False,
        changed_at=None,
        possible_duplicate=False,
    )
    (row,) = world.rows()
    assert (row["state"], row["worker"], row["lease_until"]) == (
        S.CLAIMED,
        "worker-1",
        world.lease_now + timedelta(seconds=120),
    )


def test_what_is_claimed_is_not_claimed_again(world: Any) -> None:
    world.add_ready(5)
    first, second, third = world.claim(3), world.claim(3), world.claim(3)
    assert (len(first), len(second), third) == (3, 2, [])
    assert set(_ids(first)).isdisjoint(_ids(second))


def test_claims_of_threads_are_disjoint_and_leave_nobody_out(world: Any) -> None:
    every = world.add_ready(300)

    def drain(worker: str) -> list[str]:
        mine: list[str] = []
        while got := world.claim(7, worker=worker):
            mine += _ids(got)
        return mine

    with ThreadPoolExecutor(4) as pool:
        shares = list(pool.map(drain, [f"worker-{n}" for n in range(4)]))
    taken = Counter(d for share in shares for d in share)
    assert set(taken) == set(every)
    assert set(taken.values()) == {1}


_CLAIMER = """
import sys
from datetime import datetime
from models import outbox
from models.session import open_database
from models.values import Channel
db = open_database(sys.argv[1])
now = datetime.fromisoformat(sys.argv[2])
print("up", flush=True)
sys.stdin.readline()
fixed = {"wave_id": "wave-1", "channel": Channel.EMAIL, "worker": sys.argv[3], "now": now, "lease_now": now}
while got := outbox.claim(db, limit=5, **fixed):
    for claim in got:
        print(claim.delivery, flush=True)
"""


def test_claims_of_processes_are_disjoint_and_leave_nobody_out(world: Any, ready_url: str) -> None:
    every = world.add_ready(120)
    workers = [_python(_CLAIMER, ready_url, world.now.isoformat(), f"worker-{n}") for n in range(2)]
    try:
        for worker in workers:
            assert worker.stdout is not None and worker.stdout.readline() == "up\n"
        shares = [worker.communicate("go\n", timeout=60)[0].split() for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    taken = Counter(d for share in shares for d in share)
    assert set(taken) == set(every)
    assert set(taken.values()) == {1}


def _python(code: str, *args: str) -> subprocess.Popen[str]:
    root = Path(outbox.__file__).parents[1]
    environment = os.environ | {"PYTHONPATH": str(root)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "-c", code, *args], text=True, env=environment, **pipes)  # type: ignore[call-overload,no-any-return]


def test_a_delivery_waits_for_its_not_before_in_civil_time(world: Any) -> None:
    number, *_ = world.add_people(1)
    world.open([world.rung(number, not_before=world.now + timedelta(minutes=15))])
    assert world.claim() == []
    assert world.claim(now=world.now + timedelta(minutes=14, seconds=59)) == []
    assert len(world.claim(now=world.now + timedelta(minutes=15))) == 1


def test_a_pilot_claim_takes_the_pilot_only(world: Any) -> None:
    numbers = world.add_people(6)
    world.open([world.rung(n, pilot=n in numbers[:2]) for n in numbers])
    assert {c.subject for c in world.claim(pilot_only=True)} == {f"subject-{n}" for n in numbers[:2]}
    assert len(world.claim()) == 4


@pytest.mark.parametrize("state", [s for s in S if s is not S.READY])
def test_only_what_is_ready_is_claimed(world: Any, state: S) -> None:
    number, *_ = world.add_people(1)
    why = SuppressionReason.DECEASED if state is S.SUPPRESSED else None
    world.open([world.rung(number, state=state, suppressed_why=why)])
    assert world.claim() == []


def test_a_channel_and_a_wave_take_only_their_own(world: Any) -> None:
    numbers = world.add_people(2)
    world.open([world.rung(numbers[0], Channel.SMS), world.rung(numbers[1], Channel.LETTER)])
    assert world.claim() == []
    assert world.claim(channel=Channel.SMS, wave_id="wave-2") == []
    assert [c.channel for c in world.claim(channel=Channel.SMS)] == [Channel.SMS]


def test_planned_deliveries_become_ready_at_launch_the_pilot_first(world: Any) -> None:
    numbers = world.add_people(3)
    world.open([world.rung(n, state=S.PLANNED, pilot=n == numbers[0]) for n in numbers])
    for pilot_only, count in ((True, 1), (False, 2), (False, 0)):
        with world.db.write() as session:
            made = outbox.make_ready(session, world.incident, "lead", world.wave, world.now, pilot_only=pilot_only)
        assert made == count
    assert [r["body"] for r in world.rows("event")] == [
        '{"deliveries":1,"pilot":true}',
        '{"deliveries":2,"pilot":false}',
    ]
    assert len(world.claim()) == 3


def test_claiming_walks_an_index_and_not_the_table(world: Any, backend: str) -> None:
    if backend == "sqlite":
        plan = "EXPLAIN QUERY PLAN "
        with world.db.read() as session:
            ready = "SELECT id FROM delivery WHERE wave_id = 'w' AND channel = 'email' AND state = 'ready' "
            steps = [row[3] for row in session.connection().execute(text(plan + ready + "ORDER BY urgency, id"))]
            assert len(steps) == 1, "the index has them in order"
            leased = "SELECT id FROM delivery WHERE incident_id = 'i' AND state IN ('claimed', 'handing_off') "
            steps += [row[3] for row in session.connection().execute(text(plan + leased + "AND lease_until < 9"))]
        assert "ix_delivery_ready (wave_id=? AND channel=?)" in steps[0]
        assert "ix_delivery_leased (incident_id=? AND lease_until<?)" in steps[1]
        return
    with world.db.read() as session:
        found = session.connection().execute(text("SELECT indexdef FROM pg_indexes WHERE tablename = 'delivery'"))
        indexes = " ".join(found.scalars())
    assert "(wave_id, channel, urgency, id) WHERE (state = 'ready'::text)" in indexes


# --- holds ----------------------------------------------------------------------------------------------------------

HOLDS = {
    "the incident": (HoldScope.INCIDENT, "", 0),
    "the wave": (HoldScope.WAVE, "wave-1", 0),
    "the channel": (HoldScope.CHANNEL, "email", 0),
    "notices": (HoldScope.RECIPIENT_KIND, "notices", 0),
    "one person": (HoldScope.PERSON, "subject-000002", 2),
    "another wave": (HoldScope.WAVE, "wave-2", 3),
    "another channel": (HoldScope.CHANNEL, "letter", 3),
    "filings": (HoldScope.RECIPIENT_KIND, "filings", 3),
    "a stranger": (HoldScope.PERSON, "subject-000009", 3),
}


@pytest.mark.parametrize(("scope", "target", "left"), HOLDS.values(), ids=HOLDS.keys())
def test_a_hold_stops_what_it_names_at_claim(world: Any, scope: HoldScope, target: str, left: int) -> None:
    world.add_ready(3)
    world.hold(scope, target)
    got = world.claim()
    assert len(got) == left
    assert target not in {c.subject for c in got}


@pytest.mark.parametrize(("scope", "target", "left"), HOLDS.values(), ids=HOLDS.keys())
def test_a_hold_between_claim_and_hand_off_stops_it_too(world: Any, scope: HoldScope, target: str, left: int) -> None:
    world.add_ready(3)
    claims = world.claim()
    world.hold(scope, target)
    going = world.hand_off(claims, lane="worker-1")
    assert len(going) == left == len(world.rows("event"))
    assert Counter(world.states().values()) == Counter({S.HANDING_OFF: left, S.CLAIMED: 3 - left})
    world.expire()
    assert Counter(world.states().values()) == Counter({S.UNKNOWN: left, S.READY: 3 - left})


def test_a_hold_that_ended_or_was_released_stops_nothing(world: Any) -> None:
    world.add_ready(1)
    world.hold(HoldScope.INCIDENT, until=world.now)
    world.hold(HoldScope.WAVE, "wave-1", released_at=world.now, released_by="lead")
    assert len(world.claim()) == 1


def test_a_hold_with_an_end_stops_until_then(world: Any) -> None:
    world.add_ready(1)
    world.hold(HoldScope.INCIDENT, until=world.now + timedelta(hours=1))
    assert world.claim(now=world.now + timedelta(minutes=59)) == []
    assert len(world.claim(now=world.now + timedelta(minutes=60))) == 1


def test_a_wave_that_stopped_itself_hands_off_nothing_more(world: Any) -> None:
    world.add_ready(2)
    claims = world.claim(1)
    with world.db.write() as session:
        session.get_one(Wave, world.wave).stopped_at = world.now
    assert world.claim() == []
    assert world.hand_off(claims) == set()


def test_a_restored_database_sends_nothing_until_it_is_rearmed(world: Any) -> None:
    world.add_ready(2)
    claims = world.claim(1)
    lock_sending(world.db, "restored from a copy")
    with pytest.raises(Refused, match="Sending is locked: restored from a copy"):
        world.claim()
    with pytest.raises(Refused, match="Sending is locked"):
        world.hand_off(claims)
    rearm(world.db)
    assert world.hand_off(claims) == set(_ids(claims))


# --- fences, leases, crashes ----------------------------------------------------------------------------------------


def test_a_worker_that_slept_past_its_lease_changes_nothing(world: Any, change: Changer) -> None:
    world.add_ready(1)
    (old,) = world.claim(worker="sleeper")
    assert world.expire() == ([old.delivery], [])
    (new,) = world.claim(worker="successor")
    assert (new.fence, new.attempt) == (2, 2)
    assert world.hand_off([old]) == set()
    assert world.hand_off([new]) == {new.delivery}
    assert world.apply([change(old)]) == set()
    assert world.states() == {new.delivery: S.HANDING_OFF}
    assert world.apply([change(new)]) == {new.delivery}


def test_a_kill_between_hand_off_and_record_leaves_unknown_after_the_lease(world: Any) -> None:
    ids = world.add_ready(2)
    claims = world.claim()
    world.hand_off(claims[:1])
    assert world.expire(seconds=119) == ([], []), "the leases still hold"
    assert world.expire(seconds=121) == ([claims[1].delivery], [claims[0].delivery])
    assert world.states() == {claims[0].delivery: S.UNKNOWN, claims[1].delivery: S.READY}
    assert world.expire(seconds=121) == ([], [])
    assert sorted(r["kind"] for r in world.rows("event")) == ["delivery.released", "delivery.unknown"]
    assert len(ids) == 2


_VICTIM = """
import sys, time
from datetime import datetime
from models import outbox
from models.session import open_database
from models.values import Channel
db = open_database(sys.argv[1])
now, lease = (datetime.fromisoformat(a) for a in sys.argv[2:4])
got = outbox.claim(db, wave_id="wave-1", channel=Channel.EMAIL, worker="victim", limit=3, now=now, lease_now=lease)
with db.write() as session:
    outbox.hand_off(session, got[:2], now, lane="victim")
writing = db.write()
session = writing.__enter__()
outbox.hand_off(session, got[2:], now, lane="victim")
print("sending", flush=True)
time.sleep(60)
"""


def test_a_worker_that_is_really_killed_loses_nobody(world: Any, ready_url: str) -> None:
    """Two were handed off and committed; the third hand-off was not committed when the kill came."""
    world.add_ready(5)
    victim = _python(_VICTIM, ready_url, world.now.isoformat(), world.lease_now.isoformat())
    try:
        assert victim.stdout is not None and victim.stdout.readline() == "sending\n"
        victim.send_signal(signal.SIGKILL)
    finally:
        victim.kill()
        victim.communicate(timeout=20)
    ready, unknown = world.expire()
    assert (len(ready), len(unknown)) == (1, 2)
    assert Counter(world.states().values()) == Counter({S.READY: 3, S.UNKNOWN: 2})
    with world.db.read() as session:
        assert ledger.verify(session, world.incident).ok


def test_the_worker_itself_may_still_say_what_became_of_an_unknown(world: Any, change: Changer) -> None:
    """Expiry keeps the fence: as long as nobody claimed the row again, the late word of its worker is good."""
    world.add_ready(1)
    claims = world.claim()
    world.hand_off(claims)
    world.expire()
    late = change(claims[0], from_states=frozenset({S.HANDING_OFF, S.UNKNOWN}))
    assert world.apply([late]) == {claims[0].delivery}


def test_a_lease_can_be_prolonged_while_it_is_ours(world: Any) -> None:
    world.add_ready(2)
    kept, lost = world.claim(1), world.claim(1)
    with world.db.write() as session:
        assert outbox.renew(session, kept, world.lease_now + timedelta(seconds=100)) == set(_ids(kept))
    assert world.expire(seconds=121) == (_ids(lost), [])
    with world.db.write() as session:
        assert outbox.renew(session, [*kept, *lost], world.lease_now + timedelta(seconds=121)) == set(_ids(kept))


# --- recording ------------------------------------------------------------------------------------------------------


def test_an_accepted_delivery_keeps_its_reference_code_and_time(world: Any, change: Changer) -> None:
    world.add_ready(1)
    (mine,) = claims = world.claim()
    world.hand_off(claims)
    world.apply([change(mine, code="250 2.0.0", reference="queued-1")], now=world.now + timedelta(minutes=2))
    (row,) = world.rows()
    assert {
        k: row[k] for k in ("state", "code", "carrier_ref", "worker", "lease_until", "accepted_at", "handed_at")
    } == {
        "state": S.ACCEPTED,
        "code": "250 2.0.0",
        "carrier_ref": "queued-1",
        "worker": "",
        "lease_until": None,
        "accepted_at": change(mine).at,
        "handed_at": world.now,
    }
    (event,) = world.rows("event")
    assert (event["kind"], event["subject"], event["lane"]) == ("delivery.accepted", mine.delivery, "worker-1")
    assert event["at"] == world.now + timedelta(minutes=2)
    assert event["body"] == (
        '{"at":"2026-03-02T09:31:00Z","code":"250 2.0.0","fence":1,"from":"handing_off",'
        '"reference":"queued-1","to":"accepted"}'
    )


def test_a_deferred_delivery_goes_again_later(world: Any, change: Changer) -> None:
    world.add_ready(1)
    claims = world.claim()
    world.hand_off(claims)
    later = world.now + timedelta(minutes=15)
    world.apply([change(claims[0], to_state=S.READY, kind="delivery.deferred", not_before=later, code="451 4.7.1")])
    assert world.claim() == []
    (again,) = world.claim(now=later)
    assert (again.delivery, again.attempt, again.fence) == (claims[0].delivery, 2, 2)


def test_late_evidence_moves_forward_once(world: Any, change: Changer) -> None:
    world.add_ready(1)
    claims = world.claim()
    world.hand_off(claims)
    world.apply([change(claims[0], reference="queued-1")])
    bounce = change(
        claims[0],
        fence=None,
        from_states=frozenset({S.ACCEPTED, S.DELIVERED}),
        to_state=S.UNDELIVERABLE,
        kind="delivery.bounced",
        code="5.1.1",
    )
    assert world.apply([bounce], lane="settle") == {claims[0].delivery}
    assert world.apply([bounce], lane="settle") == set()
    (row,) = world.rows()
    assert (row["state"], row["carrier_ref"], row["code"]) == (S.UNDELIVERABLE, "queued-1", "5.1.1")
    assert row["accepted_at"] is not None
    assert len(world.rows("event")) == 2


def test_changes_of_one_call_build_on_each_other(world: Any, change: Changer) -> None:
    world.add_ready(1)
    (mine,) = claims = world.claim()
    world.hand_off(claims)
    arrived = change(mine, from_states=frozenset({S.ACCEPTED}), to_state=S.DELIVERED, kind="delivery.delivered")
    assert world.apply([change(mine, reference="sid"), arrived, arrived]) == {mine.delivery}
    assert [r["kind"] for r in world.rows("event")] == ["delivery.accepted", "delivery.delivered"]
    assert (world.rows()[0]["state"], world.rows()[0]["carrier_ref"]) == (S.DELIVERED, "sid")


def test_a_possible_duplicate_stays_flagged(world: Any, change: Changer) -> None:
    world.add_ready(1)
    claims = world.claim()
    world.hand_off(claims)
    world.expire()
    resend = change(
        claims[0], from_states=frozenset({S.UNKNOWN}), to_state=S.READY, kind="delivery.resent", possible_duplicate=True
    )
    world.apply([resend])
    again = world.claim()
    assert again[0].possible_duplicate
    world.hand_off(again)
    world.apply([change(again[0])])
    assert world.rows()[0]["possible_duplicate"] is True


def test_a_suppressed_delivery_names_its_reason(world: Any, change: Changer) -> None:
    world.add_ready(1)
    (mine,) = world.claim()
    why = SuppressionReason.LEAF_MISMATCH
    suppress = change(
        mine, from_states=frozenset({S.CLAIMED}), to_state=S.SUPPRESSED, kind="delivery.suppressed", suppressed_why=why
    )
    assert world.apply([suppress]) == {mine.delivery}
    assert (world.rows()[0]["state"], world.rows()[0]["suppressed_why"]) == (S.SUPPRESSED, why)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"to_state": S.SUPPRESSED}, "has a reason"),
        ({"suppressed_why": SuppressionReason.DECEASED}, "no other has one"),
        ({"to_state": S.CLAIMED}, "by claim and hand_off only"),
        ({"to_state": S.HANDING_OFF}, "by claim and hand_off only"),
    ],
)
def test_a_change_that_makes_no_sense_stores_nothing(
    world: Any, change: Changer, options: dict[str, Any], says: str
) -> None:
    world.add_ready(2)
    claims = world.claim()
    world.hand_off(claims)
    with pytest.raises(ValueError, match=says):
        world.apply([change(claims[0]), change(claims[1], **options)])
    assert set(world.states().values()) == {S.HANDING_OFF}
    assert world.rows("event") == []


def test_a_delivery_of_another_incident_is_not_touched(world: Any, change: Changer) -> None:
    world.add_ready(1)
    claims = world.claim()
    world.hand_off(claims)
    with world.db.write() as session:
        assert outbox.apply(session, "incident-2", "worker-1", [change(claims[0])], world.now) == set()
    assert world.rows("event") == []


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        ("550 5.1.1 <ana@example.org>: no such user", "550 5.1.1 <address> no such user"),
        ("The number +1 202-555-0123 is not valid", "The number <number> is not valid"),
        ("21211 invalid 'To' 12025550123", "21211 invalid 'To' <number>"),
        ("250 2.0.0 Ok: queued as 4F1", "250 2.0.0 Ok: queued as 4F1"),
        ("550-5.7.26 30 tries; call (202) 555-0123", "550-5.7.26 30 tries; call (<number>"),
        ("x" * 300, "x" * 200),
    ],
)
def test_a_carriers_answer_is_kept_without_addresses_and_numbers(answer: str, kept: str) -> None:
    assert without_people(answer) == kept


# --- opening and counting -------------------------------------------------------------------------------------------


def test_opening_a_rung_again_adds_nothing(world: Any) -> None:
    numbers = world.add_people(3)
    first = world.open([world.rung(n) for n in numbers[:2]])
    again = world.open([world.rung(n) for n in numbers])
    assert (len(first), len(again), len(world.rows())) == (2, 1, 3)
    assert world.open([world.rung(n) for n in numbers]) == []
    assert len(world.open([world.rung(numbers[0], Channel.LETTER, rung=1)])) == 1


@pytest.mark.parametrize("many", [0, 1, 10_001])
def test_rows_in_bulk_arrive_all_with_their_defaults(db: Database, world: Any, many: int) -> None:
    world.add_people(many, notices=False)
    with db.read() as session:
        found = session.connection().execute(text("SELECT count(*), count(DISTINCT id) FROM subject")).one()
        assert tuple(found) == (many, many)
        if many:
            one = session.get_one(Subject, "subject-000001")
            assert (one.withdrawn, one.customer, one.sealed, one.role, one.first_scope) == (False, "", None, "self", 1)


def test_rows_in_bulk_are_part_of_the_transaction(world: Any) -> None:
    with pytest.raises(ZeroDivisionError), world.db.write() as session:
        outbox.bulk_insert(session, Subject, [world._subject(1)])
        raise ZeroDivisionError
    assert world.rows("subject") == []


def test_deliveries_add_up_by_channel(world: Any, change: Changer) -> None:
    numbers = world.add_people(9)
    world.open([world.rung(n) for n in numbers] + [world.rung(n, Channel.LETTER, 1) for n in numbers[:2]])
    claims = world.claim(4)
    world.hand_off(claims[:3])
    world.apply([change(claims[0]), change(claims[1], to_state=S.UNDELIVERABLE, kind="delivery.refused")])
    with world.db.read() as session:
        found = outbox.counts(session, world.incident)
    assert found[Channel.EMAIL] == dict.fromkeys(S, 0) | {
        S.READY: 5,
        S.CLAIMED: 1,
        S.HANDING_OFF: 1,
        S.ACCEPTED: 1,
        S.UNDELIVERABLE: 1,
    }
    assert {channel: sum(states.values()) for channel, states in found.items()} == {Channel.EMAIL: 9, Channel.LETTER: 2}


# Each person's deliveries, and how the person counts without and with a public notice.
PEOPLE: dict[str, tuple[list[tuple[Channel, S, SuppressionReason | None]], str, str]] = {
    "accepted": ([(Channel.EMAIL, S.ACCEPTED, None)], "told", "told"),
    "delivered after a refusal": (
        [(Channel.EMAIL, S.UNDELIVERABLE, None), (Channel.LETTER, S.DELIVERED, None)],
        "told",
        "told",
    ),
    "accepted, and another rung open": (
        [(Channel.EMAIL, S.ACCEPTED, None), (Channel.LETTER, S.READY, None)],
        "told",
        "told",
    ),
    "planned": ([(Channel.EMAIL, S.PLANNED, None)], "open", "open"),
    "unknown": ([(Channel.EMAIL, S.UNKNOWN, None)], "open", "open"),
    "refused, letter ready": (
        [(Channel.EMAIL, S.UNDELIVERABLE, None), (Channel.LETTER, S.READY, None)],
        "open",
        "open",
    ),
    "all rungs refused": (
        [(Channel.EMAIL, S.UNDELIVERABLE, None), (Channel.LETTER, S.UNDELIVERABLE, None)],
        "unreached",
        "public_only",
    ),
    "refused, next superseded": (
        [(Channel.EMAIL, S.UNDELIVERABLE, None), (Channel.LETTER, S.SUPPRESSED, SuppressionReason.SUPERSEDED)],
        "unreached",
        "public_only",
    ),
    "deceased": ([(Channel.EMAIL, S.SUPPRESSED, SuppressionReason.DECEASED)], "suppressed", "suppressed"),
    "refused, then protected": (
        [(Channel.EMAIL, S.UNDELIVERABLE, None), (Channel.LETTER, S.SUPPRESSED, SuppressionReason.PROTECTED)],
        "suppressed",
        "suppressed",
    ),
    "changed since": ([(Channel.EMAIL, S.SUPPRESSED, SuppressionReason.CHANGED)], "open", "open"),
}


def test_every_person_counts_once(world: Any) -> None:
    numbers = world.add_people(len(PEOPLE))
    rungs = [
        world.rung(number, channel, rung, state=state, suppressed_why=why)
        for number, (deliveries, *_) in zip(numbers, PEOPLE.values(), strict=True)
        for rung, (channel, state, why) in enumerate(deliveries)
    ]
    world.open(rungs)
    world.add_people(1, notices=False)  # no notice yet: open
    world.add_people(2, ladder="[]")  # no permitted channel: unreached
    world.add_people(1)  # withdrawn: not in scope
    with world.db.write() as session:
        session.get_one(Subject, f"subject-{world.people:06}").withdrawn = True
    for published, column in ((False, 1), (True, 2)):
        expected = Counter(row[column] for row in PEOPLE.values()) + Counter(
            {"open": 1, "public_only" if published else "unreached": 2}
        )
        with world.db.read() as session:
            found = outbox.people_counts(session, world.incident, published)
        shown = {name: getattr(found, name) for name in ("told", "public_only", "suppressed", "unreached", "open")}
        assert shown == {name: expected[name] for name in shown}
        assert found.in_scope == len(PEOPLE) + 3


def test_no_order_of_work_loses_a_person(world: Any, change: Changer) -> None:
    """A seeded walk of claims, crashes, refusals, holds and late bounces; both sums hold after each step."""
    world.add_ready(40)
    ends = {0: S.ACCEPTED, 1: S.UNDELIVERABLE, 2: S.READY, 3: None}
    for step in range(24):
        claims = world.claim(5, lease_now=world.lease_now + timedelta(minutes=step * 3))
        world.hand_off(claims[: 5 - step % 3])
        done = [
            change(c, to_state=end, kind=f"delivery.{end}")
            for n, c in enumerate(claims[: 5 - step % 3])
            if (end := ends[(n + step) % 4]) is not None
        ]
        world.apply(done)
        if step % 4 == 3:
            world.expire(seconds=(step + 1) * 180 + 121)
        with world.db.read() as session:
            by_state = outbox.counts(session, world.incident)[Channel.EMAIL]
            people = outbox.people_counts(session, world.incident, False)
        assert sum(by_state.values()) == 40 == people.in_scope
        assert people.told == by_state[S.ACCEPTED]
        assert people.unreached == by_state[S.UNDELIVERABLE]
    assert people.told > 0 < people.unreached
    with world.db.read() as session:
        assert ledger.verify(session, world.incident).ok


def test_the_urgent_are_claimed_first_whenever_they_were_opened(world: Any) -> None:
    late, soon = world.add_people(3), world.add_people(2)
    world.open([world.rung(n, urgency=2) for n in late])
    urgent = world.open([world.rung(n, urgency=0) for n in soon])
    assert {c.delivery for c in world.claim(2)} == set(urgent)
    assert len(world.claim(10)) == 3
