"""The source's own words: yes and no, countries, regions. Pure, and remembered, since lists repeat them."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import Final

from babel import Locale

from models import vocabulary

FLAG_WORDS: Final[dict[str, bool]] = {
    **dict.fromkeys(("1", "true", "yes", "y", "x", "t", "ja", "oui", "si", "sí", "是"), True),
    **dict.fromkeys(("", "0", "false", "no", "n", "f", "-", "nein", "non", "否"), False),
}
UNKNOWN_PLACE: Final = "ZZ"  # ISO 3166 leaves it to the user; nobody is dropped for an unread residence
_BY_REGION: Final = ("US", "CA", "AU")  # their laws differ by subdivision, so residence is ISO 3166-2
_NAMED_IN: Final = ("en", "de", "fr", "es", "it", "pt", "nl", "pl", "zh_Hans", "zh_Hant", "ja", "ko")
_OTHER_NAMES: Final = {
    "usa": "US",
    "united states of america": "US",
    "uk": "GB",
    "great britain": "GB",
    "england": "GB",
    "scotland": "GB",
    "wales": "GB",
    "northern ireland": "GB",
    "holland": "NL",
    "prc": "CN",
    "pr china": "CN",
    "people's republic of china": "CN",
    "mainland china": "CN",
    "中华人民共和国": "CN",
}
_SPACES: Final = re.compile(r"\s+")


@lru_cache(maxsize=65_536)
def plain_word(text: str) -> str:
    """A word without case, accents, dots and needless spaces, so that `U.S.A.` is `usa`."""
    folded = unicodedata.normalize("NFKD", text).casefold().replace(".", "")
    bare = "".join(sign for sign in folded if not unicodedata.combining(sign))
    return _SPACES.sub(" ", bare).strip()


@lru_cache(maxsize=8192)
def country_of(text: str) -> str:
    """The ISO 3166-1 code of a code or name; "" when it is not understood."""
    plain = plain_word(text)
    code = vocabulary.find_place(plain) if len(plain) == 2 else None
    return code or _country_names().get(plain, "")


@lru_cache(maxsize=8192)
def residence_of(text: str) -> str:
    """The ISO 3166 code of a code (`US-CA`) or name (`California`, `Germany`).

    "" when it is not understood, or names both a country and a State, as `Georgia` does.
    """
    country, region = country_of(text), _region_names().get(plain_word(text), "")
    if country and region and len(text.strip()) > 2:
        return ""
    return canonical(vocabulary.find_place(text) or country or region)


@lru_cache(maxsize=8192)
def residence_in(country: str, text: str) -> str:
    """The subdivision of a country that a code (`CA`, `US-CA`) or name means; "" when it is none of that country."""
    if country not in _BY_REGION or not text.strip():
        return ""
    codes = (vocabulary.find_place(f"{country}-{plain_word(text)}"), vocabulary.find_place(text))
    named = next((code for name, code in _regions() if name == plain_word(text) and code.startswith(country)), None)
    return next((code for code in (*codes, named) if code and code.startswith(f"{country}-")), "")


def canonical(code: str) -> str:
    """Puerto Rico and the like have two codes; residence uses the one inside the country whose law reaches them."""
    return f"US-{code}" if code in vocabulary.members("US") else code


def lacks_region(place: str) -> bool:
    """Whether the place is too wide: a country whose laws differ by subdivision, without one."""
    return place in _BY_REGION


@cache
def _country_names() -> dict[str, str]:
    countries = vocabulary.load("places")["countries"]
    found = {plain_word(name): code for code, name in countries.items()}
    for language in _NAMED_IN:
        names = Locale.parse(language).territories
        found |= {plain_word(names[code]): code for code in countries if code in names}
    return found | {plain_word(name): code for name, code in _OTHER_NAMES.items()}


@cache
def _regions() -> tuple[tuple[str, str], ...]:
    return tuple((plain_word(name), code) for code, name in vocabulary.load("places")["subdivisions"].items())


@cache
def _region_names() -> dict[str, str]:
    """Names of subdivisions; a name that two countries use belongs to neither."""
    found: dict[str, str] = {}
    for name, code in _regions():
        found[name] = "" if name in found else code
    return found
