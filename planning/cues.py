"""What shows an element of content in one language, as data that travels from the words to the linter."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from models.values import BadInput
from planning.reading import plain, strings


@dataclass(frozen=True, slots=True)
class Cue:
    any: tuple[re.Pattern[str], ...] = ()
    every: tuple[re.Pattern[str], ...] = ()
    lead: tuple[re.Pattern[str], ...] = ()  # a line that begins so is this element's and no other's
    unless: tuple[str, ...] = ()  # a line that is another element's does not count
    only: bool = False  # a heading is not enough: a line must say it
    free: bool = False  # told in free words: under its heading only another element's lead takes a line away


@dataclass(frozen=True, slots=True)
class Agency:
    """An office that laws want named. `laws`: what each of them wants of it (phone, address, site)."""

    id: str
    name: str
    phone: str = ""
    address: str = ""
    site: str = ""
    laws: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def postcode(self) -> str:
        """What shows the address in a text: its last number (a ZIP code)."""
        numbers: list[str] = re.findall(r"\d{4,}", self.address)
        return numbers[-1] if numbers else self.address


@dataclass(frozen=True, slots=True)
class Cues:
    """What shows an element in one language: data of <language>/cues.toml, headings.toml and words.toml."""

    headings: Mapping[str, tuple[str, ...]]
    elements: Mapping[str, Cue]
    unknown: tuple[re.Pattern[str], ...]
    hedging: tuple[str, ...]
    prohibited: Mapping[str, tuple[re.Pattern[str], ...]]
    names: tuple[tuple[re.Pattern[str], str], ...]  # longest first
    months: re.Pattern[str]
    titles: Mapping[str, str]
    forms: Mapping[str, Mapping[str, str]]
    agencies: tuple[Agency, ...] = ()
    bureaus: tuple[Agency, ...] = ()  # the nationwide credit bureaus
    exercise: str = ""  # what stands before the title of an exercise

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Cues:
        own: dict[str, dict[str, str]] = data["own_headings"]
        headings = {name: list(rows) for name, rows in strings(data, "headings").items()}
        for form in own.values():
            for name, wording in form.items():
                headings.setdefault(name, []).append(wording)
        return cls(
            headings={name: tuple(rows) for name, rows in headings.items()},
            elements={name: _cue(row) for name, row in data["elements"].items()},
            unknown=_patterns(data["unknown"]),
            hedging=tuple(data["hedging"]),
            prohibited={name: _patterns(rows) for name, rows in data["prohibited"].items()},
            names=_name_patterns(data["element_names"], strings(data, "names")),
            months=_compiled(data["months"]),
            titles=data["titles"],
            forms={name: rows for name, rows in own.items() if name != "general"},
            agencies=tuple(_agency(row) for row in data.get("agencies", ())),
            bureaus=tuple(_agency(row) for row in data.get("bureaus", ())),
            exercise=data.get("exercise", ""),
        )


def _agency(row: Mapping[str, Any]) -> Agency:
    laws = {law: tuple(wanted.split()) for law, wanted in row.get("laws", {}).items()}
    return Agency(row["id"], row["name"], row.get("phone", ""), row.get("address", ""), row.get("site", ""), laws)


def _patterns(rows: Iterable[str]) -> tuple[re.Pattern[str], ...]:
    return tuple(_compiled(row) for row in rows)


@lru_cache(maxsize=2048)
def _compiled(row: str) -> re.Pattern[str]:
    try:
        return re.compile(row, re.IGNORECASE)
    except re.error as error:
        raise BadInput("cues.toml", f"pattern {row!r} is wrong: {error}.", "Mend it.") from None


def _cue(row: Mapping[str, Any]) -> Cue:
    patterns = {name: _patterns(row.get(name, ())) for name in ("any", "every", "lead")}
    return Cue(
        **patterns, unless=tuple(row.get("unless", ())), only=row.get("only", False), free=row.get("free", False)
    )


def _name_patterns(
    own: Mapping[str, str], others: Mapping[str, tuple[str, ...]]
) -> tuple[tuple[re.Pattern[str], str], ...]:
    pairs = [(plain(name), element) for element, name in own.items()]
    pairs += [(plain(name), element) for element, names in others.items() for name in names]
    pairs.sort(key=lambda pair: -len(pair[0]))
    return tuple((_compiled(_bounded(name)), element) for name, element in pairs)


def _bounded(name: str) -> str:
    """Whole words, and a plural s, in scripts that part words by spaces."""
    return rf"(?<!\w){re.escape(name)}s?(?!\w)" if name.isascii() else re.escape(name)
