"""What an SMTP answer means for us: one table for the session and the transaction, read from the top.

5.7.x is our own fault or the receiver's policy: the channel stops, the person keeps the rung. A full mailbox is soft
whatever its first digit. 421 speaks of the host, not of the recipient. Sources: RFC 5321 4.2, RFC 3463, the registry
of enhanced codes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

from models.values import Evidence, Outcome
from notifiers.email.status import HARD, POLICY, SOFT, class_of_status, class_of_text, is_lasting

ENHANCED = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")


class Phase(IntEnum):
    """How far a transaction came. Before DOT nothing can have been delivered (RFC 5321 4.1.1.4)."""

    CONNECT = 1  # greeting, EHLO, TLS
    AUTH = 2
    MAIL = 3
    RCPT = 4
    DATA = 5  # command and body, the final dot not yet sent
    DOT = 6  # the final dot left us; silence from here on is unknown


SESSION = frozenset({Phase.CONNECT, Phase.AUTH, Phase.MAIL})


@dataclass(frozen=True, slots=True)
class Verdict:
    outcome: Outcome
    host_wide: bool = False  # says nothing about this recipient: the whole line is in trouble


# Reply codes that mean the same in every phase.
_ALWAYS: dict[int, Verdict] = {
    421: Verdict(Outcome.DEFERRED, host_wide=True),  # shutting down or too many connections
    530: Verdict(Outcome.BLOCKED, True),  # authentication or STARTTLS wanted
    534: Verdict(Outcome.BLOCKED, True),
    535: Verdict(Outcome.BLOCKED, True),  # credentials refused
    538: Verdict(Outcome.BLOCKED, True),
    500: Verdict(Outcome.BLOCKED, True),  # our syntax
    502: Verdict(Outcome.BLOCKED, True),
    503: Verdict(Outcome.BLOCKED, True),
    504: Verdict(Outcome.BLOCKED, True),
}

# Too big for this mailbox: nobody else's mail is stopped for it.
_TOO_BIG = frozenset({"5.2.3", "5.3.4"})

_BY_CLASS: dict[Evidence, Outcome] = {
    HARD: Outcome.REFUSED,
    SOFT: Outcome.DEFERRED,
    POLICY: Outcome.BLOCKED,
}


def enhanced(text: str) -> str:
    """The first enhanced status code in an answer, or nothing."""
    found = ENHANCED.search(text)
    return found.group(1) if found else ""


def verdict(phase: Phase, code: int, text: str) -> Verdict:
    """What the answer `code text` in `phase` comes to."""
    if 200 <= code < 300:
        return Verdict(Outcome.ACCEPTED)
    if code in _ALWAYS:
        return _ALWAYS[code]
    if phase in SESSION:
        return Verdict(Outcome.BLOCKED if code >= 500 else Outcome.DEFERRED, host_wide=True)
    if code < 500:
        return Verdict(Outcome.DEFERRED)
    if enhanced(text) in _TOO_BIG or is_lasting(enhanced(text), text):
        return Verdict(Outcome.REFUSED)
    return Verdict(_BY_CLASS[_class(phase, code, text)])


def _class(phase: Phase, code: int, text: str) -> Evidence:
    by_status = class_of_status(enhanced(text))
    if by_status:
        return by_status
    if code == 552:  # storage, unless a status said otherwise
        return SOFT
    if by_text := class_of_text(text):
        return by_text
    return POLICY if phase >= Phase.DATA and code == 554 else HARD
