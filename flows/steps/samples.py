"""Invented people to read a wave's words with: nobody, but with the names and addresses that break a layout.

A usual person for every text; by rule, hard ones for the texts that most people get, for the one that names most
elements, and for one text of every role and language.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlmodel import Session, select

from flows.steps.posting import wording_of
from models.tables import Segment, Wave, WordingRow
from models.values import BadInput, Channel, Role, Slot, Wording
from templates.merge import Merged, merge
from templates.words import addressee, salutation

USUAL = "usual"


@dataclass(frozen=True, slots=True)
class Sample:
    """One segment's words in one channel, with an invented person of its role."""

    segment: str
    channel: Channel
    role: Role
    people: int
    wording: Wording
    slots: Mapping[Slot, str]
    example: str = USUAL
    laws: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()
    content_class: str = ""

    def merged(self) -> Merged:
        return merge(self.wording, self.slots)


def samples(session: Session, wave: Wave, segment: str = "") -> list[Sample]:
    """Each segment and channel of a wave with a usual person. BadInput when `segment` is in no name."""
    query = select(Segment, WordingRow).join(WordingRow, Segment.wording_id == WordingRow.id)  # type: ignore[arg-type]
    rows = session.exec(query.where(Segment.wave_id == wave.id).order_by(Segment.key, Segment.channel)).all()
    found = [
        Sample(
            own.key,
            own.channel,
            own.role,
            own.people,
            wording_of(row),
            invented(own.language, own.role),
            laws=tuple(json.loads(own.laws)),
            exposed=tuple(json.loads(own.exposed)),
            content_class=own.content_class,
        )
        for own, row in rows
        if segment in own.key
    ]
    if not found:
        known = "; ".join(sorted({own.key for own, _ in rows}))
        raise BadInput(
            f"--segment {segment!r}", f"is in the name of no segment of wave {wave.number}.", f"Segments: {known}."
        )
    return found


# Nobody: names that say so, numbers kept for fiction.
NAMES: Mapping[str, tuple[str, str, str]] = {  # language -> person, guardian or kin, minor
    "en": ("Sample Person", "Sample Guardian", "Sample Child"),
    "zh": ("样例某", "样例监护人", "样例儿童"),
}
PLACE = "1 Sample Street\nSampletown\nUNITED STATES"


@dataclass(frozen=True, slots=True)
class Hard:
    """What makes an example hard. An empty text leaves the usual value."""

    name: str = ""
    address: str = ""


HARD: Mapping[str, Hard] = {
    "longest-name": Hard(
        "Sample-Maximiliana Theodora von und zu Sampleburg-Examplestein und Musterhausen, geborene Invented"
    ),
    "right-to-left": Hard("شخص تجريبي", "١ شارع العينة\nمدينة العينة\nUNITED ARAB EMIRATES"),
    "one-name": Hard("Sample"),
    "short-address": Hard(address="Sampletown\nUNITED STATES"),
    "long-address": Hard(
        address="c/o Sample Residence, Building 12, Staircase B\nApartment 1204, Floor 12\n"
        "1 Sample Street of the Long Name\n00000 Sampletown-on-the-Example\nUNITED STATES"
    ),
    "signs": Hard("O’Sample & Söns <Test> #1"),
}


TOO_LONG = frozenset({"long-address"})  # no window holds it: that its letter is refused is as it should be


def invented(language: str, role: Role, hard: Hard = Hard()) -> dict[Slot, str]:
    """A value for every slot, of nobody."""
    person, speaker, child = NAMES.get(language.split("-")[0], NAMES["en"])
    named = person if role in (Role.SELF, Role.CUSTOMER_ORGANISATION) else speaker
    person, named, child = hard.name or person, hard.name or named, hard.name or child
    return {
        Slot.SALUTATION: salutation(language, role, named),
        Slot.NAME: person,
        Slot.ADDRESSEE: addressee(language, role, person, named),
        Slot.ADDRESS: hard.address or PLACE,
        Slot.REFERENCE: "SAMPLE0000",
        Slot.CODE: "SAMPLE-CODE-0000",
        Slot.VERIFICATION_CODE: "SAMPLE00",
        Slot.MINOR_NAME: child,
        Slot.OWN_DATES: date(2000, 1, 1).isoformat(),
    }


def hard_examples(found: Sequence[Sample]) -> list[Sample]:
    """Hard people for the texts that the rule picks; only those slots that the text has make it hard."""
    made = []
    for sample in _picked(found):
        for name, hard in HARD.items():
            slots = set(sample.wording.slots)
            printed = sample.channel is Channel.LETTER
            if (hard.name and slots & {Slot.SALUTATION, Slot.NAME, Slot.ADDRESSEE}) or (hard.address and printed):
                own = invented(sample.wording.language, sample.role, hard)
                made.append(replace(sample, slots=own, example=name))
    return made


def _picked(found: Sequence[Sample]) -> Iterable[Sample]:
    """In each channel: the text of most people, the one with most elements, the first of every role and language."""
    for channel in dict.fromkeys(sample.channel for sample in found):
        own = [sample for sample in found if sample.channel is channel]
        picked = [max(own, key=lambda s: s.people), max(own, key=lambda s: len(s.exposed))]
        firsts: dict[tuple[Role, str], Sample] = {}
        for sample in own:
            firsts.setdefault((sample.role, sample.wording.language), sample)
        yield from {id(sample): sample for sample in (*picked, *firsts.values())}.values()
