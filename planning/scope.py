"""What a list of people comes to: a waterfall that adds up, what a second list changes, and what facts it states.

Pure: it counts and compares values; nothing here reads a list, knows a name or writes a row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Final, Protocol

from models.values import Channel, TocsinError

UNKNOWN_PLACE: Final = "ZZ"  # an unread residence: counted, told, but no place of any law
NO_CONTACT: Final = "none"
BEST_FIRST: Final = (  # what a person can be reached by at all; which of them the law permits is planning.route's
    (Channel.EMAIL, "has_email"),
    (Channel.LETTER, "has_address"),
    (Channel.SMS, "has_mobile"),
    (Channel.CALL_LIST, "has_phone"),
)


class Listed(Protocol):
    """A person of a list, as far as counting goes. models.intake.Candidate is one."""

    @property
    def rows(self) -> int: ...
    @property
    def residence(self) -> str: ...
    @property
    def language(self) -> str: ...
    @property
    def minor(self) -> bool: ...
    @property
    def deceased(self) -> bool: ...
    @property
    def protected(self) -> bool: ...
    @property
    def has_email(self) -> bool: ...
    @property
    def has_phone(self) -> bool: ...
    @property
    def has_mobile(self) -> bool: ...
    @property
    def has_address(self) -> bool: ...
    @property
    def elements(self) -> frozenset[str]: ...
    @property
    def warnings(self) -> tuple[str, ...]: ...


class Spent(Protocol):
    """How a source's lines were spent. models.intake.Tally is one."""

    @property
    def lines(self) -> int: ...
    @property
    def heading(self) -> int: ...
    @property
    def blank(self) -> int: ...
    @property
    def continued(self) -> int: ...
    @property
    def rows(self) -> int: ...
    @property
    def rejected(self) -> Mapping[str, int]: ...


# --- the waterfall --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Waterfall:
    """From physical lines to people. `check` holds it to its sums."""

    source: str
    rule: str  # how a person is told from another
    lines: int
    heading: int
    blank: int
    continued: int  # further lines of records that run over several
    rejected: Mapping[str, int]  # reason -> records
    rows: int
    merged: int  # rows about a person who was there already
    people: int
    minors: int
    deceased: int
    protected: int
    by_residence: Mapping[str, int]
    by_language: Mapping[str, int]
    by_best_channel: Mapping[str, int]  # the first of BEST_FIRST that a person has, or "none"
    by_element: Mapping[str, int]  # people of whom it was exposed; one person counts in several
    with_email: int
    with_phone: int
    with_mobile: int
    with_address: int
    no_contact_next_of_kin: int  # of `no_contact`, those who have died: the law counts them apart
    warnings: Mapping[str, int] = field(default_factory=dict)  # warning -> people

    @property
    def no_contact(self) -> int:
        """People with neither email nor telephone nor postal address."""
        return self.by_best_channel.get(NO_CONTACT, 0)

    def as_data(self) -> dict[str, Any]:
        """Plain data for canonical JSON; `from_data` reads it back."""
        return asdict(self)

    def check(self) -> None:
        """Raises when a sum does not come out: then something was lost or counted twice, and nothing may be stored."""
        wrong = [f"{name}: {left:,} is not {right:,}" for name, left, right in self._sums() if left != right]
        wrong += [f"{name}: {part:,} of {self.people:,} people" for name, part in self._parts() if part > self.people]
        if wrong:
            raise TocsinError(f"{self.source}: the waterfall does not add up ({'; '.join(wrong)}). Nothing was stored.")

    def _sums(self) -> Iterator[tuple[str, int, int]]:
        spent = self.heading + self.blank + self.continued + sum(self.rejected.values()) + self.rows
        yield "lines", self.lines, spent
        yield "rows", self.rows, self.people + self.merged
        for name in ("by_residence", "by_language", "by_best_channel"):
            yield name, sum(getattr(self, name).values()), self.people

    def _parts(self) -> Iterator[tuple[str, int]]:
        for name in ("minors", "deceased", "protected", "with_email", "with_phone", "with_mobile", "with_address"):
            yield name, getattr(self, name)
        yield "no_contact_next_of_kin", self.no_contact_next_of_kin
        yield from self.warnings.items()
        yield from self.by_element.items()

    def as_text(self) -> str:
        """The waterfall for a terminal, one step a line."""
        return "\n".join(
            f"{'  ' * depth}{label:<{44 - 2 * depth}}{count:>12,}" for depth, label, count in self._steps()
        )

    def _steps(self) -> Iterator[tuple[int, str, int]]:
        yield 0, f"lines of {self.source}", self.lines
        yield from _if_any(1, (("heading", self.heading), ("blank", self.blank), ("continued", self.continued)))
        yield 1, "rejected", sum(self.rejected.values())
        yield from _if_any(2, sorted(self.rejected.items()))
        yield 0, "rows", self.rows
        yield 1, f"merged ({self.rule})", self.merged
        yield 0, "people", self.people
        yield from _if_any(1, (("minors", self.minors), ("deceased", self.deceased), ("protected", self.protected)))
        for title in ("residence", "language", "best channel"):
            yield 0, f"by {title}", self.people
            yield from _if_any(1, _most(getattr(self, "by_" + title.replace(" ", "_"))))
        yield 0, "no contact at all", self.no_contact
        yield from ((0, f"warning: {warning}", count) for warning, count in _most(self.warnings))


def _if_any(depth: int, steps: Iterable[tuple[str, int]]) -> Iterator[tuple[int, str, int]]:
    return ((depth, label, count) for label, count in steps if count)


def _most(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def from_data(data: Mapping[str, Any]) -> Waterfall:
    """A waterfall from its plain data."""
    return Waterfall(**data)


@dataclass(frozen=True, slots=True)
class Lines:
    """A `Spent` by its numbers; nothing was spent by default."""

    lines: int = 0
    heading: int = 0
    blank: int = 0
    continued: int = 0
    rows: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)


_NOTHING: Final = Lines()


@dataclass(frozen=True, slots=True)
class Stored:
    """A `Listed` from what is stored of a person."""

    residence: str
    language: str
    minor: bool
    deceased: bool
    protected: bool
    has_email: bool
    has_phone: bool
    has_mobile: bool
    has_address: bool
    elements: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()
    rows: int = 1


Likeness = tuple[str, str, str, bool, bool, bool, bool, bool, bool, bool, frozenset[str]]


@dataclass(slots=True)
class Counting:
    """Counts people as they stream by, those who are alike together; `waterfall` closes the sum."""

    alike: Counter[Likeness] = field(default_factory=Counter)
    warning: Counter[str] = field(default_factory=Counter)
    merged: int = 0

    def add(self, person: Listed) -> None:
        p = person
        flags = (p.minor, p.deceased, p.protected, p.has_email, p.has_phone, p.has_mobile, p.has_address)
        self.alike[p.residence, p.language, best_channel(p), *flags, p.elements] += 1
        self.merged += p.rows - 1
        if p.warnings:
            self.warning.update(map(str, dict.fromkeys(p.warnings)))

    def merge(self, other: Counting) -> None:
        """Adds what was counted elsewhere."""
        self.alike.update(other.alike)
        self.warning.update(other.warning)
        self.merged += other.merged

    @property
    def people(self) -> int:
        return self.alike.total()

    def _by(self, place: int) -> dict[Any, int]:
        found = Counter[Any]()
        for kind, people in self.alike.items():
            found[kind[place]] += people
        return dict(found)

    def _elements(self) -> dict[str, int]:
        found = Counter[str]()
        for elements, people in self._by(10).items():
            found.update(dict.fromkeys(elements, people))
        return dict(found)

    def _kin(self) -> int:
        return sum(people for kind, people in self.alike.items() if kind[4] and kind[2] == NO_CONTACT)

    def waterfall(self, source: str, rule: str, spent: Spent) -> Waterfall:
        """The waterfall of all that was added. It has not been checked yet."""
        return Waterfall(
            source=source,
            rule=rule,
            lines=spent.lines,
            heading=spent.heading,
            blank=spent.blank,
            continued=spent.continued,
            rejected=dict(spent.rejected),
            rows=spent.rows,
            merged=self.merged,
            people=self.people,
            by_residence=self._by(0),
            by_language=self._by(1),
            by_best_channel=self._by(2),
            by_element=self._elements(),
            **{name: self._by(place).get(True, 0) for place, name in enumerate(_FLAGS, 3)},
            no_contact_next_of_kin=self._kin(),
            warnings=dict(self.warning),
        )


_FLAGS: Final = ("minors", "deceased", "protected", "with_email", "with_phone", "with_mobile", "with_address")


def best_channel(person: Listed) -> str:
    """The first of BEST_FIRST that a person has at all, or "none"."""
    return next((channel for channel, flag in _BEST if getattr(person, flag)), NO_CONTACT)


_BEST: Final = tuple((channel.value, flag) for channel, flag in BEST_FIRST)


def fact_changes(waterfall: Waterfall, stood_for: Counting | None = None) -> dict[str, Any]:
    """What the list states about the incident, by the facts' dotted keys. People of an unread residence are only in the
    total: they are residents of no place that the law knows. A rejected line may be anybody, so each count is then a
    range. `stood_for`: people of the list who, by a person's decision, are others of the list."""
    twice = Counter(_counts(stood_for.waterfall("", "", _NOTHING))) if stood_for else Counter[str]()
    counts = {key: n - twice[key] for key, n in _counts(waterfall).items()}
    rejected = sum(waterfall.rejected.values())
    return {key: {"min": n, "max": n + rejected} if rejected else n for key, n in counts.items()}


def _counts(waterfall: Waterfall) -> dict[str, int]:
    counts = {f"people.{place}": n for place, n in sorted(waterfall.by_residence.items()) if place != UNKNOWN_PLACE}
    return counts | {
        "people_detail.total": waterfall.people,
        "people_detail.minors": waterfall.minors,
        "people_detail.deceased": waterfall.deceased,
        "people_detail.insufficient_contact": waterfall.no_contact - waterfall.no_contact_next_of_kin,
        "people_detail.insufficient_contact_next_of_kin": waterfall.no_contact_next_of_kin,
    }


def fact_source(waterfall: Waterfall) -> str:
    """The source to note for `fact_changes`."""
    return f"list:{waterfall.source}"


# --- a second list --------------------------------------------------------------------------------------------------


class Change(StrEnum):
    """What a later list says of a person. One word each, the gravest first in this order."""

    NEW = "new"  # not listed before, or withdrawn before and listed again: gets a notice
    DECEASED_SINCE = "deceased_since"  # the notice goes to the next of kin from now on
    MORE_ELEMENTS = "changed_more_elements"  # more was exposed than we knew: gets a supplementary notice
    CONTACT = "changed_contact"  # can be reached elsewhere than before
    OTHER = "changed_other"  # neither owes more nor goes elsewhere: fewer elements, a name, consent
    UNCHANGED = "unchanged"
    WITHDRAWN = "withdrawn"  # no longer listed


@dataclass(frozen=True, slots=True)
class Known:
    """What is remembered of a person, without names: marks and blind indexes only."""

    content_mark: str  # keyed digest of the whole record
    elements: frozenset[str]
    email_index: str = ""
    phone_index: str = ""
    address_index: str = ""
    deceased: bool = False
    consent_email: bool = False
    withdrawn: bool = False


def compare_one(old: Known | None, new: Known) -> Change:
    """What changed for one person who is listed now."""
    if old is None or old.withdrawn:
        return Change.NEW
    if old.content_mark == new.content_mark:
        return Change.UNCHANGED
    if new.deceased and not old.deceased:
        return Change.DECEASED_SINCE
    if new.elements - old.elements:
        return Change.MORE_ELEMENTS
    if old.consent_email and not new.consent_email:
        return Change.CONTACT  # an address that may no longer be written to is as good as another one
    contacts = ("email_index", "phone_index", "address_index")
    return Change.CONTACT if any(getattr(old, at) != getattr(new, at) for at in contacts) else Change.OTHER
