"""Codes on a letter, as vector drawings: the Intelligent Mail barcode of the US post, and a QR code.

The barcode follows USPS-B-3200: a number of 20 digits for the piece (barcode identifier, service type, mailer, serial)
and a ZIP of 0, 5, 9 or 11 digits become 65 bars, each a tracker (T), with an ascender (A), a descender (D) or both (F).
Sizes are the middle of what the specification allows: 22 bars to the inch, a bar 0.02 in wide, 0.145 in high in full.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from models.values import BadInput

__all__ = ["BARS_HEIGHT", "BARS_WIDTH", "bars", "bars_svg", "qr_svg", "tracking_code"]

BARS_HEIGHT = 3.683  # millimetres: 0.145 in
BARS_WIDTH = 65 * 25.4 / 22 - (25.4 / 22 - 0.508)  # millimetres: the last bar has no gap behind it
_BITS = 13
_POLYNOMIAL, _CRC_BITS = 0x0F35, 11

# For each bar from the left: character and bit of its descender, character and bit of its ascender (annex E).
_PLACES = (
    "H2E3 B10A0 J12C8 F5G11 I9D1 A1F12 C5B8 E4J11 G3I10 D9H6 F11B4 I5C12 J10A2 H1G7 D6E9 A3I6 G4C7 B1J9 H10F2 "
    "E0D8 G2A4 I11B0 J8D12 C6H7 F1E10 B12G9 H3I0 F8J7 E6C10 D4A5 I4F7 H11B9 G0J6 A6E8 C1D2 F9I12 E11G1 J5H4 "
    "D3B2 A7C0 B3E1 G10D5 I7J4 C11F6 A8H12 E2I1 F10D0 J3A9 G5C4 H8B7 F0E5 C3A10 G12J2 D11B6 I8H9 F4A11 B5C2 "
    "J1E12 I3G6 H0D7 E7H5 A12B11 C9J0 G8F3 D10I2 "
)


def tracking_code(barcode: str, service: str, mailer: str, serial: int) -> str:
    """The 20 digits of one piece. A mailer of 6 digits has serials of 9 digits, one of 9 digits has 6."""
    room = 15 - len(mailer)
    if not re.fullmatch(r"[0-9]{6}|[0-9]{9}", mailer):
        raise BadInput("[sender] mailer_id", "must be 6 or 9 digits.", "USPS gives it to you.")
    if not re.fullmatch(r"[0-9]{3}", service):
        raise BadInput("[sender] service_type", "must be 3 digits.", "Take it from the USPS table of STIDs.")
    if not re.fullmatch(r"[0-9][0-4]", barcode):
        raise BadInput("barcode identifier", "must be 2 digits, the second at most 4.", "00 fits letters.")
    if not 0 <= serial < 10**room:
        raise BadInput("barcode serial", f"does not fit {room} digits.", "Start again from 0 after 45 days.")
    return f"{barcode}{service}{mailer}{serial:0{room}d}"


def bars(tracking: str, zip_code: str = "") -> str:
    """The 65 bars as letters of T, A, D, F. BadInput for digits that the specification refuses."""
    if not re.fullmatch(r"[0-9][0-4][0-9]{18}", tracking):
        raise BadInput(
            "barcode", "the tracking code is not 20 digits, the second at most 4.", "Check the mailer's ids."
        )
    if not re.fullmatch(r"(?:[0-9]{5}|[0-9]{9}|[0-9]{11})?", zip_code):
        raise BadInput("barcode", "the ZIP is not 0, 5, 9 or 11 digits.", "Correct the address.")
    number = _number(tracking, zip_code)
    check = _check(number)
    characters = _characters(number, check)
    places = _places()
    shapes = {(0, 0): "T", (1, 0): "D", (0, 1): "A", (1, 1): "F"}
    return "".join(
        shapes[characters[down] >> low & 1, characters[up] >> high & 1] for (down, low), (up, high) in places
    )


def _number(tracking: str, zip_code: str) -> int:
    """All digits as one number; ZIPs of other lengths start at other offsets, so that none looks like another."""
    start = {0: 0, 5: 1, 9: 100_001, 11: 1_000_100_001}[len(zip_code)]
    number = int(zip_code or "0") + start
    number = number * 10 + int(tracking[0])
    number = number * 5 + int(tracking[1])
    return number * 10**18 + int(tracking[2:])


def _check(number: int) -> int:
    """The cyclic redundancy check of 11 bits over the 102 bits of the number."""
    value = (1 << _CRC_BITS) - 1
    for bit in range(101, -1, -1):
        top = value >> (_CRC_BITS - 1) & 1
        value = value << 1 & (1 << _CRC_BITS) - 1
        if top ^ (number >> bit & 1):
            value ^= _POLYNOMIAL
    return value


def _characters(number: int, check: int) -> list[int]:
    """Ten characters of 13 bits; the check's bits turn some of them over."""
    number, last = divmod(number, 636)
    words = [last * 2]
    for _ in range(9):
        number, word = divmod(number, 1365)
        words.insert(0, word)
    words[0] += 659 if check >> 10 & 1 else 0
    table, all_bits = _table(), (1 << _BITS) - 1
    return [table[word] ^ (all_bits if check >> n & 1 else 0) for n, word in enumerate(words)]


@cache
def _table() -> tuple[int, ...]:
    """The 1,287 characters with five bits set, then the 78 with two: mirror pairs from the front, palindromes last."""
    return (*_with_bits(5), *_with_bits(2))


def _with_bits(count: int) -> list[int]:
    pairs: list[int] = []
    alike: list[int] = []
    for value in range(1 << _BITS):
        if value.bit_count() != count:
            continue
        mirror = int(f"{value:0{_BITS}b}"[::-1], 2)
        if mirror == value:
            alike.insert(0, value)
        elif value < mirror:
            pairs += [value, mirror]
    return pairs + alike


@cache
def _places() -> tuple[tuple[tuple[int, int], tuple[int, int]], ...]:
    found = [re.fullmatch(r"([A-J])([0-9]+)([A-J])([0-9]+)", bar) for bar in _PLACES.split()]
    return tuple(((ord(bar[1]) - 65, int(bar[2])), (ord(bar[3]) - 65, int(bar[4]))) for bar in found if bar is not None)


# from the top, in thousandths of an inch: where a bar begins and ends
_SPAN = {"T": (48.5, 96.5), "A": (0, 96.5), "D": (48.5, 145), "F": (0, 145)}


def bars_svg(letters: str) -> str:
    """The bars in their printed size."""
    pitch, wide = 1000 / 22, 20
    path = "".join(
        f"M{n * pitch:.1f} {_SPAN[shape][0]}h{wide}V{_SPAN[shape][1]}h-{wide}z" for n, shape in enumerate(letters)
    )
    width = 64 * pitch + wide
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width / 1000:.4f}in" height="0.145in" '
        f'viewBox="0 0 {width:.1f} 145"><path d="{path}"/></svg>'
    )


@lru_cache(maxsize=1024)
def qr_svg(text: str) -> str:
    """A QR code with medium error correction and the quiet zone of four modules."""
    import io

    import segno

    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        out, kind="svg", border=4, xmldecl=False, svgclass=None, lineclass=None
    )
    return out.getvalue().decode()
