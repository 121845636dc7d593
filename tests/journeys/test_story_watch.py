"""Alarms before a deadline: once each, whatever restarts in between, and quiet once the duty is met."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flows.steps import watch_deadlines

PEOPLE = "us-hipaa/individuals/US/initial"
# Discovered on Friday 27 February 2026, due on Tuesday 28 April, 23:59:59 in Chicago.
DAYS = [
    (datetime(2026, 3, 20, 12, tzinfo=UTC), []),
    (datetime(2026, 3, 30, 12, tzinfo=UTC), ["50"]),
    (datetime(2026, 4, 10, 12, tzinfo=UTC), []),
    (datetime(2026, 4, 17, 12, tzinfo=UTC), ["80"]),
    (datetime(2026, 4, 26, 12, tzinfo=UTC), ["95"]),
    (datetime(2026, 4, 29, 4, 59, tzinfo=UTC), []),
    (datetime(2026, 4, 29, 5, 0, tzinfo=UTC), ["due"]),
    (datetime(2026, 5, 20, 12, tzinfo=UTC), []),
]


def rung(watched: watch_deadlines.Watched) -> list[str]:
    return [alarm.threshold for alarm in watched.raised if alarm.obligation == PEOPLE]


def small(office: Any) -> None:
    office.declare(office.HIPAA, people={"AQ": 2}, people_detail={"total": 2})


def alarm_mails(office: Any) -> list[list[str]]:
    return [entry["to"] for entry in office.sink.accepted]


def test_each_threshold_rings_once_across_restarts_and_the_person_on_call_gets_a_mail(office: Any) -> None:
    small(office)
    mails = 0
    for moment, expected in DAYS:
        office.at(moment)
        assert rung(watch_deadlines.watch(office.desk)) == expected, moment
        mails += bool(expected)
        office.reopen()
        assert rung(watch_deadlines.watch(office.desk)) == [], f"{moment}: the same moment again"
        assert alarm_mails(office) == [["duty@example.org"]] * mails
    assert PEOPLE in watch_deadlines.watch(office.desk).missed
    assert {row["told"] for row in office.rows("alarm")} == {"Duty lead"}


def test_a_missed_run_is_caught_up_and_the_gravest_is_told(office: Any) -> None:
    small(office)
    office.at(datetime(2026, 4, 27, tzinfo=UTC))
    watched = watch_deadlines.watch(office.desk)
    assert rung(watched) == ["95"]
    obligation = office.rows("obligation", key=PEOPLE)[0]["id"]
    assert {row["threshold"] for row in office.rows("alarm", obligation_id=obligation)} == {"50", "80", "95"}
    assert len(office.sink.accepted) == 1


def test_the_same_due_time_does_not_ring_again_because_its_reasons_were_counted_anew(office: Any) -> None:
    small(office)
    office.at(datetime(2026, 4, 1, tzinfo=UTC))
    assert rung(watch_deadlines.watch(office.desk)) == ["50"]
    data = {**office.HIPAA["data"], "within_organisation_only": False}
    office.declare(office.HIPAA, data=data, people={"AQ": 2}, people_detail={"total": 2})
    assert len(office.rows("obligation", key=PEOPLE)) == 2, "the assessment gives other reasons"
    assert rung(watch_deadlines.watch(office.desk)) == []


def test_an_alarm_whose_mail_failed_is_told_by_the_next_run(office: Any) -> None:
    small(office)
    office.at(datetime(2026, 4, 1, tzinfo=UTC))
    office.environ["TOCSIN_SMTP_URL"] = "smtp://127.0.0.1:9"
    office.reopen()
    watched = watch_deadlines.watch(office.desk)
    assert (rung(watched), watched.told) == (["50"], 0)
    office.environ["TOCSIN_SMTP_URL"] = office.sink.url
    office.reopen()
    watched = watch_deadlines.watch(office.desk)
    assert (rung(watched), watched.told, alarm_mails(office)) == ([], 1, [["duty@example.org"]])
    assert watch_deadlines.watch(office.desk).told == 0


def test_a_duty_that_is_met_is_quiet(office: Any) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(0)])
    office.launch()
    assert office.deadlines()[PEOPLE]["met"] is not None
    office.at(datetime(2026, 4, 30, tzinfo=UTC))
    watched = watch_deadlines.watch(office.desk)
    assert rung(watched) == [] and PEOPLE not in watched.missed


def test_a_watch_without_open_incidents_is_silent(office: Any) -> None:
    assert watch_deadlines.watch(office.desk).counts() == {"raised": 0, "missed": 0, "told": 0}
