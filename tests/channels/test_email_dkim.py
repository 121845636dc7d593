"""DKIM: an independent library reads what we sign, and finds every change."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from email.headerregistry import Address
from pathlib import Path
from typing import Any

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from flows.steps.dkim_key import published, signer
from models.settings import Settings, read_settings
from models.values import BadInput, Channel, Contacts, Message, Slot
from notifiers.email.mime import Sender, build

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
NAMES = ("Robin Sample", "Zoë Müller", "李 样例", "Robin " + "Longname" * 12, "..Dot Sample", '"Quoted" Sample')


@pytest.fixture
def settings(tmp_path: Path) -> Callable[..., Settings]:
    def make(key: Any = RSA, mode: int = 0o600, **more: str) -> Settings:
        path = tmp_path / "dkim.pem"
        path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        path.chmod(mode)
        own = {"TOCSIN_DKIM_KEY_FILE": str(path), "TOCSIN_DKIM_SELECTOR": "s1"}
        return read_settings({"TOCSIN_MODE": "exercise", **own, **more})

    return make


def mail(settings: Settings, name: str = "Robin Sample", text: str = "Dear reader,\n\n.a dot\n\n\n") -> bytes:
    reply = Address(addr_spec="incident@example.org")
    sender = Sender(Address("Ex", addr_spec="notice@example.org"), reply, "b.example.org", b"k" * 16)
    signed = Sender(sender.address, reply, "b.example.org", b"k" * 16, signer(settings, "example.org"))
    message = Message("d1", "n1", Channel.EMAIL, "en", Contacts("p@example.org"), {Slot.NAME: name}, "A notice", text)
    assert (
        build(message, sender, datetime(2026, 3, 2, tzinfo=UTC)).content
        in build(message, signed, datetime(2026, 3, 2, tzinfo=UTC)).content
    )
    return build(message, signed, datetime(2026, 3, 2, tzinfo=UTC)).content


def verified(content: bytes, settings: Settings) -> bool:
    record = f"v=DKIM1; k=rsa; p={published(settings)}".encode()
    return bool(
        dkim.verify(content, dnsfunc=lambda name, **_: record if name == b"s1._domainkey.example.org." else None)
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_verifier_accepts_what_we_sign(name: str, settings: Callable[..., Settings]) -> None:
    own = settings()
    assert verified(mail(own, name), own)


CHANGES = [
    (b"Dear reader", b"Dear readers"),  # body
    (b"Subject: A notice", b"Subject: Another"),
    (b"notice@example.org>\r\nReply", b"notice@example.net>\r\nReply"),
    (b"\r\nTo: ", b"\r\nFrom: evil@example.net\r\nTo: "),  # a second From
]


@pytest.mark.parametrize(("old", "new"), CHANGES)
def test_a_change_breaks_the_signature(old: bytes, new: bytes, settings: Callable[..., Settings]) -> None:
    own = settings()
    content = mail(own)
    assert content.count(old) == 1
    assert not verified(content.replace(old, new), own)


def test_white_space_that_a_relay_refolds_breaks_nothing(settings: Callable[..., Settings]) -> None:
    own = settings()
    content = mail(own)
    assert verified(content.replace(b"Subject: A notice", b"Subject:   A\r\n notice"), own)


def test_every_line_of_the_signature_is_short(settings: Callable[..., Settings]) -> None:
    lines = mail(settings()).split(b"\r\nFrom:")[0].split(b"\r\n")
    assert max(map(len, lines)) <= 200
    assert len(lines) > 5


def test_ed25519_signs_the_hash_of_the_headers(settings: Callable[..., Settings]) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    own = settings(key)
    assert published(own) == b64encode(key.public_key().public_bytes_raw()).decode()
    assert b"a=ed25519-sha256" in mail(own)


REFUSED = [
    ({"mode": 0o644}, "read by others"),
    ({"TOCSIN_DKIM_SELECTOR": ""}, "is not set"),
    ({"TOCSIN_DKIM_KEY_FILE": "nowhere.pem"}, "can't be read"),
    ({"TOCSIN_DKIM_KEY_FILE": __file__}, "others|PEM"),
]


@pytest.mark.parametrize(("changes", "why"), REFUSED)
def test_a_key_that_can_not_sign_is_refused(
    changes: dict[str, Any], why: str, settings: Callable[..., Settings]
) -> None:
    with pytest.raises(BadInput, match=why):
        signer(settings(**changes), "example.org")


def test_without_a_key_nothing_is_signed() -> None:
    assert signer(read_settings({"TOCSIN_MODE": "exercise"}), "example.org") is None
