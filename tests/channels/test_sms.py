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

from models.profile import parse_profile
from models.values import BadInput, Channel, Contacts, Evidence, Handoff, Message, Mode, Outcome, Receipt, Refused
from notifiers.fake.http import answer, read_request
from notifiers.fake.twilio import TwilioStandIn
from notifiers.sms.carrier import Privacy, SmsCarrier
from notifiers.sms.codes import ERRORS, Meaning, evidence_of, meaning, outcome_of
from notifiers.sms.segments import segments, sender_rule
from notifiers.sms.senders import sender_for
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


NUMBER, SERVICE, NAME = "+12025550100", "MG" + "0" * 32, "Example"
SENDERS = [
    # country, the profile's own, the usual one, the one that is used
    ("US", {}, NUMBER, NUMBER),
    ("US", {}, NAME, ""),  # networks there drop names
    ("US", {"US": NAME, "other": NUMBER}, NAME, NUMBER),  # even where the profile asks for it
    ("US", {"US": SERVICE}, NAME, SERVICE),
    ("GB", {"GB": NAME}, NUMBER, NAME),
    ("SG", {}, NAME, ""),  # a name must be registered there first
    ("SG", {"SG": NAME}, NUMBER, NAME),  # who names it for that country says that it is
    ("ZZ", {}, NAME, ""),  # nobody has looked: not knowing counts as no
    ("ZZ", {"other": NUMBER}, NAME, NUMBER),
    ("", {}, NUMBER, NUMBER),
    ("", {"other": NUMBER}, NAME, NUMBER),
]


@pytest.mark.parametrize(("country", "own", "usual", "used"), SENDERS)
def test_a_name_is_never_shown_where_networks_drop_it(country: str, own: dict[str, str], usual: str, used: str) -> None:
    assert sender_for(country, own, usual) == used


def test_the_table_of_senders_says_what_these_tests_rest_on() -> None:
    assert [sender_rule(c).support for c in ("US", "SG", "ZZ")] == ["no", "registered", "unknown"]
    assert sender_rule("GB").support != "no"


def test_the_sender_of_a_text_is_that_of_the_numbers_country_and_none_is_no_text() -> None:
    async def run() -> tuple[list[Handoff], list[str]]:
        countries = {"+12025550123": "US", "+447700900123": "GB", "+6580000000": "SG"}
        senders = {"GB": "Example", "US": "+12025550111"}
        async with line(sender="Clinic", senders=senders, country=countries.__getitem__) as (api, carrier):
            found = [await carrier.send(message(to)) for to in countries]
            return found, [m["from"] for m in api.accepted]

    found, senders = asyncio.run(run())
    assert [(h.outcome, h.code) for h in found][2] == (Outcome.REFUSED, "no_sender_for_country")
    assert senders == ["+12025550111", "Example"]


def test_a_name_can_t_be_the_sender_for_all_other_countries() -> None:
    with pytest.raises(BadInput, match="other"):
        SmsCarrier("AC1", "t", "+12025550100", "http://127.0.0.1:9", Mode.EXERCISE, senders={"other": "Example"})


PROFILES = [
    ({"texts": {"first": 21, "last": 8}}, "texts", "begin before it ends"),
    ({"texts": {"first": 8, "last": 25}}, "texts", "by 24"),
    ({"texts": {"last": "nine"}}, "texts", "must be a number"),
    ({"texts": {"obfuscate_address": "yes"}}, "texts", "true or false"),
    ({"emails": {"first": 9, "last": 9}}, "emails", "begin before"),
    ({"sms_sender": {"UK": "Example"}}, "UK", "no country"),
    ({"sms_sender": {"US-CA": "+12025550100"}}, "US-CA", "no country"),
    ({"sms_sender": {"GB": ""}}, "GB", "must be a text"),
    ({"sms_sender": "Example"}, "sms_sender", "must be a table"),
]


@pytest.mark.parametrize(("tables", "where", "problem"), PROFILES)
def test_hours_and_senders_of_the_profile_are_read_strictly(tables: dict[str, Any], where: str, problem: str) -> None:
    with pytest.raises(BadInput, match=problem) as error:
        parse_profile({"organisation": {"name": "Example"}, **tables}, "organisation.toml")
    assert where in error.value.where


def test_the_profiles_own_hours_are_eight_to_nine_for_texts_and_the_whole_day_for_mail() -> None:
    profile = parse_profile({"organisation": {"name": "Example"}, "sms_sender": {"GB": "Example"}}, "o.toml")
    assert (profile.texts.first, profile.texts.last) == (8, 21)
    assert (profile.emails.first, profile.emails.last) == (0, 24)
    assert profile.sms_sender == {"GB": "Example"}


class Evening:
    """It is so many seconds until morning, and until night."""

    def __init__(self, wait: float, left: float) -> None:
        self.span = (wait, left)

    def window(self, message: Message) -> tuple[float, float]:
        return self.span


@pytest.mark.parametrize(
    ("wait", "left", "outcome", "valid"),
    [
        (0.0, 86_400.0, "accepted", "14400"),
        (0.0, 1_800.0, "accepted", "1800"),  # it must not wait at the network until after nine in the evening
        (0.0, 0.5, "accepted", "1"),
        (3_600.0, 0.0, "deferred", None),
    ],
)
def test_at_night_no_text_is_asked_for_and_in_the_evening_it_may_not_wait_into_the_night(
    wait: float, left: float, outcome: str, valid: str | None
) -> None:
    async def run() -> tuple[Handoff, list[dict[str, str]]]:
        async with line(hours=Evening(wait, left)) as (api, carrier):
            return await carrier.send(message("+12025550123")), [dict(form) for form in api.forms]

    found, forms = asyncio.run(run())
    assert found.outcome == outcome
    assert [form["ValidityPeriod"] for form in forms] == ([valid] if valid else [])
    if not valid:
        assert (found.code, found.retry_after, found.host_wide) == ("quiet_hours", wait, True), "costs no attempt"


@pytest.mark.parametrize(
    ("privacy", "asked"),
    [
        (Privacy(), {}),
        (Privacy(discard_content=True), {"ContentRetention": "discard"}),
        (
            Privacy(True, True, 99_999),
            {"ContentRetention": "discard", "AddressRetention": "obfuscate", "ValidityPeriod": "36000"},
        ),
    ],
)
def test_what_the_provider_may_keep_is_asked_for_with_each_text(privacy: Privacy, asked: dict[str, str]) -> None:
    async def run() -> dict[str, str]:
        async with line(privacy=privacy, status_callback="http://127.0.0.1:9/sms") as (api, carrier):
            await carrier.send(message("+12025550123"))
            return dict(api.forms[0])

    form = asyncio.run(run())
    assert form["StatusCallback"] == "http://127.0.0.1:9/sms/d1"
    usual = {"ValidityPeriod": "14400"} | asked
    assert {k: v for k, v in form.items() if k not in {"To", "From", "Body", "StatusCallback"}} == usual


def test_connections_are_kept_and_no_more_are_opened_than_allowed() -> None:
    async def run() -> tuple[int, int]:
        async with line(connections=4) as (api, carrier):
            for _ in range(5):
                await asyncio.gather(*(carrier.send(message("+12025550123")) for _ in range(20)))
            return len(api.accepted), api.connections

    assert asyncio.run(run()) == (100, 4)


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
    ("code", "evidence"), [(30005, "hard"), (30006, "hard"), (30003, "hard"), (30007, "hard"), (30034, "policy")]
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
        ("failed", "30007", "hard"),
        ("failed", "30034", "policy"),
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
