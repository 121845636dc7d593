"""Settings from the environment: one table, one place. `SETTINGS` is also what the README and `doctor` print."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from models.values import BadInput, Mode

SETTINGS: dict[str, str] = {
    "TOCSIN_MODE": "live or exercise; no default. The database is one or the other, and both must agree.",
    "TOCSIN_HOME": "Folder for inbox/ letters/ lists/ pages/ reports/ packs/. Default: ./tocsin-home",
    "TOCSIN_DATABASE_URL": "sqlite:///PATH or postgresql://USER@HOST/NAME. Default: sqlite in TOCSIN_HOME",
    "TOCSIN_KEY_FILE": "File with the wrapping key, mode 0600. Default: TOCSIN_HOME/tocsin.key",
    "TOCSIN_PROFILE": "The organisation's profile. Default: TOCSIN_HOME/organisation.toml",
    "TOCSIN_TEMPLATES": "Folder with your own words; searched before ours.",
    "TOCSIN_SMTP_URL": "smtp://USER:PASSWORD@HOST:587 (STARTTLS is required outside loopback) or smtps://…",
    "TOCSIN_BOUNCE_DOMAIN": "Domain of the return paths b+ID.MAC@DOMAIN that your bounce mailbox collects.",
    "TOCSIN_DKIM_KEY_FILE": "Private key (PEM, mode 0600) that signs mails; unset, the relay signs or nobody.",
    "TOCSIN_DKIM_SELECTOR": "Selector under which its public half is published.",
    "TOCSIN_DKIM_DOMAIN": "Domain that signs. Default: that of [sender] email.",
    "TOCSIN_RESOLVER": "DNS server that `tocsin doctor` asks: ADDRESS, ADDRESS:PORT or system; unset, it asks none.",
    "TOCSIN_PUBLIC_URL": "Where the folder pages/public is served; the daily look fetches the page there.",
    "TOCSIN_TWILIO_API_BASE": "Base URL of the SMS provider's API; a stand-in's in tests.",
    "TOCSIN_TWILIO_SID": "Account SID.",
    "TOCSIN_TWILIO_TOKEN": "Auth token.",
    "TOCSIN_TWILIO_FROM": "Sender: a number in E.164 or a messaging service SID.",
    "TOCSIN_TWILIO_VOICE_FROM": "Number that spoken calls come from, in E.164.",
    "TOCSIN_CALLBACK_URL": "Where `tocsin answer` is reached from outside: calls ask there what to say.",
    "TOCSIN_PUSH_URL": "Address of your app's server that takes notices as signed webhooks.",
    "TOCSIN_PUSH_SECRET": "Secret shared with it: whsec_ and base64 of 24 bytes or more.",
    "TOCSIN_PRINT_URL": "Address of the print house's interface; without it, the folder in [printer] of the profile.",
    "TOCSIN_PRINT_TOKEN": "Its token.",
}


@dataclass(frozen=True, slots=True)
class Settings:
    mode: Mode
    home: Path
    database_url: str = field(repr=False)  # may hold a password
    key_file: Path
    profile: Path
    templates: Path | None = None
    smtp_url: str = field(default="", repr=False)
    bounce_domain: str = ""
    dkim_key_file: str = ""
    dkim_selector: str = ""
    dkim_domain: str = ""
    resolver: str = ""
    public_url: str = ""
    twilio_api_base: str = ""
    twilio_sid: str = ""
    twilio_token: str = field(default="", repr=False)
    twilio_from: str = ""
    twilio_voice_from: str = ""
    callback_url: str = ""
    push_url: str = ""
    push_secret: str = field(default="", repr=False)
    print_url: str = ""
    print_token: str = field(default="", repr=False)

    def folder(self, name: str) -> Path:
        """A folder inside TOCSIN_HOME, made on first use, readable by the owner only."""
        path = self.home / name
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Settings as the environment gives them; errors name the variable."""
    unknown = sorted(k for k in environ if k.startswith("TOCSIN_") and k not in SETTINGS and k != "TOCSIN_PYTHON")
    if unknown:
        raise BadInput(unknown[0], "is not a setting of Tocsin.", "`tocsin doctor` lists them all.")
    home = Path(environ.get("TOCSIN_HOME", "tocsin-home"))
    return Settings(
        mode=_mode(environ.get("TOCSIN_MODE", "")),
        home=home,
        database_url=environ.get("TOCSIN_DATABASE_URL") or f"sqlite:///{home / 'tocsin.db'}",
        key_file=Path(environ.get("TOCSIN_KEY_FILE", home / "tocsin.key")),
        profile=Path(environ.get("TOCSIN_PROFILE", home / "organisation.toml")),
        templates=Path(environ["TOCSIN_TEMPLATES"]) if environ.get("TOCSIN_TEMPLATES") else None,
        smtp_url=environ.get("TOCSIN_SMTP_URL", ""),
        bounce_domain=environ.get("TOCSIN_BOUNCE_DOMAIN", ""),
        dkim_key_file=environ.get("TOCSIN_DKIM_KEY_FILE", ""),
        dkim_selector=environ.get("TOCSIN_DKIM_SELECTOR", ""),
        dkim_domain=environ.get("TOCSIN_DKIM_DOMAIN", ""),
        resolver=environ.get("TOCSIN_RESOLVER", ""),
        public_url=environ.get("TOCSIN_PUBLIC_URL", ""),
        twilio_api_base=environ.get("TOCSIN_TWILIO_API_BASE", ""),
        twilio_sid=environ.get("TOCSIN_TWILIO_SID", ""),
        twilio_token=environ.get("TOCSIN_TWILIO_TOKEN", ""),
        twilio_from=environ.get("TOCSIN_TWILIO_FROM", ""),
        twilio_voice_from=environ.get("TOCSIN_TWILIO_VOICE_FROM", ""),
        callback_url=environ.get("TOCSIN_CALLBACK_URL", ""),
        push_url=environ.get("TOCSIN_PUSH_URL", ""),
        push_secret=environ.get("TOCSIN_PUSH_SECRET", ""),
        print_url=environ.get("TOCSIN_PRINT_URL", ""),
        print_token=environ.get("TOCSIN_PRINT_TOKEN", ""),
    )


def _mode(word: str) -> Mode:
    try:
        return Mode(word)
    except ValueError:
        remedy = "Set TOCSIN_MODE=live or TOCSIN_MODE=exercise; there is no default."
        raise BadInput("TOCSIN_MODE", f"is {word!r}." if word else "is not set.", remedy) from None
