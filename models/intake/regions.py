"""The country that a telephone number belongs to."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=65_536)
def country_of(phone: str) -> str:
    """ISO 3166-1 of a number in E.164; of several countries that share a prefix the main one; empty when unknown."""
    import phonenumbers as pn

    try:
        number = pn.parse(phone)
    except pn.NumberParseException:
        return ""
    region = pn.region_code_for_number(number) or pn.region_code_for_country_code(number.country_code or 0)
    return region if region not in (None, "ZZ", "001") else ""
