"""What a wave's text messages can cost, and where the sender's name would not be shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from flows.steps.desk import Desk
from models.values import Channel, Wording
from notifiers.sms.segments import check_sender, price
from planning.lint_rules import MARKER, SLOT_LENGTH


@dataclass(frozen=True, slots=True)
class Texting:
    """The most that can go out by SMS: every person whose ladder has it, if all rungs before it fail."""

    messages: int
    parts: int
    cost: float
    currency: str
    unicode: int  # messages in UCS-2, which hold less than half as much in a part
    sender: tuple[str, ...]  # what stands against the sender by country


def texting(
    desk: Desk, wordings: Mapping[tuple[str, Channel], Wording], counted: Counter[tuple[str, str]]
) -> Texting | None:
    """`counted`: (segment, country) -> people whose ladder has a text message. None when nobody's has."""
    messages = parts = unicode = 0
    cost = 0.0
    countries: Counter[str] = Counter()
    for (segment, country), people in counted.items():
        made = wordings.get((segment, Channel.SMS))
        if made is None:
            continue
        one = price(_filled(made.text), country, desk.profile.sms_price, desk.profile.cost.sms)
        messages, parts, cost = messages + people, parts + one.parts * people, cost + one.amount * people
        unicode += people if one.alphabet == "UCS-2" else 0
        countries[country] += people
    if not messages:
        return None
    sender = desk.settings.twilio_from
    against = check_sender(sender, countries) if sender else []
    return Texting(messages, parts, round(cost, 2), desk.profile.cost.currency, unicode, tuple(against))


def _filled(text: str) -> str:
    """A text with slots at their usual length."""
    return MARKER.sub(lambda m: "0" * SLOT_LENGTH.get(m[1], 40), text)
