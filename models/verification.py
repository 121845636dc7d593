"""Codes by which a reader can ask whether a notice is ours: made, written, read back. Pure; nobody's data is in one.

Twelve characters of Crockford's base 32 (60 bits, keyed, so that nobody can guess one) and a check character, which
catches any single slip and any two neighbours swapped before a look-up is made. Letters that are heard or read as
digits are taken for these. The check is that of H. M. Damm's quasigroups, over the field of 32 elements.
"""

from __future__ import annotations

from typing import Final

from models.values import BadInput

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # no I, L, O, U
DRAWN: Final = 12  # characters of five bits
LENGTH: Final = DRAWN + 1
_GROUPS: Final = (4, 8)  # where hyphens stand
_HEARD: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "-": "", "–": "", ".": "", " ": "", "\u00a0": ""})
_PRIMITIVE: Final = 0b100101  # x^5 + x^2 + 1


def complete(drawn: str) -> str:
    """Twelve drawn characters with their check character."""
    if len(drawn) != DRAWN:
        raise ValueError(f"a code is made from {DRAWN} characters")
    return drawn + ALPHABET[_folded(drawn)]


def shown(code: str) -> str:
    """As it is printed: `XXXX-XXXX-XXXXX`."""
    return "-".join((code[: _GROUPS[0]], code[_GROUPS[0] : _GROUPS[1]], code[_GROUPS[1] :]))


def read(text: str) -> str:
    """The code that somebody typed or heard, without hyphens. BadInput when it can't be one; never repeats it."""
    code = text.strip().upper().translate(_HEARD)
    if len(code) != LENGTH or any(c not in ALPHABET for c in code):
        raise BadInput("code", f"is not {LENGTH} letters and digits.", "It looks like XXXX-XXXX-XXXXX.")
    if _folded(code) != 0:
        raise BadInput("code", "has a slip: one character is wrong, or two are swapped.", "Read it again slowly.")
    return code


def link(page: str, code: str) -> str:
    """The address for a QR code, on the organisation's own page; a `{code}` in it is where the code belongs."""
    if "{code}" in page:
        return page.replace("{code}", code.replace("-", ""))
    return f"{page}{'&' if '?' in page else '?'}code={code.replace('-', '')}"


def _folded(text: str) -> int:
    """Zero for a whole code; for its drawn part, the value of the check character."""
    state = 0
    for c in text[:DRAWN]:
        state = _doubled(state ^ ALPHABET.index(c))
    return state if len(text) == DRAWN else _doubled(state ^ ALPHABET.index(text[DRAWN]))


def _doubled(value: int) -> int:
    return value << 1 if value < 16 else (value << 1) ^ _PRIMITIVE
