"""How severe a breach is by ENISA's method of 2013. Its numbers are data (severity.toml); its level makes no duty."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from models.facts import Facts
from models.values import BadInput
from regimes.conditions import total


@dataclass(frozen=True, slots=True)
class Severity:
    method: str
    score: float | None  # None: the context or the ease of identification is not stated
    level: str | None
    flags: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


@cache
def _method() -> dict[str, Any]:
    return tomllib.loads((files("regimes") / "severity.toml").read_text("utf-8"))


def severity(facts: Facts) -> Severity:
    """Score and level from `[risk.enisa]`; a circumstance not stated adds nothing. BadInput on a value off scale."""
    method = _method()
    context, ease = (_number(facts, key) for key in ("dpc", "ei"))
    missing = tuple(f"risk.enisa.{key}" for key, value in (("dpc", context), ("ei", ease)) if value is None)
    if context is None or ease is None:
        return Severity(method["method"], None, None, _flags(facts), missing)
    if ease not in method["ei"]:
        known = ", ".join(map(str, method["ei"]))
        raise BadInput(f"{facts.file}: risk.enisa.ei", f"{ease} is not on ENISA's scale.", f"Use one of {known}.")
    capped = min(max(context, method["dpc"]["min"]), method["dpc"]["max"])
    score = capped * ease + sum(_number(facts, key) or 0 for key in method["circumstances"])
    return Severity(method["method"], round(score, 4), _level(score), _flags(facts))


def _number(facts: Facts, key: str) -> float | None:
    value = facts.value(f"risk.enisa.{key}")
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _level(score: float) -> str:
    steps = _method()["levels"]
    return next(str(step["level"]) for step in steps if "below" not in step or score < step["below"])


def _flags(facts: Facts) -> tuple[str, ...]:
    found = (
        [f"more than {_method()['many_people']} people"] if (total(facts).min or 0) > _method()["many_people"] else []
    )
    if facts.value("data.encrypted") is True and facts.value("data.key_compromised") is not True:
        found.append("data unintelligible")
    return tuple(found)
