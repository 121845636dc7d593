"""What a text message costs, and under which sender's name it may go. The rules by country are data (senders.toml)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, Final

from models.values import BadInput
from models.vocabulary.gsm import segments

__all__ = ["Price", "SenderRule", "check_sender", "price", "segments", "sender_rule"]

# 3GPP TS 23.040 9.1.2.5: an alphanumeric address holds eleven characters of seven bits.
_NAMED: Final = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}")


@dataclass(frozen=True, slots=True)
class Price:
    """What one text costs to send, in the profile's currency."""

    alphabet: str
    parts: int
    amount: float


@dataclass(frozen=True, slots=True)
class SenderRule:
    """Whether a country's networks show a name instead of a number. `support`: yes, registered (before the first
    message), no, unknown."""

    country: str
    support: str
    source: str = ""
    checked: date | None = None


def price(text: str, country: str, prices: Mapping[str, float], otherwise: float = 0.0) -> Price:
    """The price of one text to a country: parts times that country's price of a part, or the usual one."""
    alphabet, parts = segments(text)
    return Price(alphabet, parts, parts * prices.get(country, otherwise))


@cache
def _rules() -> Mapping[str, SenderRule]:
    table: dict[str, Any] = tomllib.loads((files("notifiers.sms") / "senders.toml").read_text("utf-8"))
    return {
        country: SenderRule(country, row["support"], row["source"], row["checked"])
        for row in table["rule"]
        for country in row["countries"]
    }


def sender_rule(country: str) -> SenderRule:
    """The rule of a country (ISO 3166-1); `unknown` where nobody has looked."""
    return _rules().get(country, SenderRule(country, "unknown"))


def check_sender(sender: str, countries: Mapping[str, int], where: str = "TOCSIN_TWILIO_FROM") -> list[str]:
    """What stands against this sender in these countries (people by country); a number or a service suits everywhere.

    BadInput when the name itself can't be a sender.
    """
    if re.fullmatch(r"\+?\d{3,15}|MG[0-9a-fA-F]{32}", sender):
        return []
    if not _NAMED.fullmatch(sender):
        raise BadInput(
            where, f"{sender!r} is no sender.", "At most eleven letters, digits and spaces, one of them a letter."
        )
    said = {
        "no": "networks there show no names: use a number",
        "registered": "the name must be registered there first, or texts are dropped",
        "unknown": "nobody has checked whether names are shown there",
    }
    found = [(country, sender_rule(country).support, people) for country, people in sorted(countries.items())]
    return [f"{country}: {people:,} people; {said[support]}" for country, support, people in found if support in said]
