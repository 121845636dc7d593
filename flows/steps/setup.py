"""Init: database, key file, profile and folders, once. Never overwrites anything."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from models.profile import EXAMPLE
from models.session import create_database
from models.settings import Settings, read_settings
from models.values import BadInput, Mode
from models.vault import KeyFile

FOLDERS = ("inbox", "letters", "lists", "pages", "reports", "packs")


def init(environ: Mapping[str, str], *, civil_now: datetime | None = None, profile: str = EXAMPLE) -> Settings:
    """Makes what is missing; what is there already stays. `civil_now` starts an exercise's clock."""
    settings = read_settings(environ)
    if civil_now is not None and settings.mode is not Mode.EXERCISE:
        raise BadInput("--now", "only an exercise has a clock that can be set.", "Leave it out in live mode.")
    for name in FOLDERS:
        settings.folder(name)
    if not settings.key_file.exists():
        KeyFile.create(settings.key_file)
    vault = KeyFile.load(settings.key_file).vault()
    create_database(settings.database_url, settings.mode, vault.key_id, civil_now=civil_now).close()
    if not settings.profile.exists():
        settings.profile.write_text(profile, encoding="utf-8")
        settings.profile.chmod(0o600)
    return settings
