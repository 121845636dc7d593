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
_HIDDEN: Final = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|mso-hide\s*:\s*all"
    r"|(?<![\w-])(?:max-height|max-width|opacity)\s*:\s*0(?:\.0*)?(?![.\d])"
    r"|(?<![\w-])(?:left|right|top|bottom|text-indent|margin-left|margin-top)\s*:\s*-\d{3,}"
    r"|(?<![\w-])clip\s*:\s*rect\(\s*(?:0|1px)|clip-path\s*:\s*inset\(\s*(?:50|100)%|scale\(\s*0\s*\)",
    re.IGNORECASE,
)
_NO_BOX: Final = re.compile(r"(?<![\w-])(?:height|width)\s*:\s*0(?![.\d])", re.IGNORECASE)
_CUT: Final = re.compile(r"overflow\s*:\s*hidden", re.IGNORECASE)
_COLOUR: Final = re.compile(r"(?:^|;)\s*color\s*:\s*([^;!]+)", re.IGNORECASE)
_GROUND: Final = re.compile(r"(?:^|;)\s*background(?:-color)?\s*:\s*([^;!]+)", re.IGNORECASE)
_WHITE: Final = frozenset(("white", "#fff", "#ffffff", "rgb(255,255,255)", "rgba(255,255,255,1)"))
_CLOSES: Final = frozenset(("p", "div", "ul", "ol", "table", "section", "h1", "h2", "h3", "h4", "h5", "h6"))
_SIZE: Final = re.compile(r"(?:^|;)\s*font-size\s*:\s*([^;!]+)", re.IGNORECASE)
_SHORT: Final = re.compile(r"(?:^|;)\s*font\s*:[^;]*?([\d.]+(?:pt|px|em|rem|%))", re.IGNORECASE)
_RULE: Final = re.compile(r"([^{}@]+)\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Small:
    """The smallest type that is read, and what is set in it."""

    points: float
    text: str


@dataclass(frozen=True, slots=True)
class _Open:
    """An element that is open: its size in points, whether it is shown at all, its colour on which ground."""

    tag: str = ""
    size: float = USUAL
    shown: bool = True
    colour: str = "black"
    ground: str = "white"


class Styled(HTMLParser):
    """A page as it is read: at each text, the size of its type and whether anybody sees it."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self._rules = _rules(page)
        self._open = [_Open()]

    @property
    def size(self) -> float:
        """Points of the type that is being set."""
        return self._open[-1].size

    @property
    def seen(self) -> bool:
        """Whether what is being set is shown: not hidden, not off the page, not in the colour of its ground."""
        last = self._open[-1]
        return last.shown and last.size >= 1 and last.colour not in ("transparent", last.ground)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _VOID:
            return
        if (self._open[-1].tag == "p" and tag in _CLOSES) or (self._open[-1].tag == tag == "li") or tag == "body":
            self._shut("head" if tag == "body" else self._open[-1].tag)
        outer = self._open[-1]
        own = {name: value or "" for name, value in attrs}
        style = ";".join([*self._matching(tag, own), own.get("style", "")])
        root = self._open[1].size if len(self._open) > 1 else USUAL
        shown = outer.shown and not _unseen(tag, style, own)
        ground = _ground(style, own, outer.ground)
        self._open.append(_Open(tag, _sized(style, tag, outer.size, root), shown, _colour(style, own, outer), ground))

    def handle_endtag(self, tag: str) -> None:
        self._shut(tag)

    def _shut(self, tag: str) -> None:
        for n in range(len(self._open) - 1, 0, -1):
            if self._open[n].tag == tag:
                del self._open[n:]
                return

    def _matching(self, tag: str, own: Mapping[str, str]) -> list[str]:
        names = {tag, "*", f"#{own.get('id', '')}", *(f".{name}" for name in own.get("class", "").split())}
        names |= {tag + name for name in names if name[:1] in ".#"}
        return [body for selector, body in self._rules if selector in names]


def smallest(page: str) -> Small | None:
    """The smallest visible text of a page; None when it shows none."""
    parser = _Sizes(page)
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


class _Sizes(Styled):
    def __init__(self, page: str) -> None:
        super().__init__(page)
        self.found: list[Small] = []

    def handle_data(self, data: str) -> None:
        text = " ".join(data.split())
        if self.seen and any(char.isalnum() for char in text):
            self.found.append(Small(round(self.size, 2), text[:60]))


def _unseen(tag: str, style: str, own: Mapping[str, str]) -> bool:
    cut = _NO_BOX.search(style) and _CUT.search(style)
    return tag in _UNSEEN or "hidden" in own or bool(_HIDDEN.search(style) or cut)


def _colour(style: str, own: Mapping[str, str], outer: _Open) -> str:
    declared = _COLOUR.findall(style) or ([own["color"]] if own.get("color") else [])
    return _named(declared[-1]) if declared else outer.colour


def _ground(style: str, own: Mapping[str, str], outer: str) -> str:
    """The colour behind; "" where a picture or a gradient may lie there."""
    declared = _GROUND.findall(style) or ([own["bgcolor"]] if own.get("bgcolor") else [])
    value = declared[-1].strip().lower() if declared else ""
    if not value or value in ("none", "transparent", "inherit", "initial"):
        return outer
    return "" if "(" in value and not value.startswith("rgb") else _named(value)


def _named(colour: str) -> str:
    """A colour in one spelling."""
    plain = re.sub(r"\s*,\s*", ",", colour.strip().lower())
    if re.fullmatch(r"#[0-9a-f]{3}", plain):
        plain = "#" + "".join(sign * 2 for sign in plain[1:])
    return "white" if plain in _WHITE else plain


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
