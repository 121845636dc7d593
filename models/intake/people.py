"""From a row of a list to a person: who it is, where they live, how they can be reached, what of theirs was exposed.

Nobody is dropped for a missing name, an unread residence or a bad contact: the contact goes, a warning stays. A person
is the source's own id; without one, name with date of birth or postal address; never an email or an address alone, so a
couple, or a parent and two children, at one address stay as many people as they are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final

from models import vocabulary
from models.intake.candidate import Candidate, Cells, ListWarning, Tidy
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


def is_judged(target: str) -> bool:
    """Whether `unknown_word` looks at the column."""
    return target == "elements" or _is_flag(target)


def _is_flag(target: str) -> bool:
    return target in _FLAGS or target.startswith("elements:")


def _flag(text: str, target: str, mapping: Mapping) -> bool | None:
    word = plain_word(text)
    if not mapping.words:
        return FLAG_WORDS.get(word)
    own = mapping.words.get(target, {}).get(word) or mapping.words.get("flags", {}).get(word)
    return own == "true" if own else FLAG_WORDS.get(word)


def _listed(text: str, mapping: Mapping) -> list[str]:
    return [word for part in text.split(mapping.elements_separator) if (word := part.strip())]


def _element(text: str, mapping: Mapping) -> str:
    own = mapping.words.get("elements", {}).get(plain_word(text))
    return own or vocabulary.words("elements").find(text) or ""


def _elements(cells: Cells, mapping: Mapping) -> frozenset[str]:
    """What is exposed for all, the row's list, and its yes/no columns, together."""
    listed = [_element(word, mapping) for word in _listed(cells.get("elements", ""), mapping)]
    ticked = [word for word in mapping.element_columns if _flag(cells.get(f"elements:{word}", ""), "", mapping)]
    return mapping.elements.union(listed, ticked) if listed or ticked else mapping.elements


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
    large_print: bool  # asked for by one row at least; a person's own

    @property
    def role(self) -> Role:
        return Role.NEXT_OF_KIN if self.deceased else Role.GUARDIAN if self.minor else Role.SELF


NumberedCells = tuple[int, Cells]


def read_everybody(rows: Sequence[NumberedCells], mapping: Mapping, as_of: date) -> list[Candidate]:
    """The people of rows that share a key: one, unless one source id stands beside several names.

    Two names may be two people, of whom one would never be told, so each name gets a person of its own until somebody
    decides. Rows without a name are the first one's.
    """
    named = _by_name(rows) if len(rows) > 1 else {}
    if len(named) < 2:
        return [read_person(rows, mapping, as_of)]
    found = ((name, read_person(own, mapping, as_of)) for name, own in named.items())
    other = (ListWarning.SAME_ID_OTHER_NAME,)
    return [
        replace(person, person_key=f"{person.person_key}\0{name}", warnings=person.warnings + other)
        for name, person in found
    ]


def _by_name(rows: Sequence[NumberedCells]) -> dict[str, list[NumberedCells]]:
    names = [plain_word(_name(cells)) for _, cells in rows]
    first = next(filter(None, names), "")
    found: dict[str, list[NumberedCells]] = {}
    for name, row in zip(names, rows, strict=True):
        found.setdefault(name or first, []).append(row)
    return found


def read_person(rows: Sequence[NumberedCells], mapping: Mapping, as_of: date) -> Candidate:
    """One person from all of their rows: what was exposed is united, the first usable contact is kept.

    A minor's guardian is written to at the guardian's contacts, else at the household's. Of a person who has died, only
    the next of kin's contacts and the postal address serve: nobody writes to a dead person's own email or telephone.
    """
    state = _state([cells for _, cells in rows], mapping, as_of)
    found = [_read(line, cells, state, mapping, as_of) for line, cells in rows]
    return found[0] if len(found) == 1 else _merge(found)


def _state(rows: Sequence[Cells], mapping: Mapping, as_of: date) -> _State:
    minor, deceased, protected, consent, large = (_said(target, rows, mapping) for target in _FLAGS)
    young = any(_is_minor(cells.get("date_of_birth", ""), mapping, as_of) for cells in rows)
    gone = any(deceased)
    minor_now, agreed = young or any(minor), bool(consent) and all(consent) and not gone
    return _State(minor_now, gone, any(protected), agreed, any(large) and not gone and not minor_now)


_FLAGS: Final = ("minor", "deceased", "protected", "consent_email", "large_print")


def _said(target: str, rows: Sequence[Cells], mapping: Mapping) -> list[bool | None]:
    """What each row that has the column filled in says."""
    return [_flag(text, target, mapping) for cells in rows if (text := cells.get(target, "")) and text.strip()]


def _is_minor(text: str, mapping: Mapping, as_of: date) -> bool:
    return bool(text) and 0 <= _age(_born(text, mapping.date_format), as_of) < mapping.minor_below


@lru_cache(maxsize=65_536)
def _age(born: str, as_of: date) -> int:
    """In years; -1 without a birth date."""
    if not born:
        return -1
    day = date.fromisoformat(born)
    return as_of.year - day.year - ((as_of.month, as_of.day) < (day.month, day.day))


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
    said = cells if type(cells) is Tidy else {target: _tidy(text, target, notes) for target, text in cells.items()}
    country, residence = _place(said, mapping, notes)
    born = _believable(said.get("date_of_birth", ""), mapping, as_of, notes)
    email, (phone, mobile), address = _contacts(said, cells, state.role, country or residence[:2], mapping, notes)
    customer, name, key = said.get("customer", ""), _name(said), person_key(cells, mapping, line)
    elements, guardian, kin = _elements(cells, mapping), said.get("guardian_name", ""), said.get("next_of_kin_name", "")
    missing = _missing(state.role, name, key, elements, guardian, kin)
    return Candidate(
        person_key=key,
        line=line,
        residence=residence,
        language=_language(said.get("language", ""), mapping, notes),
        role=state.role,
        elements=elements,
        minor=state.minor,
        deceased=state.deceased,
        protected=state.protected,
        consent_email=state.consent_email,
        name=name,
        guardian_name=guardian,
        next_of_kin_name=kin,
        email=email,
        phone=phone,
        mobile=mobile,
        address=address,
        country=country if address else "",
        born=born,
        customer=_code(customer) if customer else "",
        customer_name=customer,
        own_dates=said.get("own_dates", ""),
        app=said.get("app_id", "") if state.role is Role.SELF else "",
        large_print=state.large_print,
        warnings=(*dict.fromkeys(notes), *missing) if notes or missing else (),
    )


_TEXTS: Final = frozenset(
    {
        *("name", "given_name", "family_name", "guardian_name", "next_of_kin_name", "customer", "own_dates"),
        *("street", "street2", "city", "region", "postal_code", "app_id"),
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


def _missing(
    role: Role, name: str, key: str, elements: frozenset[str], guardian: str, next_of_kin: str
) -> list[ListWarning]:
    checks = (
        (not name, ListWarning.NO_NAME),
        (key.startswith(("row:", "line:")), ListWarning.NO_IDENTITY),
        (not elements, ListWarning.NO_ELEMENTS),
        (role is Role.GUARDIAN and not guardian, ListWarning.NO_GUARDIAN),
        (role is Role.NEXT_OF_KIN and not next_of_kin, ListWarning.NO_NEXT_OF_KIN),
    )
    return [warning for missing, warning in checks if missing]


# --- how they are reached -------------------------------------------------------------------------------------------

_ASIDE: Final = {Role.GUARDIAN: "guardian", Role.NEXT_OF_KIN: "next_of_kin"}
Phone = tuple[str, bool]
NO_PHONE: Final = ("", False)


def _contacts(
    said: Cells, raw: Cells, role: Role, country: str, mapping: Mapping, notes: list[str]
) -> tuple[str, Phone, tuple[str, ...]]:
    """Each contact from the first column that holds a usable one; which columns serve depends on the role."""
    aside, shared = _ASIDE.get(role), () if role is Role.NEXT_OF_KIN else ("",)
    prefixes = (*([f"{aside}_"] if aside else []), *shared)
    emails = [text for prefix in prefixes if (text := raw.get(f"{prefix}email", "").strip())]
    phones = [text for prefix in prefixes if (text := raw.get(f"{prefix}phone", "").strip())]
    email = next((read for text in emails if (read := read_email(text))), "")
    phone = next((found for text in phones if (found := read_phone(text, country))[0]), NO_PHONE)
    address = _own_lines(raw.get(f"{aside}_address", ""), country, mapping) if aside else ()
    if not address:
        address = _own_lines(raw.get("address", ""), country, mapping) or _lines(said, country)
    if emails and not email:
        notes.append(ListWarning.EMAIL_UNUSABLE)
    if phones and not phone[0]:
        notes.append(ListWarning.PHONE_UNUSABLE)
    if not address and any(said.get(part) for part in ("address", "street", "city")):
        notes.append(ListWarning.ADDRESS_INCOMPLETE)
    return email, phone, address


def _lines(said: Cells, country: str) -> tuple[str, ...]:
    street, street2, *town = (said.get(part, "") for part in ("street", "street2", "city", "region", "postal_code"))
    return address_lines((street, street2), town[0], town[1], town[2], country)


def _own_lines(text: str, country: str, mapping: Mapping) -> tuple[str, ...]:
    """Lines that the source wrote itself, with the country's name put last; one line alone reaches nobody."""
    if not text:
        return ()
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
    m = merged
    missing = _missing(m.role, m.name, m.person_key, m.elements, m.guardian_name, m.next_of_kin_name)
    return replace(merged, warnings=(*notes, *missing))


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
    "name", "guardian_name", "next_of_kin_name", "email", "born", "customer", "customer_name", "own_dates", "app",
)  # fmt: skip


def _vague(residence: str) -> bool:
    return residence == UNKNOWN_PLACE or lacks_region(residence)
