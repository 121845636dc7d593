"""Email addresses, telephone numbers and postal lines, normalised or dropped. A bad contact never drops a person.

Numbers that are reserved for fiction count as valid, so that exercises run on numbers that ring nowhere. Sources: the
North American Numbering Plan keeps 555-0100 to 555-0199 of every area code; Ofcom lists numbers for drama; so does the
Bundesnetzagentur (Mitteilung 148/2021).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Final

from babel import Locale
from email_validator import EmailNotValidError, validate_email

from models.intake.numbers import read_plain
from models.postal import street_and_town

# prefix or pattern of E.164 -> whether such a number takes text messages
RESERVED_NUMBERS: Final[tuple[tuple[re.Pattern[str], bool], ...]] = (
    (re.compile(r"\+1[2-9]\d\d55501\d\d"), True),
    (re.compile(r"\+447700900\d{3}"), True),
    (re.compile(r"\+441632960\d{3}|\+441914980\d{3}|\+442079460\d{3}"), False),
    (re.compile(r"\+441(13|14|15|16|17|18|21|31|41|51|61)4960\d{3}|\+442896496\d{3}|\+442920180\d{3}"), False),
    (re.compile(r"\+4917139200\d{2}|\+49176040690\d{2}"), True),
    (re.compile(r"\+49(3023125|6990009|4066969|2214710|8999998)\d{3}"), False),
)
_LONGEST_EMAIL: Final = 254  # RFC 5321 path without its brackets
# Addresses that the library would give back unchanged (a test holds it to that); it takes 40 microseconds for each.
_PLAIN_EMAIL: Final = re.compile(
    r"(?=.{1,64}@)[A-Za-z0-9]+(?:[._+-][A-Za-z0-9]+)*@(?:[a-z0-9]{1,63}\.)+(?:com|org|net|edu|gov|[a-z]{2})"
)
_CONTROL: Final = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029]+")
_BIDI: Final = re.compile("[\u202a-\u202e\u2066-\u2069\ufeff]")  # they reorder or hide what follows them
_SPACES: Final = re.compile(r"\s+")


def has_control(text: str) -> bool:
    """Whether a text holds a line break or another control character."""
    return not text.isprintable() and bool(_CONTROL.search(text) or _BIDI.search(text))


def clean(text: str) -> str:
    """One line of text: NFC, no control characters, single spaces."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    plain = _BIDI.sub("", _CONTROL.sub(" ", unicodedata.normalize("NFC", text)))
    return _SPACES.sub(" ", plain).strip()


def read_email(text: str) -> str:
    """The address in its usual form, its domain in ASCII; "" when it is not usable. No look-up is made.

    A display name, a line break, several addresses, a domain literal are not usable. `.test` and `.invalid` are.
    """
    text = text.strip()
    if _PLAIN_EMAIL.fullmatch(text) and len(text) <= _LONGEST_EMAIL:
        return text
    if not text or has_control(text) or len(text) > _LONGEST_EMAIL:
        return ""
    stand_in = text[:-8] + ".test" if text.lower().endswith(".invalid") else text  # the library refuses .invalid
    try:
        found = validate_email(stand_in, check_deliverability=False, test_environment=True, strict=True)
    except EmailNotValidError:
        return ""
    address = found.ascii_email or found.normalized
    return address.removesuffix(".test") + ".invalid" if stand_in is not text else address


@lru_cache(maxsize=4096)
def read_phone(text: str, country: str) -> tuple[str, bool]:
    """E.164 and whether the number takes text messages; ("", False) when it is not usable.

    `country` (ISO 3166-1) is for numbers written without a country code. A number that may be fixed or mobile counts as
    mobile, as everywhere in North America.
    """
    plain = read_plain(text, country)
    if plain is None:
        return read_by_library(text, country)
    e164, mobile = plain
    reserved = _reserved(e164)
    if reserved is not None:
        return e164, reserved
    return (e164, mobile) if mobile is not None else ("", False)


def read_by_library(text: str, country: str) -> tuple[str, bool]:
    """What `read_phone` says of a number in whatever form."""
    import phonenumbers as pn

    if not text.strip() or has_control(text):
        return "", False
    try:
        number = pn.parse(text, country or None)
    except pn.NumberParseException:
        return "", False
    e164 = pn.format_number(number, pn.PhoneNumberFormat.E164)
    reserved = _reserved(e164)
    if reserved is not None:
        return e164, reserved
    if not pn.is_valid_number(number):
        return "", False
    kind = pn.number_type(number)
    return e164, kind in (pn.PhoneNumberType.MOBILE, pn.PhoneNumberType.FIXED_LINE_OR_MOBILE)


def _reserved(e164: str) -> bool | None:
    """Whether a number that is reserved for fiction takes text messages; None for every other number."""
    known = _RESERVED.get(e164[:2]) or _RESERVED.get(e164[:3]) or ()
    return next((mobile for pattern, mobile in known if pattern.fullmatch(e164)), None)


_RESERVED: Final = {
    code: tuple((pattern, mobile) for pattern, mobile in RESERVED_NUMBERS if pattern.pattern.startswith("\\" + code))
    for code in ("+1", "+44", "+49")
}


@lru_cache(maxsize=65_536)
def zones_of(phone: str) -> tuple[str, ...]:
    """The time zones that a number in E.164 may be in, by its prefix; empty when nothing is known."""
    import phonenumbers as pn
    from phonenumbers import timezone

    try:
        return tuple(z for z in timezone.time_zones_for_number(pn.parse(phone)) if z != "Etc/Unknown")
    except pn.NumberParseException:
        return ()


# --- postal lines ---------------------------------------------------------------------------------------------------


def address_lines(streets: Sequence[str], city: str, region: str, postal_code: str, country: str) -> tuple[str, ...]:
    """The lines below the addressee in the order of their country, its name last. Empty unless there is a street and a
    town or code.
    """
    if not (any(streets) and (city or postal_code)):
        return ()
    last = country_name(country)
    return (*street_and_town(streets, city, region, postal_code, country), *([last] if last else []))


@cache
def country_name(country: str) -> str:
    """The country's English name in capitals, as the last line of an address abroad wants it; "" when unknown."""
    return str(Locale("en").territories.get(country, "")).upper() if country else ""
