"""Filings: what is known is filled in, what is not is said to be not known, and nothing is guessed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from models import vocabulary
from models.facts import Facts, parse_facts
from models.values import BadInput, Refused, Stage
from planning.answers import State
from planning.filing import Filled, as_json, as_packet, check_ready, completeness, difference, fill
from planning.forms import Kind, form_ids, load_form

GOLDEN = Path(__file__).parent / "golden"
SCHEMA = Path(__file__).parents[3] / "shared/corpora/forms/edpb_breach_notification_v1_draft.schema.json"


@dataclass(frozen=True)
class Obligation:
    id: str
    due: datetime | None
    citation: str


HHS = Obligation(
    "us-hipaa/regulator/US/initial", datetime.fromisoformat("2013-12-21T23:59:59-06:00"), "45 CFR 164.408(b)"
)
ART33 = Obligation(
    "eu-gdpr/regulator/DE/initial", datetime.fromisoformat("2026-03-05T10:00:00+01:00"), "Art. 33(1) GDPR"
)
IN_TIME = datetime.fromisoformat("2026-03-04T16:00:00+01:00")

PRESENCE: dict[str, Any] = {
    "id": "presence-health",
    "title": "Presence Health (public case)",
    "organisation": {"name": "Presence Health (public case)", "country": "US", "timezone": "America/Chicago"},
    "times": {"discovered": date(2013, 10, 22)},
    "data": {
        "elements": ["name", "date_of_birth", "member_number", "diagnosis"],
        "medium": "paper",
        "encrypted": False,
    },
    "people": {"US-IL": 836},
    "narrative": {
        "what_happened": "Paper schedules of a surgery centre were found missing.",
        "measures_taken": "Schedules are kept in a locked cabinet.",
        "measures_planned": "Screens replace the paper.",
    },
    "submission": [{"regime": "us-hipaa", "duty": "media", "at": date(2014, 2, 5), "jurisdiction": "US-IL"}],
}
PRESENCE_PROFILE = {
    "organisation": {"postal_address": ["100 Example Avenue", "Springfield, Illinois 62700"]},
    "contact": {"name": "Jordan Rivers", "email": "privacy@presence.example.org", "phone": "+12025550142"},
    "hipaa": {"filed_by": "covered_entity", "entity_type": "provider"},
    "security": {"safeguards": ["policies", "physical_access_control"]},
    "reporter": {"name": "Jordan Rivers"},
}
RETAILER: dict[str, Any] = {
    "id": "northfield",
    "title": "Order system of Northfield",
    "organisation": {"name": "Northfield Outfitters GmbH", "country": "DE", "establishments": ["DE"]},
    "times": {
        "occurred_from": "2026-03-01T02:10:00+01:00",
        "occurred_until": "2026-03-02T09:00:00+01:00",
        "aware": "2026-03-02T10:00:00+01:00",
    },
    "data": {
        "elements": ["name", "email", "iban", "password"],
        "nature": ["confidentiality"],
        "encrypted": True,
        "key_compromised": True,
        "exfiltrated": True,
    },
    "people": {"DE": {"min": 4000, "max": 4400}, "FR": 300},
    "risk": {"gdpr": "high", "reasons": "Account data and passwords left together."},
    "narrative": {"what_happened": "An attacker used a stolen password.", "measures_taken": "The access was closed."},
}
RETAILER_PROFILE = {
    "organisation": {"postal_address": ["Hafenstraße 12", "20457 Hamburg"], "lead_authority": "Hamburg"},
    "reporter": {"name": "Rika Beispiel", "contact": "dpo@northfield.example.org", "function": "dpo"},
    "security": {"safeguards": ["encryption", "access_control"]},
}
JUDGED = {"field_38": "b", "field_50": "a", "field_94": ["j"]}
COMPLETE: dict[str, Any] = JUDGED | {
    "field_51": "Alarm of the monitoring.",
    "field_60": ["c"],
    "field_61": "d",
    "field_63": "Order database, Frankfurt.",
    "field_65": ["a"],
    "field_66": "Customers with an account.",
    "field_71": "Hashed passwords.",
    "field_76": "Password hashes without salt.",
    "field_79": ["c"],
    "field_85": ["d", "e"],
    "field_87": "b",
    "field_95": "A second factor.",
    "field_97": "b",
}


def facts(base: Mapping[str, Any], /, **changes: Any) -> Facts:
    return parse_facts({**base, **changes}, "incident.toml")


def hhs(now: str = "2014-01-31T12:00:00-06:00", reasons: str = "The count took until January.", **more: Any) -> Filled:
    answers = {"associate_involved": "no", "breach_type": ["loss"], "actions": ["training", "mitigation"]}
    at, stage = datetime.fromisoformat(now), more.pop("stage", Stage.INITIAL)
    more = {"profile": PRESENCE_PROFILE, "answers": answers} | more
    return fill(load_form("us-hhs"), facts(PRESENCE), {}, HHS, stage, at, reasons, **more)


def edpb(stage: Stage = Stage.INITIAL, now: datetime = IN_TIME, reasons: str = "", **more: Any) -> Filled:
    source, counts = more.pop("facts", facts(RETAILER)), more.pop("counts", {})
    more = {"profile": RETAILER_PROFILE, "answers": JUDGED} | more
    return fill(load_form("edpb-art33"), source, counts, ART33, stage, now, reasons, **more)


# --- the two cases, kept ---------------------------------------------------------------------------------------------

CASES = {"presence-health-hhs": hhs, "northfield-edpb": edpb}


@pytest.mark.parametrize("name", CASES)
def test_the_packet_is_as_it_was_read_and_agreed(name: str) -> None:
    """TOCSIN_GOLDEN=write rewrites the files; read the difference before you keep it."""
    packet = as_packet(CASES[name]())
    short = {a["id"]: " · ".join((a["text"], a["state"], a["source"] or a["by_when"])) for a in packet["answers"]}
    text = json.dumps(packet | {"answers": short}, indent=1, ensure_ascii=False) + "\n"
    path = GOLDEN / f"{name}.json"
    if os.environ.get("TOCSIN_GOLDEN") == "write":
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")


def test_presence_health_answers_what_hhs_asks() -> None:
    filled = hhs()
    assert (filled.late, filled.missing, filled.problems) == (True, (), ())
    known = {a.id: a.text for a in filled.answers if a.state is State.KNOWN}
    assert known["individuals"] == "836" and known["discovery_start"] == "2013-10-22"
    assert known["location"] == "Paper or films" and known["phi_types"] == "Clinical; Demographic; Other"
    assert known["safeguards"] == "Privacy Rule safeguards; Security Rule physical safeguards"
    assert filled.answer("breach_start").text == "Not yet known" and filled.answer("breach_start").value is None


def test_what_happened_after_the_filing_is_not_in_it() -> None:
    before, after = hhs("2014-01-31T12:00:00-06:00"), hhs("2014-02-06T12:00:00-06:00")
    assert before.answer("media").state is State.UNKNOWN
    assert after.answer("media").text == "Yes"


# --- nothing is guessed ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form_id", form_ids())
def test_without_facts_every_answer_is_not_known_except_what_the_filing_itself_says(form_id: str) -> None:
    form = load_form(form_id)
    filled = fill(form, facts({"id": "x", "title": "x"}), {}, ART33, Stage.INITIAL, IN_TIME)
    for answer in filled.answers:
        question = form.question(answer.id)
        itself = any(origin == "filing" for origin, _ in question.sources)
        assert answer.state is State.UNKNOWN or itself, answer.id
        if answer.state is State.UNKNOWN:
            codes = answer.value if isinstance(answer.value, tuple) else (answer.value,)
            assert codes in ((None,), (question.unknown,)), answer.id


def test_every_unknown_answer_that_is_owed_says_by_when() -> None:
    filled = edpb()
    for answer in filled.answers:
        if answer.state is State.UNKNOWN and load_form("edpb-art33").question(answer.id).mandatory:
            assert answer.by_when == "final", answer.id
    bare = edpb(answers={})
    assert bare.missing == ("field_38", "field_50", "field_94")
    assert {bare.answer(i).by_when for i in bare.missing} == {ART33.due.isoformat() if ART33.due else ""}


COUNTS: tuple[tuple[str, dict[str, Any], dict[str, Any], str, Any, State], ...] = (
    ("exact", {"people": {"DE": 4109}}, {}, "a", 4109, State.KNOWN),
    ("a sum over places", {"people": {"DE": 4109, "FR": 1}}, {}, "a", 4110, State.KNOWN),
    ("a range", {"people": {"DE": {"min": 8000, "max": 11000}}}, {}, "b", 11000, State.ESTIMATED),
    ("at least", {"people": {"DE": {"min": 8000}}}, {}, "b", 8000, State.ESTIMATED),
    ("one place unknown", {"people": {"DE": 10, "FR": "unknown"}}, {}, "b", 10, State.ESTIMATED),
    ("a declared total", {"people": {"DE": 1}, "people_detail": {"total": 5}}, {}, "a", 5, State.KNOWN),
    ("the list wins", {"people": {"DE": {"min": 1, "max": 9}}}, {"people": 7}, "a", 7, State.KNOWN),
    ("nobody knows", {"people": {}}, {}, "d", None, State.UNKNOWN),
)


@pytest.mark.parametrize(
    ("change", "counts", "code", "number", "state"), [c[1:] for c in COUNTS], ids=[c[0] for c in COUNTS]
)
def test_a_number_of_people_is_exact_approximate_or_to_be_determined(
    change: dict[str, Any], counts: dict[str, Any], code: str, number: int | None, state: State
) -> None:
    filled = edpb(facts=facts(RETAILER, **change), counts=counts)
    shown = {a.id: a for a in filled.answers}
    assert shown["field_67"].value == code
    assert ("field_68" in shown) == (number is not None)
    if number is not None:
        assert (shown["field_68"].value, shown["field_68"].state) == (number, state)


FIRST, LAST = "2026-03-01T02:00:00+01:00", "2026-03-01T09:00:00+01:00"
TIMES: tuple[tuple[str, dict[str, Any], str, Any, Any], ...] = (
    ("one day", {"occurred_from": FIRST, "occurred_until": LAST}, "a", FIRST, State.KNOWN),
    (
        "several days",
        {"occurred_from": date(2026, 3, 1), "occurred_until": date(2026, 3, 2)},
        "b",
        "2026-03-01T00:00:00+01:00",
        State.ESTIMATED,
    ),
    ("no end", {"occurred_from": date(2026, 3, 1)}, "e", None, None),
    ("no time", {}, "e", None, None),
)


@pytest.mark.parametrize(("times", "code", "begin", "state"), [t[1:] for t in TIMES], ids=[t[0] for t in TIMES])
def test_an_end_that_nobody_stated_never_becomes_a_breach_that_goes_on(
    times: dict[str, Any], code: str, begin: str | None, state: State | None
) -> None:
    filled = edpb(facts=facts(RETAILER, times=times | {"aware": "2026-03-02T10:00:00+01:00"}))
    shown = {a.id: a for a in filled.answers}
    assert shown["field_44"].value == code
    assert (shown["field_46"].value if "field_46" in shown else None) == begin
    assert (shown["field_46"].state if "field_46" in shown else None) == state


UNINTELLIGIBLE = (
    (True, False, "a"),
    (True, True, "b"),
    (False, "unknown", "c"),
    (True, "unknown", "e"),
    ("unknown", "unknown", "e"),
)


@pytest.mark.parametrize(("encrypted", "key", "code"), UNINTELLIGIBLE)
def test_whether_data_were_unintelligible_needs_both_the_encryption_and_the_key(
    encrypted: Any, key: Any, code: str
) -> None:
    data = RETAILER["data"] | {"encrypted": encrypted, "key_compromised": key}
    assert edpb(facts=facts(RETAILER, data=data)).answer("field_57").value == code


def test_elements_that_may_grow_are_an_estimate() -> None:
    data = RETAILER["data"] | {"elements": {"min": ["name"], "max": ["name", "iban"]}}
    answer = edpb(facts=facts(RETAILER, data=data)).answer("field_70")
    assert (answer.value, answer.state) == (("a",), State.ESTIMATED)


@settings(max_examples=40, deadline=None)
@given(st.sets(st.sampled_from(sorted(vocabulary.words("elements").words)), min_size=1))
def test_every_set_of_elements_becomes_options_of_every_form(elements: set[str]) -> None:
    source = facts(RETAILER, data={"elements": sorted(elements)})
    for form_id in form_ids():
        form = load_form(form_id)
        filled = fill(form, source, {}, ART33, Stage.INITIAL, IN_TIME)
        for question in form.questions:
            if question.kind is Kind.CHOICES and ("fact", "data.elements") in question.sources:
                value = filled.answer(question.id).value
                assert value and set(value) <= set(question.options)


def test_the_ledger_says_who_was_told_and_the_rest_stays_open() -> None:
    told = edpb(counts={"told": 90, "people": 100, "public_notices": 1, "first_told": date(2026, 3, 4)})
    values = {a.id: a.value for a in told.answers}
    assert (values["field_97"], values["field_98"], values["field_102"], values["field_104"]) == (
        "a",
        "2026-03-04",
        "b",
        ("a", "b"),
    )
    assert "field_103" in told.missing
    assert edpb().answer("field_97").value == "c" and edpb().answer("field_97").state is State.UNKNOWN


CALIFORNIA = replace(ART33, id="us-ca/regulator/US-CA/initial", citation="Cal. Civ. Code 1798.82(f)")


@pytest.mark.parametrize(
    ("counts", "number"), [({}, 700), ({"people_by_place": {"US-CA": 655, "US-NV": 9}, "people": 664}, 655)]
)
def test_california_is_told_of_its_own_residents_by_the_list_where_there_is_one(
    counts: dict[str, Any], number: int
) -> None:
    source = facts(RETAILER, people={"US-CA": 700, "US-NV": 12})
    filled = fill(load_form("us-ca-ag"), source, counts, CALIFORNIA, Stage.INITIAL, IN_TIME)
    assert filled.answer("residents").value == number


# --- late -----------------------------------------------------------------------------------------------------------

LATE = (
    ("a microsecond before", timedelta(microseconds=-1), "", False, False),
    ("on the instant", timedelta(0), "", False, False),
    ("a microsecond after", timedelta(microseconds=1), "", True, True),
    ("a second after, with reasons", timedelta(seconds=1), "The list was encrypted.", True, False),
    ("a second after, with blank reasons", timedelta(seconds=1), "  ", True, True),
)


@pytest.mark.parametrize(
    ("after", "reasons", "late", "problem"), [row[1:] for row in LATE], ids=[row[0] for row in LATE]
)
def test_a_late_filing_demands_its_reasons(after: timedelta, reasons: str, late: bool, problem: bool) -> None:
    assert ART33.due is not None
    filled = edpb(now=ART33.due + after, reasons=reasons)
    assert filled.late == late and ("field_49" in {a.id for a in filled.answers}) == late
    assert any("late" in p for p in filled.problems) == problem
    assert ("field_49" in filled.missing) == problem


def test_without_a_due_time_nothing_is_late() -> None:
    form = load_form("edpb-art33")
    filled = fill(form, facts(RETAILER), {}, replace(ART33, due=None), Stage.INITIAL, datetime(2030, 1, 1, tzinfo=UTC))
    assert not filled.late and filled.answer("field_13").by_when == "initial"


# --- complete, follow-up, withdrawal --------------------------------------------------------------------------------


def test_a_complete_notification_with_everything_answered_is_ready() -> None:
    source = facts(RETAILER, people={"DE": 4200, "FR": 300})
    filled = edpb(Stage.FINAL, facts=source, answers=COMPLETE, counts={"records": 9000}, earlier="LfDI-1")
    assert filled.problems == () and filled.missing == () and completeness(filled) == ()
    check_ready(filled)


NOT_YET = {
    q.id: q.unknown
    for q in load_form("edpb-art33").questions
    if q.unknown and q.id in COMPLETE and (q.unknown in q.options or not q.options)
}


@pytest.mark.parametrize("id", sorted(NOT_YET))
def test_a_complete_notification_may_leave_nothing_not_yet_known(id: str) -> None:
    source = facts(RETAILER, people={"DE": 4200, "FR": 300})
    open_one = COMPLETE | {id: NOT_YET[id]}
    counts = {"records": 9000}
    filled = edpb(Stage.FINAL, facts=source, answers=open_one, counts=counts, earlier="LfDI-1")
    assert completeness(filled) == (id,) and filled.missing == (id,)
    with pytest.raises(Refused, match=id):
        check_ready(filled)
    first = edpb(Stage.INITIAL, facts=source, answers=open_one, counts=counts)
    assert first.problems == () and first.missing == ()


WITHDRAW = (
    ("first filing, withdrawn", "", "A duplicate.", "Only an earlier notification can be withdrawn", ""),
    ("withdrawn with its number", "LfDI-1", "A duplicate.", "", "field_5"),
    ("follow-up", "LfDI-1", "", "", ""),
)


@pytest.mark.parametrize(
    ("earlier", "why", "problem", "asked"), [w[1:] for w in WITHDRAW], ids=[w[0] for w in WITHDRAW]
)
def test_only_an_earlier_notification_can_be_withdrawn(earlier: str, why: str, problem: str, asked: str) -> None:
    filled = edpb(Stage.SUPPLEMENT, earlier=earlier, withdraw=why)
    assert any(p.startswith(problem) for p in filled.problems) if problem else filled.problems == ()
    assert filled.answer("field_4").value == ("c" if why else "b")
    assert ("field_5" in {a.id for a in filled.answers}) == bool(asked)
    assert ("field_6" in {a.id for a in filled.answers}) == bool(earlier)


def test_an_amendment_names_what_changed_and_nothing_else() -> None:
    before = edpb()
    data = RETAILER["data"] | {"elements": ["name", "email", "iban", "password", "passport"]}
    after = edpb(Stage.SUPPLEMENT, facts=facts(RETAILER, data=data, people={"DE": 4200, "FR": 300}), earlier="LfDI-1")
    changes = {c.id: (c.before, c.after) for c in difference(before, after)}
    assert set(changes) == {"field_3", "field_6", "field_67", "field_68", "field_70", "field_117"}
    assert changes["field_68"] == ("4,300 to 4,700", "4,500") and changes["field_6"] == ("", "LfDI-1")
    assert difference(before, edpb()) == ()


# --- mistakes -------------------------------------------------------------------------------------------------------

MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "an answer to no question": ({"answers": {"field_1": "x"}}, "field_1: form edpb-art33 has no such question"),
    "an option that is not there": ({"answers": {"field_50": "z"}}, "field_50: is none of the options"),
    "several, one of them wrong": ({"answers": {"field_60": ["a", "z"]}}, "field_60: is none of the options"),
    "a word of the profile without an option": (
        {"profile": {"organisation": {"ownership": "mixed"}}},
        'field_14: no option is given for "mixed"',
    ),
}


@pytest.mark.parametrize(("more", "sentence"), MISTAKES.values(), ids=MISTAKES)
def test_a_word_without_an_option_is_an_error_and_never_other(more: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadInput) as caught:
        edpb(**more)
    assert sentence in str(caught.value)


# --- the schema of the template -------------------------------------------------------------------------------------


@pytest.mark.skipif(not SCHEMA.exists(), reason="the shared schema is not beside this checkout")
@pytest.mark.parametrize("stage", [Stage.INITIAL, Stage.FINAL])
def test_the_fields_are_valid_where_the_draft_schema_has_their_shape(stage: Stage) -> None:
    """The draft takes one code where several may be ticked, one number for all countries, and demands hidden fields."""
    form = load_form("edpb-art33")
    source = facts(RETAILER, people={"DE": 4200, "FR": 300}) if stage is Stage.FINAL else facts(RETAILER)
    answers, counts = (COMPLETE, {"records": 9000}) if stage is Stage.FINAL else (JUDGED, {})
    filled = edpb(stage, facts=source, answers=answers, counts=counts)
    fields = as_json(filled)
    shapeless = {q.id for q in form.questions if q.kind in (Kind.CHOICES, Kind.BREAKDOWN)}
    schema = json.loads(SCHEMA.read_text("utf-8"))
    schema["required"] = [name for name in schema["required"] if name in {a.id for a in filled.answers}]
    errors = {(e.validator, *e.path) for e in Draft202012Validator(schema).iter_errors(fields)}
    assert {e for e in errors if e[1:] and e[1] not in shapeless} == set()
    assert not any(e[0] == "required" for e in errors)
    for name in shapeless & fields.keys():
        for code in fields[name] if isinstance(fields[name], list) else ():
            assert code in schema["properties"][name]["enum"], name
