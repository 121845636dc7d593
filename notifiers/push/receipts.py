"""Receipts from the app: is it the app that speaks, and what does it say.

The app signs what it posts with the same secret as we do. A request can be repeated, so each has an id of its own, and
the same receipt counts once. Only `notice.shown` tells somebody.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from models.values import BadInput, Receipt, Refused, digest
from notifiers.push import codes


def read_receipt(secret: str, headers: Mapping[str, str], body: bytes, at: datetime) -> Receipt | None:
    """The evidence; None when it says nothing that counts. Refused when the signature does not hold, BadInput when the
    body is no receipt."""
    try:
        said = Webhook(secret).verify(body, dict(headers))
    except (WebhookVerificationError, ValueError, UnicodeDecodeError):
        raise Refused("the receipt is not signed by the app, or is too old") from None
    kind, delivery = _parts(said)
    evidence = codes.EVIDENCE[kind]
    if evidence is None:
        return None
    return Receipt(evidence, at, delivery, kind, "app", digest([delivery, kind]))


def _parts(said: Any) -> tuple[codes.Receipt, str]:
    data = said.get("data") if isinstance(said, dict) else None
    delivery = data.get("delivery") if isinstance(data, dict) else None
    try:
        kind = codes.Receipt(said["type"])
    except (KeyError, ValueError, TypeError):
        kind = None
    if kind is None or not isinstance(delivery, str) or not 0 < len(delivery) <= 64:
        words = ", ".join(codes.Receipt)
        raise BadInput("receipt", "is none of ours.", f"Post type ({words}) and data.delivery.")
    return kind, delivery
