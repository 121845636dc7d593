"""Status callbacks: is it from Twilio, and what does it say.

A signed request can be replayed, since nothing in it tells the time; so a receipt carries a digest of (sid, status),
and the same one twice counts once. Order is not promised either: ranks only go up. Source: the carrier's page on
webhook security; the status enum of its OpenAPI description.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha1
from urllib.parse import urlsplit

from models.values import Evidence, Receipt, digest
from notifiers.sms.codes import evidence_of

# Never go from a higher rank to a lower one. Equal final ranks contradict each other: the first one stands.
RANK: Mapping[str, int] = {
    "accepted": 0,
    "scheduled": 0,
    "queued": 1,
    "sending": 2,
    "sent": 3,
    "partially_delivered": 3,
    "delivered": 4,
    "undelivered": 4,
    "failed": 4,
    "canceled": 4,
    "read": 5,
}


def signature(token: str, url: str, params: Mapping[str, str]) -> str:
    """HMAC-SHA1 over the URL and the sorted form fields, in base64 (the carrier's choice of hash, not ours)."""
    signed = url + "".join(k + params[k] for k in sorted(params))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), sha1).digest()).decode()


def valid_signature(token: str, url: str, params: Mapping[str, str], given: str) -> bool:
    """Whether Twilio signed this request. `url` is the public one, as called; with and without its port both count."""
    if not token:
        return False
    spellings = (_without_port(url), _with_port(url))
    return any([hmac.compare_digest(signature(token, u, params).encode(), given.encode()) for u in spellings])


def _without_port(url: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition(":")[0] if parts.port else parts.netloc
    return parts._replace(netloc=host).geturl()


def _with_port(url: str) -> str:
    parts = urlsplit(url)
    if parts.port:
        return url
    return parts._replace(netloc=f"{parts.netloc}:{443 if parts.scheme == 'https' else 80}").geturl()


def is_news(known: str, status: str) -> bool:
    """Whether `status` says more than the `known` one did; unknown words never do."""
    return RANK.get(status, -1) > RANK.get(known, -1)


def receipt_from_callback(params: Mapping[str, str], at: datetime, delivery: str = "") -> Receipt | None:
    """The evidence in a callback or a looked-up message; None while nothing is final.

    `delivery` is the one whose carrier reference is the sid, empty for an orphan. Call valid_signature before.
    """
    sid = params.get("MessageSid") or params.get("SmsSid", "")
    status = (params.get("MessageStatus") or params.get("SmsStatus", "")).lower()
    code = params.get("ErrorCode") or ""
    if status in {"delivered", "read"}:
        evidence = Evidence.DELIVERED
    elif status in {"undelivered", "failed", "canceled"}:
        evidence = evidence_of(int(code) if code.isdecimal() else 0)
    else:
        return None
    return Receipt(evidence, at, delivery, code or status, "twilio", digest([sid, status]))
