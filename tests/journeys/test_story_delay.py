"""While law enforcement's delay stands nothing goes out to people or the public, nothing is late and no alarm rings."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flows.steps import publish, watch_deadlines
from models.values import Refused

PEOPLE = "us-hipaa/individuals/US/initial"
OPEN = {"form": "written", "from": "2026-02-28"}
AFTER_DUE = datetime(2026, 5, 20, 12, tzinfo=UTC)  # due Tuesday 28 April


def small(office: Any, **changes: Any) -> None:
    office.declare(office.HIPAA, people={"AQ": 3}, people_detail={"total": 3}, **changes)


def ready(office: Any) -> None:
    office.scope([office.person(n) for n in range(3)])
    office.prepare()
    office.sign("wave:1")


def test_a_signed_wave_does_not_start_while_the_delay_is_open(office: Any) -> None:
    small(office, law_enforcement=OPEN)
    ready(office)
    said = f"keeps back {PEOPLE} \\(held: until cleared\\).*\\[law_enforcement\\] cleared"
    office.refuses(Refused, said, office.send, 1)
    assert not office.sink.accepted and office.rows("wave")[0]["launched_at"] is None


def test_a_wave_that_is_under_way_is_refused_once_law_enforcement_asks(office: Any) -> None:
    small(office)
    ready(office)
    office.send(1)
    sent = len(office.sink.accepted)
    small(office, law_enforcement=OPEN)
    office.refuses(Refused, "keeps back", office.send, 1)
    assert len(office.sink.accepted) == sent > 0


def test_a_delay_that_came_too_late_for_the_deadline_still_keeps_notices_back(office: Any) -> None:
    office.at(AFTER_DUE)
    small(office, law_enforcement={"form": "written", "from": "2026-05-10"})
    assert office.deadlines()[PEOPLE]["late_by"] == "P22D"
    ready(office)
    office.refuses(Refused, "keeps back", office.send, 1)


def test_once_cleared_the_wave_goes_out(office: Any) -> None:
    small(office, law_enforcement=OPEN | {"cleared": "2026-03-01T09:00:00Z"})
    office.at(datetime(2026, 3, 20, 12, tzinfo=UTC))
    ready(office)
    office.send(1)
    assert office.sink.accepted


def test_what_is_held_is_neither_late_nor_alarmed_and_is_named_as_held(office: Any) -> None:
    small(office)
    small(office, law_enforcement=OPEN)
    office.at(AFTER_DUE)
    watched = watch_deadlines.watch(office.desk)
    assert PEOPLE not in watched.missed and PEOPLE not in {alarm.obligation for alarm in watched.raised}
    shown = office.deadlines()[PEOPLE]
    assert (shown["late_by"], shown["held"]) == (None, "until cleared")
    assert f"Held until law enforcement clears it: {PEOPLE}" in office.status()["next_action"]
    assert "Overdue" not in office.status()["next_action"]


def test_cleared_it_is_late_again_from_the_day_of_clearance(office: Any) -> None:
    small(office, law_enforcement=OPEN)
    office.at(AFTER_DUE)
    small(office, law_enforcement=OPEN | {"cleared": "2026-05-18T12:00:00-05:00"})
    assert office.deadlines()[PEOPLE]["late_by"] is not None
    assert PEOPLE in watch_deadlines.watch(office.desk).missed


def test_the_public_notice_waits_too(office: Any) -> None:
    office.declare(office.HIPAA)
    lost = [office.person(100 + n, **office.NOWHERE) for n in range(10)]
    office.scope([*(office.person(n) for n in range(3)), *lost])
    office.launch()
    office.declare(office.HIPAA, law_enforcement=OPEN)
    office.refuses(Refused, "keeps back", publish.publish, office.desk, office.slug, "lead")
    assert not office.events("public_published")
