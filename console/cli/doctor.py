"""Doctor: what is set, what is missing, what must be mended, each with its remedy. Reads only; asks no carrier.

A check never stops the others. Secrets are told as set or not set.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from console.cli.found import Found
from console.cli.terminal import AsJson, answer
from models.values import ERROR, OK, BadInput, Mode, TocsinError

if TYPE_CHECKING:
    from models.settings import Settings

PANEL = "Set up"
SECRET = frozenset({"TOCSIN_DATABASE_URL", "TOCSIN_SMTP_URL", "TOCSIN_TWILIO_TOKEN", "TOCSIN_PUSH_SECRET"})
CHANNELS: Mapping[str, tuple[str, ...]] = {
    "email": ("TOCSIN_SMTP_URL", "TOCSIN_BOUNCE_DOMAIN"),
    "sms": ("TOCSIN_TWILIO_SID", "TOCSIN_TWILIO_TOKEN", "TOCSIN_TWILIO_FROM"),
    "voice": ("TOCSIN_TWILIO_VOICE_FROM", "TOCSIN_CALLBACK_URL"),  # and the account of sms
    "push": ("TOCSIN_PUSH_URL", "TOCSIN_PUSH_SECRET"),
}


def doctor(as_json: AsJson = False) -> int:
    """Look at settings, key, database, folders, words, law and carriers. Exit 1: something must be mended."""
    found = examine(os.environ)
    answer(
        as_json, {"settings": settings_table(os.environ), "found": [f._asdict() for f in found]}, lambda: _show(found)
    )
    return ERROR if any(f.state == "mend" for f in found) else OK


def settings_table(environ: Mapping[str, str]) -> list[dict[str, str]]:
    """Every setting with its meaning and what it is set to, secrets masked."""
    from models.settings import SETTINGS

    return [
        {"name": name, "value": _masked(name, environ.get(name, "")), "means": text} for name, text in SETTINGS.items()
    ]


def _masked(name: str, value: str) -> str:
    return "(set)" if value and name in SECRET else value


def examine(environ: Mapping[str, str]) -> list[Found]:
    """Every check in order. Without settings that can be read, those that need none still run."""
    found: list[Found] = []
    settings = _try(found, "settings", lambda: _settings(environ))
    if settings is not None:
        checks = {"key file": _key, "database": _database, "profile": _profile, "folders": _folders}
        for what, check in checks.items():
            found += _try(found, what, lambda check=check: check(settings)) or []  # type: ignore[misc]
        found += _carriers(environ, settings)
        found += _try(found, "mail domain", lambda: _mail_domain(settings)) or []
    found += _try(found, "words", lambda: _words(environ)) or []
    found += _try(found, "law", _law) or []
    return [*found, *_prefect(environ)]


def _try(found: list[Found], what: str, check: Callable[[], Any]) -> Any:
    try:
        return check()
    except TocsinError as error:
        remedy = error.remedy if isinstance(error, BadInput) else ""
        says = f"{error.where}: {error.problem}" if isinstance(error, BadInput) else str(error)
        found.append(Found(what, "mend", says, remedy))
        return None


# --- checks ---------------------------------------------------------------------------------------------------------


def _settings(environ: Mapping[str, str]) -> Settings:
    from models.settings import read_settings

    return read_settings(environ)


def _key(settings: Settings) -> list[Found]:
    from models.vault import KeyFile

    identity = KeyFile.load(settings.key_file).vault().key_id
    return [Found("key file", "ok", f"{settings.key_file}, mode 0600, key {identity}")]


def _database(settings: Settings) -> list[Found]:
    """Reachable, of this version of the tables, made as the mode says, with this key."""
    from models.session import SENDING_LOCKED, check_mode, db_clock, open_database
    from models.vault import KeyFile

    db = open_database(settings.database_url)
    try:
        check_mode(db, settings.mode)
        made, locked, now = db.setting("key_id"), db.setting(SENDING_LOCKED), db_clock(db).now()
    finally:
        db.close()
    found = [
        Found("database", "ok", f"{db.name}, {settings.mode.value}, tables up to date, clock {now:%Y-%m-%d %H:%M} UTC")
    ]
    if settings.key_file.exists() and made != KeyFile.load(settings.key_file).vault().key_id:
        found.append(
            Found("database", "mend", f"was made with key {made}, not the one in the key file", "Set TOCSIN_KEY_FILE.")
        )
    if locked:
        found.append(Found("database", "mend", f"sending is locked: {locked}", "A person re-arms it after looking."))
    return found


def _profile(settings: Settings) -> list[Found]:
    from models.profile import EXAMPLE, load_profile

    profile = load_profile(settings.profile)
    if settings.profile.read_text("utf-8") == EXAMPLE:
        state = "mend" if settings.mode is Mode.LIVE else "note"
        return [Found("profile", state, "is the example that init wrote", f"Fill in {settings.profile}.")]
    lacks = [
        name
        for name, value in (("[contact] phone", profile.contact.phone), ("[sender] email", profile.sender.email))
        if not value
    ]
    if lacks:
        return [Found("profile", "mend", f"{', '.join(lacks)} is empty", f"Fill in {settings.profile}.")]
    signed = [Found("profile", "ok", f"words in {name} read by {who}") for name, who in profile.reviewed.items()]
    return [Found("profile", "ok", profile.organisation.name), *signed]


def _folders(settings: Settings) -> list[Found]:
    from flows.steps.setup import FOLDERS

    found = []
    for name in FOLDERS:
        path = settings.home / name
        if not path.is_dir():
            found.append(Found("folders", "mend", f"{path} is not there", "Run `tocsin init`."))
        elif path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO) and name != "pages":
            found.append(Found("folders", "mend", f"{path} can be read by others", f"Run: chmod 700 {path}"))
    return found or [Found("folders", "ok", f"{len(FOLDERS)} folders in {settings.home}, for their owner alone")]


def _carriers(environ: Mapping[str, str], settings: Settings) -> list[Found]:
    """Whether each carrier's settings are complete. None is asked: that is what `send --proof-to` is for."""
    found = []
    for channel, names in CHANNELS.items():
        lacks = [name for name in names if not environ.get(name)]
        if not lacks:
            found.append(Found(channel, "ok", "settings complete; try it with `tocsin send --proof-to`"))
        elif len(lacks) == len(names):
            found.append(
                Found(
                    channel,
                    "note",
                    "is not set up; its people go to the next channel's turn only after it is",
                    f"Set {', '.join(lacks)}.",
                )
            )
        else:
            found.append(Found(channel, "mend", "is set up in part", f"Set {', '.join(lacks)}."))
    found.append(Found("letter, call list", "ok", f"are written to {settings.home}/letters and /lists"))
    return found


def _mail_domain(settings: Settings) -> list[Found]:
    from console.cli.doctor_mail import mail_domain

    return mail_domain(settings)


def _words(environ: Mapping[str, str]) -> list[Found]:
    """Languages, forms and fonts; a letter's press is tried with one line in each language."""
    from datetime import UTC, datetime

    from planning.forms import form_ids
    from templates.press import Report, press_document
    from templates.words import languages

    overlay = Path(environ["TOCSIN_TEMPLATES"]) if environ.get("TOCSIN_TEMPLATES") else None
    if overlay is not None and not overlay.is_dir():
        raise BadInput("TOCSIN_TEMPLATES", f"{overlay} is no folder.", "Name a folder, or leave it unset.")
    known = languages(overlay)
    for language in known:
        press_document(Report(facts=(("Aa", "Éß 注"),)), "Tocsin", language, date=datetime.now(UTC).date())
    return [
        *_languages(known, overlay),
        *_overlay(overlay),
        Found("report forms", "ok", ", ".join(form_ids(overlay))),
        Found("fonts", "ok", f"a page was printed in {len(known)} languages"),
    ]


def _overlay(overlay: Path | None) -> list[Found]:
    """The audit of the words, over the languages that the overlay changes."""
    if overlay is None:
        return []
    from planning.lint import sms_parts
    from templates.audit import audit
    from templates.words import languages

    changed = [name for name in languages(overlay) if (overlay / name).is_dir()]
    remedy = "Mend it; templates/README.md lists the placeholders."
    wrong = [Found("words", "mend", f"{p.where}: {p.what}", remedy) for p in audit(sms_parts, overlay, changed)]
    said = f"{overlay} changes {', '.join(changed) or 'no language'}; nothing is wrong with it"
    return wrong or [Found("words", "ok", said)]


def _languages(known: Sequence[str], overlay: Path | None) -> list[Found]:
    """Which languages are complete, which have the short notice only, which nobody who speaks them has read."""
    from templates.audit import standing
    from templates.words import COMPLETE

    stands = [standing(language, overlay) for language in known]
    full = ", ".join(one.language for one in stands if one.coverage == COMPLETE)
    short = [f"{one.language} (without {len(one.missing)} files)" for one in stands if one.coverage != COMPLETE]
    unread = ", ".join(one.language for one in stands if one.review)
    found = [Found("words", "ok", f"complete: {full}; short notice: {', '.join(short) or 'none'}")]
    remedy = "Before a live wave, have a speaker read them and name the reader in the profile: [reviewed]."
    return (
        [*found, Found("words", "note", f"machine-made, to be read by a speaker: {unread}", remedy)]
        if unread
        else found
    )


def _law() -> list[Found]:
    from console.cli.law_check import law_check

    _, data = law_check()
    weak = data["weak"]
    found = [
        Found("law", "ok", f"{data['instruments']} instruments, {data['versions']} versions, {data['duties']} duties")
    ]
    if weak:
        found.append(
            Found(
                "law",
                "note",
                f"{len(weak)} parts rest on memory or conflict",
                "`tocsin law check --all` names them; have them checked.",
            )
        )
    return found


def _prefect(environ: Mapping[str, str]) -> list[Found]:
    """Prefect's own settings, where it is used: telemetry off, and nobody may reach its forms without a password."""
    if not any(name.startswith("PREFECT_") for name in environ):
        return []
    found = []
    if environ.get("PREFECT_SERVER_ANALYTICS_ENABLED", "").lower() not in ("false", "0") and not environ.get(
        "DO_NOT_TRACK"
    ):
        found.append(Found("prefect", "mend", "telemetry is on", "Set PREFECT_SERVER_ANALYTICS_ENABLED=false."))
    if environ.get("PREFECT_API_URL") and not (
        environ.get("PREFECT_API_AUTH_STRING") or environ.get("PREFECT_API_KEY")
    ):
        found.append(
            Found(
                "prefect",
                "note",
                "its API asks for no password",
                "Set PREFECT_SERVER_API_AUTH_STRING and PREFECT_API_AUTH_STRING.",
            )
        )
    return found or [Found("prefect", "ok", "telemetry off, access asked for")]


# --- showing --------------------------------------------------------------------------------------------------------

STYLE = {"ok": "good", "note": "warn", "mend": "bad"}


def _show(found: list[Found]) -> None:
    from console.cli import show

    rows = [(row["name"], row["value"] or "-", row["means"]) for row in settings_table(os.environ)]
    show.table(("setting", "value", "meaning"), rows, title="Settings")
    cells = [
        (f.what, (f.state.upper() if f.state == "mend" else f.state, STYLE[f.state]), f.says, f.remedy) for f in found
    ]
    show.table(("looked at", "", "found", "what to do"), cells, title="Checks")
    bad = sum(f.state == "mend" for f in found)
    print(f"\n{show.amount(bad, 'thing')} to mend." if bad else "\nNothing must be mended.")


def register(app: typer.Typer) -> None:
    app.command("doctor", rich_help_panel=PANEL)(doctor)
