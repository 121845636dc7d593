"""Instrument files: what the loader refuses, and what it says."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from models.values import BadInput, Confidence
from regimes.load import counting_rules, instruments, load_file, load_instrument

GOOD = """
id = "xx-law"
name = "A law"
place = "US-CA"
kind = "personal_data"
[[version]]
from = 2020-01-01
citation = "s 1"
sources = ["https://law.example.org/s1"]
checked = 2026-11-24
confidence = "corpus"
[[version.duty]]
duty = "individuals"
citation = "s 2"
when = { count = "residents", more_than = 5 }
deadline = [{ value = 30, unit = "calendar_days", from = "discovered" }]
"""

REFUSED = [
    (
        'unit = "calendar_days"',
        'unit = "calendar_day"',
        'unit "calendar_day" is unknown.',
        'Did you mean "calendar_days"?',
    ),
    ('from = "discovered"', 'from = "discoverd"', 'from "discoverd" is unknown.', 'Did you mean "discovered"?'),
    (', from = "discovered"', "", "a deadline needs an anchor", 'Add from = "discovered"'),
    ("value = 30, ", "", "unit and value go together", ""),
    ("value = 30", 'value = "30"', "value must be a whole number", ""),
    ('sources = ["https://law.example.org/s1"]', "", '"corpus" needs sources and the day they were checked', "sources"),
    ("checked = 2026-11-24", "", '"corpus" needs sources and the day they were checked', "checked"),
    ('confidence = "corpus"', "", "confidence is missing", ""),
    ('confidence = "corpus"', 'confidence = "sure"', 'confidence "sure" is unknown', "corpus"),
    ('confidence = "corpus"', 'confidence = "memory"', "checked cannot stand beside confidence memory", ""),
    ('citation = "s 1"', "", "citation is missing", ""),
    ('citation = "s 2"', "", "citation is missing", ""),
    ('duty = "individuals"', 'duty = "individual"', 'duty "individual" is unknown.', 'Did you mean "individuals"?'),
    ('count = "residents"', 'count = "resident"', 'count "resident" is unknown.', 'Did you mean "residents"?'),
    ("more_than = 5", "above = 5", "needs exactly one of at_least, more_than", ""),
    ("more_than = 5", "more_than = 5, at_least = 6", "needs exactly one of at_least, more_than", ""),
    (
        '{ count = "residents", more_than = 5 }',
        '{ fact = "data.encripted", is = true }',
        '"data.encripted" is unknown',
        "data.encrypted",
    ),
    ('{ count = "residents", more_than = 5 }', '{ fact = "risk.gdpr", is = "medium" }', '"medium" is unknown', "high"),
    (
        '{ count = "residents", more_than = 5 }',
        '{ fact = "data.elements", contains = ["sssn"] }',
        '"sssn" is unknown',
        "ssn",
    ),
    ('{ count = "residents", more_than = 5 }', '{ residents = "US-QQ" }', '"US-QQ" is no place', "ISO 3166"),
    ('{ count = "residents", more_than = 5 }', "{ }", "a condition has exactly one of", ""),
    ('place = "US-CA"', 'place = "California"', '"California" is no place', "ISO 3166"),
    ("from = 2020-01-01", 'from = "2020-01-01"', "from must be a date", "without quotes"),
    ('name = "A law"', 'name = "A law"\nnick = "x"', 'key "nick" is unknown', "name"),
    ('citation = "s 2"', 'citation = "s 2"\ndeadlines = []', 'key "deadlines" is unknown', 'Did you mean "deadline"?'),
    ('from = "discovered"', 'from = "submission"', 'of goes with from = "submission"', ""),
    ("value = 30", "value = 10001", "value is more than 10,000", "own unit"),
    ("value = 30", "value = 30, month = 13", 'month and day go with unit = "fixed_date" alone', ""),
    ("value = 30", "value = 30, day = 1", 'month and day go with unit = "fixed_date" alone', ""),
    ('value = 30, unit = "calendar_days"', 'unit = "fixed_date", month = 2, day = 30', "no date of every year", ""),
    ('citation = "s 1"', 'citation = "s 1"\nx = ' + "[" * 20_000, "is nested too deep", ""),
    ('citation = "s 1"', 'citation = "s 1"\nx = ' + "9" * 6_000, "a number that is too long", "18 digits"),
]


@pytest.mark.parametrize("id_", ["../x", "us/ca", "US-CA", "us-", "us ca", "us-ca\\x"])
def test_an_id_is_no_path(id_: str) -> None:
    text = GOOD.replace('"xx-law"', json.dumps(id_))
    assert text != GOOD
    with pytest.raises(BadInput, match="small letters, digits and hyphens"):
        load_instrument(text, "regimes/xx/law.toml")


@pytest.mark.parametrize(("today", "refused"), [(date(2026, 11, 22), True), (date(2026, 11, 23), False)])
def test_nobody_has_checked_a_source_after_today(tmp_path: Path, today: date, refused: bool) -> None:
    (tmp_path / "law.toml").write_text(GOOD, "utf-8")
    if refused:
        with pytest.raises(BadInput, match="checked 2026-11-24 is in the future"):
            load_file(tmp_path / "law.toml", today)
    else:
        assert load_file(tmp_path / "law.toml", today).versions


@pytest.mark.parametrize(("old", "new", "problem", "remedy"), REFUSED)
def test_a_bad_instrument_is_refused_with_the_nearest_known_word(old: str, new: str, problem: str, remedy: str) -> None:
    assert old in GOOD
    with pytest.raises(BadInput) as error:
        load_instrument(GOOD.replace(old, new, 1), "regimes/xx/law.toml")
    assert str(error.value).startswith("regimes/xx/law.toml")
    assert problem in str(error.value)
    assert remedy in str(error.value)


def test_an_error_names_the_duty_and_the_version() -> None:
    with pytest.raises(BadInput) as error:
        load_instrument(GOOD.replace("calendar_days", "day"), "regimes/xx/law.toml")
    assert str(error.value).startswith('regimes/xx/law.toml: duty "individuals", version from 2020-01-01')


def test_overlapping_versions_are_refused() -> None:
    second = GOOD[GOOD.index("[[version]]") :].replace("2020-01-01", "2024-01-01")
    with pytest.raises(BadInput, match="version from 2020-01-01 overlaps the version from 2024-01-01"):
        load_instrument(GOOD + second, "law.toml")
    ended = GOOD.replace("from = 2020-01-01", "from = 2020-01-01\nuntil = 2023-12-31") + second
    assert len(load_instrument(ended, "law.toml").versions) == 2


def test_a_duty_from_memory_inside_a_checked_version_has_no_checked_date() -> None:
    text = GOOD.replace('citation = "s 2"', 'citation = "s 2"\nconfidence = "memory"')
    duty = load_instrument(text, "law.toml").versions[0].duties[0]
    assert duty.confidence is Confidence.MEMORY
    assert duty.checked is None


def test_every_version_and_duty_that_ships_cites() -> None:
    for instrument in instruments().values():
        for version in instrument.versions:
            assert version.citation
            assert version.confidence is not Confidence.CORPUS or (version.sources and version.checked)
            assert all(rule.citation for rule in version.duties)
            assert not version.notice or all(item.citation for item in version.notice.elements)
            assert all(tier.citation and tier.because for tier in version.substitute)


def test_every_counting_rule_cites() -> None:
    for rule in counting_rules().values():
        assert rule.citation and rule.text
        assert rule.sources or rule.confidence is not Confidence.CORPUS
