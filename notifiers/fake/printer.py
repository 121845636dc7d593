"""A stand-in print house on a loopback port: batches under idempotency keys, documents, states.

POST /batches creates a batch once per Idempotency-Key; PUT /batches/ID/document takes its PDF and checks its digest;
GET /batches/ID says how far each letter is. `print_all` and `bring_back` move time on. `refuse_next` answers the next
requests with those statuses, so that a caller's second try can be seen.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from models.values import sha256
from notifiers.fake.http import answer
from notifiers.fake.standin import StandIn

_MOST = 200 * 2**20  # bytes of one document


@dataclass(slots=True)
class Job:
    id: str
    key: str
    wanted: str  # digest of its document
    letters: list[dict[str, Any]]
    status: str = "created"
    document: bytes = field(default=b"", repr=False)


class PrintHouse(StandIn):
    """`jobs` by id; `refuse_next` is a list of statuses for the requests to come."""

    def __init__(
        self,
        log: Path | None = None,
        *,
        token: str = "standin",  # noqa: S107 - no secret: it is printed on the stand-in
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        super().__init__(host, port, log)
        self.token = token
        self.jobs: dict[str, Job] = {}
        self.refuse_next: list[int] = []

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/v1"

    def move(self, state: str, at: datetime, *references: str) -> None:
        """Puts letters into a state; all of them when none is named."""
        for job in self.jobs.values():
            for letter in job.letters:
                if not references or letter["reference"] in references:
                    letter |= {"state": state, "at": at.astimezone(UTC).isoformat()}

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := (await reader.readline()).decode("latin-1").split():
            headers = await self._headers(reader)
            body = await reader.readexactly(min(int(headers.get("content-length", "0")), _MOST))
            status, told = self._answer(line[0], line[1], headers, body)
            await answer(writer, status, told)

    async def _headers(self, reader: asyncio.StreamReader) -> dict[str, str]:
        found = {}
        while header := (await reader.readline()).decode("latin-1").strip():
            name, _, value = header.partition(":")
            found[name.lower()] = value.strip()
        return found

    def _answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        if self.refuse_next:
            return self.refuse_next.pop(0), {"error": "asked to refuse"}
        if headers.get("authorization") != f"Bearer {self.token}":
            return 401, {"error": "unauthorized"}
        parts = path.removeprefix("/v1").strip("/").split("/")
        if (method, parts) == ("POST", ["batches"]):
            return self._create(headers.get("idempotency-key", ""), json.loads(body))
        job = self.jobs.get(parts[1]) if len(parts) > 1 else None
        if job is None:
            return 404, {"error": "not found"}
        return self._document(job, body) if method == "PUT" else (200, self._told(job))

    def _create(self, key: str, told: dict[str, Any]) -> tuple[int, Any]:
        if not key:
            return 400, {"error": "an Idempotency-Key is needed"}
        for job in self.jobs.values():
            if job.key == key:
                return 200, self._told(job)
        pieces = [{"reference": piece["reference"], "id": f"p{n}"} for n, piece in enumerate(told["letters"], 1)]
        job = Job(f"job-{len(self.jobs) + 1}", key, told["document_sha256"], pieces)
        self.jobs[job.id] = job
        return 201, self._told(job)

    def _document(self, job: Job, body: bytes) -> tuple[int, Any]:
        if sha256(body) != job.wanted:
            return 400, {"error": "the document is not the one that was announced"}
        if job.status == "created":
            job.status, job.document = "received", body
            self.log.append({"job": job.id, "batch": job.key, "letters": len(job.letters)})
            self.move("accepted", datetime.now(UTC), *(letter["reference"] for letter in job.letters))
        return 200, self._told(job)

    def _told(self, job: Job) -> dict[str, Any]:
        return {"id": job.id, "status": job.status, "letters": job.letters}
