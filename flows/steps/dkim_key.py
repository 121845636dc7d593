"""The private key of DKIM: read from its file, never kept elsewhere."""

from __future__ import annotations

import stat
from base64 import b64encode
from pathlib import Path
from typing import Any

from models.settings import Settings
from models.values import BadInput
from notifiers.email.dkim import Signer

SETTING = "TOCSIN_DKIM_KEY_FILE"
_LEAST_BITS = 1024  # RFC 8301 3.2: verifiers take no shorter ones


def signer(settings: Settings, sender_domain: str) -> Signer | None:
    """None where no key is set. BadInput says what is wrong with the key or the settings that go with it."""
    if not settings.dkim_key_file:
        return None
    if not settings.dkim_selector:
        raise BadInput("TOCSIN_DKIM_SELECTOR", "is not set.", "Write the name under which the public key is published.")
    key, rsa = _load(Path(settings.dkim_key_file))
    domain = settings.dkim_domain or sender_domain
    if not rsa:
        return Signer(domain, settings.dkim_selector, "ed25519-sha256", key.sign)
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    padding, hashing = PKCS1v15(), SHA256()
    return Signer(domain, settings.dkim_selector, "rsa-sha256", lambda data: bytes(key.sign(data, padding, hashing)))


def published(settings: Settings) -> str:
    """The `p=` of the record that belongs to the key: base64, one line."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key, rsa = _load(Path(settings.dkim_key_file))
    public = key.public_key()
    raw = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) if rsa else public.public_bytes_raw()
    return b64encode(raw).decode()


def _load(path: Path) -> tuple[Any, bool]:
    """The key, and whether it is RSA."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise BadInput(SETTING, "the file can be read by others.", f"Run: chmod 600 {path}")
        key = load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise BadInput(SETTING, f"can't be read: {error.strerror}.", "Check the path.") from None
    except (ValueError, TypeError):
        raise BadInput(SETTING, "is no private key in PEM without a passphrase.", "RSA or Ed25519.") from None
    if isinstance(key, Ed25519PrivateKey):
        return key, False
    if not isinstance(key, RSAPrivateKey) or key.key_size < _LEAST_BITS:
        raise BadInput(SETTING, "is neither Ed25519 nor RSA of 1024 bits or more.", "Make an RSA key of 2048 bits.")
    return key, True
