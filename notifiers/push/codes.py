"""What an app's answer means, and what its receipts do. That the app's server took a notice tells nobody.

Source: the Standard Webhooks specification (any 2xx is success, 410 ends it, 429 and 502 to 504 ask for patience). Our
own identifiers make a repeat harmless, so trouble on the app's side is tried again.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from models.values import Evidence, Outcome

ANSWERS: Mapping[int, Outcome] = {
    400: Outcome.BLOCKED,  # our own request: every other one would fare alike
    401: Outcome.BLOCKED,  # the secret is not theirs
    403: Outcome.BLOCKED,
    404: Outcome.REFUSED,  # no such person in the app
    405: Outcome.BLOCKED,
    408: Outcome.DEFERRED,
    409: Outcome.ACCEPTED,  # it had this webhook-id already
    410: Outcome.REFUSED,  # the person has left the app
    413: Outcome.BLOCKED,
    415: Outcome.BLOCKED,
    422: Outcome.BLOCKED,
    425: Outcome.DEFERRED,
    429: Outcome.DEFERRED,
}
HOST_WIDE = frozenset({Outcome.BLOCKED})


class Receipt(StrEnum):
    """What an app reports of a notice. Only the first tells somebody."""

    SHOWN = "notice.shown"  # the person opened it
    UNDELIVERABLE = "notice.undeliverable"  # signed out, uninstalled, notifications off
    DELIVERED = "notice.delivered"  # it lies on the device; nobody has seen it


EVIDENCE: Mapping[Receipt, Evidence | None] = {
    Receipt.SHOWN: Evidence.DELIVERED,
    Receipt.UNDELIVERABLE: Evidence.BOUNCED_HARD,
    Receipt.DELIVERED: None,
}


def outcome_of(status: int) -> Outcome:
    """The outcome of an HTTP answer."""
    if 200 <= status < 300:
        return Outcome.ACCEPTED
    if status >= 500:
        return Outcome.DEFERRED
    return ANSWERS.get(status, Outcome.BLOCKED)  # a redirect is never followed: the secret is for one address
