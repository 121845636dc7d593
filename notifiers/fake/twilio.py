"""A stand-in for Twilio's Messages and Calls resources, held against the carrier's own OpenAPI description in a test.

Calls are played in notifiers.fake.phone.

Magic To numbers, as with Twilio's test credentials, and scripted endings among the reserved 555-01xx numbers:

| To | what happens |
|---|---|
| +15005550001, …0002, …0003, …0004, …0009 | 400 with 21211, 21612, 21408, 21610, 21614 |
| …5550190 | 400 with 21211 |
| …5550191 | 400 with 21610 (STOP) |
| …5550192 | taken, then undelivered with 30005 |
| …5550193 | taken, then undelivered with 30003 |
| …5550188 | taken, then failed with 30007 |
| …5550194 | taken, then failed with 30034 |
| …5550195 | 429 the first time, then taken |
| …5550196 | taken, then the line breaks without an answer, the first time |
| …5550197 | taken, then 500, the first time |
| …5550198 | 500 without being taken, the first time |
| …5550199 | taken, stays "sent" |
"""

from __future__ import annotations

import asyncio
import base64
import re
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from notifiers.fake.http import Request, answer, post_form, read_request
from notifiers.fake.phone import Phone
from notifiers.fake.standin import CANARY, StandIn, cut
from notifiers.sms.segments import segments
from notifiers.sms.webhook import signature

VERSION = "2010-04-01"
_LIST = re.compile(rf"/{VERSION}/Accounts/(?P<account>[^/]+)/Messages\.json")
_CALLS = re.compile(rf"/{VERSION}/Accounts/(?P<account>[^/]+)/Calls\.json")
_CALL = re.compile(rf"/{VERSION}/Accounts/(?P<account>[^/]+)/Calls/(?P<sid>[^/]+)\.json")
_ONE = re.compile(rf"/{VERSION}/Accounts/(?P<account>[^/]+)/Messages/(?P<sid>[^/]+)\.json")
_E164 = re.compile(r"\+[1-9]\d{6,14}")


@dataclass(frozen=True, slots=True)
class Script:
    """How a number behaves. `error` refuses; `taken` says whether the first request was recorded before `trick`."""

    error: int = 0
    final: str = "delivered"
    final_error: int = 0
    trick: str = ""  # "429", "500", "drop": the first time only
    taken: bool = True


MAGIC: Mapping[str, Script] = {
    "+15005550001": Script(21211),
    "+15005550002": Script(21612),
    "+15005550003": Script(21408),
    "+15005550004": Script(21610),
    "+15005550009": Script(21614),
}
ENDINGS: Mapping[str, Script] = {
    "5550190": Script(21211),
    "5550191": Script(21610),
    "5550192": Script(final="undelivered", final_error=30005),
    "5550193": Script(final="undelivered", final_error=30003),
    "5550188": Script(final="failed", final_error=30007),
    "5550194": Script(final="failed", final_error=30034),
    "5550195": Script(trick="429", taken=False),
    "5550196": Script(trick="drop"),
    "5550197": Script(trick="500"),
    "5550198": Script(trick="500", taken=False),
    "5550199": Script(final="sent"),
}
_WORDS = {
    20003: "Authenticate",
    20404: "The requested resource was not found",
    20429: "Too Many Requests",
    21211: "Invalid 'To' Phone Number",
    21408: "Permission to send an SMS has not been enabled for the region",
    21602: "Message body is required.",
    21603: "A 'From' phone number is required.",
    21604: "A 'To' phone number is required.",
    21610: "Attempt to send to unsubscribed recipient",
    21612: "The 'To' phone number is not currently reachable",
    21614: "'To' number is not a valid mobile number",
    20500: "Internal Server Error",
}


class TwilioStandIn(StandIn):
    """The API. `log` gets one JSON line per message that was taken: n, at, sid, to, from, sha256 of the body,
    segments, canaries.

    `endings` replaces the scripted endings; {} makes every number ordinary. A message reaches its final status when it
    is first asked for, or with the callbacks when the request named a StatusCallback on loopback.
    """

    def __init__(
        self,
        log: Path | None = None,
        *,
        account_sid: str = "AC" + "0" * 32,
        token: str = "standin",  # noqa: S107 - a stand-in's made-up token
        host: str = "127.0.0.1",
        port: int = 0,
        endings: Mapping[str, Script] = ENDINGS,
    ) -> None:
        super().__init__(host, port, log)
        self.account_sid, self.token, self.endings = account_sid, token, endings
        self.messages: dict[str, dict[str, Any]] = {}
        self.forms: list[Mapping[str, str]] = []  # of each request for a text
        self.connections = 0  # that were opened
        self.callbacks: list[tuple[str, str, int]] = []  # sid, status, what the receiver answered
        self._scripts: dict[str, Script] = {}
        self._times: Counter[str] = Counter()
        self._calling: set[asyncio.Task[None]] = set()
        self.phone = Phone(account_sid, token, self.log)

    @property
    def url(self) -> str:
        """For TOCSIN_TWILIO_API_BASE."""
        return f"http://{self.host}:{self.port}"

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while (request := await read_request(reader)) is not None:
            status, body = await self._serve(request)
            if status == 0:
                cut(writer)
                return
            await answer(writer, status, body)

    async def _serve(self, request: Request) -> tuple[int, Any]:
        if request.headers.get("authorization") != self._authorization():
            return _error(401, 20003)
        if _CALLS.fullmatch(request.path) or _CALL.fullmatch(request.path):
            return await self.phone.serve(request)
        found = _LIST.fullmatch(request.path) or _ONE.fullmatch(request.path)
        if not found or found["account"] != self.account_sid:
            return _error(404, 20404)
        if "sid" not in found.groupdict():
            return self._create(request) if request.method == "POST" else self._list(request)
        return self._one(request, found["sid"])

    def _authorization(self) -> str:
        return "Basic " + base64.b64encode(f"{self.account_sid}:{self.token}".encode()).decode()

    # --- resources ---

    def _create(self, request: Request) -> tuple[int, Any]:
        form = request.form
        self.forms.append(form)
        to = form.get("To", "")
        script = self._script(to)
        if code := _fault(form) or script.error:
            return _error(400, code)
        self._times[to] += 1
        tricked = bool(script.trick) and self._times[to] == 1
        made = self._take(form, script) if script.taken or not tricked else None
        if tricked:
            return {"429": _error(429, 20429), "500": _error(500, 20500), "drop": (0, None)}[script.trick]
        return 201, made

    def _script(self, to: str) -> Script:
        return MAGIC.get(to) or self.endings.get(to[-7:]) or Script()

    def _take(self, form: Mapping[str, str], script: Script) -> dict[str, Any]:
        sid = "SM" + uuid.uuid4().hex
        message = _resource(self.account_sid, sid, form)
        self.messages[sid], self._scripts[sid] = message, script
        self.log.append(
            {
                "n": len(self.messages),
                "at": time.time(),
                "sid": sid,
                "to": form["To"],
                "from": message["from"] or message["messaging_service_sid"],
                "sha256": sha256(form["Body"].encode()).hexdigest(),
                "segments": int(message["num_segments"]),
                "canaries": sorted({c.lower() for c in CANARY.findall(form["Body"])}),
            }
        )
        taken = dict(message)
        if form.get("ContentRetention") == "discard":
            message["body"] = ""
        if callback := form.get("StatusCallback"):
            task = asyncio.get_running_loop().create_task(self._report(sid, callback))
            self._calling.add(task)
            task.add_done_callback(self._calling.discard)
        return taken

    def _list(self, request: Request) -> tuple[int, Any]:
        q = request.query
        found = [self._settled(s) for s in reversed(self.messages) if _matches(self.messages[s], q)]
        size, page = int(q.get("PageSize", "50")), int(q.get("Page", "0"))
        shown = found[page * size : (page + 1) * size]
        after = f"{request.path}?{urlencode({**q, 'Page': page + 1})}" if len(found) > (page + 1) * size else None
        return 200, {
            "messages": shown,
            "page": page,
            "page_size": size,
            "start": page * size,
            "end": page * size + max(len(shown) - 1, 0),
            "uri": request.target,
            "first_page_uri": f"{request.path}?{urlencode({**q, 'Page': 0})}",
            "next_page_uri": after,
            "previous_page_uri": None,
        }

    def _one(self, request: Request, sid: str) -> tuple[int, Any]:
        if sid not in self.messages:
            return _error(404, 20404)
        if request.method == "DELETE":
            del self.messages[sid]
            return 204, None
        message = self._settled(sid)
        if request.method == "POST" and "Body" in request.form:
            message["body"] = request.form["Body"]
        return 200, message

    # --- endings ---

    def _settled(self, sid: str) -> dict[str, Any]:
        script = self._scripts[sid]
        self._move(sid, script.final, script.final_error)
        return self.messages[sid]

    def _move(self, sid: str, status: str, code: int = 0) -> None:
        message = self.messages[sid]
        message["status"], message["error_code"] = status, code or None
        message["error_message"] = "see the error page" if code else None
        message["date_sent"] = message["date_sent"] or format_datetime(datetime.now(UTC))

    async def _report(self, sid: str, url: str) -> None:
        """Callbacks in the usual order: sent, then the final status."""
        script = self._scripts[sid]
        for status, code in (("sent", 0), (script.final, script.final_error)):
            if sid in self.messages and (status != "sent" or script.final == "sent" or not code):
                self._move(sid, status, code)
            params = self._params(sid, status, code)
            headers = {
                "Content-Type": "application/x-www-form-urlencoded",
                "X-Twilio-Signature": signature(self.token, url, params),
            }
            self.callbacks.append((sid, status, await post_form(url, urlencode(params).encode(), headers)))

    def _params(self, sid: str, status: str, code: int) -> dict[str, str]:
        message = self.messages.get(sid, {})
        params = {"MessageSid": sid, "SmsSid": sid, "MessageStatus": status, "SmsStatus": status}
        params |= {"To": message.get("to") or "", "From": message.get("from") or "", "AccountSid": self.account_sid}
        return params | {"ApiVersion": VERSION} | ({"ErrorCode": str(code)} if code else {})


def _fault(form: Mapping[str, str]) -> int:
    """The first thing wrong with a request, or 0."""
    if not form.get("To"):
        return 21604
    if not _E164.fullmatch(form["To"]):
        return 21211
    if not form.get("From") and not form.get("MessagingServiceSid"):
        return 21603
    return 0 if form.get("Body") else 21602


def _error(status: int, code: int) -> tuple[int, Any]:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return status, {"code": code, "message": _WORDS.get(code, "Error"), "more_info": more, "status": status}


def _resource(account: str, sid: str, form: Mapping[str, str]) -> dict[str, Any]:
    now, uri = format_datetime(datetime.now(UTC)), f"/{VERSION}/Accounts/{account}/Messages/{sid}"
    return {
        "account_sid": account,
        "api_version": VERSION,
        "body": form["Body"],
        "date_created": now,
        "date_sent": None,
        "date_updated": now,
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": form.get("From"),
        "messaging_service_sid": form.get("MessagingServiceSid"),
        "num_media": "0",
        "num_segments": str(segments(form["Body"])[1]),
        "price": None,
        "price_unit": "USD",
        "sid": sid,
        "status": "queued",
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": form["To"],
        "uri": f"{uri}.json",
    }


def _matches(message: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    if query.get("To", message["to"]) != message["to"] or query.get("From", message["from"]) != message["from"]:
        return False
    sent = parsedate_to_datetime(message["date_sent"]) if message["date_sent"] else None
    for name in ("DateSent>", "DateSent<", "DateSent"):
        if name in query and (sent is None or not _in_range(name, sent, _instant(query[name]))):
            return False
    return True


def _in_range(name: str, sent: datetime, limit: datetime) -> bool:
    if name == "DateSent>":
        return sent >= limit
    return sent <= limit if name == "DateSent<" else sent.date() == limit.date()


def _instant(value: str) -> datetime:
    at = datetime.fromisoformat(value)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
