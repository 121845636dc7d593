"""What to ask, and which line of the facts file answers it, for duties that are undetermined. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from models.facts import KEYS, Count, Facts
from models.vocabulary.kinds import WORDS, Kind
from regimes import describe
from regimes import schema as s
from regimes.explain import Leaf, deciding, open_tests, reasoning
from regimes.obligations import Obligation

_NAMED: Final = 6  # words of one question that are named


@dataclass(frozen=True, slots=True)
class Question:
    """A fact that is missing, the line that states it, and how many duties wait for it."""

    key: str
    line: str
    duties: int


def questions(entries: Iterable[Obligation], facts: Facts) -> tuple[Question, ...]:
    """One for each missing fact, those that most duties wait for first."""
    waiting: dict[str, list[Obligation]] = {}
    for entry in entries:
        for key in entry.missing:
            waiting.setdefault(key, []).append(entry)
    found = [Question(key, _line(key, rows, facts), len(rows)) for key, rows in waiting.items()]
    return tuple(sorted(found, key=lambda question: (-question.duties, question.key)))


def asked(key: str, entry: Obligation, facts: Facts) -> str:
    """A missing fact as one duty asks for it: a count with its thresholds and as it is stated, elements by name."""
    if key == "data.elements" and (words := deciding(entry, facts)):
        return f"{key} (whether {_some(words)})"
    if _counts(key):
        said = "; ".join(part for part in (_stated(key, facts), *_thresholds(key, [entry], facts)) if part)
        return f"{key} ({said})" if said else key
    return key


# --- the line that answers ------------------------------------------------------------------------------------------


def _line(key: str, rows: list[Obligation], facts: Facts) -> str:
    table, _, name = key.rpartition(".")
    about = "; ".join(part for part in (_stated(key, facts), *_about(key, rows, facts)) if part)
    return f"[{table or key}] {name} = {_answer(key)}" + (f"   ({about})" if about else "")


def _answer(key: str) -> str:
    if _counts(key):
        return "a whole number"
    if key in WORDS and KEYS.get(key) is Kind.WORD:
        return " or ".join(f'"{word}"' for word in sorted(WORDS[key]))
    kind = KEYS.get(key)
    return _SHAPES.get(kind, kind.value) if kind else "as the law's file names it"


_SHAPES: Final = {
    Kind.WORDS: '["word", …]',
    Kind.ELEMENTS: '["word", …]',
    Kind.MOMENT: "a time with offset, or a date",
}


def _about(key: str, rows: list[Obligation], facts: Facts) -> Iterator[str]:
    if _counts(key):
        yield from _thresholds(key, rows, facts)
    elif KEYS.get(key) is Kind.ELEMENTS:
        words = {word for entry in rows for word in deciding(entry, facts)}
        yield f"whether {_some(tuple(sorted(words)))}" if words else ""
    elif KEYS.get(key) is Kind.WORDS:
        tests = [test for test in _tests(rows, facts) if isinstance(test, s.FactTest) and test.key == key]
        words = {str(word) for test in tests for word in (*test.contains, *test.any_of)}
        yield f"whether {_some(tuple(sorted(words)))}" if words else ""


def _counts(key: str) -> bool:
    return key.startswith("people.") or KEYS.get(key) in (Kind.COUNT, Kind.MONEY)


def _stated(key: str, facts: Facts) -> str:
    """A count that is stated, and not exactly enough."""
    value = facts.values.get(key)
    return f"stated as {value}" if isinstance(value, Count) and value.exact is None else ""


def _thresholds(key: str, rows: list[Obligation], facts: Facts) -> Iterator[str]:
    """Each threshold that an open test holds a count against: `more than 500?`."""
    seen: set[str] = set()
    for entry in rows:
        for test in _tests([entry], facts):
            if isinstance(test, s.CountTest) and _reads(test, key):
                said = describe.condition(replace(test, place=test.place or entry.jurisdiction or ""))
                if said not in seen:
                    seen.add(said)
                    yield f"{said}?"


def _reads(test: s.CountTest, key: str) -> bool:
    if test.base in (s.Base.RESIDENTS, s.Base.TOTAL, s.Base.PERSONS_NOTIFIED):
        return key.startswith("people.") or key == "people_detail.total"
    return key == f"people_detail.{test.base.value}"


def _tests(rows: Iterable[Obligation], facts: Facts) -> Iterator[Leaf]:
    for entry in rows:
        for _, part in reasoning(entry, facts).parts:
            yield from open_tests(part)


def _some(words: tuple[str, ...]) -> str:
    more = f" and {len(words) - _NAMED} more" if len(words) > _NAMED else ""
    return ", ".join(words[:_NAMED]) + more
