"""What every regime makes of a grid of typical incidents, kept as data: a change of law or engine shows as a diff.

After a change that is meant: `TOCSIN_SNAPSHOTS=write make law` rewrites the files; the diff in the repository is what a
lawyer reads.
"""

from __future__ import annotations

import json
import os
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from models.facts import Facts, parse_facts
from models.values import ObligationState
from regimes.assess import NotOwed, Obligation, assess

FOLDER = Path(__file__).parent / "snapshots"
GRID: dict[str, Any] = tomllib.loads((FOLDER / "incidents.toml").read_text("utf-8"))
AS_OF = datetime.fromisoformat("2026-11-24T09:00:00+01:00")
SHORT = {ObligationState.OWED: "owed", ObligationState.UNDETERMINED: "open"}


def _facts(incident: dict[str, Any]) -> Facts:
    data = dict(incident)
    name, places, each = (data.pop(key) for key in ("name", "places", "in_each"))
    people = dict.fromkeys(GRID[places] if isinstance(places, str) else places, each)
    return parse_facts(data | {"id": name, "people": people}, name)


def _lines(incident: dict[str, Any]) -> dict[str, str]:
    """One line per regime that has to do with an incident: each duty with its state and due time."""
    found = assess(_facts(incident), AS_OF)
    lines: dict[str, list[str]] = {}
    for entry in (*found.all(), *found.not_owed):
        lines.setdefault(entry.regime, []).append(_said(entry))
    return {regime: "; ".join(sorted(lines[regime])) for regime in sorted(lines)}


def _said(entry: Obligation | NotOwed) -> str:
    if isinstance(entry, NotOwed):
        to = f"/{entry.authority}" if entry.authority else ""
        return f"{entry.duty}/{entry.jurisdiction}{to}/{entry.stage} no"
    due = entry.due.isoformat() if entry.due else f"after {entry.waiting}" if entry.waiting else "no number"
    missing = f" for {', '.join(entry.missing)}" if entry.missing else ""
    return f"{entry.id.removeprefix(entry.regime + '/')} {SHORT[entry.state]}{missing} {due}"


@pytest.mark.parametrize("incident", GRID["incident"], ids=lambda incident: incident["name"])
def test_the_outcome_is_the_one_that_was_read(incident: dict[str, Any]) -> None:
    path = FOLDER / f"{incident['name']}.json"
    now = _lines(incident)
    if os.environ.get("TOCSIN_SNAPSHOTS") == "write":
        path.write_text(json.dumps(now, ensure_ascii=False, indent=0) + "\n", "utf-8")
    kept = json.loads(path.read_text("utf-8"))
    changed = [
        f"{regime}\n  - {part}" if part in kept.get(regime, "").split("; ") else f"{regime}\n  + {part}"
        for regime in sorted({*kept, *now})
        for part in sorted({*kept.get(regime, "").split("; ")} ^ {*now.get(regime, "").split("; ")})
        if part
    ]
    assert not changed, "outcomes changed:\n" + "\n".join(changed)


def test_every_incident_of_the_grid_owes_something_and_no_file_is_left_over() -> None:
    names = {incident["name"] for incident in GRID["incident"]}
    assert {path.stem for path in FOLDER.glob("*.json")} == names
    assert all(
        any(" owed" in line or " open" in line for line in _lines(incident).values()) for incident in GRID["incident"]
    )
