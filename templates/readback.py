"""The text of a finished PDF, as a reader sees it: to lint a letter, and to hold a batch against its manifest.

What a PDF gives back is not what was written: presentation forms, direction marks, line ends, hyphens at them. So texts
are compared in a normal form: NFKC, letters and digits only. Right-to-left script, and letters with several marks, come
back in pieces whose order and number differ: of such lines the letters are compared as a set, within the address's
place on the page, and their digits exactly.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.values import BadInput
from templates.sheets import Rect

__all__ = ["Row", "differences", "normal", "page_texts", "pdf_text"]

_POINT = 25.4 / 72
_NO_WORD = re.compile(r"[\W_]+")
_TOKEN = re.compile(r"[\w-]*\w")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")


@dataclass(frozen=True, slots=True)
class Row:
    """What a manifest says of one letter: its pages counted from 1, and the lines in its window."""

    reference: str
    page_from: int
    page_to: int
    lines: tuple[str, ...]


def pdf_text(path: Path) -> str:
    """All pages, one after another. BadInput when the file is no PDF, is locked, or holds pictures only."""
    text = "\n".join(page_texts(path))
    if not text.strip():
        raise BadInput(str(path), "holds no text, only pictures.", "Give the PDF that was printed from the text.")
    return text


def page_texts(source: Path | bytes) -> list[str]:
    """The text of each page."""
    with _opened(source) as document:
        return [_page_text(document, number)[0] for number in range(len(document))]


def normal(text: str) -> str:
    """Letters and digits only, in their compatibility form, without marks of direction."""
    return _NO_WORD.sub("", unicodedata.normalize("NFKC", text))


def differences(pdf: bytes, rows: Sequence[Row], box: Rect) -> list[str]:
    """Where a batch and its manifest differ, in words that name references and pages only; empty when they agree.

    Every page must bear its own letter's reference and no other's of the batch, every first page the lines of its
    address, and no page may be left over with text on it. `box` is the address's place (templates.sheets).
    """
    known = {row.reference for row in rows}
    owner = {page: row for row in rows for page in range(row.page_from, row.page_to + 1)}
    found: list[str] = []
    with _opened(pdf) as document:
        for number in range(1, len(document) + 1):
            row = owner.get(number)
            at = box if row and number == row.page_from and any(_scattered(line) for line in row.lines) else None
            text, place = _page_text(document, number - 1, at)
            found += _of_page(number, row, text, place, known)
        if missing := sorted(page for page in owner if page > len(document)):
            found.append(f"pages {missing[0]} to {missing[-1]} are in the manifest and not in the PDF")
    return found


def _of_page(number: int, row: Row | None, text: str, place: str, known: set[str]) -> Iterator[str]:
    tokens = set(_TOKEN.findall(text))
    bears = tokens & known
    if row is None:
        if text.strip():
            yield f"page {number} belongs to no letter of the manifest and is not empty"
        return
    if row.reference not in bears and not _turned_round(row.reference, text, tokens):
        yield f"page {number} does not bear the reference {row.reference}"
    for other in sorted(bears - {row.reference}):
        yield f"page {number} of letter {row.reference} bears the reference {other}"
    if number == row.page_from and not _shows(text, place, row.lines):
        yield f"page {number} does not show the address that the manifest has for letter {row.reference}"


def _turned_round(reference: str, text: str, tokens: set[str]) -> bool:
    """Within right-to-left text the parts of a reference come back in another order."""
    if _RIGHT_TO_LEFT.search(text) is None:
        return False
    return sorted(normal(reference)) in [sorted(normal(token)) for token in tokens]


def _shows(text: str, place: str, lines: Sequence[str]) -> bool:
    """Whether the page shows these lines, one after another; where some come back in pieces, their letters."""
    whole = normal(text)
    if normal("".join(lines)) in whole:
        return True
    if not any(map(_scattered, lines)):
        return False
    inside = normal(place)
    same = set(inside) == set(normal("".join(lines)))
    digits = all(group in inside for line in lines for group in re.findall(r"[0-9]+", line))
    return same and digits and all(normal(line) in whole for line in lines if not _scattered(line))


def _scattered(line: str) -> bool:
    """Whether a PDF gives the line back in pieces: right-to-left script, and letters with marks of their own."""
    if line.isascii():
        return False
    return _RIGHT_TO_LEFT.search(line) is not None or any(unicodedata.category(c)[0] == "M" for c in line)


# --- PDFium ---------------------------------------------------------------------------------------------------------


@contextmanager
def _opened(source: Path | bytes) -> Iterator[Any]:
    import pypdfium2

    where = "the PDF" if isinstance(source, bytes) else str(source)
    try:
        document = pypdfium2.PdfDocument(source)
    except (pypdfium2.PdfiumError, OSError, ValueError) as error:
        raise BadInput(
            where, f"can't be read as a PDF ({type(error).__name__}).", "Give a PDF without a password."
        ) from None
    try:
        yield document
    finally:
        document.close()


def _page_text(document: Any, number: int, box: Rect | None = None) -> tuple[str, str]:
    """The page's text, and that within `box` (millimetres from the top left)."""
    page = document[number]
    reader = page.get_textpage()
    try:
        text = reader.get_text_range()
        return text, "" if box is None else reader.get_text_bounded(**_bounds(box, page.get_height()))
    finally:
        reader.close()
        page.close()


def _bounds(box: Rect, height: float) -> dict[str, float]:
    return {
        "left": (box.left - 1) / _POINT,
        "right": (box.right + 1) / _POINT,
        "top": height - (box.top - 0.5) / _POINT,
        "bottom": height - (box.bottom + 1.5) / _POINT,
    }
