"""The stand-ins themselves: true to the published description, durable, and usable in three ways."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import signal
import smtplib
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jsonschema
import pytest

from models.values import BadInput
from notifiers.fake.smtp import SmtpSink
from notifiers.fake.twilio import MAGIC, TwilioStandIn

ROOT = Path(__file__).parents[2]
SPEC = ROOT.parent / "shared/corpora/twilio/twilio_api_v2010.json"
LIST = "/2010-04-01/Accounts/{AccountSid}/Messages.json"
ONE = "/2010-04-01/Accounts/{AccountSid}/Messages/{Sid}.json"
FORM = {"To": "+12025550123", "From": "+12025550100", "Body": "words canary-12ef"}
spec = pytest.mark.skipif(not SPEC.exists(), reason="the carrier's OpenAPI description is not here")


def call(api: TwilioStandIn, path: str, form: dict[str, str] | None = None, method: str = "", token: str = "") -> Any:
    """(status, parsed body) of one request."""
    data = urlencode(form).encode() if form is not None else None
    request = urllib.request.Request(api.url + path, data, method=method or None)  # noqa: S310 - loopback
    login = base64.b64encode(f"{api.account_sid}:{token or api.token}".encode()).decode()
    request.add_header("Authorization", f"Basic {login}")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
            body = answer.read()
            return answer.status, json.loads(body) if body else None
    except urllib.error.HTTPError as e:
        return e.code, json.loads(e.read())


def path(api: TwilioStandIn, template: str = LIST, sid: str = "") -> str:
    return template.replace("{AccountSid}", api.account_sid).replace("{Sid}", sid)


def schema(document: Any, node: Any) -> Any:
    """A schema of the description as JSON Schema: references resolved, `nullable` as a type."""
    if isinstance(node, list):
        return [schema(document, n) for n in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        found = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return schema(document, found)
    made = {k: schema(document, v) for k, v in node.items() if k not in {"nullable", "x-twilio", "examples", "format"}}
    if node.get("nullable") and isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
    if "properties" in made:
        made["additionalProperties"] = False
    return made


@spec
def test_the_twilio_stand_in_answers_as_the_carriers_own_description_says() -> None:
    document = json.loads(SPEC.read_text())
    post, get = document["paths"][LIST]["post"], document["paths"][LIST]["get"]
    message = schema(document, {"$ref": "#/components/schemas/api.v2010.account.message"})
    listing = schema(document, get["responses"]["200"]["content"]["application/json"]["schema"])
    api = TwilioStandIn().start()
    try:
        status, made = call(api, path(api), FORM)
        assert str(status) in post["responses"]
        jsonschema.validate(made, message)
        assert set(made) == set(message["properties"]), "every field, and no other"
        for script in ({}, {"To": FORM["To"]}, {"To": FORM["To"], "DateSent>": "2008-01-02", "PageSize": "1"}):
            status, found = call(api, path(api) + "?" + urlencode(script))
            assert status == 200 and len(found["messages"]) == 1
            jsonschema.validate(found, listing)
            jsonschema.validate(found["messages"][0], message)
        status, one = call(api, path(api, ONE, made["sid"]))
        assert status == 200
        jsonschema.validate(one, message)
        for method in ("get", "post", "delete"):
            assert method in document["paths"][ONE]
        assert call(api, path(api, ONE, made["sid"]), method="DELETE") == (204, None)
    finally:
        api.stop()


@spec
def test_the_sms_carrier_sends_only_fields_that_the_description_knows() -> None:
    from models.values import Channel, Contacts, Message, Mode
    from notifiers.fake import twilio as module
    from notifiers.sms.carrier import Privacy, SmsCarrier

    content = json.loads(SPEC.read_text())["paths"][LIST]["post"]["requestBody"]["content"]
    known = set(content["application/x-www-form-urlencoded"]["schema"]["properties"])
    sent: list[dict[str, str]] = []

    class Watching(module.TwilioStandIn):
        def _create(self, request: Any) -> tuple[int, Any]:
            sent.append(dict(request.form))
            return super()._create(request)

    async def run() -> None:
        async with Watching() as api:
            options: dict[str, Any] = {"privacy": Privacy(True, True), "status_callback": "http://127.0.0.1:9/x"}
            for sender in ("+12025550100", "MG" + "0" * 32):
                carrier = SmsCarrier(api.account_sid, api.token, sender, api.url, Mode.EXERCISE, **options)
                to = Contacts(phone="+12025550123")
                found = await carrier.send(Message("d", "n", Channel.SMS, "en", to, {}, text="x"))
                assert found.outcome == "accepted"
                await carrier.close()

    asyncio.run(run())
    assert [set(f) - known for f in sent] == [set(), set()]
    assert sent[0]["From"] == "+12025550100" and sent[1]["MessagingServiceSid"].startswith("MG")
    assert sent[0]["ContentRetention"] == "discard" and sent[0]["AddressRetention"] == "obfuscate"


@pytest.mark.parametrize(
    ("changes", "token", "status", "code"),
    [
        ({}, "wrong", 401, 20003),
        ({"To": ""}, "", 400, 21604),
        ({"To": "12"}, "", 400, 21211),
        ({"From": ""}, "", 400, 21603),
        ({"Body": ""}, "", 400, 21602),
        *[({"To": to}, "", 400, script.error) for to, script in MAGIC.items()],
        ({"To": "+12025550190"}, "", 400, 21211),
        ({"To": "+12025550191"}, "", 400, 21610),
        ({"To": "+12025550195"}, "", 429, 20429),
        ({"To": "+12025550198"}, "", 500, 20500),
    ],
)
def test_a_refusal_has_the_carriers_shape_and_is_not_in_the_log(
    changes: dict[str, str], token: str, status: int, code: int
) -> None:
    api = TwilioStandIn().start()
    try:
        got, body = call(api, path(api), {**FORM, **changes}, token=token)
    finally:
        api.stop()
    assert (got, body["code"], body["status"], set(body)) == (
        status,
        code,
        status,
        {"code", "message", "more_info", "status"},
    )
    assert api.accepted == []


@pytest.mark.parametrize(
    ("to", "ending"), [("192", "undelivered"), ("194", "failed"), ("199", "sent"), ("123", "delivered")]
)
def test_a_scripted_number_ends_as_scripted(to: str, ending: str) -> None:
    api = TwilioStandIn().start()
    try:
        _, made = call(api, path(api), {**FORM, "To": f"+12025550{to}"})
        _, later = call(api, path(api, ONE, made["sid"]))
    finally:
        api.stop()
    assert (made["status"], later["status"]) == ("queued", ending)


def test_pages_of_a_listing_follow_each_other() -> None:
    api = TwilioStandIn().start()
    try:
        for n in range(5):
            call(api, path(api), {**FORM, "Body": f"text {n}"})
        seen, following = [], path(api) + "?PageSize=2"
        while following:
            _, page = call(api, following)
            seen += [m["body"] for m in page["messages"]]
            following = page["next_page_uri"]
    finally:
        api.stop()
    assert seen == [f"text {n}" for n in (4, 3, 2, 1, 0)]


MAIL = b"Message-ID: <m1@example.org>\r\nSubject: =?utf-8?q?canary-aa11?=\r\n\r\nhello canary-bb22\r\n.dot\r\n"


def test_a_plain_client_can_talk_to_the_relay_and_the_log_says_what_it_took(tmp_path: Path) -> None:
    sink = SmtpSink(tmp_path / "mail.jsonl").start()
    try:
        with smtplib.SMTP(sink.host, sink.port, timeout=10) as client:
            client.sendmail("b+d1.0a1b2c3d@b.example.org", ["anna@example.org"], MAIL)
            client.sendmail("us@example.org", ["eve@example.org"], MAIL)
            with pytest.raises(smtplib.SMTPRecipientsRefused):
                client.sendmail("us@example.org", ["eve+hardbounce@example.org"], MAIL)
            assert client.docmd("VRFY", "anna")[0] == 502
            assert client.docmd("DATA")[0] == 503
    finally:
        sink.stop()
    lines = [json.loads(line) for line in (tmp_path / "mail.jsonl").read_text().splitlines()]
    assert lines == sink.accepted
    assert [(e["message_id"], e["delivery"], e["to"], e["copy"]) for e in lines] == [
        ("<m1@example.org>", "d1", ["anna@example.org"], 1),
        ("<m1@example.org>", "", ["eve@example.org"], 2),
    ]
    assert lines[0]["canaries"] == ["canary-aa11", "canary-bb22"]
    assert lines[0]["size"] == len(MAIL), "the doubled dot is undone"


def test_pipelined_commands_are_answered_in_order() -> None:
    async def run() -> list[bytes]:
        async with SmtpSink() as sink:
            reader, writer = await asyncio.open_connection(sink.host, sink.port)
            await reader.readline()
            commands = b"HELO x\r\nMAIL FROM:<a@x.org>\r\nRCPT TO:<b+hardbounce@x.org>\r\nRCPT TO:<b@x.org>\r\nDATA\r\n"
            writer.write(commands)
            answers = [await reader.readline() for _ in range(5)]
            writer.write(b"Subject: x\r\n\r\nx\r\n.\r\nQUIT\r\n")
            answers += [await reader.readline() for _ in range(2)]
            writer.close()
            return answers

    assert [a[:3] for a in asyncio.run(run())] == [b"250", b"250", b"550", b"250", b"354", b"250", b"221"]


@pytest.mark.parametrize("kind", ["smtp", "twilio"])
def test_a_stand_in_runs_as_a_program_and_its_log_survives_a_kill(kind: str, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    command = [sys.executable, "-m", "notifiers.fake", kind, "--port", "0", "--log", str(log)]
    program = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": "."}
    )
    try:
        assert program.stdout is not None
        url = program.stdout.readline().strip()
        port = int(re.sub(r".*:", "", url))
        if kind == "smtp":
            with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
                client.sendmail("us@example.org", ["anna@example.org"], MAIL)
        else:
            api = TwilioStandIn(port=port)
            assert call(api, path(api), FORM)[0] == 201
        program.send_signal(signal.SIGKILL)
    finally:
        program.kill()
        program.wait(10)
        if program.stdout:
            program.stdout.close()
    assert len([json.loads(line) for line in log.read_text().splitlines()]) == 1


@pytest.mark.parametrize("kind", [SmtpSink, TwilioStandIn])
def test_a_stand_in_listens_on_loopback_only(kind: Any) -> None:
    with pytest.raises(BadInput, match="loopback"):
        kind(host="0.0.0.0")  # noqa: S104 - refused


def test_a_taken_port_is_said_at_once() -> None:
    first = SmtpSink().start()
    try:
        with pytest.raises(OSError, match="in use"):
            SmtpSink(port=first.port).start()
    finally:
        first.stop()
