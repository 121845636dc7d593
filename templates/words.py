"""Reading the words: templates, headings, names of elements, cues. From the package, or first from an overlay folder.

The engine is sandboxed and strict: an unknown placeholder is an error that names the file, nothing can be changed or
called that is not on the sheet, and no text from facts is ever compiled.
"""

from __future__ import annotations

import difflib
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from jinja2 import ChoiceLoader, FunctionLoader, StrictUndefined, Template, TemplateError, TemplateNotFound
from jinja2.loaders import FileSystemLoader
from jinja2.sandbox import ImmutableSandboxedEnvironment

from models.slots import MARK
from models.values import BadInput, Role, Slot
from templates.markup import Block, parse

RIGHT_TO_LEFT: Final = frozenset({"ar", "fa", "he", "ur"})
COMPLETE: Final = "complete"
SHORT: Final = "short"  # the language has no blocks yet: the outlines under [short] apply
ISOLATE: Final = "\u2068{}\u2069"  # first-strong isolate: a number keeps its order inside right-to-left text


def languages(overlay: Path | None = None) -> tuple[str, ...]:
    """Languages that have words, the overlay's included. A language is a folder with a words.toml."""
    roots: list[Traversable] = [files("templates"), *([overlay] if overlay and overlay.is_dir() else [])]
    return tuple(
        sorted({entry.name for root in roots for entry in root.iterdir() if entry.joinpath("words.toml").is_file()})
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a language's words go. `missing`: what the complete language has and this one lacks, by file."""

    language: str
    coverage: str  # complete, short
    review: str  # why nobody may send in it yet; empty when nothing stands in the way
    missing: tuple[str, ...] = ()


def coverage(language: str, overlay: Path | None = None) -> str:
    """`complete` or `short`, as words.toml says. BadInput for another word."""
    said = table(f"{language}/words.toml", overlay).get("coverage", COMPLETE)
    if said not in (COMPLETE, SHORT):
        where = f"templates/{language}/words.toml: coverage"
        raise BadInput(where, f"is {said!r}.", f'Write "{COMPLETE}" or "{SHORT}".')
    return str(said)


def outline(language: str, form: str, overlay: Path | None = None) -> Sequence[Mapping[str, Any]]:
    """The sections of a form. A language that is `short` has the short outline of that form, by its own name."""
    outlines = table("outlines.toml", overlay)
    short = coverage(language, overlay) == SHORT
    found = (outlines[SHORT] if short else outlines).get(form)
    if found is None:
        name = f"{SHORT}.{form}" if short else form
        raise BadInput(f"templates/outlines.toml: {name}", "is missing.", "Write the outline of this form.")
    sections: Sequence[Mapping[str, Any]] = found["sections"]
    return sections


def forms(overlay: Path | None = None) -> tuple[str, ...]:
    """The names of the forms that have an outline."""
    return tuple(name for name in table("outlines.toml", overlay) if name not in (SHORT, "with_block"))


def right_to_left(language: str) -> bool:
    return language.split("-")[0] in RIGHT_TO_LEFT


def isolated(language: str, text: str) -> str:
    """A value in right-to-left text, line by line, kept in its own order. In other languages the text as it is.

    A line that has right-to-left letters runs with the text around it; a telephone number would be turned around.
    """
    if not text or not right_to_left(language):
        return text
    return "\n".join(line if _turns(line) else ISOLATE.format(line) for line in text.split("\n"))


def _turns(line: str) -> bool:
    return not line or any(unicodedata.bidirectional(char) in ("R", "AL") for char in line)


def counted(texts: Mapping[str, Any], language: str, noun: str, number: int) -> str:
    """A number with its noun in the language's own plural form, as words.toml [plural.<noun>] has it."""
    from babel import Locale
    from babel.numbers import format_decimal

    rows = texts["plural"][noun]
    locale = Locale.parse(locale_of(language))
    return str(rows.get(locale.plural_form(number), rows["other"]).format(number=format_decimal(number, locale=locale)))


LOCALES: Final[Mapping[str, str]] = MappingProxyType({"en": "en_US", "zh-Hans": "zh_Hans_CN", "fr": "fr_FR"})


def foreign_day(text: str, language: str) -> str:
    """A day of the week in `text` that another language names and this one does not; empty when there is none."""
    own, said = _days(language), set(re.findall(r"[^\W\d_]{4,}", text.casefold()))
    return next((day for other in languages() for day in sorted(said & (_days(other) - own))), "")


@lru_cache(maxsize=64)
def _days(language: str) -> frozenset[str]:
    from babel.dates import get_day_names

    return frozenset(name.casefold() for name in get_day_names("wide", locale=locale_of(language)).values())


def locale_of(language: str) -> str:
    """The locale that writes this language's dates, numbers and lists."""
    return LOCALES.get(language, language.replace("-", "_"))


def named(languages: Iterable[str], reader: str) -> str:
    """The names of languages in the reader's language, as a list in words; empty for none."""
    from babel import Locale
    from babel.lists import format_list

    locale = Locale.parse(locale_of(reader))
    names = [str(Locale.parse(language.replace("-", "_")).get_display_name(locale)) for language in languages]
    return format_list(names, locale=locale) if names else ""


@lru_cache(maxsize=32)
def environment(overlay: Path | None, escape: bool) -> ImmutableSandboxedEnvironment:
    """`escape` is on for the HTML frames and off for the editors' markup, which is laid out by our own code."""
    own = FunctionLoader(_packaged)
    found = ImmutableSandboxedEnvironment(
        loader=ChoiceLoader([FileSystemLoader(overlay), own]) if overlay else own,
        undefined=StrictUndefined,
        autoescape=escape,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    found.globals.clear()
    return found


def _packaged(name: str) -> str | None:
    path = files("templates").joinpath(*name.split("/"))
    return path.read_text("utf-8") if path.is_file() else None


@lru_cache(maxsize=64)
def table(name: str, overlay: Path | None = None) -> Mapping[str, Any]:
    """A TOML file of words, such as `en/words.toml`; the overlay's whole file wins."""
    own = overlay / name if overlay else None
    text = own.read_text("utf-8") if own and own.is_file() else _packaged(name)
    if text is None:
        raise BadInput(f"templates/{name}", "is missing.", "Copy it from templates/en and translate it.")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(shown(name, overlay), f"is not TOML: {error}.", "Mend that line.") from None


def has(name: str, overlay: Path | None = None) -> bool:
    """Whether a file of words is there, in the overlay or in the package."""
    return bool(overlay and (overlay / name).is_file()) or files("templates").joinpath(*name.split("/")).is_file()


def shown(name: str, overlay: Path | None = None) -> str:
    """The file of words that is read under this name, as a person finds it: the overlay's own, or the package's."""
    own = overlay / name if overlay else None
    return str(own) if own and own.is_file() else f"templates/{name}"


def nearest(word: str, known: Iterable[str], before: str = "") -> str:
    """` Did you mean sheet.cause?`, or nothing where none is near."""
    close = difflib.get_close_matches(word, sorted(known), n=1)
    return f" Did you mean {before}{close[0]}?" if close else ""


def find(language: str, folder: str, stem: str, variants: tuple[str, ...], overlay: Path | None) -> Template | None:
    """The first of `stem.<variant>` and `stem` that exists in a language's folder."""
    engine = environment(overlay, False)
    for name in (*(f"{stem}.{variant}" for variant in variants), stem):
        path = f"{language}/{folder}/{name}.md.j2"
        try:
            return engine.get_template(path)
        except TemplateNotFound:
            continue
        except TemplateError as error:
            raise BadInput(shown(path, overlay), f"does not compile: {error}.", "Mend it.") from None
    return None


def fill(template: Template, context: Mapping[str, Any], block: str = "") -> str:
    """A template, or one block of it, rendered. BadInput names file and placeholder."""
    try:
        if not block:
            return template.render(context)
        return "".join(template.blocks[block](template.new_context(dict(context))))
    except TemplateError as error:
        where = template.filename if Path(template.filename or "").is_file() else f"templates/{template.name}"
        remedy = f"templates/README.md lists the placeholders.{_meant(str(error), context)}"
        raise BadInput(str(where), f"cannot be rendered: {error}.", remedy) from None


_NO_SUCH: Final = re.compile(r"no attribute '(\w+)'|'(\w+)' is undefined")


def _meant(problem: str, context: Mapping[str, Any]) -> str:
    found = _NO_SUCH.search(problem)
    if found is None:
        return ""
    return nearest(found[2], context) if found[2] else nearest(found[1], context.get("sheet", ()), "sheet.")


def blocks(template: Template, context: Mapping[str, Any], block: str = "") -> tuple[Block, ...]:
    return parse(fill(template, context, block))


# `slot.name` in a template is the marker of that slot, and nothing else of a person is there.
SLOTS: Final[Mapping[str, str]] = MappingProxyType({slot.value: f"{MARK}{slot.value}{MARK}" for slot in Slot})
_ISOLATED: Final = MappingProxyType({name: ISOLATE.format(mark) for name, mark in SLOTS.items()})


def slots(language: str) -> Mapping[str, str]:
    """The slots as this language prints them: isolated where the text runs from right to left."""
    return _ISOLATED if right_to_left(language) else SLOTS


def needs_review(language: str, overlay: Path | None = None) -> str:
    """Why nobody may send in this language yet, or an empty text. A named reviewer in the profile lifts it."""
    review = table(f"{language}/words.toml", overlay).get("review", {})
    return str(review.get("note", "")) if review.get("needs") else ""


def salutation(language: str, role: Role, name: str, overlay: Path | None = None) -> str:
    """A neutral salutation, for the slot. For a guardian or next of kin `name` may be empty: the phrase then stands."""
    words = table(f"{language}/words.toml", overlay)["salutation"]
    return str(words["named"].format(name=name) if name else words[role.value])


def addressee(language: str, role: Role, person: str, name: str = "", overlay: Path | None = None) -> str:
    """Whom the envelope names: `name`, else the person, the parent or guardian of, the next of kin of the person."""
    words = table(f"{language}/words.toml", overlay)["addressee"]
    return name or str(words[role.value].format(name=person))
