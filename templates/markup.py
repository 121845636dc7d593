"""The editors' markup: paragraphs, "- " lists, nothing else; and its layout as plain text and Typst.

Words are written once. HTML, text and Typst are laid out from one list of blocks, so they cannot differ. What comes
from facts is data: it can't become a heading, a list or markup of any medium.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from models.slots import MARK

DATA: Final = "\ue001"  # stands before a value from the facts, so that "- x" in it opens no list
BREAK: Final = "\ue002"  # a line break inside a value from the facts

PRIVATE_USE: Final = re.compile("[\ue000-\uf8ff]")
_PUNCTUATION: Final = re.compile(r"([!-/:-@\[-`{-~])")
_SLOT: Final = re.compile(f"{MARK}([a-z_]+){MARK}")
_WIDE: Final = re.compile("[\u2e80-\u9fff\uff00-\uffef]")


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph (`items` empty) or a list."""

    text: str = ""
    items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it. `name` is the heading's key in headings.toml."""

    name: str
    heading: str
    blocks: tuple[Block, ...]


def data(value: str) -> str:
    """A value from the facts, made inert for the markup."""
    return DATA + value.strip().replace("\r\n", "\n").replace("\n", BREAK)


def parse(source: str) -> tuple[Block, ...]:
    """Blocks of a rendered part. Blank lines part them; a block whose lines begin with "- " is a list."""
    found: list[Block] = []
    for chunk in re.split(r"\n\s*\n", source.strip()):
        lines = [line.strip() for line in chunk.strip().split("\n") if line.strip()]
        if lines and lines[0].startswith("- "):
            found.append(Block(items=tuple(_clean(item) for item in _items(lines))))
        elif lines:
            whole = _join(lines)
            found += [Block(text=_clean(text)) for text in re.split(f"{BREAK}+", whole) if _clean(text)]
    return tuple(found)


def _items(lines: list[str]) -> list[str]:
    items: list[list[str]] = []
    for line in lines:
        if line.startswith("- "):
            items.append([line[2:]])
        else:
            items[-1].append(line)
    return [_join(item) for item in items]


def _join(lines: list[str]) -> str:
    """Lines of one paragraph; Chinese lines join without a space."""
    whole = lines[0]
    for line in lines[1:]:
        glue = "" if _WIDE.match(whole[-1]) and _WIDE.match(line[0]) else " "
        whole += glue + line
    return whole


def _clean(text: str) -> str:
    return text.replace(DATA, "").replace(BREAK, " ").strip()


# --- plain text -----------------------------------------------------------------------------------------------------


def as_text(sections: Iterable[Section]) -> str:
    """Headings underlined, lists with "- ", a blank line between blocks. Lines are not wrapped: clients do that."""
    return "\n\n".join(part for section in sections for part in _section_text(section))


def _section_text(section: Section) -> list[str]:
    head = [f"{section.heading}\n{'-' * _width(section.heading)}"] if section.heading else []
    return head + [block_text(block) for block in section.blocks]


def block_text(block: Block) -> str:
    return "\n".join(f"- {item}" for item in block.items) if block.items else block.text


def _width(text: str) -> int:
    return sum(2 if _WIDE.match(char) else 1 for char in text)


# --- Typst ----------------------------------------------------------------------------------------------------------


def typst_escape(text: str) -> str:
    """Text that Typst prints as it is: every ASCII sign is escaped, a line break becomes a space."""
    return _PUNCTUATION.sub(r"\\\1", text.replace("\n", " "))


def typst_inline(text: str) -> str:
    """Escaped text in which a slot is a look-up in the letter's own data, never a value."""
    pieces = _SLOT.split(text)
    return "".join(f'#s.at("{piece}")' if n % 2 else typst_escape(piece) for n, piece in enumerate(pieces))


def as_typst(sections: Iterable[Section]) -> str:
    return "\n\n".join(part for section in sections for part in _section_typst(section)) + "\n"


def _section_typst(section: Section) -> list[str]:
    head = [f"== {typst_inline(section.heading)}"] if section.heading else []
    return head + [_block_typst(block) for block in section.blocks]


def _block_typst(block: Block) -> str:
    if block.items:
        return "\n".join(f"- {typst_inline(item)}" for item in block.items)
    return typst_inline(block.text)
