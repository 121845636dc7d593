"""One person's notice from a segment's wording: slots filled, escaped for the medium. No template engine runs here."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from models.values import BadInput, Slot, Wording
from templates.markup import MARK

_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_DIRECTION: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")  # would turn the text around them
_PRIVATE: Final = re.compile("[\ue000-\uf8ff]")
_MANY_LINES: Final = frozenset({Slot.ADDRESS, Slot.OWN_DATES})


@dataclass(frozen=True, slots=True)
class Merged:
    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class _Pieces:
    """A text cut at its slots: fixed text at even places, slot names at odd ones."""

    pieces: tuple[str, ...]

    def fill(self, values: Mapping[str, str]) -> str:
        return "".join(values[piece] if n % 2 else piece for n, piece in enumerate(self.pieces))


def merge(wording: Wording, slots: Mapping[Slot, str]) -> Merged:
    """Fills a wording. BadInput names the slot that is missing or holds what no medium carries, never its value."""
    subject, text, page = _prepared(wording)
    plain = {slot.value: _checked(wording, slot, slots) for slot in wording.slots}
    escaped = {name: html.escape(value).replace("\n", "<br>") for name, value in plain.items()}
    line = {name: value.replace("\n", ", ") for name, value in plain.items()}
    return Merged(subject.fill(line), text.fill(plain), page.fill(escaped))


@lru_cache(maxsize=4096)
def _prepared(wording: Wording) -> tuple[_Pieces, _Pieces, _Pieces]:
    subject, text, page = (_cut(wording, part) for part in ("subject", "text", "html"))
    return subject, text, page


def _cut(wording: Wording, part: str) -> _Pieces:
    pieces = tuple(getattr(wording, part).split(MARK))
    names = {slot.value for slot in wording.slots}
    if len(pieces) % 2 == 0 or any(name not in names for name in pieces[1::2]):
        where = f"segment {wording.segment}, {wording.channel} {part}"
        raise BadInput(where, "a slot marker is broken or not listed.", "Render the segment again.")
    return _Pieces(pieces)


def _checked(wording: Wording, slot: Slot, slots: Mapping[Slot, str]) -> str:
    where = f"segment {wording.segment}, {wording.channel}, slot {slot}"
    value = slots.get(slot, "")
    if not value:
        raise BadInput(where, "has no value.", "Give it one, or take it out of the template.")
    if slot not in _MANY_LINES and "\n" in value:
        raise BadInput(where, "has a line break.", "Write it on one line.")
    for pattern, what in ((_CONTROL, "control"), (_DIRECTION, "direction"), (_PRIVATE, "private-use")):
        if found := pattern.search(value):
            raise BadInput(where, f"has the {what} character U+{ord(found[0]):04X}.", "Remove it in the source list.")
    return value
