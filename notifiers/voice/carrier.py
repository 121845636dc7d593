"""Places calls through Twilio's Calls resource. What is said is asked of us, key by key, at `callback`.

There is no idempotency key: a request whose answer was lost is unknown, and is looked up before anything is repeated.
A call in the night is put off to the person's morning before anything is asked of Twilio. Source: its OpenAPI
description (twilio-oai, 2010-04-01).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from twilio.base.exceptions import TwilioException

from models.values import BadInput, Channel, Handoff, Message, Mode, Outcome
from notifiers.guard import check_url
from notifiers.sms.client import Http, NeverLeft, NoAnswer, numbers, open_client
from notifiers.sms.codes import outcome_of
from notifiers.voice.codes import ERRORS

_LISTED = 50
_LONE = re.compile("[\0\ud800-\udfff]")  # what no encoding can carry
_CLOCKS = timedelta(minutes=10)  # the most that two honest clocks may differ
_TROUBLE = (TwilioException, NeverLeft, NoAnswer, ValueError, KeyError)
Quiet = Callable[[str], float]  # number -> seconds until it may be called; 0: now


@dataclass(slots=True)
class VoiceCarrier:
    """Places one call per message. Use it from one event loop.

    Raises BadInput or Refused when constructed, never in send(). `callback` is where Twilio reaches our own
    `tocsin serve`, with TLS unless it is on this machine.
    """

    account_sid: str
    token: str = field(repr=False)
    sender: str
    api_base: str
    callback: str
    mode: Mode
    quiet: Quiet
    ring: int = 30  # seconds
    most: int = 1_800  # seconds of one call
    timeout: float = 30.0
    connections: int = 5
    channel: Channel = field(default=Channel.VOICE, init=False)
    _http: Http = field(init=False, repr=False)
    _client: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not (self.account_sid and self.token and self.sender):
            raise BadInput("TOCSIN_TWILIO_SID, _TOKEN, _VOICE_FROM", "one of them is empty.", "Set all three.")
        if not self.sender.startswith("+"):
            raise BadInput("TOCSIN_TWILIO_VOICE_FROM", "is not a telephone number.", "Write it as +12025550100.")
        check_url(self.callback, self.mode, "TOCSIN_CALLBACK_URL")
        self._http = Http(self.timeout, self.connections)
        self._client = open_client(self.account_sid, self.token, self.api_base, self.mode, self._http)

    def place(self, delivery: str) -> str:
        """This call's own address, without a step."""
        return f"{self.callback.rstrip('/')}/voice/{delivery}"

    async def send(self, message: Message) -> Handoff:
        """POST once. See notifiers.contract.Carrier."""
        to = message.to.phone
        if not to.startswith("+") or not to[1:].isdecimal():
            return Handoff(message.delivery, Outcome.REFUSED, "bad_number")
        if not message.text.strip() or not message.subject.strip():
            return Handoff(message.delivery, Outcome.BLOCKED, "empty_text", host_wide=True)
        if _LONE.search(message.subject + message.text):
            return Handoff(message.delivery, Outcome.REFUSED, "unsafe_text")
        if wait := self.quiet(to):
            return Handoff(message.delivery, Outcome.DEFERRED, "quiet_hours", retry_after=wait, host_wide=True)
        try:
            made = await self._client.calls.create_async(to=to, from_=self.sender, **self._options(message.delivery))
        except NeverLeft:
            return Handoff(message.delivery, Outcome.DEFERRED, "connection_refused", host_wide=True)
        except (NoAnswer, ValueError, KeyError):
            return Handoff(message.delivery, Outcome.UNKNOWN, "no_answer")
        except TwilioException as e:
            return _refused(message.delivery, e)
        return Handoff(message.delivery, Outcome.ACCEPTED, str(made.status or ""), reference=str(made.sid))

    async def look_up(self, message: Message, since: datetime | None = None) -> Handoff | None:
        """A single call from our number to this one since then is ours; several can't be told apart."""
        after = (since - _CLOCKS).astimezone(UTC) if since else None
        try:
            seen = await self._client.calls.list_async(to=message.to.phone, from_=self.sender, limit=_LISTED)
        except _TROUBLE:
            return None
        fresh = [c for c in seen if after is None or c.date_created is None or c.date_created >= after]
        if len(fresh) == 1:
            return Handoff(message.delivery, Outcome.ACCEPTED, str(fresh[0].status or ""), reference=str(fresh[0].sid))
        return None if fresh else Handoff(message.delivery, Outcome.DEFERRED, "not_found")

    async def fetch(self, sid: str) -> dict[str, str] | None:
        """The present state of one call, with the names of a callback; None when Twilio can't say."""
        try:
            c = await self._client.calls(sid).fetch_async()
        except _TROUBLE:
            return None
        return {"CallSid": str(c.sid), "CallStatus": str(c.status or ""), "AnsweredBy": str(c.answered_by or "")}

    async def close(self) -> None:
        await self._http.close()

    def _options(self, delivery: str) -> dict[str, Any]:
        place = self.place(delivery)
        return {
            "url": f"{place}/start",
            "method": "POST",
            "status_callback": f"{place}/status",
            "status_callback_method": "POST",
            "status_callback_event": ["completed"],
            "machine_detection": "Enable",
            "timeout": self.ring,
            "time_limit": self.most,
        }


def _refused(delivery: str, e: TwilioException) -> Handoff:
    status, code = numbers(e)
    found = outcome_of(status, code, ERRORS)
    wide = found is Outcome.BLOCKED or status == 429 or code == 10004
    return Handoff(delivery, found, str(code or status), f"HTTP {status}", host_wide=wide)
