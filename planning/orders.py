"""Which duty must come before which: regulator first, where a law says so. Checked when a wave is launched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from models.values import Confidence, Duty, Stage
from regimes.obligations import Precedence
from regimes.schema import Enforcement, PrecedenceRule

FIRST_STAGES = frozenset({Stage.POSSIBILITY, Stage.EARLY_WARNING, Stage.INITIAL})  # a final report follows, never leads


class Owed(Protocol):
    """What is read of an obligation."""

    @property
    def id(self) -> str: ...
    @property
    def regime(self) -> str: ...
    @property
    def duty(self) -> Duty: ...
    @property
    def jurisdiction(self) -> str | None: ...
    @property
    def stage(self) -> Stage: ...
    @property
    def met(self) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class OutOfOrder:
    """One duty that would come too early."""

    enforcement: Enforcement
    sentence: str
    before: str  # id of the obligation that must be met first
    after: str


def out_of_order(
    launching: Iterable[Owed], owed: Sequence[Owed], rules: Mapping[str, Sequence[PrecedenceRule]]
) -> list[OutOfOrder]:
    """What must be done before these duties are launched; refusals first.

    `owed` are all obligations, undetermined ones too; `rules` are the orders of each regime's version. A duty that is
    not owed can't be in the way.
    """
    found = [
        _problem(rule, before, after)
        for after in launching
        for rule in rules.get(after.regime, ())
        if rule.after == after.duty
        for before in owed
        if _leads(rule, before, after)
    ]
    unique = {(p.before, p.after, p.enforcement): p for p in found}
    return sorted(unique.values(), key=lambda p: (p.enforcement is not Enforcement.REFUSE, p.before, p.after))


def by_regime(orders: Iterable[Precedence]) -> dict[str, list[PrecedenceRule]]:
    """The rules of an assessment's orders, as `out_of_order` takes them."""
    rules: dict[str, list[PrecedenceRule]] = {}
    for order in orders:
        rules.setdefault(order.regime, []).append(order.rule)
    return rules


def orders(
    launching: Iterable[Owed], owed: Sequence[Owed], rules: Mapping[str, Sequence[PrecedenceRule]]
) -> list[tuple[Enforcement, str]]:
    """The same as pairs of enforcement and sentence."""
    return [(p.enforcement, p.sentence) for p in out_of_order(launching, owed, rules)]


def _leads(rule: PrecedenceRule, before: Owed, after: Owed) -> bool:
    return (
        before.regime == after.regime
        and before.duty == rule.before
        and before.met is None
        and before.stage in FIRST_STAGES
        and (before.jurisdiction == after.jurisdiction or None in (before.jurisdiction, after.jurisdiction))
    )


def _problem(rule: PrecedenceRule, before: Owed, after: Owed) -> OutOfOrder:
    doubt = "" if rule.confidence is Confidence.CORPUS else f"; {rule.confidence}, not checked"
    because = f": {rule.because}" if rule.because else ""
    sentence = f"{before.id} must come before {after.id}{because} ({rule.citation}{doubt})"
    return OutOfOrder(rule.enforcement, sentence, before.id, after.id)
