"""Twilio's own async client over one kept-alive session, with our timeouts and without its logging.

The client's own HTTP layer logs request parameters, a person's number among them; ours says nothing. Shared by texts
and spoken calls.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http.response import Response
from twilio.rest import Client

from models.values import BadInput, Mode
from notifiers.guard import check_host

SETTING = "TOCSIN_TWILIO_API_BASE"
DEFAULT_BASE = "https://api.twilio.com"


class NeverLeft(Exception):
    """No connection: the request can't have arrived."""


class NoAnswer(Exception):
    """The request may have arrived."""


class Http:
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
            raise NeverLeft from None
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise NoAnswer from None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


def _basic(auth: tuple[str, str] | None) -> dict[str, str]:
    if auth is None:
        return {}
    return {"Authorization": "Basic " + base64.b64encode(":".join(auth).encode()).decode()}


def base_of(url: str, mode: Mode) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.username:
        raise BadInput(SETTING, "it is not the base of a web API.", "Write https://host or http://127.0.0.1:port.")
    host = check_host(parts.hostname, mode, SETTING)
    if parts.scheme == "http":
        check_host(host, Mode.EXERCISE, f"{SETTING} without TLS")  # a token in clear only ever on this machine
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{parts.port}" if parts.port else "") + parts.path.rstrip("/")


def open_client(account_sid: str, token: str, api_base: str, mode: Mode, http: Http) -> Any:
    """The client, bound to `api_base`. BadInput or Refused name the setting."""
    base = base_of(api_base or DEFAULT_BASE, mode)
    # A non-empty environment of ours: the client would otherwise read edge and region, and change the host.
    client = Client(account_sid, token, http_client=http, environment={"TOCSIN": "1"})
    client.api.base_url = base
    return client


def numbers(e: TwilioException) -> tuple[int, int]:
    """The HTTP status and Twilio's own number of a refusal; zeros where it gave none."""
    if isinstance(e, TwilioRestException | TwilioServiceException):
        return int(e.status), int(e.code or 0)
    return 0, 0
