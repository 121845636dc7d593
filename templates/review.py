"""The pages that people read a wave's words on, beside the checklist. For the team, so in English; never sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from templates import words


def review_page(page: Mapping[str, Any]) -> str:
    """One text beside its checklist (frame/review.html.j2)."""
    return _page("review", page)


def index_page(page: Mapping[str, Any]) -> str:
    """All texts of a wave, to step through (frame/review_index.html.j2)."""
    return _page("review_index", page)


def _page(frame: str, page: Mapping[str, Any]) -> str:
    template = words.environment(None, True).get_template(f"frame/{frame}.html.j2")
    return words.fill(template, {"page": page})
