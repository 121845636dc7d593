"""How hard a text is to read: a formula where one is sound for the language, sentence length, passives, jargon. Pure.

Figures for the people who write, never a reason to stop a wave. Headings, addresses and telephone lines do not count;
an item of a list is a sentence. Syllables are counted by vowels, so a figure is right to about half a grade.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from planning.lint_rules import MARKER
from planning.reading import lines_of, sentences

SPOKEN: Final = "Robin"  # stands for a slot: a name of two syllables


@dataclass(frozen=True, slots=True)
class Ease:
    """The figures of one text. `score` is the formula's; None where no formula is sound."""

    language: str
    formula: str
    score: float | None
    aim: float
    good: bool
    words: int
    sentences: int
    mean: float  # words of a sentence; characters in Chinese
    longest: tuple[str, ...]  # sentences that are too long, the longest first
    passive: tuple[str, ...]
    jargon: tuple[tuple[str, str], ...]  # word, what to say instead


@dataclass(frozen=True, slots=True)
class Counted:
    words: int
    sentences: int
    syllables: int
    long_words: int  # three syllables and more
    six_letters: int  # more than six letters
    one_syllable: int


@cache
def _table() -> Mapping[str, Any]:
    return tomllib.loads((files("planning") / "plain.toml").read_text("utf-8"))


def ease(text: str, language: str) -> Ease | None:
    """The figures of a text; None for a language that has no list of its own."""
    known = _table().get(language)
    if known is None:
        return None
    told = prose(text)
    size = _characters if language.startswith("zh") else _words
    lengths = [(size(sentence), sentence) for sentence in told]
    formula = str(known["formula"])
    counted = count(told, language)
    score = round(FORMULAS[formula](counted), 1) if formula and counted.words else None
    return Ease(
        language=language,
        formula=formula,
        score=score,
        aim=known["aim"],
        good=score is None or _reached(formula, score, known["aim"]),
        words=sum(length for length, _ in lengths),
        sentences=len(told),
        mean=round(sum(length for length, _ in lengths) / len(lengths), 1) if lengths else 0.0,
        longest=tuple(s for length, s in sorted(lengths, key=lambda pair: -pair[0]) if length > known["longest"]),
        passive=_hits(known["passive"], told),
        jargon=tuple(pair for pair in known["jargon"].items() if any(pair[0].lower() in s.lower() for s in told)),
    )


def prose(text: str) -> list[str]:
    """The sentences that are read as sentences: no headings, no lines of telephone numbers, addresses or names."""
    lines = [line.text for line in lines_of(MARKER.sub(SPOKEN, text)) if not line.heading]
    found = [sentence for line in lines for sentence in sentences(line)]
    return [s for s in found if _told(s)]


def _told(sentence: str) -> bool:
    digits = sum(char.isdigit() for char in sentence)
    return (
        "@" not in sentence
        and digits < 7
        and (_words(sentence) >= 4 or (len(sentence) >= 8 and not sentence.isascii()))
    )


def _words(sentence: str) -> int:
    return len(re.findall(r"[^\W_]+(?:[’'-][^\W_]+)*", sentence))


def _characters(sentence: str) -> int:
    return sum(char.isalnum() for char in sentence)


def _hits(patterns: Sequence[str], told: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(m[0] for p in patterns for s in told for m in re.finditer(p, s, re.IGNORECASE)))


# --- counting -------------------------------------------------------------------------------------------------------


def count(told: Sequence[str], language: str) -> Counted:
    """Words, sentences and syllables."""
    syllables = SYLLABLES.get(language.split("-")[0], _vowel_groups)
    words = [word for sentence in told for word in re.findall(r"[^\W\d_]+(?:[’'][^\W\d_]+)*", sentence)]
    lengths = [syllables(word.lower()) for word in words]
    return Counted(
        words=len(words),
        sentences=max(1, len(told)),
        syllables=sum(lengths),
        long_words=sum(length >= 3 for length in lengths),
        six_letters=sum(len(word) > 6 for word in words),
        one_syllable=sum(length == 1 for length in lengths),
    )


def _vowel_groups(word: str) -> int:
    return max(1, len(re.findall(r"[aeiouyáéíóúàâäèêëîïôöùûüæœ]+", word)))


def _english(word: str) -> int:
    """Vowel groups, without silent endings, with those vowels that part."""
    bare = re.sub(r"(?:[^laeiouycgszx]es|[^aeiouydt]ed|[^laeiouy]e)$", lambda m: m[0][0], word)
    groups = len(re.findall(r"[aeiouy]+", bare))
    groups += len(re.findall(r"i[ao]|[^q]ua|[aeiouy]ing|(?<!fr)ie[nt]|crea", bare))
    groups -= len(re.findall(r"tion|sion|cial|tial|cian|gion|tient|cient|rement|tement", bare))
    return max(1, groups)


def _spanish(word: str) -> int:
    """Strong vowels part, weak ones join, an accent on a weak one parts it."""
    plain = re.sub(r"[qg]u(?=[eiéí])", "q", word)
    strong = len(re.findall(r"[aeoáéóíú]", plain))
    alone = len(re.findall(r"(?<![aeoáéóíú])[iuüy](?![aeoáéóíúiuüy])", plain))
    return max(1, strong + alone)


def _french(word: str) -> int:
    """Vowel groups, without the mute ending -e, -es, -ent."""
    bare = re.sub(r"(?<=[^aeiouyéèêàâîôûïëü])(?:e|es|ent)$", "", re.sub(r"qu|gu(?=[eiéèê])", "q", word))
    return max(1, len(re.findall(r"[aeiouyàâäéèêëîïôöùûüœæ]+", bare)))


def _german(word: str) -> int:
    return max(1, len(re.findall(r"(?:ei|ai|au|äu|eu|ie|aa|ee|oo|[aeiouyäöü])", word)))


SYLLABLES: Final[Mapping[str, Callable[[str], int]]] = {
    "en": _english,
    "es": _spanish,
    "fr": _french,
    "de": _german,
}

# --- formulas -------------------------------------------------------------------------------------------------------


def flesch_kincaid(c: Counted) -> float:
    """A school grade of the United States."""
    return 0.39 * c.words / c.sentences + 11.8 * c.syllables / c.words - 15.59


def fernandez_huerta(c: Counted) -> float:
    """An ease, as Flesch's: 60 to 70 is usual for everybody."""
    return 206.84 - 60 * c.syllables / c.words - 1.02 * c.words / c.sentences


def kandel_moles(c: Counted) -> float:
    """An ease for French."""
    return 207 - 1.015 * c.words / c.sentences - 73.6 * c.syllables / c.words


def amstad(c: Counted) -> float:
    """An ease for German."""
    return 180 - c.words / c.sentences - 58.5 * c.syllables / c.words


def wiener(c: Counted) -> float:
    """The first Wiener Sachtextformel: a school grade, 4 to 15."""
    share = 100 / c.words
    length = c.words / c.sentences
    hard, long, easy = c.long_words * share, c.six_letters * share, c.one_syllable * share
    return 0.1935 * hard + 0.1672 * length + 0.1297 * long - 0.0327 * easy - 0.875


FORMULAS: Final[Mapping[str, Callable[[Counted], float]]] = {
    "flesch_kincaid": flesch_kincaid,
    "fernandez_huerta": fernandez_huerta,
    "kandel_moles": kandel_moles,
    "amstad": amstad,
    "wiener": wiener,
}
GRADES: Final = frozenset({"flesch_kincaid", "wiener"})  # less is easier


def _reached(formula: str, score: float, aim: float) -> bool:
    return score <= aim if formula in GRADES else score >= aim
