"""What a recorded judgement can be about, and what it rests on. Standard library only.

Some facts are somebody's judgement (the risk of a breach, that harm is unlikely). Where a duty is not owed only because
of one, the record must hold who judged so and why. The kinds, their factors and their facts are data:
models/vocabulary/judgement.toml. A threshold in figures is no judgement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from models import vocabulary

NOT_TO_NOTIFY: Final = "not_to_notify"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of judgement. `factors`: what it must speak to, by name; `regimes`: laws that accept no other kind."""

    name: str
    title: str
    citation: str
    facts: tuple[str, ...]
    factors: Mapping[str, str]
    regimes: frozenset[str] = frozenset()
    obligations: bool = False


@cache
def kinds() -> Mapping[str, Kind]:
    """Every kind by its name."""
    return {name: _kind(name, row) for name, row in vocabulary.load("judgement")["kinds"].items()}


def _kind(name: str, row: Mapping[str, Any]) -> Kind:
    return Kind(
        name,
        row["title"],
        row["citation"],
        tuple(row["facts"]),
        row.get("factors", {}),
        frozenset(row.get("regimes", ())),
        bool(row.get("obligations", False)),
    )


@cache
def judged_facts() -> frozenset[str]:
    """The facts whose value is a judgement."""
    return frozenset(key for kind in kinds().values() for key in kind.facts)


def kinds_for(key: str, regime: str) -> frozenset[str]:
    """The kinds that record a judgement of a fact where a law rests on it."""
    own = [kind for kind in kinds().values() if key in kind.facts]
    demanded = frozenset(kind.name for kind in own if regime in kind.regimes)
    return demanded or frozenset(kind.name for kind in own if not kind.regimes)


def stated(plain: Mapping[str, Any]) -> dict[str, Any]:
    """The judged ones among facts in their plain form (`Facts.plain`)."""
    return {key: plain[key] for key in sorted(judged_facts()) if key in plain}


def basis(plain: Mapping[str, Any]) -> dict[str, Any]:
    """The facts that a judgement rests on, of all facts in their plain form. When one of them is stated otherwise it is
    another ground, and the judgement lapses."""
    named = vocabulary.load("judgement")["basis"]
    tables, keys, not_ = (frozenset(named[part]) for part in ("tables", "keys", "except"))
    inside = {key for key in plain if key in keys or ("." in key and key.split(".")[0] in tables)}
    return {key: plain[key] for key in sorted(inside - not_)}
