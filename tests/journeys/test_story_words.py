"""Words that nobody has read yet do not go out."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from models.values import Mode, Refused


def reviews(office: Any) -> set[tuple[str, str]]:
    """Language and severity of what the newest wave's wordings say about their review."""
    wave = office.prepare()
    segments = office.rows("segment")
    rows = [row for row in office.rows("wording") if row["id"] in {s["wording_id"] for s in segments}]
    assert wave.wordings == len(rows)
    found = {
        (row["language"], f["severity"])
        for row in rows
        for f in json.loads(row["findings"])
        if f["element"] == "review"
    }
    return found


def test_a_machine_translation_stops_a_live_wave_until_a_named_reviewer_has_read_it(office: Any) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(0), office.person(1, language="zh-Hans")])
    assert reviews(office) == {("zh-Hans", "warning")}, "an exercise goes on, and says so"

    office.desk.settings = replace(office.desk.settings, mode=Mode.LIVE)
    assert reviews(office) == {("zh-Hans", "error")}
    office.refuses(Refused, "the linter finds", office.sign, f"wave:{office.prepare().wave}")

    office.profile("[retention]", '[reviewed]\nzh-Hans = "Lin Example, 2026-03-01"\n\n[retention]')
    assert reviews(office) == set()


def test_a_name_that_no_font_can_print_is_named_before_anybody_approves(office: Any) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(0, name="Alex \U000130b8 Example", email=""), office.person(1)])
    assert office.prepare().unprintable == ("U+130B8",)
