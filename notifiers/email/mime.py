"""One merged notice as the bytes of one mail.

Refuses what could break a header; never joins an address from strings. The result is 7-bit clean, so that every relay
can carry it, unless the recipient's own address needs SMTPUTF8.
"""

from __future__ import annotations

import re
from base64 import b64encode, encodebytes
from binascii import b2a_qp
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.utils import format_datetime

from models.values import Message, Slot, sha256
from notifiers.email import marks

# C0, DEL, C1, line and paragraph separators, lone surrogates: none has a place in a header.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_UNPRINTABLE = re.compile("[\0\ud800-\udfff]")  # what no transfer encoding can carry
_SPECIALS = frozenset(' <>,;:\\"()[]')
# Characters that IDNA 2003 (Python's codec) maps to another domain than IDNA 2008 does: another mailbox owner.
_DEVIATIONS = frozenset("ßς\u200c\u200d")


class Unmailable(ValueError):
    """This message can't become a mail. `code` is ours, in the place of a carrier's code; nothing was sent."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


@dataclass(frozen=True, slots=True)
class Sender:
    """The organisation's identity on a mail."""

    address: Address
    reply_to: Address | None
    bounce_domain: str
    secret: bytes


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


def build(message: Message, sender: Sender, date: datetime) -> Mail:
    """`date` with zone. Raises Unmailable before anything was sent."""
    local, domain = _address(message.to.email)
    needs_utf8 = not local.isascii()
    name = message.slots.get(Slot.ADDRESSEE) or message.slots.get(Slot.NAME) or ""
    if any(map(is_unsafe, (name, message.subject, message.language, message.notice))):
        raise Unmailable("unsafe_header")
    if any(_UNPRINTABLE.search(part) for part in (message.text, message.html)):
        raise Unmailable("unsafe_body")
    return Mail(
        return_path=marks.return_path(message.delivery, sender.bounce_domain, sender.secret),
        recipient=f"{local}@{domain}",
        envid=marks.token(message.delivery, sender.secret),
        content=_compose(message, sender, date, Address(name, local, domain)),
        needs_utf8=needs_utf8,
    )


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


# --- composing ------------------------------------------------------------------------------------------------------
# By hand: the standard library's EmailMessage costs milliseconds a mail, and its folding has had faults with unusual
# names. The tests hold the result against it.

_LINE = re.compile(r"\r\n|\r|\n")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")
_SHORT = 60  # characters of a header value that needs no folding
_WORD_BYTES = 42  # of UTF-8 in one encoded word: 56 in base64, 68 with its frame (RFC 2047 allows 75)
_LONGEST_LINE = 900  # RFC 5321 allows 998 with CRLF


def _compose(message: Message, sender: Sender, date: datetime, to: Address) -> bytes:
    parts = [("plain", message.text)] + ([("html", message.html)] if message.html else [])
    boundary = "=_" + sha256(marks.token(message.delivery, sender.secret) + message.text)[:32]
    head = [
        ("Message-ID", marks.message_id(message.notice, message.delivery, sender.address.domain, sender.secret)),
        ("Date", format_datetime(date)),
        ("From", _mailbox(sender.address)),
        *([("Reply-To", _mailbox(sender.reply_to))] if sender.reply_to else []),
        ("To", _mailbox(to)),
        ("Subject", _unstructured(message.subject)),
        ("Content-Language", message.language),
        ("Auto-Submitted", "auto-generated"),  # RFC 3834: asks vacation programs for silence
        ("MIME-Version", "1.0"),
    ]
    lines = "".join(f"{name}: {value}\r\n" for name, value in head).encode()
    bodies = [_part(kind, text) for kind, text in parts]
    if len(bodies) == 1:
        return lines + bodies[0]
    edge = b"--" + boundary.encode()
    opened = f'Content-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n'.encode()
    return lines + opened + b"".join(edge + b"\r\n" + body + b"\r\n" for body in bodies) + edge + b"--\r\n"


def _mailbox(address: Address) -> str:
    """`phrase <local@domain>`, the phrase as atoms, a quoted string or encoded words."""
    name, spec = address.display_name.strip(), f"<{address.username}@{address.domain}>"
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


def _part(kind: str, text: str) -> bytes:
    """One text part in the encoding that costs least: as it is, quoted-printable, or base64."""
    data = _LINE.sub("\r\n", text).encode()
    data = data if data.endswith(b"\r\n") else data + b"\r\n"
    encoding, body = _encoded(data)
    head = f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return head.encode() + body


def _encoded(data: bytes) -> tuple[str, bytes]:
    foreign = 0 if data.isascii() else len(data) - len(data.decode().encode("ascii", "ignore"))
    if not foreign and max(map(len, data.split(b"\r\n"))) <= _LONGEST_LINE:
        return "7bit", data
    if foreign * 4 < len(data):
        quoted = b2a_qp(data, istext=True)
        return "quoted-printable", quoted.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return "base64", encodebytes(data).replace(b"\n", b"\r\n")
