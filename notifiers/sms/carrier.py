"""The SMS carrier: Twilio's own async client over one kept-alive session, with our timeouts and without its logging.

The client's own HTTP layer logs request parameters, a person's number among them; ours says nothing.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http.response import Response
from twilio.rest import Client

from models.values import BadInput, Channel, Handoff, Message, Mode, Outcome, sha256
from notifiers.guard import check_host
from notifiers.sms.codes import outcome_of

SETTING = "TOCSIN_TWILIO_API_BASE"
DEFAULT_BASE = "https://api.twilio.com"
_LONE = re.compile("[\0\ud800-\udfff]")  # what no encoding can carry
_LISTED = 50  # newest messages to one number that a look-up reads
_CLOCKS = timedelta(minutes=10)  # the most that two honest clocks may differ


class _NeverLeft(Exception):
    """No connection: the request can't have arrived."""


class _NoAnswer(Exception):
    """The request may have arrived."""


class _Http:
    """What the client asks of an HTTP client, over one session that is made inside the running loop.

    Tells "never left" from "no answer", and logs nothing.
    """

    is_async = True

    def __init__(self, timeout: float, connections: int) -> None:
        self.timeout = timeout
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=60),
                timeout=aiohttp.ClientTimeout(total=self.timeout, connect=min(30.0, self.timeout)),
                trust_env=False,  # a proxy from the environment would carry an exercise out of this machine
            )
        return self._session

    async def request(
        self,
        method: str,
        uri: str,
        params: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        sent = {**(headers or {}), **_basic(auth)}
        try:
            async with self._open().request(
                method, uri, params=params, data=data, headers=sent, allow_redirects=False
            ) as answer:
                return Response(answer.status, await answer.text(), answer.headers)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            raise _NeverLeft from None
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise _NoAnswer from None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


def _basic(auth: tuple[str, str] | None) -> dict[str, str]:
    if auth is None:
        return {}
    return {"Authorization": "Basic " + base64.b64encode(":".join(auth).encode()).decode()}


@dataclass(frozen=True, slots=True)
class Privacy:
    """What Twilio may keep. The first two need features of the account; without them it refuses the message."""

    discard_content: bool = False  # a look-up can then no longer compare words
    obfuscate_address: bool = False
    validity_seconds: int = 14400  # a text that can't leave for four hours is given up instead of arriving at night

    def options(self) -> dict[str, Any]:
        options: dict[str, Any] = {"validity_period": self.validity_seconds}
        if self.discard_content:
            options["content_retention"] = "discard"
        if self.obfuscate_address:
            options["address_retention"] = "obfuscate"
        return options


@dataclass(slots=True)
class SmsCarrier:
    """Sends texts. `sender` is a number, a sender id, or a messaging service (MG…). Use it from one event loop.

    Raises BadInput or Refused when constructed, never in send(). `timeout` is seconds for a whole request.
    """

    account_sid: str
    token: str = field(repr=False)
    sender: str
    api_base: str
    mode: Mode
    status_callback: str = ""
    privacy: Privacy = Privacy()
    timeout: float = 30.0
    connections: int = 20
    channel: Channel = field(default=Channel.SMS, init=False)
    _http: _Http = field(init=False, repr=False)
    _client: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not (self.account_sid and self.token and self.sender):
            raise BadInput("TOCSIN_TWILIO_SID, _TOKEN, _FROM", "one of them is empty.", "Set all three.")
        base = _base(self.api_base or DEFAULT_BASE, self.mode)
        self._http = _Http(self.timeout, self.connections)
        # A non-empty environment of ours: the client would otherwise read edge and region, and change the host.
        self._client = Client(self.account_sid, self.token, http_client=self._http, environment={"TOCSIN": "1"})
        self._client.api.base_url = base

    async def send(self, message: Message) -> Handoff:
        """POST once. See notifiers.contract.Carrier."""
        if not message.to.phone.startswith("+") or not message.to.phone[1:].isdecimal():
            return Handoff(message.delivery, Outcome.REFUSED, "bad_number")
        if not message.text.strip():
            return Handoff(message.delivery, Outcome.BLOCKED, "empty_text", host_wide=True)
        if _LONE.search(message.text):
            return Handoff(message.delivery, Outcome.REFUSED, "unsafe_text")
        try:
            made = await self._client.messages.create_async(to=message.to.phone, body=message.text, **self._options())
        except _NeverLeft:
            return Handoff(message.delivery, Outcome.DEFERRED, "connection_refused", host_wide=True)
        except (_NoAnswer, ValueError, KeyError):  # the last two: an answer that is not what the API promises
            return Handoff(message.delivery, Outcome.UNKNOWN, "no_answer")
        except TwilioException as e:
            return _refused(message.delivery, e)
        return Handoff(message.delivery, Outcome.ACCEPTED, str(made.status or ""), reference=str(made.sid))

    async def look_up(self, message: Message, since: datetime | None = None) -> Handoff | None:
        """Search the newest messages to this number for our words; adopt the sid when they are there.

        Without readable words (content discarded) a message since then makes the answer "can't tell", not "absent".
        """
        after = (since - _CLOCKS).astimezone(UTC) if since else None
        try:
            seen = await self._listed(message.to.phone, after)
        except (TwilioException, _NeverLeft, _NoAnswer, ValueError, KeyError):
            return None
        wanted = sha256(message.text.strip())
        for m in seen:
            if sha256((m.body or "").strip()) == wanted:
                return Handoff(message.delivery, Outcome.ACCEPTED, str(m.status or ""), reference=str(m.sid))
        if any(not m.body for m in seen) or len(seen) == _LISTED:
            return None
        return Handoff(message.delivery, Outcome.DEFERRED, "not_found")

    async def fetch(self, sid: str) -> dict[str, str] | None:
        """The present state of one message, with the names of a callback; None when Twilio can't say."""
        try:
            m = await self._client.messages(sid).fetch_async()
        except (TwilioException, _NeverLeft, _NoAnswer, ValueError, KeyError):
            return None
        code = "" if m.error_code is None else str(m.error_code)
        return {"MessageSid": str(m.sid), "MessageStatus": str(m.status or ""), "ErrorCode": code}

    async def redact(self, sid: str) -> bool:
        """Empty the words that Twilio keeps (erasure after retention). Whether it confirmed."""
        try:
            made = await self._client.messages(sid).update_async(body="")
        except (TwilioException, _NeverLeft, _NoAnswer, ValueError, KeyError):
            return False
        return not made.body

    async def close(self) -> None:
        await self._http.close()

    def _options(self) -> dict[str, Any]:
        who = "messaging_service_sid" if self.sender.startswith("MG") else "from_"
        callback = {"status_callback": self.status_callback} if self.status_callback else {}
        return {who: self.sender, **callback, **self.privacy.options()}

    async def _listed(self, to: str, after: datetime | None) -> list[Any]:
        """Newest first. A queued text has no date of sending and escapes that filter, so both lists count."""
        plain = await self._client.messages.list_async(to=to, limit=_LISTED)
        if after is None:
            return list(plain)
        dated = await self._client.messages.list_async(to=to, date_sent_after=after, limit=_LISTED)
        fresh = [m for m in plain if m.date_created is None or m.date_created >= after]
        return list({m.sid: m for m in [*dated, *fresh]}.values())


def _base(url: str, mode: Mode) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.username:
        raise BadInput(SETTING, "it is not the base of a web API.", "Write https://host or http://127.0.0.1:port.")
    host = check_host(parts.hostname, mode, SETTING)
    if parts.scheme == "http":
        check_host(host, Mode.EXERCISE, f"{SETTING} without TLS")  # a token in clear only ever on this machine
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{parts.port}" if parts.port else "") + parts.path.rstrip("/")


def _refused(delivery: str, e: TwilioException) -> Handoff:
    status, code = 0, 0
    if isinstance(e, TwilioRestException | TwilioServiceException):
        status, code = int(e.status), int(e.code or 0)
    found = outcome_of(status, code)
    shown = str(code or status)
    wide = found is Outcome.BLOCKED or status == 429
    return Handoff(delivery, found, shown, f"HTTP {status}", host_wide=wide)
