"""A decision not to tell stands on the times, the impact and the law of the day on which it was made."""

from __future__ import annotations

from typing import Any

import pytest

from flows.steps import judge

ARIZONA = "us-az/individuals/US-AZ/initial"
TIMES = {"occurred_from": "2022-06-01", "discovered": "2022-06-20", "determined": "2022-07-01"}
DATA = {"elements": ["name", "ssn"], "encrypted": False, "acquired": True, "accessed": True, "material_part": True}
DECISION = f"""
kind = "not_to_notify"
reasons = "Nobody can come to harm."
obligations = ["{ARIZONA}"]
[factors]
ground = "ARS 18-552(J)."
"""
CHANGES: list[tuple[str, dict[str, Any], str]] = [
    ("times", {"times": TIMES | {"occurred_from": "2022-05-01"}}, "the facts now say otherwise on times.occurred_from"),
    ("impact", {"narrative": {"impact": "It can harm."}}, "the facts now say otherwise on narrative.impact"),
    ("law", {"times": TIMES | {"determined": "2022-08-01"}}, f"another version of the law now applies to {ARIZONA}"),
]


@pytest.mark.parametrize(("slug", "changes", "why"), CHANGES)
def test_a_decision_not_to_tell_lapses_with_the_times_the_impact_or_the_version_of_law(
    office: Any, slug: str, changes: dict[str, Any], why: str
) -> None:
    general = {**office.HIPAA["organisation"], "sectors": ["general"]}
    facts = {**office.HIPAA, "id": slug, "organisation": general, "data": DATA, "people": {"US-AZ": 3}, "times": TIMES}
    office.declare(facts)
    file = office.folder / "decision.toml"
    file.write_text(DECISION, encoding="utf-8")
    judge.record(office.desk, slug, file, "responder")
    office.sign("judgement:1")
    assert office.status()["judgements"][0]["counts"]
    told = office.declare({**facts, **changes})
    assert told.warnings[0] == f"judgement 1 lapsed: {why}; record it anew"
    assert not office.status()["judgements"][0]["counts"]
