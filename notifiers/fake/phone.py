"""The telephone of the Twilio stand-in: takes calls, and lets a made-up person answer and press keys.

What happens is told by the last four digits of the number, among those reserved for fiction:

| To | who answers |
|---|---|
| …0140 | an answering machine |
| …0141 | nobody (no-answer) |
| …0142 | a person who says: wrong number (2) |
| …0143 | a person who presses nothing |
| …0144 | a person who confirms (1) and hangs up in the middle |
| …0145 | a person who confirms and wants to hear it again (9) once |
| …0146 | busy |
| …0190 | 400 with 21211 |
| …0195 | 429 the first time, then taken |
| …0196 | taken, then the line breaks without an answer, the first time |
| others | a person who confirms and listens to the end |

The dialogue is played as Twilio plays it: each step is a signed POST, and the TwiML that comes back is followed.
`heard` holds what was spoken in each call.
"""

from __future__ import annotations

import asyncio
import time
import uuid
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode, urljoin

from notifiers.fake.http import Request, post_text
from notifiers.fake.standin import CANARY, Log
from notifiers.sms.webhook import signature

VERSION = "2010-04-01"
MACHINE, NOBODY, WRONG, SILENT, LEAVES, AGAIN, BUSY = "0140", "0141", "0142", "0143", "0144", "0145", "0146"
STATUS = {NOBODY: "no-answer", BUSY: "busy"}
_STEPS = 12  # of one dialogue; more is a loop


class Phone:
    def __init__(self, account_sid: str, token: str, log: Log) -> None:
        self.account_sid, self.token, self.log = account_sid, token, log
        self.calls: dict[str, dict[str, Any]] = {}
        self.heard: dict[str, list[str]] = {}  # sid -> what was said, in order
        self.answers: list[tuple[str, int]] = []  # address that was asked, what it answered
        self._times: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, request: Request) -> tuple[int, Any]:
        if request.method == "POST":
            return self._create(request.form)
        sid = request.path.rpartition("/")[2].removesuffix(".json")
        if sid != "Calls":
            found = self.calls.get(sid)
            return (200, found) if found else (404, _error(404, 20404))
        rows = [c for c in reversed(list(self.calls.values())) if _matches(c, request.query)]
        return 200, _page(request, rows)

    def _create(self, form: Mapping[str, str]) -> tuple[int, Any]:
        to = form.get("To", "")
        code = 21211 if to.endswith("0190") else 0 if form.get("From") else 21213
        code = code or (0 if form.get("Url") or form.get("Twiml") else 21205)
        if code:
            return 400, _error(400, code)
        self._times[to] += 1
        if to.endswith("0195") and self._times[to] == 1:
            return 429, _error(429, 20429)
        sid = "CA" + uuid.uuid4().hex
        self.calls[sid] = _resource(self.account_sid, sid, form)
        self.heard[sid] = []
        self.log.append({"n": len(self.calls), "at": time.time(), "sid": sid, "to": to, "kind": "call"})
        task = asyncio.get_running_loop().create_task(self._play(sid, dict(form)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if to.endswith("0196") and self._times[to] == 1:
            return 0, None
        return 201, dict(self.calls[sid])

    # --- the call ---

    async def _play(self, sid: str, form: Mapping[str, str]) -> None:
        await asyncio.sleep(0.05)  # so that the caller knows the sid first
        number = form["To"][-4:]
        status = STATUS.get(number, "completed")
        if status == "completed":
            self._note(sid, "in-progress", "machine_start" if number == MACHINE else "human")
            await self._dialogue(sid, form["Url"], number)
        self._note(sid, status)
        if callback := form.get("StatusCallback"):
            await self._post(sid, callback, {"CallStatus": status})

    async def _dialogue(self, sid: str, url: str, number: str) -> None:
        keys = {WRONG: ["2"], SILENT: [], AGAIN: ["1", "9"]}.get(number, ["1"])
        params: dict[str, str] = {}
        for _ in range(_STEPS):
            text = await self._post(sid, url, {"CallStatus": "in-progress", **params})
            if not text:
                return
            told, action, redirect = self._said(sid, text)
            if number == LEAVES and len(self.heard[sid]) > 1:
                return
            params = {}
            if action and keys and (told or keys[0] != "9"):
                url, params = urljoin(url, action), {"Digits": keys.pop(0)}
            elif redirect:
                url = urljoin(url, redirect)
            else:
                return

    def _said(self, sid: str, text: str) -> tuple[bool, str, str]:
        """Speaks a document; whether anything was said, where a key goes, where silence goes."""
        root = ET.fromstring(text)  # noqa: S314 - our own answer, on loopback
        spoken = [say.text or "" for say in root.iter("Say")]
        if spoken:
            self.heard[sid].append(" ".join(spoken))
        gather, redirect = root.find("Gather"), root.find("Redirect")
        action = gather.get("action", "") if gather is not None else ""
        return bool(spoken), action, (redirect.text or "") if redirect is not None else ""

    async def _post(self, sid: str, url: str, more: Mapping[str, str]) -> str:
        call = self.calls[sid]
        params = {"CallSid": sid, "AccountSid": self.account_sid, "To": call["to"], "From": call["from"]}
        params |= {"AnsweredBy": call["answered_by"] or "", "Direction": "outbound-api", **more}
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Twilio-Signature": signature(self.token, url, params),
        }
        status, text = await post_text(url, urlencode(params).encode(), headers)
        self.answers.append((url, status))
        return text if status == 200 else ""

    def _note(self, sid: str, status: str, answered_by: str | None = None) -> None:
        self.calls[sid]["status"] = status
        self.calls[sid]["answered_by"] = answered_by or self.calls[sid]["answered_by"]

    def canaries(self, sid: str) -> list[str]:
        """Tokens of people that were spoken in a call."""
        return sorted({c.lower() for said in self.heard[sid] for c in CANARY.findall(said)})


def _resource(account: str, sid: str, form: Mapping[str, str]) -> dict[str, Any]:
    now, uri = format_datetime(datetime.now(UTC)), f"/{VERSION}/Accounts/{account}/Calls/{sid}"
    parts = ("notifications", "recordings", "streams", "transcriptions", "siprec", "payments", "events")
    more = (*parts, "user_defined_messages", "user_defined_message_subscriptions")
    return {
        "sid": sid,
        "account_sid": account,
        "api_version": VERSION,
        "to": form["To"],
        "to_formatted": form["To"],
        "from": form["From"],
        "from_formatted": form["From"],
        "status": "queued",
        "direction": "outbound-api",
        "answered_by": None,
        "date_created": now,
        "date_updated": now,
        "start_time": None,
        "end_time": None,
        "duration": None,
        "price": None,
        "price_unit": "USD",
        "parent_call_sid": None,
        "phone_number_sid": None,
        "forwarded_from": None,
        "group_sid": None,
        "caller_name": None,
        "queue_time": "0",
        "trunk_sid": None,
        "uri": f"{uri}.json",
        "subresource_uris": {name: f"{uri}/{name}.json" for name in more},
    }


def _matches(call: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    return all(call[name.lower()] == query[name] for name in ("To", "From", "Status") if name in query)


def _page(request: Request, rows: list[dict[str, Any]]) -> dict[str, Any]:
    size = int(request.query.get("PageSize", "50"))
    return {
        "calls": rows[:size],
        "page": 0,
        "page_size": size,
        "start": 0,
        "end": max(min(len(rows), size) - 1, 0),
        "uri": request.target,
        "first_page_uri": f"{request.path}?PageSize={size}&Page=0",
        "next_page_uri": None,
        "previous_page_uri": None,
    }


def _error(status: int, code: int) -> dict[str, Any]:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return {"code": code, "message": "see the error page", "more_info": more, "status": status}
