"""The contract of `assess`: its words, its lateness, its substitutes, and what must hold for any facts."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.cli.law import assess_command, law_check, law_list, law_show
from models.facts import Facts, load_facts, parse_facts
from models.values import BadInput, ObligationState
from regimes.assess import assess, covers, terms
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
    assert list(data) == ["as_of", "obligations", "not_owed", "undetermined", "severity"]
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
]


@pytest.mark.parametrize(("enisa", "score", "level"), SEVERITY)
def test_severity_by_enisa(enisa: dict[str, float], score: float | None, level: str | None) -> None:
    found = severity(parse_facts({"risk": {"enisa": enisa}}, "f"))
    assert (found.score, found.level) == (score, level)


def test_an_ease_of_identification_off_the_scale_is_refused() -> None:
    with pytest.raises(BadInput, match="not on ENISA's scale"):
        severity(parse_facts({"risk": {"enisa": {"dpc": 2, "ei": 0.6}}}, "f"))


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
    text, data = law_check()
    assert data["without_citation_or_confidence"] == 0
    assert "counting rule uk-1182-71: memory" in text


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


# --- what holds for any facts ---------------------------------------------------------------------------------------

PLACES = ("US-CA", "US-NY", "US-TX", "US-MA", "US-WA", "US-OH", "DE", "NL", "GB", "CN", "SG", "AU")
tristate = st.sampled_from([True, False, "unknown"])
counts = st.one_of(
    st.integers(0, 1_200_000), st.just("unknown"), st.integers(0, 900).map(lambda n: {"min": n, "max": n + 300})
)
START = datetime(2026, 1, 1, tzinfo=UTC)
moments = st.integers(0, 270 * 86_400).map(lambda seconds: (START + timedelta(seconds=seconds)).isoformat())
days = st.integers(0, 270).map(lambda number: (START + timedelta(days=number)).date().isoformat())
facts_data = st.fixed_dictionaries(
    {
        "organisation": st.fixed_dictionaries(
            {
                "country": st.sampled_from(["US", "DE", "CN", "SG", "BR"]),
                "role": st.sampled_from(["controller", "processor", "unknown"]),
                "sectors": st.sampled_from([["general"], ["hipaa_covered_entity"], ["cii_operator"], ["nydfs"]]),
                "timezone": st.sampled_from(["America/Los_Angeles", "Europe/Berlin", "Asia/Shanghai"]),
            }
        ),
        "times": st.dictionaries(
            st.sampled_from(
                ["discovered", "aware", "determined", "assessed", "suspected", "occurred_from", "handling_done"]
            ),
            st.one_of(moments, days),
        ),
        "data": st.fixed_dictionaries(
            {
                "elements": st.sampled_from([["name", "ssn"], ["name"], ["email", "password"], {"min": ["name"]}]),
                "encrypted": tristate,
                "acquired": tristate,
                "unsecured_phi": tristate,
            }
        ),
        "people": st.dictionaries(st.sampled_from(PLACES), counts, max_size=5),
        "risk": st.fixed_dictionaries(
            {"gdpr": st.sampled_from(["unlikely", "risk", "high", "unknown"]), "significant_harm": tristate}
        ),
    }
)


@settings(max_examples=120, deadline=None)
@given(facts_data)
def test_every_answer_cites_says_why_and_is_safe_before_it_is_due(data: dict[str, Any]) -> None:
    facts = parse_facts(data, "f")
    found = _assess(facts, "2026-11-24T09:00:00+01:00")
    assert len({entry.id for entry in found.all()}) == len(found.all())
    for entry in found.all():
        assert entry.citation and entry.because and entry.derivation
        assert (entry.state is ObligationState.UNDETERMINED) == bool(entry.missing)
        assert (entry.due is None) == (entry.due_safe is None)
        assert entry.due is None or entry.due_safe is None or entry.due_safe <= entry.due
        assert entry.late_by is None or entry.late_by >= timedelta()
        assert terms(entry, facts).id == entry.law_version
    for entry in found.not_owed:
        assert entry.because
    assert _assess(parse_facts(facts.as_data(), "f"), "2026-11-24T09:00:00+01:00").as_data() == found.as_data()


@settings(max_examples=80, deadline=None)
@given(facts_data, st.sampled_from(PLACES), st.integers(0, 12_000), st.integers(0, 3_000))
def test_more_people_never_take_a_duty_away(data: dict[str, Any], place: str, number: int, more: int) -> None:
    def owed(count: int) -> set[str]:
        facts = parse_facts(data | {"people": data["people"] | {place: count}}, "f")
        found = _assess(facts, "2026-11-24T09:00:00+01:00").all()
        return {
            entry.id for entry in found if entry.stage != "annual"
        }  # the log of small breaches gives way to a report

    assert owed(number) <= owed(number + more)
