"""The profile's small tables of words by country or language, and what a single value may hold. Read strictly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from models import vocabulary
from models.values import BadInput


def senders(row: Any, where: str) -> Mapping[str, str]:
    """Senders of text messages by ISO 3166-1 country, and a number for `other`."""
    if not isinstance(row, Mapping):
        raise BadInput(where, "must be a table.", 'Write GB = "Example".')
    for country, value in row.items():
        if country != "other" and (vocabulary.find_place(str(country)) != country or "-" in country):
            raise BadInput(f"{where} {country}", "is no country.", "Write its two letters, such as GB, or other.")
        if not isinstance(value, str) or not value.strip():
            raise BadInput(f"{where} {country}", "must be a text.", "A number, a name or a messaging service.")
    return {str(country): line(value, f"{where} {country}") for country, value in row.items()}


def prices(row: Any, where: str) -> Mapping[str, float]:
    """Prices of one part of a text message by ISO 3166-1 country."""
    if not isinstance(row, Mapping):
        raise BadInput(where, "must be a table.", "Write GB = 0.04.")
    found: dict[str, float] = {}
    for country, value in row.items():
        if vocabulary.find_place(str(country)) != country or "-" in country:
            raise BadInput(f"{where} {country}", "is no country.", "Write its two letters, such as GB.")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise BadInput(f"{where} {country}", "must be a number.")
        found[country] = not_negative(float(value), f"{where} {country}")
    return found


def reviewed(row: Any, where: str) -> Mapping[str, str]:
    """Who signed off each language's words, and on which day: a name and a date, since somebody answers for them."""
    if not isinstance(row, Mapping):
        raise BadInput(where, "must be a table.", 'Write zh-Hans = "Name, 2026-11-24".')
    for language, said in row.items():
        found = _SIGNED_OFF.fullmatch(said.strip()) if isinstance(said, str) else None
        if found is None or not _is_day(found["day"]) or found["name"].strip().casefold() in _NOBODY:
            remedy = f'Write {language} = "Name of the reader, 2026-11-24".'
            raise BadInput(f"{where} {language}", "must say who read the words, and on which day.", remedy)
    return {str(language): line(said.strip(), f"{where} {language}") for language, said in row.items()}


_SIGNED_OFF = re.compile(r"(?P<name>[^\W\d_].*[^\W\d_].*),\s*(?P<day>\d{4}-\d{2}-\d{2})")
_NOBODY = frozenset({"yes", "true", "done", "ok", "okay", "reviewed", "name", "name of the reader"})


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


SAID = ("name", "hours", "signatory")  # what of a profile is words, not data


def by_language(row: Any, where: str) -> Mapping[str, Mapping[str, str]]:
    """Contact's name and hours and the signatory, as a text in that language says them."""
    if not isinstance(row, Mapping) or not all(isinstance(own, Mapping) for own in row.values()):
        raise BadInput(where, "must hold a table for each language.", 'Write [in_language.ja] and hours = "…".')
    for language, own in row.items():
        for key, value in own.items():
            if key not in SAID or not isinstance(value, str) or not value.strip():
                raise BadInput(f"{where} {language}.{key}", "is not understood.", f"Texts: {', '.join(SAID)}.")
    return {
        str(language): {key: line(value, f"{where} {language}.{key}") for key, value in own.items()}
        for language, own in row.items()
    }


def line(value: str, where: str) -> str:
    if any(ord(c) < 32 or ord(c) == 127 for c in value):
        raise BadInput(where, "has a line break or control character.", "Write it on one line.")
    return value


def not_negative(value: Any, where: str) -> Any:
    if value < 0:
        raise BadInput(where, "must not be negative.")
    return value
