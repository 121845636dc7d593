"""The token by which a bounce finds its way back to a delivery: `<delivery>.<mac>`.

It stands in the VERP return path, in the ENVID and in the Message-ID. The MAC makes a forged bounce useless against
anybody but the recipient who holds that very message. Lower-case hex only: relays fold the case of local parts.
"""

from __future__ import annotations

import hmac
import re

from models.values import BadInput

MAC_DIGITS = 8
_DELIVERY = re.compile(r"[a-z0-9_-]{1,40}")
_TOKEN = re.compile(r"(?<![A-Za-z0-9._-])([a-z0-9_-]{1,40})\.([0-9a-f]{8})(?![A-Za-z0-9_-])", re.IGNORECASE)


def _mac(delivery: str, secret: bytes) -> str:
    return hmac.digest(secret, b"tocsin-bounce:" + delivery.encode(), "sha256").hex()[:MAC_DIGITS]


def token(delivery: str, secret: bytes) -> str:
    if not _DELIVERY.fullmatch(delivery):
        raise BadInput("delivery id", "it can't stand in a return path.", "Use 1 to 40 of a-z, 0-9, '-' and '_'.")
    return f"{delivery}.{_mac(delivery, secret)}"


def return_path(token: str, bounce_domain: str) -> str:
    """VERP: one return path per delivery."""
    return f"b+{token}@{bounce_domain}"


def message_id(notice: str, token: str, domain: str) -> str:
    """The same for every attempt at one delivery, so that a second copy can be recognised as one."""
    return f"<{notice}+{token}@{domain}>"


def deliveries_in(text: str, secret: bytes) -> list[str]:
    """Ids of all tokens in `text` whose MAC is ours, in order, each once."""
    pairs = ((d.lower(), mac.lower()) for d, mac in _TOKEN.findall(text))
    return list(dict.fromkeys(d for d, mac in pairs if hmac.compare_digest(mac, _mac(d, secret))))
