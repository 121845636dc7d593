"""Which duties are not owed only because somebody judged so. Pure.

A duty rests on a judgement when it would be owed, or undetermined, if the judged facts were not stated.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache

from models.facts import Facts
from models.vocabulary.judgement import judged_facts, kinds_for, stated
from regimes import load
from regimes import schema as s
from regimes.assess import assess
from regimes.obligations import Assessment, NotOwed


@dataclass(frozen=True, slots=True)
class Resting:
    """A duty that is not owed by judgement. `missing`: judged facts that no standing judgement records, if any."""

    id: str
    regime: str
    keys: tuple[str, ...]  # the judged facts that its law reads
    because: tuple[str, ...]
    missing: tuple[str, ...] = ()


def resting(facts: Facts, found: Assessment, recorded: Collection[tuple[str, str]] = ()) -> tuple[Resting, ...]:
    """The duties of an assessment of these facts that rest on judgement.

    `recorded` are pairs of judged fact and kind that a standing judgement holds. A duty that the recorded ones alone
    keep from being owed misses nothing.
    """
    judged = stated(facts.plain)
    if not judged:
        return ()
    counterfactual = _Counterfactual(facts, found)
    return tuple(_resting(found.not_owed, frozenset(judged), frozenset(recorded), counterfactual))


class _Counterfactual:
    """What would not be owed without some of the facts; worked out once for each set of them."""

    def __init__(self, facts: Facts, found: Assessment) -> None:
        self._facts, self._as_of = facts, found.as_of
        self._known: dict[frozenset[str], frozenset[str]] = {frozenset(): frozenset(n.id for n in found.not_owed)}

    def not_owed(self, without: frozenset[str]) -> frozenset[str]:
        if without not in self._known:
            facts = self._facts.revised(dict.fromkeys(without, "unknown"), "counterfactual")
            self._known[without] = frozenset(n.id for n in assess(facts, self._as_of).not_owed)
        return self._known[without]


def _resting(
    refused: tuple[NotOwed, ...], judged: frozenset[str], recorded: frozenset[tuple[str, str]], without: _Counterfactual
) -> Iterator[Resting]:
    kept = without.not_owed(judged)
    for entry in refused:
        if entry.id in kept:
            continue
        keys = tuple(sorted(judged & _reads(entry)))
        open_ = frozenset(k for k in judged if not any((k, kind) in recorded for kind in kinds_for(k, entry.regime)))
        lacking = () if entry.id in without.not_owed(open_) else tuple(k for k in keys if k in open_)
        yield Resting(entry.id, entry.regime, keys, entry.because, lacking)


def _reads(entry: NotOwed) -> frozenset[str]:
    """The judged facts that decide a duty: those of its own conditions, and of all duties of its law."""
    version = load.instrument(entry.regime).version(entry.law_version)
    own = entry.rule.when if entry.rule else None
    parts = (version.applies, version.personal_information, own, *version.exceptions)
    return frozenset(key for part in parts for key in keys_of(part)) & judged_facts()


@cache
def keys_of(condition: s.Condition | None) -> frozenset[str]:
    """The facts that a condition compares."""
    match condition:
        case s.FactTest():
            return frozenset({condition.key})
        case s.Every() | s.Either():
            return frozenset(key for part in condition.of for key in keys_of(part))
        case s.Not():
            return keys_of(condition.of)
        case _:
            return frozenset()
