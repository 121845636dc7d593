"""Under which sender a text goes to a country: the profile's own for it, the usual one, or the number for all others.

A name (letters instead of a number) is never shown where a country's networks drop it: there the usual number is used,
and where there is none, nothing. Which countries show names is data (senders.toml), and not knowing counts as no,
unless the profile names that sender for that very country.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from notifiers.sms.segments import sender_rule

OTHER = "other"
_NUMBER = re.compile(r"\+?\d{3,15}|MG[0-9a-fA-F]{32}")


def is_name(sender: str) -> bool:
    """Whether it is letters that a handset shows, and no number and no messaging service."""
    return _NUMBER.fullmatch(sender) is None


def sender_for(country: str, own: Mapping[str, str], usual: str) -> str:
    """The sender for a country (ISO 3166-1, empty when unknown); empty where none of ours may be used."""
    named = own.get(country, "")
    if named and (not is_name(named) or sender_rule(country).support != "no"):
        return named
    candidates = (usual, own.get(OTHER, ""))
    return next((s for s in candidates if s and (not is_name(s) or sender_rule(country).support == "yes")), "")
