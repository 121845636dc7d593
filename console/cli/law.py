"""What the commands `assess` and `law` answer: plain functions that the command line wires. They need no database."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.cli.law_find import matching, regime_id, versions_on
from models import vocabulary
from models.facts import Facts, load_facts
from models.values import BadInput
from regimes import describe
from regimes.assess import Assessment, assess
from regimes.load import instrument, instruments

if TYPE_CHECKING:
    from console.cli.law_text import Part


def assessment(
    path: str | Path, as_of: str | None = None, on: str | None = None, thorough: bool = False
) -> tuple[Facts, Assessment]:
    """A facts file and its assessment. `as_of` is ISO 8601 with offset (None: now), `on` the day whose law is asked."""
    with _uncollected():
        facts = load_facts(path)
        return facts, assess(facts, _instant(as_of), _day(on), thorough=thorough)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Reading the law makes many objects that all stay: looking for garbage among them costs a tenth of the command."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def assess_command(
    path: str | Path,
    as_of: str | None = None,
    on: str | None = None,
    as_json: bool = False,
    explain: bool = False,
    only: str = "",
) -> str | dict[str, Any]:
    """The public contract as data with `as_json`, else a table; with `explain` the reasoning as a tree below.

    `only` narrows it to a regime, a duty or an obligation's id.
    """
    from console.cli.assessed import said

    return said(*assessment(path, as_of, on, explain), as_json, explain, only)


def law_list(as_json: bool = False, word: str = "") -> str | list[dict[str, Any]]:
    """Every regime with its duties, thresholds, clocks, sources and confidence, or those that a word fits."""
    held = matching(word) if word else list(instruments().values())
    if as_json:
        return [describe.as_data(law) for law in held]
    from console.cli.law_text import listed

    return "\n".join([*(line for law in held for line in listed(law)), f"{len(held)} regimes"])


def law_show(id_: str, on: str | None = None, part: str = "") -> str:
    """One regime in full, or its version of a day, or one part of it. BadInput names the nearest known id or part."""
    from console.cli.law_text import text

    held = instrument(regime_id(id_))
    return text(held, versions_on(held, _day(on)), _parts(part))


def law_data(id_: str, on: str | None = None, part: str = "") -> dict[str, Any]:
    """The same as data: every field of the file, and nothing else."""
    from console.cli.law_text import fields_of

    held = instrument(regime_id(id_))
    wanted = versions_on(held, _day(on))
    data = describe.as_data(replace(held, versions=wanted))
    if part:
        keep = fields_of(_parts(part))
        data["versions"] = [
            {key: row[key] for key in row if key.removesuffix("_test") in keep} for row in data["versions"]
        ]
    return data


def _parts(part: str) -> list[Part]:
    from console.cli.law_text import Part

    if part and part not in set(Part):
        raise BadInput("--part", f'"{part}" is unknown.', vocabulary.did_you_mean(part, {p.value for p in Part}))
    return [Part(part)] if part else list(Part)


def law_diff(
    first: str, second: str = "", facts: str | Path | None = None, as_of: str | None = None
) -> tuple[str, dict[str, Any]]:
    """What an amendment changes. `first` is a regime: the text of its versions, and with `facts` what they owe on both
    sides of each change. Two days: what `facts` owe by the law of the one and of the other. BadInput says what lacks.
    """
    from console.cli.law_changes import days_around, outcome_diff, outcome_lines, text_changes, text_lines

    days = _two_days(first, second, facts)
    regime = "" if days else regime_id(first)
    lines = text_lines(regime) if regime else []
    found = []
    if facts is not None:
        told, at = load_facts(facts), _instant(as_of)
        spans = [days] if days else days_around(regime)
        found = [(a, b, outcome_diff(told, at, a, b, regime)) for a, b in spans]
    for before, after, rows in found:
        lines += ["", *outcome_lines(before, after, rows)]
    changes = text_changes(regime) if regime else []
    data = {
        "text": [{"from": a, "to": b, "changes": [c.as_data() for c in parts]} for a, b, parts in changes],
        "incident": [{"from": a.isoformat(), "to": b.isoformat(), "changes": rows} for a, b, rows in found],
    }
    return "\n".join(lines).lstrip("\n"), data


_USE = "Write `tocsin law diff us-ca`, or `tocsin law diff 2025-12-31 2026-01-01 --facts FILE`."


def _two_days(first: str, second: str, facts: str | Path | None) -> tuple[date, date] | None:
    """The two days that are compared, or None when a regime is. BadInput for half of the one and of the other."""
    if not first[:4].isdigit():
        if second:
            raise BadInput("law diff", f"cannot compare {first} with {second}.", _USE)
        return None
    if not second:
        raise BadInput("law diff", f"of {first} needs a second day to compare it with.", _USE)
    days = (_day(first, "law diff"), _day(second, "law diff"))
    if facts is None:
        raise BadInput("law diff", "of two days needs an incident.", "Add --facts FILE.")
    if days[0] is None or days[1] is None or days[0] >= days[1]:
        raise BadInput("law diff", f"{first} is not before {second}.", "Name the earlier day first.")
    return days[0], days[1]


# --- reading arguments ----------------------------------------------------------------------------------------------


def _instant(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC).astimezone().replace(microsecond=0)
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput("--as-of", f'"{text}" is no time.', "Write 2026-11-24T09:00:00+01:00.") from error
    if at.tzinfo is None:
        raise BadInput("--as-of", f"{text} has no offset.", f"Write {at.isoformat()}+01:00 or …Z, whichever is true.")
    if not 1970 <= at.year <= 2200:
        raise BadInput("--as-of", f"{text} is no present to count from.", "Write a day from 1970 to 2200.")
    return at


def _day(text: str | None, where: str = "--on") -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise BadInput(where, f'"{text}" is no date.', "Write 2026-01-31.") from error
