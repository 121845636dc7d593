"""Files that a person can't have meant: refused with a sentence, by whatever reads them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from models.facts import load_facts, parse_facts
from models.intake.mapping import load_mapping
from models.profile import load_profile
from models.values import BadInput
from regimes.assess import assess

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
READERS: list[Callable[[Path], Any]] = [load_facts, load_mapping, load_profile]
EXTREMES = [
    ("a = " + "[" * 3000 + "]" * 3000, "is nested too deeply"),
    ("a = " + "9" * 5000, "too long to read"),
]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(("text", "problem"), EXTREMES)
def test_toml_that_python_cannot_read_is_refused(
    tmp_path: Path, reader: Callable[[Path], Any], text: str, problem: str
) -> None:
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises(BadInput, match=rf"x\.toml.*{problem}"):
        reader(tmp_path / "x.toml")


@pytest.mark.parametrize("number", ["0x" + "f" * 5000, "9" * 4000, "-" + "9" * 19, str(2**63)])
def test_a_number_beyond_64_bits_is_refused_by_its_key(tmp_path: Path, number: str) -> None:
    (tmp_path / "x.toml").write_text(f"[people]\nDE = {{ min = {number} }}\n")
    with pytest.raises(BadInput, match=r"x\.toml: people\.DE\.min: is a number too large .* at most 18 digits"):
        load_facts(tmp_path / "x.toml")


def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path: Path) -> None:
    examples: dict[Callable[[Path], Any], Path] = {
        load_facts: ROOT / "examples" / "presence-health" / "incident.toml",
        load_profile: ROOT / "examples" / "demo" / "mass-case.profile.toml",
        load_mapping: ROOT / "examples" / "mass-case" / "people.mapping.toml",
    }
    for reader, source in examples.items():
        marked = tmp_path / source.name
        marked.write_bytes(b"\xef\xbb\xbf" + source.read_bytes())
        assert reader(marked)
    assert load_facts(tmp_path / "incident.toml").id == load_facts(examples[load_facts]).id


BASE = {
    "id": "far",
    "organisation": {"country": "DE", "role": "controller", "sectors": ["general"], "timezone": "Europe/Berlin"},
    "data": {"elements": ["name", "email", "ssn"], "nature": ["confidentiality"], "acquired": True},
    "people": {"DE": 5, "US-CA": 600},
}
EDGES = [
    ({"times": {"aware": "9999-12-31"}}, r"times\.aware"),
    ({"times": {"aware": "9999-12-31T23:59:59-12:00"}}, r"times\.aware"),
    ({"times": {"discovered": {"min": "0001-01-01"}}}, r"times\.discovered"),
    ({"submission": [{"regime": "x", "duty": "media", "at": "9999-12-31"}]}, r"submission\[1\]\.at"),
    ({"order": [{"authority": "A", "due": "9999-12-31"}]}, r"order\[1\]\.due"),
    ({"law_enforcement": {"until": "9999-12-31"}}, r"law_enforcement\.until"),
]


@pytest.mark.parametrize(("more", "where"), EDGES)
def test_a_time_at_an_end_of_the_calendar_is_refused_by_its_key(more: dict[str, Any], where: str) -> None:
    with pytest.raises(BadInput, match=rf"incident\.toml: {where}: is at an end of the calendar\. Write the year"):
        parse_facts(BASE | more, "incident.toml")


def _promised(days: int) -> list[dict[str, Any]]:
    return [{"name": "P", "text": "T", "deadline": {"value": days, "unit": "days", "from": "aware"}}]


FAR = [
    ({"times": {"aware": "9999-12-29T00:00:00Z"}}, "times.aware"),
    ({"times": {"aware": "2026-03-02"}, "promise": _promised(10**12)}, "times.aware"),
]


@pytest.mark.parametrize(("more", "where"), FAR)
def test_a_deadline_that_ends_outside_the_calendar_is_refused_by_its_key(more: dict[str, Any], where: str) -> None:
    with pytest.raises(BadInput, match=rf"incident\.toml: {where}.* is too far away.* Check the year"):
        assess(parse_facts(BASE | more, "incident.toml"), NOW)
