"""How an assessment is shown: warnings first, what is due at once on top, and only what was asked."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from console.cli.alarms import write_ics
from console.cli.assessed import narrowed, said
from console.main import main
from models.facts import Facts, parse_facts
from models.values import BadInput
from regimes.assess import assess
from regimes.obligations import Assessment

AS_OF = datetime(2026, 11, 24, 9, tzinfo=UTC)
DATA: dict[str, Any] = {
    "id": "shop",
    "organisation": {"country": "DE", "role": "controller", "sectors": ["general"], "timezone": "Europe/Berlin"},
    "times": {"aware": "2026-11-20T10:00:00+01:00", "discovered": "2026-09-20"},
    "data": {"elements": {"min": ["name"]}, "encrypted": False, "acquired": True},
    "people": {"DE": 12, "US-WA": 900, "AQ": 1},
    "risk": {"gdpr": "high"},
}


def shown(**changes: Any) -> tuple[Facts, Assessment, str]:
    facts = parse_facts(DATA | changes, "f")
    found = assess(facts, AS_OF)
    text = said(facts, found, False, False)
    assert isinstance(text, str)
    return facts, found, text


def test_warnings_come_first_and_what_is_due_at_once_stands_above_what_has_a_date() -> None:
    _, _, text = shown()
    assert text.startswith("Warnings\n  ")
    owed = text[text.index("Owed (") : text.index("Undetermined")]
    at_once, dated = (owed.index(id_) for id_ in ("eu-gdpr/individuals/EU", "eu-gdpr/regulator/DE"))
    assert "now: without undue delay" in owed and at_once < dated


def test_an_undetermined_duty_is_late_as_if_owed_and_names_the_deciding_elements() -> None:
    _, found, text = shown()
    entry = next(o for o in found.undetermined if o.id == "us-wa/individuals/US-WA/initial")
    assert entry.late_by == timedelta(days=35)
    open_ = " ".join(text[text.index("Undetermined") :].split())
    assert "P35D" in open_ and "data.elements (whether " in open_ and "and " in open_ and " more)" in open_


ONLY = [
    ("us-wa", {"us-wa"}, 2),
    ("US-WA", {"us-wa"}, 2),
    ("eu-gdpr/regulator/DE/initial", {"eu-gdpr"}, 1),
    ("eu-gdpr/regulator", {"eu-gdpr"}, 1),
    ("media", set(), 0),
]


@pytest.mark.parametrize(("word", "regimes", "open_"), ONLY)
def test_a_part_of_it_is_a_regime_a_duty_or_an_id(word: str, regimes: set[str], open_: int) -> None:
    _, found, _ = shown()
    part = narrowed(found, word)
    assert {o.regime for o in part.all()} == regimes and len(part.all()) == open_
    assert part.all() or {n.duty for n in part.not_owed} == {"media"}


UNKNOWN = [
    ("us-waa", 'Did you mean "us-wa"?'),
    ("eu-gdpr/regulator/DE/inital", 'Did you mean "eu-gdpr/regulator/DE/initial"?'),
    ("medja", 'Did you mean "media"?'),
    ("jp-appi", "has nothing to do with these facts"),
    ("zzzzzz", "`tocsin assess FILE` lists them."),
]


@pytest.mark.parametrize(("word", "sentence"), UNKNOWN)
def test_an_unknown_part_names_the_nearest_one(word: str, sentence: str) -> None:
    _, found, _ = shown()
    with pytest.raises(BadInput) as error:
        narrowed(found, word)
    assert sentence in str(error.value)


def test_the_explanation_of_a_part_holds_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "i.toml"
    path.write_text(
        'id = "x"\n[organisation]\ncountry = "DE"\nrole = "controller"\n'
        '[times]\naware = 2026-11-20T10:00:00+01:00\n[risk]\ngdpr = "risk"\n[people]\nDE = 5\nUS-WA = 9\n'
    )
    assert main(["assess", str(path), "--explain", "us-wa"]) == 0
    out = capsys.readouterr().out
    assert "us-wa/individuals" in out and "would change if" in out and "gdpr" not in out and "Severity" not in out
    assert main(["assess", str(path), "eu-gdpr/register", "--json"]) == 0
    assert '"regime": "eu-gdpr"' in (out := capsys.readouterr().out) and "us-wa" not in out
    assert main(["assess", str(path), "us-waa"]) == 1
    assert 'Did you mean "us-wa"?' in capsys.readouterr().err


def test_a_later_export_has_a_higher_sequence_and_the_same_uid(tmp_path: Path) -> None:
    facts = parse_facts(DATA, "f")
    found = {}
    for name, later in (("a", 0), ("b", 61)):
        path = tmp_path / f"{name}.ics"
        write_ics(path, facts, assess(facts, AS_OF + timedelta(seconds=later)))
        text = path.read_text("utf-8")
        found[name] = (set(re.findall(r"SEQUENCE:(\d+)", text)), set(re.findall(r"UID:(\S+)", text)))
    (first,), (second,) = found["a"][0], found["b"][0]
    assert int(second) == int(first) + 1 < 2**31
    assert found["a"][1] == found["b"][1] and found["a"][1]


OWED = (
    'id = "x"\n[organisation]\ncountry = "DE"\nrole = "controller"\n'
    '[times]\naware = 2026-11-20T10:00:00+01:00\n[risk]\ngdpr = "risk"\n[people]\nDE = 5\n'
)


@pytest.mark.parametrize("as_of", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "2201-01-01T00:00:00Z"])
def test_a_present_beyond_belief_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], as_of: str) -> None:
    path = tmp_path / "i.toml"
    path.write_text(OWED, "utf-8")
    assert main(["assess", str(path), "--as-of", as_of]) == 1
    assert "Write a day from 1970 to 2200" in capsys.readouterr().err


def test_a_calendar_that_cannot_be_written_is_the_one_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "i.toml"
    path.write_text(OWED, "utf-8")
    assert main(["assess", str(path), "--json", "--ics", str(tmp_path / "none" / "i.ics")]) == 1
    assert "cannot be written" in json.loads(capsys.readouterr().out)["error"]
