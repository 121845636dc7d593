"""`tocsin law diff`: what an amendment changes, in the text of a regime and in what an incident owes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from textwrap import wrap
from typing import Any

from console.cli.law_text import WIDTH
from models.facts import Facts
from models.values import ObligationState
from regimes import describe
from regimes.assess import assess
from regimes.load import heads, instrument, law_on
from regimes.obligations import Assessment, NotOwed, Obligation

# --- of the text ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """One place of a version that another version has otherwise; empty on the side that does not have it."""

    part: str  # duty regulator initial: clock
    before: tuple[str, ...]
    after: tuple[str, ...]

    def as_data(self) -> dict[str, Any]:
        return {"part": self.part, "before": list(self.before), "after": list(self.after)}


_HEADS = frozenset({"id", "regime", "from", "until", "counting_rule"})  # said elsewhere, or of another file
_IN_WORDS = frozenset({"value", "unit", "anchor", "submission", "year_of", "month", "day"})  # the clock says them
_ROWS = {  # how the rows of a list are called
    "duties": "duty",
    "orders": "order",
    "exceptions_test": "exception",
    "reports": "report",
    "elements": "content",
    "channels": "channel",
    "items": "content",
    "deadlines": "deadline",
    "authorities": "authority",
}
_KEYS = ("duty", "recipient", "stage", "name", "before", "after", "element", "channel", "slug", "id", "form", "months")


def text_changes(regime: str) -> list[tuple[str, str, list[Change]]]:
    """Each version of an instrument beside the next: both ids and what differs."""
    rows = describe.as_data(instrument(regime))["versions"]
    return [(a["id"], b["id"], list(_compared(_body(a), _body(b), ""))) for a, b in pairwise(rows)]


def _body(version: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in version.items() if key not in _HEADS}


def _compared(before: Mapping[str, Any], after: Mapping[str, Any], path: str) -> Iterator[Change]:
    for key in sorted(dict.fromkeys([*before, *after]), key=lambda key: key != "clock"):  # the clock matters most
        one, two = before.get(key), after.get(key)
        if one == two or _said_by_another(key, before, after):
            continue
        if isinstance(one, dict) or isinstance(two, dict):
            yield from _one(one, two, _path(path, key))
        elif _rows(one) or _rows(two):
            yield from _listed(one or [], two or [], path, _ROWS.get(key, key))
        else:
            yield Change(_path(path, key), *_both(_said(one), _said(two)))


def _said_by_another(key: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """A condition as written, where its words differ already; a part of a deadline that the clock has in words."""
    words = key.removesuffix("_test")
    return key in _IN_WORDS or (words != key and before.get(words) != after.get(words))


def _one(one: Any, two: Any, path: str) -> Iterator[Change]:
    if path.endswith("_test"):
        yield Change(path.removesuffix("_test"), _said(one), _said(two))
    else:
        yield from _compared(one or {}, two or {}, path)


def _listed(one: Sequence[Any], two: Sequence[Any], path: str, kind: str) -> Iterator[Change]:
    """Rows are matched by what they are called: a moved row is no change."""
    old, new = _titled(one), _titled(two)
    for title in dict.fromkeys([*old, *new]):
        at = _path(path, f"{kind} {title}".strip())
        if title in old and title in new:
            yield from _compared(old[title], new[title], at)
        else:
            yield Change(at, _said(old.get(title)), _said(new.get(title)))


def _titled(rows: Sequence[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for number, row in enumerate(rows, 1):
        words = [str(row[key]) for key in _KEYS if row.get(key)]
        title = " ".join(dict.fromkeys(words)).replace("_", " ") or str(number)
        found[title if title not in found else f"{title} {number}"] = row
    return found


def _path(path: str, key: str) -> str:
    word = key.replace("_", " ")
    return f"{path}: {word}" if path else word


def _rows(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(item, dict) for item in value)


def _both(before: tuple[str, ...], after: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What one side has and the other has not; both in full when only their order differs."""
    gone, come = (tuple(x for x in a if x not in b) for a, b in ((before, after), (after, before)))
    return (gone, come) if gone or come else (before, after)


def _said(value: Any) -> tuple[str, ...]:
    """A value as lines; a row as one line of what it fills."""
    if isinstance(value, dict):
        return ("; ".join(_filled(value)) or "as the law has it",)
    if isinstance(value, list):
        return tuple(line for item in value for line in _said(item))
    return () if value in (None, "") else (str(value).lower() if isinstance(value, bool) else str(value),)


def _filled(row: Mapping[str, Any]) -> Iterator[str]:
    for key, value in row.items():
        if value in (None, "", [], False, 0) or key.endswith("_test") or key in _IN_WORDS:
            continue
        name = key.replace("_", " ")
        text = json.dumps(value, ensure_ascii=False) if _rows(value) and key not in _ROWS else "; ".join(_said(value))
        if text:
            yield f"{name} {text}"


def text_lines(regime: str) -> list[str]:
    """The same for a reader: version by version, each place with what it said and says."""
    lines: list[str] = []
    for before, after, changes in text_changes(regime):
        lines += [f"{before} -> {after}"]
        for change in changes:
            lines += ["", f"  {change.part}"]
            lines += [line for text in change.before for line in _signed("-", text)]
            lines += [line for text in change.after for line in _signed("+", text)]
            lines += _in_short(change)
        lines += [] if changes else ["  no difference"]
    return lines or [_single(regime)]


def _in_short(change: Change) -> list[str]:
    """The words in which two long texts differ: in a long list of elements nobody finds the new one by eye."""
    if len(change.before) != 1 or len(change.after) != 1 or len(change.before[0]) < _LONG:
        return []
    one, two = (re.findall(r"[^\s(),;]+", side[0]) for side in (change.before, change.after))
    gone, come = (list(dict.fromkeys(w for w in a if w not in b)) for a, b in ((one, two), (two, one)))
    parts = [f"{sign} {', '.join(words)}" for sign, words in (("no longer", gone), ("now", come)) if words]
    return _signed("in short:", "; ".join(parts)) if parts else []


_LONG = 120  # letters


def _single(regime: str) -> str:
    return f"{regime} has one version here, from {instrument(regime).versions[0].from_.isoformat()}"


def _signed(sign: str, text: str, depth: int = 4) -> list[str]:
    return wrap(
        text,
        WIDTH,
        initial_indent=f"{' ' * depth}{sign} ",
        subsequent_indent=" " * (depth + 2),
        break_long_words=False,
        break_on_hyphens=False,
    )


# --- of an incident -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an assessment says of one duty, in words that can be compared."""

    id: str
    owed: bool  # owed, or treated as owed
    said: str
    due: datetime | None
    held: bool = True  # whether a version of that day is held


def outcome_diff(facts: Facts, as_of: datetime, before: date, after: date, regime: str = "") -> list[dict[str, str]]:
    """What differs for an incident between the law of two days: `{id, change, before, after}`, each side as one line.

    `change` is a key of CHANGES. A law of which no version of one of the days is held is never called newly owed.
    """
    old, new = (_outcomes(assess(facts, as_of, on), regime) for on in (before, after))
    rows = [_row(_side(old, key, before), _side(new, key, after)) for key in sorted({*old, *new})]
    order = list(CHANGES)
    return sorted((row for row in rows if row["before"] != row["after"]), key=lambda row: order.index(row["change"]))


def _side(found: Mapping[tuple[str, ...], Outcome], key: tuple[str, ...], day: date) -> Outcome:
    """What one side says of a duty; when nothing, whether the law was silent or its text of that day is not held."""
    if key in found:
        return found[key]
    if key[0] in heads() and law_on(instrument(key[0]), day) is None:
        return Outcome(
            "",
            False,
            f"no version of {day} is held here: the law is newer, or its earlier text is not kept",
            None,
            False,
        )
    return Outcome("", False, "this law does not speak of it", None)


def _row(one: Outcome, two: Outcome) -> dict[str, str]:
    id_ = two.id if two.owed else one.id or two.id
    return {"id": id_, "change": _change(one, two), "before": one.said, "after": two.said}


CHANGES = {
    "newly owed": "Newly owed",
    "no longer owed": "No longer owed",
    "due earlier": "Due earlier",
    "due later": "Due later",
    "otherwise": "Owed on both days, otherwise worded",
    "not held": "Owed by the law of one day; of the other no version is held here",
    "not owed": "Owed on neither day",
}


def _change(one: Outcome, two: Outcome) -> str:
    if not one.owed and not two.owed:
        return "not owed"
    if one.owed != two.owed:
        return "not held" if not (one.held and two.held) else "newly owed" if two.owed else "no longer owed"
    if one.due != two.due:
        if one.due is None or (two.due is not None and two.due < one.due):
            return "due earlier"
        return "due later"
    return "otherwise"


def _outcomes(found: Assessment, regime: str) -> dict[tuple[str, ...], Outcome]:
    entries: list[Obligation | NotOwed] = [*found.not_owed, *found.all()]
    return {_key(entry): _outcome(entry) for entry in entries if regime in ("", entry.regime)}


def _key(entry: Obligation | NotOwed) -> tuple[str, ...]:
    name = entry.rule.name if entry.rule else entry.id if isinstance(entry, Obligation) else ""
    return (entry.regime, entry.duty, entry.jurisdiction or "", entry.stage, name, entry.authority or "")


def _outcome(entry: Obligation | NotOwed) -> Outcome:
    if isinstance(entry, NotOwed):
        parts = (entry.regime, entry.duty, entry.jurisdiction or "", entry.stage)
        return Outcome("/".join(parts), False, f"not owed: {'; '.join(entry.because)}", None)
    open_ = entry.state is ObligationState.UNDETERMINED
    state = f"undetermined for want of {', '.join(entry.missing)}" if open_ else "owed"
    clock = f"due {entry.due.isoformat()}" if entry.due else f"due after {entry.waiting}" if entry.waiting else ""
    text = f"{state}, {clock or entry.qualifier or 'no number'} ({entry.citation})"
    return Outcome(entry.id, True, text, entry.due)


def outcome_lines(before: date, after: date, rows: Sequence[Mapping[str, str]]) -> list[str]:
    """The difference for a reader, what weighs most first."""
    lines = [f"This incident by the law of {before} and of {after}:"]
    for change, title in CHANGES.items():
        mine = [row for row in rows if row["change"] == change]
        lines += (
            [f"  {title} ({len(mine)})" + ("; --json has the reasons" if change == "not owed" else "")] if mine else []
        )
        for row in mine if change != "not owed" else ():
            lines += [f"    {row['id']}", *_signed("-", row["before"], 6), *_signed("+", row["after"], 6)]
    return lines if rows else [*lines, "  no difference"]


def days_around(regime: str) -> list[tuple[date, date]]:
    """The days on both sides of each change of an instrument: the last of one version, the first of the next."""
    versions = instrument(regime).versions
    return [(after.from_ - timedelta(days=1), after.from_) for _, after in pairwise(versions)]
