"""What one person's approval binds: the leaf of the wave's Merkle tree, and the message that is made from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from models.values import Channel, Contacts, Message, Slot, Wording, canonical
from templates.merge import Merged, merge

NOTHING = Merged("", "", "")


def leaf_text(
    notice: str, subject: str, segment: str, ladder: str, slots: Mapping[str, str], contacts: Contacts
) -> str:
    """Everything about one person that was approved. Hashed under the incident's key, so it can't be guessed at."""
    return canonical(
        {
            "notice": notice,
            "subject": subject,
            "segment": segment,
            "ladder": rungs(ladder),
            "slots": dict(slots),
            "contacts": contacts.as_data(),
        }
    )


@lru_cache(maxsize=256)
def rungs(ladder: str) -> tuple[tuple[str, ...], ...]:
    """A notice's ladder from its text; a wave has a few of them."""
    return tuple(map(tuple, json.loads(ladder)))


def message(
    claim: Any,
    channel: Channel,
    wording: Wording,
    wording_digest: str,
    slots: Mapping[str, str],
    contacts: Contacts,
    *,
    merged: bool = True,
) -> Message:
    """The person's notice for one channel; without its text when the carrier pours it from the wording."""
    words = merge(wording, {Slot(name): value for name, value in slots.items()}) if merged else NOTHING
    return Message(
        delivery=claim.delivery,
        notice=claim.notice,
        channel=channel,
        language=wording.language,
        to=contacts,
        slots=slots,
        subject=words.subject,
        text=words.text,
        html=words.html,
        wording=wording_digest,
        attempt=claim.attempt,
    )
