"""Writes a filing's packet: report.pdf to read and sign, report.json to type from or upload, under
reports/<incident>/<filing>/.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.values import BadInput, Refused, canonical, check_slug, sha256
from notifiers.folders import seal

PDF, JSON, SUMS = "report.pdf", "report.json", "SHA256SUMS"


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet on the disk. `digest` is of report.json; `again` when the same one stood there."""

    folder: Path
    digest: str
    again: bool


def write_packet(reports: Path, incident: str, filing: str, pdf: bytes, answers: Mapping[str, Any]) -> Packet:
    """Whole or not at all. The same answers twice give the same packet; other answers need a new version of the filing.

    A packet is known by report.json: a PDF carries the time of its making, so its bytes are kept and not compared.
    """
    folder = reports / check_slug(incident, "incident") / check_slug(filing, "filing")
    if not pdf.startswith(b"%PDF-"):
        raise BadInput(f"filing {filing}", "its report is not a PDF.", "Press the report again.")
    body = canonical(answers)
    shown = json.dumps(json.loads(body), ensure_ascii=False, indent=1).encode()
    sums = f"{sha256(pdf)}  {PDF}\n{sha256(shown)}  {JSON}\n".encode()
    fresh = seal(folder.parent, folder.name, {PDF: pdf, JSON: shown, SUMS: sums})
    if not fresh and (folder / JSON).read_bytes() != shown:
        raise Refused(f"filing {filing}: its packet stands with other answers. Prepare a new version of the filing.")
    return Packet(folder, sha256(shown), not fresh)
