"""A rendered notice for tests that look at the words as a whole."""

from __future__ import annotations

import tomllib
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import pytest

from models.facts import Facts, parse_facts
from models.values import Channel, Mode, Role, Wording
from planning.segment import Key, content_classes, fold_blocks, order_exposed
from templates.audit import PROFILE
from templates.render import render, sheet

STORIES: dict[str, Any] = tomllib.loads((Path(__file__).parent / "lint_cases" / "stories.toml").read_text("utf-8"))
LOST = [
    "ssn",
    "bank_account",
    "password",
    "diagnosis",
    "passport",
    "biometric",
    "location",
    "payment_card",
    "name",
    "email",
    "purchase_history",
]


@cache
def told_facts() -> Facts:
    story = {key: {language: texts[key] for language, texts in STORIES.items()} for key in STORIES["en"]}
    data = {
        "id": "x",
        "title": "X",
        "organisation": {"name": "Example Orchard", "timezone": "UTC"},
        "times": {"occurred_from": "2026-03-02", "occurred_until": "2026-03-05", "discovered": "2026-03-09"},
        "narrative": story,
    }
    return parse_facts(data, "x.toml")


def rendered(language: str, role: Role, channel: Channel, lost: list[str] | None = None) -> Wording:
    own = order_exposed(lost or LOST)
    key = Key(content_classes([], own)[0], (), language, role, fold_blocks(own), own)
    return render(key.spec(), channel, sheet(told_facts(), PROFILE, notice_date=date(2026, 3, 20)), mode=Mode.LIVE)


class Rendered(Protocol):
    def __call__(self, language: str, role: Role, channel: Channel, lost: list[str] | None = None) -> Wording: ...


@pytest.fixture(scope="session", name="rendered")
def rendered_notice() -> Rendered:
    return rendered
