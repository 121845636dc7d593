"""One merged notice as the bytes of one mail.

Refuses what could break a header; never joins an address from strings. The result is 7-bit clean, so that every relay
can carry it, unless the recipient's own address needs SMTPUTF8.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.utils import format_datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from models.values import Message, Slot
from notifiers.email import marks
from notifiers.email.dkim import Signer
from notifiers.email.mould import Mould, Unpourable, mould

NO_MOULDS: Final[Mapping[str, Mould]] = MappingProxyType({})

# C0, DEL, C1, line and paragraph separators, lone surrogates: none has a place in a header.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_UNPRINTABLE = re.compile("[\0\ud800-\udfff]")  # what no transfer encoding can carry
_SPECIALS = frozenset(' <>,;:\\"()[]')
# Characters that IDNA 2003 (Python's codec) maps to another domain than IDNA 2008 does: another mailbox owner.
_DEVIATIONS = frozenset("ßς\u200c\u200d")


class Unmailable(ValueError):
    """This message can't become a mail. `code` is ours, in the place of a carrier's code; nothing was sent."""

    def __init__(self, code: str, detail: str = "") -> None:
        self.code, self.detail = code, detail
        super().__init__(code)


@dataclass(frozen=True, slots=True)
class Sender:
    """The organisation's identity on a mail."""

    address: Address
    reply_to: Address | None
    bounce_domain: str
    secret: bytes
    signer: Signer | None = None
    headers: str = field(init=False, repr=False)  # From and Reply-To, ready to be written

    def __post_init__(self) -> None:
        lines = [("From", self.address), *([("Reply-To", self.reply_to)] if self.reply_to else [])]
        object.__setattr__(self, "headers", "".join(f"{name}: {_mailbox(who)}\r\n" for name, who in lines))


@dataclass(frozen=True, slots=True)
class Mail:
    """Envelope and content of one transaction."""

    return_path: str
    recipient: str
    envid: str
    content: bytes
    needs_utf8: bool


def is_unsafe(value: str) -> bool:
    """Whether `value` could end a header or hide something in it."""
    return bool(_UNSAFE.search(value))


def build(message: Message, sender: Sender, date: datetime, moulds: Mapping[str, Mould] = NO_MOULDS) -> Mail:
    """`date` with zone. A message whose wording is in `moulds` is poured from its slots, any other from its text.

    Raises Unmailable before anything was sent.
    """
    local, domain = _address(message.to.email)
    name = message.slots.get(Slot.ADDRESSEE) or message.slots.get(Slot.NAME) or ""
    try:
        subject, body = _poured(message, moulds)
    except Unpourable as fault:
        raise Unmailable("unfit_slot", str(fault)) from None
    if any(map(is_unsafe, (name, subject, message.language, message.notice))):
        raise Unmailable("unsafe_header")
    token = marks.token(message.delivery, sender.secret)
    to = _phrased(name.strip(), f"<{local}@{domain}>")
    head = _head(message.notice, message.language, sender, token, date, to, subject)
    return Mail(
        return_path=marks.return_path(token, sender.bounce_domain),
        recipient=f"{local}@{domain}",
        envid=token,
        content=_signed(head + body, sender.signer, date),
        needs_utf8=not local.isascii(),
    )


def _signed(content: bytes, signer: Signer | None, date: datetime) -> bytes:
    return content if signer is None else signer.header(content, int(date.timestamp())) + content


def _poured(message: Message, moulds: Mapping[str, Mould]) -> tuple[str, bytes]:
    if known := moulds.get(message.wording):
        return known.pour(message.slots)
    if any(_UNPRINTABLE.search(part) for part in (message.text, message.html)):
        raise Unmailable("unsafe_body")
    return mould(message.subject, message.text, message.html).pour({})


def _address(email: str) -> tuple[str, str]:
    local, at, domain = email.rpartition("@")
    if is_unsafe(email):
        raise Unmailable("unsafe_header")
    if not at or not local or not domain or "@" in local or _SPECIALS & set(email):
        raise Unmailable("bad_address")
    return local, _ascii_domain(domain)


def _ascii_domain(domain: str) -> str:
    if domain.isascii():
        return domain
    if _DEVIATIONS & set(domain):
        raise Unmailable("ambiguous_domain")
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        raise Unmailable("bad_address") from None


# --- headers --------------------------------------------------------------------------------------------------------
# By hand: the standard library's EmailMessage costs milliseconds a mail, and its folding has had faults with unusual
# names. The tests hold the result against it.

_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")
_SHORT = 60  # characters of a header value that needs no folding
_WORD_BYTES = 42  # of UTF-8 in one encoded word: 56 in base64, 68 with its frame (RFC 2047 allows 75)


def _head(notice: str, language: str, sender: Sender, token: str, date: datetime, to: str, subject: str) -> bytes:
    own = f"Message-ID: {marks.message_id(notice, token, sender.address.domain)}\r\nTo: {to}\r\n"
    return own.encode() + _shared_head(sender.headers, language, date.replace(microsecond=0), subject)


@lru_cache(maxsize=256)
def _shared_head(sender: str, language: str, date: datetime, subject: str) -> bytes:
    """What the mails of one second and one subject have in common."""
    head = [
        ("Date", format_datetime(date)),
        ("Subject", _unstructured(subject)),
        ("Content-Language", language),
        ("Auto-Submitted", "auto-generated"),  # RFC 3834: asks vacation programs for silence
        ("MIME-Version", "1.0"),
    ]
    return (sender + "".join(f"{name}: {value}\r\n" for name, value in head)).encode()


def _mailbox(address: Address) -> str:
    """`phrase <local@domain>`, the phrase as atoms, a quoted string or encoded words."""
    return _phrased(address.display_name.strip(), f"<{address.username}@{address.domain}>")


def _phrased(name: str, spec: str) -> str:
    if not name:
        return spec[1:-1]
    if not _is_plain(name):
        return f"{_words(name)}\r\n {spec}"
    if _ATOMS.fullmatch(name):
        return f"{name}\r\n {spec}"
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}"\r\n {spec}'


def _unstructured(text: str) -> str:
    return text if _is_plain(text) else _words(text)


def _is_plain(text: str) -> bool:
    """Whether the characters can stand as they are on one line, and be read back as they are."""
    return text.isascii() and len(text) <= _SHORT and "=?" not in text and text == " ".join(text.split())


def _words(text: str) -> str:
    """RFC 2047 encoded words in base64, never splitting a character."""
    chunks, chunk = [], b""
    for c in text:
        raw = c.encode()
        if len(chunk) + len(raw) > _WORD_BYTES:
            chunks.append(chunk)
            chunk = b""
        chunk += raw
    return "\r\n ".join(f"=?utf-8?b?{b64encode(c).decode()}?=" for c in [*chunks, chunk])
