"""How many parts a text message takes, and in which alphabet. Standard library only.

Source: 3GPP TS 23.038 (GSM 7-bit default alphabet and its extension table).
"""

from __future__ import annotations

from typing import Final

BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED: Final = frozenset("\f^{}\\[~]|€")  # each costs an escape before it
# alphabet -> units in a single part, units in each of several (the rest is the header that joins them)
_ROOM: Final = {"GSM-7": (160, 153), "UCS-2": (70, 67)}


def segments(text: str) -> tuple[str, int]:
    """(`GSM-7` or `UCS-2`, number of parts). One foreign character turns the whole text into UCS-2."""
    gsm = not foreign(text)
    alphabet = "GSM-7" if gsm else "UCS-2"
    units = [_units(c, gsm) for c in text]
    single, joined = _ROOM[alphabet]
    return (alphabet, 1) if sum(units) <= single else (alphabet, _packed(units, joined))


def foreign(text: str) -> str:
    """The characters that GSM-7 does not have, each once: what makes a text cost more than twice as much."""
    return "".join(dict.fromkeys(c for c in text if c not in BASIC and c not in EXTENDED))


def _units(c: str, gsm: bool) -> int:
    if gsm:
        return 2 if c in EXTENDED else 1
    return 2 if ord(c) > 0xFFFF else 1


def _packed(units: list[int], room: int) -> int:
    """A pair (escape, surrogates) is never split over two parts."""
    count, left = 1, room
    for u in units:
        if u > left:
            count, left = count + 1, room
        left -= u
    return count
