"""DKIM signatures (RFC 6376, RFC 8463): each mail is signed once, over its body as it stands and its headers relaxed.

The body is 7-bit clean and folded, so that no relay has a reason to change it. From is named once more than it stands
there: a second one can't be added without breaking the signature. The key itself stays with the caller.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

SIGNED: Final = (b"from", b"reply-to", b"to", b"subject", b"date", b"message-id", b"mime-version", b"content-type",
                 b"content-language", b"auto-submitted")  # fmt: skip
_FIELD: Final = re.compile(rb"\r\n(?![ \t])")
_SPACE: Final = re.compile(rb"[ \t\r\n]+")
_END: Final = re.compile(rb"(?:\r\n)*\Z")


@dataclass(frozen=True, slots=True)
class Signer:
    """`sign` signs the octets it is given (with SHA-256 where the algorithm is RSA)."""

    domain: str
    selector: str
    algorithm: str  # rsa-sha256 or ed25519-sha256
    sign: Callable[[bytes], bytes]

    def header(self, content: bytes, at: int) -> bytes:
        """The DKIM-Signature of a whole mail, to stand in front of it. `at` is Unix time in seconds."""
        head, _, body = content.partition(b"\r\n\r\n")
        fields = dict(_named(field) for field in _FIELD.split(head))
        names = [name for name in SIGNED if name in fields]
        empty = self._unsigned(names, body, at)
        hashed = b"".join(name + b":" + fields[name] + b"\r\n" for name in names) + _relaxed(empty)
        signature = b64encode(self.sign(self._prepared(hashed)))
        folded = b"\r\n ".join(signature[n : n + 72] for n in range(0, len(signature), 72))
        return empty + folded + b"\r\n"

    def _unsigned(self, names: Sequence[bytes], body: bytes, at: int) -> bytes:
        over = b":".join([*names, b"from"]).decode()
        body_hash = b64encode(hashlib.sha256(_END.sub(b"\r\n", body, count=1)).digest()).decode()
        return (
            f"DKIM-Signature: v=1; a={self.algorithm}; c=relaxed/simple; d={self.domain};\r\n"
            f" s={self.selector}; t={at}; h={over};\r\n bh={body_hash};\r\n b="
        ).encode()

    def _prepared(self, hashed: bytes) -> bytes:
        """Ed25519 signs the hash (RFC 8463 3); RSA hashes as it signs."""
        return hashed if self.algorithm == "rsa-sha256" else hashlib.sha256(hashed).digest()


def _named(field: bytes) -> tuple[bytes, bytes]:
    name, _, value = field.partition(b":")
    return name.strip().lower(), _SPACE.sub(b" ", value).strip()


def _relaxed(field: bytes) -> bytes:
    name, value = _named(field)
    return name + b":" + value
