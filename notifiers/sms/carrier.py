"""The SMS carrier: one text, one request; what it can keep of our words is asked for in `Privacy`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from twilio.base.exceptions import TwilioException

from models.values import BadInput, Channel, Handoff, Message, Mode, Outcome, sha256
from notifiers.guard import check_url
from notifiers.sms.client import Http, NeverLeft, NoAnswer, numbers, open_client
from notifiers.sms.codes import outcome_of
from notifiers.sms.senders import OTHER, is_name, sender_for

LONGEST = 36_000  # seconds; the longest validity that the API takes
_LONE = re.compile("[\0\ud800-\udfff]")  # what no encoding can carry
_LISTED = 50  # newest messages to one number that a look-up reads
_CLOCKS = timedelta(minutes=10)  # the most that two honest clocks may differ


@dataclass(frozen=True, slots=True)
class Privacy:
    """What Twilio may keep. The first two need features of the account; without them it refuses the message."""

    discard_content: bool = False  # a look-up can then no longer compare words
    obfuscate_address: bool = False
    validity_seconds: int = 14400  # a text that can't be delivered for so long is given up

    def options(self, left: float = LONGEST) -> dict[str, Any]:
        """`left`: seconds until the person's night, in which a text that waited must not arrive."""
        valid = max(1, min(self.validity_seconds, LONGEST, int(left)))
        options: dict[str, Any] = {"validity_period": valid}
        if self.discard_content:
            options["content_retention"] = "discard"
        if self.obfuscate_address:
            options["address_retention"] = "obfuscate"
        return options


class Hours(Protocol):
    """When a person may get a text: of the policy, and of the person's zone."""

    def window(self, message: Message) -> tuple[float, float]:
        """Seconds until it may leave, 0 when it may; and seconds from now until it may no more."""


class Always:
    """No hours: for whoever sends by hand."""

    def window(self, message: Message) -> tuple[float, float]:
        return 0.0, float(LONGEST)


def _unknown(phone: str) -> str:
    return ""


@dataclass(slots=True)
class SmsCarrier:
    """Sends texts. `sender` is a number, a sender id, or a messaging service (MG…). Use it from one event loop.

    `senders` says otherwise for a country, which `country` reads from a number (see notifiers.sms.senders).
    `status_callback` is an address on our own server; the delivery's id is put behind it.

    Raises BadInput or Refused when constructed, never in send(). `timeout` is seconds for a whole request.
    """

    account_sid: str
    token: str = field(repr=False)
    sender: str
    api_base: str
    mode: Mode
    status_callback: str = ""
    privacy: Privacy = Privacy()
    senders: Mapping[str, str] = field(default_factory=dict)
    country: Callable[[str], str] = _unknown
    hours: Hours = field(default_factory=Always)
    timeout: float = 30.0
    connections: int = 20
    channel: Channel = field(default=Channel.SMS, init=False)
    _http: Http = field(init=False, repr=False)
    _client: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not (self.account_sid and self.token and self.sender):
            raise BadInput("TOCSIN_TWILIO_SID, _TOKEN, _FROM", "one of them is empty.", "Set all three.")
        for country, sender in self.senders.items():
            if country == OTHER and is_name(sender):
                raise BadInput(
                    "[sms_sender] other", "is a name.", "Give a number: it is used where names are not shown."
                )
        if self.status_callback:
            check_url(self.status_callback, self.mode, "TOCSIN_CALLBACK_URL")
        self._http = Http(self.timeout, self.connections)
        self._client = open_client(self.account_sid, self.token, self.api_base, self.mode, self._http)

    async def send(self, message: Message) -> Handoff:
        """POST once. See notifiers.contract.Carrier."""
        if not message.to.phone.startswith("+") or not message.to.phone[1:].isdecimal():
            return Handoff(message.delivery, Outcome.REFUSED, "bad_number")
        if not message.text.strip():
            return Handoff(message.delivery, Outcome.BLOCKED, "empty_text", host_wide=True)
        if _LONE.search(message.text):
            return Handoff(message.delivery, Outcome.REFUSED, "unsafe_text")
        sender = sender_for(self.country(message.to.phone), self.senders, self.sender)
        if not sender:
            return Handoff(message.delivery, Outcome.REFUSED, "no_sender_for_country")
        wait, left = self.hours.window(message)
        if wait:
            return Handoff(message.delivery, Outcome.DEFERRED, "quiet_hours", retry_after=wait, host_wide=True)
        options = self._options(message, sender, left)
        try:
            made = await self._client.messages.create_async(to=message.to.phone, body=message.text, **options)
        except NeverLeft:
            return Handoff(message.delivery, Outcome.DEFERRED, "connection_refused", host_wide=True)
        except (NoAnswer, ValueError, KeyError):  # the last two: an answer that is not what the API promises
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
        except (TwilioException, NeverLeft, NoAnswer, ValueError, KeyError):
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
        except (TwilioException, NeverLeft, NoAnswer, ValueError, KeyError):
            return None
        code = "" if m.error_code is None else str(m.error_code)
        return {"MessageSid": str(m.sid), "MessageStatus": str(m.status or ""), "ErrorCode": code}

    async def redact(self, sid: str) -> bool:
        """Empty the words that Twilio keeps (erasure after retention). Whether it confirmed."""
        try:
            made = await self._client.messages(sid).update_async(body="")
        except (TwilioException, NeverLeft, NoAnswer, ValueError, KeyError):
            return False
        return not made.body

    async def close(self) -> None:
        await self._http.close()

    def _options(self, message: Message, sender: str, left: float) -> dict[str, Any]:
        who = "messaging_service_sid" if sender.startswith("MG") else "from_"
        base = self.status_callback.rstrip("/")
        callback = {"status_callback": f"{base}/{message.delivery}"} if base else {}
        return {who: sender, **callback, **self.privacy.options(left)}

    async def _listed(self, to: str, after: datetime | None) -> list[Any]:
        """Newest first. A queued text has no date of sending and escapes that filter, so both lists count."""
        plain = await self._client.messages.list_async(to=to, limit=_LISTED)
        if after is None:
            return list(plain)
        dated = await self._client.messages.list_async(to=to, date_sent_after=after, limit=_LISTED)
        fresh = [m for m in plain if m.date_created is None or m.date_created >= after]
        return list({m.sid: m for m in [*dated, *fresh]}.values())


def _refused(delivery: str, e: TwilioException) -> Handoff:
    status, code = numbers(e)
    found = outcome_of(status, code)
    shown = str(code or status)
    wide = found is Outcome.BLOCKED or status == 429
    return Handoff(delivery, found, shown, f"HTTP {status}", host_wide=wide)
