"""Letters, reports and evidence as PDF, by Typst.

A letter is a wording (one per segment, markup) and a person's slots (data, never markup). A batch is one PDF with
the exact pages of each letter. Fonts come from pip packages only: a character that none of them has stops the press
and names its code point, because a box in an official letter is worse than no letter. Everything is printed in 10
points or more (California Civil Code 1798.82(d)(1)). The PDF is tagged, PDF/UA-1, and its bytes depend on nothing
but the input.
"""

from __future__ import annotations

import importlib
import importlib.resources
import json
import re
import secrets
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.values import BadInput, Message, Slot, Wording
from templates.papers import Report, Section, Table, filing_markup, report_markup, typst_string

__all__ = [
    "Pressed",
    "Report",
    "Section",
    "Table",
    "format_date",
    "press_document",
    "press_filing",
    "press_letters",
    "sender_of",
    "typst_string",
    "unprintable",
]

if TYPE_CHECKING:
    import typst

FONT_PACKAGES = (
    "fontpkg_noto_sans",
    "fontpkg_noto_sans_arabic",
    "fontpkg_noto_sans_devanagari",
    "manimgx_fonts_cjk",
)
OTHER_SCRIPTS = ("Noto Sans Arabic", "Noto Sans Devanagari")
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

# Sheets in millimetres. `window` is where an envelope shows the address, on every fold that fits the envelope: DIN
# 5008 form B (DL and C6/5 windows) and the US no. 10 window (7/8 in from the left, 1/2 in from the bottom of 4 1/8
# in). `back` is the room above the address for the sender's line; `body` is where the text begins; `info` is the
# width of date and reference.
DIN_5008 = {
    "width": 210.0, "height": 297.0, "left": 25.0, "right": 20.0, "top": 15.0, "bottom": 26.0,
    "window": {"x": 25.0, "y": 62.7, "width": 80.0, "height": 27.3, "back": 14.0},
    "info": 65.0, "body": 99.0, "folds": [105.0, 210.0],
}  # fmt: skip
US_NO_10 = {
    "width": 215.9, "height": 279.4, "left": 25.4, "right": 22.0, "top": 14.0, "bottom": 25.0,
    "window": {"x": 25.4, "y": 53.3, "width": 84.0, "height": 27.0, "back": 0},
    "info": 65.0, "body": 91.0, "folds": [],
}  # fmt: skip
TURNING = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})  # bidirectional controls
LETTER_SIZE = frozenset({"US", "CA", "MX", "PR", "PH", "CL", "CO"})  # countries that print on 8.5 by 11 inches


@dataclass(frozen=True, slots=True)
class Pressed:
    """A batch. `pages[i]` is how many pages letter i has, `starts[i]` the first of them, counted from 1 in the PDF."""

    pdf: bytes
    pages: tuple[int, ...]
    starts: tuple[int, ...]


# --- letters --------------------------------------------------------------------------------------------------------


def press_letters(
    wordings: Mapping[str, Wording],
    messages: Sequence[Message],
    *,
    sender: Mapping[str, Any],
    date: date,
    watermark: str = "",
) -> Pressed:
    """One PDF for all messages, in their order; each letter begins on a new sheet.

    `wordings` is keyed by `Message.wording`. `sender` may hold name, address (lines), country (ISO 3166-1, chooses
    sheet and window), phone, email, site and duplex (true: each letter begins on an odd page). Raises BadInput for
    a missing slot, an address that the window cannot hold, or a character that no font has; it names the reference,
    never the person.
    """
    if not messages:
        raise BadInput("letters", "there is no letter to print.", "Give at least one message.")
    used = {key: wordings[key] for key in sorted({_known(m, wordings) for m in messages})}
    letters = [_letter(m, used[m.wording], date, str(sender.get("country", ""))) for m in messages]
    data = _batch(letters, messages, sender, watermark)
    store = _store()
    files = {"main.typ": _main(used, store), "letter.typ": _frame("letter.typ"), store: json.dumps(data).encode()}
    files |= {f"w{i}.typ": _wording_file(w) for i, w in enumerate(used.values())}
    blame = _blame_letters(messages, used)
    return _pages(*_compile(files, date, blame, query="<pages>"), count=len(messages))


def sender_of(profile: Mapping[str, Any]) -> dict[str, Any]:
    """The sender of letters, from the tables [organisation], [contact] and [sender] of the organisation's profile."""
    firm, contact, sender = (profile.get(name) or {} for name in ("organisation", "contact", "sender"))
    return {
        "name": firm.get("name", ""),
        "address": list(firm.get("postal_address", ())),
        "country": firm.get("country", ""),
        "phone": contact.get("toll_free") or contact.get("phone", ""),
        "email": contact.get("email", ""),
        "site": contact.get("website") or firm.get("website", ""),
        "duplex": bool(sender.get("duplex", False)),
    }


def _known(message: Message, wordings: Mapping[str, Wording]) -> str:
    if message.wording not in wordings:
        raise BadInput(f"delivery {message.delivery}", "its wording is not in the batch.", "Prepare the notices again.")
    return message.wording


def _letter(message: Message, wording: Wording, on: date, country: str) -> dict[str, Any]:
    slots = {Slot(k): v for k, v in message.slots.items()}
    slots.setdefault(Slot.ADDRESS, "\n".join(message.to.address))
    _refuse_controls(message)
    for needed in (Slot.REFERENCE, Slot.ADDRESSEE, Slot.ADDRESS, *wording.slots):
        if not slots.get(needed, "").strip():
            raise BadInput(
                f"delivery {message.delivery}", f"slot {needed} is missing.", "A letter can't be printed without it."
            )
    lang, region, _ = _tag(wording.language)
    return {
        "wording": message.wording,
        "reference": slots[Slot.REFERENCE],
        "address": _lines(slots[Slot.ADDRESSEE] + "\n" + slots[Slot.ADDRESS]),
        "slots": {k.value: _lines(v) for k, v in slots.items()},
        "subject": message.subject or wording.subject,
        "date": format_date(on, wording.language, country),
        "lang": lang,
        "region": region or None,
        "fonts": _families(lang, region),
        "leading": AIRY if (lang, region) in CJK else TIGHT,
        "words": frame_words(wording.language),
    }


def _refuse_controls(message: Message) -> None:
    """Signs that no reader sees but that turn or break a line: in an address they can only mislead."""
    for part in _own(message):
        for c in part:
            if (unicodedata.category(c) == "Cc" and c != "\n") or unicodedata.bidirectional(c) in TURNING:
                where, code = f"letter {message.slots.get(Slot.REFERENCE, '')}", f"U+{ord(c):04X}"
                raise BadInput(where, f"holds the control character {code}.", "Remove it from the person's data.")


def _batch(
    letters: list[dict[str, Any]], messages: Sequence[Message], sender: Mapping[str, Any], mark: str
) -> dict[str, Any]:
    name = str(sender.get("name", "")).strip()
    if not name:
        raise BadInput("sender: name", "the sender's name is missing.", "A letter must say who writes it.")
    address = _as_lines(sender.get("address", ()))
    contact = [", ".join(address), *(str(sender[k]) for k in ("phone", "email", "site") if sender.get(k))]
    return {
        "letters": letters,
        "paper": _paper(str(sender.get("country", ""))),
        "sender": {
            "name": name,
            "contact": _lines("\n".join(c for c in contact if c)),
            "back": " · ".join([name, *address]),
        },
        "watermark": mark,
        "duplex": bool(sender.get("duplex", False)),
        "title": letters[0]["subject"] or name,
        "lang": letters[0]["lang"],
    }


def _store() -> str:
    """A name for the data that no wording can know beforehand, so that none reads other people's letters."""
    return f"{secrets.token_hex(16)}.json"


def _main(used: Mapping[str, Wording], store: str) -> bytes:
    imports = "".join(f'#import "w{i}.typ": body as w{i}\n' for i in range(len(used)))
    table = ", ".join(f"{json.dumps(key)}: w{i}" for i, key in enumerate(used))
    return f'#import "letter.typ": batch\n{imports}#batch(json("{store}"), ({table},))\n'.encode()


FORBIDDEN = re.compile(r"#\s*(?:import|include|read|plugin|eval|csv|json|yaml|toml|xml|cbor|image)\b")


def _wording_file(wording: Wording) -> bytes:
    """A wording as a function in a file of its own. In brackets within parentheses a stray ']' is an error, not
    lost text.
    """
    if FORBIDDEN.search(wording.typst):
        raise BadInput(
            f"segment {wording.segment}", "a letter may not load or evaluate anything.", "Remove the command."
        )
    return f"#let body(s) = ([\n{wording.typst}\n],).first()\n".encode()


def _pages(pdf: bytes, found: str, *, count: int) -> Pressed:
    spans: list[tuple[int, int]] = [tuple(span) for span in json.loads(found)[0]["value"]]
    ends = [0, *(last for _, last in spans)]
    if len(spans) != count or any(
        first <= end or last < first for (first, last), end in zip(spans, ends, strict=False)
    ):
        raise BadInput(
            "letters", "the pages of the batch can't be told apart.", "Look for a page break inside a wording."
        )
    return Pressed(pdf, tuple(last - first + 1 for first, last in spans), tuple(first for first, _ in spans))


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
    lang, region, _ = _tag(language)
    data = {
        "title": title, "author": author, "reference": reference, "watermark": watermark, "paper": _paper(country),
        "lang": lang, "region": region or None, "fonts": _families(lang, region), "words": frame_words(language),
        "leading": AIRY if (lang, region) in CJK else TIGHT,
    }  # fmt: skip
    markup = body if isinstance(body, str) else report_markup(body)
    main = f'#import "document.typ": *\n#show: report.with(json("data.json"))\n{markup}\n'
    files = {"main.typ": main.encode(), "document.typ": _frame("document.typ"), "data.json": json.dumps(data).encode()}
    return _compile(files, date, lambda text: (f"report {reference or repr(title)}", text))[0]


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
    table: dict[str, dict[str, str]] = tomllib.loads(_frame("letter.toml").decode())
    return table["en"] | table.get(_tag(language)[0], {}) | table.get(language, {})


def format_date(on: date, language: str, country: str = "") -> str:
    """A civil date in the language's long form; in English day before month, unless the sender's country does
    otherwise.
    """
    from babel.dates import format_date as babel_date

    english = language == "en" and country not in LETTER_SIZE
    return babel_date(on, "long", locale="en_GB" if english else _tag(language)[2])


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


def _paper(country: str) -> dict[str, Any]:
    return US_NO_10 if country in LETTER_SIZE else DIN_5008


def _as_lines(value: Any) -> list[str]:
    return [line for line in (value.split("\n") if isinstance(value, str) else [str(v) for v in value]) if line.strip()]


def _lines(text: str) -> list[dict[str, Any]]:
    """Lines with their own direction, by the first strong character; right-to-left words inside a sentence are
    isolated.
    """
    out = []
    for line in text.split("\n"):
        rtl = next(
            (unicodedata.bidirectional(c) in ("R", "AL") for c in line if unicodedata.bidirectional(c) in "LRAL"), False
        )
        out.append({"text": f"\u2067{line}\u2069" if rtl else line, "rtl": rtl})
    return out


@cache
def _fonts() -> typst.Fonts:
    import typst

    folders = [str(Path(str(importlib.import_module(name).__file__)).parent) for name in FONT_PACKAGES]
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=folders)


def _frame(name: str) -> bytes:
    return (importlib.resources.files("templates") / "frame" / name).read_bytes()


# --- the press itself -----------------------------------------------------------------------------------------------

Blame = Callable[[str], tuple[str, str]]  # the text that failed -> whose it is, and what to name


def _compile(files: Mapping[str, bytes], on: date | None, blame: Blame, query: str = "") -> tuple[bytes, str]:
    import typst

    root = str(importlib.resources.files("templates") / "frame")  # what a wording could read at most
    world: dict[str, Any] = {"font_paths": _fonts(), "ignore_system_fonts": True, "root": root}
    stamp = datetime.combine(on, time(), UTC) if on else datetime(1970, 1, 1, tzinfo=UTC)
    try:
        pdf = typst.compile(dict(files), format="pdf", pdf_standards="ua-1", timestamp=stamp, **world)
        return pdf, typst.query(dict(files), query, **world) if query else ""
    except typst.TypstError as error:
        raise _explained(str(error.message), blame) from None  # the diagnostic may quote a person's text


def _explained(message: str, blame: Blame) -> BadInput:
    if found := re.search(r"TOCSIN-ADDRESS:([^\"]*)", message):
        where = f"letter {found[1].strip()}"
        return BadInput(where, "the address does not fit the envelope's window.", "Shorten it to six lines or fewer.")
    if found := re.search(r'the text `"(.*?)"` could not be displayed', message, re.S):
        where, characters = blame(_unescape(found[1]))
        codes = ", ".join(f"U+{ord(c):04X}" for c in characters)
        return BadInput(where, f"no font has {codes}.", "Correct the text, or add a font package.")
    return BadInput(blame("")[0], f"Typst refused the text: {_without_quotes(message)}.", "Correct the wording.")


def _unescape(text: str) -> str:
    return (
        re.sub(r"\\u\{([0-9a-fA-F]+)\}", lambda m: chr(int(m[1], 16)), text).replace('\\"', '"').replace("\\\\", "\\")
    )


def _without_quotes(message: str) -> str:
    return re.sub(r'"[^"]*"', '"…"', message)[:200]


def _blame_letters(messages: Sequence[Message], used: Mapping[str, Wording]) -> Blame:
    def blame(text: str) -> tuple[str, str]:
        if text and any(text in part for m in messages for part in _own(m)):
            return _all_unprintable(messages)
        for w in used.values():
            if not text or text in w.typst or text in w.subject:
                return f"segment {w.segment}", text
        return "the sender in the organisation's profile", text

    return blame


def _own(message: Message) -> tuple[str, ...]:
    return (*message.slots.values(), *message.to.address)


def _all_unprintable(messages: Sequence[Message]) -> tuple[str, str]:
    """Every letter of the batch that holds such a character, so that one correction is enough."""
    missing = unprintable(part for m in messages for part in _own(m))
    held = [m.slots[Slot.REFERENCE] for m in messages if any(missing & set(part) for part in _own(m))]
    more = f" and {len(held) - 20} more" if len(held) > 20 else ""
    return f"letter {', '.join(held[:20])}{more}", "".join(sorted(missing))


def unprintable(texts: Iterable[str]) -> frozenset[str]:
    """The characters that none of the fonts has; to look at a list of people before its letters are wanted."""
    import typst

    left = {c for text in texts for c in text if not c.isspace()}
    missing: set[str] = set()
    families = ", ".join(typst_string(f) for f in ("Noto Sans", *dict.fromkeys(CJK.values()), *OTHER_SCRIPTS))
    while left - missing:
        each = " ".join(f"#{typst_string(c)}" for c in sorted(left - missing))
        main = f'#set document(title: "x")\n#set text(font: ({families}), fallback: false)\n{each}\n'
        try:
            typst.compile(
                main.encode(), format="pdf", pdf_standards="ua-1", font_paths=_fonts(), ignore_system_fonts=True
            )
            break
        except typst.TypstError as error:
            found = re.search(r'the text `"(.*?)"` could not be displayed', str(error.message), re.S)
            new = set(_unescape(found[1])) & left - missing if found else set()
            if not new:
                raise BadInput(
                    "letters", "their characters can't be tried.", "Report this with the version of typst."
                ) from None
            missing |= new
    return frozenset(missing)
