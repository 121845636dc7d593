"""Words that nobody has read yet do not go out."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

from flows.steps import file_reports, findings, prepare_notices, statements, status
from flows.steps.desk import find_incident
from flows.steps.preview import newest_wave
from flows.steps.samples import samples
from models.values import BadInput, Mode, NeedsPerson, Refused
from planning.claims import Claim, Kind, Statement


def reviews(office: Any) -> set[tuple[str, str]]:
    """Language and severity of what the newest wave's wordings say about their review."""
    wave = office.prepare()
    segments = office.rows("segment")
    rows = [row for row in office.rows("wording") if row["id"] in {s["wording_id"] for s in segments}]
    assert wave.wordings == len(rows)
    found = {
        (row["language"], f["severity"])
        for row in rows
        for f in json.loads(row["findings"])
        if f["element"] == "review"
    }
    return found


def test_a_machine_translation_stops_a_live_wave_until_a_named_reviewer_has_read_it(office: Any) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(0), office.person(1, language="zh-Hans")])
    assert reviews(office) == {("zh-Hans", "warning")}, "an exercise goes on, and says so"

    office.desk.settings = replace(office.desk.settings, mode=Mode.LIVE)
    assert reviews(office) == {("zh-Hans", "error")}
    office.refuses(Refused, "the linter finds", office.sign, f"wave:{office.prepare().wave}")

    office.profile("[retention]", '[reviewed]\nzh-Hans = "Lin Example, 2026-03-01"\n\n[retention]')
    assert reviews(office) == set()


def test_a_name_that_no_font_can_print_is_named_before_anybody_approves(office: Any) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(0, name="Alex \U000130b8 Example", email=""), office.person(1)])
    assert office.prepare().unprintable == ("U+130B8",)


HEDGED = {"what_happened": "Out of an abundance of caution we tell you that files may have been copied."}


def warnings(office: Any) -> dict[str, str]:
    """Id -> element of the newest wave's warnings."""
    with office.desk.db.read() as session:
        wave = newest_wave(session, find_incident(session, office.slug))
        found = findings.findings(session, wave)
    return {f["id"]: f["element"] for _, f in found if f["severity"] == "warning" and not f.get("overridden_by")}


def hedged(office: Any) -> None:
    office.declare(office.HIPAA, narrative=office.HIPAA["narrative"] | HEDGED)
    office.scope([office.person(0), office.person(1)])


def test_a_warning_of_a_live_wave_waits_for_a_named_person_with_a_reason(office: Any, monkeypatch: Any) -> None:
    hedged(office)
    before = office.prepare()
    monkeypatch.setattr(findings, "_live", lambda session: True)
    office.refuses(NeedsPerson, "warnings stand", office.sign, "wave:1")
    for name in warnings(office):
        made = findings.override(office.desk, office.slug, name, "counsel", "the laboratory has not answered yet")
    assert warnings(office) == {}
    assert made["digest"] != before.digest, "what was answered for is part of what is signed"
    office.sign("wave:1")
    (event,) = [e for e in office.events("wording_overridden") if e["body"]["finding"] == made["id"]]
    assert event["body"]["by"] == "counsel" and "laboratory" in event["body"]["reason"]


def test_one_answer_covers_the_text_and_the_html_and_a_new_draft_names_the_answers_it_drops(office: Any) -> None:
    hedged(office)
    office.prepare()
    with office.desk.db.read() as session:
        wave = newest_wave(session, find_incident(session, office.slug))
        places = [(f["id"], f["where"]) for _, f in findings.findings(session, wave) if f["element"] == "hedging"]
    name = next(name for name, where in places if where == "email html")
    assert (name, "email text") in places
    findings.override(office.desk, office.slug, name, "counsel", "looked at")
    assert name not in warnings(office)
    (dropped,) = office.prepare().dropped
    assert dropped == f"{name} (hedging, counsel)"
    assert name in warnings(office) and office.prepare().dropped == ()


def test_an_override_strikes_out_the_approvals_that_were_given_without_it(office: Any) -> None:
    hedged(office)
    office.prepare()
    office.sign("wave:1")
    made = findings.override(office.desk, office.slug, next(iter(warnings(office))), "counsel", "looked at")
    assert made["void"] == 2
    office.refuses(NeedsPerson, "can't start", office.send)
    office.sign("wave:1")
    office.send()
    assert len(office.sink.accepted) == 2


def test_an_error_is_never_overridden_and_a_reason_is_demanded(office: Any) -> None:
    office.declare(
        office.HIPAA,
        data=office.HIPAA["data"] | {"encrypted": False},
        narrative=office.HIPAA["narrative"] | {"what_happened": "A stranger copied files. The files were encrypted."},
    )
    office.scope([office.person(0)])
    assert office.prepare().errors > 0
    with office.desk.db.read() as session:
        wave = newest_wave(session, find_incident(session, office.slug))
        error = next(f for _, f in findings.findings(session, wave) if f["severity"] == "error")
    assert error["element"] == "contradiction" and "data.encrypted" in error["remedy"]
    office.refuses(
        Refused, "never overridden", findings.override, office.desk, office.slug, error["id"], "counsel", "x"
    )
    office.refuses(BadInput, "--reason", findings.override, office.desk, office.slug, error["id"], "counsel", " ")
    office.refuses(BadInput, "is no finding", findings.override, office.desk, office.slug, "ffff", "counsel", "x")
    office.refuses(Refused, "the linter finds", office.sign, "wave:1")


def test_words_that_one_language_lacks_hold_back_its_readers_only(office: Any) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(0), office.person(1), office.person(2, language="zh-Hans")])
    first = prepare_notices.prepare(office.desk, office.slug, "responder", only=("en",))
    assert (first.people, first.held_back) == (2, {"zh-Hans": 1})
    assert status.status(office.desk, office.slug)["without_notice"] == {"zh-Hans": 1}
    office.sign("wave:1")
    office.send(1)
    state = status.status(office.desk, office.slug)["people"]
    assert (state["told"], state["open"]) == (2, 1), "who is held back is open, never told"

    second = prepare_notices.prepare(office.desk, office.slug, "responder")
    assert (second.people, second.held_back) == (1, {})
    assert status.status(office.desk, office.slug)["without_notice"] == {}


def test_a_language_without_words_or_readers_is_named(office: Any) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(0)])
    act = prepare_notices.prepare
    office.refuses(BadInput, "--language 'xx'", lambda: act(office.desk, office.slug, "responder", only=("xx",)))
    office.refuses(NeedsPerson, "is written in de", lambda: act(office.desk, office.slug, "responder", only=("de",)))


REPORT = "us-hipaa/regulator/US/initial"


def test_what_somebody_types_into_a_report_is_held_against_the_facts(office: Any) -> None:
    office.declare(office.HIPAA, people={"AQ": 600}, people_detail={"total": 600})

    def fill(**answers: str) -> tuple[str, ...]:
        made = file_reports.prepare_reports(office.desk, office.slug, "responder", only=REPORT, judged=answers)
        return made[0].problems

    assert not any("contradict" in p or "encrypted" in p for p in fill(attested_by="Privacy officer (exercise)"))
    wrong = fill(attested_by="Privacy officer. The records were encrypted. Fewer than 500 people are concerned.")
    assert len([p for p in wrong if p.startswith("attested_by: ")]) == 2
    assert any("data.encrypted is false" in p for p in wrong)


def test_a_notice_that_a_posted_page_contradicts_is_warned_of(office: Any) -> None:
    page = Statement("page version 1 in en", (Claim(Kind.DISCOVERED, "We discovered it.", day=date(2026, 1, 1)),))
    office.declare(office.HIPAA)
    office.scope([office.person(0)])
    office.prepare()
    with office.desk.db.read() as session:
        wave = newest_wave(session, find_incident(session, office.slug))
        (email,) = [s for s in samples(session, wave) if s.channel == "email"]
    (found,) = statements.against(email.wording, [page], "email text", None)
    assert found.severity == "warning" and "2026-01-01" in found.remedy and "page version 1" in found.remedy


def test_hours_in_another_language_than_the_text_are_a_warning_until_the_profile_says_them_in_it(office: Any) -> None:
    office.declare(office.HIPAA)
    office.scope([office.person(0), office.person(1, language="zh-Hans")])
    office.profile("[dpo]", 'hours = "Monday to Friday"\n[dpo]')
    office.prepare()
    assert "contact_hours" in warnings(office).values()
    office.profile("[dpo]", '[in_language.zh-Hans]\nhours = "周一至周五"\n\n[dpo]')
    office.prepare()
    assert "contact_hours" not in warnings(office).values()
