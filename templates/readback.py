"""The text of a finished PDF, as a reader sees it: to lint a letter, and to hold a batch against its manifest."""

from __future__ import annotations

from pathlib import Path

from models.values import BadInput


def pdf_text(path: Path) -> str:
    """All pages, one after another. BadInput when the file is no PDF, is locked, or holds pictures only."""
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        pages = [page.extract_text() or "" for page in PdfReader(path).pages]
    except (PyPdfError, OSError, ValueError) as error:
        raise BadInput(
            str(path), f"can't be read as a PDF ({type(error).__name__}).", "Give a PDF without a password."
        ) from None
    text = "\n".join(pages)
    if not text.strip():
        raise BadInput(str(path), "holds no text, only pictures.", "Give the PDF that was printed from the text.")
    return text
