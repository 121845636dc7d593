"""An assessment as `assess` prints it: warnings first, then what is owed, then what is undetermined, then the rest.

What is due at once stands above what has a date; what waits for an event stands below. Needs no database.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from console.cli.explain import explained
from console.cli.law_find import own_law
from models import vocabulary
from models.facts import Facts
from models.values import BadInput
from regimes import load
from regimes.assess import Assessment, Obligation
from regimes.load import heads
from regimes.near import near, sentences
from regimes.obligations import NotOwed, duration
from regimes.questions import asked, questions
from regimes.severity import Severity

WIDTH = 132


def said(facts: Facts, found: Assessment, as_json: bool, explain: bool, only: str = "") -> str | dict[str, Any]:
    """An assessment as data or as text. `only`: a regime, a duty, or an id (or its first parts).

    BadInput when nothing has that name. Of a part, the explanation stands alone.
    """
    shown = narrowed(found, only) if only else found
    if as_json:
        return shown.as_data() | {"near": [one.as_data() for one in near(shown.refused(), facts)]}
    parts = [*_warned(warned(facts, shown)), *([] if only and explain else [_tables(facts, shown, explain), ""])]
    return "\n".join([*parts, explained(shown, facts, WIDTH)] if explain else parts).rstrip()


def warned(facts: Facts, found: Assessment) -> list[str]:
    """What a reader must know before the tables: near misses first, since a slip in the facts may hide a duty."""
    return [*sentences(near(found.refused(), facts)), *found.warnings]


# --- only some of it ------------------------------------------------------------------------------------------------


def narrowed(found: Assessment, only: str) -> Assessment:
    """The part of an assessment that a regime, a duty or an obligation's id names."""
    word = _meant(only.strip())
    shown = replace(
        found,
        obligations=tuple(entry for entry in found.obligations if _fits(entry, word)),
        undetermined=tuple(entry for entry in found.undetermined if _fits(entry, word)),
        not_owed=tuple(entry for entry in found.not_owed if _fits(entry, word)),
        warnings=tuple(line for line in found.warnings if _about(line, word)),
        orders=tuple(order for order in found.orders if order.regime == word.split("/")[0].lower()),
        not_held=tuple(id_ for id_ in found.not_held if _fits_head(id_, word)),
    )
    if not (shown.all() or shown.not_owed):
        raise _unknown(found, word)
    return shown


def _meant(word: str) -> str:
    """The id of the law that a place's name stands for, `California` for `us-ca`; else the word as it is."""
    return own_law(word) or word


def _fits_head(id_: str, word: str) -> bool:
    return id_ == word.lower().split("/")[0]


def _fits(entry: Obligation | NotOwed, word: str) -> bool:
    plain = word.lower()
    if plain in (entry.regime, entry.duty.value):
        return True
    return f"{entry.id.lower()}/".startswith(f"{plain.rstrip('/')}/")


def _about(line: str, word: str) -> bool:
    start = line.removeprefix("warning: ").lower()
    return start.startswith((f"{word.lower().split('/')[0]}/", f"{word.lower().split('/')[0]}:"))


def _unknown(found: Assessment, word: str) -> BadInput:
    if word.lower() in found.not_held:
        first = load.instrument(word.lower()).versions[0].from_.isoformat()
        return BadInput(
            word,
            f"is tied to these facts, but no version of it before {first} is held here: it was not assessed.",
            "Look that law up: whether it asks for anything is not known here.",
        )
    if word.lower() in heads():
        return BadInput(word, "has nothing to do with these facts: no place, sector or seat of them ties it.", "")
    entries: tuple[Obligation | NotOwed, ...] = (*found.all(), *found.not_owed)
    known = {word for entry in entries for word in (entry.regime, entry.duty.value, entry.id)}
    near = vocabulary.nearest(word, known) or vocabulary.nearest(word.lower(), {*heads(), *known})
    return BadInput(
        word,
        "is no regime, duty or obligation of this assessment.",
        f'Did you mean "{near}"?' if near else "`tocsin assess FILE` lists them.",
    )


# --- tables ---------------------------------------------------------------------------------------------------------


def _tables(facts: Facts, found: Assessment, explain: bool) -> str:
    at = found.as_of.isoformat()
    unknown = f"; not known for {', '.join(found.not_held)}" if found.not_held else ""
    parts = [f"Owed ({len(found.obligations)}), as of {at}{unknown}"]
    rows = [_row(entry) for entry in _pressing(found.obligations)]
    parts.append(table(("due", "obligation", "met", "late by", "because"), rows) if rows else "  nothing")
    if found.undetermined:
        parts.append(f"\nUndetermined, to be treated as owed ({len(found.undetermined)})")
        open_ = [_open_row(entry, facts) for entry in _pressing(found.undetermined)]
        parts.append(table(("due", "obligation", "late by", "missing"), open_))
        parts.append("\nTo settle these, state in the facts")
        parts += [f"  {ask.line}: {_duties(ask.duties)}" for ask in questions(found.undetermined, facts)]
    refused = found.refused()
    if refused and not explain:
        parts.append(f"\nNot owed: {_duties(len(refused))}; --explain says which and why")
    elif refused:
        parts.append(f"\nNot owed ({len(refused)})")
        parts.append(table(("duty", "because"), [(n.id, n.because[0] if n.because else "") for n in refused]))
    return "\n".join([*parts, "", *_severity(found.severity)]).rstrip()


def _duties(count: int) -> str:
    return f"{count:,} {'duty' if count == 1 else 'duties'}"


def _pressing(entries: Sequence[Obligation]) -> list[Obligation]:
    """What is due at once first, then by due time, then what waits for an event."""
    return sorted(entries, key=lambda o: (o.due is None and not _at_once(o), o.due is not None))


def _at_once(entry: Obligation) -> bool:
    """Owed without a number of hours or days, and its clock runs: now."""
    unknown = any(key.startswith("times.") for key in entry.missing)
    return entry.due is None and not entry.waiting and not entry.met and not unknown


def _row(entry: Obligation) -> tuple[str, ...]:
    met = entry.met.date().isoformat() if entry.met else "held" if entry.held else ""
    return (_due(entry), entry.id, met, duration(entry.late_by) or "", entry.because[0])


def _open_row(entry: Obligation, facts: Facts) -> tuple[str, ...]:
    return (
        _due(entry),
        entry.id,
        duration(entry.late_by) or "",
        ", ".join(asked(key, entry, facts) for key in entry.missing),
    )


def _due(entry: Obligation) -> str:
    if entry.due:
        return entry.due.strftime("%Y-%m-%d %H:%M %z")
    if entry.waiting:
        return f"after {entry.waiting}"
    return f"now: {entry.qualifier}".removesuffix(": ") if _at_once(entry) else entry.qualifier or "no number"


def _severity(found: Severity) -> list[str]:
    score = f"{found.score:g} {found.level}" if found.score is not None else "not stated"
    flags = f" ({', '.join(found.flags)})" if found.flags else ""
    lines = [f"Severity ({found.method}): {score}{flags}", *(f"  {line}" for line in found.derivation)]
    return [*lines, *([f"  {found.policy}"] if found.policy else [])]


def _warned(lines: Sequence[str]) -> list[str]:
    return ["Warnings", *(f"  {line}" for line in lines), ""] if lines else []


def table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A table as text. Rich is imported here, since a JSON answer does without it."""
    from io import StringIO

    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    made = Table(box=SIMPLE_HEAD, pad_edge=False)
    for head in heads:
        made.add_column(head, overflow="fold")
    for row in rows:
        made.add_row(*(cell.replace("[", r"\[") for cell in row))
    out = StringIO()
    Console(file=out, width=WIDTH).print(made)
    return out.getvalue().rstrip()
