"""What Twilio's words about a call mean for us: who answered, how it ended, why it was refused.

A call is not repeated by the machine. Whoever did not hear the notice is told by the next rung of the ladder, at once.
Sources: the OpenAPI description (call_enum_status), the pages on answering machine detection and on error numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from models.values import Evidence
from notifiers.sms.codes import ERRORS as TEXT_ERRORS
from notifiers.sms.codes import Known, Meaning


class Ending(StrEnum):
    """How a spoken call came out. The first is the only one that tells somebody."""

    HEARD = "heard"  # a key confirmed the person, and the notice was spoken to its end
    WRONG_NUMBER = "wrong_number"  # a key said so
    MACHINE = "machine"  # an answering machine or fax: nothing was said
    NO_KEY = "no_key"  # somebody answered and confirmed nothing: nothing was said
    HUNG_UP = "hung_up"  # confirmed, and the call ended before the notice did
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    FAILED = "failed"  # the number can't be called


EVIDENCE: Mapping[Ending, Evidence] = {
    Ending.HEARD: Evidence.DELIVERED,
    **dict.fromkeys(set(Ending) - {Ending.HEARD}, Evidence.BOUNCED_HARD),
}

PERSON = frozenset({"human", "unknown", ""})  # AnsweredBy; any other word is a machine

# A call's final status -> its ending, unless the dialogue has recorded one already.
FINAL: Mapping[str, Ending] = {
    "completed": Ending.HUNG_UP,
    "busy": Ending.BUSY,
    "no-answer": Ending.NO_ANSWER,
    "failed": Ending.FAILED,
    "canceled": Ending.FAILED,
}

ERRORS: Mapping[int, Known] = {
    **TEXT_ERRORS,
    13224: Known(Meaning.NEXT_CHANNEL, "the number can't be dialled"),
    13223: Known(Meaning.NEXT_CHANNEL, "the number is not written as a number"),
    13227: Known(Meaning.NEXT_CHANNEL, "the region is not enabled for this account"),
    21215: Known(Meaning.NEXT_CHANNEL, "the region is not enabled for this account"),
    21216: Known(Meaning.NEXT_CHANNEL, "the number may not be called by this account"),
    10004: Known(Meaning.RETRY, "too many calls at once"),
    21205: Known(Meaning.HALT, "our own address for the dialogue is not valid"),
    21210: Known(Meaning.HALT, "our From number is not verified"),
    21213: Known(Meaning.HALT, "a From is missing"),
}
