"""Drafting: one person's place in a wave. Segment, ladder and slots, merged once in every channel before approval."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from flows.steps.desk import Desk
from flows.steps.leaves import leaf_text
from models import verification
from models.facts import Facts
from models.tables import Subject, new_id
from models.values import BadInput, Channel, Contacts, Person, Role, Slot, Wording, canonical
from models.vault import IncidentKey, Record
from planning.release import ladder_shape
from planning.route import Ladder, LadderPolicy, Router
from planning.segment import Key, Owed, key_for, rules_for
from regimes.schema import Instrument
from templates.merge import merge
from templates.words import addressee, salutation

FALLBACK = "en"


@dataclass(frozen=True, slots=True)
class Draft:
    """One person's one notice, before it is stored."""

    id: str
    subject: str
    key: str  # segment, without the channel
    laws: tuple[str, ...]
    ladder: tuple[tuple[Channel, ...], ...]
    slots: Mapping[str, str]
    contacts: Contacts
    reference: str

    def ladder_text(self) -> str:
        return canonical([[c.value for c in rung] for rung in self.ladder])

    def shape(self) -> str:
        return ladder_shape(self.ladder)

    def leaf(self, key: IncidentKey) -> str:
        return key.leaf(leaf_text(self.id, self.subject, self.key, self.ladder_text(), self.slots, self.contacts))


def person_of(row: Subject) -> Person:
    return Person(
        id=row.id,
        residence=row.residence,
        language=row.language,
        role=row.role,
        elements=frozenset(json.loads(row.elements)),
        minor=row.minor,
        deceased=row.deceased,
        protected=row.protected,
        consent_email=row.consent_email,
        has_email=row.has_email,
        has_phone=row.has_phone,
        has_mobile=row.has_mobile,
        has_address=row.has_address,
        customer=row.customer,
        has_app=row.has_app,
    )


def policy_of(desk: Desk) -> LadderPolicy:
    try:
        return LadderPolicy(order=tuple(Channel(c) for c in desk.profile.ladder.order))
    except ValueError as error:
        where = f"{desk.settings.profile}: [ladder] order"
        raise BadInput(where, f"{error}.", f"Channels: {', '.join(Channel)}.") from None


def spoken(wanted: str, languages: Collection[str]) -> str:
    """The language of these that somebody is written in: the own one, its nearest relative, or English."""
    if wanted in languages:
        return wanted
    base = wanted.split("-")[0]
    near = sorted(name for name in languages if name.split("-")[0] == base)
    return near[0] if near else FALLBACK


@dataclass(slots=True)
class Drafter:
    """Makes drafts for many people under one assessment; what people share is worked out once."""

    facts: Facts
    obligations: Sequence[Owed]
    instruments: Mapping[str, Instrument]
    policy: LadderPolicy
    languages: frozenset[str]
    key: IncidentKey
    untranslated: Counter[str] = field(default_factory=Counter)  # language -> people who get another
    _keys: dict[tuple[object, ...], tuple[Key, ...]] = field(default_factory=dict)
    _routers: dict[tuple[str, ...], Router] = field(default_factory=dict)

    @property
    def ours(self) -> bool:
        """Whether the people are the organisation's to tell anyway; a processor tells those only whom a duty names."""
        return self.facts.organisation.role != "processor"

    def keys(self, person: Person) -> tuple[Key, ...]:
        same = (person.residence, person.language, person.role, person.elements)
        if same not in self._keys:
            language = self.language(person.language)
            keys = key_for(person, self.obligations, self.instruments, self.facts, language)
            self._keys[same] = keys if self.ours else tuple(key for key in keys if key.laws)
        return self._keys[same]

    def language(self, wanted: str) -> str:
        """The person's own, its nearest relative (`zh-CN` to `zh-Hans`, `en-GB` to `en`), or English."""
        return spoken(wanted, self.languages)

    def ladder(self, person: Person, laws: tuple[str, ...]) -> Ladder:
        if laws not in self._routers:
            rules = rules_for(laws, self.obligations, self.instruments, self.facts)
            self._routers[laws] = Router([rule.notice for rule in rules], self.policy)
        return self._routers[laws].route(person).ladder

    def draft(self, row: Subject, record: Record, key: Key) -> Draft:
        person = person_of(row)
        if self.language(person.language).split("-")[0] != person.language.split("-")[0]:
            self.untranslated[person.language] += 1
        ladder = tuple(tuple(sorted(rung)) for rung in self.ladder(person, key.laws))
        reference = self.key.token("reference", f"{row.id}/{key.text}", 10)
        return Draft(
            id=new_id(),
            subject=row.id,
            key=key.text,
            laws=key.laws,
            ladder=ladder,
            slots=self.slots(row, record, key, reference),
            contacts=record.contacts(),
            reference=reference,
        )

    def verification(self, subject: str, segment: str) -> str:
        """The code by which this notice can be asked about, the same however often it is drafted."""
        return verification.complete(self.key.token("verification", f"{subject}/{segment}", verification.DRAWN))

    def slots(self, row: Subject, record: Record, key: Key, reference: str) -> dict[str, str]:
        """Every slot that this person has a value for; merging tells which one a wording misses."""
        speaks = {Role.GUARDIAN: record.guardian_name, Role.NEXT_OF_KIN: record.next_of_kin_name}
        name = speaks.get(row.role, record.name)
        found = {
            Slot.SALUTATION: salutation(key.language, row.role, name),
            Slot.NAME: record.name,
            Slot.ADDRESSEE: addressee(key.language, row.role, record.name, name),
            Slot.ADDRESS: "\n".join(record.address),
            Slot.REFERENCE: reference,
            Slot.VERIFICATION_CODE: verification.shown(self.verification(row.id, key.text)),
            Slot.MINOR_NAME: record.name if row.role is Role.GUARDIAN else "",
            Slot.OWN_DATES: "\n".join(record.own_dates),
        }
        return {slot.value: value for slot, value in found.items() if value}


def fit(draft: Draft, wordings: Mapping[tuple[str, Channel], Wording]) -> tuple[Draft, list[str]]:
    """The draft with those channels only whose wording it can fill, and what stood in the way of the others.

    Everybody is merged here once, in every channel, so that nothing can fail in the middle of a wave.
    """
    problems: list[str] = []
    words = {Slot(name): value for name, value in draft.slots.items()}
    good: list[tuple[Channel, ...]] = []
    for rung in draft.ladder:
        kept = []
        for channel in rung:
            try:
                merge(wordings[draft.key, channel], words)
                kept.append(channel)
            except KeyError:
                problems.append(f"{channel}: the language has no words for it")
            except BadInput as error:
                problems.append(f"{channel}: {error.problem} ({error.where.rsplit(', ', 1)[-1]})")
        if kept:
            good.append(tuple(kept))
    return (draft if len(problems) == 0 else _with_ladder(draft, tuple(good))), problems


def _with_ladder(draft: Draft, ladder: tuple[tuple[Channel, ...], ...]) -> Draft:
    return replace(draft, ladder=ladder)
