"""The short cut for telephone numbers answers as the library does, for every country and form, or leaves it to it."""

from __future__ import annotations

import phonenumbers as pn
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.intake.contacts import read_by_library, read_phone
from models.intake.numbers import read_plain

REGIONS = sorted(pn.SUPPORTED_REGIONS)
KINDS = [kind for kind in range(11) if kind in pn.PhoneNumberType.values()]
FORMS = ("+{code}{digits}", "{digits}", "0{digits}", "{a}-{b}-{c}", "({a}) {b} {c}", "(0{a}) {b}{c}", "0{a} {b}.{c}")


def examples(region: str) -> list[str]:
    """Valid national numbers of a region, of every kind that it has."""
    found = (pn.example_number_for_type(region, kind) for kind in KINDS)
    return [pn.national_significant_number(number) for number in found if number is not None]


@st.composite
def numbers(draw: st.DrawFn) -> tuple[str, str]:
    """A number as a list may write it, often valid, and the country that the list names."""
    region = draw(st.sampled_from(REGIONS))
    digits = list(draw(st.sampled_from(examples(region))))
    for place in draw(st.lists(st.integers(0, len(digits) - 1), max_size=4)):
        digits[place] = draw(st.sampled_from("0123456789"))
    text = "".join(digits) + draw(st.sampled_from(["", "", "", "0", "7"]))
    parts = {"code": pn.country_code_for_region(region), "digits": text, "a": text[:3], "b": text[3:6], "c": text[6:]}
    home = region if draw(st.integers(0, 9)) else draw(st.sampled_from([*REGIONS, ""]))
    return draw(st.sampled_from(FORMS)).format(**parts), home


@given(numbers())
@settings(max_examples=1_500, deadline=None)
def test_the_short_cut_answers_as_the_library_does(written: tuple[str, str]) -> None:
    assert read_phone.__wrapped__(*written) == read_by_library(*written)


@given(st.from_regex(r"\+?[0-9 ().-]{2,18}", fullmatch=True), st.sampled_from([*REGIONS, "", "XX"]))
@settings(max_examples=1_000, deadline=None)
def test_whatever_signs_a_number_is_made_of_the_two_agree(text: str, country: str) -> None:
    assert read_phone.__wrapped__(text, country) == read_by_library(text, country)


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("+13125550123", ""),
        ("(312) 555-4321", "US"),
        ("416 555 4321", "CA"),
        ("0171 3920012", "DE"),
        ("01 23 45 67 89", "FR"),
    ],
)
def test_the_usual_forms_take_the_short_cut(text: str, country: str) -> None:
    assert read_plain(text, country) is not None


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("+1 312 555 4321", ""),
        ("312 555 4321 x9", "US"),
        ("011 49 30 23125", "US"),
        ("1-312-555-4321", "US"),
        ("", "US"),
    ],
)
def test_what_needs_the_parser_is_left_to_it(text: str, country: str) -> None:
    assert read_plain(text, country) is None
