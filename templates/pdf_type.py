"""The size of the type in a finished PDF, in points, as it is printed."""

from __future__ import annotations

from math import hypot
from pathlib import Path

from models.values import BadInput


def smallest_type(path: Path) -> float | None:
    """The smallest size of a letter or digit in any page; None where it shows no text. BadInput when it is no PDF."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(path)
    except (pypdfium2.PdfiumError, OSError) as error:
        raise BadInput(
            str(path), f"can't be read as a PDF ({type(error).__name__}).", "Give a PDF without a password."
        ) from None
    try:
        return min((size for page in range(len(document)) for size in _sizes(document, page)), default=None)
    finally:
        document.close()


def _sizes(document: object, number: int) -> list[float]:
    """The printed size of every letter of a page: the font's size, turned and stretched as the page does."""
    from pypdfium2 import raw

    page = document[number]  # type: ignore[index]
    text = page.get_textpage()
    matrix, found = raw.FS_MATRIX(), []
    for at in range(text.count_chars()):
        if chr(raw.FPDFText_GetUnicode(text, at)).isalnum():
            raw.FPDFText_GetMatrix(text, at, matrix)
            found.append(round(raw.FPDFText_GetFontSize(text, at) * hypot(matrix.b, matrix.d), 2))
    text.close()
    page.close()
    return found
