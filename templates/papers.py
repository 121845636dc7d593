"""What a report says, as Typst markup that frame/document.typ lays out. Everything is a string literal, so
nothing in it is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Table:
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    heading: str
    paragraphs: tuple[str, ...] = ()
    table: Table | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """A document of plain strings; nothing in it is markup."""

    facts: tuple[tuple[str, str], ...] = ()  # label and value, printed first
    sections: tuple[Section, ...] = ()


def typst_string(text: str) -> str:
    """A Typst string literal; what stands in it is printed, never read."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "").replace("\n", "\\n") + '"'


def report_markup(report: Report) -> str:
    parts = [_pairs_markup(report.facts)]
    for section in report.sections:
        parts.append(_heading(section.heading))
        parts += [f"#par(plain({typst_string(p)}))" for p in section.paragraphs]
        if section.table is not None:
            parts.append(_table_markup(section.table))
    return "\n".join(parts)


def _pairs_markup(pairs: Sequence[tuple[str, str]]) -> str:
    return "#pairs(" + "".join(f"({typst_string(k)}, {typst_string(v)}), " for k, v in pairs) + ")"


def _heading(text: str) -> str:
    return f"#heading(level: 2, {typst_string(text)})"


def _table_markup(table: Table) -> str:
    widths = table.widths or tuple(1.0 for _ in table.head)
    cells = "".join(_array(row) + ", " for row in table.rows)
    return f"#rows({_array(table.head)}, ({''.join(f'{w}, ' for w in widths)}), {cells})"


def _array(texts: Sequence[str]) -> str:
    return "(" + "".join(typst_string(t) + ", " for t in texts) + ")"


def filing_markup(packet: Mapping[str, Any], words: Mapping[str, str]) -> str:
    """The packet of planning.filing.as_packet: the authority's questions in its order, and what is open said so."""
    whole = not any(a["state"] == "unknown" and a["by_when"] for a in packet["answers"])
    status = words["complete" if whole else "incomplete"]
    head = (
        (words["authority"], packet["authority"]),
        (words["obligation"], f"{packet['obligation']} ({packet['citation']})"),
        (words["stage"], f"{words.get(packet['stage'], packet['stage'])}, {status}"),
        (words["due"], _minute(packet["due"])),
        (words["made"], _minute(packet["at"])),
        (words["late"], packet["late_reasons"]),
        (words["missing"], "; ".join(a["label"] for a in packet["answers"] if a["id"] in packet["missing"])),
    )
    parts = [_pairs_markup(tuple((label, value) for label, value in head if value))]
    answers = [dict(a, number=_number(a["id"], n)) for n, a in enumerate(packet["answers"], 1)]
    for section in dict.fromkeys(a["section"] for a in answers):
        parts += [_heading(section)] if section else []
        parts.append(_answers_markup([a for a in answers if a["section"] == section], words))
    if packet["changes"]:
        rows = tuple((c["label"], c["before"] or "–", c["after"] or "–") for c in packet["changes"])
        head_row = (words["question"], words["before"], words["after"])
        parts += [_heading(words["changes"]), _table_markup(Table(head_row, rows, (3, 3, 3)))]
    return "\n".join(parts)


def _number(id: str, n: int) -> str:
    """The authority's own number where the id ends in one, else the place in the form."""
    found = re.search(r"[0-9]+$", id)
    return found[0] if found else str(n)


def _answers_markup(answers: Sequence[Mapping[str, Any]], words: Mapping[str, str]) -> str:
    rows = "".join(
        f"({typst_string(a['number'])}, {typst_string(a['label'])}, {_answer_markup(a, words)}), " for a in answers
    )
    return f"#rows({_array(('', words['question'], words['answer']))}, (0.5, 2.6, 3.6), {rows})"


def _answer_markup(answer: Mapping[str, Any], words: Mapping[str, str]) -> str:
    if answer["state"] == "unknown":
        by = (
            f" ({words['by']} {words.get(answer['by_when']) or _minute(answer['by_when'])})"
            if answer["by_when"]
            else ""
        )
        return f"open({typst_string(answer['text'] + by)})"
    note = f" ({words['estimated']})" if answer["state"] == "estimated" else ""
    return typst_string(answer["text"] + note)


def _minute(text: str | None) -> str:
    """An ISO time to the minute, with its offset; other words as they are."""
    try:
        return datetime.fromisoformat(text or "").strftime("%Y-%m-%d %H:%M %z")
    except ValueError:
        return text or ""
