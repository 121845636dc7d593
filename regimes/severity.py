"""How severe a breach is by ENISA's method of 2013. Its numbers are data (severity.toml); its level makes no duty: what
a level leads to is policy, is labelled so, and no obligation is made from it.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from models.facts import Elements, Facts
from models.values import BadInput
from regimes.conditions import total


@dataclass(frozen=True, slots=True)
class Severity:
    method: str
    score: float | None  # None: the context or the ease of identification is not stated
    level: str | None
    flags: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    derivation: tuple[str, ...] = ()
    policy: str = ""  # what the level suggests, with its label; never a duty


@cache
def _method() -> dict[str, Any]:
    return tomllib.loads((files("regimes") / "severity.toml").read_text("utf-8"))


def severity(facts: Facts) -> Severity:
    """Score and level from `[risk.enisa]`; a circumstance not stated adds nothing. BadInput on a value off scale."""
    method = _method()
    context, ease = _number(facts, "dpc"), _on_scale(facts, "ei", method["ei"])
    added = {name: _on_scale(facts, name, scale) for name, scale in method["circumstances"].items()}
    missing = tuple(f"risk.enisa.{key}" for key, value in (("dpc", context), ("ei", ease)) if value is None)
    if context is None or ease is None:
        return Severity(method["method"], None, None, _flags(facts), missing, _start(facts))
    capped = min(max(context, method["dpc"]["min"]), method["dpc"]["max"])
    score = round(capped * ease + sum(value or 0 for value in added.values()), 4)
    level = _level(score)
    return Severity(
        method["method"],
        score,
        level,
        _flags(facts),
        (),
        (*_start(facts), *_steps(context, capped, ease, added, score)),
        f"{method['policy']['label']}: {method['policy'][level]}",
    )


def _steps(context: float, capped: float, ease: float, added: dict[str, float | None], score: float) -> tuple[str, ...]:
    stated = [(name.removeprefix("cb_"), value) for name, value in added.items() if value]
    said = "".join(f" + {value:g} ({name})" for name, value in stated)
    cap = () if capped == context else (f"the context of {context:g} is capped at {capped:g}",)
    return (*cap, f"context {capped:g} x ease of identification {ease:g}{said} = {score:g}")


def _start(facts: Facts) -> tuple[str, ...]:
    """Where the method would start the context for what was exposed; a person moves it from there."""
    found = facts.value("data.elements")
    exposed = found.at_least if isinstance(found, Elements) else frozenset()
    kinds = [kind for kind in _method()["category"] if exposed & set(kind["elements"])]
    if not kinds:
        return ()
    top = max(kinds, key=lambda kind: int(kind["base"]))
    words = ", ".join(sorted(exposed & set(top["elements"])))
    return (f"{top['name']} data ({words}) starts the context at {top['base']}",)


def _number(facts: Facts, key: str) -> float | None:
    value = facts.value(f"risk.enisa.{key}")
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _on_scale(facts: Facts, key: str, scale: list[float]) -> float | None:
    value = _number(facts, key)
    if value is not None and value not in scale:
        known = ", ".join(f"{step:g}" for step in scale)
        raise BadInput(f"{facts.file}: risk.enisa.{key}", f"{value:g} is not on ENISA's scale.", f"Use one of {known}.")
    return value


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
