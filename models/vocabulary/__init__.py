"""Closed vocabularies kept as data: places, what may be exposed, sectors. Standard library only.

An unknown word is an error that names the nearest known one; it never becomes "other".
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

_SUBDIVISION = re.compile(r"([A-Z]{2})-[A-Z0-9]{1,3}")


@dataclass(frozen=True, slots=True)
class Words:
    """One vocabulary: its words and the other spellings that stand for them."""

    title: str
    words: frozenset[str]
    aliases: dict[str, str]

    def find(self, word: str) -> str | None:
        """The word that is meant, or None when it is unknown."""
        plain = word.strip().lower().replace("-", "_").replace(" ", "_")
        return plain if plain in self.words else self.aliases.get(plain)

    def nearest(self, word: str) -> str | None:
        """The known word that looks most like an unknown one."""
        return nearest(word.lower(), self.words | self.aliases.keys())


@cache
def load(name: str) -> dict[str, Any]:
    """A vocabulary file of this folder, parsed."""
    return tomllib.loads((files("models") / "vocabulary" / f"{name}.toml").read_text("utf-8"))


@cache
def words(title: str) -> Words:
    """The vocabulary `elements`, `sectors` or `free_zones`."""
    table: dict[str, list[str]] = load("data")[title]
    return Words(title, frozenset(table), {alias: word for word, others in table.items() for alias in others})


def nearest(word: str, known: frozenset[str] | set[str]) -> str | None:
    found = get_close_matches(word, sorted(known), 1, 0.6)
    return found[0] if found else None


def did_you_mean(word: str, known: frozenset[str] | set[str]) -> str:
    """A sentence for an error: the nearest known word, or the whole list when it is short."""
    near = nearest(word, known)
    if near:
        return f'Did you mean "{near}"?'
    return "Known: " + ", ".join(sorted(known)) + "." if len(known) <= 24 else ""


# --- places ---------------------------------------------------------------------------------------------------------


def find_place(code: str) -> str | None:
    """The ISO 3166 code in its usual spelling, or None. `uk` is not a code (it is GB)."""
    code = code.strip().upper()
    table = load("places")
    if code in table["countries"] or code in table["subdivisions"]:
        return code
    match = _SUBDIVISION.fullmatch(code)
    closed = {known[:2] for known in table["subdivisions"]}
    return code if match and match[1] in table["countries"] and match[1] not in closed else None


def nearest_place(text: str) -> str | None:
    """The code of the place that has this name, or whose code looks most like it."""
    table = load("places")
    names = {name.lower(): code for part in ("countries", "subdivisions") for code, name in table[part].items()}
    names |= {"uk": "GB", "united kingdom": "GB", "england": "GB-ENG", "usa": "US"}
    found: str | None = names.get(text.strip().lower())
    if found is not None:
        return found
    near = nearest(text.strip().lower(), set(names))
    return names[near] if near else nearest(text.upper(), {*table["countries"], *table["subdivisions"]})


def place_name(code: str) -> str:
    table = load("places")
    name: str = table["subdivisions"].get(code) or table["countries"].get(code) or code
    return name


@cache
def members(group: str) -> frozenset[str]:
    """The places of a named group (`EU` is the European Economic Area); empty for a single place."""
    return frozenset(load("places")["groups"].get(group, ()))


@cache
def within(area: str, place: str) -> bool:
    """Whether a place lies in an area: itself, a subdivision of it, or a member of the group of that name."""
    country = place.split("-")[0]
    return place == area or country == area or place in members(area) or country in members(area)


@cache
def areas_of(place: str) -> tuple[str, ...]:
    """Every area that a place lies in: what `within` answers yes to, itself first."""
    country = place.split("-")[0]
    groups = (group for group in load("places")["groups"] if within(group, place))
    return tuple(dict.fromkeys((place, country, *groups)))


@cache
def zone_of(place: str) -> str | None:
    """The IANA zone of a place's capital; None for a country that has several zones."""
    zones: dict[str, str] = load("places")["zones"]
    return zones.get(place) or zones.get(place.split("-")[0])
