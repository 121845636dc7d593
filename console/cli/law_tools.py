"""`tocsin law stale | diff | new`: what those who keep the law up to date need. Plain functions; no database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

from models import vocabulary
from models.values import BadInput, check_slug
from regimes.load import heads, instruments
from regimes.schema import APPLIED, Instrument, Per, Version

# --- stale ----------------------------------------------------------------------------------------------------------


def stale(today: date, days: int) -> list[dict[str, Any]]:
    """Versions in force or to come that nobody checked within so many days, never checked first, then the oldest."""
    limit = today - timedelta(days=days)
    found = [
        {
            "version": version.id,
            "checked": version.checked.isoformat() if version.checked else None,
            "age_days": (today - version.checked).days if version.checked else None,
            "confidence": version.confidence.value,
            "citation": version.citation,
        }
        for held in instruments().values()
        for version in held.versions
        if (version.until is None or version.until >= today) and (version.checked is None or version.checked < limit)
    ]
    return sorted(found, key=lambda row: (row["checked"] or "", row["version"]))


# --- new ------------------------------------------------------------------------------------------------------------

_NAME = re.compile(r"([a-z]{2})/([a-z0-9_]+)")


def new(name: str, folder: Path) -> Path:
    """Writes `folder/CC/NAME.toml.draft`, an instrument to fill in; returns its path.

    A draft is never loaded: `tocsin law check FILE` says what is still missing, and it becomes law when it is renamed
    to `.toml`. BadInput on a bad name or when a file stands there already.
    """
    match = _NAME.fullmatch(name.strip().lower().replace("-", "_"))
    if match is None:
        raise BadInput(f"law new {name}", "is no CC/NAME.", "Write it as us/or or eu/new_act: letters, digits, _.")
    country, short = match.groups()
    if not folder.is_dir():
        raise BadInput(
            f"law new {name}", f"{folder} is no folder here.", "Go to Tocsin's own folder, or give --folder DIR."
        )
    place = _place_of(country, short)
    id_ = check_slug(f"{country}-{short.replace('_', '-')}", f"law new {name}")
    path = folder / country / f"{short}.toml.draft"
    there = heads()[id_].file if id_ in heads() else next((p for p in (path, path.with_suffix("")) if p.exists()), "")
    if there:
        raise BadInput(f"law new {name}", f"{id_} is there already.", f"Edit {there}, or choose another name.")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_draft(id_, place), "utf-8")
    return path


def _place_of(country: str, short: str) -> str:
    """The place of a new law: the State that its name is the code of, else the country.

    BadInput on two letters that are no State of a country whose States are all known: a slip, or too short a name.
    """
    code = f"{country}-{short}".upper()
    if len(short) == 2 and vocabulary.find_place(code) is None and vocabulary.find_place(country):
        raise BadInput(
            f"law new {country}/{short}",
            f"{code} is no place.",
            "Look the State's code up; a law of the whole country takes a longer name, such as us/new_act.",
        )
    return code if vocabulary.find_place(code) and len(short) == 2 else country.upper()


def _draft(id_: str, place: str) -> str:
    text = (files("regimes") / "draft.toml.txt").read_text("utf-8")
    return text.replace("{id}", id_).replace("{place}", place)


# --- gaps -----------------------------------------------------------------------------------------------------------


def gaps(held: list[Instrument]) -> Iterator[str]:
    """What a reader should know first: days without a version, duties without an addressee or a content."""
    for law in held:
        for before, after in pairwise(law.versions):
            if before.until and after.from_ - before.until > timedelta(days=1):
                yield f"{law.id}: no version between {before.until} and {after.from_}"
        for version in law.versions:
            yield from _version_gaps(version)


def _version_gaps(version: Version) -> Iterator[str]:
    duties = {rule.duty for rule in version.duties}
    if version.status in APPLIED and not duties:
        yield f"{version.id}: {version.status.value}, but holds no duty"
    for rule in version.duties:
        if rule.duty == "regulator" and not rule.authorities and rule.per is not Per.SUPERVISOR:
            yield f"{version.id}: duty {rule.duty} {rule.stage} names no authority"
    if "individuals" in duties and not (version.notice and version.notice.content_settled):
        yield f"{version.id}: no content of the notice to individuals is modelled (the law may prescribe none)"
