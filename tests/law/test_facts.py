"""The facts file: what it refuses, and that nothing is lost on the way."""

from __future__ import annotations

import copy
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from models.facts import UNKNOWN, Count, Elements, Moment, contradictions, load_facts, parse_facts
from models.values import BadInput

EXAMPLES = Path(__file__).parents[2] / "examples"
BASE: dict[str, Any] = {
    "id": "case",
    "title": "case",
    "organisation": {"country": "DE", "role": "controller", "sectors": ["general"], "timezone": "Europe/Berlin"},
    "times": {"discovered": "2026-03-02", "aware": {"min": "2026-03-02T10:00:00+01:00"}},
    "data": {"elements": ["name", "email_address"], "encrypted": "unknown"},
    "people": {"US-OH": 480, "DE": {"min": 1, "max": 9}, "FR": "unknown"},
    "people_detail": {"notice_cost": {"amount": 9000, "currency": "EUR"}},
    "risk": {"enisa": {"dpc": 3, "ei": 0.75}},
    "law_enforcement": {"cleared": True},
    "narrative": {"cause": {"en": "A lost key.", "zh": "钥匙遗失。"}, "contact": "privacy@example.org"},
    "submission": [{"regime": "eu-gdpr", "duty": "regulator", "at": "2026-03-04T12:00:00Z", "complete": False}],
    "promise": [{"name": "Policy", "text": "Soon.", "deadline": {"value": 3, "unit": "days", "from": "aware"}}],
    "contract": [{"customer": "Example Bank", "people": 4}],
    "order": [{"authority": "Example Authority", "due": "2026-04-01"}],
}

REFUSED = [
    ("people.uk", 3, "people: place", "Did you mean GB"),
    ("people.US-ZZ", 3, 'place "US-ZZ" is unknown', ""),
    ("people.XX", 3, 'place "XX" is unknown', ""),
    ("people.US-OH", -1, "people.US-OH: -1 is negative", "0 or more"),
    ("people.US-OH", 1.5, "people.US-OH: a number is not", "whole number"),
    ("people.US-OH", True, "people.US-OH: a bool", "whole number"),
    ("people.US-OH", {"min": 9, "max": 1}, "min 9 is more than max 1", "Swap"),
    ("people.US-OH", {"min": 9, "maxi": 10}, 'key "maxi" is unknown', "max"),
    ("people_detail.minors", -4, "people_detail.minors: -4 is negative", ""),
    ("people_detail.notice_cost", 4, "must have an amount and a currency", "USD"),
    ("times.discovered", "2026-03-02T10:00:00", "times.discovered: 2026-03-02T10:00:00 has no offset", "+01:00"),
    ("times.discovered", "yesterday", 'times.discovered: "yesterday" is no time', "2026-03-02T09:30:00+01:00"),
    ("times.discovered", "2026-02-30", 'times.discovered: "2026-02-30" is no time', ""),
    ("times.discovered", {"min": "2026-03-03", "max": "2026-03-01"}, "min is after max", "Swap"),
    ("times.discoverd", "2026-03-02", 'key "discoverd" is unknown', 'Did you mean "discovered"?'),
    ("data.elements", ["nam"], 'data.elements: "nam" is unknown', 'Did you mean "name"?'),
    ("data.elements", "name", "data.elements: a text is not a list", ""),
    ("data.elements", {"min": ["name", "ssn"], "max": ["name"]}, "min holds elements that max does not", ""),
    ("data.encrypted", "yes", "data.encrypted: a text is not true or false", '"unknown"'),
    ("data.encripted", True, 'key "encripted" is unknown', 'Did you mean "encrypted"?'),
    ("data.nature", ["secrecy"], 'data.nature: "secrecy" is unknown', "confidentiality"),
    ("organisation.sectors", ["hipa_covered_entity"], '"hipa_covered_entity" is unknown', '"hipaa_covered_entity"'),
    ("organisation.role", "owner", 'organisation.role: "owner" is unknown', "controller, processor"),
    ("organisation.timezone", "Mars/Olympus", 'time zone "Mars/Olympus" is unknown', "IANA"),
    ("organisation.country", "Germany", 'place "Germany" is unknown', "Did you mean DE"),
    ("risk.gdpr", "medium", 'risk.gdpr: "medium" is unknown', "unlikely"),
    ("risk.enisa.dpcc", 3, 'key "dpcc" is unknown', 'Did you mean "dpc"?'),
    ("narrative.story", "x", 'key "story" is unknown', ""),
    ("facts", {"a": 1}, 'key "facts" is unknown', "Known"),
    ("submission", [{"regime": "x", "duty": "regulator"}], '"at" is missing', "needs at"),
    ("submission", [{"regime": "x", "duty": "police", "at": "2026-03-02"}], '"police" is unknown', ""),
    ("submission", [{"regime": "x", "duty": "media", "at": "2026-03-02T09:00"}], "submission[1].at", "+01:00"),
    (
        "promise",
        [{"name": "p", "text": "t", "deadline": {"value": 3, "unit": "fortnights", "from": "aware"}}],
        "fortn",
        "",
    ),
    ("promise", [{"name": "p", "text": "t", "deadline": {"value": 3, "unit": "days", "from": "lunch"}}], '"lunch"', ""),
    ("promise", [{"name": "p", "text": "t", "channels": ["pigeon"]}], '"pigeon" is unknown', ""),
    ("contract", {"customer": "x"}, "must be a list of tables", "[[contract]]"),
    ("people", [1], "must be a table", "[people]"),
    ("title", 5, "title: must be a text", ""),
]


@pytest.mark.parametrize(("key", "value", "problem", "remedy"), REFUSED)
def test_bad_facts_are_refused_with_file_key_and_remedy(key: str, value: Any, problem: str, remedy: str) -> None:
    data = copy.deepcopy(BASE)
    *tables, name = key.split(".") if "." in key else [key]
    part = data
    for table in tables:
        part = part[table]
    part[name] = value
    with pytest.raises(BadInput) as error:
        parse_facts(data, "incident.toml")
    assert str(error.value).startswith("incident.toml")
    assert problem in str(error.value)
    assert remedy in str(error.value)


def test_a_file_that_is_no_toml_or_no_utf8_or_missing_is_refused(tmp_path: Path) -> None:
    for name, raw, problem in (("a.toml", b"id = ", "is not TOML"), ("b.toml", b'id = "\xff"', "is not UTF-8")):
        (tmp_path / name).write_bytes(raw)
        with pytest.raises(BadInput, match=problem):
            load_facts(tmp_path / name)
    with pytest.raises(BadInput, match="cannot be read"):
        load_facts(tmp_path / "none.toml")


def test_an_error_never_repeats_a_person_s_data() -> None:
    with pytest.raises(BadInput) as error:
        parse_facts(BASE | {"people": {"US-OH": "Jane Roe, 000-12-3456"}}, "incident.toml")
    assert "Jane" not in str(error.value)


def test_facts_survive_json_and_come_back_equal() -> None:
    first = parse_facts(BASE, "incident.toml")
    again = parse_facts(json.loads(json.dumps(first.as_data())), "incident.toml")
    assert again == first
    assert again.as_data() == first.as_data()


@pytest.mark.parametrize("name", ["presence-health", "mass-case"])
def test_the_examples_survive_json(name: str) -> None:
    facts = load_facts(EXAMPLES / name / "incident.toml")
    assert parse_facts(json.loads(json.dumps(facts.as_data())), facts.file) == facts


def test_unknown_is_absence_and_neither_true_nor_false() -> None:
    facts = parse_facts(BASE, "incident.toml")
    assert facts.value("data.encrypted") is UNKNOWN
    assert facts.value("data.acquired") is UNKNOWN
    assert facts.value("data.encrypted") is not False
    assert facts.people["FR"] == Count(None, None)


def test_values_have_their_kinds() -> None:
    facts = parse_facts(BASE, "incident.toml")
    assert facts.value("data.elements") == Elements(frozenset({"name", "email"}), frozenset({"name", "email"}))
    aware = facts.value("times.aware")
    assert isinstance(aware, Moment)
    assert aware.earliest is not None and aware.latest is None
    assert facts.narrative.cause == "A lost key."
    assert facts.narrative_in("zh-Hans").cause == "钥匙遗失。"
    assert facts.narrative_in("zh-Hans").contact == "privacy@example.org"
    assert facts.narrative_in("fr").cause == ""


def test_a_bare_date_is_the_whole_day_of_the_organisation() -> None:
    day = parse_facts(BASE, "incident.toml").moment("discovered")
    assert day is not None and day.earliest is not None and day.latest is not None
    assert day.earliest.isoformat() == "2026-03-02T00:00:00+01:00"
    assert day.latest.isoformat() == "2026-03-02T23:59:59+01:00"


def test_without_any_zone_a_bare_date_is_that_day_anywhere_on_earth() -> None:
    day = parse_facts({"times": {"discovered": "2026-03-02"}}, "incident.toml").moment("discovered")
    assert day is not None and day.earliest is not None and day.latest is not None
    assert day.earliest.isoformat() == "2026-03-02T00:00:00+14:00"
    assert day.latest.isoformat() == "2026-03-02T23:59:59-12:00"


def test_a_list_revises_the_facts_and_contradictions_are_told() -> None:
    declared = parse_facts(BASE, "incident.toml")
    changes = {"people.US-OH": 501, "people.DE": 5, "people_detail.minors": 2}
    revised = declared.revised(changes, "list:people.csv")
    assert revised.people["US-OH"] == Count(501, 501)
    assert revised.source("people.US-OH") == "list:people.csv"
    assert revised.source("times.discovered") == "declared"
    assert declared.people["US-OH"] == Count(480, 480)
    assert contradictions(declared, revised) == ["people.US-OH: declared 480, but list:people.csv says 501"]
    assert parse_facts(json.loads(json.dumps(revised.as_data())), "incident.toml") == revised


def test_a_revision_of_an_unknown_key_is_refused() -> None:
    with pytest.raises(BadInput, match="key is unknown"):
        parse_facts(BASE, "incident.toml").revised({"people_detail.minor": 2}, "ledger")


def test_toml_dates_and_iso_texts_read_alike() -> None:
    toml = tomllib.loads(
        'id="a"\ntitle="b"\n[organisation]\ncountry="DE"\n[times]\naware=2026-03-02\ndetected=2026-03-02T01:00:00Z'
    )
    text = copy.deepcopy(toml)
    text["times"] = {"aware": "2026-03-02", "detected": "2026-03-02T01:00:00Z"}
    assert parse_facts(toml, "f") == parse_facts(text, "f")
    naive = copy.deepcopy(toml)
    naive["times"] = tomllib.loads("aware=2026-03-02T01:00:00")
    with pytest.raises(BadInput, match="has no offset"):
        parse_facts(naive, "f")
