"""What one person's approval binds: the leaf of the wave's Merkle tree, and the message that is made from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from models.values import Channel, Contacts, Message, Slot, Wording, canonical
from templates.merge import merge


def leaf_text(
    notice: str, subject: str, segment: str, ladder: str, slots: Mapping[str, str], contacts: Contacts
) -> str:
    """Everything about one person that was approved. Hashed under the incident's key, so it can't be guessed at."""
    return canonical(
        {
            "notice": notice,
            "subject": subject,
            "segment": segment,
            "ladder": json.loads(ladder),
            "slots": dict(slots),
            "contacts": asdict(contacts),
        }
    )


def message(
    claim: Any, channel: Channel, wording: Wording, wording_digest: str, slots: Mapping[str, str], contacts: Contacts
) -> Message:
    """The person's merged notice for one channel."""
    words = {Slot(name): value for name, value in slots.items()}
    merged = merge(wording, words)
    return Message(
        delivery=claim.delivery,
        notice=claim.notice,
        channel=channel,
        language=wording.language,
        to=contacts,
        slots=slots,
        subject=merged.subject,
        text=merged.text,
        html=merged.html,
        wording=wording_digest,
        attempt=claim.attempt,
    )
