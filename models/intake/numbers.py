"""Telephone numbers in plain forms, judged by the library's own tables without its parser, ten times as fast.

`read_plain` answers only where the parser has nothing to decide: `+` and digits, or a national number in digits,
spaces, hyphens, dots and brackets whose prefix is none or `0`. Everything else is None: ask the library. A test holds
the two to the same answers for every country.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

_ABROAD: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_AT_HOME: Final = re.compile(r"\(?[0-9]{2,5}\)?(?:[ .-]?[0-9]{2,8}){1,4}")
_SIGNS: Final = str.maketrans("", "", "() .-")
_SPECIAL: Final = (
    *("premium_rate", "toll_free", "shared_cost", "voip", "personal_number", "pager", "uan", "voicemail"),
)


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of number of a country: how long it is and what its digits look like."""

    lengths: frozenset[int]
    shape: re.Pattern[str]

    def fits(self, number: str) -> bool:
        return (not self.lengths or len(number) in self.lengths) and self.shape.fullmatch(number) is not None


@dataclass(frozen=True, slots=True)
class _Region:
    """What the library knows of one region of the world."""

    leading: re.Pattern[str] | None
    general: _Kind | None
    special: tuple[_Kind, ...]
    fixed: _Kind | None
    mobile: _Kind | None
    same: bool  # fixed and mobile numbers look alike

    def takes_texts(self, number: str) -> bool | None:
        """Whether a number that is valid here takes text messages; None when it is not valid here."""
        if self.general is None or not self.general.fits(number):
            return None
        if any(kind.fits(number) for kind in self.special):
            return False
        if self.fixed is not None and self.fixed.fits(number):
            return self.same or (self.mobile is not None and self.mobile.fits(number))
        return True if not self.same and self.mobile is not None and self.mobile.fits(number) else None


def read_plain(text: str, country: str) -> tuple[str, bool | None] | None:
    """E.164 and whether it takes text messages (None: no valid number); None alone when only the library can say.

    `country` (ISO 3166-1) is for numbers without a country code.
    """
    if _ABROAD.fullmatch(text):
        return _abroad(text[1:])
    if country and len(text) <= 24 and _AT_HOME.fullmatch(text):
        return _at_home(text.translate(_SIGNS), country)
    return None


def _abroad(digits: str) -> tuple[str, bool | None] | None:
    code = next((digits[:n] for n in (1, 2, 3) if _regions(digits[:n])), "")
    if not code:
        return None
    plan, number = _plan_of_code(code), digits[len(code) :]
    if number[0] == "0" or (plan.prefix is not None and plan.prefix.match(number)):
        return None
    return "+" + digits, _takes_texts(code, number)


def _at_home(digits: str, country: str) -> tuple[str, bool | None] | None:
    plan = _plan_of_country(country)
    if plan is None or digits.startswith(plan.code) or (plan.abroad is not None and plan.abroad.match(digits)):
        return None
    if plan.prefix is not None and plan.prefix.match(digits):
        if plan.prefix.pattern != "0" or plan.general.shape.fullmatch(digits):
            return None
        digits = digits[1:]
    if digits[0] == "0" or len(digits) not in plan.general.lengths:
        return None
    return f"+{plan.code}{digits}", _takes_texts(plan.code, digits)


def _takes_texts(code: str, number: str) -> bool | None:
    regions = _regions(code)
    if len(regions) == 1:
        return regions[0].takes_texts(number)
    for region in regions:
        found = region.takes_texts(number) if region.leading is None or region.leading.match(number) else None
        if region.leading is not None and region.leading.match(number):
            return found
        if found is not None:
            return found
    return None


# --- the library's tables -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Plan:
    """How numbers are written in one numbering plan."""

    code: str  # of the country
    prefix: re.Pattern[str] | None  # before a number within the country
    abroad: re.Pattern[str] | None  # before a country's code
    general: _Kind


@cache
def _regions(code: str) -> tuple[_Region, ...]:
    import phonenumbers as pn

    regions = pn.COUNTRY_CODE_TO_REGION_CODE.get(int(code), ())
    return tuple(_region(pn.PhoneMetadata.metadata_for_region_or_calling_code(int(code), region)) for region in regions)


@cache
def _plan_of_code(code: str) -> _Plan:
    import phonenumbers as pn

    region = pn.region_code_for_country_code(int(code))
    return _plan(pn.PhoneMetadata.metadata_for_region_or_calling_code(int(code), region))


@cache
def _plan_of_country(country: str) -> _Plan | None:
    import phonenumbers as pn

    found = pn.PhoneMetadata.metadata_for_region(country, None)
    return _plan(found) if found is not None else None


def _plan(data: Any) -> _Plan:
    prefix, abroad = data.national_prefix_for_parsing, data.international_prefix
    general = _kind(data.general_desc) or _Kind(frozenset(), re.compile(r"(?!)"))
    return _Plan(
        str(data.country_code), re.compile(prefix) if prefix else None, re.compile(abroad) if abroad else None, general
    )


def _region(data: Any) -> _Region:
    return _Region(
        leading=re.compile(data.leading_digits) if data.leading_digits is not None else None,
        general=_kind(data.general_desc),
        special=_together(_kind(getattr(data, name)) for name in _SPECIAL),
        fixed=_kind(data.fixed_line),
        mobile=_kind(data.mobile),
        same=bool(data.same_mobile_and_fixed_line_pattern),
    )


def _together(kinds: Iterable[_Kind | None]) -> tuple[_Kind, ...]:
    """Kinds that are equally long as one: their shapes are tried in one go."""
    shapes: dict[frozenset[int], list[str]] = {}
    for kind in kinds:
        if kind is not None:
            shapes.setdefault(kind.lengths, []).append(f"(?:{kind.shape.pattern})")
    return tuple(_Kind(lengths, re.compile("|".join(found))) for lengths, found in shapes.items())


def _kind(data: Any) -> _Kind | None:
    if data is None or not data.national_number_pattern:
        return None
    return _Kind(frozenset(data.possible_length), re.compile(data.national_number_pattern))
