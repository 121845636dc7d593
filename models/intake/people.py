"""From a row of a list to a person: who it is, where they live, how they can be reached, what of theirs was exposed.

Nobody is dropped for a missing name, an unread residence or a bad contact: the contact goes, a warning stays. A person
is the source's own id; without one, name with date of birth or postal address; never an email or an address alone, so a
couple, or a parent and two children, at one address stay as many people as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final

from models import vocabulary
from models.intake.contacts import address_lines, clean, country_name, has_control, read_email, read_phone
from models.intake.language import match_language
from models.intake.mapping import Mapping
from models.intake.words import (
    FLAG_WORDS,
    UNKNOWN_PLACE,
    canonical,
    country_of,
    lacks_region,
    plain_word,
    residence_in,
    residence_of,
)
from models.values import Role, digest, sha256


class ListWarning(StrEnum):
    """What was odd about a person who stays. Counted, and listed by line."""

    EMAIL_UNUSABLE = "email_unusable"  # dropped
    PHONE_UNUSABLE = "phone_unusable"  # dropped
    ADDRESS_INCOMPLETE = "address_incomplete"  # dropped: no street, or neither town nor code
    CONTROL_CHARACTER = "control_character"  # taken out of a text
    GARBLED = "garbled"  # looks like UTF-8 that was read as something else, or holds U+FFFD
    NO_NAME = "no_name"
    NO_IDENTITY = "no_identity"  # neither id nor name with more: a later list may not know the person again
    RESIDENCE_UNKNOWN = "residence_unknown"  # kept as ZZ
    REGION_UNKNOWN = "region_unknown"  # a country whose laws differ by State, and the State is not known
    LANGUAGE_UNKNOWN = "language_unknown"  # the mapping's own serves
    BORN_UNREADABLE = "born_unreadable"  # so a minor may be missed
    NO_ELEMENTS = "no_elements"  # nothing says what of theirs was exposed
    NO_GUARDIAN = "no_guardian"  # a minor without a guardian's name
    NO_NEXT_OF_KIN = "no_next_of_kin"  # has died, and nobody is named
    SAME_ID_OTHER_NAME = "same_id_other_name"  # merged by id although the names differ


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One person of a list, normalised. In memory only: what is stored is sealed."""

    person_key: str  # "id:…", "rule:<digest>", "row:<digest>" or "line:…"
    line: int  # of the first row
    rows: int = 1  # of the list that are about this person
    residence: str  # ISO 3166-1 or -2, ZZ when unread
    language: str  # BCP 47, as templates are named
    role: Role
    elements: frozenset[str]
    minor: bool = False
    deceased: bool = False
    protected: bool = False
    consent_email: bool = False
    name: str = ""
    guardian_name: str = ""
    next_of_kin_name: str = ""
    email: str = ""
    phone: str = ""  # E.164
    mobile: bool = False  # takes text messages
    address: tuple[str, ...] = ()  # lines below the addressee, the country last
    country: str = ""  # ISO 3166-1 of the address
    born: str = ""  # ISO 8601
    customer: str = ""  # a code for the organisation whose person this is
    customer_name: str = ""
    own_dates: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def has_email(self) -> bool:
        return bool(self.email)

    @property
    def has_phone(self) -> bool:
        return bool(self.phone)

    @property
    def has_mobile(self) -> bool:
        return self.mobile

    @property
    def has_address(self) -> bool:
        return bool(self.address)


Cells = AnyMapping[str, str]  # target (or "elements:<word>") -> the row's text; empty ones may be missing
_SPLIT: Final = re.compile(r"[\r\n]+")
_GARBLED: Final = re.compile("\ufffd|[\u00c2\u00c3][\u0080-\u00bf]|\u00e2\u20ac")
_OLDEST: Final = 130  # years; an earlier birth is a mistake of the source


# --- words of a row, checked before anything is stored --------------------------------------------------------------


def unknown_word(cells: Cells, mapping: Mapping) -> str:
    """The target whose word nobody knows; "" when all are known. Such a row is rejected: guessing would be worse."""
    for target, text in cells.items():
        if _is_flag(target) and _flag(text, target, mapping) is None:
            return target
        if target == "elements" and not all(_element(word, mapping) for word in _listed(text, mapping)):
            return target
    return ""


def _is_flag(target: str) -> bool:
    return target in ("minor", "deceased", "protected", "consent_email") or target.startswith("elements:")


def _flag(text: str, target: str, mapping: Mapping) -> bool | None:
    word = plain_word(text)
    own = mapping.words.get(target, {}).get(word) or mapping.words.get("flags", {}).get(word)
    return own == "true" if own else FLAG_WORDS.get(word)


def _listed(text: str, mapping: Mapping) -> list[str]:
    return [word for part in text.split(mapping.elements_separator) if (word := part.strip())]


def _element(text: str, mapping: Mapping) -> str:
    own = mapping.words.get("elements", {}).get(plain_word(text))
    return own or vocabulary.words("elements").find(text) or ""


def _elements(cells: Cells, mapping: Mapping) -> frozenset[str]:
    """What is exposed for all, the row's list, and its yes/no columns, together."""
    listed = (_element(word, mapping) for word in _listed(cells.get("elements", ""), mapping))
    ticked = (word for word in mapping.element_columns if _flag(cells.get(f"elements:{word}", ""), "", mapping))
    return mapping.elements.union(listed, ticked)


# --- who it is ------------------------------------------------------------------------------------------------------


def person_key(cells: Cells, mapping: Mapping, line: int) -> str:
    """Who a row is about: its id, else the rule, else the whole row (the same row twice is one person), else its line.

    The rule: name with the date of birth and the postal address, at least one of the two; letters' case, accents and
    spaces do not count.
    """
    if own := clean(cells.get("source_id", "")):
        return f"id:{own}"
    name = plain_word(_name(cells))
    born = _born(cells.get("date_of_birth", ""), mapping.date_format) or cells.get("date_of_birth", "").strip()
    where = [plain_word(cells.get(part, "")) for part in ("address", "street", "street2", "city", "postal_code")]
    if name and (born or any(where)):
        return "rule:" + digest([name, born, where])
    said = {target: text.strip() for target, text in cells.items() if text.strip()}
    return "row:" + digest(said) if said.keys() & _TELLING else f"line:{line}"


RULE: Final = "name + date of birth + address"
_TELLING: Final = frozenset(
    {"name", "given_name", "family_name", "email", "phone", "address", "street", "guardian_email", "next_of_kin_email"}
)  # without any of these two equal rows may be two people


def _name(cells: Cells) -> str:
    return clean(cells.get("name") or " ".join(filter(None, (cells.get("given_name"), cells.get("family_name")))))


# --- what is known of them ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _State:
    """What all rows of one person say together: it decides to whom we write, before any contact is read."""

    minor: bool
    deceased: bool
    protected: bool
    consent_email: bool  # given by one row at least and denied by none; a person's own, never the next of kin's

    @property
    def role(self) -> Role:
        return Role.NEXT_OF_KIN if self.deceased else Role.GUARDIAN if self.minor else Role.SELF


NumberedCells = tuple[int, Cells]


def read_person(rows: Sequence[NumberedCells], mapping: Mapping, as_of: date) -> Candidate:
    """One person from all of their rows: what was exposed is united, the first usable contact is kept.

    A minor's guardian is written to at the guardian's contacts, else at the household's. Of a person who has died, only
    the next of kin's contacts and the postal address serve: nobody writes to a dead person's own email or telephone.
    """
    state = _state([cells for _, cells in rows], mapping, as_of)
    found = [_read(line, cells, state, mapping, as_of) for line, cells in rows]
    return found[0] if len(found) == 1 else _merge(found)


def _state(rows: Sequence[Cells], mapping: Mapping, as_of: date) -> _State:
    said = {
        target: [_flag(cells[target], target, mapping) for cells in rows if cells.get(target, "").strip()]
        for target in ("minor", "deceased", "protected", "consent_email")
    }
    young = any(_is_minor(cells.get("date_of_birth", ""), mapping, as_of) for cells in rows)
    deceased = any(said["deceased"])
    consent = bool(said["consent_email"]) and all(said["consent_email"]) and not deceased
    return _State(young or any(said["minor"]), deceased, any(said["protected"]), consent)


def _is_minor(text: str, mapping: Mapping, as_of: date) -> bool:
    born = _born(text, mapping.date_format)
    if not born:
        return False
    day = date.fromisoformat(born)
    age = as_of.year - day.year - ((as_of.month, as_of.day) < (day.month, day.day))
    return 0 <= age < mapping.minor_below


@lru_cache(maxsize=65_536)
def _born(text: str, form: str) -> str:
    """A date as ISO 8601; "" when it is none. ISO first, then the mapping's own form: the two never both fit."""
    text = text.strip()
    try:
        return date.fromisoformat(text[:10]).isoformat() if text else ""
    except ValueError:
        pass
    try:
        return datetime.strptime(text, form).date().isoformat() if form else ""  # noqa: DTZ007 - a date has no zone
    except ValueError:
        return ""


def _read(line: int, cells: Cells, state: _State, mapping: Mapping, as_of: date) -> Candidate:
    notes: list[str] = []
    said = {target: _tidy(text, target, notes) for target, text in cells.items()}
    country, residence = _place(said, mapping, notes)
    born = _believable(said.get("date_of_birth", ""), mapping, as_of, notes)
    email, (phone, mobile), address = _contacts(said, cells, state.role, country or residence[:2], mapping, notes)
    customer = said.get("customer", "")
    person = Candidate(
        person_key=person_key(cells, mapping, line),
        line=line,
        residence=residence,
        language=_language(said.get("language", ""), mapping, notes),
        role=state.role,
        elements=_elements(cells, mapping),
        minor=state.minor,
        deceased=state.deceased,
        protected=state.protected,
        consent_email=state.consent_email,
        name=_name(said),
        guardian_name=said.get("guardian_name", ""),
        next_of_kin_name=said.get("next_of_kin_name", ""),
        email=email,
        phone=phone,
        mobile=mobile,
        address=address,
        country=country if address else "",
        born=born,
        customer=_code(customer),
        customer_name=customer,
        own_dates=said.get("own_dates", ""),
    )
    return replace(person, warnings=(*dict.fromkeys(notes), *_missing(person)))


_TEXTS: Final = frozenset(
    {
        *("name", "given_name", "family_name", "guardian_name", "next_of_kin_name", "customer", "own_dates"),
        *("street", "street2", "city", "region", "postal_code"),
    }
)


def _tidy(text: str, target: str, notes: list[str]) -> str:
    """A text on one line; columns that are addresses or numbers are read elsewhere, as they stand."""
    if target in _TEXTS:
        if has_control(text):
            notes.append(ListWarning.CONTROL_CHARACTER)
        if not text.isascii() and _GARBLED.search(text):
            notes.append(ListWarning.GARBLED)
    return clean(text)


def _place(said: Cells, mapping: Mapping, notes: list[str]) -> tuple[str, str]:
    """The country of the address, and the residence."""
    written = said.get("country", "")
    country = _meant("country", written, mapping) or country_of(written) if written else mapping.country
    residence = _residence(said, country, mapping) or UNKNOWN_PLACE
    if residence == UNKNOWN_PLACE:
        notes.append(ListWarning.RESIDENCE_UNKNOWN)
    elif lacks_region(residence):
        notes.append(ListWarning.REGION_UNKNOWN)
    return country or ("" if written else residence[:2].replace(UNKNOWN_PLACE, "")), residence


def _residence(said: Cells, country: str, mapping: Mapping) -> str:
    """The row's own residence; else country and region; else the mapping's. `IL` in a list of US people is Illinois."""
    if own := said.get("residence", ""):
        return _meant("residence", own, mapping) or residence_in(country, own) or residence_of(own)
    if region := said.get("region", ""):
        region = _meant("region", region, mapping) or region
        if found := residence_in(country, region):
            return found
    if said.get("country") or not mapping.residence:
        return canonical(country)
    return mapping.residence


def _meant(target: str, text: str, mapping: Mapping) -> str:
    words = mapping.words.get(target)
    return words.get(plain_word(text), "") if words else ""


def _language(text: str, mapping: Mapping, notes: list[str]) -> str:
    found = (_meant("language", text, mapping) or match_language(text)) if text else mapping.language
    if not found:
        notes.append(ListWarning.LANGUAGE_UNKNOWN)
    return found or mapping.language


def _believable(text: str, mapping: Mapping, as_of: date, notes: list[str]) -> str:
    born = _born(text, mapping.date_format)
    if text and not (born and born <= as_of.isoformat() and as_of.year - int(born[:4]) <= _OLDEST):
        notes.append(ListWarning.BORN_UNREADABLE)
        return ""
    return born


def _code(name: str) -> str:
    """A short code for an organisation: readable where its name is Latin, a digest where it is not."""
    plain = re.sub(r"[^a-z0-9]+", "-", plain_word(name)).strip("-")[:60]
    return plain if plain or not name else "org-" + sha256(name)[:10]


def _missing(person: Candidate) -> Iterable[str]:
    checks = (
        (not person.name, ListWarning.NO_NAME),
        (person.person_key.startswith(("row:", "line:")), ListWarning.NO_IDENTITY),
        (not person.elements, ListWarning.NO_ELEMENTS),
        (person.role is Role.GUARDIAN and not person.guardian_name, ListWarning.NO_GUARDIAN),
        (person.role is Role.NEXT_OF_KIN and not person.next_of_kin_name, ListWarning.NO_NEXT_OF_KIN),
    )
    return [warning for missing, warning in checks if missing]


# --- how they are reached -------------------------------------------------------------------------------------------

_ASIDE: Final = {Role.GUARDIAN: "guardian", Role.NEXT_OF_KIN: "next_of_kin"}
Phone = tuple[str, bool]


def _contacts(
    said: Cells, raw: Cells, role: Role, country: str, mapping: Mapping, notes: list[str]
) -> tuple[str, Phone, tuple[str, ...]]:
    """Each contact from the first column that holds a usable one; which columns serve depends on the role."""
    aside, shared = _ASIDE.get(role), () if role is Role.NEXT_OF_KIN else ("",)
    prefixes = (*([f"{aside}_"] if aside else []), *shared)
    emails = [text for prefix in prefixes if (text := raw.get(f"{prefix}email", "").strip())]
    phones = [text for prefix in prefixes if (text := raw.get(f"{prefix}phone", "").strip())]
    email = next(filter(None, map(read_email, emails)), "")
    phone = next((found for text in phones if (found := read_phone(text, country))[0]), ("", False))
    address = _own_lines(raw.get(f"{aside}_address", ""), country, mapping) if aside else ()
    address = address or _own_lines(raw.get("address", ""), country, mapping) or _lines(said, country)
    dropped = (
        (emails and not email, ListWarning.EMAIL_UNUSABLE),
        (phones and not phone[0], ListWarning.PHONE_UNUSABLE),
        (not address and any(said.get(part) for part in ("address", "street", "city")), ListWarning.ADDRESS_INCOMPLETE),
    )
    notes.extend(warning for was, warning in dropped if was)
    return email, phone, address


def _lines(said: Cells, country: str) -> tuple[str, ...]:
    street, street2, *town = (said.get(part, "") for part in ("street", "street2", "city", "region", "postal_code"))
    return address_lines((street, street2), town[0], town[1], town[2], country)


def _own_lines(text: str, country: str, mapping: Mapping) -> tuple[str, ...]:
    """Lines that the source wrote itself, with the country's name put last; one line alone reaches nobody."""
    parts = (clean(part) for piece in _SPLIT.split(text) for part in piece.split(mapping.address_separator))
    lines = [line for line in parts if line]
    if len(lines) < 2:
        return ()
    last = country_name(country)
    if country_of(lines[-1]) == country and country:
        lines.pop()
    return (*lines, last) if last else tuple(lines)


# --- several rows of one person -------------------------------------------------------------------------------------


def _merge(found: Sequence[Candidate]) -> Candidate:
    first = found[0]
    names = {plain_word(one.name) for one in found if one.name}
    phones = next(((one.phone, one.mobile) for one in found if one.phone), ("", False))
    home = next(((one.address, one.country) for one in found if one.address), ((), ""))
    notes = dict.fromkeys(warning for one in found for warning in one.warnings if warning not in _OF_A_WHOLE)
    texts: dict[str, Any] = {name: next(filter(None, map(attrgetter(name), found)), "") for name in _FIRST_GIVEN}
    merged = replace(
        first,
        rows=len(found),
        residence=next((one.residence for one in found if not _vague(one.residence)), first.residence),
        elements=frozenset().union(*(one.elements for one in found)),
        phone=phones[0],
        mobile=phones[1],
        address=home[0],
        country=home[1],
        **texts,
    )
    other = (ListWarning.SAME_ID_OTHER_NAME,) if len(names) > 1 else ()
    return replace(merged, warnings=(*notes, *_missing(merged), *other))


_OF_A_WHOLE: Final = frozenset(
    {
        ListWarning.NO_NAME,
        ListWarning.NO_IDENTITY,
        ListWarning.NO_ELEMENTS,
        ListWarning.NO_GUARDIAN,
        ListWarning.NO_NEXT_OF_KIN,
    }
)
_FIRST_GIVEN: Final = (
    "name", "guardian_name", "next_of_kin_name", "email", "born", "customer", "customer_name", "own_dates",
)  # fmt: skip


def _vague(residence: str) -> bool:
    return residence == UNKNOWN_PLACE or lacks_region(residence)
