"""What rests on a judgement is on record with its reasons and two people's signatures, or it is asked for."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from console.cli.judging import judgements
from flows.steps import erase, file_reports, judge, watch_deadlines
from models.values import BadInput, NeedsPerson, Refused, Seat, sha256
from planning.release import statement

GERMAN: dict[str, Any] = {"country": "DE", "timezone": "Europe/Berlin", "sectors": ["general"], "role": "controller"}
EMAIL: dict[str, Any] = {
    "elements": ["name", "email"],
    "nature": ["confidentiality"],
    "medium": "electronic",
    "encrypted": False,
    "accessed": True,
}
FACTORS = {
    "gdpr_risk": {"likelihood": "A trusted recipient deleted it.", "severity": "A name and an address at work."},
    "hipaa_low_probability": {
        "nature_and_extent": "Names and dates of visits, no diagnosis.",
        "unauthorized_person": "Another clinic, bound by the same rule.",
        "acquired_or_viewed": "The envelope came back unopened.",
        "mitigation": "The other clinic confirmed in writing.",
    },
    "not_to_notify": {"ground": "GDPR Art 34(3)(b): measures taken afterwards."},
}


def german(office: Any, slug: str = "shop-de", **risk: Any) -> None:
    """A breach in Germany whose risk somebody called unlikely."""
    facts = {**office.HIPAA, "id": slug, "organisation": GERMAN, "data": EMAIL, "people": {"DE": 12}}
    office.declare({**facts, "risk": {"gdpr": "unlikely", **risk}})


def clinic(office: Any, **changes: Any) -> None:
    office.declare({**office.HIPAA, "people": {"AQ": 3}, "risk": {"harm_unlikely": True}, **changes})


def written(office: Any, kind: str, **changes: Any) -> Path:
    """The file of a judgement. `factors` replace those that are usual for the kind."""
    data = {"kind": kind, "reasons": "We looked into it and found no harm.", **changes}
    factors = data.pop("factors", FACTORS.get(kind, {}))
    lines = [f"{key} = {value!r}" for key, value in data.items()]
    lines += ["[factors]", *(f"{key} = {value!r}" for key, value in factors.items())] if factors else []
    path: Path = office.folder / "judgement.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def record(office: Any, kind: str, **changes: Any) -> Any:
    return judge.record(office.desk, office.slug, written(office, kind, **changes), "responder")


def unrecorded(office: Any) -> dict[str, list[str]]:
    return {one["id"]: one["facts"] for one in office.status()["not_recorded"]}


RISK = ["risk.gdpr"]
BOTH = {"eu-gdpr/regulator/DE/initial": RISK, "eu-gdpr/individuals/EU/initial": RISK}


def test_a_risk_that_is_called_unlikely_is_asked_for_until_two_people_have_signed_why(office: Any) -> None:
    german(office)
    assert unrecorded(office) == BOTH
    found = record(office, "gdpr_risk")
    assert (found.number, found.outcome, set(found.obligations)) == (1, "risk.gdpr is unlikely", set(BOTH))
    assert unrecorded(office) == BOTH
    office.sign("judgement:1", "counsel")
    assert unrecorded(office) == BOTH
    assert "two different people must approve this version; 1 did" in office.status()["judgements"][0]["problems"]
    office.sign("judgement:1", "officer")
    (stands,) = office.status()["judgements"]
    assert unrecorded(office) == {} and stands["counts"] and not stands["problems"]
    assert (stands["reasons"], stands["factors"]) == ("We looked into it and found no harm.", FACTORS["gdpr_risk"])
    assert [a["person"] for a in stands["approvals"]] == ["counsel", "officer"]
    assert office.verifies()


def sixth_seats(office: Any) -> None:
    for name, seat in (("press", Seat.COMMS), ("lead", Seat.LEAD)):
        office.enrol(name, seat)
    office.sign("judgement:1", "press", "lead")


def the_writer_signs(office: Any) -> None:
    office.enrol("responder", Seat.LEAD)
    office.sign("judgement:1", "counsel")
    office.refuses(Refused, "responder prepared this or edited facts", office.sign, "judgement:1", "responder")


def forged(office: Any) -> None:
    office.sign("judgement:1", "counsel", "officer")
    office.tamper("UPDATE approval SET signature = :s WHERE subject_kind = 'judgement'", s="00" * 64)


WANTING = [
    ("one-seat", sixth_seats, "one of those who approve must sit as legal or dpo"),
    ("writer", the_writer_signs, "two different people must approve this version; 1 did"),
    ("forged", forged, "its signature does not verify"),
]


def test_a_judgement_without_good_signatures_does_not_count(office: Any) -> None:
    for slug, given, why in WANTING:
        german(office, slug)
        record(office, "gdpr_risk")
        given(office)
        (stands,) = office.status()["judgements"]
        assert not stands["counts"] and any(why in said for said in stands["problems"]), (slug, stands["problems"])
        assert unrecorded(office) == BOTH


REVISED = [
    ("data", {"data": {**EMAIL, "elements": ["name", "email", "ssn"]}}, "data.elements"),
    ("people", {"people": {"DE": 13}}, "people.DE"),
    ("risk", {"risk": {"gdpr": "risk"}}, "risk.gdpr"),
]


@pytest.mark.parametrize(("slug", "changes", "key"), REVISED)
def test_a_judgement_lapses_loudly_when_what_it_rests_on_is_stated_otherwise(
    office: Any, slug: str, changes: dict[str, Any], key: str
) -> None:
    german(office, slug)
    record(office, "gdpr_risk")
    office.sign("judgement:1")
    facts = {**office.HIPAA, "id": slug, "organisation": GERMAN, "data": EMAIL, "people": {"DE": 12}}
    told = office.declare({**facts, "risk": {"gdpr": "unlikely"}, **changes})
    assert told.warnings[0] == f"judgement 1 lapsed: the facts now say otherwise on {key}; record it anew"
    (stands,) = office.status()["judgements"]
    assert stands["ended"] == f"lapsed: the facts now say otherwise on {key}" and not stands["counts"]
    assert [e["body"]["why"] for e in office.events("judgement_ended")] == [stands["ended"]]
    assert all(a["voided"] for a in stands["approvals"])
    assert "eu-gdpr/individuals/EU/initial" in unrecorded(office)
    office.refuses(Refused, "judgement 1 lapsed or was withdrawn", office.sign, "judgement:1", "counsel")
    assert record(office, "gdpr_risk").number == 2


def test_other_facts_may_change_and_the_judgement_stands(office: Any) -> None:
    german(office)
    record(office, "gdpr_risk")
    office.sign("judgement:1")
    german(office, reasons="Written more plainly.")
    assert office.status()["judgements"][0]["counts"] and unrecorded(office) == {}


def test_hipaa_accepts_only_the_four_factors_each_in_a_text_of_its_own(office: Any) -> None:
    clinic(office)
    own = {"us-hipaa/individuals/US/initial", "us-hipaa/regulator/US/annual"}
    assert own <= unrecorded(office).keys()
    record(office, "general", facts=["risk.harm_unlikely"])
    office.sign("judgement:1")
    assert own <= unrecorded(office).keys()
    three = {key: text for key, text in FACTORS["hipaa_low_probability"].items() if key != "mitigation"}
    office.refuses(BadInput, r"factors.mitigation \(\(iv\)", record, office, "hipaa_low_probability", factors=three)
    assert set(record(office, "hipaa_low_probability").obligations) >= own
    office.sign("judgement:2")
    assert unrecorded(office) == {}


HIPAA_PEOPLE = "us-hipaa/individuals/US/initial"
HIPAA_LOG = "us-hipaa/regulator/US/annual"


def test_a_decision_not_to_tell_takes_the_duty_off_the_clock_and_says_who_decided_and_why(office: Any) -> None:
    clinic(office, risk={"harm_unlikely": False})
    office.pass_time(days=90)
    assert watch_deadlines.watch(office.desk).missed == [HIPAA_PEOPLE]
    record(office, "not_to_notify", obligations=[HIPAA_PEOPLE])
    assert watch_deadlines.watch(office.desk).missed == [HIPAA_PEOPLE]
    office.sign("judgement:1")
    shown = office.deadlines()[HIPAA_PEOPLE]
    assert (shown["state"], shown["late_by"]) == ("decided_not_to_notify", None)
    assert shown["decision"] == {
        "judgement": 1,
        "reasons": "We looked into it and found no harm.",
        "factors": FACTORS["not_to_notify"],
        "signed": ["counsel", "officer"],
    }
    assert watch_deadlines.watch(office.desk).missed == []
    assert HIPAA_PEOPLE not in office.status()["next_action"]
    office.refuses(
        NeedsPerson, f"1 obligation is not met \\({HIPAA_LOG} first\\)", erase.close, office.desk, office.slug, "lead"
    )


def test_people_whom_only_a_decided_duty_is_about_get_no_notice_and_do_not_keep_the_incident_open(office: Any) -> None:
    clinic(office, risk={"harm_unlikely": False})
    office.scope([office.person(n) for n in range(3)])
    for number, key in enumerate((HIPAA_PEOPLE, HIPAA_LOG), 1):
        record(office, "not_to_notify", obligations=[key])
        office.sign(f"judgement:{number}")
    assert office.status()["next_action"] == "2 duties: decided not to tell (by counsel and officer)."
    office.refuses(NeedsPerson, "it was decided not to tell them", office.prepare)
    assert office.rows("notice") == []
    assert file_reports.prepare_reports(office.desk, office.slug, "lead") == []
    erase.close(office.desk, office.slug, "lead")
    assert office.status()["closed"] and office.verifies()


def test_an_incident_that_rests_on_an_unrecorded_judgement_closes_only_with_a_reason(office: Any) -> None:
    clinic(office)
    said = "duties are not owed only by a judgement that is not recorded"
    office.refuses(NeedsPerson, said, erase.close, office.desk, office.slug, "lead")
    record(office, "hipaa_low_probability")
    office.sign("judgement:1")
    erase.close(office.desk, office.slug, "lead")
    assert office.status()["closed"]


def test_withdrawn_it_is_owed_again_and_the_record_says_who_had_signed(
    office: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    clinic(office, risk={"harm_unlikely": False})
    record(office, "not_to_notify", obligations=[HIPAA_PEOPLE])
    office.sign("judgement:1")
    office.refuses(BadInput, "--reason", judge.withdraw, office.desk, office.slug, 1, " ", "lead")
    judge.withdraw(office.desk, office.slug, 1, "A patient was defrauded.", "lead")
    assert office.deadlines()[HIPAA_PEOPLE]["state"] == "owed"
    (ended,) = office.status()["judgements"]
    assert ended["ended"] == "withdrawn by lead: A patient was defrauded."
    assert office.events("judgement_ended")[0]["body"]["had_signed"] == ["counsel", "officer"]
    judgements([ended])
    assert "had been signed by counsel, officer" in " ".join(capsys.readouterr().out.split())


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("gdpr_risc", {}, 'kind: "gdpr_risc" is no kind of judgement. Did you mean "gdpr_risk"?'),
    ("gdpr_risk", {}, "risk.gdpr is not stated"),
    ("hipaa_low_probability", {"reasons": "  "}, "reasons: is empty"),
    ("hipaa_low_probability", {"obligations": [HIPAA_PEOPLE]}, "do not go with hipaa_low_probability"),
    ("hipaa_low_probability", {"factors": {"nature": "x"}}, '"nature" is no factor of hipaa_low_probability'),
    ("general", {"facts": ["risk.significant_harm"]}, "risk.significant_harm is not stated"),
    ("not_to_notify", {}, "obligations: is empty"),
    ("not_to_notify", {"obligations": ["us-hipaa/individuals/US/intial"]}, f'Did you mean "{HIPAA_PEOPLE}"'),
    ("general", {"outcome": "none"}, 'key "outcome" is unknown'),
]


def test_a_judgement_that_lacks_its_ground_is_refused_and_names_the_key(office: Any) -> None:
    clinic(office, risk={"harm_unlikely": False})
    for kind, changes, sentence in REFUSED:
        with pytest.raises(BadInput) as error:
            record(office, kind, **changes)
        assert sentence in str(error.value), (kind, changes, str(error.value))
    assert office.rows("judgement") == []


REGISTER = "eu-gdpr/register/EU/initial"


def test_a_draft_not_to_tell_decides_nothing_by_itself_and_leaves_registers_out(office: Any) -> None:
    german(office, gdpr="high")
    text = judge.draft(office.desk, office.slug, "not_to_notify")
    assert tomllib.loads(text)["obligations"] == []
    people, offices = text.split("# to an authority")
    assert '# "eu-gdpr/individuals/EU/initial"' in people and '# "eu-gdpr/regulator/DE/initial"' in offices
    assert "register" not in text


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ([REGISTER], "A register is kept in any case"),
        (["eu-gdpr/individuals/EU/initial", "eu-gdpr/regulator/DE/initial"], "Each has a ground of its own"),
    ],
)
def test_a_decision_not_to_tell_is_about_one_ground_and_about_no_register(
    office: Any, keys: list[str], sentence: str
) -> None:
    german(office, gdpr="high")
    office.refuses(BadInput, sentence, record, office, "not_to_notify", obligations=keys)


def test_a_draft_names_the_factors_and_what_it_would_cover(office: Any) -> None:
    german(office)
    text = judge.draft(office.desk, office.slug, "gdpr_risk")
    assert "likelihood = " in text and "severity = " in text and "eu-gdpr/regulator/DE/initial" in text
    path = office.folder / "filled.toml"
    path.write_text(text.replace('"""\n"""', '"""\nWe are sure of it.\n"""'), encoding="utf-8")
    assert judge.record(office.desk, office.slug, path, "responder").factors["severity"] == "We are sure of it."


def test_what_is_signed_is_the_digest_of_all_of_it_and_the_row_can_never_be_changed(office: Any) -> None:
    german(office)
    found = record(office, "gdpr_risk")
    assert found.digest.encode() in statement("judgement", found.id, found.digest)
    (event,) = office.events("judgement_recorded")
    assert event["body"]["digest"] == found.digest == sha256(office.status()["judgements"][0]["signed"])
    assert "no harm" not in str(event["body"]) and event["body"]["judged"]["about"] == {"risk.gdpr": "unlikely"}
    for change in ("UPDATE judgement SET body = '{}'", "DELETE FROM judgement"):
        with pytest.raises(Exception, match="rows of judgement are only ever inserted"):
            office.tamper(change)


def test_the_register_says_on_which_ground_nobody_was_told(office: Any) -> None:
    german(office)
    record(office, "gdpr_risk")
    office.sign("judgement:1")
    (report,) = file_reports.prepare_reports(office.desk, office.slug, "lead", only="eu-gdpr/register/EU/initial")
    (filing,) = office.rows("filing", obligation_key=report.obligation)
    assert "risk.gdpr is unlikely: We looked into it" in filing["body"]


def test_a_judgement_that_was_rewritten_behind_our_back_counts_for_nothing(office: Any) -> None:
    german(office)
    record(office, "gdpr_risk")
    office.sign("judgement:1")
    guard = {"sqlite": "judgement_no_update", "postgresql": "judgement_kept ON judgement"}
    office.tamper(f"DROP TRIGGER {guard[office.desk.db.dialect]}")
    office.tamper("UPDATE judgement SET body = replace(body, 'no harm', 'no data')")
    (stands,) = office.status()["judgements"]
    assert not stands["counts"] and any("given for another version" in why for why in stands["problems"])
    assert unrecorded(office) == BOTH
