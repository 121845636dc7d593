"""The second-breach guard: whether a wave's notices, as they are stored, fit the people whose rows they were made from.

A notice that crosses two people is a breach of its own. The guard reads every notice beside its source row and looks at
the whole list for what no honest list has: too many dead, one address for many, names where addresses should be. Its
shares are the organisation's policy (`[guard]` of the profile), never a law's. An error stops the wave; a warning waits
for a named person. A finding counts and names columns; it never repeats a value.

Source: published accounts of notices that were breaches themselves (rows shifted against each other, a wrong status
merged, labels crossed).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from typing import Final

from models.values import Contacts, Role, Severity, Slot

POLICY: Final = "the organisation's policy"


@dataclass(frozen=True, slots=True)
class Limits:
    """Shares at which a list is not believed. Policy; the profile's [guard] replaces them."""

    deceased: float = 0.03
    minors: float = 0.30
    one_address: float = 0.02  # of all people with an address, at one and the same
    one_email: float = 0.02
    one_phone: float = 0.02
    odd_names: float = 0.01  # names that hold an @, three digits or nothing
    odd_addresses: float = 0.02  # addresses that hold an @, or whose first line is the person's name
    strangers: float = 0.02  # emails that carry another listed name and not their own person's: a person looks
    shifted: float = 0.20  # as many of them, and columns are shifted
    list_days: int = 60  # age of the newest list
    fewest: int = 50  # people below which a share says nothing


@dataclass(frozen=True, slots=True)
class Canary:
    """A made-up person whom the organisation keeps in its data: all that is given must stand together in one row."""

    name: str
    email: str = ""
    phone: str = ""
    address: str = ""  # the first line

    def fields(self) -> dict[str, str]:
        return {n: v for n in ("name", "email", "phone", "address") if (v := getattr(self, n))}


@dataclass(frozen=True, slots=True)
class Source:
    """What the list says of one person: the row that a notice must fit."""

    name: str
    speaker: str = ""  # guardian or next of kin
    email: str = ""
    phone: str = ""
    address: tuple[str, ...] = ()
    app: str = ""
    born: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice as it is stored, beside the row that it was made from."""

    subject: str  # id
    segment: str
    source: Source
    slots: Mapping[str, str]
    contacts: Contacts
    role: Role  # of the segment
    own_role: Role  # of the person
    named: frozenset[str]  # elements that the segment's words name
    lost: frozenset[str]  # elements of the person's own
    deceased: bool = False
    minor: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong. `id` is what an override names."""

    id: str
    severity: Severity
    what: str
    remedy: str
    count: int = 0

    def as_data(self) -> dict[str, object]:
        return {n: getattr(self, n) for n in self.__slots__}


# --- one notice -----------------------------------------------------------------------------------------------------

ALIGNED: Final[Mapping[Slot, str]] = {Slot.NAME: "name", Slot.ADDRESS: "address"}
OF_ONE: Final = (Slot.REFERENCE, Slot.CODE, Slot.VERIFICATION_CODE)  # no two notices share one

# Finding id -> what it says, what to do. Each is an error: the notice would go to, or speak of, somebody else.
CROSSED: Final[Mapping[str, tuple[str, str]]] = {
    "name": ("notices that name somebody other than their row does", "Prepare the wave again from the list."),
    "address": ("notices whose address is not that of their row", "Prepare the wave again from the list."),
    "contact": ("notices that go to an email, number or app that is not in their row", "Prepare the wave again."),
    "role": ("notices that speak to somebody in another role than the person's", "Check how roles were read."),
    "not_lost": ("notices that name data which the person did not lose", "Prepare the wave again."),
    "not_named": ("notices that leave out data which the person lost", "Prepare the wave again."),
    "shared_code": ("codes or references that stand in more than one notice", "Prepare the wave again."),
    "several": ("notices with more than one recipient in a contact", "Mend the contacts in the list."),
    "stranger": ("people whose contact or code stands in the fixed words of a segment", "Take it out of the words."),
}


def crossings(notice: Notice) -> Iterator[str]:
    """Which of CROSSED one notice shows by itself."""
    source, slots, to = notice.source, notice.slots, notice.contacts
    if _digest(slots.get(Slot.NAME, "")) != _digest(source.name) or not _speaks(notice):
        yield "name"
    if _digest(slots.get(Slot.ADDRESS, "")) != _digest("\n".join(source.address)) or to.address != source.address:
        yield "address"
    if (to.email, to.phone, to.app) != (source.email, source.phone, source.app):
        yield "contact"
    if notice.role is not notice.own_role or notice.deceased != (notice.own_role is Role.NEXT_OF_KIN):
        yield "role"
    if notice.named - notice.lost:
        yield "not_lost"
    if notice.lost - notice.named:
        yield "not_named"
    if several(to.email) or several(to.phone):
        yield "several"


def _speaks(notice: Notice) -> bool:
    """Whether salutation and addressee are of whoever is spoken to."""
    speaker = notice.source.speaker if notice.role in (Role.GUARDIAN, Role.NEXT_OF_KIN) else notice.source.name
    addressee = notice.slots.get(Slot.ADDRESSEE, "")
    minor = notice.slots.get(Slot.MINOR_NAME, "")
    return (not (speaker or notice.source.name) or (speaker or notice.source.name) in addressee) and (
        not minor or minor == notice.source.name
    )


def several(contact: str) -> bool:
    """Whether a contact holds more than one recipient."""
    return bool(re.search(r"[,;\s<>]", contact)) or contact.count("@") > 1


def _digest(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=16).digest()


# --- words ----------------------------------------------------------------------------------------------------------

_WORD: Final = re.compile(r"[^\W_]+")
LONGEST: Final = 8  # words of a phrase that is looked for
LETTERS: Final = 3  # of the shortest name that is looked for in an email address
ALONE: Final = 8  # letters of a name of one word that is looked for in fixed words
FEWEST: Final = 5  # rows below which nothing but chance shows
TAILS: Final = (9, 8)  # last digits by which a telephone number is known, whatever its prefix and signs
SAMPLE: Final = 20_000  # email addresses that are held against names


def spoken(text: str) -> tuple[str, ...]:
    """The words of a text, so that spaces, case and signs do not count."""
    return tuple(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


class Fixed:
    """The fixed words of all segments, without what is the organisation's own: finds any person's phrase at once."""

    __slots__ = ("_numbers", "_phrases", "_written")

    def __init__(self, texts: Iterable[str], own: Iterable[str] = ()) -> None:
        lines = [line for text in texts for line in text.split("\n")]
        mine = [line for text in own for line in text.split("\n")]
        self._phrases = _phrases(lines) - _phrases(mine)
        self._numbers = _numbers(lines) - _numbers(mine)
        self._written = _unspaced(lines) - _unspaced(mine)

    def holds(self, phrase: str) -> bool:
        words = spoken(phrase)
        return bool(words) and words[:LONGEST] in self._phrases

    def names(self, name: str) -> bool:
        """Whether a person's full name stands there: two words, a long single one, three signs without spaces."""
        words = spoken(name)
        if len(words) != 1:
            return self.holds(name)
        return (len(words[0]) >= ALONE and self.holds(name)) or (len(words[0]) >= LETTERS and words[0] in self._written)

    def calls(self, phone: str) -> bool:
        """Whether a telephone number stands there, however it is written."""
        digits = _digits(phone)
        return any(len(digits) >= tail and digits[-tail:] in self._numbers for tail in TAILS)


def _phrases(lines: Iterable[str]) -> set[tuple[str, ...]]:
    every = (spoken(line) for line in lines)
    return {w[i : i + n] for w in every for n in range(1, LONGEST + 1) for i in range(len(w) - n + 1)}


_CALLED: Final = re.compile(r"\+?\d(?:[\s().\-/\u2010-\u2015\u00a0]{0,3}\d){7,14}")
_UNSPACED: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]{3,}")


def _digits(text: str) -> str:
    return "".join(str(int(c)) for c in unicodedata.normalize("NFKC", text) if c.isdecimal())


def _numbers(lines: Iterable[str]) -> set[str]:
    """Last digits of every telephone number; a shorter tail only of a number that has no more."""
    found = (_digits(run) for line in lines for run in _CALLED.findall(unicodedata.normalize("NFKC", line)))
    return {digits[-TAILS[0] :] for digits in found}


def _unspaced(lines: Iterable[str]) -> set[str]:
    """Whatever could be a name in scripts that set no spaces."""
    runs = [run for line in lines for run in _UNSPACED.findall(unicodedata.normalize("NFKC", line).casefold())]
    return {run[i : i + n] for run in runs for n in range(LETTERS, LONGEST + 1) for i in range(len(run) - n + 1)}


# --- all notices ----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Guard:
    """Takes every notice of a wave once, in any order; `findings` says what came of it. In memory only."""

    fixed: Fixed
    limits: Limits = field(default_factory=Limits)
    canaries: Sequence[Canary] = ()
    _crossed: Counter[str] = field(default_factory=Counter)
    _people: set[str] = field(default_factory=set)
    _counts: Counter[str] = field(default_factory=Counter)
    _shared: dict[str, Counter[bytes]] = field(default_factory=lambda: defaultdict(Counter))
    _codes: set[bytes] = field(default_factory=set)
    _first: set[str] = field(default_factory=set)  # parts of names, for the shift: all but the last, and the last
    _last: set[str] = field(default_factory=set)
    _in_emails: list[tuple[tuple[str, ...], frozenset[str]]] = field(default_factory=list)  # words in it, own names
    _canaries: dict[int, set[str]] = field(default_factory=dict)

    def add(self, notice: Notice) -> tuple[str, ...]:
        """Which crossings this notice shows; the caller may list it by id."""
        found = [*crossings(notice), *self._codes_of(notice)]
        if any(self.fixed.holds(part) for part in _tells(notice)) or self.fixed.calls(notice.source.phone):
            found.append("stranger")
        self._crossed.update(found)
        if notice.subject not in self._people:
            self._people.add(notice.subject)
            self._person(notice)
        return tuple(found)

    def _codes_of(self, notice: Notice) -> Iterator[str]:
        for slot in OF_ONE:
            if value := notice.slots.get(slot, ""):
                mark = _digest(f"{slot}/{value}")
                if mark in self._codes:
                    yield "shared_code"
                self._codes.add(mark)

    def _person(self, notice: Notice) -> None:
        source, counts = notice.source, self._counts
        counts["people"] += 1
        counts["deceased"] += notice.deceased
        counts["minors"] += notice.minor
        counts["own_kin"] += notice.deceased and bool(source.speaker) and source.speaker == source.name
        counts["odd_names"] += odd_name(source.name)
        counts["named"] += self.fixed.names(source.name) or self.fixed.names(source.speaker)
        if source.address:
            counts["address"] += 1
            counts["odd_addresses"] += odd_address(source)
            self._shared["address"][_digest("\n".join(source.address).casefold())] += 1
        for kind in ("email", "phone"):
            if value := getattr(source, kind):
                counts[kind] += 1
                self._shared[kind][_digest(value.casefold())] += 1
        self._shift(source, notice.role)
        self._watch(source)

    def _shift(self, source: Source, role: Role) -> None:
        """Remembers all names of the list, and the words of some email addresses."""
        names = [_plain(w) for w in spoken(source.name) if len(w) >= LETTERS]
        self._first.update(names[:-1])
        self._last.update(names[-1:])
        if source.email and role is Role.SELF and len(self._in_emails) < SAMPLE:
            self._in_emails.append((_local(source.email), frozenset(names)))

    def _watch(self, source: Source) -> None:
        row = {"name": source.name, "email": source.email, "phone": source.phone, "address": _first(source.address)}
        for number, canary in enumerate(self.canaries, 1):
            wanted = canary.fields()
            same = {n for n, v in wanted.items() if row[n].casefold() == v.casefold()}
            if same and len(same) > len(self._canaries.get(number, ())):
                self._canaries[number] = same

    # --- what came of it ---

    def findings(self, list_days: float | None = None) -> list[Finding]:
        """Everything that stands against the wave, errors first. `list_days`: how old the newest list is."""
        crossed = [
            Finding(f"guard.{name}", Severity.ERROR, f"{self._crossed[name]:,} {what}", remedy, self._crossed[name])
            for name, (what, remedy) in CROSSED.items()
            if self._crossed[name]
        ]
        found = [
            *crossed,
            *self._of_canaries(),
            *self._shifted(),
            *self._shares(),
            *self._same(),
            *self._stale(list_days),
        ]
        return sorted(found, key=lambda f: list(Severity).index(f.severity))

    def _of_canaries(self) -> Iterator[Finding]:
        for number, canary in enumerate(self.canaries, 1):
            same, wanted = self._canaries.get(number, set()), canary.fields()
            other = sorted(wanted.keys() - same)
            if not same:
                yield Finding(
                    f"guard.canary_{number}", Severity.WARNING, f"canary {number} is not in this wave",
                    "Check that the list was drawn from the whole of the data.", 1,
                )  # fmt: skip
            elif other:
                what = f"canary {number} stands in the list with another {' and '.join(other)}"
                remedy = "Rows or columns of the list are crossed. Draw it again."
                yield Finding(f"guard.canary_{number}", Severity.ERROR, what, remedy, 1)

    def _shifted(self) -> Iterator[Finding]:
        """Rows that slid against each other: emails carry names of the list that are not their own person's."""
        emails, limits = len(self._in_emails), self.limits
        told = Counter(self._carried(local, names) for local, names in self._in_emails)
        own, strangers = told["own"], told["other"]
        mixed = strangers + told["mixed"]  # of one family, mostly: a list in the order of names slides like that too
        single = strangers + told["single"]
        slid = emails >= limits.fewest and max(mixed, single) > limits.shifted * emails and own < max(mixed, single) / 2
        if slid or (mixed >= FEWEST and mixed >= limits.shifted * emails and (emails >= limits.fewest or mixed > own)):
            yield Finding("guard.shifted", Severity.ERROR, _shift_of(max(mixed, single), emails), SHIFTED, mixed)
        elif (strangers >= FEWEST and strangers >= limits.strangers * emails) or (
            mixed >= FEWEST and mixed >= limits.shifted / 2 * emails
        ):
            yield Finding("guard.shifted", Severity.WARNING, _shift_of(mixed, emails), SOME_SHIFTED, mixed)
        elif self._counts["people"] >= limits.fewest and not (own or mixed or self.canaries):
            what = "names could not be checked against emails: none carries a name of the list"
            yield Finding("guard.unchecked", Severity.NOTE, what, "Keep a canary in the list.", emails)

    def _carried(self, local: Sequence[str], names: frozenset[str]) -> str:
        """Whose name an email carries: own, other (a listed full name, none of it their own), mixed (some of it is),
        single (one listed name that is not their own) or "" where nothing can be compared."""
        pairs = [*pairwise(local), *((w[:i], w[i:]) for w in local for i in range(1, len(w)))]
        every = [p for a, b in pairs for p in ((a, b), (b, a)) if self._pair(*p)]
        own = any(name in word for name in names for word in local)
        if any(last in names and any(n.startswith(first) for n in names) for first, last in every):
            return "own"
        if every:
            return "mixed" if own else "other"
        return "own" if own else "" if not any(w in self._first or w in self._last for w in local) else "single"

    def _pair(self, first: str, last: str) -> bool:
        """A first and a last name of the list, or an initial and a last name."""
        initial = len(first) == 1 and len(last) > LETTERS
        return last in self._last and (initial or first in self._first)

    def _shares(self) -> Iterator[Finding]:
        people = self._counts["people"]
        for name, of, severity, what, remedy in SHARES:
            count, total, most = self._counts[name], self._counts[of], getattr(self.limits, name)
            enough = people >= self.limits.fewest or (severity is Severity.WARNING and count >= FEWEST)
            if enough and count and count >= most * total:
                share = f"{count / total:.1%} of {total:,} people {what}, at least {most:.1%} ({POLICY})"
                yield Finding(f"guard.{name}", severity, share, remedy, count)
        if named := self._counts["named"]:
            what = f"{named:,} people whose full name stands in the fixed words of a segment"
            yield Finding("guard.named", Severity.WARNING, what, "Take it out, unless somebody else is meant.", named)
        for name, what in STATUS.items():
            if self._counts[name]:
                yield Finding(
                    f"guard.{name}", Severity.WARNING, f"{self._counts[name]:,} {what}",
                    "A wrong status may have been merged. Check these rows at their source.", self._counts[name],
                )  # fmt: skip

    def _same(self) -> Iterator[Finding]:
        for kind, counts in self._shared.items():
            total, most = self._counts[kind], getattr(self.limits, f"one_{kind}")
            largest = max(counts.values(), default=0)
            if total >= self.limits.fewest and largest > 2 and largest >= most * total:
                what = f"{largest:,} of {total:,} people have one and the same {kind}, at least {most:.1%} ({POLICY})"
                yield Finding(
                    f"guard.one_{kind}",
                    Severity.WARNING,
                    what,
                    "A default may stand in for what is not known.",
                    largest,
                )

    def _stale(self, days: float | None) -> Iterator[Finding]:
        if days is not None and days > self.limits.list_days:
            what = f"the list is {days:.0f} days old, more than {self.limits.list_days} ({POLICY})"
            yield Finding("guard.list_days", Severity.WARNING, what, "Draw it again: people move, and people die.", 1)


# name of the limit and of the count, count that it is a share of, severity, what it says, what to do
STATUS_MERGED: Final = "A wrong status may have been merged. Check it at its source."
SHIFTED: Final = "Columns of the list are shifted. Draw it again."
SOME_SHIFTED: Final = "Some rows of the list may be shifted. Hold them against their source."
SHARES: Final = (
    ("deceased", "people", Severity.WARNING, "have died", STATUS_MERGED),
    ("minors", "people", Severity.WARNING, "are minors", "Check how dates of birth were read."),
    ("odd_names", "people", Severity.ERROR, "have a name that is none", SHIFTED),
    ("odd_addresses", "address", Severity.ERROR, "have an address that is none", SHIFTED),
)
STATUS: Final[Mapping[str, str]] = {
    "own_kin": "people have died and are their own next of kin",
}


def odd_name(name: str) -> bool:
    """Whether a name is none: empty, an email address, mostly a number, or a line that begins with one."""
    letters, digits = sum(map(str.isalpha, name)), sum(map(str.isdigit, name))
    return not letters or "@" in name or digits > letters or name.lstrip()[:1].isdigit()


def odd_address(source: Source) -> bool:
    """Whether an address is none: an email address, or the person's own name as its first line."""
    return any("@" in line for line in source.address) or (bool(source.name) and _first(source.address) == source.name)


def _shift_of(count: int, emails: int) -> str:
    return f"{count:,} of {emails:,} emails carry a name of the list that is not their own person's"


def _local(email: str) -> tuple[str, ...]:
    """The words before the @."""
    return tuple(w for w in re.split(r"[\W\d_]+", _plain(email.partition("@")[0].casefold())) if w)


def _tells(notice: Notice) -> Iterator[str]:
    """What of a person must stand in nobody's fixed words. A name is a warning: somebody else can share it."""
    source = notice.source
    yield source.email
    yield source.phone
    if len(spoken(_first(source.address))) > 2:
        yield _first(source.address)
    for slot in OF_ONE:
        yield notice.slots.get(slot, "")


def _first(lines: Sequence[str]) -> str:
    return lines[0] if lines else ""


@lru_cache(maxsize=65_536)
def _plain(word: str) -> str:
    """Without accents, as names stand in email addresses."""
    return "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))
