"""What Twilio's error numbers mean for us. Any other number needs a person: the rung ends, the raw one is kept.

The API's own description says that error codes should not be acted on by programs; so this table is short, each row
has its reason, and everything else is refused for this rung instead of guessed at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from models.values import Evidence, Outcome


class Meaning(StrEnum):
    NEXT_CHANNEL = "next_channel"  # this number will not work
    RETRY = "retry"  # later, same number
    HALT = "halt"  # our account or registration: stop the channel, page a person
    HUMAN = "human"  # not in the table


@dataclass(frozen=True, slots=True)
class Known:
    meaning: Meaning
    because: str
    attempts: int = 0  # for RETRY: give up after so many; 0 means the channel's own number


_NEXT, _RETRY, _HALT = Meaning.NEXT_CHANNEL, Meaning.RETRY, Meaning.HALT

# Sources: the carrier's error pages (/docs/api/errors/<number>), the test-credential page, and the API description.
ERRORS: Mapping[int, Known] = {
    21211: Known(_NEXT, "the To number is not a number"),
    21214: Known(_NEXT, "the To number can't be reached"),
    21217: Known(_NEXT, "the number does not look valid"),
    21408: Known(_NEXT, "the region is not enabled for this account"),
    21610: Known(_NEXT, "the person answered STOP: never retry"),
    21612: Known(_NEXT, "no route from our sender to this number"),
    21614: Known(_NEXT, "not a mobile number"),
    30003: Known(_RETRY, "handset unreachable, often for a while", attempts=1),
    30004: Known(_NEXT, "blocked by the person or the carrier"),
    30005: Known(_NEXT, "unknown handset"),
    30006: Known(_NEXT, "landline or unreachable carrier: do not retry the same SMS"),
    30008: Known(_RETRY, "unknown error at the carrier", attempts=1),
    20429: Known(_RETRY, "too many requests"),
    14107: Known(_RETRY, "sending rate exceeded"),
    30001: Known(_RETRY, "queue overflow"),
    30017: Known(_RETRY, "carrier network congestion"),
    30022: Known(_RETRY, "sending rate exceeded"),
    30500: Known(_RETRY, "internal: try sending again"),
    20003: Known(_HALT, "credentials refused"),
    20005: Known(_HALT, "account not active"),
    20008: Known(_HALT, "test credentials used for a live resource"),
    20404: Known(_HALT, "the account or the base URL is wrong"),
    21212: Known(_HALT, "our From number is not valid"),
    21603: Known(_HALT, "a From is missing"),
    21606: Known(_HALT, "our From number can't send SMS"),
    21608: Known(_HALT, "trial account: only verified numbers"),
    21611: Known(_HALT, "our From number has too many messages queued"),
    21617: Known(_HALT, "our text is too long"),
    30002: Known(_HALT, "account suspended"),
    30007: Known(_NEXT, "filtered as unwanted by the network; many of them speak of our content or registration"),
    30034: Known(_HALT, "our number is not registered"),
}

# Numbers that speak of one text alone, and of us once more than this share of the texts of an incident end so.
HALTING_SHARES: Mapping[str, float] = {"30007": 0.02}
FEWEST = 50  # texts below which a share says nothing

_HUMAN = Known(Meaning.HUMAN, "not in our table: a person must look at the raw number")

_OUTCOMES: Mapping[Meaning, Outcome] = {
    _NEXT: Outcome.REFUSED,
    _RETRY: Outcome.DEFERRED,
    _HALT: Outcome.BLOCKED,
    Meaning.HUMAN: Outcome.REFUSED,
}
_EVIDENCE: Mapping[Meaning, Evidence] = {
    _NEXT: Evidence.BOUNCED_HARD,
    _RETRY: Evidence.BOUNCED_HARD,  # the message itself is lost: the carrier will not try again
    _HALT: Evidence.BLOCKED,
    Meaning.HUMAN: Evidence.BOUNCED_HARD,
}


def meaning(code: int) -> Known:
    return ERRORS.get(code, _HUMAN)


def outcome_of(status: int, code: int, errors: Mapping[int, Known] = ERRORS) -> Outcome:
    """An HTTP answer to POST. A server error after the request had arrived leaves it unknown."""
    if status >= 500:
        return Outcome.UNKNOWN
    if code in errors:
        return _OUTCOMES[errors[code].meaning]
    if status == 429:
        return Outcome.DEFERRED
    return Outcome.BLOCKED if status in {401, 403, 404} else Outcome.REFUSED


def evidence_of(code: int) -> Evidence:
    """What a final status failed or undelivered with this number says."""
    return _EVIDENCE[meaning(code).meaning]
