"""What every regime makes of a grid of typical incidents, kept as data: a change of law or engine shows as a diff.

After a change that is meant: `TOCSIN_SNAPSHOTS=write make law` rewrites the files; the diff in the repository is what a
lawyer reads.
"""

from __future__ import annotations

import json
import os
import re
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
    changed = _changes(kept, now)
    head = f"outcomes of the incident {incident['name']} changed; if they are meant: TOCSIN_SNAPSHOTS=write make law"
    if changed:
        pytest.fail("\n".join([head, *changed]), pytrace=False)


def _changes(kept: dict[str, str], now: dict[str, str]) -> list[str]:
    """What differs, for a reader: regime, duty, and what was and is said of it."""
    lines = []
    for regime in sorted({*kept, *now}):
        old, new = (_duties(side.get(regime, "")) for side in (kept, now))
        duties = [duty for duty in sorted({*old, *new}) if old.get(duty) != new.get(duty)]
        lines += [f"  {regime}"] if duties else []
        for duty in duties:
            lines += [f"    {duty}", f"      - {old.get(duty, NOTHING)}", f"      + {new.get(duty, NOTHING)}"]
    return lines


NOTHING = "the law does not speak of it"
STATES = {"no": "not owed", "owed": "owed:", "open": "undetermined:"}


def _duties(line: str) -> dict[str, str]:
    """Each duty of a regime's line with what is said of it: `regulator/US-TX/initial` and `owed: 2026-11-30…`."""
    found = {}
    for part in filter(None, line.split("; ")):
        match = re.fullmatch(r"(.+?/[a-z_]+) (no|owed|open)(.*)", part)
        assert match, part
        found[match[1]] = STATES[match[2]] + match[3]
    return found


CHANGED = [
    ("a due time moved", "regulator/US-TX/initial owed 2026-11-05", "regulator/US-TX/initial owed 2026-11-06", "06"),
    ("a duty fell away", "media/US-IL/initial owed no number", "media/US-IL/initial no", "+ not owed"),
    ("a duty is new", "", "individuals/FR/initial open for risk.gdpr no number", "- the law does not speak of it"),
    ("an authority with spaces", "regulator/FR/data body of France/initial no", "", "data body of France/initial"),
]


@pytest.mark.parametrize(("what", "before", "after", "said"), CHANGED, ids=lambda value: str(value)[:20])
def test_a_changed_outcome_names_regime_and_duty_and_both_sides(what: str, before: str, after: str, said: str) -> None:
    lines = _changes({"a": "x/y/initial no", "b": before}, {"a": "x/y/initial no", "b": after})
    assert len(lines) == 4 and lines[0] == "  b", what
    assert any(said in line for line in lines), lines
    assert _changes({"b": before}, {"b": before}) == []


def test_every_incident_of_the_grid_owes_something_and_no_file_is_left_over() -> None:
    names = {incident["name"] for incident in GRID["incident"]}
    assert {path.stem for path in FOLDER.glob("*.json")} == names
    assert all(
        any(" owed" in line or " open" in line for line in _lines(incident).values()) for incident in GRID["incident"]
    )
