"""What letters and call lists share: a batch is a folder named by the hash of its content, and is made once.

The hash covers the ordered list of (delivery id, wording digest, digest of slots and address), not the bytes that a
printer or spreadsheet library makes of it. A delivery that stands in any sealed folder is never put into a second one
without a new approval that names it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models.values import BadInput, Handoff, Message, Outcome, Slot, Wording, digest
from notifiers.folders import seal, sealed, sweep

MANIFEST = "manifest.json"
_ABANDONED = 3600.0  # seconds; no batch takes so long to write


def addressee(message: Message) -> str:
    return message.slots.get(Slot.ADDRESSEE) or message.slots.get(Slot.NAME) or ""


def address_lines(message: Message) -> list[str]:
    given = message.slots.get(Slot.ADDRESS, "")
    return [line for line in (given.split("\n") if given else message.to.address) if line.strip()]


def content_hash(messages: Sequence[Message], reprint: Mapping[str, str]) -> str:
    """The name of the batch. `reprint` maps a delivery to the approval under which it is made again."""
    return digest([[m.delivery, m.wording, _slots_digest(m), reprint.get(m.delivery, "")] for m in messages])


def _slots_digest(m: Message) -> str:
    return digest({"slots": dict(m.slots), "address": list(m.to.address), "phone": m.to.phone})


def check_wordings(messages: Sequence[Message], wordings: Mapping[str, Wording]) -> None:
    for m in messages:
        if m.wording not in wordings:
            raise BadInput(f"delivery {m.delivery}", "its wording is not among those given.", "Prepare the wave again.")


@dataclass(slots=True)
class Sealed:
    """The sealed folders under `folder`, and which delivery stands in which."""

    folder: Path
    reprint: Mapping[str, str] = field(default_factory=dict)
    _read: set[str] = field(default_factory=set, init=False)
    _where: dict[str, str] = field(default_factory=dict, init=False)  # delivery -> carrier reference

    def known(self, delivery: str) -> str:
        """The reference under which a delivery was sealed before; empty when it wasn't, or may be made again."""
        return "" if delivery in self.reprint else self._where.get(delivery, "")

    def refresh(self) -> None:
        """Read the manifests that are new since the last time; sweep away what a crash left."""
        sweep(self.folder, _ABANDONED)
        for path in sealed(self.folder):
            if path.name not in self._read:
                self._note(self.manifest(path.name))

    def manifest(self, batch: str) -> dict[str, Any]:
        """A batch's manifest.json. BadInput when the folder was tampered with."""
        path = self.folder / batch / MANIFEST
        try:
            data = json.loads(path.read_bytes())
        except (OSError, ValueError):
            raise BadInput(f"{batch}/{MANIFEST}", "it can't be read.", "Restore the folder from its backup.") from None
        if not isinstance(data, dict) or data.get("batch") != batch:
            raise BadInput(f"{batch}/{MANIFEST}", "it names another batch.", "Restore the folder from its backup.")
        return data

    def keep(self, batch: str, files: Mapping[str, bytes], manifest: Mapping[str, Any]) -> bool:
        """Seal. False when the same content stood there already."""
        body = json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True).encode()
        fresh = seal(self.folder, batch, {**files, MANIFEST: body})
        self._note(self.manifest(batch))
        return fresh

    def _note(self, manifest: Mapping[str, Any]) -> None:
        self._read.add(manifest["batch"])
        for entry in manifest["entries"]:
            self._where[entry["delivery"]] = entry["carrier_reference"]


def again(message: Message, reference: str) -> Handoff:
    """The answer for a delivery that was sealed before."""
    return Handoff(message.delivery, Outcome.ACCEPTED, "already_sealed", reference=reference)
