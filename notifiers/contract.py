"""What every carrier promises, and the one table of channels.

A carrier moves a finished notice and says what came of it. It never decides: not who, not when, not what next.
It never raises for trouble on the way: an answer, a lost line and a silence all become a `Handoff`, so that the
outcome and its event can be written in one transaction. Its own code and its raw answer are kept beside ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from models.values import Channel, Handoff, Message, Wording


@runtime_checkable
class Carrier(Protocol):
    """Hands off one message at a time. Several sends may run at once, up to the channel's lanes."""

    @property
    def channel(self) -> Channel: ...

    async def send(self, message: Message) -> Handoff:
        """Hand off. Never raises for carrier trouble; UNKNOWN only when the message may have left."""

    async def look_up(self, message: Message, since: datetime | None = None) -> Handoff | None:
        """Ask the carrier about a message whose outcome we never saw.

        `since` is the earliest instant (with zone) at which it can have left. ACCEPTED with the carrier's reference: it
        has it. DEFERRED with code `not_found`: it answered and has nothing like it. None: it can't tell.
        """

    async def close(self) -> None:
        """Close connections. A closed carrier may be used again: it opens new ones."""


@runtime_checkable
class Pouring(Carrier, Protocol):
    """A carrier that makes its messages from a wording and slots, and wants no merged text."""

    def learn(self, wordings: Mapping[str, Wording]) -> None:
        """The wordings that are coming, by digest, before the first send. BadInput names one that can't be used."""


@runtime_checkable
class BatchCarrier(Protocol):
    """Hands off a batch as a whole: a sealed folder of letters, a list to dial from."""

    @property
    def channel(self) -> Channel: ...

    async def send_batch(
        self, messages: Sequence[Message], wordings: Mapping[str, Wording], batch_name: str
    ) -> list[Handoff]:
        """One Handoff per message, in order. The same content twice is sealed once. `wordings` is by digest."""

    def where(self, delivery: str) -> str:
        """The reference under which a delivery was sealed; empty when it is in no sealed batch."""

    async def close(self) -> None:
        """Nothing stays open between batches; here so that callers treat all carriers alike."""


class Kind(StrEnum):
    SINGLE = "single"  # one message, one hand-off: Carrier
    BATCH = "batch"  # many messages, one sealed result: BatchCarrier


class UnknownRule(StrEnum):
    """How a delivery whose outcome a crash hid is resolved (docs/reference/channels.md)."""

    RESEND_ONCE_FLAGGED = "resend_once_flagged"  # same Message-ID, marked as a possible duplicate
    LOOK_UP_THEN_QUEUE = "look_up_then_queue"  # ask the carrier; a person decides what stays unknown
    REPRINT_BY_ID = "reprint_by_id"  # a new approval names the ids, never "the batch"
    CONFIRM = "confirm"  # a second person confirms what was done


@dataclass(frozen=True, slots=True)
class ChannelSpec:
    """One row of the table. Delays are seconds before the second, third … attempt at the same rung."""

    kind: Kind
    lanes: int  # hand-offs at once in one worker
    retry_delays: tuple[float, ...]
    evidence_days: int  # accepted without contrary evidence for so long is final
    unknown: UnknownRule
    possible_duplicate: bool  # whether a second copy may ever be risked
    batch_size: int = 0  # most messages in one sealed batch; 0 for single channels

    @property
    def attempts(self) -> int:
        """How often a rung is tried before it is given up."""
        return len(self.retry_delays) + 1


# A greylisting server wants five minutes before the second try; the rest doubles, so that an email rung ends within
# about nine hours and the person is written to by another channel on the same day.
_EMAIL_DELAYS = (300.0, 600.0, 1200.0, 2400.0, 4800.0, 9600.0, 14400.0)

# As the Standard Webhooks specification proposes, cut after seven tries: within a day the person is told another way.
_PUSH_DELAYS = (5.0, 300.0, 1800.0, 7200.0, 18000.0, 36000.0)

CHANNELS: Mapping[Channel, ChannelSpec] = {
    Channel.EMAIL: ChannelSpec(Kind.SINGLE, 20, _EMAIL_DELAYS, 5, UnknownRule.RESEND_ONCE_FLAGGED, True),
    Channel.SMS: ChannelSpec(Kind.SINGLE, 20, (30.0, 300.0, 1800.0, 7200.0), 3, UnknownRule.LOOK_UP_THEN_QUEUE, False),
    Channel.LETTER: ChannelSpec(Kind.BATCH, 1, (300.0, 3600.0), 30, UnknownRule.REPRINT_BY_ID, False, 250),
    Channel.CALL_LIST: ChannelSpec(Kind.BATCH, 1, (300.0, 3600.0), 3, UnknownRule.CONFIRM, True, 5000),
    Channel.VOICE: ChannelSpec(Kind.SINGLE, 5, (900.0, 14400.0), 3, UnknownRule.LOOK_UP_THEN_QUEUE, False),
    Channel.PUSH: ChannelSpec(Kind.SINGLE, 10, _PUSH_DELAYS, 3, UnknownRule.RESEND_ONCE_FLAGGED, True),
    Channel.PUBLIC: ChannelSpec(Kind.BATCH, 1, (60.0, 300.0), 0, UnknownRule.CONFIRM, True, 1),
}
