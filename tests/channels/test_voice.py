"""Spoken calls: what is said after which key, what an ending means, and a stand-in true to its description."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import urllib.request
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from models.intake.contacts import zones_of
from models.values import BadInput, Channel, Contacts, Evidence, Message, Mode, Outcome, Refused
from notifiers.fake.twilio import TwilioStandIn
from notifiers.voice.carrier import VoiceCarrier
from notifiers.voice.codes import EVIDENCE, FINAL, Ending
from notifiers.voice.dialogue import SAY, Step, Words, pieces, reply
from planning.hours import wait
from templates import words as texts

SPEC = Path(__file__).parents[3] / "shared/corpora/twilio/twilio_api_v2010.json"
WORDS = Words("en", "A call from Example for Ada. Press 1.", "An incident happened.\n\n- a step\n\n- another")
BASE = "https://calls.example.org/voice/d1"
Params = dict[str, str]


def spoken(twiml: str) -> str:
    return " ".join(say.text or "" for say in ET.fromstring(twiml).iter("Say"))  # noqa: S314 - our own


def verbs(twiml: str) -> list[str]:
    return [verb.tag for verb in ET.fromstring(twiml)]  # noqa: S314 - our own


ASKS, TELLS, ENDS = "A call from", "An incident", ""
TURNS: list[tuple[Step, Params, int, str, Ending | None]] = [
    (Step.START, {"AnsweredBy": "human"}, 1, ASKS, None),
    (Step.START, {"AnsweredBy": "unknown"}, 1, ASKS, None),
    (Step.START, {}, 1, ASKS, None),
    (Step.START, {"AnsweredBy": "machine_start"}, 1, ENDS, Ending.MACHINE),
    (Step.START, {"AnsweredBy": "machine_end_beep"}, 1, ENDS, Ending.MACHINE),
    (Step.START, {"AnsweredBy": "fax"}, 1, ENDS, Ending.MACHINE),
    (Step.START, {"AnsweredBy": "something new"}, 1, ENDS, Ending.MACHINE),
    (Step.START, {"AnsweredBy": "machine_start", "Digits": "1"}, 1, ENDS, Ending.MACHINE),
    (Step.KEY, {"Digits": "1"}, 1, TELLS, None),
    (Step.KEY, {"Digits": "2"}, 1, ENDS, Ending.WRONG_NUMBER),
    (Step.KEY, {"Digits": "7"}, 1, ASKS, None),
    (Step.KEY, {}, 1, ASKS, None),
    (Step.KEY, {"Digits": "7"}, 2, ENDS, Ending.NO_KEY),
    (Step.KEY, {}, 2, ENDS, Ending.NO_KEY),
    (Step.KEY, {"Digits": "1"}, 2, TELLS, None),
    (Step.TOLD, {"Digits": "9"}, 1, TELLS, None),
    (Step.TOLD, {}, 1, ENDS, Ending.HEARD),
]


@pytest.mark.parametrize(("step", "params", "asked", "said", "ending"), TURNS)
def test_each_turn_of_a_call(step: Step, params: Params, asked: int, said: str, ending: Ending | None) -> None:
    made = reply(step, BASE, WORDS, params, asked)
    assert made.ending is ending
    assert spoken(made.twiml).startswith(said)
    assert ("incident" in spoken(made.twiml)) == (said == TELLS), "nothing of the incident before the key"
    assert verbs(made.twiml) == (["Hangup"] if said == ENDS else ["Gather", "Redirect"])


def test_only_a_notice_that_was_heard_tells_somebody() -> None:
    assert [e for e, evidence in EVIDENCE.items() if evidence is Evidence.DELIVERED] == [Ending.HEARD]
    assert set(EVIDENCE) == set(Ending) and Ending.HEARD not in FINAL.values()


@pytest.mark.parametrize("evil", ["<Hangup/>", "A & B", '"quoted"', "]]>", "\x00\x07\ud800", "=HYPERLINK(1)"])
def test_nothing_that_is_said_becomes_an_instruction(evil: str) -> None:
    made = reply(Step.KEY, BASE, Words("en", "p", f"before {evil} after"), {"Digits": "1"})
    assert [v.tag for v in ET.fromstring(made.twiml).iter()] == ["Response", "Gather", "Say", "Pause", "Redirect"]  # noqa: S314
    assert spoken(made.twiml).startswith("before ") and spoken(made.twiml).endswith(" after")


def test_a_long_notice_is_spoken_in_pieces_that_are_taken() -> None:
    long = pieces("Heading\n-------\n\n- one\n- two\n\n" + "word " * 3_000)
    assert long[:2] == ["Heading", "one two"]
    assert max(map(len, long)) <= 4_000 and "".join(long[2:]).count("word") == 3_000


def test_every_language_with_a_spoken_call_has_a_voice() -> None:
    own = [language for language in texts.languages() if texts.has(f"{language}/voice.toml")]
    assert own and [language for language in own if language not in SAY] == []


# --- hours ----------------------------------------------------------------------------------------------------------

NEW_YORK, TOKYO = ("America/New_York",), ("Asia/Tokyo",)
HOURS = [
    ("2026-11-24T14:00Z", NEW_YORK, 0.0, "nine in the morning there"),
    ("2026-11-24T13:59Z", NEW_YORK, 60.0, "a minute before nine"),
    ("2026-11-25T00:59Z", NEW_YORK, 0.0, "19:59"),
    ("2026-11-25T01:00Z", NEW_YORK, 13 * 3600.0, "20:00"),
    ("2026-03-08T13:00Z", NEW_YORK, 0.0, "nine on the morning of summer time"),
    ("2026-11-24T14:00Z", (*NEW_YORK, "America/Los_Angeles"), 3 * 3600.0, "both awake at noon in the east"),
    ("2026-11-24T14:00Z", TOKYO, 10 * 3600.0, "23:00 in Tokyo"),
    ("2026-11-24T14:00Z", (), 0.0, "unknown: the organisation's own, 15:00"),
    ("2026-11-24T14:00Z", ("Nowhere/Land",), 0.0, "a zone that is none"),
    ("2026-11-24T14:00Z", ("Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Berlin"), 0.0, "never awake together"),
]


@pytest.mark.parametrize(("now", "zones", "seconds", "why"), HOURS, ids=[h[3] for h in HOURS])
def test_quiet_hours_are_those_of_the_person(now: str, zones: tuple[str, ...], seconds: float, why: str) -> None:
    assert wait(datetime.fromisoformat(now), zones, 9, 20, "Europe/Berlin") == seconds


@pytest.mark.parametrize(
    ("number", "zones"),
    [("+12175550123", ("America/Chicago",)), ("+81312345678", TOKYO), ("+447700900123", ()), ("nonsense", ())],
)
def test_a_numbers_prefix_tells_its_zone(number: str, zones: tuple[str, ...]) -> None:
    assert zones_of(number) == zones


# --- the carrier ----------------------------------------------------------------------------------------------------


def message(phone: str = "+12025550123") -> Message:
    return Message("d1", "n1", Channel.VOICE, "en", Contacts(phone=phone), {}, "A prompt", "A body")


def carrier(api: TwilioStandIn, **changes: Any) -> VoiceCarrier:
    given: dict[str, Any] = {"api_base": api.url, "callback": "http://127.0.0.1:9", "mode": Mode.EXERCISE}
    return VoiceCarrier(api.account_sid, api.token, "+12025550100", **given | {"quiet": lambda phone: 0.0} | changes)


def test_a_call_in_the_night_is_never_placed() -> None:
    async def run() -> tuple[Any, int]:
        async with TwilioStandIn() as api:
            own = carrier(api, quiet=lambda phone: 3_600.0)
            handed = await own.send(message())
            await own.close()
            return handed, len(api.phone.calls)

    handed, placed = asyncio.run(run())
    assert (handed.outcome, handed.code, handed.retry_after, handed.host_wide, placed) == (
        Outcome.DEFERRED, "quiet_hours", 3_600.0, True, 0,
    )  # fmt: skip


def test_a_lost_answer_is_unknown_and_one_call_is_adopted_and_two_are_a_persons_to_sort_out() -> None:
    async def run() -> list[Any]:
        async with TwilioStandIn() as api:
            own = carrier(api)
            since = datetime.now(UTC) - timedelta(minutes=1)
            lost = await own.send(message("+12025550196"))
            one = await own.look_up(message("+12025550196"), since)
            await own.send(message("+12025550196"))
            two = await own.look_up(message("+12025550196"), since)
            none = await own.look_up(message("+12025550124"), since)
            await own.close()
            return [lost, one, two, none]

    lost, one, two, none = asyncio.run(run())
    assert lost.outcome is Outcome.UNKNOWN
    assert one.outcome is Outcome.ACCEPTED and one.reference.startswith("CA")
    assert two is None
    assert (none.outcome, none.code) == (Outcome.DEFERRED, "not_found")


def test_a_carrier_that_could_reach_the_world_is_not_made_in_an_exercise() -> None:
    api = TwilioStandIn()
    with pytest.raises(Refused, match="TOCSIN_CALLBACK_URL"):
        carrier(api, api_base="http://127.0.0.1:1", callback="https://calls.example.org")
    with pytest.raises(BadInput, match="VOICE_FROM"):
        VoiceCarrier("AC", "t", "MG123", "http://127.0.0.1:1", "http://127.0.0.1:9", Mode.EXERCISE, lambda p: 0.0)


# --- the stand-in ---------------------------------------------------------------------------------------------------

CALLS = "/2010-04-01/Accounts/{AccountSid}/Calls.json"


def resolved(document: Any, node: Any) -> Any:
    if isinstance(node, list):
        return [resolved(document, n) for n in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        found = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return resolved(document, found)
    made = {
        k: resolved(document, v) for k, v in node.items() if k not in {"nullable", "x-twilio", "examples", "format"}
    }
    if node.get("nullable") and isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
    if "properties" in made:
        made["additionalProperties"] = False
    return made


@pytest.mark.skipif(not SPEC.exists(), reason="the carrier's OpenAPI description is not here")
def test_the_stand_in_takes_calls_as_the_carriers_own_description_says() -> None:
    document = json.loads(SPEC.read_text())
    post, get = document["paths"][CALLS]["post"], document["paths"][CALLS]["get"]
    call = resolved(document, {"$ref": "#/components/schemas/api.v2010.account.call"})
    listing = resolved(document, get["responses"]["200"]["content"]["application/json"]["schema"])
    known = post["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]["properties"]
    sent: list[str] = []
    api = TwilioStandIn().start()
    try:
        original = api.phone._create
        api.phone._create = lambda form: (sent.extend(form), original(form))[1]  # type: ignore[method-assign]
        own = carrier(api)
        asyncio.run(own.send(message()))
        asyncio.run(own.close())
        assert sent and [name for name in sent if name not in known] == []
        sid = next(iter(api.phone.calls))
        jsonschema.validate(ask(api, f"Calls/{sid}.json"), call)
        jsonschema.validate(ask(api, "Calls.json?To=%2B12025550123"), listing)
        words = set(document["components"]["schemas"]["call_enum_status"]["enum"])
        assert set(FINAL) <= words and words - set(FINAL) == {"queued", "ringing", "in-progress"}
    finally:
        api.stop()


def ask(api: TwilioStandIn, path: str) -> Any:
    request = urllib.request.Request(f"{api.url}/2010-04-01/Accounts/{api.account_sid}/{path}")  # noqa: S310 - loopback
    login = base64.b64encode(f"{api.account_sid}:{api.token}".encode()).decode()
    request.add_header("Authorization", f"Basic {login}")
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
        return json.loads(answer.read())


def test_the_prompt_of_every_language_names_both_keys_and_nothing_of_the_incident() -> None:
    for language in texts.languages():
        if texts.has(f"{language}/voice.toml"):
            own = texts.table(f"{language}/voice.toml")
            assert re.search("1", own["prompt"]) and re.search("2", own["prompt"]) and "9" in own["closing"], language
            assert set(re.findall(r"\{(\w+)\}", own["prompt"])) == {"organisation", "addressee"}, language
