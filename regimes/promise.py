"""The organisation's own word as a source of duties: its promises, its contracts, and orders that a regulator gave it.

Their regime is `promise`; their citation is the promise's own name and text.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, Final

from models.facts import Contract, Facts, Moment, Order, Period, Promise
from models.values import Channel, Confidence, Duty, Element, Recipient, Role
from regimes import schema as s

REGIME: Final = "promise"
_COUNTING: Final = {
    s.Unit.HOURS: "elapsed-hours",
    s.Unit.MINUTES: "elapsed-hours",
    s.Unit.BUSINESS_DAYS: "business-days",
}
_SAME: Final = {"aware": ("discovered",), "discovered": ("aware",)}
_TO: Final = {
    "individuals": (Duty.INDIVIDUALS, Recipient.INDIVIDUALS),
    "guardians": (Duty.INDIVIDUALS, Recipient.INDIVIDUALS),
    "regulator": (Duty.REGULATOR, Recipient.REGULATOR),
    "customers": (Duty.CONTRACT, Recipient.OTHER),
    "public": (Duty.PUBLIC, Recipient.PUBLIC),
}


_ORDERED: Final = {
    "individuals": (Duty.INDIVIDUALS, Recipient.INDIVIDUALS),
    "media": (Duty.MEDIA, Recipient.MEDIA),
    "public": (Duty.PUBLIC, Recipient.PUBLIC),
}


@dataclass(frozen=True, slots=True)
class Pledge:
    """One thing that was promised, agreed or ordered, before its clock is worked out."""

    slug: str
    duty: Duty
    recipient: Recipient
    authority: str | None
    citation: str
    because: str
    deadline: s.Deadline | None
    due: Moment | None = None  # an order names its day itself


def pledges(facts: Facts, carried: frozenset[Order] = frozenset()) -> Iterator[Pledge]:
    """Every pledge of the facts, but for orders that a law's duty carries. A promise to people and guardians is one."""
    for number, promise in enumerate(facts.promises, 1):
        for duty, recipient in dict.fromkeys(_TO[to] for to in promise.to):
            yield _promised(number, promise, duty, recipient)
    for number, contract in enumerate(facts.contracts, 1):
        yield _agreed(number, contract, facts.organisation.role)
    for number, order in enumerate(facts.orders, 1):
        if order not in carried:
            yield _ordered(number, order)


def _promised(number: int, promise: Promise, duty: Duty, recipient: Recipient) -> Pledge:
    reason = f"the organisation promises it: {promise.name}"
    citation = f"{promise.name}: {promise.text}"
    return Pledge(slug(number, promise.name), duty, recipient, None, citation, reason, _deadline(promise.deadline))


def _agreed(number: int, contract: Contract, role: str) -> Pledge:
    recipient = Recipient.CONTROLLER if role == "processor" else Recipient.OTHER
    reason = f"a contract with {contract.customer} asks for it"
    citation = f"contract with {contract.customer}"
    name = slug(number, contract.customer)
    return Pledge(name, Duty.CONTRACT, recipient, contract.customer, citation, reason, _deadline(contract.deadline))


def _ordered(number: int, order: Order) -> Pledge:
    reason = f"{order.authority} ordered it"
    citation = f"order of {order.authority}: {order.text}".removesuffix(": ")
    name = slug(number, f"order-{order.authority}")
    duty, recipient = _ORDERED.get(order.duty, (Duty.REGULATOR, Recipient.REGULATOR))
    to = order.authority if duty is Duty.REGULATOR else None
    return Pledge(name, duty, recipient, to, citation, reason, None, order.due)


def _deadline(period: Period | None) -> s.Deadline | None:
    if period is None:
        return None
    unit = s.Unit(period.unit) if period.value is not None else None
    counting = _COUNTING.get(unit, "calendar") if unit else ""
    return s.Deadline(
        period.value, unit, period.anchor, _SAME.get(period.anchor, ()), ("detected", "suspected"), counting=counting
    )


def slug(number: int, name: str) -> str:
    """A short readable id, unique by its number."""
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-")
    return f"{number}-{words}" if words else str(number)


# --- what the notice must say ---------------------------------------------------------------------------------------


@cache
def _usual() -> dict[str, Any]:
    return tomllib.loads((files("regimes") / "promise.toml").read_text("utf-8"))


def version(facts: Facts, law_version: str) -> s.Version:
    """The terms of one promise, in the shape of a version of law. KeyError when the facts no longer hold it."""
    for number, promise in enumerate(facts.promises, 1):
        if f"{REGIME}@{slug(number, promise.name)}" == law_version:
            return _terms(promise)
    if any(f"{REGIME}@{pledge.slug}" == law_version for pledge in pledges(facts)):
        return _terms(Promise("", ""))
    raise KeyError(law_version)


def _terms(promise: Promise) -> s.Version:
    words = promise.content or (tuple(_usual()["elements"]) if promise.name else ())
    elements = tuple(s.ContentItem(Element(word), promise.name) for word in words)
    return s.Version(
        regime=REGIME,
        from_=date.min,
        until=None,
        status=s.Status.IN_FORCE,
        citation=promise.name,
        sources=(),
        checked=None,
        confidence=Confidence.CORPUS,
        transition="",
        counting="calendar",
        duties=(),
        applies=None,
        personal_information=None,
        exceptions=(),
        notice=s.Notice(elements=elements, channels=_channels(promise), citation=promise.name),
        substitute=_public(promise),
    )


_CHANNEL: Final = {
    "email": ("email",),
    "sms": ("sms",),
    "letter": ("letter",),
    "telephone": ("call_list",),
    "call_list": ("call_list",),
    "notification": ("sms", "push"),  # sms keeps the place of the word, whether or not there is an app
    "push": ("push",),
}


def _channels(promise: Promise) -> tuple[s.ChannelRule, ...]:
    named = dict.fromkeys(word for said in promise.channels for word in _CHANNEL.get(said, ()))
    return tuple(s.ChannelRule(Channel(word), citation=promise.name) for word in named)


def _public(promise: Promise) -> tuple[s.SubstituteTier, ...]:
    if not promise.public_when_difficult:
        return ()
    usual = _usual()["substitute"]
    unreachable = s.CountTest(s.Base.INSUFFICIENT_CONTACT, s.Op.AT_LEAST, 1)
    return (
        s.SubstituteTier(
            id=usual["id"],
            when=unreachable,
            force=s.Force.OWED,
            means=tuple(s.Means(word) for word in usual["means"]),
            mode="all",
            citation=promise.name,
            because=usual["because"],
            confidence=Confidence.CORPUS,
            not_for=(Role.NEXT_OF_KIN,),
        ),
    )
