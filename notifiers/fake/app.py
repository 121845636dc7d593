"""A stand-in for the organisation's app: verifies each webhook, drops repeats, and answers as the person's id says.

| person ends in | what happens |
|---|---|
| -gone | 410 |
| -unknown | 404 |
| -busy | 503 the first time, then taken |
| -slow | 429 with Retry-After the first time, then taken |
| -drop | taken, then the line breaks without an answer, the first time |
| others | 202 |

`seen` holds each event once, by its webhook-id; `repeats` counts the copies that were dropped.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from notifiers.fake.http import answer, read_request
from notifiers.fake.standin import StandIn, cut

SECRET = "whsec_" + "c3RhbmQtaW4tc2VjcmV0LXN0YW5kLWluLXNlY3JldA=="  # a made-up one


class AppStandIn(StandIn):
    def __init__(
        self, log: Path | None = None, *, secret: str = SECRET, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        super().__init__(host, port, log)
        self.secret = secret
        self.seen: dict[str, dict[str, Any]] = {}
        self.repeats: Counter[str] = Counter()
        self.refused = 0  # requests whose signature did not hold
        self._times: Counter[str] = Counter()

    @property
    def url(self) -> str:
        """For TOCSIN_PUSH_URL."""
        return f"http://{self.host}:{self.port}/hooks/tocsin"

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (request := await read_request(reader)) is not None:
            status, headers = self._take(dict(request.headers), request.raw)
            if status == 0:
                cut(writer)
                return
            await answer(writer, status, None, headers)

    def _take(self, headers: dict[str, str], raw: bytes) -> tuple[int, dict[str, str]]:
        try:
            event = Webhook(self.secret).verify(raw, headers)
        except WebhookVerificationError:
            self.refused += 1
            return 401, {}
        identity, person = headers["webhook-id"], str(event["data"]["person"])
        if identity in self.seen:
            self.repeats[identity] += 1
            return 409, {}
        return self._answer(identity, person, event)

    def _answer(self, identity: str, person: str, event: dict[str, Any]) -> tuple[int, dict[str, str]]:
        first = self._times[person] == 0
        self._times[person] += 1
        status = {"gone": 410, "unknown": 404}.get(person.rpartition("-")[2], 202)
        if first and person.endswith("-busy"):
            return 503, {}
        if first and person.endswith("-slow"):
            return 429, {"Retry-After": "60"}
        if status == 202:
            self.seen[identity] = event
            self.log.append({"id": identity, "person": person, "text": json.dumps(event["data"], ensure_ascii=False)})
        return (0 if first and person.endswith("-drop") else status), {}
