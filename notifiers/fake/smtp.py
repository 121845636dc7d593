"""A mail relay that accepts for the record and misbehaves on request.

Marks in the recipient's local part (`anna+hardbounce@example.org`) choose what happens:

| mark | the relay |
|---|---|
| hardbounce, disabled, policy | 550 5.1.1, 550 5.2.1, 550 5.7.1 after RCPT |
| softbounce, greylist | 452 4.2.2, 451 4.7.1 after RCPT the first time (`soft_times`; 0: every time), then accepts |
| full | 452 4.2.2 every time |
| busy | 421 4.3.2 after RCPT the first time, and closes |
| content | 554 5.7.1 after the final dot |
| hangup | closes instead of answering DATA, the first time |
| cutbody | closes as soon as the body begins to come, the first time |
| drop | accepts, then closes without an answer, the first time |
| silent | accepts, then says nothing, the first time |
| dsn, dsnfull, dsnpolicy, dsndelay, autoreply, complaint | accepts, then such a mail comes back |
"""

from __future__ import annotations

import asyncio
import base64
import re
import ssl
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from hashlib import sha256
from pathlib import Path
from typing import Any

from notifiers.fake.mailbox import Envelope, deliver, returned
from notifiers.fake.standin import CANARY, StandIn, cut

EXTENSIONS = ("PIPELINING", "SIZE 52428800", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES")
_VERP = re.compile(r"b\+([a-z0-9_-]+)\.[0-9a-f]{8}@", re.IGNORECASE)
_PATH = re.compile(r"(?:FROM|TO):\s*<([^>]*)>\s*(.*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer:
    text: str
    times: int = 0  # how often per recipient; 0 means always
    closes: bool = False


AT_RCPT: Mapping[str, Answer] = {
    "hardbounce": Answer("550 5.1.1 No such user here"),
    "disabled": Answer("550 5.2.1 Mailbox disabled"),
    "policy": Answer("550 5.7.1 Refused by policy"),
    "full": Answer("452 4.2.2 Mailbox full"),
    "softbounce": Answer("452 4.2.2 Mailbox full", times=1),
    "greylist": Answer("451 4.7.1 Greylisted, come back later", times=1),
    "busy": Answer("421 4.3.2 Too many connections, closing", times=1, closes=True),
}
AT_DOT: Mapping[str, Answer] = {"content": Answer("554 5.7.1 Content refused")}
_LINE_TRICKS = ("hangup", "cutbody", "drop", "silent")


@dataclass(slots=True)
class _Session:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    secure: bool = False
    authenticated: bool = False
    sender: str = ""
    recipients: list[str] = field(default_factory=list)
    options: str = ""

    def reset(self) -> None:
        self.sender, self.recipients, self.options = "", [], ""

    async def say(self, *lines: str) -> None:
        joined = [f"{t[:3]}{'-' if n < len(lines) - 1 else ' '}{t[4:]}\r\n" for n, t in enumerate(lines)]
        self.writer.write("".join(joined).encode())
        await self.writer.drain()


class SmtpSink(StandIn):
    """The relay. `log` gets one JSON line per accepted mail, `outbox` is the folder for returned mail.

    An entry has: n, at (seconds since 1970, real), message_id, delivery (from the return path), from, to, sha256,
    size, envid, canaries (tokens found in the decoded mail, lower case), copy (1 for the first with this Message-ID).
    """

    def __init__(
        self,
        log: Path | None = None,
        outbox: Path | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        extensions: tuple[str, ...] = EXTENSIONS,
        credentials: tuple[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        soft_times: int = 1,
    ) -> None:
        super().__init__(host, port, log)
        self._at_rcpt = {**AT_RCPT, "softbounce": replace(AT_RCPT["softbounce"], times=soft_times)}
        self.outbox, self.extensions, self.credentials, self.tls = outbox, extensions, credentials, tls
        self.connections = 0
        self._seen: Counter[tuple[str, str]] = Counter()
        self._copies: Counter[str] = Counter()

    @property
    def url(self) -> str:
        """For TOCSIN_SMTP_URL."""
        user = f"{self.credentials[0]}:{self.credentials[1]}@" if self.credentials else ""
        return f"smtp://{user}{self.host}:{self.port}"

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        session = _Session(reader, writer)
        await session.say("220 mx.standin.invalid ESMTP")
        while line := await reader.readline():
            verb, _, rest = line.decode("utf-8", "replace").rstrip("\r\n").partition(" ")
            handler = getattr(self, f"_on_{verb.lower()}", None)
            if handler is None:
                await session.say("502 5.5.1 Command not known")
            elif not await handler(session, rest):
                return

    # --- session ---

    async def _on_ehlo(self, session: _Session, rest: str) -> bool:
        session.reset()
        offered = list(self.extensions)
        if self.tls and not session.secure:
            offered.append("STARTTLS")
        if self.credentials and (session.secure or not self.tls):
            offered.append("AUTH PLAIN LOGIN")
        await session.say("250 mx.standin.invalid", *(f"250 {e}" for e in offered))
        return True

    async def _on_helo(self, session: _Session, rest: str) -> bool:
        session.reset()
        await session.say("250 mx.standin.invalid")
        return True

    async def _on_starttls(self, session: _Session, rest: str) -> bool:
        if not self.tls:
            await session.say("502 5.5.1 Not offered")
            return True
        await session.say("220 2.0.0 Go ahead")
        await session.writer.start_tls(self.tls)
        session.secure = True
        session.reset()
        return True

    async def _on_auth(self, session: _Session, rest: str) -> bool:
        kind, _, first = rest.partition(" ")
        given = await (self._plain(session, first) if kind.upper() == "PLAIN" else self._login(session, first))
        session.authenticated = self.credentials is not None and given == self.credentials
        await session.say("235 2.7.0 Welcome" if session.authenticated else "535 5.7.8 Credentials refused")
        return True

    async def _plain(self, session: _Session, first: str) -> tuple[str, str]:
        parts = base64.b64decode(first or await self._ask(session, "")).decode().split("\0")
        return parts[-2], parts[-1]

    async def _login(self, session: _Session, first: str) -> tuple[str, str]:
        user = first or await self._ask(session, "VXNlcm5hbWU6")
        word = await self._ask(session, "UGFzc3dvcmQ6")
        return base64.b64decode(user).decode(), base64.b64decode(word).decode()

    async def _ask(self, session: _Session, prompt: str) -> str:
        await session.say(f"334 {prompt}")
        return (await session.reader.readline()).decode().strip()

    async def _on_noop(self, session: _Session, rest: str) -> bool:
        await session.say("250 2.0.0 Ok")
        return True

    async def _on_rset(self, session: _Session, rest: str) -> bool:
        session.reset()
        await session.say("250 2.0.0 Ok")
        return True

    async def _on_quit(self, session: _Session, rest: str) -> bool:
        await session.say("221 2.0.0 Bye")
        return False

    # --- transaction ---

    async def _on_mail(self, session: _Session, rest: str) -> bool:
        path = _PATH.match(rest)
        if self.credentials and not session.authenticated:
            await session.say("530 5.7.0 Authentication required")
        elif not path:
            await session.say("501 5.5.4 Syntax: MAIL FROM:<address>")
        else:
            session.reset()
            session.sender, session.options = path.group(1), path.group(2)
            await session.say("250 2.1.0 Ok")
        return True

    async def _on_rcpt(self, session: _Session, rest: str) -> bool:
        path = _PATH.match(rest)
        if not path or not session.sender:
            await session.say("503 5.5.1 MAIL first" if path else "501 5.1.3 Syntax: RCPT TO:<address>")
            return True
        answer = self._scripted(self._at_rcpt, path.group(1))
        if answer is None:
            session.recipients.append(path.group(1))
        await session.say(answer.text if answer else "250 2.1.5 Ok")
        return not (answer and answer.closes)

    async def _on_data(self, session: _Session, rest: str) -> bool:
        if not session.recipients:
            await session.say("503 5.5.1 RCPT first")
            return True
        recipient = session.recipients[0]
        trick = next((t for t in marks_of(recipient) if t in _LINE_TRICKS and self._first(t, recipient)), "")
        if trick != "hangup":
            await session.say("354 End with a dot")
        if trick == "cutbody":
            await session.reader.readline()
        if trick in {"hangup", "cutbody"}:
            cut(session.writer)
            return False
        content = await _body(session.reader)
        answer = self._scripted(AT_DOT, recipient)
        if answer is None:
            self._keep(session, content)
        return await self._answer_dot(session, answer, trick)

    async def _answer_dot(self, session: _Session, answer: Answer | None, trick: str) -> bool:
        if trick == "drop":
            cut(session.writer)
            return False
        if trick == "silent":
            await asyncio.sleep(3600)
        await session.say(answer.text if answer else f"250 2.0.0 Ok: kept as {len(self.accepted)}")
        session.reset()
        return True

    # --- record ---

    def _first(self, mark: str, recipient: str) -> bool:
        self._seen[mark, recipient] += 1
        return self._seen[mark, recipient] == 1

    def _scripted(self, table: Mapping[str, Answer], recipient: str) -> Answer | None:
        for mark in marks_of(recipient):
            answer = table.get(mark)
            if answer is not None:
                self._seen[mark, recipient] += 1
                if not answer.times or self._seen[mark, recipient] <= answer.times:
                    return answer
        return None

    def _keep(self, session: _Session, content: bytes) -> None:
        envid = re.search(r"ENVID=(\S+)", session.options, re.IGNORECASE)
        envelope = Envelope(session.sender, session.recipients[0], envid.group(1) if envid else "")
        self.log.append(self._entry(session, envelope, content))
        for mark in marks_of(envelope.recipient):
            back = returned(mark, envelope, content) if self.outbox and session.sender else None
            if back and self.outbox:
                deliver(self.outbox, back)

    def _entry(self, session: _Session, envelope: Envelope, content: bytes) -> dict[str, Any]:
        mail = message_from_bytes(content)
        message_id = str(mail.get("Message-ID", "")).strip()
        verp = _VERP.match(session.sender)
        self._copies[message_id] += 1
        return {
            "n": len(self.accepted) + 1,
            "at": time.time(),
            "message_id": message_id,
            "delivery": verp.group(1) if verp else "",
            "from": session.sender,
            "to": session.recipients,
            "sha256": sha256(content).hexdigest(),
            "size": len(content),
            "envid": envelope.envid,
            "canaries": sorted({c.lower() for c in CANARY.findall(_shown(mail))}),
            "copy": self._copies[message_id],
        }


def marks_of(address: str) -> list[str]:
    """The marks in `name+mark+mark@domain`."""
    return address.rpartition("@")[0].lower().split("+")[1:]


def decoded(content: bytes) -> str:
    """Headers and text parts of a mail as its reader sees them."""
    return _shown(message_from_bytes(content))


def _shown(mail: Message) -> str:
    shown = [str(make_header(decode_header(str(v)))) for v in mail.values()]
    for part in mail.walk():
        raw = part.get_payload(decode=True)
        if part.get_content_maintype() == "text" and isinstance(raw, bytes):
            shown.append(raw.decode(part.get_content_charset() or "utf-8", "replace"))
    return "\n".join(shown)


async def _body(reader: asyncio.StreamReader) -> bytes:
    lines = []
    while (line := await reader.readline()) != b".\r\n":
        if not line:
            raise ConnectionError("the client left in the middle of the body")
        lines.append(line[1:] if line.startswith(b".") else line)
    return b"".join(lines)
