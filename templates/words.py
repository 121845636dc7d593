"""Reading the words: templates, headings, names of elements, cues. From the package, or first from an overlay folder.

The engine is sandboxed and strict: an unknown placeholder is an error that names the file, nothing can be changed or
called that is not on the sheet, and no text from facts is ever compiled.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from jinja2 import ChoiceLoader, FunctionLoader, StrictUndefined, Template, TemplateError, TemplateNotFound
from jinja2.loaders import FileSystemLoader
from jinja2.sandbox import ImmutableSandboxedEnvironment

from models.values import BadInput, Role, Slot
from templates.markup import MARK, Block, parse

RIGHT_TO_LEFT: Final = frozenset({"ar", "fa", "he", "ur"})


def languages(overlay: Path | None = None) -> tuple[str, ...]:
    """Languages that have words, the overlay's included. A language is a folder with a words.toml."""
    roots: list[Traversable] = [files("templates"), *([overlay] if overlay and overlay.is_dir() else [])]
    return tuple(
        sorted({entry.name for root in roots for entry in root.iterdir() if entry.joinpath("words.toml").is_file()})
    )


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
        raise BadInput(f"templates/{name}", f"is not TOML: {error}.", "Mend that line.") from None


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
            raise BadInput(f"templates/{path}", f"does not compile: {error}.", "Mend it.") from None
    return None


def fill(template: Template, context: Mapping[str, Any], block: str = "") -> str:
    """A template, or one block of it, rendered. BadInput names file and placeholder."""
    where = f"templates/{template.name}"
    try:
        if not block:
            return template.render(context)
        return "".join(template.blocks[block](template.new_context(dict(context))))
    except TemplateError as error:
        raise BadInput(where, f"cannot be rendered: {error}.", "templates/README.md lists the placeholders.") from None


def blocks(template: Template, context: Mapping[str, Any], block: str = "") -> tuple[Block, ...]:
    return parse(fill(template, context, block))


# `slot.name` in a template is the marker of that slot, and nothing else of a person is there.
SLOTS: Final[Mapping[str, str]] = MappingProxyType({slot.value: f"{MARK}{slot.value}{MARK}" for slot in Slot})


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
