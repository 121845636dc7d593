"""What is kept of a list between its two passes: the mapped columns of each readable row, with the person's key.

One row is one line of a private file. Its body is the cells, cut by a sign that no printable text holds; a row with
anything that is not printable is written as JSON instead.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, field
from typing import Final

from models.intake.candidate import Tidy
from models.intake.lines import Fault, Reject, Row
from models.intake.mapping import Mapping
from models.intake.people import is_judged, person_key, unknown_word
from models.intake.sources import Part
from models.values import sha256

_CUT: Final = "\x1f"
_JSON: Final = "{"
_UNTIDY: Final = re.compile(f"  | {_CUT}|{_CUT} |^ | $")  # spaces that `clean` would take away


@dataclass(slots=True)
class Kept:
    """What one part of a list came to."""

    text: str = ""  # key, line and body of each row
    bodies: bytes = b""
    rejects: list[tuple[int, str, str]] = field(default_factory=list)  # line, reason, column
    rows: int = 0
    blank: int = 0
    continued: int = 0
    rejected: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Keeper:
    """Reads parts of a list, of whose columns only those that the mapping names are kept."""

    mapping: Mapping
    names: tuple[str, ...]
    columns: tuple[tuple[str, int], ...]  # target -> place in a row
    _known: set[tuple[str, str]] = field(default_factory=set)  # words of yes/no and element columns, seen to be known
    _judged: tuple[tuple[str, int], ...] = field(init=False)
    _targets: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self._targets = tuple(target for target, _ in self.columns)
        self._judged = tuple(column for column in self.columns if is_judged(column[0]))

    def __call__(self, part: Part) -> Kept:
        kept, text, bodies = Kept(), list[str](), list[str]()
        for read in part.reads(self.names):
            fault = self._fault(read) if isinstance(read, Row) else read
            if isinstance(read, Row) and fault is None:
                kept.rows += 1
                kept.continued += read.lines - 1
                key, body = self.row(read)
                bodies.append(f"{body}\n")
                text.append(f"{key}\t{read.line}\t{body}\n")
            elif isinstance(fault, Reject):
                kept.rejected[fault.code.value] += 1
                kept.rejects.append((fault.line, fault.code.value, fault.column))
            else:
                kept.blank += 1
        kept.text, kept.bodies = "".join(text), "".join(bodies).encode()
        return kept

    def _fault(self, row: Row) -> Reject | None:
        for target, place in self._judged:
            word = (target, row.fields[place])
            if word in self._known or not word[1]:
                continue
            if unknown_word({target: word[1]}, self.mapping):
                return Reject(row.line, Fault.UNKNOWN_WORD, self.names[place])
            if len(self._known) < _MOST_WORDS:
                self._known.add(word)
        return None

    def row(self, row: Row) -> tuple[str, str]:
        """The person's key, as a digest, and the body."""
        fields = row.fields
        cells = {target: text for target, place in self.columns if (text := fields[place])}
        key = sha256(person_key(cells, self.mapping, row.line))[:32]
        texts = [fields[place] for _, place in self.columns]
        if "".join(texts).isprintable() and not texts[0].startswith(_JSON):
            return key, _CUT.join(texts)
        return key, json.dumps(cells, ensure_ascii=False)

    def cells(self, body: str) -> AnyMapping[str, str]:
        """The cells of a body that are not empty, by target."""
        if body.startswith(_JSON):
            return dict(json.loads(body))
        found = zip(self._targets, body.split(_CUT), strict=True)
        if body.isascii() and not _UNTIDY.search(body):
            return Tidy((target, text) for target, text in found if text)
        return {target: text for target, text in found if text}


_MOST_WORDS: Final = 10_000
