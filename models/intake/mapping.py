"""The mapping file: which column of a list means what. TOML, strict, read before the list is opened.

It names how the text is encoded and cut, the source's columns for our targets, what holds for everyone, and how the
source's own words translate. An unknown key, target or word is refused with the nearest known one.
"""

from __future__ import annotations

import codecs
import tomllib
from collections.abc import Callable
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from models import vocabulary
from models.intake.language import match_language
from models.intake.words import FLAG_WORDS, plain_word, residence_of
from models.values import BadInput, digest

TEXT_TARGETS: Final = frozenset(
    {
        "source_id",
        "name",
        "given_name",
        "family_name",
        "email",
        "phone",
        "address",  # all lines in one column, cut at `address_separator`
        "street",
        "street2",
        "city",
        "region",
        "postal_code",
        "country",
        "residence",
        "language",
        "date_of_birth",
        "guardian_name",
        "guardian_email",
        "guardian_phone",
        "guardian_address",
        "next_of_kin_name",
        "next_of_kin_email",
        "next_of_kin_phone",
        "next_of_kin_address",
        "customer",
        "own_dates",
        "app_id",  # the person's id in the organisation's own app
        "elements",  # a list in one column, cut at `elements_separator`
    }
)
FLAG_TARGETS: Final = frozenset({"minor", "deceased", "protected", "consent_email", "large_print"})
TARGETS: Final = TEXT_TARGETS | FLAG_TARGETS
YES_OR_NO: Final = FLAG_TARGETS | {"flags"}  # in [values], "flags" is for every yes/no column
TRANSLATED: Final = YES_OR_NO | {"residence", "country", "region", "language", "elements"}
DEFAULTS: Final = frozenset({"residence", "language", "country", "elements"})
TABLES: Final = frozenset({"columns", "elements", "defaults", "values"})

SETTINGS: Final[dict[str, type]] = {
    "encoding": str,
    "delimiter": str,
    "line_end": str,
    "multiline": bool,
    "sheet": str,
    "query": str,
    "table": str,
    "date_format": str,
    "address_separator": str,
    "elements_separator": str,
    "minor_below": int,
    "longest_field": int,
}


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping file, checked. `file` names it in errors; `digest()` is its content, not its layout."""

    file: str
    columns: AnyMapping[str, str]  # target -> the source's column
    element_columns: AnyMapping[str, str] = field(default_factory=dict)  # element -> a yes/no column
    words: AnyMapping[str, AnyMapping[str, str]] = field(default_factory=dict)  # target -> source's word -> ours
    residence: str = ""  # for rows that name none
    language: str = ""  # for rows that name none, or one that is not understood
    country: str = ""  # for addresses and telephone numbers that name none
    elements: frozenset[str] = frozenset()  # exposed for everyone in the list, besides a row's own
    encoding: str = ""  # "": UTF-8, or what a byte order mark says
    delimiter: str = ","
    line_end: str = "lf"  # "lf": LF or CRLF; "cr": CR alone
    multiline: bool = False  # whether a quoted field may run over several physical lines
    sheet: str = ""  # "": the only one
    query: str = ""
    table: str = ""
    date_format: str = ""  # strptime, for dates that are not ISO 8601
    address_separator: str = "|"
    elements_separator: str = ";"
    minor_below: int = 18  # years at the day of the list; under it the guardian is written to
    longest_field: int = 4_000  # characters

    def digest(self) -> str:
        """SHA-256 of what the file says, wherever it lies and however it is laid out."""
        said = {name: getattr(self, name) for name in self.__slots__ if name != "file"}
        return digest({name: dict(v) if isinstance(v, AnyMapping) else v for name, v in said.items()})


def load_mapping(path: str | Path) -> Mapping:
    """Reads a mapping file. BadInput when it is missing, is no UTF-8 TOML, or says something unknown."""
    file = str(path)
    try:
        data = tomllib.loads(Path(path).read_text("utf-8-sig"))
    except OSError as error:
        raise BadInput(file, f"cannot be read ({error.strerror}).", "Check the path.") from error
    except UnicodeDecodeError as error:
        raise BadInput(file, f"is not UTF-8 (byte {error.start}).", "Save the mapping as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise BadInput(file, f"is not TOML: {error}.", "Mend that line.") from error
    except (ValueError, RecursionError):
        raise BadInput(file, "is nested too deeply, or holds a number too long to read.", "Mend it.") from None
    return parse_mapping(data, file)


def parse_mapping(data: AnyMapping[str, Any], file: str) -> Mapping:
    """Reads a mapping that is already parsed; `file` only names it in errors."""
    _known(data, frozenset(SETTINGS) | TABLES, file, "top level")
    tables = {name: _table(data, name, file) for name in TABLES}
    mapping = Mapping(
        file=file,
        columns=_columns(tables["columns"], file),
        element_columns=_element_columns(tables["elements"], file),
        words=_words(tables["values"], file),
        **_defaults(tables["defaults"], file),
        **_settings(data, file),
    )
    _enough(mapping)
    return mapping


def element_word(text: str, where: str) -> str:
    """The vocabulary's word for an exposed element; BadInput with the nearest one."""
    known = vocabulary.words("elements")
    found = known.find(text)
    if found is None:
        near = known.nearest(text)
        raise BadInput(
            where,
            f'element "{text}" is unknown.',
            f'Did you mean "{near}"?' if near else "`tocsin law vocabulary` lists the elements.",
        )
    return found


# --- the parts ------------------------------------------------------------------------------------------------------


def _known(keys: AnyMapping[str, Any], known: frozenset[str], file: str, where: str) -> None:
    for key in keys:
        if key not in known:
            near = vocabulary.nearest(key, known)
            hint = f'Did you mean "{near}"?' if near else "Known: " + ", ".join(sorted(known)) + "."
            raise BadInput(f"{file}: {where}", f'key "{key}" is unknown.', hint)


def _table(data: AnyMapping[str, Any], name: str, file: str) -> AnyMapping[str, Any]:
    table = data.get(name, {})
    if not isinstance(table, AnyMapping):
        raise BadInput(f"{file}: {name}", "must be a table.", f"Begin it with [{name}].")
    return table


def _text(raw: Any, where: str) -> str:
    if not isinstance(raw, str) or not raw.strip():
        raise BadInput(where, "must be a text that is not empty.", "Write it in quotation marks.")
    return raw


def _columns(table: AnyMapping[str, Any], file: str) -> dict[str, str]:
    _known(table, TARGETS, file, "[columns]")
    return {target: _text(column, f"{file}: columns.{target}").strip() for target, column in table.items()}


def _element_columns(table: AnyMapping[str, Any], file: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for word, column in table.items():
        where = f"{file}: elements.{word}"
        found[element_word(word, where)] = _text(column, where).strip()
    return found


def _defaults(table: AnyMapping[str, Any], file: str) -> dict[str, Any]:
    _known(table, DEFAULTS, file, "[defaults]")
    readers = {"residence": _place, "country": _country, "language": _language, "elements": _elements}
    return {key: readers[key](raw, f"{file}: defaults.{key}") for key, raw in table.items()}


def _place(raw: Any, where: str) -> str:
    found = residence_of(_text(raw, where))
    if not found:
        near = vocabulary.nearest_place(raw)
        hint = f"Did you mean {near} ({vocabulary.place_name(near)})?" if near else "Use ISO 3166 (DE, US-CA)."
        raise BadInput(where, f'place "{raw}" is unknown.', hint)
    return found


def _country(raw: Any, where: str) -> str:
    return _place(raw, where)[:2]


def _language(raw: Any, where: str) -> str:
    found = match_language(_text(raw, where))
    if not found:
        raise BadInput(where, f'language "{raw}" is unknown.', "Use a BCP 47 tag such as en, de or zh-Hans.")
    return found


def _elements(raw: Any, where: str) -> frozenset[str]:
    if not isinstance(raw, list):
        raise BadInput(where, "must be a list.", 'Write ["name", "email"].')
    return frozenset(element_word(_text(word, where), where) for word in raw)


def _words(table: AnyMapping[str, Any], file: str) -> dict[str, dict[str, str]]:
    _known(table, TRANSLATED, file, "[values]")
    return {target: _translation(target, raw, f"{file}: values.{target}") for target, raw in table.items()}


def _translation(target: str, raw: Any, where: str) -> dict[str, str]:
    """`deceased = "Y"` and `deceased = ["Y", "dead"]` name what means yes; a table says what each word means."""
    if target in YES_OR_NO and isinstance(raw, str | list):
        raw = dict.fromkeys([raw] if isinstance(raw, str) else map(str, raw), True)
    if not isinstance(raw, AnyMapping):
        raise BadInput(
            where, "must be a table of the source's words.", f'Write [values.{target}] and "theirs" = "ours".'
        )
    return {plain_word(word): _meaning(target, ours, f"{where}.{word}") for word, ours in raw.items()}


def _meaning(target: str, ours: Any, where: str) -> str:
    if target in YES_OR_NO:
        word = plain_word(str(ours))
        if word not in FLAG_WORDS:
            raise BadInput(where, "must be true or false.", "Write true or false.")
        return "true" if FLAG_WORDS[word] else "false"
    text = _text(ours, where)
    if target == "elements":
        return element_word(text, where)
    return {"residence": _place, "country": _country, "language": _language}.get(target, _text)(text, where)


def _settings(data: AnyMapping[str, Any], file: str) -> dict[str, Any]:
    return {key: _setting(key, data[key], f"{file}: {key}") for key in SETTINGS if key in data}


def _setting(key: str, value: Any, where: str) -> Any:
    if type(value) is not SETTINGS[key]:
        raise BadInput(where, f"must be {_KIND[SETTINGS[key]]}.")
    check = CHECKS.get(key)
    return check(value, where) if check else value


_KIND: Final = {str: "a text", bool: "true or false", int: "a whole number"}


def _one_character(value: str, where: str) -> str:
    if len(value) != 1 or value in '"\r\n\0':
        raise BadInput(where, "must be one character, no quotation mark or line end.", 'Write "," or ";" or "\\t".')
    return value


def _encoding(value: str, where: str) -> str:
    try:
        name = codecs.lookup(value).name
        "".encode(name)
    except (LookupError, ValueError, UnicodeError) as error:
        raise BadInput(where, f'encoding "{value}" is unknown.', "Write utf-8, utf-16, cp1252, gb18030 …") from error
    return name


def _line_end(value: str, where: str) -> str:
    if value not in ("lf", "cr"):
        raise BadInput(where, f'"{value}" is unknown.', 'Write "lf" (LF or CRLF) or "cr".')
    return value


def _at_least_one(value: int, where: str) -> int:
    if not 1 <= value <= 60_000:
        raise BadInput(where, f"{value} is out of range.", "Write a number from 1 to 60000.")
    return value


CHECKS: Final[dict[str, Callable[[Any, str], Any]]] = {
    "delimiter": _one_character,
    "address_separator": _one_character,
    "elements_separator": _one_character,
    "encoding": _encoding,
    "line_end": _line_end,
    "minor_below": _at_least_one,
    "longest_field": _at_least_one,
}


def _enough(mapping: Mapping) -> None:
    """Without these nobody could be told apart, told what was exposed, or told in their language and by their law."""
    columns = mapping.columns
    if not columns:
        raise BadInput(
            f"{mapping.file}: [columns]", "is empty.", 'Name at least source_id or name: name = "Full name".'
        )
    if not columns.keys() & {"source_id", "name", "given_name", "family_name"}:
        raise BadInput(
            f"{mapping.file}: [columns]", "names no person.", "Map source_id, name, or given_name and family_name."
        )
    if not (columns.keys() & {"residence", "country", "region"} or mapping.residence or mapping.country):
        raise BadInput(
            f"{mapping.file}: [columns]", "gives no residence.", "Map residence or country, or set defaults.residence."
        )
    if not mapping.language:
        raise BadInput(
            f"{mapping.file}: [defaults]",
            "gives no language.",
            'Set defaults.language: it serves whoever names none, such as language = "en".',
        )
    if "elements" not in columns and not mapping.element_columns and not mapping.elements:
        raise BadInput(
            f"{mapping.file}: [elements]",
            "nothing says what was exposed.",
            "Map columns.elements, yes/no columns under [elements], or set defaults.elements.",
        )
    if mapping.query and mapping.table:
        raise BadInput(f"{mapping.file}: query", "stands beside table.", "Keep one of them.")
