"""Delimited text, decoded and cut by us: every physical line is accounted for, and nothing is guessed.

A record is RFC 4180: fields between delimiters, a quoted field with its quotation marks doubled. Unless the mapping
says `multiline = true` a quoted field may not run over the end of its physical line, so an open quotation mark costs
its own line and nothing else. With `multiline = true` a record takes further lines until it closes with the right
number of columns; when it never does, its first line alone is rejected and reading goes on with the line after it.

Bytes that are wrong in the declared encoding refuse the whole list, with line and byte; a lone surrogate rejects its
line.
"""

from __future__ import annotations

import codecs
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import BinaryIO, Final

from models.values import BadInput

LONGEST_LINE: Final = 65_536  # characters of one record; the private sort below us has a limit too
LONGEST_RECORD: Final = 64  # physical lines that one quoted field may run over
_CHUNK: Final = 1 << 18
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_MARKS: Final = (  # longest first: UTF-32's mark begins with UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Fault(StrEnum):
    """Why a record is not read. The line is named, the value never."""

    TOO_FEW_COLUMNS = "too_few_columns"
    TOO_MANY_COLUMNS = "too_many_columns"
    UNCLOSED_QUOTE = "unclosed_quote"  # a quotation mark opens and does not close on its line (or within multiline)
    STRAY_QUOTE = "stray_quote"  # a quotation mark inside a bare field, or text after a closing one
    NUL = "nul"
    LONE_SURROGATE = "lone_surrogate"
    FIELD_TOO_LONG = "field_too_long"
    LINE_TOO_LONG = "line_too_long"
    UNKNOWN_WORD = "unknown_word"  # a yes/no or element column holds a word that neither we nor [values] know
    NOT_TEXT = "not_text"  # a cell of a table or query holds bytes or something nested


@dataclass(frozen=True, slots=True)
class Reject:
    """One record that was not read: its first line (row, for tables), the reason, the column where one is at fault."""

    line: int
    code: Fault
    column: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """How a text is cut; the mapping's keys of these names."""

    delimiter: str = ","
    multiline: bool = False
    longest_field: int = 4_000


@dataclass(frozen=True, slots=True)
class Row:
    """One record: the number of its first line, its fields, and how many physical lines it took."""

    line: int
    fields: tuple[str, ...]
    lines: int = 1


@dataclass(frozen=True, slots=True)
class Blank:
    """A line with nothing on it, or nothing but delimiters."""

    line: int


Read = Row | Reject | Blank


# --- decoding -------------------------------------------------------------------------------------------------------


def text_encoding(first: bytes, declared: str, file: str) -> str:
    """The codec to use. A byte order mark is understood; one that contradicts the declared encoding is refused."""
    marked = next((name for mark, name in _MARKS if first.startswith(mark)), "")
    family = marked.removesuffix("-sig")
    if declared and family and not declared.startswith(family):
        raise BadInput(
            file,
            f'begins with the byte order mark of {family}, the mapping says encoding = "{declared}".',
            "Correct one.",
        )
    return marked or declared or "utf-8"


def physical_lines(file: BinaryIO, encoding: str, line_end: str, name: str) -> Iterator[str | None]:
    """Every physical line without its end; None stands for one that is too long. Bounded memory for any input."""
    end = "\r" if line_end == "cr" else "\n"
    held, dropping = "", False
    for text in _decoded(file, encoding, name, end):
        *whole, held = (held + text).split(end)
        for line in whole:
            yield None if dropping or len(line) > LONGEST_LINE else line.removesuffix("\r") if end == "\n" else line
            dropping = False
        if len(held) > LONGEST_LINE:
            held, dropping = "", True
    if held or dropping:
        yield None if dropping else held.removesuffix("\r") if end == "\n" else held


def _decoded(file: BinaryIO, encoding: str, name: str, end: str) -> Iterator[str]:
    unicode = encoding.startswith("utf")
    decoder = codecs.getincrementaldecoder(encoding)("surrogatepass" if unicode else "strict")
    fed, line = 0, 1
    while True:
        chunk = file.read(_CHUNK)
        pending = len(decoder.getstate()[0])
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            line += error.object[: error.start].decode(encoding, "replace").count(end)
            raise _wrong_bytes(name, encoding, line, fed - pending + error.start) from None  # the cause shows the bytes
        yield text
        if not chunk:
            return
        fed, line = fed + len(chunk), line + text.count(end)


def _wrong_bytes(name: str, encoding: str, line: int, offset: int) -> BadInput:
    return BadInput(
        name,
        f"line {line}, byte {offset} of the file is not {encoding.removesuffix('-sig')}.",
        'Ask what the source writes and name it in the mapping, such as encoding = "cp1252". Nothing was stored.',
    )


# --- records --------------------------------------------------------------------------------------------------------


class _Bad(ValueError):
    def __init__(self, code: Fault) -> None:
        self.code = code


def split_record(text: str, delimiter: str) -> tuple[str, ...]:
    """The fields of one record. Raises when a quotation mark stands where RFC 4180 has none or never closes."""
    if '"' not in text:
        return tuple(text.split(delimiter))
    fields: list[str] = []
    at = 0
    while True:
        field, at = _quoted(text, at + 1, delimiter) if text[at : at + 1] == '"' else _bare(text, at, delimiter)
        fields.append(field)
        if at >= len(text):
            return tuple(fields)
        at += 1
        if at == len(text):
            return (*fields, "")


def _bare(text: str, at: int, delimiter: str) -> tuple[str, int]:
    end = text.find(delimiter, at)
    end = len(text) if end < 0 else end
    if '"' in text[at:end]:
        raise _Bad(Fault.STRAY_QUOTE)
    return text[at:end], end


def _quoted(text: str, at: int, delimiter: str) -> tuple[str, int]:
    start = at
    while True:
        close = text.find('"', at)
        if close < 0:
            raise _Bad(Fault.UNCLOSED_QUOTE)
        if text[close + 1 : close + 2] != '"':
            break
        at = close + 2
    if close + 1 < len(text) and text[close + 1] != delimiter:
        raise _Bad(Fault.STRAY_QUOTE)
    return text[start:close].replace('""', '"'), close + 1


class _Ahead:
    """Lines that can be looked at before they are taken."""

    def __init__(self, lines: Iterator[str | None]) -> None:
        self._lines, self._held = lines, deque[str | None]()

    def has(self, nth: int) -> bool:
        self._held.extend(islice(self._lines, max(0, nth + 1 - len(self._held))))
        return nth < len(self._held)

    def at(self, nth: int) -> str | None:
        return self._held[nth]

    def drop(self, count: int) -> None:
        for _ in range(count):
            self._held.popleft()


def read_lines(lines: Iterable[str | None], names: tuple[str, ...], form: Form, first: int) -> Iterator[Read]:
    """As `read_records`, where no record runs over its line."""
    for number, text in enumerate(lines, first):
        yield _line(text, number, names, form)


def _line(text: str | None, number: int, names: tuple[str, ...], form: Form) -> Read:
    if text and '"' not in text and len(text) <= form.longest_field and text.isascii() and "\0" not in text:
        fields = text.split(form.delimiter)  # nothing can be wrong but the number of columns
        if len(fields) == len(names) and fields[0].strip():
            return Row(number, tuple(fields))
    alone = _Ahead(iter((text,)))
    return _record(alone, number, names, form) if alone.has(0) else Blank(number)


def read_records(lines: Iterator[str | None], names: tuple[str, ...], form: Form, first: int) -> Iterator[Read]:
    """Records of lines; `first` is the number of the first line. Every line is in exactly one of the results."""
    ahead, number = _Ahead(lines), first
    while ahead.has(0):
        read = _record(ahead, number, names, form)
        taken = read.lines if isinstance(read, Row) else 1
        ahead.drop(taken)
        number += taken
        yield read


def _record(ahead: _Ahead, number: int, names: tuple[str, ...], form: Form) -> Read:
    text = ahead.at(0)
    if text is None:
        return Reject(number, Fault.LINE_TOO_LONG)
    if not text.replace(form.delimiter, "").strip():
        return Blank(number)
    taken = 1
    try:
        fields = split_record(text, form.delimiter)
    except _Bad as bad:
        longer = (
            _longer(ahead, text, len(names), form.delimiter)
            if form.multiline and bad.code is Fault.UNCLOSED_QUOTE
            else None
        )
        if longer is None:
            return Reject(number, Fault.NUL if "\0" in text else bad.code)
        fields, taken = longer
    fault = fault_of(fields, names, form.longest_field)
    return Reject(number, *fault) if fault else Row(number, fields, taken)


def _longer(ahead: _Ahead, text: str, width: int, delimiter: str) -> tuple[tuple[str, ...], int] | None:
    """The record with as many further lines as it needs to close; None when it never closes as it should."""
    for taken in range(2, LONGEST_RECORD + 1):
        line = ahead.at(taken - 1) if ahead.has(taken - 1) else None
        if line is None or len(text) + len(line) >= LONGEST_LINE:
            return None
        text = f"{text}\n{line}"
        if '"' not in line:
            continue
        try:
            fields = split_record(text, delimiter)
        except _Bad as bad:
            if bad.code is Fault.UNCLOSED_QUOTE:
                continue
            return None
        return (fields, taken) if len(fields) == width else None
    return None


def fault_of(fields: tuple[str, ...], names: tuple[str, ...], longest: int) -> tuple[Fault, str] | None:
    """What makes a record unreadable, with the column at fault where there is one."""
    if len(fields) != len(names):
        return (Fault.TOO_FEW_COLUMNS if len(fields) < len(names) else Fault.TOO_MANY_COLUMNS), ""
    text = "".join(fields)
    if "\0" in text:
        return Fault.NUL, next(name for name, field in zip(names, fields, strict=True) if "\0" in field)
    if not text.isascii() and _SURROGATE.search(text):
        return Fault.LONE_SURROGATE, next(n for n, f in zip(names, fields, strict=True) if _SURROGATE.search(f))
    if len(text) > longest and (over := [n for n, f in zip(names, fields, strict=True) if len(f) > longest]):
        return Fault.FIELD_TOO_LONG, over[0]
    return None
