"""The ladder: in which order one person is told, by which channels.

A channel is on it only if the person can be reached there, every law that applies to the person permits it for that
person, and the plan uses it. Nobody who must not be contacted has a ladder. Each exclusion says why. A law's own order
goes before the plan's. Public notice belongs to nobody's ladder; `planning.substitute` decides about it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from models.values import Channel, Person, Role
from regimes.schema import ChannelRule, ChannelWhen, Notice

Rung = frozenset[Channel]
Ladder = tuple[Rung, ...]

ALL = (Channel.PUSH, Channel.EMAIL, Channel.SMS, Channel.VOICE, Channel.LETTER, Channel.CALL_LIST)  # of a ladder
DEFAULT_ORDER = (Channel.EMAIL, Channel.SMS, Channel.LETTER, Channel.CALL_LIST)


@dataclass(frozen=True, slots=True)
class LadderPolicy:
    """What the plan decides where the law leaves a choice."""

    order: tuple[Channel, ...] = DEFAULT_ORDER  # a channel that is not named is not used
    urgent: bool = False  # imminent misuse: laws that ask for a call beside the letter then get it
    electronic_is_usual: bool = False  # the organisation normally talks to these people by electronic means


@dataclass(frozen=True, slots=True)
class Route:
    ladder: Ladder
    because: tuple[str, ...]
    conflict: bool = False  # each law alone leaves a way to this person, all together none: a person must decide


def ladder(person: Person, rules: Sequence[Notice], policy: LadderPolicy) -> Ladder:
    """The rungs in order; empty when nobody may or can tell this person directly.

    `rules` are the notice rules of the laws that apply to the person; a law that lists no channels permits all.
    """
    return route(person, rules, policy).ladder


def because(person: Person, rules: Sequence[Notice], policy: LadderPolicy) -> tuple[str, ...]:
    """A line for every channel that is not on the ladder, and for every one that only goes together with another."""
    return route(person, rules, policy).because


def route(person: Person, rules: Sequence[Notice], policy: LadderPolicy) -> Route:
    """The ladder and its reasons."""
    nobody = _not_contacted(person)
    if nobody:
        return Route((), (nobody,))
    excluded = {channel: why for channel in ALL if (why := _excluded(channel, person, rules, policy))}
    able = [channel for channel in ALL if channel not in excluded]
    able.sort(key=lambda channel: _place(channel, rules, policy))
    bound = _bind(able, rules, person, policy, excluded)
    rungs = _rungs([channel for channel in able if channel not in excluded], bound)
    lines = [f"{channel}: {excluded[channel]}" for channel in ALL if channel in excluded and _asked(channel, policy)]
    lines += [f"{channel}: only together with {' and '.join(sorted(partners))}" for channel, partners in bound.items()]
    conflict = not rungs and len(rules) > 1 and all(route(person, [law], policy).ladder for law in rules)
    if conflict:
        lines.append("the laws that apply leave no channel in common; a person must decide")
    return Route(rungs, tuple(lines), conflict)


@dataclass(slots=True)
class Router:
    """Ladders for many people under the same rules: people alike in `traits` share one."""

    rules: Sequence[Notice]
    policy: LadderPolicy
    _seen: dict[tuple[bool, ...], Route] = field(default_factory=dict)

    def route(self, person: Person) -> Route:
        key = traits(person)
        if key not in self._seen:
            self._seen[key] = route(person, self.rules, self.policy)
        return self._seen[key]


def traits(person: Person) -> tuple[bool, ...]:
    """All that a ladder depends on."""
    return (
        bool(_not_contacted(person)),
        person.deceased,
        person.protected,
        person.consent_email,
        *(has(person) for has in REACHED_BY.values()),
        mailbox_leaked(person),
    )


def _asked(channel: Channel, policy: LadderPolicy) -> bool:
    """Whether a reader wants to hear of it: the usual channels, and those that the plan names."""
    return channel in DEFAULT_ORDER or channel in policy.order


# --- one channel ----------------------------------------------------------------------------------------------------

REACHED_BY: Mapping[Channel, Callable[[Person], bool]] = {
    Channel.EMAIL: lambda p: p.has_email,
    Channel.SMS: lambda p: p.has_mobile,
    Channel.LETTER: lambda p: p.has_address,
    Channel.CALL_LIST: lambda p: p.has_phone or p.has_mobile,
    Channel.VOICE: lambda p: p.has_phone or p.has_mobile,
    Channel.PUSH: lambda p: p.has_app and p.role is Role.SELF,
}

NO_CONTACT: Mapping[Channel, str] = {
    Channel.EMAIL: "the list has no usable email address",
    Channel.SMS: "the list has no number that takes text messages",
    Channel.LETTER: "the list has no postal address",
    Channel.CALL_LIST: "the list has no telephone number",
    Channel.VOICE: "the list has no telephone number",
    Channel.PUSH: "the list has no id in the organisation's app, or somebody else speaks for this person",
}

PERMITS: Mapping[ChannelWhen, Callable[[Person, LadderPolicy], bool]] = {
    ChannelWhen.ALWAYS: lambda person, policy: True,
    ChannelWhen.CONSENT_EMAIL: lambda person, policy: person.consent_email,
    ChannelWhen.PRIMARY_MEANS: lambda person, policy: person.consent_email or policy.electronic_is_usual,
    ChannelWhen.URGENT: lambda person, policy: policy.urgent,
    ChannelWhen.NEVER: lambda person, policy: False,
}

WHY_NOT: Mapping[ChannelWhen, str] = {
    ChannelWhen.CONSENT_EMAIL: "lawful only for those who agreed to electronic notice, and this person did not",
    ChannelWhen.PRIMARY_MEANS: "lawful only by agreement or as the usual means, and it is neither",
    ChannelWhen.URGENT: "asked for only when misuse is imminent",
    ChannelWhen.NEVER: "ruled out",
}

AGREED = frozenset({ChannelWhen.CONSENT_EMAIL, ChannelWhen.PRIMARY_MEANS})

SECRETS = frozenset({"password", "security_answers"})
MAILBOXES = frozenset({"email", "username"})


def mailbox_leaked(person: Person) -> bool:
    """Whether the way into this person's mailbox may have leaked: a secret, and the account that it opens."""
    return bool(person.elements & SECRETS) and bool(person.elements & MAILBOXES)


def _not_contacted(person: Person) -> str:
    if person.protected:
        return "protected: never contacted by the ordinary ways"
    if person.deceased and person.role is not Role.NEXT_OF_KIN:
        return "deceased, and no next of kin is known: nobody to address"
    return ""


def _excluded(channel: Channel, person: Person, rules: Sequence[Notice], policy: LadderPolicy) -> str:
    """Why this channel is not for this person; empty when it is."""
    if not REACHED_BY[channel](person):
        return NO_CONTACT[channel]
    if channel is Channel.EMAIL and mailbox_leaked(person):
        for law in rules:
            if law.credentials_not_to_same_mailbox:
                return f"the mailbox's own credentials leaked{_cited(law.citation)}"
    for law in rules:
        if why := _forbidden(channel, law, person, policy):
            return why
    return "" if _used(channel, rules, policy) else "this plan does not use it"


def _used(channel: Channel, rules: Sequence[Notice], policy: LadderPolicy) -> bool:
    """A channel that a law asks for beside another is used even where the plan's order leaves it out; never a machine's
    voice, which no law asks for."""
    if channel is Channel.VOICE:
        return channel in policy.order
    return channel in policy.order or any(rule.together_with for law in rules for rule in _of(channel, law))


def _forbidden(channel: Channel, law: Notice, person: Person, policy: LadderPolicy) -> str:
    if not law.channels:
        return ""
    listed = _of(channel, law)
    if channel is Channel.VOICE and listed and all(rule.live for rule in listed):
        return f"the law asks for a live voice{_cited(listed[0].citation or law.citation)}"
    if not listed:
        return f"not among the ways of notice that the law lists{_cited(law.citation)}"
    if _open(channel, law, person, policy):
        return ""
    return f"{WHY_NOT[listed[0].when]}{_cited(listed[0].citation or law.citation)}"


def _of(channel: Channel, law: Notice) -> list[ChannelRule]:
    """The law's rules for a channel. What it says of the telephone holds for a spoken call too, unless it names one."""
    own = [rule for rule in law.channels if rule.channel is channel]
    if channel is Channel.VOICE and not own:
        return [rule for rule in law.channels if rule.channel is Channel.CALL_LIST]
    return own


def _cited(citation: str) -> str:
    return f" ({citation})" if citation else ""


# --- rungs ----------------------------------------------------------------------------------------------------------

Bound = dict[Channel, frozenset[Channel]]


def _bind(
    able: Sequence[Channel],
    rules: Sequence[Notice],
    person: Person,
    policy: LadderPolicy,
    excluded: dict[Channel, str],
) -> Bound:
    """Channels that are no notice by themselves, with their partners; `excluded` gains those without one."""
    bound: Bound = {}
    for channel in able:
        if not _stands_beside(channel, rules, person, policy):
            continue
        partners = _partners(channel, rules, person, policy)
        if not partners:
            partners = _leading(able, rules, person, policy)
        missing = partners - set(able)
        if missing or not partners:
            excluded[channel] = f"no notice by itself, and {' and '.join(sorted(missing)) or 'another'} is not possible"
        else:
            bound[channel] = partners
    return {c: partners for c, partners in bound.items() if not partners & excluded.keys()}


def _stands_beside(channel: Channel, rules: Sequence[Notice], person: Person, policy: LadderPolicy) -> bool:
    """Whether some law permits this channel only beside another."""
    open_ = [_open(channel, law, person, policy) for law in rules]
    return any(found and all(r.together_with or r.when is ChannelWhen.URGENT for r in found) for found in open_)


def _partners(channel: Channel, rules: Sequence[Notice], person: Person, policy: LadderPolicy) -> frozenset[Channel]:
    """The partners that laws name. An urgent call goes beside whichever notice comes first, whatever it is."""
    partners: frozenset[Channel] = frozenset()
    for law in rules:
        found = _open(channel, law, person, policy)
        if found and all(rule.together_with and rule.when is not ChannelWhen.URGENT for rule in found):
            partners |= frozenset(found[0].together_with)
    return partners


def _leading(
    able: Sequence[Channel], rules: Sequence[Notice], person: Person, policy: LadderPolicy
) -> frozenset[Channel]:
    """The first channel that is a notice by itself."""
    alone = [c for c in able if not _stands_beside(c, rules, person, policy)]
    return frozenset(alone[:1])


def _open(channel: Channel, law: Notice, person: Person, policy: LadderPolicy) -> list[ChannelRule]:
    return [rule for rule in _of(channel, law) if PERMITS[rule.when](person, policy)]


def _rungs(ordered: Sequence[Channel], bound: Bound) -> Ladder:
    """One rung per channel; those that belong together share the rung of the earliest of them."""
    groups: list[set[Channel]] = [{channel} for channel in ordered]
    for channel, partners in bound.items():
        together = {channel} | partners
        first = next(n for n, group in enumerate(groups) if group & together)
        merged = set().union(*(group for group in groups if group & together))
        groups = [
            merged if n == first else group for n, group in enumerate(groups) if n == first or not group & together
        ]
    return tuple(frozenset(group) for group in groups)


def _place(channel: Channel, rules: Sequence[Notice], policy: LadderPolicy) -> tuple[int, int]:
    """Where a channel stands: as late as any law that lists it puts it, then as the plan does.

    Where a law permits a channel because the person agreed to it, the law puts it as high as its first.
    """
    plan = policy.order.index(channel) if channel in policy.order else len(policy.order)
    return (max((_rank(channel, law) for law in rules), default=0), plan)


def _rank(channel: Channel, law: Notice) -> int:
    same = _of(channel, law)
    listed = [(n, rule.when) for n, rule in enumerate(law.channels) if rule in same]
    return min((0 if when in AGREED else n for n, when in listed), default=0)
