"""What a text is held to: every demand, prohibition, form, offer and language of the laws that it serves. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from models.facts import Facts
from models.values import Channel, Element, Role
from planning.route import MAILBOXES, SECRETS
from planning.segment import ContentClass, LawNotice, demanded, offers

IF_KNOWN: Final = ("if known", "if possible", "if it can be determined")  # in the note of an item of law


@dataclass(frozen=True, slots=True)
class Demand:
    """One thing that a law wants in the text. `unknown_ok`: saying that it is not yet known is enough."""

    law: str
    citation: str
    element: Element
    unknown_ok: bool = False


@dataclass(frozen=True, slots=True)
class Prohibition:
    law: str
    citation: str
    word: str  # nature_of_breach, number_of_residents


@dataclass(frozen=True, slots=True)
class Form:
    """A prescribed title, headings and their order."""

    law: str
    citation: str
    name: str  # a form of the language's headings.toml


@dataclass(frozen=True, slots=True)
class Task:
    """What a text is held to, besides its language."""

    required: tuple[Demand, ...] = ()
    prohibited: tuple[Prohibition, ...] = ()
    form: Form | None = None
    channel: Channel = Channel.EMAIL
    exposed: frozenset[str] = frozenset()
    organisation: str = ""
    parent: str = ""
    monitoring: tuple[tuple[str, str, int], ...] = ()  # law, citation, months that it demands
    merged: bool = False  # a person's finished text: not even a known slot may be left
    role: Role = Role.SELF
    laws: tuple[tuple[str, str], ...] = ()  # law, citation of its notice
    languages: tuple[tuple[str, str, tuple[str, ...]], ...] = ()  # law, citation, languages that it prescribes
    site: str = ""  # the organisation's own domain, where a text message may point to
    mailbox: tuple[tuple[str, str], ...] = ()  # law, citation: no email to a mailbox whose credentials leaked


def task_for(
    letter: ContentClass,
    rules: Sequence[LawNotice],
    channel: Channel,
    exposed: Iterable[str],
    facts: Facts | None = None,
    *,
    organisation: str = "",
    parent: str = "",
    role: Role = Role.SELF,
    site: str = "",
) -> Task:
    """What a letter is held to."""
    own = [rule for rule in rules if rule.law in letter.laws]
    lost = tuple(exposed)
    return Task(
        required=tuple(demand for rule in own for demand in _demands(rule, lost, facts)),
        prohibited=tuple(Prohibition(r.law, r.notice.citation, word) for r in own for word in r.notice.prohibited),
        form=next((Form(r.law, r.notice.citation, r.notice.form) for r in own if r.notice.form), None),
        channel=channel,
        exposed=frozenset(lost),
        organisation=organisation,
        parent=parent,
        monitoring=tuple(
            (rule.law, offer.citation, offer.months) for rule in own for offer in offers(rule, lost, facts)
        ),
        role=role,
        site=site,
        laws=tuple((r.law, r.notice.citation) for r in own),
        languages=tuple((r.law, r.notice.citation, r.notice.languages) for r in own if r.notice.languages),
        mailbox=tuple((r.law, r.notice.citation) for r in own if r.notice.credentials_not_to_same_mailbox),
    )


def whole_task(tasks: Sequence[Task], *, merged: bool) -> Task:
    """One text held to all of these at once."""
    first = tasks[0]
    return Task(
        required=tuple(demand for task in tasks for demand in task.required),
        prohibited=tuple(ban for task in tasks for ban in task.prohibited),
        form=next((task.form for task in tasks if task.form), None),
        channel=first.channel,
        exposed=frozenset().union(*(task.exposed for task in tasks)),
        organisation=first.organisation,
        parent=first.parent,
        monitoring=tuple(offer for task in tasks for offer in task.monitoring),
        merged=merged,
        role=first.role,
        site=first.site,
        laws=tuple(law for task in tasks for law in task.laws),
        languages=tuple(row for task in tasks for row in task.languages),
        mailbox=tuple(row for task in tasks for row in task.mailbox),
    )


def mailbox_lost(task: Task) -> bool:
    """Whether these people lost a secret together with the account that it opens (planning.route asks the same)."""
    return bool(task.exposed & SECRETS) and bool(task.exposed & MAILBOXES)


def _demands(rule: LawNotice, exposed: tuple[str, ...], facts: Facts | None) -> list[Demand]:
    found = [
        Demand(rule.law, item.citation, item.element, any(words in item.note for words in IF_KNOWN))
        for item in demanded(rule, exposed, facts)
    ]
    if offers(rule, exposed, facts) and all(demand.element is not Element.MONITORING_OFFER for demand in found):
        found.append(Demand(rule.law, rule.notice.monitoring[0].citation, Element.MONITORING_OFFER))
    return list(dict.fromkeys(found))
