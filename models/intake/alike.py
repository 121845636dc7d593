"""How alike two names are."""

from __future__ import annotations

from models.intake.words import plain_word

__all__ = ["alike", "plain_word"]


def alike(one: str, other: str) -> int:
    """Percent, 100 for the same words in any order. Names as `plain_word` leaves them; a missing one is unlike all."""
    from rapidfuzz import fuzz

    return round(fuzz.token_sort_ratio(one.replace(",", " "), other.replace(",", " "))) if one and other else 0
