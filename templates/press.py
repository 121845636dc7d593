"""The press: Typst source and data to PDF. Letters are made in templates.letters, reports and evidence here.

Fonts come from pip packages only: a character that none of them has stops the press and names its code point, because
a box in an official letter is worse than no letter. Everything is printed in 10 points or more (California Civil Code
1798.82(d)(1)). The PDF is tagged, PDF/UA-1 and PDF/A-2a, and its bytes depend on nothing but the input.
"""

from __future__ import annotations

import importlib
import importlib.resources
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.values import BadInput
from templates.papers import Report, Section, Table, filing_markup, report_markup, typst_string
from templates.sheets import LETTER_SIZE, profile_of

__all__ = [
    "Blame",
    "Report",
    "Section",
    "Table",
    "compile_pdf",
    "forget",
    "format_date",
    "frame",
    "look",
    "press_document",
    "press_filing",
    "typst_string",
    "unprintable",
]
STANDARDS: Any = ["ua-1", "a-2a"]

if TYPE_CHECKING:
    import typst

# One package for all scripts but the ideographs: Typst leaves a variable font out of account when another in the list
# has more axes than it, so families of two makers don't mix.
FONT_PACKAGES = ("manimgx_fonts", "manimgx_fonts_cjk")
SCRIPTS = (
    *("Arabic", "Devanagari", "Armenian", "Bengali", "Ethiopic", "Georgian", "Gujarati", "Gurmukhi", "Hebrew"),
    *("Kannada", "Khmer", "Lao", "Malayalam", "Myanmar", "Oriya", "Sinhala", "Tamil", "Telugu", "Thai"),
)
OTHER_SCRIPTS = tuple(f"Noto Sans {script}" for script in SCRIPTS)
CJK = {
    ("zh", "cn"): "Noto Sans CJK SC",
    ("zh", "tw"): "Noto Sans CJK TC",
    ("zh", "hk"): "Noto Sans CJK HK",
    ("ja", "jp"): "Noto Sans CJK JP",
    ("ko", "kr"): "Noto Sans CJK KR",
}
# our language tag -> Typst's language and region, and the locale that writes dates
TAGS = {
    "zh-Hans": ("zh", "cn", "zh_Hans_CN"),
    "zh": ("zh", "cn", "zh_Hans_CN"),
    "zh-Hant": ("zh", "tw", "zh_Hant_TW"),
    "zh-HK": ("zh", "hk", "zh_Hant_HK"),
    "fr": ("fr", "fr", "fr_FR"),
    "ja": ("ja", "jp", "ja_JP"),
    "ko": ("ko", "kr", "ko_KR"),
}
TIGHT, AIRY = 0.62, 0.85  # leading in em; ideographs fill their square and need more air


# --- reports and evidence -------------------------------------------------------------------------------------------


def press_document(
    body: str | Report,
    title: str,
    language: str,
    *,
    country: str = "",
    reference: str = "",
    author: str = "",
    date: date | None = None,
    watermark: str = "",
) -> bytes:
    """A report as PDF. A `str` is markup that may use frame/document.typ (see `typst_string`); a Report is plain
    strings.
    """
    about = {"title": title, "author": author, "reference": reference, "watermark": watermark}
    data = about | look(language) | {"paper": profile_of(country).as_data()}
    markup = body if isinstance(body, str) else report_markup(body)
    main = f'#import "document.typ": *\n#show: report.with(json("data.json"))\n{markup}\n'
    files = {"main.typ": main.encode(), "document.typ": frame("document.typ"), "data.json": json.dumps(data).encode()}
    return compile_pdf(files, date, lambda text: (f"report {reference or repr(title)}", text))[0]


def press_filing(packet: Mapping[str, Any], *, country: str = "", author: str = "", watermark: str = "") -> bytes:
    """The packet of planning.filing.as_packet as PDF: the authority's questions in its order, what is open said so."""
    made = datetime.fromisoformat(packet["at"])
    return press_document(
        filing_markup(packet, frame_words(packet["language"])),
        packet["title"],
        packet["language"],
        country=country,
        reference=packet["obligation"],
        author=author,
        date=made.date(),
        watermark=watermark,
    )


# --- words, dates, fonts --------------------------------------------------------------------------------------------


@cache
def frame_words(language: str) -> dict[str, str]:
    """The frame's own words; English where a language has none."""
    table: dict[str, dict[str, str]] = tomllib.loads(frame("letter.toml").decode())
    return table["en"] | table.get(_tag(language)[0], {}) | table.get(language, {})


def format_date(on: date, language: str, country: str = "") -> str:
    """A civil date in the language's long form; in English day before month, unless the sender's country does
    otherwise.
    """
    from babel.dates import format_date as babel_date

    english = language == "en" and country not in LETTER_SIZE
    return babel_date(on, "long", locale="en_GB" if english else _tag(language)[2])


def look(language: str) -> dict[str, Any]:
    """What the frames need to set a language: lang, region, fonts, leading (em) and the frame's words."""
    lang, region, _ = _tag(language)
    return {
        "lang": lang,
        "region": region or None,
        "fonts": _families(lang, region),
        "leading": AIRY if (lang, region) in CJK else TIGHT,
        "words": frame_words(language),
    }


def _tag(language: str) -> tuple[str, str, str]:
    if language in TAGS:
        return TAGS[language]
    lang, _, region = language.partition("-")
    return lang, region.lower() if len(region) == 2 else "", f"{lang}_{region.upper()}" if len(region) == 2 else lang


def _families(lang: str, region: str) -> list[Any]:
    """Font families in the order in which they are asked; Chinese keeps its own full-width punctuation."""
    cjk = CJK.get((lang, region))
    latin: Any = {"name": "Noto Sans", "covers": "latin-in-cjk"} if cjk else "Noto Sans"
    return [latin, cjk or CJK["zh", "cn"], "Noto Sans", *OTHER_SCRIPTS]


@cache
def _fonts() -> typst.Fonts:
    import typst

    folders = [str(Path(str(importlib.import_module(name).__file__)).parent) for name in FONT_PACKAGES]
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=folders)


def frame(name: str) -> bytes:
    """A file of frame/."""
    return (importlib.resources.files("templates") / "frame" / name).read_bytes()


# --- the press itself -----------------------------------------------------------------------------------------------

Blame = Callable[[str], tuple[str, str]]  # the text that failed -> whose it is, and what to name


def compile_pdf(files: Mapping[str, bytes], on: date | None, blame: Blame, query: str = "") -> tuple[bytes, str]:
    """main.typ with its files as PDF, and what `query` finds in it as JSON (asked of the same layout: free)."""
    import typst

    stamp = datetime.combine(on, time(), UTC) if on else datetime(1970, 1, 1, tzinfo=UTC)
    try:
        pdf = typst.compile(dict(files), format="pdf", pdf_standards=STANDARDS, timestamp=stamp, **_world())
        return pdf, typst.query(dict(files), query, **_world()) if query else ""
    except typst.TypstError as error:
        raise _explained(str(error.message), blame) from None  # the diagnostic may quote a person's text


def _world() -> dict[str, Any]:
    root = str(importlib.resources.files("templates") / "frame")  # what a wording could read at most
    return {"font_paths": _fonts(), "ignore_system_fonts": True, "root": root}


_KEPT = 10  # compilations after which Typst forgets what none of them has used


def forget() -> None:
    """Make Typst drop what it remembers of earlier documents: their layout, and with it people's names, in memory.

    It only drops what has not been used for some compilations, so it is given empty ones. Costs about as much as 25
    letters.
    """
    import typst

    for _ in range(_KEPT + 1):
        typst.compile(b"#set page(width: 1cm, height: 1cm)", format="pdf", **_world())


def _explained(message: str, blame: Blame) -> BadInput:
    if found := re.search(r'the text `"(.*?)"` could not be displayed', message, re.S):
        where, characters = blame(unescape(found[1]))
        codes = ", ".join(f"U+{ord(c):04X}" for c in characters)
        return BadInput(where, f"no font has {codes}.", "Correct the text, or add a font package.")
    return BadInput(blame("")[0], f"Typst refused the text: {_without_quotes(message)}.", "Correct the wording.")


def unescape(text: str) -> str:
    return (
        re.sub(r"\\u\{([0-9a-fA-F]+)\}", lambda m: chr(int(m[1], 16)), text).replace('\\"', '"').replace("\\\\", "\\")
    )


def _without_quotes(message: str) -> str:
    return re.sub(r'"[^"]*"', '"…"', message)[:200]


def unprintable(texts: Iterable[str]) -> frozenset[str]:
    """The characters that none of the fonts has; to look at a list of people before its letters are wanted."""
    families = ", ".join(typst_string(f) for f in ("Noto Sans", *dict.fromkeys(CJK.values()), *OTHER_SCRIPTS))
    return frozenset(_missing(sorted({c for text in texts for c in text if not c.isspace()}), families))


def _missing(characters: Sequence[str], families: str) -> list[str]:
    """By halves: many are tried at once, and only those among which one is missing are looked at again."""
    if not characters or _prints(characters, families):
        return []
    if len(characters) == 1:
        return list(characters)
    half = len(characters) // 2
    return _missing(characters[:half], families) + _missing(characters[half:], families)


def _prints(characters: Sequence[str], families: str) -> bool:
    import typst

    each = "\n\n".join(f"#{typst_string(c)}" for c in characters)  # each alone: a joiner would join neighbours
    main = f'#set document(title: "x")\n#set text(font: ({families}), fallback: false)\n{each}\n'
    try:
        typst.compile(main.encode(), format="pdf", pdf_standards="ua-1", **_world())
    except typst.TypstError as error:
        if re.search(r'the text `"(.*?)"` could not be displayed', str(error.message), re.S):
            return False
        raise BadInput(
            "letters", "their characters can't be tried.", "Report this with the version of typst."
        ) from None
    return True
