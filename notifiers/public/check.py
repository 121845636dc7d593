"""Is the page there, as it was published? Fetches each file from where readers find it and compares digests.

No redirect is followed, nothing larger than was published is read, and an exercise asks this machine alone.
"""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from models.values import BadInput, Mode, sha256
from notifiers.guard import check_url

TIMEOUT = 15.0  # seconds for one file
SETTING = "TOCSIN_PUBLIC_URL"


@dataclass(frozen=True, slots=True)
class Seen:
    """One file as a reader gets it."""

    file: str
    status: int  # HTTP; 0: nobody answered
    digest: str
    problem: str = ""


def look(url: str, files: Mapping[str, bytes], mode: Mode) -> list[Seen]:
    """Each file below `url`. `files` are those that were published, by path."""
    parts = urlsplit(check_url(url, mode, SETTING))
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadInput(SETTING, "is not an address.", "Write https://www.example.org/notices.")
    return [_seen(url, name, data) for name, data in files.items()]


def _seen(url: str, name: str, data: bytes) -> Seen:
    try:
        status, body = _get(f"{url}/{quote(name)}", len(data))
    except (OSError, http.client.HTTPException) as error:
        return Seen(name, 0, "", f"can't be fetched ({type(error).__name__})")
    if status != 200:
        return Seen(name, status, "", f"answers {status}")
    mark = sha256(body)
    return Seen(name, status, mark, "" if mark == sha256(data) else "is not what was published")


def _get(url: str, size: int) -> tuple[int, bytes]:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT)
    try:
        connection.request("GET", parts.path, headers={"Accept-Encoding": "identity", "Cache-Control": "no-cache"})
        answer = connection.getresponse()
        return answer.status, answer.read(size + 1)
    finally:
        connection.close()
