"""Near misses, laws of which no version is held, and the questions that settle what is undetermined."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from console.cli.assessed import narrowed, said, warned
from console.cli.law import law_list
from console.cli.law_find import regime_id
from console.cli.status import _left
from models.facts import Facts, parse_facts
from models.values import BadInput
from regimes.assess import assess
from regimes.near import near, sentences
from regimes.obligations import Assessment
from regimes.questions import questions

AS_OF = datetime(2026, 11, 24, 9, tzinfo=UTC)
DATA: dict[str, Any] = {
    "id": "shop",
    "organisation": {"country": "US", "role": "controller", "sectors": ["general"], "timezone": "America/New_York"},
    "times": {"discovered": "2026-11-20"},
    "data": {"elements": ["ssn"], "encrypted": False, "acquired": True},
    "people": {"US-CA": 500_000},
}


def assessed(**changes: Any) -> tuple[Facts, Assessment]:
    facts = parse_facts(DATA | changes, "f")
    return facts, assess(facts, AS_OF)


def text_of(**changes: Any) -> str:
    text = said(*assessed(**changes), as_json=False, explain=False)
    assert isinstance(text, str)
    return text


# --- near misses ----------------------------------------------------------------------------------------------------


def test_a_forgotten_name_is_the_first_thing_that_is_said() -> None:
    facts, found = assessed()
    assert not found.obligations
    first = "near: us-ca individuals, regulator: not owed, but would be if data.elements has name"
    assert warned(facts, found)[0] == first
    assert text_of().startswith(f"Warnings\n  {first}\n")
    data = said(facts, found, as_json=True, explain=False)
    assert isinstance(data, dict)
    assert data["near"] == [
        {
            "regime": "us-ca",
            "jurisdiction": "US-CA",
            "duties": ["individuals", "regulator"],
            "fact": "data.elements",
            "has_any_of": ["name"],
        }
    ]


FAR = [
    ("nothing is missing", {"elements": ["name", "ssn"], "encrypted": False, "acquired": True}, 500_000),
    ("the list is open, so it is undetermined", {"elements": {"min": ["ssn"]}, "acquired": True}, 500_000),
    ("no element is stated", {"encrypted": False, "acquired": True}, 500_000),
    ("encrypted as well", {"elements": ["ssn"], "encrypted": True, "key_compromised": False, "acquired": True}, 9),
    ("not acquired as well", {"elements": ["ssn"], "encrypted": False, "acquired": False}, 9),
]


@pytest.mark.parametrize(("why", "data", "people"), FAR)
def test_what_is_more_than_one_element_away_is_not_near(why: str, data: dict[str, Any], people: int) -> None:
    facts, found = assessed(data=data, people={"US-CA": people})
    assert near(found.refused(), facts) == (), why


def test_a_duty_below_its_threshold_is_not_near_beside_one_that_is() -> None:
    facts, found = assessed(people={"US-CA": 500})
    assert [one.duties for one in near(found.refused(), facts)] == [("individuals",)]


def test_the_added_element_makes_owed_what_was_near() -> None:
    facts, found = assessed()
    for one in near(found.refused(), facts):
        for word in one.elements:
            _, then = assessed(data=DATA["data"] | {"elements": ["ssn", word]})
            owed = {o.duty.value.replace("_", " ") for o in then.all() if o.regime == one.regime}
            assert owed >= set(one.duties)


def test_many_near_laws_take_few_lines_and_those_that_ask_for_least_stand_first() -> None:
    states = ("CA", "TX", "NY", "WA", "IL", "OH", "FL", "MA", "OR", "CO", "VT", "GA")
    facts, found = assessed(data=DATA["data"] | {"elements": ["name"]}, people={f"US-{state}": 9 for state in states})
    lines = sentences(near(found.refused(), facts))
    assert len(lines) == 5 and lines[-1].startswith("near: ") and lines[-1].endswith("--json names them")


# --- no version of that day -----------------------------------------------------------------------------------------

EARLY: dict[str, Any] = {
    "times": {"discovered": "2019-11-20"},
    "people": {"US-TX": 9},
    "data": DATA["data"] | {"elements": ["name", "ssn"]},
}


def test_a_law_before_its_first_held_version_is_not_known_rather_than_not_owed() -> None:
    _, found = assessed(**EARLY)
    assert "us-tx" in found.not_held and not found.obligations
    heading = next(line for line in text_of(**EARLY).splitlines() if line.startswith("Owed (0)"))
    assert "; not known for " in heading and "us-tx" in heading
    with pytest.raises(BadInput, match="no version of it before 2023-09-01 is held here: it was not assessed"):
        narrowed(found, "us-tx")
    with pytest.raises(BadInput, match="has nothing to do with these facts"):
        narrowed(found, "jp-appi")


def test_the_law_of_the_day_of_discovery_is_taken_and_an_earlier_beginning_is_warned_of() -> None:
    start: dict[str, Any] = {"data": DATA["data"] | {"elements": ["name", "ssn"]}}
    lines = {}
    for began, discovered in (("2025-12-20", "2026-01-05"), ("2026-01-02", "2026-01-05"), ("2025-12-20", "2025-12-30")):
        _, found = assessed(times={"occurred_from": began, "discovered": discovered}, **start)
        versions = {o.law_version for o in found.obligations if o.regime == "us-ca"}
        lines[began, discovered] = (versions, [line for line in found.warnings if "under an earlier one" in line])
    assert lines["2025-12-20", "2026-01-05"][0] == {"us-ca@2026-01-01"}
    (warning,) = lines["2025-12-20", "2026-01-05"][1]
    assert warning.startswith("us-ca: the version from 2026-01-01") and "compare with --on 2025-12-20" in warning
    assert lines["2026-01-02", "2026-01-05"] == ({"us-ca@2026-01-01"}, [])
    assert lines["2025-12-20", "2025-12-30"] == ({"us-ca@2022-01-01"}, [])


# --- what is undetermined -------------------------------------------------------------------------------------------

OPEN = {"elements": ["name", "ssn"], "encrypted": False}


def test_each_missing_fact_comes_with_the_line_that_states_it() -> None:
    facts, found = assessed(data=OPEN, people={"US-CA": {"min": 400, "max": 600}}, risk={})
    asked = {question.key: question.line for question in questions(found.undetermined, facts)}
    assert asked["data.acquired"] == "[data] acquired = true or false"
    assert asked["people.US-CA"] == (
        "[people] US-CA = a whole number   (stated as 400 to 600; more than 500 residents of US-CA?)"
    )
    text = text_of(data=OPEN, people={"US-CA": {"min": 400, "max": 600}})
    assert "To settle these, state in the facts\n  [data] acquired = true or false: 2 duties" in text
    assert "people.US-CA (stated as 400 to 600" in " ".join(text.split())


def test_a_choice_of_words_is_spelled_out() -> None:
    facts, found = assessed(organisation=DATA["organisation"] | {"country": "DE"}, people={"DE": 3})
    (line,) = [question.line for question in questions(found.undetermined, facts) if question.key == "risk.gdpr"]
    assert line == '[risk] gdpr = "high" or "risk" or "unlikely"'


def test_a_variant_that_is_not_owed_is_silent_beside_one_that_is() -> None:
    facts, found = assessed(people={"BR": 10}, risk={"significant_harm": True})
    standing = {entry.id for entry in found.all()}
    assert any(entry.id in standing for entry in found.not_owed)
    assert not any(entry.id in standing for entry in found.refused())
    data = found.as_data()
    assert len(data["not_owed"]) == len(found.refused()) < len(found.not_owed)
    text = said(facts, found, as_json=False, explain=True)
    assert isinstance(text, str) and f"Not owed ({len(found.refused())})" in text


# --- waiting is not now ---------------------------------------------------------------------------------------------

LEFT = [
    ({"waiting": "individuals told", "missing": []}, "not yet"),
    ({"waiting": "", "missing": ["times.determined"]}, "time not known"),
    ({"waiting": "", "missing": ["risk.gdpr"]}, "now"),
    ({"waiting": "", "missing": []}, "now"),
]


@pytest.mark.parametrize(("row", "shown"), LEFT)
def test_a_duty_whose_clock_has_not_started_is_not_due_now(row: dict[str, Any], shown: str) -> None:
    assert _left({"met": None} | row, None, AS_OF)[0] == shown


# --- a law by the name of its place ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("typed", "id_"), [("Texas", "us-tx"), ("california", "us-ca"), ("New York", "us-ny")])
def test_a_state_is_known_by_its_name_and_its_own_law_is_listed_first(typed: str, id_: str) -> None:
    assert regime_id(typed) == id_
    listed = law_list(as_json=True, word=typed)
    assert isinstance(listed, list) and listed[0]["id"] == id_
    _, found = assessed(data=OPEN, people={"US-CA": 9, "US-TX": 9, "US-NY": 9})
    assert {entry.regime for entry in narrowed(found, typed).all()} == {id_}


def test_the_command_warns_of_a_near_miss_beside_its_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from console.main import main

    file = tmp_path / "i.toml"
    file.write_text(
        'id = "i"\n[organisation]\ncountry = "US"\nrole = "controller"\nsectors = ["general"]\n'
        '[times]\ndiscovered = 2026-11-20\n[data]\nelements = ["ssn"]\nencrypted = false\nacquired = true\n'
        "[people]\nUS-CA = 9\n"
    )
    assert main(["assess", str(file), "--json"]) == 0
    assert "warning: near: us-ca individuals" in capsys.readouterr().err
