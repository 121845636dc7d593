"""`tocsin law vocabulary`: the closed words that a facts file and an instrument may use, with what they mean."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from textwrap import wrap

from console.cli.law_text import WIDTH
from models import vocabulary
from models.facts import ANCHORS, KEYS
from models.values import BadInput, Channel, Confidence, Duty, Element, Recipient, Role, Stage
from regimes import schema as s
from regimes.load import counting_rules

Said = str | list[str]  # what a word means, or the other spellings that stand for it


@dataclass(frozen=True, slots=True)
class Table:
    """One closed list of words and where a file uses it."""

    use: str
    words: Callable[[], Mapping[str, Said]]


def _data(name: str) -> Table:
    use = {"elements": "data.elements, and `exposed` of a law", "sectors": "organisation.sectors"}
    return Table(use.get(name, f"organisation.{name}"), lambda: vocabulary.load("data")[name])


def _enum(use: str, words: type[StrEnum]) -> Table:
    return Table(use, lambda: meanings(words))


def meanings(words: type[StrEnum]) -> dict[str, Said]:
    """Each word with the comment that stands beside it where it is defined, so that the two can't part."""
    said = re.findall(r'^ +\w+ = "(\w+)"(?: *# *(?:noqa: \S+ - )?(.*))?$', inspect.getsource(words), re.M)
    return {word.value: dict(said).get(word.value, "") for word in words}


TABLES: dict[str, Table] = {
    "elements": _data("elements"),
    "sectors": _data("sectors"),
    "free_zones": _data("free_zones"),
    "facts": Table("`fact` of a condition", lambda: {key: kind.value for key, kind in KEYS.items()}),
    "times": Table("`from`, `else_from`, `safe_from`, `transition`", lambda: dict.fromkeys(sorted(ANCHORS), "")),
    "counts": _enum("`count` of a condition", s.Base),
    "groups": Table(
        "`place` for several countries",
        lambda: {name: ", ".join(sorted(places)) for name, places in vocabulary.load("places")["groups"].items()},
    ),
    "statuses": _enum("`status` of a version", s.Status),
    "confidences": _enum("`confidence`", Confidence),
    "counting": Table("`counting`", lambda: {name: rule.text for name, rule in counting_rules().items()}),
    "duties": _enum("`duty`", Duty),
    "recipients": _enum("`recipient` of a duty", Recipient),
    "stages": _enum("`stage` of a duty", Stage),
    "units": _enum("`unit` of a deadline", s.Unit),
    "per": _enum("`per` of a duty", s.Per),
    "reach": _enum("`reach` of a duty", s.Reach),
    "met_when": _enum("`met_when` of a duty", s.MetWhen),
    "contents": _enum("`element` of [version.notice] elements", Element),
    "channels": _enum("`channel` of [version.notice] channels", Channel),
    "channel_when": _enum("`when` of a channel", s.ChannelWhen),
    "means": _enum("`means` of [[version.substitute]]", s.Means),
    "roles": _enum("`not_for` of [[version.substitute]]", Role),
    "force": _enum("`force` of [[version.substitute]]", s.Force),
    "enforcement": _enum("`enforcement` of [[version.order]]", s.Enforcement),
    "reports": Table("`elements` of [[version.report]]", lambda: vocabulary.load("report")["report"]),
}


def tables(name: str = "") -> dict[str, Mapping[str, Said]]:
    """One table of words, or all of them. BadInput names the nearest one."""
    if name and name not in TABLES:
        known = frozenset(TABLES)
        near = vocabulary.nearest(name, known)
        raise BadInput(
            f'vocabulary "{name}"',
            "is unknown.",
            f'Did you mean "{near}"?' if near else f"Known: {', '.join(TABLES)}.",
        )
    return {title: table.words() for title, table in TABLES.items() if name in ("", title)}


def text(name: str = "") -> str:
    """One table, a word per line with its meaning; without a name what tables there are."""
    if not name:
        lines = [f"{title:<14}{len(table.words()):>4}  {table.use}" for title, table in TABLES.items()]
        return "\n".join(["`tocsin law vocabulary TABLE` lists the words of one.", "", *lines])
    lines = [f"{name}: {TABLES[name].use}"] if name in TABLES else []
    return "\n".join(
        [*lines, *(line for words in tables(name).values() for pair in words.items() for line in _line(*pair))]
    )


def _line(word: str, said: Said) -> list[str]:
    meaning = f"also: {', '.join(said)}" if isinstance(said, list) and said else said or ""
    head = f"  {word}"
    lines = wrap(str(meaning), WIDTH, initial_indent=" " * 32, subsequent_indent=" " * 32, break_on_hyphens=False)
    if not lines:
        return [head]
    return [f"{head:<31} {lines[0].strip()}", *lines[1:]] if len(head) < 31 else [head, *lines]
