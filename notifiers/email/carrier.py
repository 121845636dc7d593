"""The email carrier: aiosmtplib's connection, our own transaction.

The library opens, secures and authenticates a line; the transaction is ours, since its sendmail() can't say whether
the body had left when the line broke. Envelope and DATA leave in one group where the relay offers that (RFC 2920).
Before the final dot a failure is safe to repeat; after it, silence means unknown.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.headerregistry import Address
from typing import cast

import aiosmtplib

from models.values import BadInput, Channel, Handoff, Message, Mode, Outcome, Wording
from notifiers.email.codes import Phase, Verdict, enhanced, verdict
from notifiers.email.dkim import Signer
from notifiers.email.mime import Mail, Sender, Unmailable, build
from notifiers.email.mould import Mould, Unpourable, mould
from notifiers.email.route import Route, route
from notifiers.email.wire import LineLost, Reply, Wire

_ADDRESSES = re.compile(r"\S+@\S+")
_DOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")
_SECRET_BYTES = 16
_XCHARS = re.compile("[!-*,-<>-~]*")  # what stands for itself in an xtext
_DOT = b".\r\n"
_TAKEN = frozenset({250, 251, 252})  # a recipient was taken


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. RFC 5321 4.5.3.2: 5 minutes per command, 10 after the final dot, since a filter may think so long."""

    connect: float = 60.0
    command: float = 300.0
    dot: float = 600.0
    host_backoff: float = 60.0  # how long a host that said 421, or didn't answer, is left alone


@dataclass(slots=True)
class _Line:
    """One open connection, and what the relay offers on it."""

    wire: Wire
    offers: frozenset[str]
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
    signer: Signer | None = None  # DKIM; None where the relay signs
    channel: Channel = field(default=Channel.EMAIL, init=False)
    _route: Route = field(init=False, repr=False)
    _identity: Sender = field(init=False, repr=False)
    _moulds: dict[str, Mould] = field(default_factory=dict, init=False, repr=False)
    _idle: list[_Line] = field(default_factory=list, init=False, repr=False)
    _tls: ssl.SSLContext | None = field(default=None, init=False, repr=False)
    _rest_until: float = field(default=0.0, init=False)  # monotonic seconds

    def __post_init__(self) -> None:
        if not _DOMAIN.fullmatch(self.bounce_domain):
            raise BadInput("TOCSIN_BOUNCE_DOMAIN", "it is not a domain.", "Write one that you receive mail for.")
        if len(self.secret) < _SECRET_BYTES:
            raise BadInput("bounce secret", "it is too short to sign return paths.", "Make the key file again.")
        self._route = route(self.url, self.mode)
        self._identity = Sender(self.sender, self.reply_to, self.bounce_domain, self.secret, self.signer)

    def learn(self, wordings: Mapping[str, Wording]) -> None:
        """See notifiers.contract.Carrier. BadInput names the segment whose wording can't be poured."""
        for digest, wording in wordings.items():
            try:
                self._moulds[digest] = mould(wording.subject, wording.text, wording.html, wording.slots)
            except Unpourable as fault:
                raise BadInput(f"segment {wording.segment}", f"{fault}.", "Prepare the notices again.") from None

    async def send(self, message: Message) -> Handoff:
        """One recipient, one transaction. See notifiers.contract.Carrier."""
        try:
            mail = build(message, self._identity, self.now(), self._moulds)
        except Unmailable as e:  # a slot that was approved and can't be carried is looked at by a person
            outcome = Outcome.BLOCKED if e.code == "unfit_slot" else Outcome.REFUSED
            return Handoff(message.delivery, outcome, e.code, e.detail)
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
            line.wire.abort()
            raise
        await self._give_back(line)
        return answer

    def _take(self) -> _Line | None:
        while self._idle:
            line = self._idle.pop()
            if line.wire.usable:
                return line
            line.wire.close()
        return None

    async def _again(self, mail: Mail) -> str:
        line = await self._open()
        try:
            answer = await self._transact(line, mail)
        except BaseException:
            line.wire.abort()
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
        if not trouble.code or trouble.code == 421:
            line.wire.close()
            return
        try:
            reset = await self._ask(line, b"RSET\r\n")
        except (TimeoutError, LineLost):
            line.wire.close()
            return
        if reset.code == 250:
            await self._give_back(line)
        else:
            line.wire.close()

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
        return _Line(_wire(smtp), frozenset(e for e in _USED if smtp.supports_extension(e)))

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
        await self._envelope(line, mail)
        wire, phase = line.wire, Phase.DATA
        try:
            wire.write(mail.content + _DOT)
            if not wire.all_taken:  # the dot, which is last, has not left us: a loss is safe to repeat
                await wire.drained(self.timeouts.command)
            phase = Phase.DOT
            answer = (await wire.replies(1, self.timeouts.dot))[0]
        except (TimeoutError, LineLost) as e:
            if phase is Phase.DATA:
                wire.abort()  # closing would still send what waits, the dot with it
            raise _broken(phase, e) from None
        if answer.code != 250:
            raise _Trouble(phase, answer.code, answer.text)
        return answer.text

    async def _envelope(self, line: _Line, mail: Mail) -> None:
        """MAIL, RCPT and DATA, as one group where the relay takes groups."""
        commands = _commands(line, mail)
        step = len(commands) if "pipelining" in line.offers else 1
        got: list[Reply] = []
        while len(got) < len(commands):
            try:
                line.wire.write(b"".join(commands[len(got) : len(got) + step]))
                got += await line.wire.replies(step, self.timeouts.command)
            except (TimeoutError, LineLost) as e:
                got += line.wire.arrived()
                raise _refused(got) or _broken(_ENVELOPE[min(len(got), 2)], e) from None
            if trouble := _refused(got):
                await self._abandon(line, got)
                raise trouble

    async def _abandon(self, line: _Line, got: Sequence[Reply]) -> None:
        """A relay that wants the data although it took no recipient gets an empty end (RFC 2920 3.1)."""
        if got[-1].code == 354:
            try:
                await self._ask(line, b".\r\n")
            except (TimeoutError, LineLost):
                line.wire.close()

    async def _ask(self, line: _Line, command: bytes) -> Reply:
        line.wire.write(command)
        return (await line.wire.replies(1, self.timeouts.command))[0]

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
    """An exception of the library or the socket, before the first transaction, as what it means."""
    if isinstance(e, _Trouble):
        return e
    if isinstance(e, aiosmtplib.SMTPResponseException) and e.code > 0:
        return _Trouble(phase, e.code, e.message)
    if isinstance(e, ssl.SSLError):
        return _Trouble(phase, own=Verdict(Outcome.BLOCKED, True), name="tls_failed")
    if isinstance(e, ssl.CertificateError) or isinstance(e.__cause__, ssl.SSLError):
        return _Trouble(phase, own=Verdict(Outcome.BLOCKED, True), name="tls_failed")
    if phase is Phase.AUTH and type(e) is aiosmtplib.SMTPException:
        return _Trouble(phase, own=Verdict(Outcome.BLOCKED, True), name="auth_not_offered")
    return _Trouble(phase, own=Verdict(Outcome.DEFERRED, True), name=_name(e))


def _broken(phase: Phase, e: TimeoutError | LineLost) -> _Trouble:
    """The line ended or fell silent in the middle of a transaction."""
    name = "timeout" if isinstance(e, TimeoutError) else "connection_lost"
    after_dot = Verdict(Outcome.UNKNOWN)
    return _Trouble(phase, own=after_dot if phase is Phase.DOT else Verdict(Outcome.DEFERRED, True), name=name)


_ENVELOPE = (Phase.MAIL, Phase.RCPT, Phase.DATA)
_WANTED = (frozenset({250}), _TAKEN, frozenset({354}))


def _refused(got: Sequence[Reply]) -> _Trouble | None:
    """The first of MAIL, RCPT, DATA that the relay did not take; what follows it follows from it."""
    for phase, wanted, reply in zip(_ENVELOPE, _WANTED, got, strict=False):
        if reply.code not in wanted:
            return _Trouble(phase, reply.code, reply.text)
    return None


def _name(e: BaseException) -> str:
    if isinstance(e, TimeoutError):
        return "timeout"
    return "connection_refused" if isinstance(e, aiosmtplib.SMTPConnectError) else "connection_lost"


_USED = ("pipelining", "smtputf8", "size", "dsn")


def _wire(smtp: aiosmtplib.SMTP) -> Wire:
    if smtp.transport is None:
        raise _Trouble(Phase.CONNECT, own=Verdict(Outcome.DEFERRED, True), name="connection_lost")
    return Wire(cast(asyncio.Transport, smtp.transport))  # uvloop's are no subclass of asyncio's


def _commands(line: _Line, mail: Mail) -> tuple[bytes, bytes, bytes]:
    if mail.needs_utf8 and "smtputf8" not in line.offers:
        raise _Trouble(Phase.MAIL, own=Verdict(Outcome.REFUSED), name="smtputf8_not_offered")
    start, to = f"MAIL FROM:<{mail.return_path}>", f"RCPT TO:<{mail.recipient}>"
    return (
        " ".join([start, *_mail_options(line.offers, mail)]).encode() + b"\r\n",
        " ".join([to, *_rcpt_options(line.offers, mail)]).encode() + b"\r\n",
        b"DATA\r\n",
    )


def _mail_options(offers: frozenset[str], mail: Mail) -> list[str]:
    options = ["SMTPUTF8", "BODY=8BITMIME"] if mail.needs_utf8 else []
    if "size" in offers:
        options.append(f"SIZE={len(mail.content)}")
    if "dsn" in offers:
        options += ["RET=HDRS", f"ENVID={mail.envid}"]
    return options


def _rcpt_options(offers: frozenset[str], mail: Mail) -> list[str]:
    if "dsn" not in offers:
        return []
    original = [] if mail.needs_utf8 else [f"ORCPT=rfc822;{_xtext(mail.recipient)}"]
    return ["NOTIFY=FAILURE,DELAY", *original]


def _xtext(value: str) -> str:
    """RFC 3461 4: printable ASCII but + and = stands for itself."""
    if _XCHARS.fullmatch(value):
        return value
    return "".join(c if "!" <= c <= "~" and c not in "+=" else f"+{ord(c):02X}" for c in value)


def _clean(answer: str) -> str:
    """A server's answer for the ledger: no addresses, one line, at most 200 characters."""
    return " ".join(_ADDRESSES.sub("<address>", answer[:1_000]).split())[:200]


async def _quit(line: _Line) -> None:
    try:
        line.wire.write(b"QUIT\r\n")
        await line.wire.replies(1, 5)
    except (TimeoutError, LineLost):
        pass  # it was leaving anyway
    finally:
        line.wire.close()
