"""A finished text as lines under headings, whatever its format, so that a linter can look at it. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import PurePath
from typing import Any, Final

from models.values import BadInput
from planning.type_size import Styled

_BLOCKS: Final = frozenset(
    [
        "p",
        "div",
        "li",
        "ul",
        "ol",
        "table",
        "tr",
        "td",
        "th",
        "section",
        "article",
        "header",
        "footer",
        "main",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "br",
        "dt",
        "dd",
        "blockquote",
    ]
)
_AROUND: Final = " \t:?!.：？！。#*-–—、" + "0123456789"  # what may stand around a heading
_STEERING: Final = re.compile("[\u200e\u200f\u2066-\u2069]")
_TITLES: Final = re.compile(r"h[1-6]")


@dataclass(frozen=True, slots=True)
class Line:
    """One paragraph, list item or heading. `heading` when the format says so (HTML) or its underline does."""

    text: str
    heading: bool = False


class _Html(Styled):
    def __init__(self, page: str) -> None:
        super().__init__(page)
        self.lines: list[Line] = []
        self._text = ""
        self._heading = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        super().handle_starttag(tag, attrs)
        if tag in _BLOCKS:
            self._end()
        self._heading = self._heading or bool(_TITLES.fullmatch(tag))

    def handle_endtag(self, tag: str) -> None:
        super().handle_endtag(tag)
        if tag in _BLOCKS:
            self._end()
        if _TITLES.fullmatch(tag):
            self._heading = False

    def handle_data(self, data: str) -> None:
        if self.seen:
            self._text += data

    def _end(self) -> None:
        text = " ".join(self._text.split())
        if text:
            self.lines.append(Line(text, self._heading))
        self._text = ""

    def close(self) -> None:
        super().close()
        self._end()


def html_lines(page: str) -> list[Line]:
    """Lines of a page as they are seen: what its styles hide does not count."""
    parser = _Html(page)
    parser.feed(page)
    parser.close()
    return parser.lines


def text_lines(text: str) -> list[Line]:
    """Lines of a plain text: an underlined line is a heading, a list item is a line, empty lines fall out."""
    rows = [row.strip() for row in text.splitlines()]
    found: list[Line] = []
    for n, row in enumerate(rows):
        ruled = n + 1 < len(rows) and bool(re.fullmatch(r"[-=_~]{3,}", rows[n + 1]))
        if row and not re.fullmatch(r"[-=_~]{3,}", row):
            found.append(Line(re.sub(r"^([-*•·]|\d+[.)])\s+", "", row), ruled))
    return found


def is_html(text: str) -> bool:
    return bool(re.match(r"\s*<(!doctype|html|body|div|p)\b", text, re.IGNORECASE))


def lines_of(text: str) -> list[Line]:
    """Lines of a text as they are read; signs that only steer the direction fall out."""
    shown = _STEERING.sub("", text)
    return html_lines(shown) if is_html(shown) else text_lines(shown)


def parts_of_file(name: str, raw: bytes) -> dict[str, str]:
    """The parts of a .txt, .html or .eml file by name. BadInput for another kind or one that is not UTF-8."""
    kind = PurePath(name).suffix.lower()
    if kind == ".eml":
        return _mail_parts(name, raw)
    if kind not in (".txt", ".html", ".htm"):
        raise BadInput(name, f"{kind or 'a file without an ending'} is not readable here.", "Give .txt, .html or .eml.")
    try:
        return {"text" if kind == ".txt" else "html": raw.decode("utf-8-sig")}
    except UnicodeDecodeError as error:
        raise BadInput(name, f"is not UTF-8 (byte {error.start}).", "Save it as UTF-8.") from None


def _mail_parts(name: str, raw: bytes) -> dict[str, str]:
    mail = message_from_bytes(raw, policy=policy.default)
    if not isinstance(mail, EmailMessage):
        raise BadInput(name, "is no email.", "Give an .eml file.")
    found = {"subject": str(mail.get("subject", ""))}
    for part, kind in (("text", "plain"), ("html", "html")):
        body = mail.get_body((kind,))
        if body is not None:
            found[part] = str(body.get_content())
    return found


# --- headings and sections ------------------------------------------------------------------------------------------


def plain(text: str) -> str:
    """A heading as it is compared: one form of each letter, no case, no punctuation at its end, one space."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    return " ".join(folded.strip(_AROUND).split())


def sentences(line: str) -> list[str]:
    """The sentences of a line; a full stop between digits or after a single letter ends none."""
    pieces = re.split(r"(?<=[。！？])|(?<=[.!?])(?<!\b\d\.)(?<!\b\d\d\.)(?<!\bca\.)\s+(?=[^\s\d])", line)
    return [piece.strip() for piece in pieces if piece and piece.strip()]


@dataclass(frozen=True, slots=True)
class Part:
    """A run of lines under one heading. `names` are the elements that the heading announces; empty if unrecognised."""

    heading: str
    names: frozenset[str]
    lines: tuple[str, ...]


def sections(lines: Iterable[Line], headings: Mapping[str, Sequence[str]]) -> list[Part]:
    """Lines cut at headings; `headings` are the wordings by element."""
    known: dict[str, set[str]] = {}
    for name, wordings in headings.items():
        for wording in wordings:
            known.setdefault(plain(wording), set()).add(name)
    found: list[Part] = []
    heading, names, body = "", frozenset[str](), list[str]()
    for line in lines:
        own = known.get(plain(line.text))
        if line.heading or own:
            found.append(Part(heading, names, tuple(body)))
            heading, names, body = line.text, frozenset(own or ()), []
        else:
            body.append(line.text)
    return [*found, Part(heading, names, tuple(body))]


def strings(data: Mapping[str, Any], key: str) -> dict[str, tuple[str, ...]]:
    return {name: tuple(rows) for name, rows in data.get(key, {}).items()}
