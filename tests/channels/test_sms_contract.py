"""Our requests for texts and calls, judged by a program that knows only the provider's own OpenAPI description.

Prism (npm package @stoplight/prism-cli) answers as the description says and refuses what it does not allow. It is
looked for on the PATH or at PRISM=…/node_modules/.bin/prism; without it, or without the description, these tests are
skipped. Its 500 says that the description's own example breaks the description: the request was right.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from twilio.http.response import Response

from models.values import Channel, Contacts, Handoff, Message, Mode, Outcome
from notifiers.sms.carrier import Privacy, SmsCarrier
from notifiers.sms.client import Http, open_client

SPEC = Path(__file__).parents[3] / "shared/corpora/twilio/twilio_api_v2010.json"
PRISM = os.environ.get("PRISM") or shutil.which("prism") or ""
ACCOUNT = "AC" + "0" * 32
SID = "SM" + "0" * 32

pytestmark = [
    pytest.mark.skipif(not PRISM or not shutil.which("node"), reason="no @stoplight/prism-cli (set PRISM)"),
    pytest.mark.skipif(not SPEC.exists(), reason="the provider's description is not here"),
]


@pytest.fixture(scope="module")
def prism() -> Iterator[str]:
    """Its address. Started for this module, ended by its own id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [PRISM, "mock", "--errors", "--host", "127.0.0.1", "--port", str(port), str(SPEC)]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(port, running)
        yield f"http://127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait(10)


def _wait(port: int, running: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert running.poll() is None, "it ended by itself"
        with socket.socket() as line:
            if line.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise AssertionError("it did not answer within a minute")


def asked(base: str, form: dict[str, str], token: str) -> int:
    """The status of a request that we wrote by hand."""
    request = urllib.request.Request(  # noqa: S310 - loopback
        f"{base}/2010-04-01/Accounts/{ACCOUNT}/Messages.json", urllib.parse.urlencode(form).encode()
    )
    if token:
        request.add_header("Authorization", "Basic " + b64encode(f"{ACCOUNT}:{token}".encode()).decode())
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - loopback
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


GOOD = {"To": "+12025550123", "From": "+12025550100", "Body": "x", "ValidityPeriod": "60"}
REQUESTS = [
    (GOOD, "t", 201),
    ({k: v for k, v in GOOD.items() if k != "To"}, "t", 422),
    (GOOD | {"ValidityPeriod": "soon"}, "t", 422),
    (GOOD | {"ContentRetention": "burn"}, "t", 422),
    (GOOD, "", 401),
]


@pytest.mark.parametrize(("form", "token", "status"), REQUESTS)
def test_the_judge_can_tell_good_from_bad(prism: str, form: dict[str, str], token: str, status: int) -> None:
    assert asked(prism, form, token) == status


SENDERS = ["+12025550100", "Example", "MG" + "0" * 32]
PRIVACY = [Privacy(), Privacy(discard_content=True, obfuscate_address=True, validity_seconds=60)]
TEXT = Message("d1", "n1", Channel.SMS, "en", Contacts("", "+447700900123"), {}, text="数据 & é ' \" + % 100 ref A-1")


@pytest.mark.parametrize("sender", SENDERS)
@pytest.mark.parametrize("privacy", PRIVACY, ids=["usual", "private"])
def test_every_kind_of_text_that_we_ask_for_is_as_described(prism: str, sender: str, privacy: Privacy) -> None:
    async def run() -> Handoff:
        senders, callback = {"GB": sender}, "https://tocsin.example.org/sms"
        carrier = SmsCarrier(
            ACCOUNT, "t", "+12025550100", prism, Mode.LIVE, callback, privacy, senders, country=lambda _: "GB"
        )
        found = await carrier.send(TEXT)
        await carrier.close()
        return found

    assert asyncio.run(run()).outcome is Outcome.ACCEPTED


class Watched(Http):
    """Keeps what the judge answered."""

    def __init__(self) -> None:
        super().__init__(20.0, 1)
        self.seen: list[tuple[int, str]] = []

    async def request(self, *given: Any, **named: Any) -> Response:
        answer = await super().request(*given, **named)
        self.seen.append((answer.status_code, answer.text))
        return answer


def test_looking_up_asking_and_redacting_are_as_described(prism: str) -> None:
    async def run() -> list[tuple[int, str]]:
        carrier = SmsCarrier(ACCOUNT, "t", "+12025550100", prism, Mode.EXERCISE)
        carrier._http = Watched()
        carrier._client = open_client(ACCOUNT, "t", prism, Mode.EXERCISE, carrier._http)
        await carrier.look_up(TEXT, datetime(2026, 11, 24, 9, tzinfo=UTC))
        state = await carrier.fetch(SID)
        assert state is not None and set(state) == {"MessageSid", "MessageStatus", "ErrorCode"}
        await carrier.redact(SID)
        await carrier.close()
        return carrier._http.seen

    seen = asyncio.run(run())
    faults = [text[:300] for status, text in seen if status not in (200, 500) or '"location":["request"' in text]
    assert faults == [] and len(seen) >= 3, "a list, a look, an edit"
    assert [status for status, _ in seen][-2:] == [200, 200]
