"""Every case of cases/*.toml: facts in, what the rule's text demands out. Cases come from the law, not the engine."""

from __future__ import annotations

import copy
import tomllib
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from models.facts import parse_facts
from regimes.assess import Assessment, assess
from regimes.obligations import duration

CASES = Path(__file__).parent / "cases"
AS_OF = datetime.fromisoformat("2026-11-24T09:00:00+01:00")


def _cases() -> list[Any]:
    found = []
    for path in sorted(CASES.glob("*.toml")):
        data = tomllib.loads(path.read_text("utf-8"))
        found += [pytest.param(data["base"], case, id=f"{path.stem}: {case['name']}") for case in data["case"]]
    return found


def _facts(base: dict[str, Any], case: dict[str, Any]) -> dict[str, Any]:
    data = copy.deepcopy(base)
    for key, value in case.get("set", {}).items():
        table, _, name = key.rpartition(".")
        part = data.setdefault(table, {}) if table else data
        part[name] = value
    for key in case.get("unset", []):
        table, _, name = key.rpartition(".")
        data[table].pop(name)
    return data


def _names(found: Assessment) -> set[str]:
    told = {f"{n.regime}/{n.duty}/{n.jurisdiction}/{n.stage}" for n in found.not_owed}
    return told | {entry.id for entry in found.all()}


def _due(at: datetime | None) -> str:
    return at.isoformat() if at else "none"


@pytest.mark.parametrize(("base", "case"), _cases())
def test_what_the_law_demands(base: dict[str, Any], case: dict[str, Any]) -> None:
    on = case.get("on")
    assert on is None or isinstance(on, date)
    found = assess(parse_facts(_facts(base, case), "case.toml"), case.get("as_of", AS_OF), on)
    owed = {entry.id: entry for entry in found.obligations}
    open_ = {entry.id: entry for entry in found.undetermined}
    both = owed | open_
    assert case["source"]
    for id_, due in case.get("owed", {}).items():
        assert id_ in owed, f"not owed; undetermined for {open_[id_].missing if id_ in open_ else None}"
        assert _due(owed[id_].due) == due
    for id_, missing in case.get("undetermined", {}).items():
        assert id_ in open_
        assert list(open_[id_].missing) == missing
    refused = {f"{n.regime}/{n.duty}/{n.jurisdiction}/{n.stage}": n for n in found.not_owed}
    for name in case.get("not_owed", []):
        assert name in refused
        assert refused[name].because
        assert name not in both
    for prefix in case.get("absent", []):
        assert not [name for name in _names(found) if name == prefix or name.startswith(f"{prefix}/")]
    assert {id_: _due(both[id_].due) for id_ in case.get("due", {})} == case.get("due", {})
    assert {id_: _due(both[id_].due_safe) for id_ in case.get("safe", {})} == case.get("safe", {})
    assert {id_: duration(both[id_].late_by) for id_ in case.get("late", {})} == case.get("late", {})
    assert {id_: both[id_].law_version for id_ in case.get("version", {})} == case.get("version", {})
    for id_, reason in case.get("because", {}).items():
        assert reason in both[id_].because
    for id_ in case.get("intime", []):
        assert both[id_].met and both[id_].late_by is None
    if "held" in case:
        assert {entry.id: entry.held for entry in found.all() if entry.held} == case["held"]
    for text in case.get("warns", []):
        assert any(text in line for line in found.warnings), found.warnings


def test_each_regime_has_cases() -> None:
    from regimes.load import instruments

    assert {path.stem for path in CASES.glob("*.toml")} >= instruments().keys()
