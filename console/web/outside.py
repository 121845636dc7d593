"""What is reached from outside: the page that checks a notice's code, the dialogue of spoken calls, the app's receipts.

No account, no session, no cookie, and nothing of a person comes out but what a caller hears after a key. Calls are
signed by the provider, receipts by the app; codes are few and guesses are counted. The web console may mount this app.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from flows.steps import texted, voicing
from flows.steps.desk import Desk
from flows.steps.verify_notice import Limiter, Verdict, verify_code
from models.values import BadInput, Refused, TocsinError
from notifiers.sms.webhook import valid_signature
from templates import site, words

MOST = 65_536  # bytes of a request's body
HEADERS = {**dict(site.HEADERS), "Cache-Control": "no-store"}


@dataclass(slots=True)
class Outside:
    """One desk behind a few addresses. `limiter` counts guesses in this process."""

    desk: Desk
    limiter: Limiter
    turn: threading.Lock = field(
        default_factory=threading.Lock
    )  # a desk has one lane in the ledger: one writes at a time

    # --- codes ---

    async def ask(self, request: Request) -> Response:
        """The page; a `code` in the address (a QR code's) is filled in, not sent: looking up is a reader's act."""
        return self._page(self._language(request), request.query_params.get("code", "")[:40])

    async def check(self, request: Request) -> Response:
        form = await _form(request)
        language = form.get("language", "") if form.get("language") in self._languages() else self._language(request)
        key, day, title = await run_in_threadpool(self._verdict, form.get("code", ""), _source(request))
        own = self._own(language)
        said = own[f"verify_{key}"].format(date=site.day_in(day, language), title=title)
        status = 429 if key == "wait" else 200
        return self._page(language, "" if key == "ours" else form.get("code", "")[:40], said, key == "ours", status)

    async def check_json(self, request: Request) -> Response:
        """The same for a telephone desk's own program."""
        code = request.query_params.get("code", "")
        key, day, title = await run_in_threadpool(self._verdict, code, _source(request))
        body: dict[str, Any] = {"ours": key == "ours", "says": key}
        if key == "ours":
            body |= {"sent": day.isoformat(), "incident": title}
        return JSONResponse(body, 429 if key == "wait" else 200, HEADERS)

    def _verdict(self, code: str, source: str) -> tuple[str, Any, str]:
        """ours, not, slip or wait; when and about what."""
        try:
            self.limiter.check(source)
            found: Verdict = verify_code(self.desk, code, self.desk.now())
            if not found.ours:
                self.limiter.missed(source)
        except Refused:
            return "wait", None, ""
        except BadInput:
            return "slip", None, ""
        return ("ours", found.sent, found.incident) if found.ours else ("not", None, "")

    def _page(self, language: str, code: str, said: str = "", ours: bool = False, status: int = 200) -> Response:
        own, organisation = self._own(language), self.desk.profile.organisation.name
        texts = [{"text": said, "style": "answer" if ours else "answer no"}] if said else []
        texts.append({"text": own["verify_ask"]})
        fields = {"label": own["verify_code"], "button": own["verify_check"], "value": code}
        page = site.plain(
            language,
            own["verify_title"],
            organisation,
            self.desk.settings.templates,
            form="'self'",
            texts=texts,
            fields=fields,
        )
        policy = f"{site.policy(page, chr(39) + 'self' + chr(39))}; frame-ancestors 'none'"
        return HTMLResponse(page, status, {**HEADERS, "Content-Security-Policy": policy})

    def _own(self, language: str) -> Mapping[str, str]:
        return words.table(f"{language}/page.toml", self.desk.settings.templates)

    def _languages(self) -> list[str]:
        overlay = self.desk.settings.templates
        return [name for name in words.languages(overlay) if words.has(f"{name}/page.toml", overlay)]

    def _language(self, request: Request) -> str:
        """The reader's own, as the address or the browser says; else English."""
        known = self._languages()
        asked = [request.query_params.get("lang", "")]
        asked += [part.split(";")[0].strip() for part in request.headers.get("accept-language", "").split(",")[:10]]
        for tag in asked:
            close = [name for name in known if tag and name.split("-")[0].lower() == tag.split("-")[0].lower()]
            if tag in known or close:
                return tag if tag in known else close[0]
        return "en" if "en" in known else known[0]

    # --- calls ---

    async def call(self, request: Request) -> Response:
        """A step of a spoken call, or its status."""
        params = await self._signed(request)
        if params is None:
            return PlainTextResponse("", 403)
        delivery, step = request.path_params["delivery"], request.path_params["step"]
        asked = request.query_params.get("asked", "1")
        try:
            if step == "status":
                await run_in_threadpool(self._alone, voicing.ended, self.desk, delivery, params)
                return PlainTextResponse("", 204)
            count = int(asked) if asked.isdecimal() else 1
            said = await run_in_threadpool(self._alone, voicing.say, self.desk, delivery, step, params, count)
        except BadInput:
            return PlainTextResponse("", 404)
        return Response(said, 200, HEADERS, "text/xml")

    async def text(self, request: Request) -> Response:
        """What became of a text message."""
        params = await self._signed(request)
        if params is None:
            return PlainTextResponse("", 403)
        try:
            await run_in_threadpool(self._alone, texted.text_called, self.desk, request.path_params["delivery"], params)
        except BadInput:
            return PlainTextResponse("", 404)
        return PlainTextResponse("", 204)

    def _alone(self, act: Callable[..., Any], *given: Any) -> Any:
        with self.turn:
            return act(*given)

    async def _signed(self, request: Request) -> Mapping[str, str] | None:
        """The form, when the provider signed it for the address that it was told."""
        params = await _form(request)
        settings = self.desk.settings
        query = f"?{request.url.query}" if request.url.query else ""
        url = f"{settings.callback_url.rstrip('/')}{request.url.path}{query}"
        given = request.headers.get("x-twilio-signature", "")
        return params if valid_signature(settings.twilio_token, url, params, given) else None

    # --- the app ---

    async def receipt(self, request: Request) -> Response:
        if not self.desk.settings.push_secret:
            return PlainTextResponse("", 404)
        body = await _body(request)
        try:
            said = await run_in_threadpool(self._alone, voicing.app_receipt, self.desk, dict(request.headers), body)
        except Refused:
            return PlainTextResponse("", 401)
        except BadInput as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse({"receipt": said}, 404 if said == "unknown" else 200)


def _source(request: Request) -> str:
    """Who asks, as the server knows them; behind a proxy that is trusted, whom it names. A v6 network counts as one."""
    host = request.client.host if request.client else ""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host  # a socket of this machine, or a name
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or ip_network((address, 64), strict=False))
    return str(address)


async def _body(request: Request) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST:
            raise BadInput("request", "is too large.")
    return body


async def _form(request: Request) -> dict[str, str]:
    return dict(
        parse_qsl((await _body(request)).decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=200)
    )


def _failed(request: Request, error: Exception) -> Response:
    """Nothing of an error goes out; identifiers of it go to whoever runs this."""
    return PlainTextResponse("", 400 if isinstance(error, BadInput | ValueError) else 503)


def create_app(desk: Desk, limiter: Limiter | None = None) -> Starlette:
    """The application. Guesses are counted by real time, whatever an exercise's clock says."""
    own = Outside(desk, limiter or Limiter(clock=desk.clock.lease))
    routes = [
        Route("/verify", own.ask, methods=["GET"]),
        Route("/verify", own.check, methods=["POST"]),
        Route("/verify.json", own.check_json, methods=["GET"]),
        Route("/voice/{delivery}/{step}", own.call, methods=["POST"]),
        Route("/sms/{delivery}", own.text, methods=["POST"]),
        Route("/app/receipts", own.receipt, methods=["POST"]),
    ]
    handlers: dict[Any, Callable[..., Any]] = {TocsinError: _failed, ValueError: _failed}
    return Starlette(routes=routes, exception_handlers=handlers)
