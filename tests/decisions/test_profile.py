"""The profile refuses what would let words go out unanswered for."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from models.facts import parse_facts
from models.profile import EXAMPLE, parse_profile
from models.slots import page_alone
from models.values import BadInput, Channel, Mode, Role, SegmentSpec
from templates.render import render, sheet
from templates.words import foreign_day

OWN = {"organisation": {"name": "Example Organisation"}}


@pytest.mark.parametrize(
    "said",
    [
        *["yes", "true", "", " ", "Hana Example", "2026-11-24", ", 2026-11-24", "ok, 2026-11-24", "Yes, 2026-11-24"],
        *["Hana Example, 2026-13-01", "Hana Example, soon", "Name of the reader, 2026-11-24", True, 3, ["Hana"]],
    ],
)
def test_a_sign_off_without_a_name_and_a_day_is_refused_by_its_very_key(said: object) -> None:
    with pytest.raises(BadInput) as caught:
        parse_profile(OWN | {"reviewed": {"de": "Ada Example, 2026-11-20", "ja": said}}, "organisation.toml")
    assert caught.value.where == "organisation.toml: [reviewed] ja"
    assert 'ja = "Name of the reader, 2026-11-24"' in caught.value.remedy


@pytest.mark.parametrize(
    "said", ["Hana Example, 2026-11-24", "例 花子, 2026-11-24", "Dr. A. Example, LL.M., 2026-11-24"]
)
def test_a_sign_off_keeps_who_read_the_words_and_when(said: str) -> None:
    assert parse_profile(OWN | {"reviewed": {"ja": said}}, "o.toml").reviewed == {"ja": said}


def test_the_example_shows_the_form_of_a_sign_off() -> None:
    assert '# zh-Hans = "Name of the reader, 2026-11-24"' in EXAMPLE


@pytest.mark.parametrize(
    ("address", "page"),
    [
        ("https://www.example.org/verify", "https://www.example.org/verify"),
        ("https://www.example.org/verify/", "https://www.example.org/verify"),
        ("https://www.example.org/verify?code={code}", "https://www.example.org/verify"),
        ("https://www.example.org/verify#{code}", "https://www.example.org/verify"),
        ("https://www.example.org/v/{code}", "https://www.example.org/v"),
        ("https://www.example.org/v/c-{code}", "https://www.example.org/v"),
        ("", ""),
    ],
)
def test_a_reader_types_the_address_of_a_page_without_query_or_code(address: str, page: str) -> None:
    assert page_alone(address) == page


def test_hours_and_names_are_said_in_the_language_of_the_text() -> None:
    own = {"ja": {"hours": "平日9時から18時まで", "name": "お問い合わせ窓口"}}
    contact = {"name": "Incident response line", "hours": "Monday to Friday, 9 to 18"}
    profile = parse_profile(OWN | {"contact": contact, "in_language": own}, "o.toml")
    facts = sheet(parse_facts({"id": "x", "title": "X"}, "x.toml"), asdict(profile))
    for language, hours in (("ja", own["ja"]["hours"]), ("de", contact["hours"])):
        made = render(SegmentSpec("s", language, Role.SELF, exposed=("name",)), Channel.EMAIL, facts, mode=Mode.LIVE)
        assert hours in made.text
    assert "Monday" not in render(SegmentSpec("s", "ja", Role.SELF), Channel.EMAIL, facts, mode=Mode.LIVE).text


@pytest.mark.parametrize("row", [{"ja": {"phone": "1"}}, {"ja": {"hours": ""}}, {"ja": "9-18"}, {"ja": {"hours": 9}}])
def test_other_words_by_language_are_refused(row: object) -> None:
    with pytest.raises(BadInput, match="in_language"):
        parse_profile(OWN | {"in_language": row}, "o.toml")


@pytest.mark.parametrize(
    ("hours", "language", "day"),
    [
        ("Monday to Friday, 8 am to 8 pm", "en", ""),
        ("Monday to Friday, 8 am to 8 pm", "ja", "friday"),
        ("Monday to Friday, 8 am to 8 pm", "de", "friday"),
        ("Montag bis Freitag, 8 bis 20 Uhr", "de", ""),
        ("Montag bis Freitag, 8 bis 20 Uhr", "fr", "freitag"),
        ("平日9時から18時まで", "ja", ""),
        ("8:00-20:00", "ar", ""),
    ],
)
def test_a_day_of_the_week_tells_that_hours_are_in_another_language(hours: str, language: str, day: str) -> None:
    assert foreign_day(hours, language) == day
