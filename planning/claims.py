"""What a text asserts, held against the facts and against other texts. Pure.

"No Social Security numbers were involved" where `ssn` is among the facts, "fewer than 500" where there are 900, another
day, "encrypted" where it was not: each is found by cues, sentence by sentence. A claim that no cue knows is not seen; a
fact that nobody stated contradicts nothing.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any, Final

from models.facts import Elements, Facts, Moment
from models.values import Element, Finding, Severity
from planning.cues import Cues
from planning.lint_rules import MARKER, cued, named_elements
from planning.reading import lines_of, sections, sentences

ELEMENT: Final = "contradiction"


class Kind(StrEnum):
    NOT_LOST = "not_lost"  # an element is said not to be involved
    ONLY = "only"  # these elements, parted by spaces, are said to be all
    LOST = "lost"  # an element is said to be involved
    PEOPLE = "people"  # how many
    ENCRYPTED = "encrypted"
    UNENCRYPTED = "unencrypted"
    UNTOUCHED = "untouched"  # nobody got at the data
    HAPPENED = "happened"  # a day
    DISCOVERED = "discovered"  # a day


@dataclass(frozen=True, slots=True)
class Claim:
    """One assertion. `low` and `high` bound a number of people; None is open."""

    kind: Kind
    sentence: str
    element: str = ""
    low: int | None = None
    high: int | None = None
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """A text that was or will be given: a notice, a page, a report."""

    name: str
    claims: tuple[Claim, ...]


@cache
def _table() -> Mapping[str, Any]:
    return tomllib.loads((files("planning") / "claims.toml").read_text("utf-8"))


# --- reading claims -------------------------------------------------------------------------------------------------


def claims(text: str, cues: Cues, language: str) -> tuple[Claim, ...]:
    """Everything that a text asserts in words that the cues of its language know; nothing where there are none."""
    known = _table().get(language)
    if known is None:
        return ()
    lines = lines_of(MARKER.sub("—", text))
    found: list[Claim] = []
    for part in sections(lines, cues.headings):
        for line in part.lines:
            for sentence in sentences(line):
                found += _of_sentence(sentence, known, cues)
        if Element.DATA_INVOLVED in part.names:
            denied = {claim.element for claim in found if claim.kind is Kind.NOT_LOST}
            named = named_elements(part.lines, cues) - denied
            found += [Claim(Kind.LOST, part.heading, element) for element in sorted(named)]
    return tuple(dict.fromkeys(found))


def _of_sentence(sentence: str, known: Mapping[str, Any], cues: Cues) -> Iterator[Claim]:
    if _any(known["not_lost"], sentence) and not _any(known["not_only"], sentence):
        for element in sorted(named_elements([sentence], cues)):
            yield Claim(Kind.NOT_LOST, sentence, element)
    elif _any(known["only"], sentence) and not _any(known["not_only"], sentence):
        named = sorted(named_elements([sentence], cues))
        yield from [Claim(Kind.ONLY, sentence, " ".join(named))] if named else []
    yield from _counts(sentence, known["people"])
    if _any(known["unencrypted"], sentence):
        yield Claim(Kind.UNENCRYPTED, sentence)
    elif _any(known["encrypted"], sentence):
        yield Claim(Kind.ENCRYPTED, sentence)
    if _any(known["untouched"], sentence):
        yield Claim(Kind.UNTOUCHED, sentence)
    discovered = cued(Element.DATE_OF_DISCOVERY, [sentence], cues)
    if discovered or cued(Element.DATE_OF_BREACH, [sentence], cues):
        days = list(_days(sentence, known["months"]))
        kind = Kind.DISCOVERED if discovered else Kind.HAPPENED
        if not (discovered and cued(Element.DATE_OF_BREACH, [sentence], cues) and len(days) > 1):
            yield from (Claim(kind, sentence, day=day) for day in days)


def _any(patterns: Iterable[str], text: str) -> bool:
    return any(re.search(pattern, text, re.IGNORECASE) for pattern in patterns)


def _counts(sentence: str, pattern: str) -> Iterator[Claim]:
    for hit in re.finditer(pattern, sentence, re.IGNORECASE):
        number = int(re.sub(r"\D", "", hit["n"]))
        low, high = number, number
        if hit["upper"]:
            low, high = 0, number
        elif hit["lower"]:
            low, high = number, -1
        elif hit["about"]:
            low, high = int(number * 0.9), int(number * 1.1) + 1
        yield Claim(Kind.PEOPLE, sentence, low=low, high=None if high < 0 else high)


_ISO: Final = re.compile(r"\b(\d{4})-(\d{1,2})-(\d{1,2})\b|(\d{4})年(\d{1,2})月(\d{1,2})日")
_DOTTED: Final = re.compile(r"\b(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})\b")


def _days(sentence: str, months: Sequence[str]) -> Iterator[date]:
    """The days that a sentence names in full: 2026-03-02, 2026年3月2日, 2.3.2026, 2 March 2026, March 2, 2026."""
    for hit in _ISO.finditer(sentence):
        yield from _day(hit[1] or hit[4], hit[2] or hit[5], hit[3] or hit[6])
    for hit in _DOTTED.finditer(sentence):
        yield from _day(hit[3], hit[2], hit[1])
    if not months:
        return
    names = "|".join(map(re.escape, months))
    before = rf"\b(\d{{1,2}})(?:er|º|\.)?\s+(?:de\s+)?({names})\s+(?:de\s+|del\s+)?(\d{{4}})\b"
    after = rf"\b({names})\s+(\d{{1,2}}),?\s+(\d{{4}})\b"
    for hit in re.finditer(before, sentence, re.IGNORECASE):
        yield from _day(hit[3], str(months.index(hit[2].lower()) + 1), hit[1])
    for hit in re.finditer(after, sentence, re.IGNORECASE):
        yield from _day(hit[3], str(months.index(hit[1].lower()) + 1), hit[2])


def _day(year: str, month: str, day: str) -> Iterator[date]:
    try:
        yield date(int(year), int(month), int(day))
    except ValueError:  # the thirty-first of February: a typing mistake, and no day to hold against anything
        return


# --- against the facts ----------------------------------------------------------------------------------------------


def against_facts(said: Iterable[Claim], facts: Facts, where: str, lost: frozenset[str] = frozenset()) -> list[Finding]:
    """What the facts contradict. `lost`: what the readers themselves lost, where the text is for a segment."""
    found: list[Finding] = []
    for claim in said:
        why, severity = _contradicted(claim, facts, lost)
        if why:
            remedy = f"“{_short(claim.sentence)}”: {why} Mend the sentence, or the facts."
            found.append(Finding("", "", ELEMENT, severity, where, remedy))
    return list(dict.fromkeys(found))


def _contradicted(claim: Claim, facts: Facts, lost: frozenset[str]) -> tuple[str, Severity]:
    error, warning = Severity.ERROR, Severity.WARNING
    known = facts.value("data.elements")
    elements = known.at_least if isinstance(known, Elements) else frozenset[str]()
    if claim.kind is Kind.ONLY:
        more = sorted((lost or elements) - set(claim.element.split()))
        return (f"{', '.join(more)} was involved too." if more else ""), error
    if claim.kind is Kind.NOT_LOST:
        if claim.element in (lost or elements):
            return f"{claim.element} was involved.", error
        if claim.element in elements:
            return f"{claim.element} was involved for others; say so only of these readers.", warning
    if claim.kind is Kind.PEOPLE:
        return _count_contradicted(claim, facts), error
    if claim.kind is Kind.ENCRYPTED:
        if facts.value("data.encrypted") is False:
            return "data.encrypted is false.", error
        if facts.value("data.key_compromised") is True:
            return "the key was compromised; encryption then protects nobody.", error
        if facts.value("data.encrypted") is not True:
            return "the facts do not say whether it was encrypted.", warning
    if claim.kind is Kind.UNENCRYPTED and facts.value("data.encrypted") is True:
        return "data.encrypted is true.", error
    if claim.kind is Kind.UNTOUCHED:
        known_true = [k for k in ("acquired", "exfiltrated", "accessed") if facts.value(f"data.{k}") is True]
        if known_true:
            return f"data.{known_true[0]} is true.", error
    if claim.kind in (Kind.HAPPENED, Kind.DISCOVERED) and claim.day:
        return _day_contradicted(claim, facts), error
    return "", error


def _count_contradicted(claim: Claim, facts: Facts) -> str:
    total = facts.count("people_detail.total")
    known = [count for count in (total, *facts.people.values()) if count and (count.min, count.max) != (None, None)]
    if not known or any(_overlap(claim.low, claim.high, count.min, count.max) for count in known):
        return ""
    return f"people_detail.total is {total}." if total else "no count of the facts fits."


def _overlap(low: int | None, high: int | None, other_low: int | None, other_high: int | None) -> bool:
    return (low or 0) <= (other_high if other_high is not None else 10**12) and (other_low or 0) <= (
        high if high is not None else 10**12
    )


def _day_contradicted(claim: Claim, facts: Facts) -> str:
    if claim.kind is Kind.DISCOVERED:
        first, last = _span(facts.moment("discovered"), facts.moment("discovered"))
        names = "times.discovered"
    else:
        first, last = _span(facts.moment("occurred_from"), facts.moment("occurred_until"))
        names = "times.occurred_from and occurred_until"
    day = claim.day
    if day is None or not ((first and day < first) or (last and day > last)):
        return ""
    said = " to ".join(str(end) for end in dict.fromkeys((first, last)) if end)
    return f"{names} say {said}."


def _span(begin: Moment | None, end: Moment | None) -> tuple[date | None, date | None]:
    first = (begin.first or (begin.earliest.date() if begin.earliest else None)) if begin else None
    last = (end.last or (end.latest.date() if end.latest else None)) if end else None
    return first, last


def facts_themselves(facts: Facts, cues: Cues, language: str) -> list[Finding]:
    """What the story of the facts says against the facts: every text of it, and `not_affected` word by word."""
    story = facts.narrative_in(language)
    found: list[Finding] = []
    for name in story.__slots__:
        where = f"narrative.{name} in {language}"
        found += against_facts(claims(getattr(story, name), cues, language), facts, where)
    known = facts.value("data.elements")
    lost = known.at_least if isinstance(known, Elements) else frozenset[str]()
    for element in sorted(named_elements(story.not_affected.splitlines(), cues) & lost):
        remedy = f"It says that {element} was not affected, and data.elements has it. Mend one of them."
        found.append(Finding("", "", ELEMENT, Severity.ERROR, f"narrative.not_affected in {language}", remedy))
    return list(dict.fromkeys(found))


# --- against each other ---------------------------------------------------------------------------------------------

OPPOSITE: Final[Mapping[Kind, Kind]] = {
    Kind.NOT_LOST: Kind.LOST,
    Kind.ENCRYPTED: Kind.UNENCRYPTED,
}


def between(statements: Sequence[Statement]) -> list[str]:
    """Every pair of statements that can't both be true, each in one sentence that names both."""
    found: list[str] = []
    for n, one in enumerate(statements):
        for two in statements[n + 1 :]:
            found += [f"{one.name} and {two.name}: {why}" for why in _pair(one, two)]
    return list(dict.fromkeys(found))


def _pair(one: Statement, two: Statement) -> Iterator[str]:
    for mine in one.claims:
        for theirs in two.claims:
            if OPPOSITE.get(mine.kind) is theirs.kind or OPPOSITE.get(theirs.kind) is mine.kind:
                if mine.element == theirs.element:
                    yield f"{mine.element or 'encryption'} is said to be both {mine.kind} and {theirs.kind}."
            elif mine.kind is theirs.kind is Kind.PEOPLE and not _fits(mine, theirs):
                yield f"“{_short(mine.sentence)}” and “{_short(theirs.sentence)}”."
    for kind in (Kind.HAPPENED, Kind.DISCOVERED):
        mine_days, their_days = ({c.day for c in s.claims if c.kind is kind and c.day} for s in (one, two))
        if mine_days and their_days and not mine_days & their_days:
            first, second = (", ".join(map(str, sorted(days))) for days in (mine_days, their_days))
            yield f"{kind}: {first} and {second}."


def _fits(one: Claim, two: Claim) -> bool:
    return _overlap(one.low, one.high, two.low, two.high)


def _short(sentence: str) -> str:
    return sentence if len(sentence) <= 90 else f"{sentence[:88]}…"


def answers(pairs: Iterable[tuple[str, Any]]) -> tuple[Claim, ...]:
    """What a report's answers assert: how many people, as (question, number or {min, max}) pairs."""
    found: list[Claim] = []
    for word, value in pairs:
        if isinstance(value, Mapping) and {"min", "max"} & value.keys():
            found.append(Claim(Kind.PEOPLE, f"{word}: {value}", low=value.get("min"), high=value.get("max")))
        elif isinstance(value, int) and not isinstance(value, bool):
            found.append(Claim(Kind.PEOPLE, f"{word}: {value}", low=value, high=value))
    return tuple(found)
