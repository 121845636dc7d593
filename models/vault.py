"""Keys, sealed values and blind indexes.

A key file outside the database holds the wrapping key. Each incident has a data key, stored wrapped; every sealed value
is AES-256-GCM under it, bound to its incident, table, row and field, so that values can't be swapped between rows.
Blind indexes, the leaves of people's approvals and verification codes derive from the same data key: erasing an
incident is deleting one wrapped key. Suppressions outlive incidents, so their index has a key of its own.

Errors name contexts and key ids, never a value.
"""

from __future__ import annotations

import hmac
import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from models.values import BadInput, Contacts, TocsinError, canonical

if TYPE_CHECKING:
    from sqlmodel import Session

_VERSION = b"\x01"
_ID, _NONCE, _KEY = 4, 12, 32  # bytes
_FILE_FORMAT = "tocsin-key-1"
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # no I, L, O, U: read out over the telephone without doubt


class WrongKey(TocsinError):
    """A value was sealed with another key than the one at hand."""


class NotOurs(TocsinError):
    """A sealed value was changed, or stands in a row, field or incident that it was not sealed for."""


@dataclass(frozen=True, slots=True)
class Record:
    """What we know of one person, as it is sealed in subject.sealed. Empty strings mean none."""

    name: str = ""
    salutation: str = ""
    guardian_name: str = ""
    next_of_kin_name: str = ""
    email: str = ""
    phone: str = ""  # E.164
    address: tuple[str, ...] = ()  # lines below the addressee
    country: str = ""  # ISO 3166-1 of the address
    born: str = ""  # ISO 8601 date
    customer_name: str = ""  # the controller whose person this is, as the list writes it
    own_dates: tuple[str, ...] = ()
    app: str = ""  # the person's id in the organisation's own app
    large_print: bool = False  # asked for letters in large print

    def to_json(self) -> str:
        """Canonical JSON of what there is: an empty field is left out."""
        return canonical({name: value for name in self.__slots__ if (value := getattr(self, name))})

    @classmethod
    def from_json(cls, text: str) -> Record:
        known = {f.name for f in fields(cls)}
        data: dict[str, Any] = {k: v for k, v in json.loads(text).items() if k in known}
        for name in ("address", "own_dates"):
            data[name] = tuple(data.get(name, ()))
        return cls(**data)

    def contacts(self) -> Contacts:
        return Contacts(self.email, self.phone, self.address, self.country, self.app, self.large_print)

    def __repr__(self) -> str:
        return "Record(sealed)"  # a record in a log or a traceback would be a leak


# --- keys -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, repr=False)
class KeyFile:
    """The wrapping key and the suppression key, as kept in a file that only its owner may read."""

    key: bytes
    suppression: bytes

    @classmethod
    def create(cls, path: Path) -> KeyFile:
        """Makes new keys in a new file, mode 0600. BadInput when the file exists: overwriting would lose everything."""
        return cls(os.urandom(_KEY), os.urandom(_KEY))._write(path)

    @classmethod
    def load(cls, path: Path) -> KeyFile:
        """BadInput when the file is missing, readable by others or no key file."""
        try:
            mode = path.stat().st_mode
            text = path.read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"key file {path.name}", "can't be read.", "Check TOCSIN_KEY_FILE and its owner.") from error
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise BadInput(f"key file {path.name}", "can be read by others.", f"Run: chmod 600 {path.name}")
        match text.split():
            case [form, key, suppression] if form == _FILE_FORMAT and _is_key(key) and _is_key(suppression):
                return cls(bytes.fromhex(key), bytes.fromhex(suppression))
        raise BadInput(f"key file {path.name}", "is no key file of Tocsin's.", "Restore it from its safe copy.")

    def rotated(self, path: Path) -> KeyFile:
        """A new wrapping key in a new file; the suppression key stays, since what it indexed can't be read back."""
        return KeyFile(os.urandom(_KEY), self.suppression)._write(path)

    def vault(self) -> Vault:
        return Vault(self.key, self.suppression)

    def _write(self, path: Path) -> KeyFile:
        text = f"{_FILE_FORMAT}\n{self.key.hex()}\n{self.suppression.hex()}\n"
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            raise BadInput(f"key file {path.name}", "exists already.", "A key is never overwritten.") from None
        with open(handle, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        return self


def _is_key(text: str) -> bool:
    return len(text) == 2 * _KEY and all(c in "0123456789abcdef" for c in text)


def _derive(key: bytes, purpose: str, length: int = _KEY) -> bytes:
    return HKDF(SHA256(), length, salt=None, info=f"tocsin/{purpose}".encode()).derive(key)


class _Sealer:
    """AES-256-GCM with the key's id in front of each value: version, key id, nonce, ciphertext with tag."""

    __slots__ = ("_aes", "id")

    def __init__(self, key: bytes, purpose: str) -> None:
        self._aes = AESGCM(_derive(key, purpose))
        self.id = _derive(key, f"{purpose}/id", _ID)

    def seal(self, context: str, plain: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return _VERSION + self.id + nonce + self._aes.encrypt(nonce, plain, context.encode())

    def open(self, context: str, blob: bytes) -> bytes:
        if blob[:1] != _VERSION or len(blob) < 1 + _ID + _NONCE:
            raise NotOurs(f"{context}: is no sealed value; was the row written by another program?")
        used = blob[1 : 1 + _ID]
        if used != self.id:
            raise WrongKey(f"{context}: was sealed with key {used.hex()}, and we hold key {self.id.hex()}.")
        nonce, sealed = blob[1 + _ID : 1 + _ID + _NONCE], blob[1 + _ID + _NONCE :]
        try:
            return self._aes.decrypt(nonce, sealed, context.encode())
        except InvalidTag:
            raise NotOurs(f"{context}: does not open; it was changed or belongs to another row or field.") from None


class Vault:
    """The wrapping key at work. `key` is KeyFile.key; tests may pass any 32 bytes."""

    __slots__ = ("_suppression", "_wrap")

    def __init__(self, key: bytes, suppression: bytes | None = None) -> None:
        if len(key) != _KEY:
            raise BadInput("wrapping key", f"has {len(key)} bytes, not {_KEY}.", "Load it with KeyFile.load.")
        self._wrap = _Sealer(key, "wrap")
        self._suppression = suppression or _derive(key, "suppression")

    @property
    def key_id(self) -> str:
        """Which wrapping key this is; kept beside what it wraps, says nothing about the key itself."""
        return self._wrap.id.hex()

    def new_incident_key(self, incident_id: str) -> bytes:
        """A fresh data key, wrapped, for incident.wrapped_key."""
        return self._wrap.seal(_key_context(incident_id), os.urandom(_KEY))

    def incident(self, incident_id: str, wrapped: bytes | None) -> IncidentKey:
        """WrongKey with another key file, NotOurs with another incident's wrapped key, BadInput after erasure."""
        if wrapped is None:
            raise BadInput(f"incident {incident_id}", "is erased: its key is gone, for good.")
        try:
            return IncidentKey(incident_id, self._wrap.open(_key_context(incident_id), wrapped))
        except WrongKey as error:
            raise WrongKey(f"{error} Point TOCSIN_KEY_FILE to the file that this database was made with.") from None

    def suppression_index(self, value: str) -> str:
        """Blind index of a normalised contact or person key in the list of those never to be contacted."""
        return _mac(self._suppression, "suppression", value).hex()

    def verification_index(self, code: str) -> str:
        """Blind index of a notice's verification code. Outlives incidents: a letter is asked about years later."""
        return _mac(self._suppression, "verification", code).hex()

    def sign_publication(self, statement: bytes) -> tuple[str, str]:
        """The public key that stands for this office on its site, and its Ed25519 signature, both as hex."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        own = Ed25519PrivateKey.from_private_bytes(_derive(self._suppression, "publication"))
        return own.public_key().public_bytes_raw().hex(), own.sign(statement).hex()

    def __repr__(self) -> str:
        return f"Vault({self.key_id})"


def rewrap(old: Vault, new: Vault, incident_id: str, wrapped: bytes) -> bytes:
    """An incident's data key under another wrapping key. Sealed values stay as they are."""
    return new._wrap.seal(_key_context(incident_id), old._wrap.open(_key_context(incident_id), wrapped))


def _key_context(incident_id: str) -> str:
    return f"incident/{incident_id}/wrapped_key"


def _mac(key: bytes, kind: str, value: str) -> bytes:
    return hmac.digest(key, f"{kind}\0{value}".encode(), "sha256")


class IncidentKey:
    """One incident's data key at work. Lives in memory only."""

    __slots__ = ("_index", "_leaf", "_sealer", "_token", "incident_id")

    def __init__(self, incident_id: str, key: bytes) -> None:
        self.incident_id = incident_id
        self._sealer = _Sealer(key, "seal")
        self._leaf, self._token = (_derive(key, p) for p in ("leaf", "token"))
        self._index = hmac.new(_derive(key, "index"), digestmod="sha256")  # its copies spare the setting up

    def seal(self, context: str, plain: bytes) -> bytes:
        """`context` names table, row and field, as in `subject/<id>/sealed`; opening needs the same."""
        return self._sealer.seal(f"{self.incident_id}/{context}", plain)

    def open(self, context: str, blob: bytes) -> bytes:
        """WrongKey or NotOurs, without data, when it doesn't open."""
        return self._sealer.open(f"{self.incident_id}/{context}", blob)

    def index(self, kind: str, value: str) -> str:
        """Blind index of a normalised value: equal values of one kind and incident are equal, nothing else shows."""
        mac = self._index.copy()
        mac.update(f"{kind}\0{value}".encode())
        return mac.hexdigest()

    def leaf(self, data: str) -> str:
        """Keyed digest of what was approved for one person; after erasure nobody can try values against it."""
        return _mac(self._leaf, "leaf", data).hex()

    def token(self, purpose: str, value: str, n: int) -> str:
        """`n` characters (1 to 51) of Crockford's base 32, the same for the same purpose and value.

        For references and verification codes. Five bits each: at 10 characters a million people meet by chance once in
        two thousand incidents.
        """
        if not 1 <= n <= 51:
            raise ValueError("a token has 1 to 51 characters")
        number = int.from_bytes(_mac(self._token, purpose, value), "big")
        return "".join(CROCKFORD[number >> (5 * i) & 31] for i in range(n))

    def seal_record(self, subject_id: str, record: Record) -> bytes:
        """For subject.sealed."""
        return self.seal(f"subject/{subject_id}/sealed", record.to_json().encode())

    def open_record(self, subject_id: str, blob: bytes) -> Record:
        return Record.from_json(self.open(f"subject/{subject_id}/sealed", blob).decode())

    def seal_notice(self, notice_id: str, slots: Mapping[str, str], contacts: Contacts) -> bytes:
        """For notice.sealed: the slots and contacts that were approved."""
        body = canonical({"contacts": contacts.as_data(), "slots": {str(k): v for k, v in slots.items()}})
        return self.seal(f"notice/{notice_id}/sealed", body.encode())

    def open_notice(self, notice_id: str, blob: bytes) -> tuple[dict[str, str], Contacts]:
        data = json.loads(self.open(f"notice/{notice_id}/sealed", blob))
        contacts = data["contacts"] | {"address": tuple(data["contacts"]["address"])}
        return data["slots"], Contacts(**contacts)

    def __repr__(self) -> str:
        return f"IncidentKey({self.incident_id})"


def rotate(session: Session, old: Vault, new: Vault) -> int:
    """Wraps every incident's key with `new`, in the session's transaction: all of them or none. Returns how many."""
    from sqlmodel import select

    from models.tables import Incident, Setting

    incidents = session.exec(select(Incident)).all()
    for incident in incidents:
        if incident.wrapped_key is not None:
            incident.wrapped_key = rewrap(old, new, incident.id, incident.wrapped_key)
        incident.key_id = new.key_id
    session.merge(Setting(name="key_id", value=new.key_id))
    return len(incidents)
