"""The email carrier: aiosmtplib's connection, our own transaction.

The library's sendmail() can't say whether the body had left when the line broke, so MAIL, RCPT, DATA and the final dot
are driven here one by one. Before the dot a failure is safe to repeat; after it, silence means unknown.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.headerregistry import Address

import aiosmtplib

from models.values import BadInput, Channel, Handoff, Message, Mode, Outcome
from notifiers.email.codes import Phase, Verdict, enhanced, verdict
from notifiers.email.mime import Mail, Sender, Unmailable, build
from notifiers.email.route import Route, route

_ADDRESSES = re.compile(r"\S+@\S+")
_DOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")
_SECRET_BYTES = 16
_DOT = re.compile(rb"(?m)^\.")
_LINE = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. RFC 5321 4.5.3.2: 5 minutes per command, 10 after the final dot, since a filter may think so long."""

    connect: float = 60.0
    command: float = 300.0
    dot: float = 600.0
    host_backoff: float = 60.0  # how long a host that said 421, or didn't answer, is left alone


@dataclass(slots=True)
class _Line:
    """One open connection."""

    smtp: aiosmtplib.SMTP
    sent: int = 0


@dataclass(slots=True)
class _Trouble(Exception):
    """A transaction ended without 250. Internal: send() turns it into a Handoff."""

    phase: Phase
    code: int = 0
    text: str = ""
    own: Verdict | None = None  # when no answer of the server says it
    name: str = ""

    def verdict(self) -> Verdict:
        return self.own or verdict(self.phase, self.code, self.text)


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class EmailCarrier:
    """Sends mail through one relay. Use it from one event loop; concurrent sends take a connection each.

    `url` is TOCSIN_SMTP_URL (see notifiers.email.route), `secret` signs return paths, `now` gives the Date header.
    Raises BadInput or Refused when constructed, never in send().
    """

    url: str = field(repr=False)
    sender: Address
    reply_to: Address | None
    bounce_domain: str
    secret: bytes = field(repr=False)
    mode: Mode
    timeouts: Timeouts = Timeouts()
    messages_per_connection: int = 500
    helo: str = ""
    now: Callable[[], datetime] = _utc_now
    channel: Channel = field(default=Channel.EMAIL, init=False)
    _route: Route = field(init=False, repr=False)
    _identity: Sender = field(init=False, repr=False)
    _idle: list[_Line] = field(default_factory=list, init=False, repr=False)
    _tls: ssl.SSLContext | None = field(default=None, init=False, repr=False)
    _rest_until: float = field(default=0.0, init=False)  # monotonic seconds

    def __post_init__(self) -> None:
        if not _DOMAIN.fullmatch(self.bounce_domain):
            raise BadInput("TOCSIN_BOUNCE_DOMAIN", "it is not a domain.", "Write one that you receive mail for.")
        if len(self.secret) < _SECRET_BYTES:
            raise BadInput("bounce secret", "it is too short to sign return paths.", "Make the key file again.")
        self._route = route(self.url, self.mode)
        self._identity = Sender(self.sender, self.reply_to, self.bounce_domain, self.secret)

    async def send(self, message: Message) -> Handoff:
        """One recipient, one transaction. See notifiers.contract.Carrier."""
        try:
            mail = build(message, self._identity, self.now())
        except Unmailable as e:
            return Handoff(message.delivery, Outcome.REFUSED, e.code)
        rest = self._rest_until - time.monotonic()
        if rest > 0:
            return Handoff(message.delivery, Outcome.DEFERRED, "host_backoff", retry_after=rest, host_wide=True)
        try:
            answer = await self._hand_off(mail)
        except _Trouble as t:
            return self._handoff(message.delivery, t)
        return Handoff(
            message.delivery, Outcome.ACCEPTED, f"250 {enhanced(answer)}".strip(), _clean(answer), reference=mail.envid
        )

    async def look_up(self, message: Message, since: datetime | None = None) -> Handoff | None:
        """SMTP has no question for "have you got it?": a bounce or the relay's own log may tell, we can't."""
        return None

    async def close(self) -> None:
        while self._idle:
            await _quit(self._idle.pop())

    # --- lines ---

    async def _hand_off(self, mail: Mail) -> str:
        line = self._take() or await self._open()
        reused = line.sent > 0
        try:
            answer = await self._transact(line, mail)
        except _Trouble as t:
            if reused and t.phase is Phase.MAIL and t.name == "connection_lost":
                return await self._again(mail)  # an idle line that the server had closed: nothing was said yet
            await self._after(line, t)
            raise
        except BaseException:  # cancelled in the middle: the line is out of step and must not be used again
            line.smtp.close()
            raise
        await self._give_back(line)
        return answer

    def _take(self) -> _Line | None:
        while self._idle:
            line = self._idle.pop()
            if line.smtp.is_connected:
                return line
        return None

    async def _again(self, mail: Mail) -> str:
        line = await self._open()
        try:
            answer = await self._transact(line, mail)
        except BaseException:
            line.smtp.close()
            raise
        await self._give_back(line)
        return answer

    async def _give_back(self, line: _Line) -> None:
        line.sent += 1
        if line.sent >= self.messages_per_connection:
            await _quit(line)
        else:
            self._idle.append(line)

    async def _after(self, line: _Line, trouble: _Trouble) -> None:
        """After an answer the line goes on once it is reset; after anything else it is closed."""
        if trouble.code and trouble.code != 421 and line.smtp.is_connected:
            try:
                await line.smtp.rset(timeout=self.timeouts.command)
            except (aiosmtplib.SMTPException, OSError):
                line.smtp.close()
            else:
                await self._give_back(line)
        else:
            line.smtp.close()

    async def _open(self) -> _Line:
        smtp = aiosmtplib.SMTP(
            hostname=self._route.host,
            port=self._route.port,
            use_tls=self._route.implicit_tls,
            start_tls=False,
            timeout=self.timeouts.connect,
            tls_context=self._context(),
            local_hostname=self.helo or self.sender.domain,
        )
        phase = Phase.CONNECT
        try:
            await smtp.connect()
            await smtp.ehlo(timeout=self.timeouts.command)
            await self._secure(smtp)
            phase = Phase.AUTH
            if self._route.username:
                await smtp.login(self._route.username, self._route.password, timeout=self.timeouts.command)
        except BaseException as e:
            smtp.close()
            if isinstance(e, aiosmtplib.SMTPException | OSError | _Trouble):
                raise _trouble(phase, e) from None
            raise
        return _Line(smtp)

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context(cafile=self._route.ca or None)
        return self._tls

    async def _secure(self, smtp: aiosmtplib.SMTP) -> None:
        if self._route.implicit_tls or not self._route.allow_tls:
            return
        if smtp.supports_extension("starttls"):
            await smtp.starttls(timeout=self.timeouts.command)
            await smtp.ehlo(timeout=self.timeouts.command)
        elif self._route.require_tls:
            raise _Trouble(Phase.CONNECT, own=Verdict(Outcome.BLOCKED, True), name="starttls_not_offered")

    # --- one transaction ---

    async def _transact(self, line: _Line, mail: Mail) -> str:
        smtp, wait = line.smtp, self.timeouts.command
        encoding = "utf-8" if mail.needs_utf8 else "ascii"
        phase = Phase.MAIL
        try:
            options = _mail_options(smtp, mail)
            await smtp.mail(mail.return_path, options=options, encoding=encoding, timeout=wait)
            phase = Phase.RCPT
            await smtp.rcpt(mail.recipient, options=_rcpt_options(smtp, mail), encoding=encoding, timeout=wait)
            phase = Phase.DATA
            start = await smtp.execute_command(b"DATA", timeout=wait)
            if start.code != 354:
                raise aiosmtplib.SMTPDataError(start.code, start.message)
            await self._write(smtp, _stuffed(mail.content))
            phase = Phase.DOT
            return await self._dot(smtp)
        except (aiosmtplib.SMTPException, OSError, ValueError) as e:
            raise _trouble(phase, e) from None

    async def _write(self, smtp: aiosmtplib.SMTP, body: bytes) -> None:
        """The body without its final dot. Returns once the kernel has taken all of it."""
        protocol = smtp.protocol
        if protocol is None:
            raise aiosmtplib.SMTPServerDisconnected("Connection lost")
        protocol.write(body)
        deadline = time.monotonic() + self.timeouts.command
        while _unsent(smtp):
            if time.monotonic() > deadline:
                raise aiosmtplib.SMTPReadTimeoutError("the relay stopped reading")
            await asyncio.sleep(0.005)

    async def _dot(self, smtp: aiosmtplib.SMTP) -> str:
        protocol = smtp.protocol
        if protocol is None or not protocol.is_connected:
            raise _Trouble(Phase.DATA, own=Verdict(Outcome.DEFERRED, True), name="connection_lost")
        protocol.write(b".\r\n")
        answer = await protocol.read_response(timeout=self.timeouts.dot)
        if answer.code != 250:
            raise aiosmtplib.SMTPDataError(answer.code, answer.message)
        return answer.message

    # --- what came of it ---

    def _handoff(self, delivery: str, trouble: _Trouble) -> Handoff:
        found = trouble.verdict()
        wait = None
        if found.host_wide and found.outcome is Outcome.DEFERRED:
            wait = self.timeouts.host_backoff
            self._rest_until = time.monotonic() + wait
        code = f"{trouble.code} {enhanced(trouble.text)}".strip() if trouble.code else trouble.name
        return Handoff(delivery, found.outcome, code, _clean(trouble.text), "", wait, found.host_wide)


def _trouble(phase: Phase, e: BaseException) -> _Trouble:
    """An exception of the library or the socket as what it means in its phase."""
    if isinstance(e, _Trouble):
        return e
    if isinstance(e, aiosmtplib.SMTPResponseException) and e.code > 0:
        return _Trouble(phase, e.code, e.message)
    if isinstance(e, ssl.SSLError):
        return _Trouble(phase, own=Verdict(Outcome.BLOCKED, True), name="tls_failed")
    if isinstance(e, ssl.CertificateError) or isinstance(e.__cause__, ssl.SSLError):
        return _Trouble(phase, own=Verdict(Outcome.BLOCKED, True), name="tls_failed")
    if phase is Phase.DOT:
        return _Trouble(phase, own=Verdict(Outcome.UNKNOWN), name=_name(e))
    if isinstance(e, ValueError):
        return _Trouble(phase, own=Verdict(Outcome.REFUSED), name="unsafe_command")
    if isinstance(e, aiosmtplib.SMTPNotSupported):
        return _Trouble(phase, own=Verdict(Outcome.REFUSED), name="smtputf8_not_offered")
    if phase is Phase.AUTH and type(e) is aiosmtplib.SMTPException:
        return _Trouble(phase, own=Verdict(Outcome.BLOCKED, True), name="auth_not_offered")
    return _Trouble(phase, own=Verdict(Outcome.DEFERRED, True), name=_name(e))


def _name(e: BaseException) -> str:
    if isinstance(e, TimeoutError):
        return "timeout"
    return "connection_refused" if isinstance(e, aiosmtplib.SMTPConnectError) else "connection_lost"


def _mail_options(smtp: aiosmtplib.SMTP, mail: Mail) -> list[str]:
    options = []
    if mail.needs_utf8:
        if not smtp.supports_extension("smtputf8"):
            raise aiosmtplib.SMTPNotSupported("SMTPUTF8")
        options += ["SMTPUTF8", "BODY=8BITMIME"]
    if smtp.supports_extension("size"):
        options.append(f"SIZE={len(mail.content)}")
    if smtp.supports_extension("dsn"):
        options += ["RET=HDRS", f"ENVID={mail.envid}"]
    return options


def _rcpt_options(smtp: aiosmtplib.SMTP, mail: Mail) -> list[str]:
    if not smtp.supports_extension("dsn"):
        return []
    original = [] if mail.needs_utf8 else [f"ORCPT=rfc822;{_xtext(mail.recipient)}"]
    return ["NOTIFY=FAILURE,DELAY", *original]


def _xtext(value: str) -> str:
    """RFC 3461 4: printable ASCII but + and = stands for itself."""
    return "".join(c if "!" <= c <= "~" and c not in "+=" else f"+{ord(c):02X}" for c in value)


def _stuffed(content: bytes) -> bytes:
    """CRLF everywhere, leading dots doubled (RFC 5321 4.5.2), no final dot."""
    body = _DOT.sub(b"..", _LINE.sub(b"\r\n", content))
    return body if body.endswith(b"\r\n") else body + b"\r\n"


def _unsent(smtp: aiosmtplib.SMTP) -> bool:
    transport = smtp.transport
    if not isinstance(transport, asyncio.WriteTransport) or transport.is_closing():
        return False
    return transport.get_write_buffer_size() > 0


def _clean(answer: str) -> str:
    """A server's answer for the ledger: no addresses, one line, at most 200 characters."""
    return " ".join(_ADDRESSES.sub("<address>", answer).split())[:200]


async def _quit(line: _Line) -> None:
    try:
        await line.smtp.quit(timeout=5)
    except (aiosmtplib.SMTPException, OSError):
        line.smtp.close()  # it was leaving anyway
    finally:
        line.smtp.close()
