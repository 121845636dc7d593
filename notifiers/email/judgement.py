"""What one bounce says of one address: the code, the words and the point of the conversation, weighed together.

Wrong in one direction only costs a second try; wrong in the other burns an address that works. So where a code and the
words, or the words and the moment at which they were said, contradict each other, the answer is not `hard`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from models.values import Evidence
from notifiers.email.status import Words, class_of_status, class_of_subject, is_plain_policy, words_of


@dataclass(frozen=True, slots=True)
class RecipientStatus:
    """What one bounce says of one address. `kind` is hard, soft, policy, auto_reply or complaint."""

    address: str
    status: (
        str  # enhanced (RFC 3463); x.0.0 when the report gives only the first digit; empty for replies and complaints
    )
    kind: Evidence
    final: bool = True  # False: the relay says that it still tries


STATUS = re.compile(r"(?<![\d.])([45]\.\d{1,3}\.\d{1,3})(?![\d.])")
REPLY = re.compile(r"(?<![\d.])([45]\d\d)(?=[\s\-#:])")


def judged(address: str, status: str, text: str, action: str = "failed", report: str = "") -> RecipientStatus:
    """The far host's own code, where it gave one, knows more than the reporting program's summary of it.

    `text` is what was said of this address; `report` all that the mail program wrote around it.
    """
    said = STATUS.search(text)
    reply = REPLY.search(text)
    best = said.group(1) if said and not _vaguer(said.group(1), status) else status
    shown = best or (f"{reply.group(1)[0]}.0.0" if reply else "")
    final = action != "delayed"
    kind = _kind(shown, text, report or text) if final else Evidence.BOUNCED_SOFT
    return RecipientStatus(address, shown or ("5.0.0" if final else "4.0.0"), kind, final)


def _vaguer(said: str, status: str) -> bool:
    return class_of_status(said) is None and class_of_status(status) is not None


def _kind(status: str, text: str, report: str) -> Evidence:
    if is_plain_policy(text) or (status.startswith("5") and _BEFORE_RECIPIENT.search(report)):
        return Evidence.BLOCKED
    words, by_status = words_of(text), class_of_status(status)
    if words and words.kind is Evidence.BOUNCED_HARD and (found := _unknown(status, by_status, text, report)):
        return found
    if words and _believed(words, by_status, status):
        return words.kind
    return by_status or (words.kind if words else None) or _by_digit(status)


def _unknown(status: str, by_status: Evidence | None, text: str, report: str) -> Evidence | None:
    """What "unknown" comes to where the code or the moment speaks against it; None where neither does."""
    if by_status is None and _after_content(text, report):
        return Evidence.BOUNCED_SOFT
    if status.startswith("4") and status not in _FINAL_UNKNOWN:
        return Evidence.BOUNCED_SOFT
    if by_status is not Evidence.BLOCKED:
        return None
    # A policy code of the far host's own contradicts it; one that the reporting program chose does not.
    return Evidence.BOUNCED_SOFT if STATUS.search(text) else Evidence.BOUNCED_HARD


def _by_digit(status: str) -> Evidence:
    hard = status.startswith("5")
    return class_of_subject(status) or (Evidence.BOUNCED_HARD if hard else Evidence.BOUNCED_SOFT)


def _believed(words: Words, by_status: Evidence | None, status: str) -> bool:
    """Where words are believed against a code that names a detail: a full mailbox under a code for a bad one, and a
    temporary code in a final report about an unknown mailbox.
    """
    if status in _FINAL_UNKNOWN:
        return words.kind is Evidence.BOUNCED_HARD
    return words.sure and words.kind is Evidence.BOUNCED_SOFT and by_status is Evidence.BOUNCED_HARD


_FINAL_UNKNOWN = frozenset({"4.1.1", "4.1.2"})

# Where a conversation broke off before anybody was named, it was not about the recipient.
_BEFORE_RECIPIENT = re.compile(
    r"(?:after|in reply to) (?:EHLO|HELO|MAIL FROM|initial connection|pipelined MAIL)"
    r"|>>> ?(?:EHLO|HELO|MAIL)\b[^\n]*\n[>\s]*<<< 5",
    re.IGNORECASE,
)
# A server that took the recipient and then, having seen the mail, says "unknown" speaks of a filter of its user's: some
# mobile carriers answer so on purpose. A program that sends ahead shows the recipient's refusal below DATA too; what
# follows there is a complaint that nobody is left to write to.
_CONTENT = re.compile(
    r">>> ?DATA\b[^\n]*\n[>\s]*<<< 5(?P<rest>(?:.*\n?){6})|SMTP command\s+DATA|in reply to end\s+of\s+DATA"
    r"|after end of data|\b5\d\d:? +: user unknown",
    re.IGNORECASE,
)
_NOBODY_LEFT = re.compile(r"\b50[34]\b|no valid recip|need rcpt", re.IGNORECASE)
_UNKNOWN_USER = re.compile(r"unknown user|user unknown|no such user", re.IGNORECASE)


def _after_content(text: str, report: str) -> bool:
    found = _CONTENT.search(report) if _UNKNOWN_USER.search(text) else None
    return found is not None and not _NOBODY_LEFT.search(found["rest"] or "")
