"""What the people on the telephone typed in: four words, and nothing is guessed."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from models.values import BadInput, Evidence, Receipt, digest


class CallOutcome(StrEnum):
    REACHED = "reached"  # the person heard the notice
    NO_ANSWER = "no_answer"  # nobody, or a machine; the call may be made again
    WRONG_NUMBER = "wrong_number"
    REFUSED = "refused"  # the person did not want to hear it on the telephone


EVIDENCE: Mapping[CallOutcome, Evidence] = {
    CallOutcome.REACHED: Evidence.DELIVERED,
    CallOutcome.NO_ANSWER: Evidence.BOUNCED_SOFT,
    CallOutcome.WRONG_NUMBER: Evidence.BOUNCED_HARD,
    CallOutcome.REFUSED: Evidence.BOUNCED_HARD,  # this rung won't reach them; a letter may
}


@dataclass(frozen=True, slots=True)
class Called:
    delivery: str
    outcome: CallOutcome
    called_at: str  # as typed
    line: int

    def receipt(self, at: datetime) -> Receipt:
        """The evidence, as read at `at`. The same line read twice has the same digest."""
        mark = digest([self.delivery, self.outcome, self.called_at])
        return Receipt(EVIDENCE[self.outcome], at, self.delivery, self.outcome, "call_list", mark)


def read_outcomes(path: Path) -> list[Called]:
    """Lines of a filled-in calls.csv that have an outcome. BadInput names the line of an unknown word.

    Office programs save with comma, semicolon or tab: the header tells which.
    """
    if path.suffix.lower() != ".csv":
        raise BadInput(path.name, "only CSV is read.", "Save the list as CSV (UTF-8).")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput(path.name, "it is not UTF-8.", "Save the list as CSV (UTF-8).") from None
    head = text.split("\n", 1)[0]
    rows = csv.DictReader(text.splitlines(keepends=True), delimiter=max(",;\t", key=head.count), strict=True)
    if not {"delivery", "outcome"} <= set(rows.fieldnames or ()):
        raise BadInput(path.name, "column delivery or outcome is missing.", "Fill in the list that was written.")
    try:
        return [_called(path, rows.line_num, r) for r in rows if (r["outcome"] or "").strip()]
    except csv.Error as e:
        raise BadInput(f"{path.name} line {rows.line_num}", f"it is not CSV ({e}).", "Save the list again.") from None


def _called(path: Path, line: int, row: Mapping[str, str]) -> Called:
    word = row["outcome"].strip().lower().replace(" ", "_")
    if word not in set(CallOutcome):
        words = ", ".join(CallOutcome)
        raise BadInput(f"{path.name} line {line}", "its outcome is not one of our words.", f"Write one of: {words}.")
    return Called((row["delivery"] or "").strip(), CallOutcome(word), (row.get("called_at") or "").strip(), line)
