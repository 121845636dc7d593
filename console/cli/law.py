"""What the commands `assess` and `law` answer: plain functions that the command line wires. They need no database."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from models import vocabulary
from models.facts import KEYS, Facts, load_facts
from models.values import BadInput, Confidence
from regimes import describe
from regimes.assess import Assessment, Obligation, assess
from regimes.load import heads, instrument, instruments, load_file
from regimes.obligations import duration
from regimes.schema import Instrument
from regimes.severity import Severity

WIDTH = 132


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
) -> str | dict[str, Any]:
    """The public contract as data with `as_json`, else a table; with `explain` the reasoning as a tree below."""
    return said(*assessment(path, as_of, on, explain), as_json, explain)


def said(facts: Facts, found: Assessment, as_json: bool, explain: bool) -> str | dict[str, Any]:
    """An assessment as `assess` prints it."""
    if as_json:
        return found.as_data()
    parts = [_tables(found, explain)]
    if explain:
        from console.cli.explain import explained

        parts += ["", explained(found, facts, WIDTH)]
    return "\n".join([*parts, *_warned(found)])


def law_list(as_json: bool = False) -> str | list[dict[str, Any]]:
    """Every regime with its duties, thresholds, clocks, sources and confidence."""
    held = list(instruments().values())
    if as_json:
        return [describe.as_data(instrument) for instrument in held]
    rows = [_law_row(instrument) for instrument in held]
    return _table(("regime", "name", "place", "version", "duties", "confidence"), rows)


def law_show(id_: str) -> str:
    """One regime in full. BadInput names the nearest known id."""
    return "\n".join(_outline(law_data(id_)))


def law_data(id_: str) -> dict[str, Any]:
    """One regime in full, as data. BadInput names the nearest known id."""
    return describe.as_data(instrument(_known(id_)))


def _known(id_: str) -> str:
    if id_ not in heads():
        raise BadInput(
            f"regime {id_}",
            "is unknown.",
            vocabulary.did_you_mean(id_, set(heads())) or "`tocsin law list` names them.",
        )
    return id_


def law_diff(
    first: str, second: str = "", facts: str | Path | None = None, as_of: str | None = None
) -> tuple[str, dict[str, Any]]:
    """What an amendment changes. `first` is a regime: the text of its versions, and with `facts` what they owe on both
    sides of each change. Two days: what `facts` owe by the law of the one and of the other. BadInput says what lacks.
    """
    from console.cli.law_tools import changes_of, outcome_diff, text_diff

    if second:
        if facts is None:
            raise BadInput("law diff", "of two days needs an incident.", "Add --facts FILE.")
        spans, regime, text = [(_must(first), _must(second))], "", []
    else:
        regime = _known(first)
        spans, text = changes_of(regime) if facts else [], text_diff(regime)
    told, at = load_facts(facts) if facts else None, _instant(as_of)
    found = [(a, b, outcome_diff(told, at, a, b, regime)) for a, b in spans] if told else []
    lines = list(text)
    for before, after, rows in found:
        lines.append(f"\nThis incident by the law of {before} and of {after}:")
        lines += [f"  {row['id']}\n    - {row['before']}\n    + {row['after']}" for row in rows] or ["  no difference"]
    spans_data = [{"from": a.isoformat(), "to": b.isoformat(), "changes": rows} for a, b, rows in found]
    return "\n".join(lines).lstrip("\n"), {"text": text, "incident": spans_data}


def _must(day: str) -> date:
    found = _day(day)
    if found is None:
        raise BadInput("law diff", "a day is missing.", "Write 2026-01-31.")
    return found


def law_check(path: str | Path | None = None) -> tuple[str, dict[str, Any]]:
    """Loads the law (or one file) strictly; says how much there is, and by name what rests on memory or conflict and
    what is left open."""
    from console.cli.law_tools import gaps

    held = [load_file(Path(path))] if path else list(instruments().values())
    versions = [version for instrument in held for version in instrument.versions]
    weak = list(describe.weak(held))
    confidence = {level.value: sum(version.confidence is level for version in versions) for level in Confidence}
    open_ = list(gaps(held))
    data: dict[str, Any] = {
        "instruments": len(held),
        "versions": len(versions),
        "duties": sum(len(version.duties) for version in versions),
        "without_citation_or_confidence": sum(not (version.citation and version.confidence) for version in versions),
        "confidence": confidence,
        "gaps": open_,
        "weak": weak,
    }
    backing = ", ".join(f"{number} {level}" for level, number in confidence.items())
    lines = [
        f"{data['instruments']} instruments, {data['versions']} versions ({backing}), {data['duties']} duties",
        f"{data['without_citation_or_confidence']} versions without citation and confidence",
        f"{len(weak)} parts rest on memory or conflict:",
        *(f"  {line}" for line in weak),
        f"{len(open_)} things are left open:",
        *(f"  {line}" for line in open_),
    ]
    return "\n".join(lines), data


def law_vocabulary(title: str = "") -> dict[str, Any]:
    """The closed words that facts may use: elements and sectors with their aliases, and the keys of a facts file."""
    words: dict[str, Any] = {name: vocabulary.load("data")[name] for name in ("elements", "sectors", "free_zones")}
    words |= {"keys": {key: kind.value for key, kind in KEYS.items()}}
    if title and title not in words:
        raise BadInput(f"vocabulary {title}", "is unknown.", vocabulary.did_you_mean(title, set(words)))
    return {title: words[title]} if title else words


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
    return at


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise BadInput("--on", f'"{text}" is no date.', "Write 2026-01-31.") from error


# --- showing --------------------------------------------------------------------------------------------------------


def _tables(found: Assessment, explain: bool) -> str:
    heads = ("due", "obligation", "met", "late by", "because")
    parts = [f"Owed ({len(found.obligations)}), as of {found.as_of.isoformat()}"]
    parts.append(_table(heads, [_row(entry) for entry in found.obligations]) if found.obligations else "  nothing")
    if found.undetermined:
        parts.append(f"\nUndetermined, to be treated as owed ({len(found.undetermined)})")
        parts.append(_table(("due", "obligation", "missing"), [_open_row(entry) for entry in found.undetermined]))
    if found.not_owed and not explain:
        parts.append(f"\nNot owed: {len(found.not_owed)} duties; --explain says which and why")
    elif found.not_owed:
        parts.append(f"\nNot owed ({len(found.not_owed)})")
        rows = [
            (f"{n.regime} {n.duty} {n.jurisdiction or ''} {n.stage}", n.because[0] if n.because else "")
            for n in found.not_owed
        ]
        parts.append(_table(("duty", "because"), rows))
    parts += ["", *_severity(found.severity)]
    return "\n".join(parts).rstrip()


def _severity(found: Severity) -> list[str]:
    score = f"{found.score:g} {found.level}" if found.score is not None else "not stated"
    flags = f" ({', '.join(found.flags)})" if found.flags else ""
    lines = [f"Severity ({found.method}): {score}{flags}", *(f"  {line}" for line in found.derivation)]
    return [*lines, *([f"  {found.policy}"] if found.policy else [])]


def _row(entry: Obligation) -> tuple[str, ...]:
    met = entry.met.date().isoformat() if entry.met else "held" if entry.held else ""
    return (_due(entry), entry.id, met, duration(entry.late_by) or "", entry.because[0])


def _open_row(entry: Obligation) -> tuple[str, ...]:
    return (_due(entry), entry.id, ", ".join(entry.missing))


def _due(entry: Obligation) -> str:
    if entry.due:
        return entry.due.strftime("%Y-%m-%d %H:%M %z")
    return f"after {entry.waiting}" if entry.waiting else entry.qualifier or "no number"


def _warned(found: Assessment) -> list[str]:
    return ["", "Warnings", *(f"  {line}" for line in found.warnings)] if found.warnings else []


def _law_row(instrument: Instrument) -> tuple[str, ...]:
    now = instrument.versions[-1]
    duties = ", ".join(dict.fromkeys(rule.duty.value for rule in now.duties))
    span = f"{now.from_.isoformat()} ({len(instrument.versions)})"
    return (instrument.id, instrument.name, instrument.place, span, duties, now.confidence.value)


def _outline(value: Any, depth: int = 0) -> list[str]:
    pad = "  " * depth
    if isinstance(value, dict):
        lines = []
        for key, inner in value.items():
            if isinstance(inner, dict | list) and inner:
                lines += [f"{pad}{key}", *_outline(inner, depth + 1)]
            elif inner not in (None, "", []):
                lines.append(f"{pad}{key}: {inner}")
        return lines
    if isinstance(value, list):
        return [
            line for item in value for line in (_outline(item, depth) if isinstance(item, dict) else [f"{pad}- {item}"])
        ]
    return [f"{pad}{value}"]


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A table as text. Rich is imported here, since a JSON answer does without it."""
    from io import StringIO

    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*(cell.replace("[", r"\[") for cell in row))
    out = StringIO()
    Console(file=out, width=WIDTH).print(table)
    return out.getvalue().rstrip()
