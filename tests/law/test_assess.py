"""The contract of `assess`: its words, its lateness, its substitutes, and what must hold for any facts."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from console.cli.law import assess_command, law_list, law_show
from console.cli.law_check import law_check
from models.facts import Facts, load_facts, parse_facts
from models.values import BadInput
from regimes.assess import assess, covers
from regimes.conditions import Truth, evaluate
from regimes.load import instruments
from regimes.obligations import duration
from regimes.severity import severity

EXAMPLES = Path(__file__).parents[2] / "examples"
S1 = EXAMPLES / "presence-health" / "incident.toml"
MASS = EXAMPLES / "mass-case" / "incident.toml"
AS_OF = "2014-03-01T09:00:00-06:00"
KEYS = [
    *("id", "regime", "duty", "recipient", "authority", "jurisdiction", "stage", "due", "due_safe", "qualifier", "met"),
    *("late_by", "held", "voluntary", "clock_from", "because", "citation", "checked", "confidence"),
]


def _assess(facts: Facts, as_of: str = AS_OF) -> Any:
    return assess(facts, datetime.fromisoformat(as_of))


def test_presence_health_owes_three_tellings_all_due_on_the_21st_of_december() -> None:
    data = assess_command(S1, AS_OF, as_json=True)
    assert isinstance(data, dict)
    assert {o["id"]: (o["due"], o["met"][:10], o["late_by"]) for o in data["obligations"]} == {
        "us-hipaa/individuals/US/initial": ("2013-12-21T23:59:59-06:00", "2014-02-03", "P44D"),
        "us-hipaa/regulator/US/initial": ("2013-12-21T23:59:59-06:00", "2014-01-31", "P41D"),
        "us-hipaa/media/US-IL/initial": ("2013-12-21T23:59:59-06:00", "2014-02-05", "P46D"),
    }
    assert data["undetermined"] == []


def test_the_json_has_the_keys_of_the_contract_in_their_order() -> None:
    data = assess_command(MASS, "2026-11-18T09:00:00-05:00", as_json=True)
    assert isinstance(data, dict)
    assert json.loads(json.dumps(data)) == data
    assert list(data) == ["as_of", "obligations", "not_owed", "undetermined", "severity", "near"]
    assert data["as_of"] == "2026-11-18T09:00:00-05:00"
    assert data["obligations"] and data["undetermined"] and data["not_owed"]
    assert all(list(entry) == KEYS for entry in data["obligations"])
    assert all(list(entry) == [*KEYS, "missing"] for entry in data["undetermined"])
    assert all(
        list(entry) == ["regime", "duty", "recipient", "jurisdiction", "stage", "because"] for entry in data["not_owed"]
    )
    assert list(data["severity"]) == ["method", "score", "level"]


def test_the_same_day_before_anybody_was_told_nothing_is_met_and_the_lateness_grows() -> None:
    facts = load_facts(S1)
    data = facts.as_data() | {"submission": []}
    before, after = (
        _assess(parse_facts(data, "s1"), at) for at in ("2013-12-20T12:00:00-06:00", "2013-12-24T12:00:00-06:00")
    )
    assert [(o.met, o.late_by) for o in before.obligations] == [(None, None)] * 3
    assert [o.late_by for o in after.obligations] == [timedelta(days=3)] * 3


def test_480_declared_and_501_listed_make_the_media_duty_appear() -> None:
    declared = load_facts(S1).revised({"people.US-IL": 480, "people_detail.total": 480}, "declared")
    listed = declared.revised({"people.US-IL": 501, "people_detail.total": 501}, "list:people.csv")
    assert "us-hipaa/media/US-IL/initial" not in {o.id for o in _assess(declared).obligations}
    media = next(o for o in _assess(listed).obligations if o.duty == "media")
    assert media.because[0] == "501 residents of US-IL are more than 500"


SUBSTITUTE = [
    ("us-hipaa", "hipaa-fewer-than-10", 0, Truth.FALSE),
    ("us-hipaa", "hipaa-fewer-than-10", 1, Truth.TRUE),
    ("us-hipaa", "hipaa-fewer-than-10", 9, Truth.TRUE),
    ("us-hipaa", "hipaa-fewer-than-10", 10, Truth.FALSE),
    ("us-hipaa", "hipaa-10-or-more", 9, Truth.FALSE),
    ("us-hipaa", "hipaa-10-or-more", 10, Truth.TRUE),
    ("us-hipaa", "hipaa-10-or-more", 11, Truth.TRUE),
    ("eu-gdpr", "gdpr-34-3-c", 0, Truth.FALSE),
    ("eu-gdpr", "gdpr-34-3-c", 1, Truth.TRUE),
]


@pytest.mark.parametrize(("regime", "tier", "unreachable", "truth"), SUBSTITUTE)
def test_the_tenth_unreachable_person_makes_substitute_notice_owed(
    regime: str, tier: str, unreachable: int, truth: Truth
) -> None:
    facts = load_facts(S1).revised({"people_detail.insufficient_contact": unreachable}, "ledger")
    tiers = {found.id: found for found in instruments()[regime].versions[-1].substitute}
    assert evaluate(tiers[tier].when, facts, "US").truth is truth


STATES = [
    ("us-ca", "notice_cost", 250_000, 250_001),
    ("us-ny", "notice_cost", 250_000, 250_001),
    ("us-tx", "notice_cost", 250_000, 250_001),
    ("us-ma", "notice_cost", 250_000, 250_001),
    ("us-wa", "notice_cost", 250_000, 250_001),
    ("us-ca", "people", 500_000, 500_001),
    ("us-ma", "people", 500_000, 500_001),
    ("us-wa", "people", 500_000, 500_001),
]


@pytest.mark.parametrize(("regime", "what", "at", "above"), STATES)
def test_the_states_allow_substitute_notice_above_a_cost_or_a_crowd(
    regime: str, what: str, at: int, above: int
) -> None:
    place = instruments()[regime].place
    tier = instruments()[regime].versions[-1].substitute[0]

    def truth(number: int) -> Truth:
        cost = number if what == "notice_cost" else 10
        people = number if what == "people" else 10
        detail = {"insufficient_contact": 0, "notice_cost": {"amount": cost, "currency": "USD"}}
        facts = parse_facts({"people": {place: people}, "people_detail": detail}, "f")
        return evaluate(tier.when, facts, place).truth

    assert (truth(at), truth(above)) == (Truth.FALSE, Truth.TRUE)


COVERS = [
    (None, "AQ", True),
    ("EU", "DE", True),
    ("EU", "NO", True),
    ("EU", "GB", False),
    ("EU", "FR-IDF", True),
    ("US", "US-OH", True),
    ("US", "PR", True),
    ("US-OH", "US-OH", True),
    ("US-OH", "US", False),
    ("GB", "GB-SCT", True),
    ("US", "CA", False),
]


@pytest.mark.parametrize(("jurisdiction", "residence", "expected"), COVERS)
def test_a_jurisdiction_covers_its_places(jurisdiction: str | None, residence: str, expected: bool) -> None:
    assert covers(jurisdiction, residence) is expected


def test_the_gdpr_of_an_established_controller_covers_people_anywhere() -> None:
    base = {
        "organisation": {"country": "DE", "role": "controller"},
        "risk": {"gdpr": "high"},
        "people": {"DE": 1, "BR": 1},
    }
    away = base | {"organisation": {"country": "BR", "role": "controller"}}
    for data, expected in ((base, True), (away, False)):
        all_ = _assess(parse_facts(data, "f"), "2026-11-24T09:00:00+01:00").all()
        found = next(o for o in all_ if o.id == "eu-gdpr/individuals/EU/initial")
        assert found.covers("DE") and found.covers("BR") is expected


SEVERITY = [
    ({"dpc": 3, "ei": 0.75, "cb_malicious": 0.5}, 2.75, "medium"),
    ({"dpc": 1, "ei": 1}, 1.0, "low"),
    ({"dpc": 2, "ei": 1}, 2.0, "medium"),
    ({"dpc": 3, "ei": 1}, 3.0, "high"),
    ({"dpc": 4, "ei": 1}, 4.0, "very high"),
    ({"dpc": 6, "ei": 0.5}, 2.0, "medium"),
    ({"dpc": 2, "ei": 0.25, "cb_confidentiality": 0.5, "cb_integrity": 0.25, "cb_availability": 0.25}, 1.5, "low"),
    ({"dpc": 2}, None, None),
    ({}, None, None),
    # a supermarket's list of customers; a month of purchases, for a time not available; test results, stolen
    ({"dpc": 1, "ei": 1, "cb_confidentiality": 0}, 1.0, "low"),
    ({"dpc": 2, "ei": 0.75, "cb_availability": 0.25}, 1.75, "low"),
    ({"dpc": 4, "ei": 0.75, "cb_confidentiality": 0.25, "cb_malicious": 0.5}, 3.75, "high"),
]


@pytest.mark.parametrize(("enisa", "score", "level"), SEVERITY)
def test_severity_by_enisa(enisa: dict[str, float], score: float | None, level: str | None) -> None:
    found = severity(parse_facts({"risk": {"enisa": enisa}}, "f"))
    assert (found.score, found.level) == (score, level)


OFF_SCALE = [{"dpc": 2, "ei": 0.6}, {"dpc": 2, "ei": 1, "cb_malicious": 0.25}, {"dpc": 2, "ei": 1, "cb_integrity": 1}]


@pytest.mark.parametrize("enisa", OFF_SCALE)
def test_a_value_off_enisas_scale_is_refused(enisa: dict[str, float]) -> None:
    with pytest.raises(BadInput, match=r"not on ENISA's scale\. Use one of 0"):
        severity(parse_facts({"risk": {"enisa": enisa}}, "f"))


def test_severity_shows_its_arithmetic_where_the_context_starts_and_that_policy_is_no_law() -> None:
    data = {"elements": ["name", "iban", "diagnosis"], "encrypted": True}
    risk = {"enisa": {"dpc": 6, "ei": 0.5, "cb_malicious": 0.5}}
    found = severity(parse_facts({"data": data, "risk": risk, "people": {"DE": 101}}, "f"))
    assert found.derivation == (
        "sensitive data (diagnosis) starts the context at 4",
        "the context of 6 is capped at 4",
        "context 4 x ease of identification 0.5 + 0.5 (malicious) = 2.5",
    )
    assert found.flags == ("more than 100 people", "data unintelligible")
    assert found.policy == "policy, not law: consider telling the authority"
    for level in ("risk", "high"):  # no level of severity makes or unmakes a duty
        base = {"organisation": {"country": "DE", "role": "controller"}, "people": {"DE": 5}, "data": data}
        plain, scored = (_assess(parse_facts(base | {"risk": more | {"gdpr": level}}, "f")) for more in ({}, risk))
        assert [entry.id for entry in plain.all()] == [entry.id for entry in scored.all()]


DURATIONS = [
    (timedelta(days=44), "P44D"),
    (timedelta(hours=3, minutes=20), "PT3H20M"),
    (timedelta(days=1, hours=2), "P1DT2H"),
    (timedelta(seconds=7), "PT7S"),
    (timedelta(), "P0D"),
]


@pytest.mark.parametrize(("span", "text"), DURATIONS)
def test_durations_are_iso_8601(span: timedelta, text: str) -> None:
    assert duration(span) == text


def test_the_law_can_be_listed_shown_and_checked() -> None:
    listed = law_list(as_json=True)
    assert isinstance(listed, list)
    assert {entry["id"] for entry in listed} == instruments().keys()
    assert "30 calendar days from determined" in law_show("us-tx")
    with pytest.raises(BadInput, match='Did you mean "us-hipaa"'):
        law_show("us-hippa")
    _, data = law_check()
    assert data["without_citation_or_confidence"] == 0
    assert "counting rule uk-1182-71: memory" in law_check(everything=True)[0]


HEAVY = ("prefect", "sqlmodel", "sqlalchemy", "pydantic", "fastapi", "holidays", "rich", "duckdb", "jinja2")


def test_an_answer_as_json_imports_nothing_heavy() -> None:
    code = f"import sys; from console.cli.law import assess_command as a; a({str(S1)!r}, {AS_OF!r}, None, True); "
    code += f"print([name for name in {HEAVY!r} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=EXAMPLES.parent, check=True)
    assert ran.stdout.strip() == "[]"


def test_a_day_without_any_zone_still_gives_whole_days_of_lateness() -> None:
    data = load_facts(S1).as_data() | {"organisation": {"sectors": ["hipaa_covered_entity"]}}
    found = {entry.duty: duration(entry.late_by) for entry in _assess(parse_facts(data, "f")).obligations}
    assert found == {"individuals": "P44D", "regulator": "P41D", "media": "P46D"}


def test_a_naive_as_of_is_refused() -> None:
    with pytest.raises(BadInput, match="has no offset"):
        assess_command(S1, "2014-03-01T09:00:00")


def test_the_table_names_what_is_owed_and_explains_it() -> None:
    text = assess_command(S1, AS_OF, explain=True)
    assert isinstance(text, str)
    assert "us-hipaa/media/US-IL/initial" in text and "P46D" in text
    assert "836 residents of US-IL are more than 500" in text
    assert "60 calendar days, counted by calendar" in text
