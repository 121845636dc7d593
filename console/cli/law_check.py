"""`tocsin law check`: how much law there is, what it rests on, and what is open. Plain functions; no database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Any

from console.cli.law_find import file_or_id
from console.cli.law_text import WIDTH
from console.cli.law_tools import gaps
from models.values import Confidence
from regimes import describe
from regimes.load import instruments
from regimes.schema import Instrument


def law_check(file_or_regime: str = "", everything: bool = False) -> tuple[str, dict[str, Any]]:
    """Loads the law (or one file, or one regime) strictly. BadInput names what does not load.

    The text gives the verdict, then how much rests on memory or conflict and how much is open, by instrument; each
    point by name with `everything`, or when one instrument is asked for. The data always holds each.
    """
    held = [file_or_id(file_or_regime)] if file_or_regime else list(instruments().values())
    weak, open_ = list(describe.weak(held)), list(gaps(held))
    data = _counts(held) | {
        "gaps": open_,
        "weak": [str(part) for part in weak],
        "weak_by_confidence": dict(Counter(part.confidence.value for part in weak)),
        "weak_by_instrument": dict(Counter(part.regime or "counting rules" for part in weak)),
        "gaps_by_instrument": dict(Counter(_regime(line) for line in open_)),
    }
    return "\n".join([*_verdict(data), *_points(data, everything or len(held) == 1)]), data


def _counts(held: Sequence[Instrument]) -> dict[str, Any]:
    versions = [version for law in held for version in law.versions]
    return {
        "instruments": len(held),
        "versions": len(versions),
        "duties": sum(len(version.duties) for version in versions),
        "without_citation_or_confidence": sum(not (version.citation and version.confidence) for version in versions),
        "confidence": {level.value: sum(version.confidence is level for version in versions) for level in Confidence},
    }


def _regime(gap: str) -> str:
    return gap.partition(":")[0].partition("@")[0]


def _verdict(data: Mapping[str, Any]) -> Iterator[str]:
    backing = ", ".join(f"{number} {level}" for level, number in data["confidence"].items())
    yield (
        f"The law loads: {_many(data['instruments'], 'instrument')}, {_many(data['versions'], 'version')} ({backing}), "
        f"{_many(data['duties'], 'duty', 'duties')}"
    )
    yield f"{data['without_citation_or_confidence']} versions without citation and confidence"


def _points(data: Mapping[str, Any], each: bool) -> Iterator[str]:
    levels = ", ".join(f"{number} {level}" for level, number in data["weak_by_confidence"].items())
    rests = "rests" if len(data["weak"]) == 1 else "rest"
    weak = f"{_many(len(data['weak']), 'part')} {rests} on memory or conflict" + (f" ({levels})" if levels else "")
    open_ = f"{_many(len(data['gaps']), 'point')} left open"
    if each:
        yield from _named(weak, data["weak"])
        yield from _named(open_, data["gaps"])
        return
    yield from _tally(weak, data["weak_by_instrument"])
    yield from _tally(open_, data["gaps_by_instrument"])
    if data["weak"] or data["gaps"]:
        yield "`tocsin law check REGIME` names those of one instrument, `tocsin law check --all` every one."


def _named(head: str, lines: Sequence[str]) -> Iterator[str]:
    yield f"{head}:" if lines else head
    yield from (f"  {line}" for line in lines)


def _tally(head: str, counted: Mapping[str, int]) -> Iterator[str]:
    """The counts by instrument, most first, as one paragraph."""
    yield f"{head}, by instrument:" if counted else head
    ranked = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
    said = ", ".join(f"{name.replace(' ', '~')}~{number}" for name, number in ranked)
    lines = wrap(said, WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
    yield from (line.replace("~", " ") for line in lines)


def _many(number: int, one: str, more: str = "") -> str:
    return f"{number} {one if number == 1 else more or one + 's'}"
