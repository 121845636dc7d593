"""One person's notice from a segment's wording: slots filled, escaped for the medium. No template engine runs here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from models.slots import cut, escaped, fault
from models.values import BadInput, Slot, Wording

REMEDIES = {
    "has no value.": "Give it one, or take it out of the template.",
    "has a line break.": "Write it on one line.",
}


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
    shown = {name: escaped(value) for name, value in plain.items()}
    line = {name: value.replace("\n", ", ") for name, value in plain.items()}
    return Merged(subject.fill(line), text.fill(plain), page.fill(shown))


@lru_cache(maxsize=4096)
def _prepared(wording: Wording) -> tuple[_Pieces, _Pieces, _Pieces]:
    subject, text, page = (_cut(wording, part) for part in ("subject", "text", "html"))
    return subject, text, page


def _cut(wording: Wording, part: str) -> _Pieces:
    pieces = cut(getattr(wording, part), wording.slots)
    if pieces is None:
        where = f"segment {wording.segment}, {wording.channel} {part}"
        raise BadInput(where, "a slot marker is broken or not listed.", "Render the segment again.")
    return _Pieces(pieces)


def _checked(wording: Wording, slot: Slot, slots: Mapping[Slot, str]) -> str:
    value = slots.get(slot, "")
    if problem := fault(slot, value):
        where = f"segment {wording.segment}, {wording.channel}, slot {slot}"
        raise BadInput(where, problem, REMEDIES.get(problem, "Remove it in the source list."))
    return value
