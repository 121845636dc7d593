"""Texts: the person's night, the callbacks that come late, twice, in any order or from somebody else, and filters."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from console.web.outside import create_app
from flows.steps import night, texted
from models.values import BadInput, DeliveryState
from notifiers.fake.twilio import Script
from notifiers.sms.webhook import signature, valid_signature

FLOOD = int(os.environ.get("CALLBACKS", "2000"))  # CALLBACKS=10000 is the bar; it takes a minute
CALLBACKS = "http://127.0.0.1:9"  # nobody listens there: callbacks are played by hand
FINALS = {
    "delivered": DeliveryState.DELIVERED,
    "undelivered": DeliveryState.UNDELIVERABLE,
    "failed": DeliveryState.UNDELIVERABLE,
}
CODES = {"undelivered": "30005", "failed": "30006"}


def shop(office: Any, *phones: str, **changes: str) -> None:
    office.declare(office.SHOP)
    office.scope([office.customer(n, email="", phone=phone, **changes) for n, phone in enumerate(phones)])


def called(office: Any) -> None:
    """From now on texts name an address to call back."""
    office.environ["TOCSIN_CALLBACK_URL"] = CALLBACKS
    office.reopen()


def texts(office: Any) -> dict[str, Mapping[str, Any]]:
    return {row["id"]: row for row in office.rows("delivery") if row["channel"].value == "sms"}


# --- the night ------------------------------------------------------------------------------------------------------

NIGHTS = [
    # now, residence, number, leaves at (UTC)
    (
        datetime(2026, 3, 2, 9, 30, tzinfo=UTC),
        "US-DC",
        "+12025550123",
        datetime(2026, 3, 2, 13, tzinfo=UTC),
    ),  # half past four there
    (datetime(2026, 3, 2, 9, 30, tzinfo=UTC), "GB", "+447700900123", None),
    (
        datetime(2026, 3, 2, 9, 30, tzinfo=UTC),
        "US-CA",
        "+12025550123",
        datetime(2026, 3, 2, 16, tzinfo=UTC),
    ),  # a number taken along
    (datetime(2026, 3, 3, 2, 30, tzinfo=UTC), "US-DC", "+12025550123", datetime(2026, 3, 3, 13, tzinfo=UTC)),
]


@pytest.mark.parametrize(("now", "residence", "phone", "leaves"), NIGHTS)
def test_a_text_waits_for_the_morning_of_the_person_and_wears_nothing_out(
    office: Any, now: datetime, residence: str, phone: str, leaves: datetime | None
) -> None:
    office.profile("[texts]\nfirst = 0\nlast = 24\n", "")
    if now.day > 2:
        office.at(now)
    shop(office, phone, residence=residence)
    office.launch()
    (row,) = texts(office).values()
    if leaves is None:
        assert len(office.twilio.accepted) == 1
        return
    assert (row["state"].value, row["code"], row["not_before"]) == ("ready", "quiet_hours", leaves)
    office.at(leaves)
    office.send(1)
    assert len(office.twilio.accepted) == 1 and office.people() == {"told": 1}


def test_a_text_of_the_evening_is_given_up_before_the_night(office: Any) -> None:
    office.profile("[texts]\nfirst = 0\nlast = 24\n", "")
    office.at(datetime(2026, 3, 3, 1, 30, tzinfo=UTC))  # half past eight in Washington
    shop(office, "+12025550123", residence="US-DC")
    office.launch()
    assert [form["ValidityPeriod"] for form in office.twilio.forms] == ["1800"]


def test_a_named_person_may_send_a_wave_into_the_night_and_the_ledger_says_who_and_why(office: Any) -> None:
    office.profile("[texts]\nfirst = 0\nlast = 24\n", "")
    shop(office, "+12025550123", residence="US-DC")
    office.launch()
    for who, why in (("", "because"), ("counsel", " ")):
        with pytest.raises(BadInput, match="a person and a reason"):
            night.lift(office.desk, office.slug, 1, who, why)
    office.send(1)
    assert office.twilio.accepted == []
    night.lift(office.desk, office.slug, 1, "counsel", "the law's hour comes before the morning")
    office.send(1)
    assert len(office.twilio.accepted) == 1
    (event,) = office.events(night.LIFTED)
    assert event["body"]["by"] == "counsel" and "the morning" in event["body"]["reason"]
    assert office.verifies()


def test_mail_goes_at_night_unless_the_profile_says_otherwise(office: Any) -> None:
    office.at(datetime(2026, 3, 2, 23, 56, tzinfo=UTC))
    office.declare(office.SHOP)
    office.scope([office.customer(1, residence="GB"), office.customer(2, residence="GB")])
    office.launch()
    assert len(office.sink.accepted) == 2


def test_mail_waits_where_the_profile_sets_hours(office: Any) -> None:
    office.profile("[texts]", "[emails]\nfirst = 7\nlast = 22\n[texts]")
    office.at(datetime(2026, 3, 2, 23, 56, tzinfo=UTC))
    office.declare(office.SHOP)
    office.scope([office.customer(1, residence="GB"), office.customer(2, residence="US-CA", country="US")])
    office.launch()
    assert list(office.mails()) == [office.canary(2)], "it is afternoon in California"
    office.at(datetime(2026, 3, 3, 7, tzinfo=UTC))
    office.send(1)
    assert office.people() == {"told": 2}


# --- callbacks ------------------------------------------------------------------------------------------------------


def stories(office: Any, chance: random.Random) -> list[tuple[str, dict[str, str], bool]]:
    """For each text: delivery, callback, whether it is forged; in the order in which they happened."""
    made = []
    for delivery, row in texts(office).items():
        end = chance.choice(list(FINALS))
        for status in ("queued", "sending", "sent", end):
            params = {"MessageSid": row["carrier_ref"], "MessageStatus": status, "ErrorCode": CODES.get(status, "")}
            made.append((delivery, params, False))
        wrong = "delivered" if end != "delivered" else "failed"
        made.append((delivery, {**made[-1][1], "MessageStatus": wrong}, True))
    return made


def test_callbacks_replayed_reordered_and_forged_leave_no_wrong_state(office: Any) -> None:
    called(office)
    shop(office, *(f"+120255501{n:02}" for n in range(80)))
    office.launch()
    chance = random.Random(18)  # noqa: S311 - repeatable order, no secret
    told = stories(office, chance)
    ends = {d: FINALS[p["MessageStatus"]] for d, p, forged in told if not forged and p["MessageStatus"] in FINALS}
    flood = [chance.choice(told) for _ in range(FLOOD - len(told))] + told
    chance.shuffle(flood)
    refused = 0
    for delivery, params, forged in flood:
        url = f"{CALLBACKS}/sms/{delivery}"
        signed = signature("guess" if forged else office.twilio.token, url, params)
        if valid_signature(office.twilio.token, url, params, signed):
            texted.text_called(office.desk, delivery, params)
        else:
            refused += 1
    assert (len(flood), refused) == (FLOOD, sum(forged for *_, forged in flood))
    assert {d: row["state"] for d, row in texts(office).items()} == ends
    assert len(office.rows("receipt")) == len(ends) == 80, "each ending once"
    assert office.verifies()


def test_the_address_that_texts_call_back_takes_what_the_provider_signed_and_nothing_else(office: Any) -> None:
    called(office)
    shop(office, "+12025550123")
    office.launch()
    ((delivery, row),) = texts(office).items()
    params = {"MessageSid": row["carrier_ref"], "MessageStatus": "delivered"}
    client = TestClient(create_app(office.desk))
    answers = []
    for token, path in (("guess", delivery), (office.twilio.token, "nobody"), (office.twilio.token, delivery)):
        signed = signature(token, f"{CALLBACKS}/sms/{path}", params)
        posted = client.post(f"/sms/{path}", data=params, headers={"X-Twilio-Signature": signed})
        answers.append((posted.status_code, texts(office)[delivery]["state"].value))
    assert answers == [(403, "accepted"), (404, "accepted"), (204, "delivered")]


def test_of_two_endings_the_first_stands(office: Any) -> None:
    called(office)
    shop(office, "+12025550123")
    office.launch()
    ((delivery, row),) = texts(office).items()
    for status in ("undelivered", "delivered", "failed"):
        texted.text_called(office.desk, delivery, {"MessageSid": row["carrier_ref"], "MessageStatus": status})
    assert texts(office)[delivery]["state"] is DeliveryState.UNDELIVERABLE
    assert [r["code"] for r in office.rows("receipt")] == ["undelivered"]


def test_a_callback_resolves_a_text_whose_answer_was_lost(office: Any) -> None:
    called(office)
    shop(office, "+12025550196")  # taken, then the line breaks
    office.launch()
    ((delivery, row),) = texts(office).items()
    assert (row["state"], row["carrier_ref"]) == (DeliveryState.UNKNOWN, "")
    sid = office.twilio.accepted[0]["sid"]
    assert texted.text_called(office.desk, delivery, {"MessageSid": sid, "MessageStatus": "sent"}) == "nothing"
    texted.text_called(office.desk, delivery, {"MessageSid": sid, "MessageStatus": "delivered"})
    row = texts(office)[delivery]
    assert (row["state"], row["carrier_ref"], row["possible_duplicate"]) == (DeliveryState.DELIVERED, sid, False)
    office.settle()
    assert len(office.twilio.accepted) == 1, "nothing is repeated"


@pytest.mark.parametrize("sid", ["SM" + "f" * 32, "", "MG1"])
def test_a_callback_about_another_text_than_ours_changes_nothing(office: Any, sid: str) -> None:
    called(office)
    shop(office, "+12025550123")
    office.launch()
    (delivery,) = texts(office)
    for named in (delivery, "nobody"):
        with pytest.raises(BadInput, match="none of ours"):
            texted.text_called(office.desk, named, {"MessageSid": sid, "MessageStatus": "failed"})
    assert texts(office)[delivery]["state"] is DeliveryState.ACCEPTED and office.rows("receipt") == []


# --- filters --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("filtered", "texts_", "holds"), [(1, 60, 0), (2, 60, 1), (3, 40, 0)])
def test_texts_stop_when_a_share_of_them_is_filtered_and_not_for_one(
    office: Any, filtered: int, texts_: int, holds: int
) -> None:
    bad = {f"55501{n:02}": Script(final="failed", final_error=30007) for n in range(filtered)}
    office.twilio.endings = bad
    shop(office, *(f"+120255501{n:02}" for n in range(texts_)))
    office.launch()
    office.settle()
    assert [row["target"] for row in office.rows("hold")] == ["sms"] * holds
    assert office.states()["letter", "ready"] == filtered, "the persons are told by letter"
