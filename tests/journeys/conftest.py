"""An office for the stories: an exercise home on either database, two people who sign, a relay, an SMS provider."""

from __future__ import annotations

import csv
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from flows.steps import approvals, deliver, open_incident, prepare_notices, scope_subjects, settle, status
from flows.steps.desk import Desk, find_incident, open_desk
from models import ledger, signing
from models.session import advance
from models.tables import metadata
from models.values import Seat
from models.vault import KeyFile
from notifiers.fake.smtp import SmtpSink
from notifiers.fake.twilio import TwilioStandIn

RESPONDER = "responder"
NOBODYS = "AQ"  # Antarctica has no law of notice: the stories stay what they are, however many laws are added
SIGNERS = {"counsel": Seat.LEGAL, "officer": Seat.DPO}

PROFILE = """
[organisation]
name = "Example Clinic"
postal_address = ["1 Example Plaza", "Sampleton, IL 60600", "United States"]
country = "US"
timezone = "America/Chicago"
website = "https://www.example.org"
[contact]
name = "Incident line"
email = "incident@example.org"
phone = "+1 202-555-0100"
toll_free = "+1 800-555-0100"
[dpo]
name = "Privacy officer"
email = "privacy@example.org"
[sender]
name = "Example Clinic"
email = "notice@example.org"
[reporter]
name = "Privacy officer"
contact = "privacy@example.org"
function = "dpo"
[hipaa]
filed_by = "covered_entity"
entity_type = "provider"
[[on_call]]
name = "Duty lead"
email = "duty@example.org"
[retention]
people_days = 180
[texts]
first = 0
last = 24
[wave]
pilot = 0
bounce_limit = 1.0
"""

HIPAA: dict[str, Any] = {
    "id": "clinic",
    "title": "A clinic (exercise)",
    "organisation": {
        "name": "Example Clinic",
        "country": "US",
        "role": "controller",
        "sectors": ["hipaa_covered_entity"],
        "timezone": "America/Chicago",
    },
    "incident": {"kind": "incident"},
    "times": {"occurred_from": "2026-02-20", "discovered": "2026-02-27"},
    "data": {
        "elements": {
            "max": ["name", "date_of_birth", "diagnosis", "health_record", "ssn"],
            "min": ["name", "diagnosis"],
        },
        "nature": ["confidentiality"],
        "cause": "records taken from an office",
        "medium": "paper",
        "encrypted": False,
        "unsecured_phi": True,
    },
    "risk": {"harm_unlikely": False, "reasons": "Names and diagnoses cannot be accounted for."},
    "narrative": {
        "what_happened": "On February 27, 2026 we found that patient records were taken from our office.",
        "cause": "A cabinet had been left open.",
        "impact": "Whoever holds the records can read who was treated for what.",
        "measures_taken": "We searched the office, told the police and locked every cabinet.",
        "measures_planned": "We are moving all records to a locked archive.",
        "advice": "Read the statements of your health plan and report care that you did not receive.",
        "remedies": "On request we send you a copy of what the records said about you.",
        "contact": "Privacy office, toll-free +1-800-555-0142, privacy@example.org, 1 Example Plaza, Sampleton",
        "not_affected": "Bank and card data",
    },
}

PROMISE = {
    "name": "Privacy policy, section 8",
    "text": "If an incident affects you, we tell you what happened by email, letter, telephone or notification.",
    "to": ["individuals"],
    "deadline": {"value": 15, "unit": "calendar_days", "from": "discovered"},
    "channels": ["email", "notification", "letter", "telephone"],
    "public_when_difficult": True,
}

# A shop that only its own promise obliges, in every channel.
SHOP: dict[str, Any] = {
    **HIPAA,
    "id": "shop",
    "title": "A shop (exercise)",
    "organisation": {**HIPAA["organisation"], "sectors": ["general"]},
    "data": {
        "elements": ["name", "postal_address", "email", "phone", "purchase_history"],
        "nature": ["confidentiality"],
        "cause": "a stolen password of a support account",
        "medium": "electronic",
        "encrypted": False,
        "accessed": True,
    },
    "promise": [PROMISE],
}

COLUMNS = {
    "source_id": "id",
    "name": "name",
    "date_of_birth": "born",
    "email": "email",
    "phone": "phone",
    "street": "street",
    "city": "city",
    "region": "region",
    "postal_code": "zip",
    "country": "country",
    "residence": "residence",
    "language": "language",
    "consent_email": "consent",
    "guardian_name": "guardian",
    "deceased": "deceased",
    "next_of_kin_name": "kin",
    "next_of_kin_email": "kin_email",
    "next_of_kin_address": "kin_address",
    "protected": "protected",
    "elements": "elements",
    "customer": "customer",
    "app_id": "app",
}


def canary(number: int) -> str:
    return f"CNRY-{number:08x}"


def person(number: int, **changes: str) -> dict[str, str]:
    """Somebody who agreed to email, with an address and no telephone; `changes` replace columns."""
    usual = {
        "id": f"{number:06}-{canary(number)}",
        "name": f"Robin {canary(number)}",
        "born": "1980-01-01",
        "email": f"p{number}.{canary(number)}@example.org",
        "street": f"{number} Example Street {canary(number)}",
        "city": "Sampleton",
        "region": "IL",
        "zip": "60600",
        "country": "US",
        "residence": NOBODYS,
        "language": "en",
        "consent": "yes",
        "elements": "name; diagnosis",
    }
    return {**usual, **changes}


def customer(number: int, **changes: str) -> dict[str, str]:
    """One of the shop's."""
    return person(number, **{"elements": "name; email", **changes})


def marked(number: int, mark: str) -> str:
    """The person's address with a mark that the stand-in relay obeys."""
    return f"p{number}.{canary(number)}+{mark}@example.org"


NOWHERE = {"email": "", "phone": "", "street": "", "city": "", "region": "", "zip": "", "country": ""}


def toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


@dataclass
class Office:
    """One desk and what stands around it. Every helper acts on the current incident, `slug`."""

    folder: Path
    environ: dict[str, str]
    desk: Desk
    sink: SmtpSink
    twilio: TwilioStandIn
    slug: str = ""
    HIPAA = HIPAA
    SHOP = SHOP
    NOWHERE = NOWHERE
    person = staticmethod(person)
    customer = staticmethod(customer)
    marked = staticmethod(marked)
    canary = staticmethod(canary)
    desks: list[Desk] = field(default_factory=list)

    # --- acts ---

    def declare(self, facts: Mapping[str, Any], author: str = RESPONDER, **changes: Any) -> open_incident.Opened:
        path = self.folder / f"{facts['id']}.toml"
        path.write_text("\n".join(f"{k} = {toml(v)}" for k, v in {**facts, **changes}.items()), encoding="utf-8")
        self.slug = facts["id"]
        return open_incident.declare(self.desk, path, author)

    def write_list(self, rows: Sequence[Mapping[str, str]]) -> tuple[Path, Path]:
        """The list and its mapping, as files."""
        people, mapping = self.folder / "people.csv", self.folder / "people.mapping.toml"
        with people.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS.values(), restval="")
            writer.writeheader()
            writer.writerows(rows)
        columns = "\n".join(f'{target} = "{column}"' for target, column in COLUMNS.items())
        mapping.write_text(f'date_format = "%Y-%m-%d"\n[columns]\n{columns}\n[defaults]\nlanguage = "en"\n', "utf-8")
        return people, mapping

    def scope(self, rows: Sequence[Mapping[str, str]], author: str = RESPONDER) -> scope_subjects.Scoped:
        return scope_subjects.scope(self.desk, self.slug, *self.write_list(rows), author)

    def prepare(self, author: str = RESPONDER) -> prepare_notices.Prepared:
        return prepare_notices.prepare(self.desk, self.slug, author)

    def profile(self, old: str, new: str) -> None:
        """Changes one line of the organisation's profile."""
        path = self.desk.settings.profile
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")
        self.desk.forget_profile()

    def key(self, name: str) -> Path:
        return self.folder / "keys" / name

    def enrol(self, name: str, seat: Seat, by: str = "counsel") -> None:
        public = signing.make_key(self.key(name))
        first = name == "counsel"
        approvals.enrol(self.desk, name, seat, public, "" if first else by, None if first else self.key(by))

    def sign(self, what: str, *people: str) -> None:
        for name in people or SIGNERS:
            approvals.approve(self.desk, self.slug, what, name, self.key(name))

    def send(self, wave: int = 1, **options: Any) -> deliver.Delivered:
        return deliver.deliver(self.desk, self.slug, wave, RESPONDER, **options)

    def launch(self) -> deliver.Delivered:
        """Prepares, signs and sends the next wave."""
        wave = self.prepare().wave
        self.sign(f"wave:{wave}")
        return self.send(wave)

    def settle(self) -> settle.Settled:
        return settle.settle_all(self.desk)

    def pass_time(self, **span: float) -> None:
        self.desk.clock = advance(self.desk.db, self.desk.now() + timedelta(**span))

    def at(self, moment: datetime) -> None:
        self.desk.clock = advance(self.desk.db, moment)

    def another_desk(self) -> Desk:
        """A second process's place of work on the same database."""
        self.desks.append(open_desk(self.environ))
        return self.desks[-1]

    def reopen(self) -> None:
        """As after a restart."""
        self.desk.close()
        self.desk = open_desk(self.environ)

    # --- looks ---

    def status(self) -> dict[str, Any]:
        return status.status(self.desk, self.slug)

    def people(self) -> dict[str, int]:
        """How people stand, without zeros; the sum is checked by status itself."""
        return {k: n for k, n in self.status()["people"].items() if n and k != "in_scope"}

    def deadlines(self) -> dict[str, dict[str, Any]]:
        return {d["id"]: d for d in self.status()["deadlines"]}

    def rows(self, table: str, **equal: Any) -> list[dict[str, Any]]:
        columns = metadata.tables[table]
        with self.desk.db.read() as session:
            query = columns.select().where(*(columns.c[k] == v for k, v in equal.items()))
            return [dict(row) for row in session.connection().execute(query).mappings()]

    def states(self) -> Counter[tuple[str, str]]:
        """Deliveries by channel and state."""
        return Counter((row["channel"].value, row["state"].value) for row in self.rows("delivery"))

    def states_of(self, number: int) -> dict[str, str]:
        """One person's deliveries: channel -> state."""
        rows = self.rows("delivery", subject_id=self.subject(number))
        return {row["channel"].value: row["state"].value for row in rows}

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [row | {"body": json.loads(row["body"])} for row in self.rows("event", kind=kind)]

    def subject(self, number: int) -> str:
        """The id of a person of the list, found by the canary in the sealed name."""
        with self.desk.db.read() as session:
            incident = find_incident(session, self.slug)
        key, mine = self.desk.key(incident), self.rows("subject", incident_id=incident.id)
        return next(str(row["id"]) for row in mine if canary(number) in key.open_record(row["id"], row["sealed"]).name)

    def mails(self) -> Counter[str]:
        """Canary of the addressee -> mails that the relay took."""
        return Counter(entry["to"][0].split("@")[0].split(".")[-1].split("+")[0] for entry in self.sink.accepted)

    def tamper(self, statement: str, **values: Any) -> int:
        """What somebody with the database's password, and without our key, could do."""
        with self.desk.db.write() as session:
            return session.connection().execute(text(statement), values).rowcount

    def verifies(self) -> bool:
        with self.desk.db.read() as session:
            return ledger.verify(session, find_incident(session, self.slug).id).ok

    def refuses(
        self, error: type[Exception], sentence: str, act: Callable[..., Any], *given: Any, **named: Any
    ) -> None:
        """The act is refused with the sentence, and no carrier took anything meanwhile."""
        before = len(self.sink.accepted) + len(self.twilio.accepted)
        with pytest.raises(error, match=sentence):
            act(*given, **named)
        assert len(self.sink.accepted) + len(self.twilio.accepted) == before


@pytest.fixture
def office(ready_url: str, tmp_path: Path, vault_key: bytes) -> Iterator[Office]:
    home = tmp_path / "home"
    sink = SmtpSink(tmp_path / "relay.jsonl", home / "inbox" / "bounces").start()
    twilio = TwilioStandIn(tmp_path / "sms.jsonl").start()
    environ = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("TOCSIN_", "PREFECT_"))},
        "TOCSIN_MODE": "exercise",
        "TOCSIN_HOME": str(home),
        "TOCSIN_DATABASE_URL": ready_url,
        "TOCSIN_SMTP_URL": sink.url,
        "TOCSIN_BOUNCE_DOMAIN": "bounce.example.org",
        "TOCSIN_TWILIO_API_BASE": twilio.url,
        "TOCSIN_TWILIO_SID": twilio.account_sid,
        "TOCSIN_TWILIO_TOKEN": twilio.token,
        "TOCSIN_TWILIO_FROM": "+12025550199",
    }
    for name in ("keys", "home", "home/inbox"):
        (tmp_path / name).mkdir(mode=0o700, exist_ok=True)
    KeyFile(vault_key, bytes(32))._write(home / "tocsin.key")
    (home / "organisation.toml").write_text(PROFILE, encoding="utf-8")
    office = Office(tmp_path, environ, open_desk(environ), sink, twilio)
    for name, seat in SIGNERS.items():
        office.enrol(name, seat)
    yield office
    for desk in (office.desk, *office.desks):
        desk.close()
    sink.stop()
    twilio.stop()
