"""A wording as mail, encoded once; a person's mail is then a join of bytes.

Fixed text is put into its transfer encoding when the mould is made. In quoted-printable a soft line break stands on
both sides of each slot, so that fixed text and slots are encoded apart; base64 (text that is mostly not Latin) is
encoded whole. Every line ends in CRLF, none is longer than 76 characters, none begins with a dot: the relay needs no
8BITMIME, and nothing is left to stuff (RFC 5321 4.5.2).
"""

from __future__ import annotations

import re
from binascii import b2a_base64, b2a_qp
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from models.slots import cut, escaped, fault
from models.values import Slot, sha256

_LINE: Final = re.compile(r"\r\n|\r|\n")
_EASY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ,:;()_/+*@?!.-]{0,59}")  # the same in every encoding of ours
_SOFT: Final = b"=\r\n"  # a line break that is not there when it is read
_WIDEST: Final = 73  # characters of a line before an escape; with it and the soft break, 76 at most
Values = Mapping[str, str]


class Unpourable(ValueError):
    """A slot has no value that a mail can carry. Holds the slot's name, never its value."""


@dataclass(frozen=True, slots=True)
class _Part:
    """One body. `fixed` stands around `slots`: one more of it than of them."""

    head: bytes
    quoted: tuple[bytes, ...]  # empty: base64
    fixed: tuple[str, ...]
    slots: tuple[str, ...]
    markup: bool

    def pour(self, plain: Values) -> bytes:
        if not self.quoted:
            return self.head + _base64(self._joined(plain).encode())
        out = [self.head, self.quoted[0]]
        for name, after in zip(self.slots, self.quoted[1:], strict=True):
            out += (self._quoted(plain[name]), _SOFT, after)
        return b"".join(out)

    def _joined(self, plain: Values) -> str:
        out = [self.fixed[0]]
        for name, after in zip(self.slots, self.fixed[1:], strict=True):
            out += (self._shown(plain[name]), after)
        return "".join(out)

    def _shown(self, value: str) -> str:
        return escaped(value) if self.markup else value.replace("\n", "\r\n")

    def _quoted(self, value: str) -> bytes:
        return value.encode() if _EASY.fullmatch(value) else quoted(self._shown(value).encode())


@dataclass(frozen=True, slots=True)
class Mould:
    """A subject and bodies with room for slots. `pour` gives what follows the headers of a person."""

    subject: tuple[str, ...]  # fixed text at even places, names of slots at odd ones
    parts: tuple[_Part, ...]
    slots: tuple[Slot, ...]
    edge: bytes  # the boundary between parts
    opening: bytes  # the multipart header

    def pour(self, values: Values) -> tuple[str, bytes]:
        """The subject, and the body with its Content-Type. Unpourable names a slot without a fit value."""
        for slot in self.slots:
            if problem := fault(slot, values.get(slot, "")):
                raise Unpourable(f"slot {slot} {problem}")
        subject = "".join(values[p].replace("\n", ", ") if n % 2 else p for n, p in enumerate(self.subject))
        return subject, self._bodies(values)

    def _bodies(self, values: Values) -> bytes:
        if len(self.parts) == 1:
            return self.parts[0].pour(values)
        out = [self.opening]
        for part in self.parts:
            out += (b"--", self.edge, b"\r\n", part.pour(values), b"\r\n")
        return b"".join((*out, b"--", self.edge, b"--\r\n"))


def mould(subject: str, text: str, page: str = "", slots: Iterable[Slot] = ()) -> Mould:
    """`text` and `page` may hold slots between marks. Unpourable when a mark is broken or names no slot of `slots`."""
    known = tuple(slots)
    parts = [_part("plain", text, known), *([_part("html", page, known)] if page else [])]
    edge = f"=_{sha256(subject + text + page)[:32]}".encode()  # "=_" is in no quoted-printable and in no base64
    opening = b'Content-Type: multipart/alternative; boundary="' + edge + b'"\r\n\r\n'
    return Mould(_cut(subject, known), tuple(parts), known, edge, opening)


def _cut(text: str, slots: tuple[Slot, ...]) -> tuple[str, ...]:
    pieces = cut(text, slots) if slots else (text,)  # what holds no slot is plain text, whatever signs it has
    if pieces is None:
        raise Unpourable("a slot's mark is broken")
    return pieces


def _part(kind: str, text: str, slots: tuple[Slot, ...]) -> _Part:
    lines = _LINE.sub("\r\n", text)
    pieces = _cut(lines if lines.endswith("\r\n") else lines + "\r\n", slots)
    fixed, names = pieces[::2], pieces[1::2]
    latin = _is_latin("".join(fixed))
    head = f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: "
    head += f"{'quoted-printable' if latin else 'base64'}\r\n\r\n"
    last = len(fixed) - 1
    encoded = (quoted(t.encode()) + (_SOFT if n < last else b"") for n, t in enumerate(fixed))
    return _Part(head.encode(), tuple(encoded) if latin else (), fixed, names, kind == "html")


def _is_latin(text: str) -> bool:
    """Whether quoted-printable costs less than base64: three bytes for each that is not ASCII, against a third more."""
    return (len(text.encode()) - len(text.encode("ascii", "ignore"))) * 4 < len(text.encode())


def quoted(data: bytes) -> bytes:
    """Quoted-printable that stands at the beginning of a line and before a soft line break or a CRLF.

    No line of it begins with a dot. `data` has CRLF as its line ends.
    """
    return b"\r\n".join(_quoted_line(line) for line in data.split(b"\r\n"))


def _quoted_line(line: bytes) -> bytes:
    """One line. The library folds at 76, which a dot's escape would pass, so the folding is ours."""
    flat = b2a_qp(line, istext=False).replace(_SOFT, b"").replace(b"=\n", b"")
    out = []
    while flat:
        if flat[:1] == b".":
            flat = b"=2E" + flat[1:]
        end = _fold_at(flat)
        out.append(flat[:end])
        flat = flat[end:]
    return _SOFT.join(out)


def _fold_at(flat: bytes) -> int:
    if len(flat) <= _WIDEST:
        return len(flat)
    escape = flat.rfind(b"=", _WIDEST - 2, _WIDEST)
    return escape if escape > 0 else _WIDEST


def _base64(data: bytes) -> bytes:
    line = b2a_base64(data, newline=False)
    return b"\r\n".join([line[i : i + 76] for i in range(0, len(line), 76)]) + b"\r\n"
