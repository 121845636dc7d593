"""Regulator first: what must be done before a wave may start."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from models.values import Confidence, Duty, Stage
from planning.orders import by_regime, orders, out_of_order
from regimes.load import instruments
from regimes.obligations import Precedence
from regimes.schema import Enforcement, PrecedenceRule

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Obligation:
    regime: str
    duty: Duty
    jurisdiction: str | None
    stage: Stage = Stage.INITIAL
    met: datetime | None = None

    @property
    def id(self) -> str:
        return f"{self.regime}/{self.duty}/{self.jurisdiction}/{self.stage}"


REGULATOR_FIRST = PrecedenceRule(
    Duty.REGULATOR,
    Duty.INDIVIDUALS,
    Enforcement.REFUSE,
    "Example Code 1",
    "the authority is told first",
    Confidence.CORPUS,
)
RULES = {
    "us-aa": [REGULATOR_FIRST],
    "us-bb": [replace(REGULATOR_FIRST, enforcement=Enforcement.WARN, confidence=Confidence.MEMORY)],
}
PEOPLE = Obligation("us-aa", Duty.INDIVIDUALS, "US-AA")
REPORT = Obligation("us-aa", Duty.REGULATOR, "US-AA")
PEOPLE_B, REPORT_B = replace(PEOPLE, regime="us-bb"), replace(REPORT, regime="us-bb")


@pytest.mark.parametrize(
    ("launching", "owed", "found"),
    [
        ([PEOPLE], [PEOPLE, REPORT], ["refuse"]),
        ([PEOPLE], [PEOPLE, replace(REPORT, met=AT)], []),
        ([PEOPLE], [PEOPLE], []),
        ([REPORT], [PEOPLE, REPORT], []),
        ([PEOPLE], [PEOPLE, replace(REPORT, stage=Stage.EARLY_WARNING)], ["refuse"]),
        ([PEOPLE], [PEOPLE, replace(REPORT, stage=Stage.FINAL)], []),
        ([PEOPLE], [PEOPLE, replace(REPORT, stage=Stage.ANNUAL)], []),
        ([PEOPLE], [PEOPLE, replace(REPORT, jurisdiction="US-CC")], []),
        ([PEOPLE], [PEOPLE, replace(REPORT, jurisdiction=None)], ["refuse"]),
        ([PEOPLE], [PEOPLE, REPORT_B], []),
        ([PEOPLE_B], [PEOPLE_B, REPORT_B], ["warn"]),
        ([PEOPLE_B, PEOPLE, PEOPLE], [PEOPLE, REPORT, PEOPLE_B, REPORT_B], ["refuse", "warn"]),
        ([replace(PEOPLE, regime="eu-xx")], [replace(REPORT, regime="eu-xx")], []),
        ([], [PEOPLE, REPORT], []),
    ],
)
def test_what_would_come_too_early_is_refused_or_warned_of(
    launching: list[Obligation], owed: list[Obligation], found: list[str]
) -> None:
    assert [str(enforcement) for enforcement, _ in orders(launching, owed, RULES)] == found


def test_an_assessments_own_orders_are_taken_as_they_are() -> None:
    law = instruments()["sg-pdpa"].versions[-1]
    found = [Precedence(rule, "sg-pdpa", (), (), broken=False) for rule in law.orders]
    people, report = (Obligation("sg-pdpa", duty, "SG") for duty in (Duty.INDIVIDUALS, Duty.REGULATOR))
    (problem,) = out_of_order([people], [people, report], by_regime(found))
    assert (problem.enforcement, "s 26D" in problem.sentence) == (Enforcement.REFUSE, True)


def test_the_sentence_names_both_duties_the_reason_and_the_law_and_says_when_it_was_not_checked() -> None:
    refuse, warn = out_of_order([PEOPLE, PEOPLE_B], [REPORT, REPORT_B], RULES)
    assert refuse.sentence == (
        "us-aa/regulator/US-AA/initial must come before us-aa/individuals/US-AA/initial: "
        "the authority is told first (Example Code 1)"
    )
    assert warn.sentence.endswith("(Example Code 1; memory, not checked)")
    assert (refuse.before, refuse.after) == (REPORT.id, PEOPLE.id)
