"""One person of a list, as it was understood, and what was odd about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from models.values import Role


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
    SAME_ID_OTHER_NAME = "same_id_other_name"  # one id, several names: kept apart until a person decides


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
    app: str = ""  # id in the organisation's app; the person's own, so of nobody who is written to through another
    large_print: bool = False  # asked for letters in large print
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

    @property
    def has_app(self) -> bool:
        return bool(self.app)


class Tidy(dict[str, str]):
    """Cells that hold plain text only, as `clean` leaves it."""


Cells = Mapping[str, str]  # target (or "elements:<word>") -> the row's text; empty ones may be missing
