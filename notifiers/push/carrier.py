"""Posts notices to the organisation's app as Standard Webhooks: signed, with the notice's own id as `webhook-id`.

A receiver that has seen an id drops the second copy, so a lost answer may be tried again. The address is checked before
and at the connection: an exercise reaches this machine alone, a live system nothing but public addresses over TLS, and
nobody is redirected.
"""

from __future__ import annotations

import ipaddress
import json
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

from models.values import BadInput, Channel, Handoff, Message, Mode, Outcome, Refused, Slot
from notifiers.guard import check_url, is_loopback
from notifiers.push.codes import HOST_WIDE, outcome_of

SETTING, SECRET = "TOCSIN_PUSH_URL", "TOCSIN_PUSH_SECRET"
EVENT = "notice.created"
_SHORTEST = 24  # bytes of a secret, as the specification wants


class _Public(AbstractResolver):
    """Resolves names, and gives back no address that is not public: a name can point anywhere tomorrow."""

    def __init__(self) -> None:
        self._own = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._own.resolve(host, port, family)
        good = [one for one in found if is_public(one["host"])]
        if not good:
            raise OSError("the app's name leads to no public address")
        return good

    async def close(self) -> None:
        await self._own.close()


def is_public(address: str) -> bool:
    """Whether an address literal is one of the internet's, and not of a private or special range."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(ip, "ipv4_mapped", None) or ip
    return mapped.is_global and not mapped.is_multicast


def check_address(url: str, mode: Mode) -> str:
    """`url`, or the reason against it: Refused or BadInput name the setting."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.fragment:
        raise BadInput(SETTING, "is not the address of a web API.", "Write https://host/path.")
    check_url(url, mode, SETTING)
    if mode is Mode.EXERCISE:
        return url
    if parts.scheme != "https" and not is_loopback(parts.hostname):
        raise Refused(f"{SETTING}: notices leave this machine over TLS only. Write https://…")
    if _literal(parts.hostname) and not is_loopback(parts.hostname) and not is_public(parts.hostname):
        raise Refused(f"{SETTING}: the address lies in a private or special range")
    return url


def _literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def signer(secret: str) -> Webhook:
    """BadInput when the secret is none, or a short one."""
    try:
        made = Webhook(secret)
    except (ValueError, RuntimeError, EmptyWebhookSecretError):
        made = None
    if made is None or len(made._whsecret) < _SHORTEST:
        raise BadInput(SECRET, f"is not a secret of {_SHORTEST} bytes or more.", "Write whsec_ and its base64.")
    return made


@dataclass(slots=True)
class PushCarrier:
    """Posts one event per message. Raises BadInput or Refused when constructed, never in send()."""

    url: str
    secret: str = field(repr=False)
    mode: Mode
    lease: Callable[[], datetime]  # real time: a receiver holds timestamps against its own clock
    timeout: float = 15.0
    connections: int = 10
    channel: Channel = field(default=Channel.PUSH, init=False)
    _signer: Webhook = field(init=False, repr=False)
    _session: aiohttp.ClientSession | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.url:
            raise BadInput(SETTING, "is not set.", "Name the address of your app's server.")
        check_address(self.url, self.mode)
        self._signer = signer(self.secret)

    async def send(self, message: Message) -> Handoff:
        """POST once. See notifiers.contract.Carrier."""
        if not message.to.app:
            return Handoff(message.delivery, Outcome.REFUSED, "no_app")
        try:
            body = payload(message, self.lease())
            body.encode()
        except UnicodeEncodeError:
            return Handoff(message.delivery, Outcome.REFUSED, "unsafe_text")
        try:
            headers = self._headers(message.notice, body)
            async with self._open().post(
                self.url, data=body.encode(), headers=headers, allow_redirects=False
            ) as answer:
                return _handed(message.delivery, answer.status, answer.headers.get("Retry-After", ""))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            return Handoff(message.delivery, Outcome.DEFERRED, "connection_refused", host_wide=True)
        except (aiohttp.ClientError, TimeoutError, OSError):
            return Handoff(message.delivery, Outcome.UNKNOWN, "no_answer")

    async def look_up(self, message: Message, since: datetime | None = None) -> Handoff | None:
        """There is nothing to ask: the same id is posted once more instead."""
        return None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _headers(self, identity: str, body: str) -> dict[str, str]:
        now = self.lease().astimezone(UTC)
        return {
            "content-type": "application/json",
            "webhook-id": identity,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(identity, now, body),
        }

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            ours = is_loopback(urlsplit(self.url).hostname or "")
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self.connections, resolver=None if ours else _Public()),
                timeout=aiohttp.ClientTimeout(total=self.timeout),
                trust_env=False,  # a proxy from the environment would carry notices elsewhere
            )
        return self._session


def payload(message: Message, at: datetime) -> str:
    """The event as JSON: type, timestamp and data, as the specification has it. `title` may show on a locked screen."""
    data: dict[str, Any] = {
        "notice": message.notice,
        "delivery": message.delivery,
        "person": message.to.app,
        "language": message.language,
        "title": message.subject,
        "text": message.text,
        "reference": message.slots.get(Slot.REFERENCE, ""),
    }
    stamp = at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return json.dumps({"type": EVENT, "timestamp": stamp, "data": data}, ensure_ascii=False)


def _handed(delivery: str, status: int, retry_after: str) -> Handoff:
    found = outcome_of(status)
    wait = float(retry_after) if retry_after.isdecimal() else None
    wide = found in HOST_WIDE or (found is Outcome.DEFERRED and status == 429)
    reference = delivery if found is Outcome.ACCEPTED else ""
    return Handoff(delivery, found, str(status), "", reference, retry_after=wait, host_wide=wide)
