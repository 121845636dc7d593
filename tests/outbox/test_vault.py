"""Keys and sealed values: what opens, what refuses, and that nothing in clear reaches the disk."""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import vault as vaults
from models.session import Database
from models.tables import Incident, Notice, Subject
from models.values import BadInput, Contacts, Slot
from models.vault import CROCKFORD, IncidentKey, KeyFile, NotOurs, Record, Vault, WrongKey, rewrap, rotate

CANARY = "CNRY-0badcafe"
RECORD = Record(
    name=f"Ána Example {CANARY}",
    salutation=f"Dear {CANARY}",
    guardian_name=f"Guardian {CANARY}",
    next_of_kin_name=f"Kin {CANARY}",
    email=f"ana.{CANARY}@example.org",
    phone="+12025550123",
    address=(f"1 Sample Street {CANARY}", "Springfield IL 62701"),
    country="US",
    born="1980-02-29",
    customer_name=f"Customer {CANARY}",
    own_dates=("2013-07-15", "2013-07-20"),
)


@pytest.fixture
def key(vault: Vault) -> IncidentKey:
    return vault.incident("incident-1", vault.new_incident_key("incident-1"))


def test_a_record_comes_back_whole(key: IncidentKey) -> None:
    assert key.open_record("s1", key.seal_record("s1", RECORD)) == RECORD
    assert key.open_record("s1", key.seal_record("s1", Record())) == Record()
    assert RECORD.contacts() == Contacts(RECORD.email, RECORD.phone, RECORD.address, "US")


def test_slots_and_contacts_of_a_notice_come_back_whole(key: IncidentKey) -> None:
    slots: dict[str, str] = {Slot.NAME: "Ána Example", Slot.ADDRESS: "1 Sample Street\nSpringfield"}
    blob = key.seal_notice("n1", slots, RECORD.contacts())
    assert key.open_notice("n1", blob) == ({"name": "Ána Example", "address": "1 Sample Street\nSpringfield"},
                                           RECORD.contacts())  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(plain=st.binary(max_size=200), context=st.text(max_size=20))
def test_any_value_comes_back_and_never_seals_twice_alike(plain: bytes, context: str) -> None:
    vault = Vault(bytes(32))
    key = vault.incident("i", vault.new_incident_key("i"))
    one, two = key.seal(context, plain), key.seal(context, plain)
    assert key.open(context, one) == key.open(context, two) == plain
    assert one != two


def _sealed(key: IncidentKey) -> bytes:
    return key.seal_record("s1", RECORD)


MISPLACED: dict[str, Callable[[IncidentKey, Vault], Any]] = {
    "another row": lambda k, v: k.open_record("s2", _sealed(k)),
    "another table": lambda k, v: k.open_notice("s1", _sealed(k)),
    "another field": lambda k, v: k.open("subject/s1/other", _sealed(k)),
    "a bit flipped": lambda k, v: k.open_record("s1", _sealed(k)[:-1] + bytes([_sealed(k)[-1] ^ 1])),
    "cut short": lambda k, v: k.open_record("s1", _sealed(k)[:-5]),
    "empty": lambda k, v: k.open_record("s1", b""),
    "no sealed value": lambda k, v: k.open_record("s1", RECORD.to_json().encode()),
    "another incident's wrapped key": lambda k, v: v.incident("incident-2", v.new_incident_key("incident-1")),
}


@pytest.mark.parametrize("open_", MISPLACED.values(), ids=MISPLACED.keys())
def test_a_value_opens_only_where_it_was_sealed(
    key: IncidentKey, vault: Vault, open_: Callable[[IncidentKey, Vault], Any]
) -> None:
    with pytest.raises(NotOurs) as caught:
        open_(key, vault)
    assert CANARY not in str(caught.value)


def test_another_incidents_key_says_so(key: IncidentKey, vault: Vault) -> None:
    other = vault.incident("incident-1", vault.new_incident_key("incident-1"))
    with pytest.raises(
        WrongKey, match=r"subject/s1/sealed: was sealed with key [0-9a-f]{8}, and we hold key"
    ) as caught:
        other.open_record("s1", _sealed(key))
    assert CANARY not in str(caught.value)


def test_another_key_file_says_where_to_point(vault: Vault) -> None:
    wrapped = vault.new_incident_key("incident-1")
    with pytest.raises(WrongKey, match="TOCSIN_KEY_FILE"):
        Vault(bytes(reversed(range(32)))).incident("incident-1", wrapped)


def test_rows_swapped_in_the_database_do_not_open(world: Any, vault: Vault) -> None:
    ids = [f"subject-{n}" for n in world.add_people(2)]
    with world.db.write() as session:
        key = vault.incident(world.incident, session.get_one(Incident, world.incident).wrapped_key)
        for subject in ids:
            session.get_one(Subject, subject).sealed = key.seal_record(subject, replace(RECORD, born=subject))
    with world.db.write() as session:
        a, b = (session.get_one(Subject, subject) for subject in ids)
        assert a.sealed is not None
        assert key.open_record(a.id, a.sealed).born == a.id
        a.sealed, b.sealed = b.sealed, a.sealed
    with world.db.read() as session:
        for subject in ids:
            sealed = session.get_one(Subject, subject).sealed
            assert sealed is not None
            with pytest.raises(NotOurs, match=f"{subject}/sealed: does not open"):
                key.open_record(subject, sealed)


def test_erasing_an_incident_is_deleting_its_wrapped_key(world: Any, vault: Vault) -> None:
    with world.db.write() as session:
        session.get_one(Incident, world.incident).wrapped_key = None
    with world.db.read() as session, pytest.raises(BadInput, match="incident-1: is erased"):
        vault.incident(world.incident, session.get_one(Incident, world.incident).wrapped_key)


def test_no_name_or_contact_reaches_the_disk_in_clear(world: Any, vault: Vault, backend: str, tmp_path: Path) -> None:
    number, *_ = world.add_people(1)
    with world.db.write() as session:
        key = vault.incident(world.incident, session.get_one(Incident, world.incident).wrapped_key)
        subject = session.get_one(Subject, f"subject-{number}")
        subject.sealed = key.seal_record(subject.id, RECORD)
        subject.email_index = key.index("email", RECORD.email)
        notice = session.get_one(Notice, f"notice-{number}")
        notice.sealed = key.seal_notice(notice.id, {Slot.NAME: RECORD.name}, RECORD.contacts())
        notice.leaf = key.leaf(RECORD.to_json())
        subject.customer = "MARK-in-clear"  # shows that the search below finds what is there
    if backend == "sqlite":
        stored = b"".join(p.read_bytes() for p in (tmp_path / "ready").iterdir())
        assert any(p.name.endswith("-wal") and p.stat().st_size for p in (tmp_path / "ready").iterdir())
    else:
        stored = repr(world.rows("subject") + world.rows("notice")).encode()
    assert b"MARK-in-clear" in stored
    assert stored.count(CANARY.encode()) == 0
    assert b"2025550123" not in stored


def test_scrubbing_after_an_erasure_leaves_no_wrapped_key_in_the_file(
    world: Any, vault: Vault, backend: str, tmp_path: Path
) -> None:
    with world.db.read() as session:
        wrapped = session.get_one(Incident, world.incident).wrapped_key
    assert wrapped is not None
    with world.db.write() as session:
        session.get_one(Incident, world.incident).wrapped_key = None
    world.db.scrub()
    if backend == "sqlite":
        assert all(wrapped not in p.read_bytes() for p in (tmp_path / "ready").iterdir())
    assert world.rows("incident")[0]["wrapped_key"] is None


# --- indexes, tokens ------------------------------------------------------------------------------------------------


def test_a_blind_index_says_only_that_two_values_are_equal(vault: Vault, key: IncidentKey) -> None:
    other = vault.incident("incident-1", vault.new_incident_key("incident-1"))
    seen = {
        key.index("email", "ana@example.org"),
        key.index("email", "bob@example.org"),
        key.index("phone", "ana@example.org"),
        key.leaf("ana@example.org"),
        other.index("email", "ana@example.org"),
        vault.suppression_index("ana@example.org"),
    }
    assert len(seen) == 6
    assert all(len(s) == 64 for s in seen)
    assert key.index("email", "ana@example.org") == key.index("email", "ana@example.org")


@pytest.mark.parametrize("n", [1, 8, 10, 51])
def test_a_token_can_be_read_over_the_telephone(key: IncidentKey, n: int) -> None:
    token = key.token("reference", "notice-1", n)
    assert len(token) == n
    assert set(token) <= set(CROCKFORD)
    assert token == key.token("reference", "notice-1", n)
    if n >= 8:
        assert token != key.token("verification", "notice-1", n) != key.token("verification", "notice-2", n)


@pytest.mark.parametrize("n", [0, 52])
def test_a_token_of_a_length_that_can_not_be_is_refused(key: IncidentKey, n: int) -> None:
    with pytest.raises(ValueError, match="1 to 51"):
        key.token("reference", "notice-1", n)


@pytest.mark.parametrize("what", [RECORD, KeyFile(bytes(32), bytes(32)), Vault(bytes(32))])
def test_nothing_secret_is_printed(what: object) -> None:
    shown = f"{what!r} {what}"
    assert CANARY not in shown
    assert "00000000" not in shown
    assert r"\x00" not in shown


# --- key files ------------------------------------------------------------------------------------------------------


def test_a_key_file_is_for_its_owner_only_and_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "tocsin.key"
    made = KeyFile.create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    loaded = KeyFile.load(path)
    assert (loaded, loaded.vault().key_id) == (made, made.vault().key_id)
    with pytest.raises(BadInput, match="exists already"):
        KeyFile.create(path)
    assert KeyFile.load(path) == made


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda p: p.chmod(0o640), "can be read by others. Run: chmod 600"),
        (lambda p: p.chmod(0o604), "can be read by others. Run: chmod 600"),
        (lambda p: p.unlink(), "can't be read"),
        (lambda p: p.write_text("tocsin-key-1\nabc\ndef\n"), "is no key file"),
        (lambda p: p.write_text(p.read_text()[:-9]), "is no key file"),
        (lambda p: p.write_bytes(b"\xff\xfe"), "can't be read"),
    ],
)
def test_a_key_file_that_is_not_right_says_what_to_do(
    key_file: Path, spoil: Callable[[Path], object], says: str
) -> None:
    secret = key_file.read_text().split()[1]
    spoil(key_file)
    with pytest.raises(BadInput, match=f"key file tocsin.key: {says}") as caught:
        KeyFile.load(key_file)
    assert secret not in str(caught.value)


def test_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(BadInput, match="has 16 bytes, not 32"):
        Vault(bytes(16))


def test_rotation_wraps_anew_and_keeps_values_and_suppressions(world: Any, vault: Vault, tmp_path: Path) -> None:
    old = KeyFile.create(tmp_path / "old.key")
    new = old.rotated(tmp_path / "new.key")
    wrapped = old.vault().new_incident_key(world.incident)
    sealed = old.vault().incident(world.incident, wrapped).seal_record("s1", RECORD)
    with world.db.write() as session:
        session.get_one(Incident, world.incident).wrapped_key = wrapped
        session.add(_erased(world))
    with world.db.write() as session:
        assert rotate(session, old.vault(), new.vault()) == 2
    with world.db.read() as session:
        incident = session.get_one(Incident, world.incident)
        assert session.get_one(Incident, "incident-9").wrapped_key is None
    assert incident.key_id == world.db.setting("key_id") == new.vault().key_id
    assert new.vault().incident(world.incident, incident.wrapped_key).open_record("s1", sealed) == RECORD
    with pytest.raises(WrongKey):
        old.vault().incident(world.incident, incident.wrapped_key)
    assert old.vault().suppression_index("x") == new.vault().suppression_index("x")


def _erased(world: Any) -> Incident:
    return Incident(id="incident-9", slug="nine", title="Erased", opened_at=world.now, key_id="k", wrapped_key=None)


def test_rotation_with_the_wrong_old_key_changes_nothing(world: Any, vault: Vault, db: Database) -> None:
    before = world.rows("incident")
    with pytest.raises(WrongKey), db.write() as session:
        rotate(session, Vault(bytes(reversed(range(32)))), Vault(bytes(32)))
    assert world.rows("incident") == before
    assert db.setting("key_id") == vault.key_id


def test_wrapping_anew_keeps_the_incident_bound(vault: Vault) -> None:
    with pytest.raises(NotOurs):
        rewrap(vault, Vault(bytes(32)), "incident-2", vault.new_incident_key("incident-1"))
    assert vaults.Vault(bytes(32)).key_id != vault.key_id
