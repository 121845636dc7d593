"""Ed25519 keys of people who approve: made, read, signed with, verified. Private keys never enter the database."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
    load_ssh_public_key,
)

from models.values import BadInput


def make_key(path: Path) -> Path:
    """A new private key in `path` (PEM, 0600) and its public half beside it; returns the latter. Never overwrites."""
    key = Ed25519PrivateKey.generate()
    public = path.with_name(path.name + ".pub")
    _write(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o600)
    _write(public, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), 0o644)
    return public


def read_private(path: Path) -> Ed25519PrivateKey:
    """Refuses a key that others may read."""
    if path.exists() and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise BadInput(f"key {path.name}", "can be read by others.", f"Run: chmod 600 {path.name}")
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError):
        raise BadInput(
            f"key {path.name}", "is no readable private key.", "`tocsin people key FILE` makes one."
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise BadInput(f"key {path.name}", "is not an Ed25519 key.", "`tocsin people key FILE` makes one.")
    return key


def read_public(path: Path) -> str:
    """A public key (PEM or OpenSSH) as 64 hex digits."""
    try:
        data = path.read_bytes()
        key = load_ssh_public_key(data) if data.startswith(b"ssh-") else load_pem_public_key(data)
    except (OSError, ValueError):
        raise BadInput(
            f"key {path.name}", "is no readable public key.", "Give the .pub file, not the private key."
        ) from None
    if not isinstance(key, Ed25519PublicKey):
        raise BadInput(f"key {path.name}", "is not an Ed25519 key.", "`tocsin people key FILE` makes one.")
    return key.public_bytes_raw().hex()


def public_of(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes_raw().hex()


def sign(key: Ed25519PrivateKey, statement: bytes) -> str:
    return key.sign(statement).hex()


def holds(public_key: str, statement: bytes, signature: str) -> bool:
    """Whether the signature is that key's, over exactly these bytes."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)).verify(bytes.fromhex(signature), statement)
    except (InvalidSignature, ValueError):
        return False
    return True


def _write(path: Path, data: bytes, mode: int) -> None:
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
    except FileExistsError:
        raise BadInput(f"key {path.name}", "exists already.", "A key is never overwritten.") from None
    with open(handle, "wb") as file:
        file.write(data)
