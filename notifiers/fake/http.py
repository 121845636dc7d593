"""Just enough HTTP/1.1 for a stand-in: requests with a length, kept-alive connections, JSON answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from notifiers.guard import is_loopback

_REASONS = {200: "OK", 201: "Created", 204: "No Content", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found"}


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]  # lower-case names
    form: Mapping[str, str]
    target: str
    raw: bytes = b""


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """The next request on this connection, or None at its end."""
    line = (await reader.readline()).decode("latin-1").split()
    if len(line) != 3:
        return None
    headers = {}
    while header := (await reader.readline()).decode("latin-1").strip():
        name, _, value = header.partition(":")
        headers[name.lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    parts = urlsplit(line[1])
    form = dict(parse_qsl(body.decode(), keep_blank_values=True))
    return Request(line[0], unquote(parts.path), dict(parse_qsl(parts.query)), headers, form, line[1], body)


async def answer(
    writer: asyncio.StreamWriter, status: int, body: Any = None, headers: Mapping[str, str] | None = None
) -> None:
    data = b"" if body is None else json.dumps(body).encode()
    head = f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}\r\nContent-Type: application/json\r\n"
    head += "".join(f"{k}: {v}\r\n" for k, v in (headers or {}).items())
    writer.write(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)
    await writer.drain()


async def post_form(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """POST to a loopback address; the status, or 0 when nobody answers. Other hosts are never called."""
    parts = urlsplit(url)
    if not is_loopback(parts.hostname or ""):
        return 0
    try:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
    except OSError:
        return 0
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    fields = {"Host": parts.netloc, "Content-Length": str(len(body)), "Connection": "close", **headers}
    head = "".join(f"{k}: {v}\r\n" for k, v in fields.items())
    writer.write(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
    first = (await asyncio.wait_for(reader.readline(), 10)).split()
    writer.close()
    return int(first[1]) if len(first) > 1 else 0


async def post_text(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
    """The same, with what was answered."""
    parts = urlsplit(url)
    if not is_loopback(parts.hostname or ""):
        return 0, ""
    try:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
    except OSError:
        return 0, ""
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    fields = {"Host": parts.netloc, "Content-Length": str(len(body)), "Connection": "close", **headers}
    head = "".join(f"{k}: {v}\r\n" for k, v in fields.items())
    writer.write(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
    answered = await asyncio.wait_for(reader.read(2**20), 10)
    while part := await asyncio.wait_for(reader.read(2**20), 10):
        answered += part
    writer.close()
    top, _, text = answered.partition(b"\r\n\r\n")
    line = top.split()
    return (int(line[1]) if len(line) > 1 else 0), text.decode("utf-8", "replace")
