"""Tellings after now don't count, impossible times and counts are named, and a late delay wipes no lateness."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.facts import parse_facts
from regimes.assess import assess, delayed
from regimes.obligations import Obligation

AS_OF = datetime(2026, 6, 1, 12, tzinfo=UTC)
CALIFORNIA: dict[str, Any] = {
    "organisation": {"name": "X", "country": "US", "sectors": ["general"], "timezone": "America/Los_Angeles"},
    "times": {"occurred_from": "2026-03-01", "discovered": "2026-03-20"},
    "data": {"elements": ["name", "ssn"], "encrypted": False, "acquired": True, "accessed": True},
    "people": {"US-CA": 600},
}
PEOPLE = "us-ca/individuals/US-CA/initial"


def found(facts: dict[str, Any], key: str = PEOPLE, as_of: datetime = AS_OF) -> Obligation:
    return next(o for o in assess(parse_facts(facts, "f"), as_of).all() if o.id == key)


def row(at: str) -> dict[str, Any]:
    return {"submission": [{"regime": "us-ca", "duty": "individuals", "stage": "initial", "at": at}]}


FUTURE: list[tuple[dict[str, Any], str]] = [
    (row("2026-06-02"), "submission 1 (us-ca individuals) is after now"),
    (row("2030-01-01T00:00:00Z"), "submission 1 (us-ca individuals) is after now"),
    ({"times": CALIFORNIA["times"] | {"individuals_notified": "2026-06-10"}}, "individuals_notified is after now"),
]


@pytest.mark.parametrize(("changes", "sentence"), FUTURE)
def test_what_is_told_after_now_does_not_count_and_is_named(changes: dict[str, Any], sentence: str) -> None:
    entry = found(CALIFORNIA | changes)
    assert (entry.met, entry.late_by) == (None, found(CALIFORNIA).late_by) and entry.late_by is not None
    assert any(sentence in said for said in assess(parse_facts(CALIFORNIA | changes, "f"), AS_OF).warnings)


def test_what_is_told_today_counts() -> None:
    assert found(CALIFORNIA | row("2026-06-01")).met is not None


TIMES = CALIFORNIA["times"]
SLIPS: list[tuple[dict[str, Any], str]] = [
    ({"law_enforcement": {"from": "2026-04-10", "until": "2026-04-01"}}, "law_enforcement.from is after"),
    ({"times": TIMES | {"individuals_notified": "2026-03-10"}}, "times.discovered is after times.individuals_notified"),
    ({"times": TIMES | {"aware": "2026-02-01"}}, "times.occurred_from is after times.aware"),
    ({"people_detail": {"total": 600, "deceased": 601}}, "people_detail.deceased says 601, more than"),
    ({"law_enforcement": {"form": "written", "from": "2026-04-10", "cleared": True}}, "cleared gives no time"),
]


@pytest.mark.parametrize(("changes", "sentence"), SLIPS)
def test_what_cant_be_true_is_named(changes: dict[str, Any], sentence: str) -> None:
    said = assess(parse_facts(CALIFORNIA | changes, "f"), AS_OF).warnings
    assert [one for one in said if sentence in one], said


def test_sound_facts_are_not_warned_of() -> None:
    sound = CALIFORNIA | {
        "times": TIMES | {"occurred_until": "2026-03-01", "aware": "2026-03-20", "individuals_notified": "2026-03-20"},
        "people_detail": {"total": 600, "deceased": 600},
        "law_enforcement": {"form": "written", "from": "2026-04-10", "until": "2026-04-10"},
    }
    said = assess(parse_facts(sound, "f"), AS_OF).warnings
    assert not [one for one in said if "is after" in one or "more than people_detail" in one]


# due on Sunday 19 April 2026, 30 days after 20 March
HOLDS: list[tuple[dict[str, Any], bool, bool]] = [  # the delay; whether the clock is held; whether notices wait
    ({"form": "written", "from": "2026-04-01"}, True, True),
    ({"form": "written", "from": "2026-05-10"}, False, True),
    ({"form": "written", "from": "2026-04-01", "cleared": "2026-05-01T00:00:00Z"}, False, False),
    ({"form": "written", "from": "2026-04-01", "cleared": True}, False, False),
]


@pytest.mark.parametrize(("delay", "held", "waits"), HOLDS)
def test_a_delay_after_the_deadline_wipes_no_lateness_and_yet_keeps_notices_back(
    delay: dict[str, Any], held: bool, waits: bool
) -> None:
    entry = found(CALIFORNIA | {"law_enforcement": delay})
    assert (entry.held is not None, entry.late_by is None) == (held, held)
    facts = parse_facts(CALIFORNIA | {"law_enforcement": delay}, "f")
    assert (delayed(entry, facts, AS_OF) is not None) is waits


DORA: dict[str, Any] = {
    "organisation": {
        "name": "X",
        "country": "DE",
        "role": "controller",
        "sectors": ["dora_entity"],
        "timezone": "Europe/Berlin",
    },
    "times": {"aware": "2026-01-27T20:00:00+01:00", "classified": "2026-01-27T20:30:00+01:00"},
    "data": {"elements": ["name"]},
    "people": {"DE": 600},
    "risk": {"significant_incident": True},
    "submission": [
        {"regime": "eu-dora", "duty": "regulator", "stage": "intermediate", "at": "2026-01-31T10:00:00+01:00"}
    ],
}
# A month after the intermediate report is Saturday 28 February: the final report is due at noon of Monday 2 March.
LATE = [("2026-03-02T12:00:00+01:00", None), ("2026-03-02T15:00:00+01:00", 3), ("2026-03-03T13:00:00+01:00", 25)]


@pytest.mark.parametrize(("as_of", "hours"), LATE)
def test_after_a_roll_to_noon_hours_late_are_hours(as_of: str, hours: int | None) -> None:
    entry = found(DORA, "eu-dora/regulator/DE/final", datetime.fromisoformat(as_of))
    assert entry.due == datetime.fromisoformat("2026-03-02T12:00:00+01:00")
    assert entry.late_by == (timedelta(hours=hours) if hours else None)
