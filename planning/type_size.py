"""The smallest type in an HTML page, worked out from its styles as a browser would. Pure.

Sees inline styles, `<style>` rules for plain tags, classes and ids, and relative sizes. What is hidden does not count.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Final

USUAL: Final = 12.0  # points; a browser's 16 px
_POINTS: Final[Mapping[str, float]] = {"pt": 1.0, "px": 0.75, "pc": 12.0, "in": 72.0, "cm": 72 / 2.54, "mm": 72 / 25.4}
_WORDS: Final[Mapping[str, float]] = {
    "xx-small": 6.75,
    "x-small": 7.5,
    "small": 9.75,
    "medium": 12.0,
    "large": 13.5,
    "x-large": 18.0,
    "xx-large": 24.0,
    "smaller": -0.83,
    "larger": -1.2,
}
_TAGS: Final[Mapping[str, float]] = {"h1": 2.0, "h2": 1.5, "h3": 1.17, "h5": 0.83, "h6": 0.67, "small": 0.83}
_VOID: Final = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)
_UNSEEN: Final = frozenset(("style", "script", "title", "head", "template"))
_HIDDEN: Final = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all|max-height\s*:\s*0", re.I)
_SIZE: Final = re.compile(r"(?:^|;)\s*font-size\s*:\s*([^;!]+)", re.IGNORECASE)
_SHORT: Final = re.compile(r"(?:^|;)\s*font\s*:[^;]*?([\d.]+(?:pt|px|em|rem|%))", re.IGNORECASE)
_RULE: Final = re.compile(r"([^{}@]+)\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Small:
    """The smallest type that is read, and what is set in it."""

    points: float
    text: str


def smallest(page: str) -> Small | None:
    """The smallest visible text of a page; None when it shows none."""
    parser = _Sizes(_rules(page))
    parser.feed(page)
    parser.close()
    return min(parser.found, key=lambda small: small.points, default=None)


def _rules(page: str) -> Sequence[tuple[str, str]]:
    """(simple selector, declarations) of the page's own style sheets; media queries are left out."""
    sheets = re.findall(r"<style[^>]*>(.*?)</style>", page, re.IGNORECASE | re.DOTALL)
    found: list[tuple[str, str]] = []
    for sheet in sheets:
        plain = re.sub(r"/\*.*?\*/|@[^{;]+\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", "", sheet, flags=re.DOTALL)
        found += [(part.strip(), body) for names, body in _RULE.findall(plain) for part in names.split(",")]
    return found


class _Sizes(HTMLParser):
    def __init__(self, rules: Sequence[tuple[str, str]]) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[Small] = []
        self._rules = rules
        self._stack: list[tuple[str, float, bool]] = [("", USUAL, True)]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _VOID:
            return
        _, size, seen = self._stack[-1]
        own = {name: value or "" for name, value in attrs}
        style = ";".join([*self._matching(tag, own), own.get("style", "")])
        root = self._stack[1][1] if len(self._stack) > 1 else USUAL
        self._stack.append((tag, _sized(style, tag, size, root), seen and not _unseen(tag, style, own)))

    def handle_endtag(self, tag: str) -> None:
        for n in range(len(self._stack) - 1, 0, -1):
            if self._stack[n][0] == tag:
                del self._stack[n:]
                return

    def handle_data(self, data: str) -> None:
        _, size, seen = self._stack[-1]
        text = " ".join(data.split())
        if seen and any(char.isalnum() for char in text):
            self.found.append(Small(round(size, 2), text[:60]))

    def _matching(self, tag: str, own: Mapping[str, str]) -> list[str]:
        names = {tag, "*", f"#{own.get('id', '')}", *(f".{name}" for name in own.get("class", "").split())}
        names |= {tag + name for name in names if name[:1] in ".#"}
        return [body for selector, body in self._rules if selector in names]


def _unseen(tag: str, style: str, own: Mapping[str, str]) -> bool:
    return tag in _UNSEEN or "hidden" in own or bool(_HIDDEN.search(style))


def _sized(style: str, tag: str, parent: float, root: float) -> float:
    declared = _SIZE.findall(style) or _SHORT.findall(style)
    if not declared:
        return parent * _TAGS.get(tag, 1.0)
    value = declared[-1].strip().lower()
    if value in _WORDS:
        return _WORDS[value] if _WORDS[value] > 0 else parent * -_WORDS[value]
    number = re.match(r"([\d.]+)\s*([a-z%]*)", value)
    if number is None or not number[1].strip("."):
        return parent
    amount, unit = float(number[1]), number[2]
    relative = {"em": parent, "%": parent / 100, "rem": root, "ex": parent / 2}
    return amount * relative[unit] if unit in relative else amount * _POINTS.get(unit, 0.75)
