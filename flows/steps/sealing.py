"""Sealing the people of a list, part by part, in whichever process. What leaves here names nobody.

Imports no table class and no database engine: a process that only seals starts in a moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from models.intake import Candidate, ListWarning
from models.intake.words import plain_word
from models.staged import Writer
from models.values import canonical
from models.vault import IncidentKey, KeyFile, Record
from planning.scope import Counting

_INDEX = 32  # hex digits, 128 bits: ten million people meet by chance once in 10^24 lists


@dataclass(frozen=True, slots=True)
class Sealing:
    """What a process needs to seal people. The key itself is read from its file there, and never sent."""

    key_file: Path
    incident: str
    wrapped_key: bytes
    folder: Path

    def __call__(self) -> Sealer:
        vault = KeyFile.load(self.key_file).vault()
        return Sealer(vault.incident(self.incident, self.wrapped_key), Writer(self.folder))


class Sealer:
    """Seals people, stages them and counts them."""

    def __init__(self, key: IncidentKey, writer: Writer) -> None:
        self._key, self._writer = key, writer

    def __call__(self, people: Sequence[Candidate]) -> Counting:
        counting = Counting()
        for person in people:
            counting.add(person)
        self._writer.put([staged(self._key, person) for person in people])
        return counting


def staged(key: IncidentKey, person: Candidate) -> tuple[Any, ...]:
    """One person as models.staged.COLUMNS has them."""
    record, elements = record_of(person).to_json(), _listed(person.elements)
    identity = key.index("person", person.person_key)[:_INDEX]
    flags = (person.minor, person.deceased, person.protected, person.consent_email)
    said = (record, person.residence, person.language, person.role.value, repr(flags), elements, person.customer)
    address = "\n".join(person.address)
    return (
        identity,
        person.residence,
        person.language,
        person.role.value,
        elements,
        *flags,
        bool(person.email),
        bool(person.phone),
        person.mobile,
        bool(address),
        bool(person.app),
        index(key, "email", person.email),
        index(key, "phone", person.phone),
        index(key, "address", address),
        block(key, person),
        person.customer,
        key.index("content", "\0".join(said))[:_INDEX],
        key.seal(f"subject/{identity}/sealed", record.encode()),
    )


def index(key: IncidentKey, kind: str, value: str) -> str:
    """The blind index of a contact as `subject` keeps it; empty for none."""
    return key.index(kind, value)[:_INDEX] if value else ""


@lru_cache(maxsize=4096)
def _listed(elements: frozenset[str]) -> str:
    return canonical(sorted(elements))


SHARED_ID: Final = "="  # begins the block of people of whom the list says that they have one id


def block(key: IncidentKey, person: Candidate) -> str:
    """Blind index of what people have in common who may be one person; "" without enough to say.

    An id that stands beside several names; else the birthday, else the town's line, with the first of a name's initials
    in the alphabet: they are the same whichever way round a name is written.
    """
    if ListWarning.SAME_ID_OTHER_NAME in person.warnings:
        return SHARED_ID + index(key, "block", person.person_key.partition("\0")[0])
    initial = min((word[0] for word in plain_word(person.name).split()), default="")
    where = person.born or (person.address[-2] if len(person.address) > 1 else "")
    digits = "".join(sign for sign in where if sign.isdigit()) or plain_word(where)
    return index(key, "block", f"{digits} {initial}") if initial and digits else ""


def contact_columns(key: IncidentKey, record: Record, mobile: bool) -> dict[str, Any]:
    """The columns of a subject that say how the person of a record can be reached."""
    address = "\n".join(record.address)
    return {
        "has_email": bool(record.email),
        "has_phone": bool(record.phone),
        "has_mobile": mobile and bool(record.phone),
        "has_address": bool(address),
        "has_app": bool(record.app),
        "email_index": index(key, "email", record.email),
        "phone_index": index(key, "phone", record.phone),
        "address_index": index(key, "address", address),
    }


def record_of(person: Candidate) -> Record:
    """What is kept of a person, to be sealed."""
    return Record(
        name=person.name,
        guardian_name=person.guardian_name,
        next_of_kin_name=person.next_of_kin_name,
        email=person.email,
        phone=person.phone,
        address=person.address,
        country=person.country,
        born=person.born,
        customer_name=person.customer_name,
        own_dates=(person.own_dates,) if person.own_dates else (),
        app=person.app,
        large_print=person.large_print,
    )
