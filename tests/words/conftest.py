"""A made-up incident with every fact known, and the words' overlay for planted faults."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from models.facts import parse_facts
from models.values import Role, SegmentSpec, Slot
from planning.segment import fold_blocks, order_exposed
from templates.audit import PROFILE
from templates.render import Sheet, sheet

FACTS: dict[str, Any] = {
    "id": "orchard",
    "title": "Orchard orders",
    "organisation": {"name": "Example Orchard", "country": "US", "timezone": "America/Chicago"},
    "times": {
        "occurred_from": "2026-03-02T22:10:00-06:00",
        "occurred_until": "2026-03-05",
        "discovered": "2026-03-09T09:00:00-05:00",
    },
    "narrative": {
        "what_happened": {
            "en": "A stranger got into our order system and copied files from it.",
            "zh-Hans": "有人侵入我们的订单系统，复制了其中的文件。",
        },
        "cause": {"en": "The password of an employee had been stolen.", "zh-Hans": "一名员工的密码被盗。"},
        "impact": {"en": "Thieves may write to you in our name.", "zh-Hans": "骗子可能冒充我们与您联系。"},
        "measures_taken": {
            "en": "We closed the way in on the same day and told the police.",
            "zh-Hans": "我们当天封堵了入口并报警。",
        },
        "measures_planned": {
            "en": "We will check all our servers by June.",
            "zh-Hans": "我们将在六月前检查全部服务器。",
        },
        "remedies": {
            "en": "We pay for a new card if your bank charges you for it.",
            "zh-Hans": "如银行收取换卡费用，由我们承担。",
        },
    },
}
VALUES = {
    Slot.SALUTATION: "Dear Ada Sample,",
    Slot.NAME: "Ada Sample",
    Slot.ADDRESSEE: "The parent or guardian of Ada Sample",
    Slot.ADDRESS: "1 Example Street\nSampletown",
    Slot.REFERENCE: "7K3M-9QXA",
    Slot.CODE: "CODE-0001",
    Slot.VERIFICATION_CODE: "V-0001",
    Slot.MINOR_NAME: "Bo Sample",
    Slot.OWN_DATES: "2026-03-02",
}


@pytest.fixture
def story() -> Callable[..., Sheet]:
    def make(**narrative: Any) -> Sheet:
        data = FACTS | {"narrative": FACTS["narrative"] | narrative}
        profile = PROFILE | {"organisation": PROFILE["organisation"] | {"name": "Example Orchard"}}
        return sheet(parse_facts(data, "orchard.toml"), profile, notice_date=date(2026, 3, 20))

    return make


@pytest.fixture
def spec() -> Callable[..., SegmentSpec]:
    def make(language: str = "en", role: Role = Role.SELF, exposed: str = "name email", **more: Any) -> SegmentSpec:
        own = order_exposed(exposed.split())
        return SegmentSpec("test", language, role, exposed=own, blocks=fold_blocks(own), **more)

    return make


@pytest.fixture
def values() -> dict[Slot, str]:
    return dict(VALUES)


@pytest.fixture
def overlay(tmp_path: Path) -> Callable[..., Path]:
    """Writes words that are searched before the packaged ones."""

    def write(files: dict[str, str]) -> Path:
        for name, text in files.items():
            path = tmp_path / "words" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return tmp_path / "words"

    return write
