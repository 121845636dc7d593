"""A mapping file says what the columns mean, and is refused with the nearest word where it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from models.intake import load_mapping, parse_mapping
from models.values import BadInput

LEAST: dict[str, Any] = {
    "columns": {"name": "Name", "country": "Country"},
    "defaults": {"language": "en", "elements": ["name"]},
}


def with_(**more: Any) -> dict[str, Any]:
    """The least mapping with some tables extended and some keys added."""
    return LEAST | {
        key: (LEAST.get(key, {}) | value if isinstance(value, dict) else value) for key, value in more.items()
    }


def test_the_least_mapping_that_works() -> None:
    mapping = parse_mapping(LEAST, "m.toml")
    assert (mapping.delimiter, mapping.multiline, mapping.minor_below) == (",", False, 18)
    assert mapping.elements == {"name"}


@pytest.mark.parametrize(
    ("data", "where", "says"),
    [
        (with_(encodng="utf-8"), "m.toml: top level", 'Did you mean "encoding"?'),
        (with_(columns={"e_mail": "Mail"}), "m.toml: [columns]", 'Did you mean "email"?'),
        (with_(columns={"email": ""}), "m.toml: columns.email", "not empty"),
        (with_(columns={"email": 3}), "m.toml: columns.email", "not empty"),
        (with_(elements={"snn": "SSN"}), "m.toml: elements.snn", 'Did you mean "ssn"?'),
        (with_(defaults={"elements": ["pasword"]}), "m.toml: defaults.elements", 'Did you mean "password"?'),
        (with_(defaults={"elements": "name"}), "m.toml: defaults.elements", "must be a list"),
        (with_(defaults={"residence": "Ilinois"}), "m.toml: defaults.residence", "Did you mean US-IL (Illinois)?"),
        (with_(defaults={"language": "klingon"}), "m.toml: defaults.language", "BCP 47"),
        (with_(defaults={"gender": "f"}), "m.toml: [defaults]", "is unknown"),
        (with_(values={"deceesed": {"Y": True}}), "m.toml: [values]", 'Did you mean "deceased"?'),
        (with_(values={"deceased": {"Y": "dead"}}), "m.toml: values.deceased.Y", "true or false"),
        (with_(values={"elements": {"SV-Nummer": "snn"}}), "m.toml: values.elements.SV-Nummer", "ssn"),
        (with_(values={"language": "en"}), "m.toml: values.language", "must be a table"),
        (with_(encoding="utf-9"), "m.toml: encoding", "is unknown"),
        (with_(encoding="rot13"), "m.toml: encoding", "is unknown"),
        (with_(delimiter=",,"), "m.toml: delimiter", "one character"),
        (with_(delimiter='"'), "m.toml: delimiter", "one character"),
        (with_(multiline="yes"), "m.toml: multiline", "true or false"),
        (with_(minor_below=True), "m.toml: minor_below", "whole number"),
        (with_(minor_below=0), "m.toml: minor_below", "out of range"),
        (with_(line_end="crlf"), "m.toml: line_end", "is unknown"),
        (with_(query="SELECT 1", table="people"), "m.toml: query", "beside table"),
        (with_(columns="Name"), "m.toml: columns", "must be a table"),
        (LEAST | {"columns": {}}, "m.toml: [columns]", "is empty"),
        (LEAST | {"columns": {"email": "E", "country": "C"}}, "m.toml: [columns]", "names no person"),
        (LEAST | {"columns": {"name": "N"}}, "m.toml: [columns]", "gives no residence"),
        (LEAST | {"defaults": {"elements": ["name"]}}, "m.toml: [defaults]", "gives no language"),
        (LEAST | {"defaults": {"language": "en"}}, "m.toml: [elements]", "what was exposed"),
    ],
)
def test_a_mapping_that_says_something_unknown_is_refused_with_the_remedy(
    data: dict[str, Any], where: str, says: str
) -> None:
    with pytest.raises(BadInput) as caught:
        parse_mapping(data, "m.toml")
    assert caught.value.where == where
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("raw", "says"),
    [(b"[columns", "is not TOML"), ("name = 'Zoë'".encode("cp1252"), "is not UTF-8"), (None, "cannot be read")],
)
def test_a_mapping_file_that_cannot_be_read_is_refused(tmp_path: Path, raw: bytes | None, says: str) -> None:
    path = tmp_path / "m.toml"
    if raw is not None:
        path.write_bytes(raw)
    with pytest.raises(BadInput, match=says):
        load_mapping(path)


def test_words_and_aliases_are_understood() -> None:
    data = with_(
        elements={"social_security_number": "SSN"},
        values={"deceased": "verstorben", "language": {"Deutsch (DE)": "de"}, "flags": {"so": True, "nope": False}},
        defaults={"residence": "California", "language": "zh-CN"},
    )
    mapping = parse_mapping(data, "m.toml")
    assert mapping.element_columns == {"ssn": "SSN"}
    assert mapping.words["deceased"] == {"verstorben": "true"}
    assert mapping.words["flags"] == {"so": "true", "nope": "false"}
    assert (mapping.residence, mapping.language) == ("US-CA", "zh-Hans")


def test_the_digest_is_of_what_is_said_not_of_where_it_lies() -> None:
    assert parse_mapping(LEAST, "a.toml").digest() == parse_mapping(LEAST, "b.toml").digest()
    assert parse_mapping(LEAST, "a.toml").digest() != parse_mapping(with_(delimiter=";"), "a.toml").digest()


@pytest.mark.parametrize("case", ["presence-health", "mass-case"])
def test_the_mappings_of_the_examples_load(case: str) -> None:
    path = Path(__file__).parents[2] / "examples" / case / "people.mapping.toml"
    assert load_mapping(path).columns["source_id"]
