"""What an assessment says: obligations, what is not owed, what is undetermined, in the words of the public contract."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from models import vocabulary
from models.values import Confidence, Duty, ObligationState, Recipient, Stage
from regimes.schema import DutyRule, MetWhen, PrecedenceRule, Reach
from regimes.severity import Severity


@dataclass(frozen=True, slots=True)
class Obligation:
    """One telling that is owed, or (state undetermined) treated as owed until the missing facts are known."""

    id: str
    regime: str
    duty: Duty
    recipient: Recipient
    authority: str | None
    jurisdiction: str | None
    stage: Stage
    due: datetime | None  # None: the law gives no number, or its clock has not started
    due_safe: datetime | None
    qualifier: str
    met: datetime | None
    late_by: timedelta | None  # against `met`, or against `as_of` while it is open and past due
    held: str | None  # until when law enforcement holds it, or "until cleared"
    voluntary: bool
    clock_from: str
    because: tuple[str, ...]
    citation: str
    checked: date | None
    confidence: Confidence
    state: ObligationState
    missing: tuple[str, ...] = ()
    law_version: str = ""  # schema.Version.id
    authority_slug: str = ""
    derivation: tuple[str, ...] = ()
    reach: Reach = Reach.RESIDENTS
    met_when: MetWhen = MetWhen.RECEIPT
    tolled: bool = False  # a law-enforcement delay may stop it
    waiting: str = ""  # what the clock waits for before it starts
    rule: DutyRule | None = field(default=None, repr=False, compare=False)  # None: a promise

    def covers(self, residence: str) -> bool:
        """Whether a person who lives there is among those that this duty is about."""
        return self.reach is Reach.EVERYONE or covers(self.jurisdiction, residence)

    def as_data(self) -> dict[str, Any]:
        """The keys of the public contract, in its order."""
        data: dict[str, Any] = {
            "id": self.id,
            "regime": self.regime,
            "duty": self.duty.value,
            "recipient": self.recipient.value,
            "authority": self.authority,
            "jurisdiction": self.jurisdiction,
            "stage": self.stage.value,
            "due": _iso(self.due),
            "due_safe": _iso(self.due_safe),
            "qualifier": self.qualifier,
            "met": _iso(self.met),
            "late_by": duration(self.late_by),
            "held": self.held,
            "voluntary": self.voluntary,
            "clock_from": self.clock_from,
            "because": list(self.because),
            "citation": self.citation,
            "checked": self.checked.isoformat() if self.checked else None,
            "confidence": self.confidence.value,
        }
        return data | ({"missing": list(self.missing)} if self.state is ObligationState.UNDETERMINED else {})


@dataclass(frozen=True, slots=True)
class NotOwed:
    regime: str
    duty: Duty
    recipient: Recipient
    jurisdiction: str | None
    stage: Stage
    because: tuple[str, ...]
    authority: str | None = None
    law_version: str = ""
    citation: str = ""
    id: str = ""  # what the obligation's id would be
    rule: DutyRule | None = field(default=None, repr=False, compare=False)

    def as_data(self) -> dict[str, Any]:
        return {
            "regime": self.regime,
            "duty": self.duty.value,
            "recipient": self.recipient.value,
            "jurisdiction": self.jurisdiction,
            "stage": self.stage.value,
            "because": list(self.because),
        }


@dataclass(frozen=True, slots=True)
class Precedence:
    """An order between obligations of one assessment: every `before` must be met when an `after` starts."""

    rule: PrecedenceRule
    regime: str
    before: tuple[str, ...]  # ids
    after: tuple[str, ...]
    broken: bool  # an `after` was met while a `before` was not


@dataclass(frozen=True, slots=True)
class Assessment:
    as_of: datetime
    obligations: tuple[Obligation, ...]
    not_owed: tuple[NotOwed, ...]
    undetermined: tuple[Obligation, ...]
    severity: Severity
    warnings: tuple[str, ...] = ()
    orders: tuple[Precedence, ...] = field(default=())
    not_held: tuple[str, ...] = ()  # regimes tied to these facts of which no version of their day is held

    def all(self) -> tuple[Obligation, ...]:
        """What is owed and what is treated as owed."""
        return self.obligations + self.undetermined

    def refused(self) -> tuple[NotOwed, ...]:
        """What is not owed, without those variants of a duty of which another is owed or undetermined."""
        standing = {entry.id for entry in self.all()}
        return tuple(entry for entry in self.not_owed if entry.id not in standing)

    def as_data(self) -> dict[str, Any]:
        """The public contract of `tocsin assess --json`."""
        return {
            "as_of": self.as_of.isoformat(),
            "obligations": [obligation.as_data() for obligation in self.obligations],
            "not_owed": [entry.as_data() for entry in self.refused()],
            "undetermined": [obligation.as_data() for obligation in self.undetermined],
            "severity": {
                "method": self.severity.method,
                "score": self.severity.score,
                "level": self.severity.level,
            },
        }


def covers(jurisdiction: str | None, residence: str) -> bool:
    """Whether a jurisdiction holds a residence: `US` holds `US-OH`, `EU` holds the EEA states, None holds everybody."""
    return jurisdiction is None or vocabulary.within(jurisdiction, residence)


def duration(span: timedelta | None) -> str | None:
    """ISO 8601: `P44D`, `PT3H20M`, `P1DT2H`."""
    if span is None:
        return None
    hours, rest = divmod(span.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    clock = "".join(f"{n}{unit}" for n, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if n)
    days = f"{span.days}D" if span.days else ""
    return f"P{days}T{clock}" if clock else f"P{days or '0D'}"


def _iso(at: datetime | None) -> str | None:
    return at.replace(microsecond=0).isoformat() if at else None


def by_due(entries: list[Obligation]) -> tuple[Obligation, ...]:
    """Sorted by due time, those without one last."""
    return tuple(sorted(entries, key=lambda o: (o.due is None, o.due.timestamp() if o.due else 0.0, o.id)))
