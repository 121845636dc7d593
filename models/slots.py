"""Slots: the places in a wording that a person's own values fill, and what a value may hold. Pure.

A slot's name stands between two private-use marks in each text of a wording. Whoever pours a notice (templates.merge,
notifiers.email) cuts the text at them once, and only joins afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from models.values import Slot

MARK: Final = "\ue000"  # stands on both sides of a slot's name in a rendered text
MANY_LINES: Final = frozenset({Slot.ADDRESS, Slot.OWN_DATES})
# C0 but the line feed, DEL, C1, line and paragraph separators; signs that turn the text around them; private use.
_FAULTY: Final = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ue000-\uf8ff\ud800-\udfff]"
)


def cut(text: str, slots: Collection[Slot]) -> tuple[str, ...] | None:
    """Fixed text at even places, names of slots at odd ones; None when a mark is broken or names another slot."""
    pieces = tuple(text.split(MARK))
    names = {slot.value for slot in slots}
    if len(pieces) % 2 == 0 or any(name not in names for name in pieces[1::2]):
        return None
    return pieces


def page_alone(address: str) -> str:
    """The address of a page as a reader types it: without a query, a fragment, or the place of a code (`{code}`)."""
    return _AFTER_PAGE.split(address, maxsplit=1)[0].rstrip("/")


_AFTER_PAGE: Final = re.compile(r"[?#]|[^/?#]*[{]")


def escaped(value: str) -> str:
    """A value for HTML, in the very signs that Jinja2's autoescape writes; its lines are kept apart."""
    for sign, entity in _ENTITIES:
        value = value.replace(sign, entity)
    return value


_ENTITIES: Final = (("&", "&amp;"), (">", "&gt;"), ("<", "&lt;"), ("'", "&#39;"), ('"', "&#34;"), ("\n", "<br>"))


def fault(slot: Slot, value: str) -> str:
    """What is wrong with a value, in words that don't repeat it; empty when a notice can carry it."""
    if not value:
        return "has no value."
    if "\n" in value and slot not in MANY_LINES:
        return "has a line break."
    found = _FAULTY.search(value)
    return f"has the {_kind(found[0])} character U+{ord(found[0]):04X}." if found else ""


def _kind(character: str) -> str:
    if "\ue000" <= character <= "\uf8ff":
        return "private-use"
    if "\ud800" <= character <= "\udfff":
        return "surrogate"
    return "direction" if character in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069" else "control"
