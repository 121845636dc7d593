"""Who is told first within a wave: those who can still prevent harm by acting today.

An order of sending, not a judgement of how bad a loss is, and no law's: everybody of a wave is told within its window.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

FIRST, SECOND, LAST = range(3)  # as stored: lower goes first

# What a stranger can use at once, and its owner can change, block or avoid today.
_AT_ONCE: Final = frozenset(
    {
        "password",
        "security_answers",
        "access_codes",
        "private_key",
        "payment_card",
        "card_security_code",
        "bank_account",
        "iban",
        "location",
    }
)
# What serves to take somebody's name; a freeze or a watch helps within days.
_IDENTITY: Final = frozenset(
    {
        "ssn",
        "tin",
        "national_id",
        "state_id",
        "tribal_id",
        "military_id",
        "passport",
        "driver_licence",
        "health_insurance_id",
        "mothers_maiden_name",
        "electronic_signature",
        "biometric",
    }
)


def urgency(exposed: Iterable[str]) -> int:
    """FIRST, SECOND or LAST, by a person's own exposed elements (words of models/vocabulary)."""
    own = set(exposed)
    if own & _AT_ONCE:
        return FIRST
    return SECOND if own & _IDENTITY else LAST
