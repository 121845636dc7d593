"""`tocsin law show | list | check | diff | vocabulary`: nothing is left out, and a slip is named with its remedy."""

from __future__ import annotations

import copy
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from console.cli import law_words
from console.cli.law import law_data, law_diff, law_list, law_show
from console.cli.law_changes import (
    Outcome,
    _body,
    _change,
    _compared,
    outcome_diff,
    outcome_lines,
    text_changes,
    text_lines,
)
from console.cli.law_check import law_check
from console.cli.law_find import file_or_id, regime_id
from console.cli.law_text import WIDTH, Part, text
from models.facts import load_facts
from models.values import BadInput, Confidence
from regimes import describe, schema
from regimes.load import instrument, instruments

ROOT = Path(__file__).parents[2]
MASS = ROOT / "examples" / "mass-case" / "incident.toml"
AS_OF = datetime.fromisoformat("2026-11-24T09:00:00+01:00")
IDS = sorted(instruments())


# --- nothing is left out --------------------------------------------------------------------------------------------


def _held(value: Any) -> Iterator[str]:
    """Every value of a dataclass, field by field, those of its parts too."""
    if is_dataclass(value):
        for part in fields(value):
            yield from _held(getattr(value, part.name))
    elif isinstance(value, tuple | frozenset):
        for item in value:
            yield from _held(item)
    elif value not in (None, "") and value is not False and value != 0:
        yield _word(value)


def _filed(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of the file as it is written, with its key."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _filed(inner, name)
    elif isinstance(value, list):
        for item in value:
            yield from _filed(item, key)
    elif value != "":
        yield key, value


def _told(data: Any) -> Iterator[str]:
    """Every value of plain data, and its keys: a condition as written has its operator for a key."""
    if isinstance(data, dict):
        for name, inner in data.items():
            yield name
            yield from _told(inner)
    elif isinstance(data, list):
        for item in data:
            yield from _told(item)
    else:
        yield _word(data)


def _word(value: Any) -> str:
    return value.value if isinstance(value, StrEnum) else str(value)


@pytest.mark.parametrize("id_", IDS)
def test_the_data_of_a_law_holds_every_field_of_the_schema_and_every_value_of_its_file(id_: str) -> None:
    law = instrument(id_)
    told = Counter(_told(law_data(id_)))
    assert Counter(_held(law)) - told == Counter()
    raw = tomllib.loads((ROOT / law.file).read_text("utf-8"))
    assert Counter(_word(value) for _, value in _filed(raw)) - told == Counter()


SAID_OTHERWISE = frozenset(
    {"count", "from", "when", "combine", "mode", "per", "reach", "met_when"}
)  # words with a phrase


@pytest.mark.parametrize("id_", IDS)
def test_the_text_of_a_law_holds_every_citation_note_name_and_number_of_its_file(id_: str) -> None:
    law = instrument(id_)
    page = " ".join(law_show(id_).split())
    raw = tomllib.loads((ROOT / law.file).read_text("utf-8"))
    for key, value in _filed(raw):
        if isinstance(value, bool) or key in SAID_OTHERWISE:
            continue
        said = {" ".join(str(value).split()), str(value).replace("_", " ")}
        said |= {f"{value:,}"} if isinstance(value, int) else set()
        assert any(form in page for form in said), (key, value)


@pytest.mark.parametrize("id_", IDS)
def test_the_text_of_a_law_fits_a_terminal_of_80_columns_where_words_can_be_broken(id_: str) -> None:
    wide = [line for line in law_show(id_).splitlines() if len(line) > WIDTH]
    assert [line for line in wide if max(map(len, line.split())) < WIDTH // 2] == []


def test_a_new_field_of_the_schema_is_shown_without_being_named_anywhere() -> None:
    law = instrument("us-ca")
    for owner in (
        schema.Version,
        schema.DutyRule,
        schema.Notice,
        schema.SubstituteTier,
        schema.Report,
        schema.LawEnforcement,
    ):
        assert {f.name.rstrip("_") for f in fields(owner)} - {"when"} <= _keys(describe.as_data(law)), owner


def _keys(data: Any) -> set[str]:
    if isinstance(data, dict):
        return set(data).union(*(_keys(inner) for inner in data.values()))
    return set().union(*(_keys(item) for item in data)) if isinstance(data, list) else set()


def test_a_clock_says_in_words_all_that_starts_it() -> None:
    refs = [p.submission for law in instruments().values() for v in law.versions for d in v.duties for p in d.deadlines]
    texts = {
        describe.deadline(p)
        for law in instruments().values()
        for v in law.versions
        for d in v.duties
        for p in d.deadlines
    }
    for ref in filter(None, refs):
        words = [word for word in (ref.duty, ref.stage, ref.form, ref.regime) if word]
        assert any(all(word in text for word in words) for text in texts), ref


def test_a_part_and_a_day_narrow_the_text_and_the_data() -> None:
    page = law_show("us-ca", "2025-06-30", "notice")
    assert "us-ca@2022-01-01" in page and "us-ca@2026-01-01" not in page
    assert "\nNOTICE" in page and "\nDUTY" not in page and "heading: What Happened" in page
    (version,) = law_data("us-ca", "2025-06-30", "scope")["versions"]
    assert version["id"] == "us-ca@2022-01-01" and "applies_test" in version and "duties" not in version
    whole = text(instrument("us-ca"), instrument("us-ca").versions)
    assert all(f"\n{part.value.upper()}\n" in whole for part in Part if part is not Part.LAW)


def test_the_latest_version_comes_first_and_what_is_not_known_is_said() -> None:
    assert law_show("us-ca").index("us-ca@2026-01-01") < law_show("us-ca").index("us-ca@2022-01-01")
    silent = next(law for law in instruments().values() for v in law.versions if _open(v))
    assert "not modelled here (`tocsin law check` counts it as open)" in " ".join(law_show(silent.id).split())


def _open(version: schema.Version) -> bool:
    told = any(rule.duty == "individuals" for rule in version.duties)
    return told and not (version.notice and version.notice.content_settled)


# --- what a person types --------------------------------------------------------------------------------------------

MEANT = ["us-ca", "US-CA", "us_ca", " us/ca ", "Us-Ca"]
SLIPS = [
    ("us-tz", '"us-tn" or "us-tx"'),
    ("us-hippa", 'Did you mean "us-hipaa"?'),
    ("gdpr", '"eu-gdpr" or '),
    ("US-TX-1", 'Did you mean "us-tx"?'),
    ("qqqqq", "`tocsin law list` names them."),
]


@pytest.mark.parametrize("typed", MEANT)
def test_an_id_is_known_in_any_case_and_with_any_stroke(typed: str) -> None:
    assert regime_id(typed) == "us-ca" and file_or_id(typed.strip().replace("/", "-")).id == "us-ca"


@pytest.mark.parametrize(("typed", "said"), SLIPS)
def test_an_unknown_id_is_answered_with_the_nearest(typed: str, said: str) -> None:
    with pytest.raises(BadInput, match="is unknown") as told:
        regime_id(typed)
    assert said in str(told.value)


LISTED = [
    ("DE", "eu-gdpr", "us-ca"),
    ("texas", "us-tx", "us-ca"),
    ("california", "us-ca", "us-tx"),
    ("gdpr", "uk-gdpr", "us-ca"),
]


@pytest.mark.parametrize(("word", "there", "not_there"), LISTED)
def test_a_list_can_be_narrowed_by_place_id_or_name(word: str, there: str, not_there: str) -> None:
    listed = law_list(as_json=True, word=word)
    assert isinstance(listed, list)
    ids = {row["id"] for row in listed}
    assert there in ids and not_there not in ids
    with pytest.raises(BadInput, match="is in no regime's id"):
        law_list(word="qqqqq")


WRONG_SHOW = [
    ("2001-01-01", "", "has no version here"),
    ("soon", "", "is no date"),
    ("", "dutys", 'Did you mean "duty"'),
]


@pytest.mark.parametrize(("on", "part", "said"), WRONG_SHOW)
def test_a_day_or_a_part_that_is_not_there_is_named(on: str, part: str, said: str) -> None:
    with pytest.raises(BadInput) as told:
        law_show("us-ca", on, part)
    assert said in str(told.value)


# --- check ----------------------------------------------------------------------------------------------------------


def test_check_gives_the_verdict_and_the_counts_and_each_point_only_when_asked() -> None:
    short, data = law_check()
    versions = [version for held in instruments().values() for version in held.versions]
    assert data["confidence"] == {
        level.value: sum(version.confidence is level for version in versions) for level in Confidence
    }
    assert data["without_citation_or_confidence"] == 0
    weak = {version.id for version in versions if version.confidence is not Confidence.CORPUS}
    assert weak <= {line.split(":")[0] for line in data["weak"]}
    assert sum(data["weak_by_instrument"].values()) == sum(data["weak_by_confidence"].values()) == len(data["weak"])
    assert sum(data["gaps_by_instrument"].values()) == len(data["gaps"])
    assert short.startswith("The law loads: 151 instruments") and len(short.splitlines()) < 30
    long, same = law_check(everything=True)
    assert same == data and all(line in long for line in [*data["weak"], *data["gaps"]])
    assert all(f"{name} {number}" in " ".join(short.split()) for name, number in data["weak_by_instrument"].items())


def test_check_takes_an_id_or_a_path_and_names_the_points_of_that_one(tmp_path: Path) -> None:
    by_id, by_path = law_check("US-VT"), law_check(str(ROOT / "regimes" / "us" / "vt.toml"))
    assert by_id == by_path and by_id[1]["instruments"] == 1
    assert all(line in by_id[0] for line in by_id[1]["weak"])
    (tmp_path / "latin.toml").write_bytes('id = "é"'.encode("latin-1"))
    (tmp_path / "broken.toml").write_text("id = ", "utf-8")
    wrong = [
        (str(tmp_path), "is a folder"),
        (str(tmp_path / "none.toml"), "is not there"),
        (str(tmp_path / "latin.toml"), "is no text in UTF-8"),
        (str(tmp_path / "broken.toml"), "is not TOML"),
        ("us-vtt", 'Did you mean "us-vt"'),
    ]
    for given, said in wrong:
        with pytest.raises(BadInput) as told:
            law_check(given)
        assert said in str(told.value) and "Error" not in str(told.value)


# --- diff -----------------------------------------------------------------------------------------------------------


def test_a_diff_of_a_regime_shows_the_amended_clock_before_and_after() -> None:
    lines = text_lines("us-ca")
    at = lines.index("  duty individuals initial: clock")
    assert lines[at + 1 : at + 3] == ["    - no number, from discovered", "    + 30 calendar days from discovered"]
    assert text_lines("eu-gdpr") == ["eu-gdpr has one version here, from 2018-05-25"]


def _changed(data: Any, path: tuple[Any, ...]) -> Any:
    """A copy in which one value is another."""
    found = copy.deepcopy(data)
    inner = found
    for step in path[:-1]:
        inner = inner[step]
    old = inner[path[-1]]
    inner[path[-1]] = not old if isinstance(old, bool) else old + 1 if isinstance(old, int) else f"{old} otherwise"
    return found


def _paths(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    steps = data.items() if isinstance(data, dict) else enumerate(data)
    for step, inner in steps:
        if isinstance(inner, dict | list):
            yield from _paths(inner, (*path, step))
        elif inner is not None:
            yield (*path, step)


SAMPLES = ["us-ca", "us-hipaa", "eu-gdpr", "jp-appi", "us-ma"]
IN_CLOCK = {
    "value",
    "unit",
    "anchor",
    "year_of",
    "month",
    "day",
    "submission",
    "regime",
}  # the clock says them in words


@pytest.mark.parametrize("id_", SAMPLES)
def test_a_diff_shows_a_change_of_any_value_of_any_part(id_: str) -> None:
    before = _body(describe.as_data(instrument(id_))["versions"][-1])
    tried = 0
    for path in _paths(before):
        if IN_CLOCK & set(map(str, path)):
            continue
        tried += 1
        assert list(_compared(before, _changed(before, path), "")), path
    assert tried > 100 and list(_compared(before, copy.deepcopy(before), "")) == []


def test_a_diff_names_what_came_and_went_as_one_line_each() -> None:
    before = _body(describe.as_data(instrument("us-ca"))["versions"][-1])
    after = copy.deepcopy(before)
    gone = after["notice"]["elements"].pop()
    after["duties"].append(after["duties"][0] | {"stage": "final"})
    changes = {change.part: change for change in _compared(before, after, "")}
    assert changes.keys() == {f"notice: content {gone['element'].replace('_', ' ')}", "duty individuals final"}
    assert (
        changes["duty individuals final"].before == () and "30 calendar" in changes["duty individuals final"].after[0]
    )


def test_a_diff_of_two_days_shows_what_an_incident_owes_otherwise() -> None:
    facts = load_facts(MASS)
    rows = outcome_diff(facts, AS_OF, date(2025, 12, 31), date(2026, 1, 1))
    row = next(row for row in rows if row["id"] == "us-ca/individuals/US-CA/initial")
    assert row["change"] == "due earlier" and "most expedient time" in row["before"] and "due 2026-12-" in row["after"]
    assert outcome_diff(facts, AS_OF, date(2026, 1, 1), date(2026, 1, 1)) == []
    page, data = law_diff("us-ca", facts=MASS, as_of=AS_OF.isoformat())
    assert "This incident by the law of 2025-12-31 and of 2026-01-01:\n  Due earlier (1)" in page
    assert data["incident"][0]["changes"] == rows and data["text"][0]["to"] == "us-ca@2026-01-01"
    assert outcome_lines(date(2026, 1, 1), date(2026, 1, 2), [])[-1] == "  no difference"


def _outcome(owed: bool, day: int = 0, held: bool = True) -> Outcome:
    return Outcome("a", owed, "said", datetime(2026, 1, day, tzinfo=UTC) if day else None, held)


def test_a_law_whose_earlier_text_is_not_held_is_not_called_newly_owed() -> None:
    facts = load_facts(MASS)
    rows = outcome_diff(facts, AS_OF, date(2001, 1, 1), date(2026, 1, 1))
    assert {row["change"] for row in rows} <= {"not held", "not owed"}
    assert any(row["before"].startswith("no version of 2001-01-01 is held here") for row in rows)


def test_two_long_texts_that_differ_in_a_word_say_in_which() -> None:
    lines = " ".join(" ".join(text_lines("us-ny")).split())
    assert "in short: now diagnosis, health_app_records, health_insurance_id, health_record" in lines


TURNS = [
    (_outcome(False), _outcome(True), "newly owed"),
    (_outcome(False, held=False), _outcome(True), "not held"),
    (_outcome(True), _outcome(False, held=False), "not held"),
    (_outcome(False), _outcome(True, 3), "newly owed"),
    (_outcome(True), _outcome(False), "no longer owed"),
    (_outcome(True, 3), _outcome(False), "no longer owed"),
    (_outcome(True, 3), _outcome(True, 2), "due earlier"),
    (_outcome(True), _outcome(True, 2), "due earlier"),
    (_outcome(True, 2), _outcome(True, 3), "due later"),
    (_outcome(True, 2), _outcome(True), "due later"),
    (_outcome(True, 2), _outcome(True, 2), "otherwise"),
    (_outcome(False), _outcome(False), "not owed"),
    (_outcome(False, held=False), _outcome(False), "not owed"),
]


@pytest.mark.parametrize(("before", "after", "change"), TURNS)
def test_a_change_of_outcome_is_called_by_what_it_does(before: Outcome, after: Outcome, change: str) -> None:
    assert _change(before, after) == change


def test_versions_that_are_beside_each_other_are_compared_for_every_regime_with_more_than_one() -> None:
    several = [law for law in instruments().values() if len(law.versions) > 1]
    assert len(several) > 10
    for law in several:
        assert [(a, b) for a, b, _ in text_changes(law.id)] == [
            (a.id, b.id) for a, b in zip(law.versions, law.versions[1:], strict=False)
        ]
        assert all(changes for *_, changes in text_changes(law.id)), law.id


WRONG = [
    (("2025-01-01", "2026-01-01"), "needs an incident"),
    (("2025-01-01",), "needs a second day"),
    (("2025-01-01", "", MASS), "needs a second day"),
    (("2026-01-01", "2025-01-01", MASS), "is not before"),
    (("us-ca", "us-tx"), "cannot compare us-ca with us-tx"),
    (("us-cal",), 'Did you mean "us-ca'),
    (("2025-01-01", "soon", MASS), "is no date"),
    (("2025-13-01", "2026-01-01", MASS), "is no date"),
]


@pytest.mark.parametrize(("arguments", "problem"), WRONG)
def test_a_diff_that_cannot_be_made_says_why(arguments: tuple[Any, ...], problem: str) -> None:
    with pytest.raises(BadInput, match=problem):
        law_diff(*arguments)


# --- vocabulary -----------------------------------------------------------------------------------------------------


def test_every_word_that_the_law_uses_stands_in_a_table_of_the_vocabulary() -> None:
    known = {word for words in law_words.tables().values() for word in words}
    used = {value for law in instruments().values() for value in _enums(law)}
    assert used and {str(word) for word in used} <= known | {op.value for op in schema.Op}


def _enums(value: Any) -> Iterator[StrEnum]:
    if is_dataclass(value):
        for part in fields(value):
            yield from _enums(getattr(value, part.name))
    elif isinstance(value, tuple | frozenset):
        for item in value:
            yield from _enums(item)
    elif isinstance(value, StrEnum):
        yield value


def test_a_word_is_shown_with_the_meaning_that_stands_beside_its_definition() -> None:
    assert str(law_words.meanings(schema.Base)["residents"]).startswith("of the duty's jurisdiction")
    assert law_words.meanings(schema.Means).keys() == {word.value for word in schema.Means}
    page = law_words.text("confidences")
    assert "memory                        general knowledge; not checked" in page
    assert all(f"\n{name} " in law_words.text() for name in law_words.TABLES)
    with pytest.raises(BadInput, match='Did you mean "duties"'):
        law_words.text("dutys")
