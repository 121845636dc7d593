"""The print house: a sealed batch is handed over once, and what became of it comes back.

Two ways, one contract. A folder: what the print house's SFTP server shows here as a mount. An HTTP interface shaped
like the known ones: a batch is created under an idempotency key, which is the hash of its content, its PDF is put to
it, and its state is asked for. Both may be tried again at any time: the same batch is never taken twice.

A print house is told the reference and the pages of each letter; names and addresses are in the PDF alone.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from models.values import BadInput, Mode, TocsinError
from notifiers.folders import PART, sync, write_file
from notifiers.guard import check_url

__all__ = [
    "Acknowledgement",
    "FolderPrinter",
    "HttpPrinter",
    "PrintState",
    "Printer",
    "PrinterTrouble",
    "read_acknowledgements",
]

_HANDED = ("letters.pdf", "manifest.csv", "manifest.jsonl")
_ANSWER = 60.0  # seconds


class PrintState(StrEnum):
    """How far a print house is with a letter."""

    ACCEPTED = "accepted"  # it has the letter; nothing is printed
    PRINTED = "printed"
    POSTED = "posted"  # the post has it; says nothing about its arrival
    RETURNED = "returned"  # the post brought it back
    FAILED = "failed"  # it will not be printed as it is: a person looks


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What a print house says of one letter, by the reference printed on it."""

    reference: str
    state: PrintState
    at: datetime
    printer_id: str = ""


class PrinterTrouble(TocsinError):
    """The print house did not answer, or refused. Nothing is lost: the batch is handed over at the next run."""


class Printer(Protocol):
    def hand_over(self, batch: Path, manifest: Mapping[str, Any]) -> str:
        """Gives it a sealed folder; its own id of it. The same batch again gives the same id and prints nothing."""

    def acknowledgements(self, printer_id: str) -> list[Acknowledgement]:
        """What it says of the letters of a batch; empty where it can't be asked."""


# --- a folder -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FolderPrinter:
    """Puts each batch into a folder of its own, whole or not at all. What comes back is read from acknowledgements/."""

    folder: Path

    def hand_over(self, batch: Path, manifest: Mapping[str, Any]) -> str:
        name = str(manifest["batch"])
        final, part = self.folder / name, self.folder / f"{PART}{uuid.uuid4().hex}"
        if final.exists():
            return name
        try:
            part.mkdir(mode=0o750)
            for file in _HANDED:
                write_file(part / file, (batch / file).read_bytes(), 0o640)
            part.rename(final)
            sync(self.folder)
        except OSError as error:
            if not final.exists():
                raise PrinterTrouble(f"[printer] folder: a batch can't be put there ({type(error).__name__})") from None
        finally:
            shutil.rmtree(part, ignore_errors=True)
        return name

    def acknowledgements(self, printer_id: str) -> list[Acknowledgement]:
        path = self.folder / "acknowledgements" / f"{printer_id}.csv"
        return read_acknowledgements(path) if path.exists() else []


def read_acknowledgements(path: Path) -> list[Acknowledgement]:
    """A table with the columns reference, state, at and, if there is one, id. Errors name the line.

    `at` is ISO 8601 with an offset: a naive time has no instant.
    """
    try:
        text = path.read_text("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True, delimiter=_delimiter(text)))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(str(path), f"can't be read ({type(error).__name__}).", "Give it as CSV in UTF-8.") from None
    if rows and not {"reference", "state", "at"} <= set(rows[0]):
        raise BadInput(
            str(path), "lacks a column.", "It must have reference, state and at, between commas, semicolons or tabs."
        )
    return [_acknowledged(row, f"{path} line {n}") for n, row in enumerate(rows, 2)]


def _delimiter(text: str) -> str:
    """What separates the cells of the heading: a comma, or what a spreadsheet of another country writes."""
    heading = text.partition("\n")[0]
    return next((mark for mark in ",;\t" if mark in heading), ",")


def _acknowledged(row: Mapping[str, Any], where: str) -> Acknowledgement:
    word, at = str(row.get("state") or "").strip().lower(), str(row.get("at") or "").strip()
    if word not in set(PrintState):
        raise BadInput(where, f"state {word!r} is not known.", f"Known: {', '.join(PrintState)}.")
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        raise BadInput(where, f"{at!r} is no time.", "Write it as 2026-11-24T09:00:00+01:00.") from None
    if moment.tzinfo is None:
        raise BadInput(where, f"{at} has no offset.", f"Write {at}+01:00 or …Z, whichever is true.")
    reference = str(row.get("reference") or "").strip().upper()
    return Acknowledgement(reference, PrintState(word), moment, str(row.get("id") or ""))


# --- an HTTP interface ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HttpPrinter:
    """POST /batches under an Idempotency-Key, PUT /batches/ID/document, GET /batches/ID; a bearer token."""

    url: str
    token: str = field(repr=False)
    mode: Mode = Mode.LIVE
    options: Mapping[str, Any] = field(default_factory=dict)  # such as duplex, envelope, print_day

    def hand_over(self, batch: Path, manifest: Mapping[str, Any]) -> str:
        name = str(manifest["batch"])
        pieces = [{k: e[k] for k in ("reference", "page_from", "page_to")} for e in manifest["entries"]]
        body = {
            "reference": name,
            "letters": pieces,
            "pages": manifest["pages"],
            "document_sha256": manifest["pdf_sha256"],
            "options": dict(self.options),
        }
        answer = self._ask("POST", "/batches", json.dumps(body).encode(), "application/json", {"Idempotency-Key": name})
        number = str(answer.get("id", ""))
        if not number:
            raise PrinterTrouble("TOCSIN_PRINT_URL: the print house gave the batch no id")
        if answer.get("status") == "created":
            document = (batch / "letters.pdf").read_bytes()
            self._ask("PUT", f"/batches/{quote(number, safe='')}/document", document, "application/pdf", {})
        return number

    def acknowledgements(self, printer_id: str) -> list[Acknowledgement]:
        answer = self._ask("GET", f"/batches/{quote(printer_id, safe='')}", b"", "", {})
        letters: Sequence[Any] = answer.get("letters") or ()
        where = "TOCSIN_PRINT_URL: the state of a batch"
        return [_acknowledged(row, where) for row in letters if isinstance(row, dict) and row.get("state")]

    def _ask(self, method: str, path: str, body: bytes, kind: str, more: Mapping[str, str]) -> dict[str, Any]:
        """One request on a line of its own. PrinterTrouble for no answer and for any refusal."""
        parts = urlsplit(check_url(self.url, self.mode, "TOCSIN_PRINT_URL"))
        line = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json", **more}
        headers |= {"Content-Type": kind} if kind else {}
        connection = line(parts.hostname or "", parts.port, timeout=_ANSWER)
        try:
            connection.request(method, parts.path.rstrip("/") + path, body or None, headers)
            response = connection.getresponse()
            text = response.read(2**20)
        except (OSError, HTTPException) as error:
            raise PrinterTrouble(f"TOCSIN_PRINT_URL: no answer ({type(error).__name__})") from None
        finally:
            connection.close()
        if response.status not in (200, 201, 202, 204):
            raise PrinterTrouble(f"TOCSIN_PRINT_URL: {method} {path} was answered with {response.status}")
        return _object(text)


def _object(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text) if text.strip() else {}
    except ValueError:
        raise PrinterTrouble("TOCSIN_PRINT_URL: the answer is no JSON") from None
    return found if isinstance(found, dict) else {}
