"""The letter queue: a batch is printed into a folder, sealed, and never printed again.

A batch holds letters.pdf, manifest.csv (for people) and manifest.json (for machines, exact values). Pages count from 1.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any, Protocol

from models.values import BadInput, Channel, Handoff, Message, Outcome, Slot, TocsinError, Wording, sha256
from notifiers.batches import Sealed, address_lines, addressee, again, check_wordings, content_hash
from notifiers.contract import CHANNELS
from notifiers.folders import csv_bytes

_ADDRESS_COLUMNS = 7
_HEADER = ["delivery", "reference", "page_from", "page_to", "wording", "addressee"]
_HEADER += [f"address_{n}" for n in range(1, _ADDRESS_COLUMNS + 1)]


class Pressed(Protocol):
    """One PDF with all letters in order, and how many pages each has."""

    @property
    def pdf(self) -> bytes: ...

    @property
    def pages(self) -> tuple[int, ...]: ...


class Press(Protocol):
    """Turns wordings and people's slots into one PDF; templates.press.press_letters with its sender bound."""

    def __call__(self, wordings: Mapping[str, Wording], messages: Sequence[Message]) -> Pressed: ...


@dataclass(slots=True)
class LetterQueue:
    """Seals letters under `folder` (TOCSIN_HOME/letters). `reprint`: delivery id → the approval that names it."""

    folder: Path
    press: Press
    reprint: Mapping[str, str] = field(default_factory=dict)
    batch_size: int = CHANNELS[Channel.LETTER].batch_size
    channel: Channel = field(default=Channel.LETTER, init=False)
    _sealed: Sealed = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._sealed = Sealed(self.folder, self.reprint)

    async def send_batch(
        self, messages: Sequence[Message], wordings: Mapping[str, Wording], batch_name: str
    ) -> list[Handoff]:
        """Print and seal, 250 letters to a folder. One Handoff per message, in order.

        ACCEPTED with reference `<batch>:<page from>-<page to>`; REFUSED no_address, or unprintable for a letter that
        the press refuses (BLOCKED when it refuses all with the same words); DEFERRED when the disk fails. BadInput
        when a wording is missing.
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
            return self._seal(messages, wordings, name)
        except TocsinError as e:
            bad = {messages[0].delivery: str(e)} if len(messages) == 1 else _unprintable(messages, wordings, self.press)
        if not bad:
            raise BadInput("letters", "the press refuses the batch but none of its letters.", "See its message.")
        good = [m for m in messages if m.delivery not in bad]
        return _refusals(messages, bad) | (self._print(good, wordings, name) if good else {})

    def _seal(self, messages: list[Message], wordings: Mapping[str, Wording], name: str) -> dict[str, Handoff]:
        batch = content_hash(messages, self.reprint)
        pressed = self.press(wordings, messages)
        if len(pressed.pages) != len(messages) or min(pressed.pages) < 1:
            raise BadInput("letters", "the press counted other letters than it was given.", "Report this fault.")
        entries = _entries(batch, messages, pressed.pages)
        manifest = {
            "batch": batch,
            "name": name,
            "letters": len(messages),
            "pages": sum(pressed.pages),
            "pdf_sha256": sha256(pressed.pdf),
            "entries": entries,
        }
        files = {"letters.pdf": pressed.pdf, "manifest.csv": csv_bytes(_HEADER, map(_row, entries))}
        self._sealed.keep(batch, files, manifest)
        code = "sealed"
        return {
            e["delivery"]: Handoff(e["delivery"], Outcome.ACCEPTED, code, reference=e["carrier_reference"])
            for e in entries
        }


def _entries(batch: str, messages: Sequence[Message], pages: Sequence[int]) -> list[dict[str, Any]]:
    last = list(accumulate(pages))
    return [
        {
            "delivery": m.delivery,
            "reference": m.slots.get(Slot.REFERENCE, ""),
            "page_from": end - count + 1,
            "page_to": end,
            "wording": m.wording,
            "addressee": addressee(m),
            "address": address_lines(m),
            "carrier_reference": f"{batch}:{end - count + 1}-{end}",
        }
        for m, count, end in zip(messages, pages, last, strict=True)
    ]


def _row(e: Mapping[str, Any]) -> list[str]:
    """One line of the CSV; more address lines than columns share the last one."""
    lines = list(e["address"])
    head, rest = lines[: _ADDRESS_COLUMNS - 1], lines[_ADDRESS_COLUMNS - 1 :]
    cells = [*head, *([", ".join(rest)] if rest else [])]
    padded = cells + [""] * (_ADDRESS_COLUMNS - len(cells))
    return [
        e["delivery"],
        e["reference"],
        str(e["page_from"]),
        str(e["page_to"]),
        e["wording"],
        e["addressee"],
        *padded,
    ]


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
