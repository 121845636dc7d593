"""SMS: what Twilio's answers come to, look-ups, segments, and callbacks that can be forged, replayed and reordered."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import logging
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from models.values import BadInput, Channel, Contacts, Evidence, Handoff, Message, Mode, Outcome, Receipt, Refused
from notifiers.fake.http import answer, read_request
from notifiers.fake.twilio import TwilioStandIn
from notifiers.sms.carrier import Privacy, SmsCarrier
from notifiers.sms.codes import ERRORS, Meaning, evidence_of, meaning, outcome_of
from notifiers.sms.segments import segments
from notifiers.sms.webhook import RANK, is_news, receipt_from_callback, signature, valid_signature

NOW = dt.datetime(2026, 11, 24, 9, 0, tzinfo=dt.UTC)


def message(to: str, text: str = "About your data: call +1 202 555 0100, ref A-1") -> Message:
    return Message("d1", "n1", Channel.SMS, "en", Contacts(phone=to), {}, text=text)


@contextlib.asynccontextmanager
async def line(**options: Any) -> AsyncIterator[tuple[TwilioStandIn, SmsCarrier]]:
    async with TwilioStandIn() as api:
        options = {"timeout": 5.0, "sender": "+12025550100", "token": api.token, **options}
        carrier = SmsCarrier(api.account_sid, api_base=api.url, mode=Mode.EXERCISE, **options)
        yield api, carrier
        await carrier.close()


ENDINGS = [
    # last digits, first outcome, code, taken by the carrier, what a look-up finds
    ("+12025550123", "accepted", "queued", 1, None),
    ("+15005550001", "refused", "21211", 0, None),
    ("+15005550002", "refused", "21612", 0, None),
    ("+15005550003", "refused", "21408", 0, None),
    ("+15005550004", "refused", "21610", 0, None),
    ("+15005550009", "refused", "21614", 0, None),
    ("+12025550195", "deferred", "20429", 0, None),
    ("+12025550196", "unknown", "no_answer", 1, ("accepted", "delivered")),
    ("+12025550197", "unknown", "20500", 1, ("accepted", "delivered")),
    ("+12025550198", "unknown", "20500", 0, ("deferred", "not_found")),
    ("12025550123", "refused", "bad_number", 0, None),
    ("+1202555012x", "refused", "bad_number", 0, None),
    ("", "refused", "bad_number", 0, None),
]


@pytest.mark.parametrize(("to", "outcome", "code", "taken", "looked_up"), ENDINGS)
def test_each_ending_of_a_post_is_told_apart_and_unknown_is_looked_up(
    to: str, outcome: str, code: str, taken: int, looked_up: tuple[str, str] | None
) -> None:
    async def run() -> tuple[Handoff, int, Handoff | None]:
        async with line() as (api, carrier):
            before = dt.datetime.now(dt.UTC)
            found = await carrier.send(message(to))
            again = await carrier.look_up(message(to), before) if found.outcome is Outcome.UNKNOWN else None
            if again and again.outcome is Outcome.ACCEPTED:
                assert again.reference == api.accepted[0]["sid"], "the sid is adopted"
            return found, len(api.accepted), again

    found, count, again = asyncio.run(run())
    assert (found.outcome, found.code, count) == (outcome, code, taken)
    assert (again and (again.outcome, again.code)) == looked_up


def test_a_look_up_compares_words_and_time() -> None:
    async def run() -> list[str | None]:
        async with line() as (_, carrier):
            mine = message("+12025550123")
            await carrier.send(replace(mine, text="another text"))
            codes: list[Handoff | None] = [await carrier.look_up(mine)]
            await carrier.send(mine)
            codes.append(await carrier.look_up(mine, dt.datetime.now(dt.UTC)))
            codes.append(await carrier.look_up(mine, dt.datetime.now(dt.UTC) + dt.timedelta(days=1)))
            return [c.code if c else None for c in codes]

    assert asyncio.run(run()) == ["not_found", "delivered", "not_found"]


def test_a_look_up_cannot_tell_when_the_carrier_threw_the_words_away() -> None:
    async def run() -> Handoff | None:
        async with line(privacy=Privacy(discard_content=True)) as (_, carrier):
            await carrier.send(message("+12025550123"))
            return await carrier.look_up(message("+12025550123"), dt.datetime.now(dt.UTC))

    assert asyncio.run(run()) is None


@pytest.mark.parametrize(("token", "outcome"), [("standin", "accepted"), ("wrong", "blocked")])
def test_wrong_credentials_stop_the_channel(token: str, outcome: str) -> None:
    async def run() -> Handoff:
        async with line(token=token) as (_, carrier):
            return await carrier.send(message("+12025550123"))

    found = asyncio.run(run())
    assert (found.outcome, found.host_wide) == (outcome, outcome == "blocked")


@pytest.mark.parametrize(
    ("base", "mode", "error"),
    [
        ("", Mode.EXERCISE, Refused),
        ("https://api.example.org", Mode.EXERCISE, Refused),
        ("http://127.0.0.1@api.example.org", Mode.EXERCISE, BadInput),
        ("http://api.example.org", Mode.LIVE, Refused),
        ("ftp://127.0.0.1", Mode.LIVE, BadInput),
        ("nonsense", Mode.LIVE, BadInput),
    ],
)
def test_an_exercise_and_a_clear_line_stay_on_this_machine(base: str, mode: Mode, error: type[Exception]) -> None:
    with pytest.raises(error, match="TOCSIN_TWILIO_API_BASE"):
        SmsCarrier("AC1", "t", "+12025550100", base, mode)


def test_region_and_edge_of_the_environment_do_not_move_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TWILIO_EDGE", "TWILIO_REGION"):
        monkeypatch.setenv(name, "elsewhere")

    async def run() -> Handoff:
        async with line() as (_, carrier):
            return await carrier.send(message("+12025550123"))

    assert asyncio.run(run()).outcome is Outcome.ACCEPTED


def test_a_number_appears_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def run() -> None:
        async with line() as (_, carrier):
            await carrier.send(message("+12025550123", "words canary-55cc"))
            await carrier.look_up(message("+12025550123"))

    asyncio.run(run())
    assert "2025550123" not in caplog.text and "canary-55cc" not in caplog.text


def test_words_can_be_taken_back_after_retention() -> None:
    async def run() -> tuple[bool, str, dict[str, str] | None, bool]:
        async with line() as (api, carrier):
            sid = (await carrier.send(message("+12025550123"))).reference
            done = await carrier.redact(sid)
            return done, api.messages[sid]["body"], await carrier.fetch(sid), await carrier.redact("SM" + "0" * 32)

    done, body, state, other = asyncio.run(run())
    assert (done, body, other) == (True, "", False)
    assert state is not None and state["MessageStatus"] == "delivered"


# --- codes ----------------------------------------------------------------------------------------------------------

CODES = [
    (400, 21211, "refused"),
    (400, 21610, "refused"),
    (429, 20429, "deferred"),
    (429, 0, "deferred"),
    (401, 20003, "blocked"),
    (403, 0, "blocked"),
    (400, 21608, "blocked"),
    (400, 30034, "blocked"),
    (400, 99999, "refused"),
    (500, 0, "unknown"),
    (503, 20503, "unknown"),
]


@pytest.mark.parametrize(("status", "code", "outcome"), CODES)
def test_an_error_number_means_the_same_every_time(status: int, code: int, outcome: str) -> None:
    assert outcome_of(status, code) == outcome


def test_an_unlisted_number_waits_for_a_person_and_ends_the_rung() -> None:
    assert meaning(12345).meaning is Meaning.HUMAN
    assert evidence_of(12345) is Evidence.BOUNCED_HARD
    assert all(k.because for k in ERRORS.values())


@pytest.mark.parametrize(
    ("code", "evidence"), [(30005, "hard"), (30006, "hard"), (30003, "hard"), (30007, "policy"), (30034, "policy")]
)
def test_a_final_failure_says_what_kind_it_is(code: int, evidence: str) -> None:
    assert evidence_of(code) == evidence


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ("GSM-7", 1)),
        ("a" * 160, ("GSM-7", 1)),
        ("a" * 161, ("GSM-7", 2)),
        ("a" * 306, ("GSM-7", 2)),
        ("a" * 307, ("GSM-7", 3)),
        ("€" * 80, ("GSM-7", 1)),
        ("€" * 81, ("GSM-7", 2)),
        ("a" * 152 + "€" + "a" * 152, ("GSM-7", 3)),  # the pair of € is not split
        ("数" * 70, ("UCS-2", 1)),
        ("数" * 71, ("UCS-2", 2)),
        ("数" * 134, ("UCS-2", 2)),
        ("数" * 135, ("UCS-2", 3)),
        ("a" * 69 + "“", ("UCS-2", 1)),
        ("😀" * 35, ("UCS-2", 1)),
        ("😀" * 36, ("UCS-2", 2)),
        ("ç", ("UCS-2", 1)),  # only the capital is in the alphabet
        ("Ç", ("GSM-7", 1)),
    ],
)
def test_segments_are_counted_as_the_networks_count(text: str, found: tuple[str, int]) -> None:
    assert segments(text) == found


# --- callbacks ------------------------------------------------------------------------------------------------------

URL = "https://tocsin.example.org/hooks/twilio"
PARAMS = {"MessageSid": "SM1", "MessageStatus": "delivered", "To": "+12025550123"}


def test_our_signature_is_the_one_that_the_carriers_own_library_accepts() -> None:
    from twilio.request_validator import RequestValidator

    for url in (URL, URL + "?a=1", "http://127.0.0.1:8080/x"):
        given = signature("tok", url, PARAMS)
        assert RequestValidator("tok").validate(url, PARAMS, given)
        assert valid_signature("tok", url, PARAMS, RequestValidator("tok").compute_signature(url, PARAMS))


@pytest.mark.parametrize(
    ("token", "url", "params", "valid"),
    [
        ("tok", URL, PARAMS, True),
        ("tok", URL.replace(".org", ".org:443"), PARAMS, True),
        ("other", URL, PARAMS, False),
        ("", URL, PARAMS, False),
        ("tok", URL + "/", PARAMS, False),
        ("tok", URL.replace("https", "http"), PARAMS, False),
        ("tok", URL, {**PARAMS, "MessageStatus": "failed"}, False),
        ("tok", URL, {**PARAMS, "Extra": "1"}, False),
    ],
)
def test_a_forged_callback_is_refused(token: str, url: str, params: dict[str, str], valid: bool) -> None:
    assert valid_signature(token, url, params, signature("tok", URL, PARAMS)) is valid
    assert not valid_signature(token, url, params, "")
    assert not valid_signature(token, url, params, "é")


def test_a_replayed_callback_has_the_same_digest_and_another_status_has_another() -> None:
    first, again = (receipt_from_callback(PARAMS, NOW + dt.timedelta(hours=h), "d1") for h in (0, 5))
    other = receipt_from_callback({**PARAMS, "MessageStatus": "undelivered"}, NOW, "d1")
    assert first and again and other
    assert first.digest == again.digest != other.digest


@pytest.mark.parametrize(
    ("status", "code", "evidence"),
    [
        ("queued", "", None),
        ("sent", "", None),
        ("partially_delivered", "", None),
        ("nonsense", "", None),
        ("delivered", "", "delivered"),
        ("read", "", "delivered"),
        ("undelivered", "30005", "hard"),
        ("failed", "30007", "policy"),
        ("canceled", "", "hard"),
        ("undelivered", "not a number", "hard"),
    ],
)
def test_a_callback_is_evidence_only_when_it_is_final(status: str, code: str, evidence: str | None) -> None:
    found = receipt_from_callback({"MessageSid": "SM1", "MessageStatus": status, "ErrorCode": code}, NOW, "d1")
    assert (found and found.evidence) == evidence


def test_in_whatever_order_callbacks_come_the_end_is_the_same_and_never_goes_back() -> None:
    chance = random.Random(3)  # noqa: S311 - repeatable order, no secret
    for end in ("delivered", "undelivered", "failed"):
        for _ in range(200):
            known, steps = "", ["queued", "sending", "sent", end, "sent", "nonsense"]
            chance.shuffle(steps)
            for status in steps:
                before = RANK.get(known, -1)
                known = status if is_news(known, status) else known
                assert RANK.get(known, -1) >= before
            assert known == end
    assert not is_news("delivered", "undelivered") and not is_news("undelivered", "delivered")


def test_callbacks_of_the_stand_in_arrive_signed_and_become_receipts() -> None:
    got: list[tuple[bool, Receipt | None]] = []

    async def hook(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await read_request(reader)
        assert request is not None
        url = f"http://{request.headers['host']}{request.target}"
        params = dict(request.form)
        valid = valid_signature("standin", url, params, request.headers["x-twilio-signature"])
        got.append((valid, receipt_from_callback(params, NOW, "d1")))
        await answer(writer, 204)
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(hook, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with line(status_callback=f"http://127.0.0.1:{port}/hook") as (api, carrier):
            await carrier.send(message("+12025550192"))
            for _ in range(100):
                if len(api.callbacks) == 2:
                    break
                await asyncio.sleep(0.02)
            assert [status for _, _, status in api.callbacks] == [204, 204]
        server.close()

    asyncio.run(run())
    assert [valid for valid, _ in got] == [True, True]
    assert [r and (r.evidence, r.code) for _, r in got] == [None, (Evidence.BOUNCED_HARD, "30005")]
