"""`tocsin law stale | diff | new`: what those who keep the law up to date need. Plain functions; no database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from difflib import unified_diff
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

from models.facts import Facts
from models.values import BadInput, ObligationState, check_slug
from regimes import describe
from regimes.assess import assess
from regimes.load import heads, instrument, instruments
from regimes.obligations import Assessment, NotOwed, Obligation
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


# --- diff -----------------------------------------------------------------------------------------------------------


def text_diff(regime: str) -> list[str]:
    """How each version of an instrument differs from the one before it, as a unified diff of `law show`."""
    held = instrument(regime)
    lines: list[str] = []
    for before, after in pairwise(held.versions):
        lines += unified_diff(_outline(held, before), _outline(held, after), before.id, after.id, n=1, lineterm="")
    return lines or [f"{regime} has one version here, from {held.versions[0].from_.isoformat()}"]


def _outline(held: Instrument, version: Version) -> list[str]:
    data = next(row for row in describe.as_data(held)["versions"] if row["id"] == version.id)
    return list(_lines({key: value for key, value in data.items() if key not in ("id", "sources", "checked")}))


def _lines(value: Any, name: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _lines(inner, f"{name} {key}".strip())
    elif isinstance(value, list):
        for number, inner in enumerate(value, 1):
            yield from _lines(inner, f"{name} {_title(inner, number)}" if isinstance(inner, dict) else name)
    elif value not in (None, "", []):
        yield f"{name}: {value}"


def _title(row: dict[str, Any], number: int) -> str:
    return f"{row['duty']} {row['stage']}" if "duty" in row else str(number)


def outcome_diff(facts: Facts, as_of: datetime, before: date, after: date, regime: str = "") -> list[dict[str, str]]:
    """What differs for an incident between the law of two days: `{id, before, after}`, each side as one line."""
    old, new = (_outcomes(assess(facts, as_of, on), regime) for on in (before, after))
    ids = sorted({*old, *new})
    rows = [{"id": id_, "before": old.get(id_, "absent"), "after": new.get(id_, "absent")} for id_ in ids]
    return [row for row in rows if row["before"] != row["after"]]


def _outcomes(found: Assessment, regime: str) -> dict[str, str]:
    told = {entry.id: outcome(entry) for entry in found.all() if regime in ("", entry.regime)}
    refused = {_refused_id(entry): outcome(entry) for entry in found.not_owed if regime in ("", entry.regime)}
    return refused | told


def _refused_id(entry: NotOwed) -> str:
    place = entry.jurisdiction or ""
    return f"{entry.regime}/{entry.duty}/{place}/{entry.stage}"


def outcome(entry: Obligation | NotOwed) -> str:
    """One entry as one line: its state, and when it is due or why it is not owed."""
    if isinstance(entry, NotOwed):
        return f"not owed: {'; '.join(entry.because)}"
    state = "undetermined" if entry.state is ObligationState.UNDETERMINED else "owed"
    return f"{state}, due {entry.due.isoformat()}" if entry.due else f"{state}, {entry.waiting or 'no number'}"


def changes_of(regime: str) -> list[tuple[date, date]]:
    """The days on both sides of each change of an instrument: the last of one version, the first of the next."""
    versions = instrument(regime).versions
    return [(after.from_ - timedelta(days=1), after.from_) for _, after in pairwise(versions)]


# --- new ------------------------------------------------------------------------------------------------------------

_NAME = re.compile(r"([a-z]{2})/([a-z0-9_]+)")


def new(name: str, folder: Path) -> Path:
    """Writes `folder/CC/NAME.toml.draft`, an instrument to fill in; returns its path.

    A draft is never loaded: `tocsin law check FILE` says what is still missing, and it becomes law when it is renamed
    to `.toml`. BadInput on a bad name or when a file stands there already.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise BadInput(f"law new {name}", "is no CC/NAME.", "Write it as us/xx or eu/new_act: lower case, digits, _.")
    country, short = match.groups()
    id_ = check_slug(f"{country}-{short.replace('_', '-')}", f"law new {name}")
    path = folder / country / f"{short}.toml.draft"
    if id_ in heads() or path.exists() or path.with_suffix("").exists():
        raise BadInput(f"law new {name}", f"{id_} is there already.", "Choose another name, or edit that file.")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_draft(id_, country), "utf-8")
    return path


def _draft(id_: str, country: str) -> str:
    text = (files("regimes") / "draft.toml.txt").read_text("utf-8")
    return text.replace("{id}", id_).replace("{place}", country.upper())


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
    if "individuals" in duties and not (version.notice and version.notice.elements):
        yield f"{version.id}: no content of the notice to individuals is modelled (the law may prescribe none)"
