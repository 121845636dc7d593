"""Reports to authorities: filled, signed, written, and received by two people."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from flows.steps import file_reports
from models.values import BadInput, NeedsPerson, Refused, Seat

FIRST, ANNUAL = "us-hipaa/regulator/US/initial", "us-hipaa/regulator/US/annual"
LATE = "Who was affected had to be established by hand."
ANSWERS = {
    "filed_by": "covered_entity",
    "entity_type": "provider",
    "associate_involved": "no",
    "breach_type": ["loss"],
    "safeguards": ["privacy", "physical"],
    "actions": ["policies", "training", "physical"],
    "attested_by": "Privacy officer (exercise)",
}


def fill(office: Any, key: str, reasons: str = "", **answers: Any) -> file_reports.ReportState:
    judged = answers or (ANSWERS if file_reports_missing(office, key) else None)
    found = file_reports.prepare_reports(
        office.desk, office.slug, "responder", only=key, late_reasons=reasons, judged=judged
    )
    return found[0]


def file_reports_missing(office: Any, key: str) -> bool:
    return not office.rows("filing", obligation_key=key)


def write(office: Any, key: str) -> file_reports.ReportState:
    return file_reports.write(office.desk, office.slug, key)


def large(office: Any) -> None:
    office.declare(office.HIPAA, people={"AQ": 600}, people_detail={"total": 600})


def test_a_late_report_needs_its_reasons_before_it_can_be_written(office: Any) -> None:
    large(office)
    office.pass_time(days=60)
    assert any("late" in problem for problem in fill(office, FIRST).problems)
    office.sign(f"filing:{FIRST}")
    office.refuses(NeedsPerson, "late and gives no reasons", write, office, FIRST)
    assert fill(office, FIRST, LATE).problems == ()
    office.refuses(NeedsPerson, "two different people", write, office, FIRST)
    office.sign(f"filing:{FIRST}")
    folder = write(office, FIRST).folder
    assert folder is not None and {p.suffix for p in folder.iterdir()} >= {".pdf", ".json"}
    assert LATE in next(folder.glob("*.json")).read_text("utf-8")
    assert office.deadlines()[FIRST]["met"] is None, "a packet is no filing"


def test_a_first_report_due_within_a_day_goes_with_one_legal_or_dpo_signature_and_says_what_is_owed(
    office: Any,
) -> None:
    large(office)
    office.enrol("press", Seat.COMMS)
    due = office.rows("obligation", key=FIRST)[0]["due"]
    office.pass_time(days=10)
    fill(office, FIRST)
    office.sign(f"filing:{FIRST}", "counsel")
    office.refuses(NeedsPerson, "two different people", write, office, FIRST)
    office.pass_time(seconds=(due - office.desk.now()).total_seconds() - 20 * 3600)
    office.refuses(NeedsPerson, "older than 24 hours", write, office, FIRST)
    fill(office, FIRST)
    office.sign(f"filing:{FIRST}", "press")
    office.refuses(NeedsPerson, "two different people", write, office, FIRST)
    office.sign(f"filing:{FIRST}", "officer")
    assert write(office, FIRST).debts == (), "two good signatures owe nothing"


def test_the_second_signature_of_an_urgent_report_is_owed_within_a_day_and_loudly(office: Any) -> None:
    large(office)
    due = office.rows("obligation", key=FIRST)[0]["due"]
    office.pass_time(seconds=(due - office.desk.now()).total_seconds() - 20 * 3600)
    fill(office, FIRST)
    office.sign(f"filing:{FIRST}", "counsel")
    report = write(office, FIRST)
    assert report.folder is not None
    assert len(report.debts) == 1 and "the second, of another person, is owed by" in report.debts[0]
    office.sign(f"filing:{FIRST}", "officer")
    assert write(office, FIRST).debts == ()


def test_a_receipt_is_typed_by_two_people_and_may_come_days_after_the_packet(office: Any) -> None:
    large(office)
    fill(office, FIRST)
    receipt = (office.desk, office.slug, FIRST)
    office.refuses(
        NeedsPerson,
        "two different people",
        file_reports.record_receipt,
        *receipt,
        "OCR-7",
        "counsel",
        office.desk.now(),
    )
    office.sign(f"filing:{FIRST}")
    office.refuses(
        NeedsPerson,
        "its packet is not written yet",
        file_reports.record_receipt,
        *receipt,
        "OCR-7",
        "counsel",
        office.desk.now(),
    )
    write(office, FIRST)
    at = office.desk.now()
    office.pass_time(days=3)
    assert file_reports.record_receipt(*receipt, "OCR-7", "counsel", at) == "typed"
    assert office.deadlines()[FIRST]["met"] is None
    with pytest.raises(Refused, match="another person confirms"):
        file_reports.record_receipt(*receipt, "OCR-7", "counsel", at)
    with pytest.raises(Refused, match="the two receipt numbers differ"):
        file_reports.record_receipt(*receipt, "OCR-8", "officer", at)
    assert file_reports.record_receipt(*receipt, "OCR-7", "officer", at) == "confirmed"
    assert office.deadlines()[FIRST]["met"] == at.isoformat(), "met when the authority took it, not when it was typed"


def written(office: Any) -> tuple[Any, str, str]:
    large(office)
    fill(office, FIRST)
    office.sign(f"filing:{FIRST}")
    write(office, FIRST)
    return office.desk, office.slug, FIRST


def test_both_people_type_the_same_time_at_the_authority_within_what_is_possible(office: Any) -> None:
    receipt, packet = written(office), office.desk.now()
    office.pass_time(days=3)
    at, other = packet + timedelta(days=1), packet + timedelta(days=2)
    for wrong, sentence in (
        (packet - timedelta(seconds=1), "is before the packet was written, at"),
        (office.desk.now() + timedelta(seconds=1), "has not come yet"),
    ):
        with pytest.raises(BadInput, match=sentence):
            file_reports.record_receipt(*receipt, "OCR-7", "counsel", wrong)
    assert file_reports.record_receipt(*receipt, "OCR-7", "counsel", at) == "typed"
    with pytest.raises(Refused, match="the two times at the authority differ"):
        file_reports.record_receipt(*receipt, "OCR-7", "officer", other)
    with pytest.raises(Refused, match="another person confirms"):
        file_reports.record_receipt(*receipt, "OCR-7", " Counsel", at)
    assert file_reports.record_receipt(*receipt, "OCR-7", "officer", at) == "confirmed"
    with pytest.raises(Refused, match="confirmed already"):
        file_reports.record_receipt(*receipt, "OCR-7", "third", at)
    assert office.deadlines()[FIRST]["met"] == at.isoformat()


def test_who_typed_a_receipt_first_may_mend_it_until_it_is_confirmed(office: Any) -> None:
    receipt, at = written(office), office.desk.now()
    office.pass_time(days=3)
    later = at + timedelta(days=1)
    for number, when in (("OCR-8", at), ("OCR-7", at), ("OCR-7", later)):
        assert file_reports.record_receipt(*receipt, number, "counsel", when) == "typed"
    assert (len(office.events("receipt_typed")), len(office.events("receipt_retyped"))) == (1, 2)
    with pytest.raises(Refused, match="the two times at the authority differ"):
        file_reports.record_receipt(*receipt, "OCR-7", "officer", at)
    assert file_reports.record_receipt(*receipt, "OCR-7", "officer", later) == "confirmed"
    assert office.deadlines()[FIRST]["met"] == later.isoformat()
    assert office.verifies()


@pytest.mark.parametrize("body", ["REPLACE(body, 'training', 'tracking')", "'{}'", "'[]'", "'x'"])
def test_answers_that_are_not_those_that_were_signed_are_neither_drafted_nor_written(office: Any, body: str) -> None:
    large(office)
    fill(office, FIRST)
    office.sign(f"filing:{FIRST}")
    office.tamper(f"UPDATE filing SET body = {body}")  # noqa: S608
    for act in (write, lambda o, key: file_reports.draft_packet(o.desk, o.slug, key)):
        office.refuses(Refused, "the stored answers of version 1 are not those of its digest", act, office, FIRST)
    assert not list((office.folder / "home" / "reports").rglob("*.pdf"))
    again = fill(office, FIRST, "", **dict[str, Any](ANSWERS))
    assert (again.version, again.new) == (2, True)
    office.sign(f"filing:{FIRST}")
    assert write(office, FIRST).folder is not None


def test_changed_facts_make_a_new_version_and_void_its_approvals(office: Any) -> None:
    large(office)
    fill(office, FIRST)
    office.sign(f"filing:{FIRST}")
    narrative = {**office.HIPAA["narrative"], "what_happened": "On February 27, 2026 we found that records were gone."}
    office.declare(office.HIPAA, "lister", people={"AQ": 600}, people_detail={"total": 600}, narrative=narrative)
    again = fill(office, FIRST)
    assert (again.version, again.new) == (2, True)
    assert [row["voided_why"] for row in office.rows("approval")] == ["the report was filled anew"] * 2
    office.refuses(NeedsPerson, "two different people must approve this version; 0 did", write, office, FIRST)
    assert [row["superseded_at"] is None for row in sorted(office.rows("filing"), key=lambda r: r["version"])] == [
        False,
        True,
    ]


def test_counts_of_the_ledger_that_move_on_do_not_void_what_is_signed(office: Any) -> None:
    office.declare(office.HIPAA)
    office.scope(
        [office.person(n) for n in range(3)] + [office.person(9, street="", email=office.marked(9, "hardbounce"))]
    )
    fill(office, ANNUAL)
    office.sign(f"filing:{ANNUAL}")
    office.launch()
    assert any(row["source"] == "ledger" for row in office.rows("facts_revision"))
    again = fill(office, ANNUAL)
    assert (again.version, again.new) == (1, False)
    assert write(office, ANNUAL).folder is not None
    assert file_reports.file_all(office.desk, "schedule").packets == 1, "the same packet; nothing is filed by itself"
    assert office.deadlines()[ANNUAL]["met"] is None


def test_a_list_that_changes_the_number_of_people_makes_a_new_version(office: Any) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(n) for n in range(3)])
    fill(office, ANNUAL)
    office.sign(f"filing:{ANNUAL}")
    office.scope([office.person(n) for n in range(4)], author="lister")
    assert fill(office, ANNUAL).version == 2


def test_a_schedule_fills_reports_and_writes_none_that_is_not_signed(office: Any) -> None:
    large(office)
    done = file_reports.file_all(office.desk, "schedule")
    assert FIRST in {report.obligation for report in done.reports}
    assert (done.packets, done.waiting) == (0, len(done.reports))
    assert not list((office.folder / "home" / "reports").rglob("*.pdf"))
