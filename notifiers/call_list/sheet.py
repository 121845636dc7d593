"""The call list: calls.csv and calls.xlsx with a script per call, sealed like a batch of letters."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models.values import Channel, Handoff, Message, Outcome, Slot, Wording
from notifiers.batches import Sealed, addressee, again, check_wordings, content_hash
from notifiers.call_list.outcomes import CallOutcome
from notifiers.contract import CHANNELS
from notifiers.folders import csv_bytes

COLUMNS = ("delivery", "reference", "name", "phone", "language", "script", "outcome", "called_at", "note")
_WIDTHS = (36, 14, 28, 18, 10, 90, 16, 20, 40)


@dataclass(slots=True)
class CallList:
    """Writes lists under `folder` (TOCSIN_HOME/calls)."""

    folder: Path
    reprint: Mapping[str, str] = field(default_factory=dict)
    batch_size: int = CHANNELS[Channel.CALL_LIST].batch_size
    channel: Channel = field(default=Channel.CALL_LIST, init=False)
    _sealed: Sealed = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._sealed = Sealed(self.folder, self.reprint)

    async def send_batch(
        self, messages: Sequence[Message], wordings: Mapping[str, Wording], batch_name: str
    ) -> list[Handoff]:
        """Write and seal. ACCEPTED with reference `<batch>:<row>` (the list is out; nobody was reached yet); REFUSED
        no_phone.
        """
        check_wordings(messages, wordings)
        return await asyncio.to_thread(self._send, list(messages), wordings, batch_name)

    async def close(self) -> None:
        """Nothing stays open."""

    def where(self, delivery: str) -> str:
        """The reference under which a delivery was sealed; empty when it is in no sealed folder."""
        self._sealed.refresh()
        return self._sealed.known(delivery)

    def manifest(self, batch: str) -> dict[str, Any]:
        """What a sealed folder holds: batch, name, calls, entries."""
        return self._sealed.manifest(batch)

    def _send(self, messages: list[Message], wordings: Mapping[str, Wording], name: str) -> list[Handoff]:
        done: dict[str, Handoff] = {}
        try:
            self._sealed.refresh()
            for m in messages:
                if where := self._sealed.known(m.delivery):
                    done[m.delivery] = again(m, where)
                elif not m.to.phone:
                    done[m.delivery] = Handoff(m.delivery, Outcome.REFUSED, "no_phone")
            left = [m for m in messages if m.delivery not in done]
            for at in range(0, len(left), self.batch_size):
                done |= self._seal(left[at : at + self.batch_size], wordings, name)
        except OSError as e:
            failed = [m for m in messages if m.delivery not in done]
            detail = type(e).__name__
            done |= {m.delivery: Handoff(m.delivery, Outcome.DEFERRED, "disk", detail, host_wide=True) for m in failed}
        return [done[m.delivery] for m in messages]

    def _seal(self, messages: list[Message], wordings: Mapping[str, Wording], name: str) -> dict[str, Handoff]:
        batch = content_hash(messages, self.reprint)
        entries = [
            {"delivery": m.delivery, "row": n, "carrier_reference": f"{batch}:{n}"} for n, m in enumerate(messages, 2)
        ]
        manifest = {"batch": batch, "name": name, "calls": len(messages), "entries": entries}
        rows = [_row(m) for m in messages]
        asked = _questions(messages, wordings)
        book = _workbook(rows, _segments(messages, wordings), asked)
        files = {"calls.csv": csv_bytes(COLUMNS, rows), "calls.xlsx": book}
        files |= {f"questions.{n}.{language}.txt": f"{text}\n".encode() for n, (language, text) in enumerate(asked, 1)}
        self._sealed.keep(batch, files, manifest)
        return {
            str(e["delivery"]): Handoff(
                str(e["delivery"]), Outcome.ACCEPTED, "listed", reference=str(e["carrier_reference"])
            )
            for e in entries
        }


def _row(m: Message) -> list[str]:
    reference = m.slots.get(Slot.REFERENCE, "")
    return [m.delivery, reference, addressee(m), m.to.phone, m.language, m.text, "", "", ""]


def _segments(messages: Sequence[Message], wordings: Mapping[str, Wording]) -> list[list[str]]:
    """One line per script: segment, language, how many calls."""
    counts: dict[str, int] = {}
    for m in messages:
        counts[m.wording] = counts.get(m.wording, 0) + 1
    return [[wordings[w].segment, wordings[w].language, str(n)] for w, n in counts.items()]


def _questions(messages: Sequence[Message], wordings: Mapping[str, Wording]) -> list[tuple[str, str]]:
    """Language and text of each set of questions and answers that the calls of this list need."""
    used = dict.fromkeys((wordings[m.wording].language, wordings[m.wording].short) for m in messages)
    return [(language, text) for language, text in used if text]


def _workbook(
    rows: Sequence[Sequence[str]], segments: Sequence[Sequence[str]], questions: Sequence[tuple[str, str]]
) -> bytes:
    """Every cell is a string cell: no phone number becomes a sum, no name a formula."""
    import xlsxwriter  # a list is made rarely, and the package is not small

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    bold, wrap = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
    calls = book.add_worksheet("calls")
    calls.freeze_panes(1, 0)
    for column, (name, width) in enumerate(zip(COLUMNS, _WIDTHS, strict=True)):
        calls.set_column(column, column, width)
        calls.write_string(0, column, name, bold)
    _fill(calls, rows, wrap)
    words = [o.value for o in CallOutcome]
    outcome = COLUMNS.index("outcome")
    calls.data_validation(1, outcome, max(len(rows), 1), outcome, {"validate": "list", "source": words})
    scripts = book.add_worksheet("scripts")
    for column, name in enumerate(("segment", "language", "calls")):
        scripts.write_string(0, column, name, bold)
    _fill(scripts, segments, wrap)
    asked = book.add_worksheet("questions")
    for column, (name, width) in enumerate((("language", 10), ("question", 50), ("answer", 90))):
        asked.set_column(column, column, width)
        asked.write_string(0, column, name, bold)
    pairs = [(language, *part.partition("\n")[::2]) for language, text in questions for part in text.split("\n\n")]
    _fill(asked, pairs, wrap)
    book.close()
    return out.getvalue()


def _fill(sheet: Any, rows: Sequence[Sequence[str]], style: Any) -> None:
    for line, row in enumerate(rows, 1):
        for column, cell in enumerate(row):
            sheet.write_string(line, column, cell, style)
