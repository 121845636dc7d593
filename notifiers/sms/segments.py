"""How many segments a text costs, and in which alphabet. Source: 3GPP TS 23.038 (GSM 7-bit default alphabet and
extension table).
"""

from __future__ import annotations

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")  # each costs an escape before it
# alphabet -> units in a single segment, units in each of several (the rest is the header that joins them)
_ROOM = {"GSM-7": (160, 153), "UCS-2": (70, 67)}


def segments(text: str) -> tuple[str, int]:
    """(`GSM-7` or `UCS-2`, number of segments). One foreign character turns the whole text into UCS-2."""
    gsm = all(c in _BASIC or c in _EXTENDED for c in text)
    alphabet = "GSM-7" if gsm else "UCS-2"
    units = [_units(c, gsm) for c in text]
    single, joined = _ROOM[alphabet]
    return (alphabet, 1) if sum(units) <= single else (alphabet, _packed(units, joined))


def _units(c: str, gsm: bool) -> int:
    if gsm:
        return 2 if c in _EXTENDED else 1
    return 2 if ord(c) > 0xFFFF else 1


def _packed(units: list[int], room: int) -> int:
    """A pair (escape, surrogates) is never split over two segments."""
    count, left = 1, room
    for u in units:
        if u > left:
            count, left = count + 1, room
        left -= u
    return count
