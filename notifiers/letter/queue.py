"""The letter queue: a batch is printed into a folder, sealed, and never printed again.

A batch holds letters.pdf, manifest.csv and manifest.xlsx (for people), manifest.jsonl (one letter a line) and
manifest.json (the whole batch, exact values). Pages count from 1. Before it is sealed the PDF is read back and held
against the manifest: a batch in which one letter bears another's reference or address is not sealed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from models.values import (
    BadInput,
    Channel,
    Handoff,
    Message,
    Outcome,
    Refused,
    Slot,
    TocsinError,
    Wording,
    canonical,
    sha256,
)
from notifiers.batches import Sealed, address_lines, addressee, again, check_wordings, content_hash
from notifiers.contract import CHANNELS
from notifiers.folders import csv_bytes, xlsx_bytes

_ADDRESS_COLUMNS = 7
_HEADER = ["delivery", "reference", "page_from", "page_to", "wording", "barcode", "addressee"]
_HEADER += [f"address_{n}" for n in range(1, _ADDRESS_COLUMNS + 1)]


class Pressed(Protocol):
    """One PDF with all letters in order: pages of each, where each begins, the lines of its window, its barcode."""

    @property
    def pdf(self) -> bytes: ...

    @property
    def pages(self) -> tuple[int, ...]: ...

    @property
    def starts(self) -> tuple[int, ...]: ...

    @property
    def printed(self) -> tuple[tuple[str, ...], ...]: ...

    @property
    def barcodes(self) -> tuple[str, ...]: ...

    @property
    def warnings(self) -> tuple[str, ...]: ...


class Press(Protocol):
    """Turns wordings and people's slots into one PDF; templates.letters.press_letters with its sender bound."""

    def __call__(self, wordings: Mapping[str, Wording], messages: Sequence[Message]) -> Pressed: ...


class ReadBack(Protocol):
    """Where a PDF and the entries of its manifest differ, in words without people's data; empty when they agree."""

    def __call__(self, pdf: bytes, entries: Sequence[Mapping[str, Any]]) -> Sequence[str]: ...


def unread(pdf: bytes, entries: Sequence[Mapping[str, Any]]) -> Sequence[str]:
    """Reads nothing back: for a press that makes no PDF."""
    return ()


class _Crossed(Refused):
    """The PDF, read back, is not what its manifest says."""


@dataclass(slots=True)
class LetterQueue:
    """Seals letters under `folder` (TOCSIN_HOME/letters). `reprint`: delivery id → the approval that names it."""

    folder: Path
    press: Press
    reprint: Mapping[str, str] = field(default_factory=dict)
    batch_size: int = CHANNELS[Channel.LETTER].batch_size
    read_back: ReadBack = unread
    channel: Channel = field(default=Channel.LETTER, init=False)
    _sealed: Sealed = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._sealed = Sealed(self.folder, self.reprint)

    async def send_batch(
        self, messages: Sequence[Message], wordings: Mapping[str, Wording], batch_name: str
    ) -> list[Handoff]:
        """Print and seal, 250 letters to a folder. One Handoff per message, in order.

        ACCEPTED with reference `<batch>:<page from>-<page to>`; REFUSED no_address; BLOCKED unprintable for a letter
        that the press refuses, crossed for a whole batch whose PDF is not what its manifest says, refused where a rule
        of the press forbids it; DEFERRED when the disk fails. BadInput when a wording is missing.
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
        """What a sealed folder holds: batch, name, letters, pages, pdf_sha256, entries."""
        return self._sealed.manifest(batch)

    def _send(self, messages: list[Message], wordings: Mapping[str, Wording], name: str) -> list[Handoff]:
        done: dict[str, Handoff] = {}
        try:
            self._sealed.refresh()
            for m in messages:
                if where := self._sealed.known(m.delivery):
                    done[m.delivery] = again(m, where)
                elif not address_lines(m):
                    done[m.delivery] = Handoff(m.delivery, Outcome.REFUSED, "no_address")
            left = [m for m in messages if m.delivery not in done]
            for at in range(0, len(left), self.batch_size):
                done |= self._print(left[at : at + self.batch_size], wordings, name)
        except OSError as e:
            failed = Handoff("", Outcome.DEFERRED, "disk", type(e).__name__, host_wide=True)
            done |= {m.delivery: _for(failed, m) for m in messages if m.delivery not in done}
        return [done[m.delivery] for m in messages]

    def _print(self, messages: list[Message], wordings: Mapping[str, Wording], name: str) -> dict[str, Handoff]:
        """One batch. A letter that the press refuses is taken out, so that it doesn't stop the others."""
        try:
            return self._seal(messages, self.press(wordings, messages), name)
        except Refused as e:  # a rule, not a letter: a person looks, and nobody's turn is spent
            code = "crossed" if isinstance(e, _Crossed) else "refused"
            stopped = Handoff("", Outcome.BLOCKED, code, str(e)[:200], host_wide=True)
            return {m.delivery: _for(stopped, m) for m in messages}
        except TocsinError as e:
            bad = {messages[0].delivery: str(e)} if len(messages) == 1 else _unprintable(messages, wordings, self.press)
        if not bad:
            raise BadInput("letters", "the press refuses the batch but none of its letters.", "See its message.")
        good = [m for m in messages if m.delivery not in bad]
        return _refusals(messages, bad) | (self._print(good, wordings, name) if good else {})

    def _seal(self, messages: list[Message], pressed: Pressed, name: str) -> dict[str, Handoff]:
        """_Crossed when the PDF, read back, is not what the manifest says."""
        batch = content_hash(messages, self.reprint)
        if len(pressed.pages) != len(messages) or min(pressed.pages) < 1:
            raise BadInput("letters", "the press counted other letters than it was given.", "Report this fault.")
        entries = _entries(batch, messages, pressed)
        if differing := self.read_back(pressed.pdf, entries):
            raise _Crossed(f"a batch was not sealed: {'; '.join(differing[:3])}")
        manifest = {
            "batch": batch,
            "name": name,
            "letters": len(messages),
            "pages": entries[-1]["page_to"],
            "pdf_sha256": sha256(pressed.pdf),
            "warnings": list(pressed.warnings),
            "entries": entries,
        }
        self._sealed.keep(batch, {"letters.pdf": pressed.pdf, **manifests(entries)}, manifest)
        return {
            e["delivery"]: Handoff(e["delivery"], Outcome.ACCEPTED, "sealed", reference=e["carrier_reference"])
            for e in entries
        }


def manifests(entries: Sequence[Mapping[str, Any]]) -> dict[str, bytes]:
    """The manifest for people and for programs that read a letter a line. No cell of it is a formula."""
    rows = [_row(e) for e in entries]
    lines = "".join(canonical(e) + "\n" for e in entries)
    return {
        "manifest.csv": csv_bytes(_HEADER, rows),
        "manifest.xlsx": xlsx_bytes(_HEADER, rows, "letters"),
        "manifest.jsonl": lines.encode(),
    }


def _entries(batch: str, messages: Sequence[Message], pressed: Pressed) -> list[dict[str, Any]]:
    return [
        {
            "delivery": m.delivery,
            "reference": m.slots.get(Slot.REFERENCE, ""),
            "page_from": start,
            "page_to": start + count - 1,
            "wording": m.wording,
            "addressee": addressee(m),
            "address": address_lines(m),
            "printed": list(lines),
            "barcode": barcode,
            "carrier_reference": f"{batch}:{start}-{start + count - 1}",
        }
        for m, count, start, lines, barcode in zip(
            messages, pressed.pages, pressed.starts, pressed.printed, pressed.barcodes, strict=True
        )
    ]


def _row(e: Mapping[str, Any]) -> list[str]:
    """One line for people, with the address as it is printed; more lines than columns share the last one."""
    lines = [one for one in e["printed"] if one != e["addressee"]] or list(e["address"])
    head, rest = lines[: _ADDRESS_COLUMNS - 1], lines[_ADDRESS_COLUMNS - 1 :]
    cells = [*head, *([", ".join(rest)] if rest else [])]
    padded = cells + [""] * (_ADDRESS_COLUMNS - len(cells))
    pages = [str(e["page_from"]), str(e["page_to"])]
    return [e["delivery"], e["reference"], *pages, e["wording"], e["barcode"], e["addressee"], *padded]


def _unprintable(messages: list[Message], wordings: Mapping[str, Wording], press: Press) -> dict[str, str]:
    """Which letters the press refuses and why, by halves: a few presses instead of one per letter."""
    try:
        press(wordings, messages)
    except TocsinError as e:
        if len(messages) == 1:
            return {messages[0].delivery: str(e)}
        half = len(messages) // 2
        return _unprintable(messages[:half], wordings, press) | _unprintable(messages[half:], wordings, press)
    return {}


def _refusals(messages: list[Message], bad: Mapping[str, str]) -> dict[str, Handoff]:
    """One of many with the same words: the person's data can't be printed, and a person mends that. All of them: the
    words. Nobody's rung is spent: a good address that we can't print is no bad address. Nothing of why is kept, since
    it would spell out characters of a name.
    """
    printed = {m.wording for m in messages if m.delivery not in bad}
    return {
        m.delivery: Handoff(m.delivery, Outcome.BLOCKED, "unprintable", host_wide=m.wording not in printed)
        for m in messages
        if m.delivery in bad
    }


def _for(pattern: Handoff, m: Message) -> Handoff:
    return Handoff(m.delivery, pattern.outcome, pattern.code, pattern.detail, host_wide=pattern.host_wide)
