"""In which time zones a place lies. Source: the tz database's table of countries; parts of some large ones are ours."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from importlib.resources import files


@cache
def zones_of_place(place: str) -> tuple[str, ...]:
    """The zones of a residence (ISO 3166-1 or -2), as names of the tz database; empty when it is unknown."""
    country, _, part = place.partition("-")
    return _parts().get(country, {}).get(part) or _countries().get(country, ())


@cache
def _parts() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    table = tomllib.loads((files("models") / "zones.toml").read_text("utf-8"))
    return {country: {part: tuple(zones) for part, zones in rows.items()} for country, rows in table.items()}


@cache
def _countries() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = defaultdict(list)
    for line in (files("tzdata") / "zoneinfo" / "zone.tab").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            country, _, zone, *_ = line.split("\t")
            found[country].append(zone)
    return {country: tuple(zones) for country, zones in found.items()}
