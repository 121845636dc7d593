"""A row becomes a person; nobody is lost for a bad contact, a missing name or an unread place."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from models.intake import Candidate, ListWarning, Mapping
from models.intake.contacts import RESERVED_NUMBERS, address_lines, clean, read_email, read_phone
from models.intake.language import match_language
from models.intake.people import person_key, read_everybody, read_person, unknown_word
from models.intake.words import residence_in, residence_of
from models.values import Role

AS_OF = date(2026, 11, 2)


def mapping(**more: Any) -> Mapping:
    return Mapping(**{"file": "m.toml", "columns": {}, "language": "en", "country": "US"} | more)


def person(*rows: dict[str, str], **more: Any) -> Candidate:
    return read_person([(n, row) for n, row in enumerate(rows, 2)], mapping(**more), AS_OF)


# --- contacts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("ada@example.org", "ada@example.org"),
        (" Ada@EXAMPLE.org ", "Ada@example.org"),
        ("ada+hardbounce@example.org", "ada+hardbounce@example.org"),
        ("ada@mail.invalid", "ada@mail.invalid"),
        ("ada@mail.test", "ada@mail.test"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("o'ada@example.org", "o'ada@example.org"),
        ("", ""),
        ("ada", ""),
        ("ada@", ""),
        ("@example.org", ""),
        ("ada@example", ""),
        ("ada..b@example.org", ""),
        ("ada@example.org, bob@example.org", ""),
        ("Ada <ada@example.org>", ""),
        ("ada@[127.0.0.1]", ""),
        ("ada@localhost", ""),
        ("ada@example.org\r\nBcc: eve@example.org", ""),
        ("ada@example.org\r\n", "ada@example.org"),
        ("ada\x0b@example.org", ""),
        ("ada\u202e@example.org", ""),
        ("a" * 65 + "@example.org", ""),
        ("a@" + "b" * 60 + ".example.org" * 20, ""),
    ],
)
def test_an_email_is_usable_or_dropped(written: str, read: str) -> None:
    assert read_email(written) == read


PLAIN = st.from_regex(
    r"[A-Za-z0-9._+-]{1,70}@[a-z0-9-]{1,64}(\.[a-z0-9]{1,5}){0,3}\.(org|com|de|io|test|arpa)", fullmatch=True
)


@given(PLAIN)
def test_the_short_cut_for_plain_addresses_answers_as_the_library_does(address: str) -> None:
    try:
        found = validate_email(address, check_deliverability=False, test_environment=True, strict=True)
        expected = found.ascii_email or found.normalized
    except EmailNotValidError:
        expected = ""
    assert read_email(address) == expected


@pytest.mark.parametrize(
    ("written", "country", "e164", "mobile"),
    [
        ("(312) 555-0123", "US", "+13125550123", True),
        ("+1 202 555 0199", "DE", "+12025550199", True),
        ("684-555-0100", "US", "+16845550100", True),
        ("07700 900123", "GB", "+447700900123", True),
        ("01632 960123", "GB", "+441632960123", False),
        ("020 7946 0123", "GB", "+442079460123", False),
        ("0171 3920012", "DE", "+491713920012", True),
        ("030 23125 123", "DE", "+493023125123", False),
        ("028 9649 6123", "GB", "+442896496123", False),
        ("0121 496 0123", "GB", "+441214960123", False),
        ("0176 04069012", "DE", "+4917604069012", True),
        ("0171 3920012", "", "", False),
        ("12", "US", "", False),
        ("none", "US", "", False),
        ("", "US", "", False),
        ("312 555 0123\n", "US", "", False),
        ("(555) 123-4567", "US", "", False),
    ],
)
def test_a_number_is_read_with_its_country_or_dropped(written: str, country: str, e164: str, mobile: bool) -> None:
    assert read_phone(written, country) == (e164, mobile)


def test_a_number_next_to_a_reserved_range_is_not_reserved() -> None:
    for near in ("+13125550200", "+13125549999", "+447700901000", "+441632961000", "+491713920100", "+493023126000"):
        assert not any(pattern.fullmatch(near) for pattern, _ in RESERVED_NUMBERS)


@pytest.mark.parametrize(
    ("parts", "lines"),
    [
        ((("1 Example St", ""), "Ville", "IL", "60600", "US"), ("1 Example St", "Ville, IL 60600", "UNITED STATES")),
        ((("Musterweg 1", ""), "Musterstadt", "", "00001", "DE"), ("Musterweg 1", "00001 Musterstadt", "GERMANY")),
        ((("1 Lane", "Flat 2"), "Ham", "", "ZZ9 9ZZ", "GB"), ("1 Lane", "Flat 2", "Ham", "ZZ9 9ZZ", "UNITED KINGDOM")),
        ((("示例路1号", ""), "样本市", "示例省", "000001", "CN"), ("000001", "示例省样本市", "示例路1号", "CHINA")),
        ((("1 Rua", ""), "Cidade", "", "", ""), ("1 Rua", "Cidade")),
        ((("1 Example St", ""), "", "IL", "", "US"), ()),
        ((("", ""), "Sampleton", "IL", "60600", "US"), ()),
        ((("1 Example St", ""), "Sampleton", "", "", "US"), ("1 Example St", "Sampleton", "UNITED STATES")),
    ],
)  # fmt: skip
def test_an_address_is_written_as_its_country_writes_it(parts: Any, lines: tuple[str, ...]) -> None:
    assert address_lines(*parts) == lines


@given(st.text())
def test_cleaned_text_is_one_printable_line_and_cleaning_again_changes_nothing(text: str) -> None:
    assert len(clean(text).splitlines()) <= 1
    assert clean(clean(text)) == clean(text)
    assert not any(ord(sign) < 32 or 0x7F <= ord(sign) < 0xA0 for sign in clean(text))


# --- places and languages -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "place"),
    [
        ({"residence": "US-CA"}, "US-CA"),
        ({"residence": "california"}, "US-CA"),
        ({"residence": "IL"}, "US-IL"),  # the mapping's country is US, so this is no Israel
        ({"residence": "IL", "country": "Israel"}, "IL"),
        ({"country": "US", "region": "Nueva York"}, "US"),  # neither code nor name
        ({"country": "US", "region": "N.Y."}, "US-NY"),
        ({"country": "US", "region": "NY"}, "US-NY"),
        ({"country": "USA", "region": "New York"}, "US-NY"),
        ({"country": "U.S.", "region": "Georgia"}, "US-GA"),
        ({"country": "Canada", "region": "Québec"}, "CA-QC"),
        ({"country": "AU", "region": "New South Wales"}, "AU-NSW"),
        ({"country": "Deutschland", "region": "Bayern"}, "DE"),
        ({"country": "中国"}, "CN"),
        ({"country": "UK"}, "GB"),
        ({"country": "PR"}, "US-PR"),
        ({"country": "Atlantis"}, "ZZ"),
        ({"residence": "Atlantis"}, "ZZ"),
        ({"region": "TX"}, "US-TX"),
        ({}, "US"),
    ],
)
def test_residence_is_a_state_where_laws_differ_by_state_and_never_drops_anybody(
    row: dict[str, str], place: str
) -> None:
    found = person({"name": "Ada"} | row)
    assert found.residence == place
    expected = {"ZZ": ListWarning.RESIDENCE_UNKNOWN, "US": ListWarning.REGION_UNKNOWN}.get(place)
    assert {w for w in found.warnings if w.startswith("re")} == ({expected} if expected else set())


def test_a_name_that_is_a_country_and_a_state_is_not_guessed() -> None:
    assert residence_of("Georgia") == ""
    assert (residence_in("US", "Georgia"), residence_of("GE")) == ("US-GA", "GE")


@pytest.mark.parametrize(
    ("written", "tag"),
    [
        ("en", "en"),
        ("EN_us", "en"),
        ("zh", "zh-Hans"),
        ("zh-CN", "zh-Hans"),
        ("zh-TW", "zh-Hant"),
        ("zh_Hant_HK", "zh-Hant"),
        ("简体中文", "zh-Hans"),
        ("German", "de"),
        ("Deutsch", "de"),
        ("deu", "de"),
        ("pt-BR", "pt"),
        ("xx", ""),
        ("", ""),
    ],
)
def test_a_language_is_matched_to_our_tags(written: str, tag: str) -> None:
    assert match_language(written) == tag


def test_an_unknown_language_falls_back_to_the_mappings_and_is_noted() -> None:
    found = person({"name": "Ada", "language": "Klingon", "region": "IL"})
    assert (found.language, ListWarning.LANGUAGE_UNKNOWN in found.warnings) == ("en", True)


# --- minors, the dead, consent --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("born", "form", "minor", "noted"),
    [
        ("2008-11-02", "", False, False),  # eighteen today
        ("2008-11-03", "", True, False),  # eighteen tomorrow
        ("11/03/2008", "%m/%d/%Y", True, False),
        ("2026-11-02", "", True, False),
        ("2026-12-31", "", False, True),
        ("1850-01-01", "", False, True),
        ("11/03/2008", "", False, True),
        ("", "", False, False),
    ],
)
def test_a_minor_is_told_by_birth_date_on_the_day_of_the_list(born: str, form: str, minor: bool, noted: bool) -> None:
    found = person({"name": "Ada", "date_of_birth": born}, date_format=form)
    assert (found.minor, found.role is Role.GUARDIAN) == (minor, minor)
    assert (ListWarning.BORN_UNREADABLE in found.warnings) == noted


HOME = {"street": "1 Example St", "city": "Sampleton", "region": "IL", "postal_code": "60600"}
OWN = {"name": "Ada", "email": "ada@example.org", "phone": "312 555 0100", "consent_email": "yes"} | HOME


@pytest.mark.parametrize(
    ("row", "role", "email", "phone", "address", "consent"),
    [
        ({}, Role.SELF, "ada@example.org", "+13125550100", True, True),
        ({"minor": "yes"}, Role.GUARDIAN, "ada@example.org", "+13125550100", True, True),
        ({"minor": "yes", "guardian_email": "pa@b.test"}, Role.GUARDIAN, "pa@b.test", "+13125550100", True, True),
        ({"minor": "yes", "guardian_email": "pa@"}, Role.GUARDIAN, "ada@example.org", "+13125550100", True, True),
        ({"deceased": "yes"}, Role.NEXT_OF_KIN, "", "", True, False),
        ({"deceased": "yes", "minor": "yes"}, Role.NEXT_OF_KIN, "", "", True, False),
        ({"deceased": "yes", "next_of_kin_email": "kin@b.test"}, Role.NEXT_OF_KIN, "kin@b.test", "", True, False),
        ({"street": ""}, Role.SELF, "ada@example.org", "+13125550100", False, True),
        ({"consent_email": ""}, Role.SELF, "ada@example.org", "+13125550100", True, False),
        ({"consent_email": "no"}, Role.SELF, "ada@example.org", "+13125550100", True, False),
    ],
)  # fmt: skip
def test_whom_we_write_to_decides_whose_contacts_serve(
    row: dict[str, str], role: Role, email: str, phone: str, address: bool, consent: bool
) -> None:
    found = person(OWN | row)
    assert (found.role, found.email, found.phone, found.has_address) == (role, email, phone, address)
    assert found.consent_email == consent


def test_next_of_kin_may_live_elsewhere() -> None:
    found = person(OWN | {"deceased": "yes", "next_of_kin_address": "2 Sample Rd|Exampleville, IL 61000"})
    assert found.address == ("2 Sample Rd", "Exampleville, IL 61000", "UNITED STATES")


def test_an_email_with_a_line_break_is_dropped_and_the_person_stays() -> None:
    found = person(OWN | {"email": "ada@example.org\nBcc: eve@example.org"})
    assert (found.email, found.name) == ("", "Ada")
    assert ListWarning.EMAIL_UNUSABLE in found.warnings


def test_control_characters_are_taken_out_of_names_and_noted() -> None:
    found = person({"name": "Ada\r\nBcc: x\u202e", "region": "IL"})
    assert (found.name, ListWarning.CONTROL_CHARACTER in found.warnings) == ("Ada Bcc: x", True)


@pytest.mark.parametrize(("name", "noted"), [("ZoÃ«", True), ("Zo\ufffd", True), ("Zoë", False), ("Âdám", False)])
def test_text_that_was_decoded_wrongly_somewhere_is_noted(name: str, noted: bool) -> None:
    assert (ListWarning.GARBLED in person({"name": name}).warnings) == noted


def test_a_person_without_a_name_is_still_a_person() -> None:
    found = person({"source_id": "7", "region": "IL"})
    assert (found.name, found.person_key) == ("", "id:7")
    assert ListWarning.NO_NAME in found.warnings


# --- elements and words ---------------------------------------------------------------------------------------------


def test_elements_come_from_the_list_the_columns_and_everyones_together() -> None:
    found = person(
        {"elements": "Kreditkarte; dob", "elements:ssn": "so", "elements:iban": "no"},
        elements=frozenset({"name"}),
        element_columns={"ssn": "S", "iban": "I"},
        words={"elements": {"kreditkarte": "payment_card"}, "flags": {"so": "true"}},
    )
    assert found.elements == {"name", "payment_card", "date_of_birth", "ssn"}


@pytest.mark.parametrize(
    ("row", "target"),
    [
        ({"deceased": "perhaps"}, "deceased"),
        ({"protected": "2"}, "protected"),
        ({"elements:ssn": "some"}, "elements:ssn"),
        ({"elements": "name; shoe size"}, "elements"),
        ({"deceased": "gone", "elements": "name;;ssn ", "consent_email": "X"}, ""),
    ],
)
def test_a_word_that_nobody_knows_is_named_by_its_column(row: dict[str, str], target: str) -> None:
    assert unknown_word(row, mapping(words={"deceased": {"gone": "true"}})) == target


def test_a_customer_organisation_is_kept_by_name_and_code() -> None:
    found = person({"name": "Ada", "customer": "Example & Söhne GmbH"})
    assert (found.customer, found.customer_name) == ("example-sohne-gmbh", "Example & Söhne GmbH")
    assert person({"name": "Ada", "customer": "示例公司"}).customer.startswith("org-")


# --- who is who -----------------------------------------------------------------------------------------------------

ADA = {"name": "Ada Example", "date_of_birth": "1980-01-01", **HOME}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"source_id": "1"} | ADA, {"source_id": "2"} | ADA, False),
        ({"source_id": "1", "name": "Ada"}, {"source_id": " 1 ", "name": "Ada B."}, True),
        (ADA, ADA | {"name": "ADA  example", "city": "sampleton"}, True),
        (ADA, ADA | {"email": "ada@example.org"}, True),
        (ADA, ADA | {"date_of_birth": "1980-01-02"}, False),
        (ADA, ADA | {"street": "2 Example St"}, False),
        ({"name": "Ada", "email": "home@example.org"}, {"name": "Bob", "email": "home@example.org"}, False),
        ({"name": "Ada"} | HOME, {"name": "Bob"} | HOME, False),
        ({"email": "home@example.org"}, {"email": "home@example.org", "elements": "ssn"}, False),
        ({"name": "Ada", "email": "a@example.org"}, {"name": "Ada", "email": "a@example.org"}, True),
        ({"name": "Ada", "email": "a@example.org"}, {"name": "Ada", "email": "b@example.org"}, False),
        ({"name": "Ada", "street": "1 A"}, {"name": "Ada", "street": "", "city": "1 A"}, False),
        ({"elements": "ssn"}, {"elements": "ssn"}, False),  # nothing says that these two are one
        ({}, {}, False),
    ],
)
def test_a_person_is_an_id_or_a_rule_and_never_an_address_alone(
    one: dict[str, str], other: dict[str, str], same: bool
) -> None:
    assert (person_key(one, mapping(), 2) == person_key(other, mapping(), 3)) == same


def test_rows_of_one_person_unite_what_was_exposed_and_keep_the_first_usable_contact() -> None:
    found = person(
        {"source_id": "1", "name": "Ada", "email": "ada@", "elements": "name", "region": "IL"},
        {"source_id": "1", "name": "Ada", "email": "ada@example.org", "elements": "ssn", "protected": "yes"},
        {"source_id": "1", "name": "Ada", "email": "late@example.org", "phone": "312 555 0100"} | HOME,
    )
    assert (found.email, found.phone, found.has_address, found.mobile) == (
        "ada@example.org",
        "+13125550100",
        True,
        True,
    )
    assert (found.rows, found.line, found.protected) == (3, 2, True)
    assert found.elements == {"name", "ssn"}
    assert found.residence == "US-IL"


def test_a_death_in_any_row_keeps_the_dead_persons_own_contacts_out() -> None:
    found = person({"source_id": "1"} | OWN, {"source_id": "1", "deceased": "yes", "next_of_kin_name": "Bo"})
    assert (found.role, found.email, found.phone, found.next_of_kin_name) == (Role.NEXT_OF_KIN, "", "", "Bo")
    assert found.has_address


@pytest.mark.parametrize(("said", "given"), [("yes,no", False), ("yes,", True), (",", False), ("yes,yes", True)])
def test_consent_stands_only_where_no_row_denies_it(said: str, given: bool) -> None:
    found = person(*({"source_id": "1", "consent_email": word} for word in said.split(",")))
    assert found.consent_email == given


def everybody(*rows: dict[str, str]) -> list[tuple[str, str, int]]:
    found = read_everybody(list(enumerate(rows, 2)), mapping(), AS_OF)
    return [(one.name, one.person_key, one.rows) for one in found]


@pytest.mark.parametrize(
    ("names", "people"),
    [
        ("Ada|Ada", [("Ada", "id:1", 2)]),
        ("Ada| ADA ", [("Ada", "id:1", 2)]),
        ("Ada|", [("Ada", "id:1", 2)]),
        ("|Ada", [("Ada", "id:1", 2)]),
        ("|", [("", "id:1", 2)]),
        ("Ada|Bob", [("Ada", "id:1\0ada", 1), ("Bob", "id:1\0bob", 1)]),
        ("Bob|Ada|bob|", [("Bob", "id:1\0bob", 3), ("Ada", "id:1\0ada", 1)]),
    ],
)
def test_an_id_beside_two_names_is_two_people_until_somebody_decides(
    names: str, people: list[tuple[str, str, int]]
) -> None:
    assert everybody(*({"source_id": "1", "name": name} for name in names.split("|"))) == people


def test_people_of_one_id_and_two_names_are_noted() -> None:
    rows = [(2, {"source_id": "1", "name": "Ada"}), (3, {"source_id": "1", "name": "Bob"})]
    found = read_everybody(rows, mapping(), AS_OF)
    assert all(ListWarning.SAME_ID_OTHER_NAME in one.warnings for one in found)


ANY_CELLS = st.dictionaries(
    st.sampled_from(["source_id", "name", "email", "phone", "street", "city", "region", "country", "date_of_birth"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)


@given(st.lists(ANY_CELLS, min_size=1, max_size=3))
def test_whatever_a_row_holds_a_person_comes_of_it_with_nothing_that_breaks_a_header(
    rows: list[dict[str, str]],
) -> None:
    found = person(*rows)
    for text in (found.name, found.email, found.phone, *found.address):
        assert not set(text) & set("\r\n\0\x0b\x0c\x1c\x85\u2028")
