"""Codes of notices: read as people write and say them, and every slip caught before anything is looked up."""

from __future__ import annotations

import random

import pytest

from models.values import BadInput
from models.verification import ALPHABET, complete, link, read, shown

DRAW = random.Random(3)  # noqa: S311 - made-up codes
CODES = [complete("".join(DRAW.choices(ALPHABET, k=12))) for _ in range(50)]


@pytest.mark.parametrize("code", CODES[:5])
def test_a_code_is_read_as_it_is_written_said_or_typed(code: str) -> None:
    spelt = code.replace("0", "o").replace("1", "l").lower()
    for text in (code, shown(code), shown(code).lower(), " ".join(code), spelt, f"  {shown(code)}\n"):
        assert read(text) == code


def test_any_single_slip_and_any_two_neighbours_swapped_are_caught() -> None:
    missed = []
    for code in CODES:
        for at in range(len(code)):
            others = [code[:at] + c + code[at + 1 :] for c in ALPHABET if c != code[at]]
            swapped = code[:at] + code[at + 1 : at + 2] + code[at] + code[at + 2 :]
            missed += [bad for bad in [*others, swapped] if bad != code and _read(bad)]
    assert missed == []


def _read(text: str) -> bool:
    try:
        return bool(read(text))
    except BadInput:
        return False


@pytest.mark.parametrize("text", ["", "ABC", "U" * 13, "A" * 14, "=HYPERLINK(1)", "\x00" * 13, "ÄÖÜ" * 5])
def test_what_is_no_code_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(BadInput) as error:
        read(text)
    assert not text or text not in str(error.value)


def test_a_code_has_sixty_bits_and_the_link_holds_nothing_else() -> None:
    assert len(ALPHABET) ** 12 == 2**60
    assert link("https://www.example.org/verify", shown(CODES[0])) == f"https://www.example.org/verify?code={CODES[0]}"
    own = "https://www.example.org/verify?lang=en&c={code}"
    assert link(own, shown(CODES[0])) == f"https://www.example.org/verify?lang=en&c={CODES[0]}"
    assert link(own, "{code}") == own
