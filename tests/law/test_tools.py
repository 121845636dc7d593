"""The tools around the law: explanation, calendar, what is stale, what an amendment changes, a new instrument."""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from console.cli.alarms import write_ics
from console.cli.law import assess_command, assessment
from console.cli.law_table import markdown
from console.cli.law_tools import gaps, new, stale
from console.main import main
from models.facts import load_facts, parse_facts
from models.values import BadInput, ObligationState
from models.vocabulary import within
from regimes.assess import Assessment, assess
from regimes.conditions import Truth
from regimes.explain import Step, reasoning
from regimes.load import heads, instrument, instruments, load_file, load_instrument

ROOT = Path(__file__).parents[2]
S1 = ROOT / "examples" / "presence-health" / "incident.toml"
MASS = ROOT / "examples" / "mass-case" / "incident.toml"
AS_OF = datetime.fromisoformat("2026-11-24T09:00:00+01:00")


def _assess(data: dict[str, Any], **more: Any) -> Assessment:
    return assess(parse_facts(data, "f"), AS_OF, **more)


# --- explain --------------------------------------------------------------------------------------------------------


def test_the_explanation_names_condition_fact_source_clock_citation_and_what_would_change_it() -> None:
    text = assess_command(S1, "2014-03-01T09:00:00-06:00", explain=True)
    assert isinstance(text, str)
    media = text[text.index("us-hipaa/media/US-IL/initial, due 2013-12-21T23:59:59-06:00, met ") :]
    media = media[: media.index("us-hipaa/regulator/US/initial, due")]
    for line in (
        "late by P46D",
        "[yes] more than 500 residents",
        "because 836 residents of US-IL are more than 500",
        "people.US-IL = 836 (declared)",
        "discovered: 2013-10-22, the whole day",
        "60 calendar days, counted by calendar",
        "45 CFR 164.406",
        "checked 2026-11-24, confidence corpus",
        "at most 500 residents",
    ):
        assert line in media, line
    assert "would be owed if" in text and "fewer than 500 people in all" in text


def test_each_change_that_is_named_does_turn_the_outcome_round() -> None:
    facts = load_facts(S1)
    found = assess(facts, AS_OF)
    media = next(entry for entry in found.obligations if entry.duty == "media")
    assert "data.unsecured_phi is false" in reasoning(media, facts).changes
    assert "at most 500 residents" in reasoning(media, facts).changes
    for changes in ({"data.unsecured_phi": False}, {"people.US-IL": 500, "people_detail.total": 500}):
        assert media.id not in {entry.id for entry in assess(facts.revised(changes, "test"), AS_OF).all()}


def test_the_tree_comes_to_the_verdict_of_the_assessment_for_every_entry_of_the_mass_case() -> None:
    facts, found = assessment(MASS, AS_OF.isoformat())
    for entry in found.obligations:
        assert all(step.truth is Truth.TRUE for _, step in reasoning(entry, facts).parts), entry.id
    for refused in found.not_owed:
        assert any(step.truth is Truth.FALSE for _, step in reasoning(refused, facts).parts), refused
    assert all(_leaves(step) for entry in found.all() for _, step in reasoning(entry, facts).parts)


def _leaves(step: Step) -> bool:
    return bool(step.because) if step.leaf else all(_leaves(part) for part in step.of)


def test_a_promise_has_no_conditions_and_says_so() -> None:
    facts, found = assessment(MASS, AS_OF.isoformat())
    pledge = next(entry for entry in found.all() if entry.regime == "promise")
    assert reasoning(pledge, facts).parts == ()
    text = assess_command(MASS, AS_OF.isoformat(), explain=True)
    assert isinstance(text, str) and "none: the organisation bound itself" in text


def test_only_the_whole_explanation_asks_the_calendar_for_disputed_readings() -> None:
    data = {
        "organisation": {"country": "DE", "role": "controller"},
        "times": {"aware": "2026-11-20T17:12:00+01:00"},
        "risk": {"gdpr": "risk"},
    }
    plain, thorough = (
        next(o for o in _assess(data, thorough=more).all() if o.duty == "regulator") for more in (False, True)
    )
    assert thorough.derivation[: len(plain.derivation)] == plain.derivation
    assert "disputed, not taken: 2 working days after aware end 2026-11-24" in thorough.derivation[-1]
    assert thorough.due == plain.due


# --- calendar -------------------------------------------------------------------------------------------------------


def test_the_calendar_holds_every_open_deadline_with_alarms_at_50_80_and_95_per_cent(tmp_path: Path) -> None:
    from icalendar import Calendar

    facts, found = assessment(MASS, AS_OF.isoformat())
    due = {entry.id: entry.due for entry in found.all() if entry.due and not entry.met}
    assert write_ics(tmp_path / "a.ics", facts, found) == len(due) > 3
    raw = (tmp_path / "a.ics").read_bytes()
    assert raw.count(b"\r\n") == raw.count(b"\n")
    events = Calendar.from_ical(raw).walk("VEVENT")
    assert {event["DTSTART"].dt for event in events} == {at.astimezone(UTC) for at in due.values() if at}
    assert {event["SEQUENCE"] for event in events} == {
        int((AS_OF - datetime(2020, 1, 1, tzinfo=UTC)).total_seconds()) // 60
    }
    promise = next(event for event in events if event["SUMMARY"].startswith("promise"))
    pledged = next(entry for entry in found.all() if entry.regime == "promise")
    anchor = facts.moment(pledged.clock_from)
    assert anchor is not None and anchor.earliest is not None and pledged.due is not None
    span = pledged.due - anchor.earliest
    left = [-alarm["TRIGGER"].dt for alarm in promise.walk("VALARM")]
    assert [round(100 - 100 * part / span) for part in left] == [50, 80, 95]


def test_an_event_keeps_its_uid_when_the_facts_move_its_deadline(tmp_path: Path) -> None:
    facts = load_facts(MASS)
    later = facts.revised({"times.aware": "2026-11-20T09:00:00-05:00", "times.discovered": "2026-11-20"}, "test")
    for name, version, revision in (("a", facts, 0), ("b", later, 1)):
        write_ics(tmp_path / f"{name}.ics", version, assess(version, AS_OF), revision)
    first, second = ((tmp_path / f"{name}.ics").read_text("utf-8") for name in "ab")
    starts, moved = (dict(re.findall(r"DTSTART:(.*)\n(?:.*\n)*?UID:(.*)\n", text)) for text in (first, second))
    assert set(starts.values()) == set(moved.values()) and len(set(starts.values())) > 3
    assert starts.keys() != moved.keys()
    assert set(re.findall(r"SEQUENCE:(.*)", first)) == {"0"} and set(re.findall(r"SEQUENCE:(.*)", second)) == {"1"}


def test_what_is_met_has_no_event_and_an_unwritable_file_is_named(tmp_path: Path) -> None:
    facts, found = assessment(S1, "2014-03-01T09:00:00-06:00")
    met = {entry.id for entry in found.obligations if entry.met}
    assert write_ics(tmp_path / "a.ics", facts, found) == sum(
        1 for entry in found.all() if entry.due and entry.id not in met
    )
    with pytest.raises(BadInput, match="cannot be written"):
        write_ics(tmp_path / "none" / "a.ics", facts, found)


# --- unknown places -------------------------------------------------------------------------------------------------


def test_people_in_a_place_without_a_regime_are_named() -> None:
    found = _assess({"people": {"AQ": 3, "BV": 0}})
    assert "people in AQ (Antarctica): no regime known here" in found.warnings
    assert not any("BV" in line for line in found.warnings)
    assert list(found.as_data()) == ["as_of", "obligations", "not_owed", "undetermined", "severity"]


def test_a_place_with_laws_of_sectors_only_is_named_with_them() -> None:
    sector = {"us-hipaa": instrument("us-hipaa")}
    found = _assess({"people": {"US-OH": 3}}, instruments=sector)
    assert "people in US-OH (Ohio): no general regime known here, only us-hipaa" in found.warnings


@pytest.mark.parametrize("status", ["enacted_not_in_force", "proposal_not_law", "no_duty"])
def test_a_place_whose_law_demands_nothing_yet_is_named_with_the_reason(status: str) -> None:
    text = f"""id = "aq-law"\nname = "A law"\nplace = "AQ"\nkind = "personal_data"\nnexus = {{ residents = "AQ" }}
[[version]]\nfrom = 2026-01-01\nstatus = "{status}"\ncitation = "s 1"\nconfidence = "memory"
[[version.duty]]\nduty = "individuals"\ncitation = "s 2"\ndeadline = [{{ from = "discovered" }}]\n"""
    found = _assess({"people": {"AQ": 3}}, instruments={"aq-law": load_instrument(text, "aq.toml")})
    said = f"aq-law is {status.replace('_', ' ')}, from 2026-01-01: nothing is owed under it"
    assert f"people in AQ (Antarctica): {said}" in found.warnings
    assert found.all() == ()


def test_a_law_that_began_later_is_named_where_it_would_bind_the_organisation() -> None:
    data = {"people": {"US-CA": 3}, "organisation": {"sectors": ["general"]}, "times": {"discovered": "2001-03-01"}}
    old = [line for line in _assess(data).warnings if "no version before" in line]
    assert any(line.startswith("us-ca: no version before") for line in old)
    assert not any(line.startswith("us-hipaa") for line in old)


# --- stale, gaps ---------------------------------------------------------------------------------------------------


def test_stale_lists_what_was_checked_too_long_ago_and_first_what_never_was() -> None:
    current = [
        version
        for held in instruments().values()
        for version in held.versions
        if version.until is None or version.until >= date(2027, 6, 1)
    ]
    rows = stale(date(2027, 6, 1), 90)
    assert {row["version"] for row in rows} == {version.id for version in current}
    ages = [row["age_days"] for row in rows if row["checked"]]
    assert ages == sorted(ages, reverse=True) and min(ages) > 90
    weak = [row["confidence"] for row in rows if row["checked"] is None]
    assert "corpus" not in weak and rows[: len(weak)] == [row for row in rows if row["checked"] is None]
    checked = min(version.checked for version in current if version.checked)
    assert all(row["checked"] is None for row in stale(checked, 0))


def test_days_without_a_version_are_a_gap() -> None:
    text = """id = "aq-law"\nname = "A law"\nplace = "AQ"\nkind = "personal_data"
[[version]]\nfrom = 2020-01-01\nuntil = 2020-12-31\nstatus = "no_duty"\ncitation = "s 1"\nconfidence = "memory"
[[version]]\nfrom = 2021-02-01\ncitation = "s 1"\nconfidence = "memory"
[[version.duty]]\nduty = "regulator"\ncitation = "s 2"\ndeadline = [{ from = "discovered" }]\n"""
    assert list(gaps([load_instrument(text, "aq.toml")])) == [
        "aq-law: no version between 2020-12-31 and 2021-02-01",
        "aq-law@2021-02-01: duty regulator initial names no authority",
    ]


# --- new, docs ------------------------------------------------------------------------------------------------------


FILLED = [  # what a lawyer meets, in the order of the file: what is wrong, and how it is mended
    ("name is missing", 'name = "" #', 'name = "First" #'),
    ('place "ZZ" is no place', 'place = "ZZ"', 'place = "AQ"'),
    ("kind is missing", 'kind = ""', 'kind = "personal"'),
    ('Did you mean "personal_data"', 'kind = "personal"', 'kind = "personal_data"'),
    ('residents "ZZ" is no place', '{ residents = "ZZ" }, { established = "ZZ" }', '{ residents = "AQ" }'),
    ("from is missing", "# from = 2026-01-31", "from = 2026-01-31"),
    ("confidence is missing", 'confidence = ""', 'confidence = "corpus"'),
    ('status "" is unknown', 'status = ""', 'status = "in force"'),
    ('Did you mean "in_force"', 'status = "in force"', 'status = "in_force"'),
    ("citation is missing", 'citation = "" # the provision', 'citation = "s 1"'),
    ("needs sources and the day", "sources = []", 'sources = ["Gazette 1"]'),
    ("needs sources and the day", "# checked = 2026-01-31", "checked = 2026-01-31"),
    ("duty is missing", 'duty = ""', 'duty = "individual"'),
    ('Did you mean "individuals"', 'duty = "individual"', 'duty = "individuals"'),
    ("unit is missing", 'unit = "", from = ""', 'unit = "days", from = ""'),
    ('unit "days" is unknown', 'value = 0, unit = "days"', 'value = 2, unit = "calendar_days"'),
    ("from is missing", 'from = ""', 'from = "aware"'),
    ("citation is missing", 'citation = ""\nqualifier', 'citation = "s 2"\nqualifier'),
]


def test_a_draft_says_what_is_missing_in_the_order_of_the_file_and_loads_when_it_is_filled(tmp_path: Path) -> None:
    path = new("ZZ/first-law", tmp_path)
    assert path.name == "first_law.toml.draft"
    text = path.read_text("utf-8")
    for problem, old, filling in FILLED:
        with pytest.raises(BadInput, match=re.escape(problem)):
            load_file(path)
        assert old in text, old
        text = text.replace(old, filling, 1)
        path.write_text(text, "utf-8")
    law = load_file(path)
    assert (law.id, law.place, law.versions[0].duties[0].deadlines[0].value) == ("zz-first-law", "AQ", 2)


def test_every_part_that_the_draft_offers_behind_a_hash_is_one_that_loads(tmp_path: Path) -> None:
    path = new("aq/whole", tmp_path)
    lines = [re.sub(r"^# (?=[a-z_]+ = |\[|\]| {4}\{)", "", line) for line in path.read_text("utf-8").splitlines()]
    text = "\n".join(lines)
    blanks = {'kind = ""': "sector", 'status = ""': "in_force", 'confidence = ""': "corpus", 'duty = ""': "regulator"}
    blanks |= {'unit = ""': "hours", 'from = ""': "aware"}
    for blank, word in blanks.items():
        assert blank in text
        text = text.replace(blank, blank.replace('""', f'"{word}"'))
    text = text.replace("sources = []", 'sources = ["x"]').replace('""', '"x"')
    version = load_instrument(text, "aq.toml").versions[0]
    assert version.notice and version.notice.elements and version.notice.channels and version.substitute
    assert version.reports and version.applies and version.personal_information and version.exceptions
    assert version.law_enforcement and version.duties[0].authorities and version.duties[0].when


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("us", "is no CC/NAME"),
        ("usa/xx", "is no CC/NAME"),
        ("us/ca", "Edit regimes/us/ca.toml"),
        ("US/CA", "is there"),
        ("us/zz", "US-ZZ is no place"),
    ],
)
def test_a_new_instrument_needs_a_free_name(tmp_path: Path, name: str, problem: str) -> None:
    with pytest.raises(BadInput, match=problem):
        new(name, tmp_path)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(BadInput, match="is no folder"):
        new("us/zz_act", tmp_path / "none")


@pytest.mark.parametrize(
    ("name", "place"), [("us/as", "US-AS"), ("us/new_act", "US"), ("aq/law", "AQ"), ("eu/act", "EU")]
)
def test_a_new_law_of_a_state_has_its_place(tmp_path: Path, name: str, place: str) -> None:
    assert f'place = "{place}"' in new(name, tmp_path).read_text("utf-8")


def test_the_reference_page_is_what_the_data_says_and_has_a_line_for_every_regime() -> None:
    page = ROOT / "docs" / "reference" / "regimes.md"
    if os.environ.get("TOCSIN_SNAPSHOTS") == "write":
        page.write_text(markdown(), "utf-8")
    text = page.read_text("utf-8")
    assert text == markdown(), (
        "run `tocsin law list --markdown > docs/reference/regimes.md`, or TOCSIN_SNAPSHOTS=write make law"
    )
    rows = [[cell.strip() for cell in line.split(" | ")] for line in text.splitlines() if line.startswith("| [")]
    assert [row[0].split("]")[0] for row in rows] == [f"| [{id_}" for id_ in instruments()]
    assert all(len(row) == 11 and all(row) for row in rows)
    assert set(re.findall(r"^## (\S+)$", text, re.M)) >= instruments().keys()


def test_a_law_is_read_in_full_only_when_the_facts_touch_its_place() -> None:
    assert heads().keys() == instruments().keys()
    assert all(head.versions == () and head.nexus == instruments()[id_].nexus for id_, head in heads().items())
    touched = {
        entry.regime for entry in (*_assess({"people": {"SG": 5}}).all(), *_assess({"people": {"SG": 5}}).not_owed)
    }
    assert touched and all(within(instruments()[id_].place, "SG") for id_ in touched)


def test_an_undetermined_duty_says_which_fact_would_settle_it() -> None:
    data = {
        "organisation": {"country": "DE", "role": "controller"},
        "people": {"DE": 5},
        "times": {"aware": "2026-11-20"},
    }
    facts = parse_facts(data, "f")
    entry = next(o for o in assess(facts, AS_OF).undetermined if o.id == "eu-gdpr/regulator/DE/initial")
    assert entry.state is ObligationState.UNDETERMINED and entry.missing == ("risk.gdpr",)
    assert entry.due is not None and entry.late_by is not None and entry.late_by > timedelta()


RUNS = [
    (["law", "stale", "--days", "0", "--json"], 0, "["),
    (["law", "stale"], 0, "versions not checked within 180 days"),
    (["law", "diff", "us-ca"], 0, "30 calendar days from discovered"),
    (["law", "diff", "us-ca", "--json"], 0, '"part": "duty individuals initial: clock"'),
    (["law", "list", "--markdown"], 0, "# What each regime models"),
    (["law", "list", "texas"], 0, "Texas Business and Commerce Code"),
    (["law", "show", "US-TX"], 0, "521.053"),
    (["law", "show", "us-ca", "--on", "2025-01-01", "--part", "duty"], 0, "in the most expedient time possible"),
    (["law", "show", "us-ca", "--json"], 0, '"filing": "one electronic sample copy'),
    (["law", "check"], 0, "0 versions without citation and confidence"),
    (["law", "check", "us-ca"], 0, "1 instrument, 2 versions"),
    (["law", "vocabulary"], 0, "`tocsin law vocabulary TABLE`"),
    (["law", "vocabulary", "sectors"], 0, "hipaa_covered_entity"),
    (["law", "vocabulary", "times", "--json"], 0, '"scope_known"'),
    (["law", "diff", "2025-01-01", "2026-01-01"], 1, ""),
    (["law", "new", "us/ca"], 1, ""),
    (["law", "check", "nowhere.toml"], 1, ""),
    (["law", "vocabulary", "timez"], 1, ""),
    (["law", "show", "us-tz"], 1, ""),
]


@pytest.mark.parametrize(
    ("arguments", "code", "said"), RUNS, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_the_commands_answer(arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == code
    assert said in capsys.readouterr().out


def test_warnings_go_to_stderr_and_the_json_keeps_to_the_contract(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "i.toml").write_text('id = "i"\ntitle = "i"\n[people]\nAQ = 3\n', "utf-8")
    assert main(["assess", str(tmp_path / "i.toml"), "--json", "--ics", str(tmp_path / "i.ics")]) == 0
    out, err = capsys.readouterr()
    assert list(json.loads(out)) == ["as_of", "obligations", "not_owed", "undetermined", "severity", "near"]
    assert "warning: people in AQ (Antarctica): no regime known here" in err
    assert (tmp_path / "i.ics").read_bytes().startswith(b"BEGIN:VCALENDAR")
