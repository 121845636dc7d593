"""The stage: a fresh folder, an exercise database, stand-ins for relay and provider, two people with keys, a clock."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from flows.steps import approvals
from flows.steps.desk import Desk, open_desk
from flows.steps.setup import init
from models import signing
from models.session import advance
from models.values import BadInput, Seat
from notifiers.fake.smtp import SmtpSink
from notifiers.fake.twilio import TwilioStandIn

RESPONDER = "responder"
SIGNERS: Mapping[str, Seat] = {"counsel": Seat.LEGAL, "privacy-officer": Seat.DPO}
SENDER = "+12025550199"  # reserved for fiction


def examples() -> Path:
    """The folder of examples: beside the packages in a checkout, inside `console` in a wheel."""
    for folder in (Path(__file__).parents[3] / "examples", Path(__file__).parents[2] / "examples"):
        if (folder / "presence-health").is_dir():
            return folder
    raise BadInput("examples", "are not installed with this copy of Tocsin.", "Run the demo from a checkout.")


def fresh_folder(under: Path) -> Path:
    """The next free run folder; an earlier run is never touched."""
    under.mkdir(mode=0o700, parents=True, exist_ok=True)
    number = 1 + max((int(p.name[4:]) for p in under.glob("run-*") if p.name[4:].isdigit()), default=0)
    folder = under / f"run-{number}"
    folder.mkdir(mode=0o700)
    return folder


@dataclass(slots=True)
class Stage:
    folder: Path
    environ: dict[str, str]
    desk: Desk
    sink: SmtpSink
    twilio: TwilioStandIn
    say: Callable[[str], None]
    started: float = field(default_factory=time.monotonic)

    def at(self, moment: datetime) -> None:
        """Moves the civil clock forward."""
        if moment > self.desk.now():
            self.desk.clock = advance(self.desk.db, moment)

    def dress(self, slug: str) -> None:
        """Puts on the organisation whose incident is played."""
        profile = examples() / "demo" / f"{slug}.profile.toml"
        self.desk.settings.profile.write_text(profile.read_text(encoding="utf-8"), encoding="utf-8")
        self.desk.forget_profile()

    def sign(self, slug: str, what: str) -> None:
        for name in SIGNERS:
            approvals.approve(self.desk, slug, what, name, self.folder / "keys" / f"{name}.key")

    def close(self) -> None:
        self.desk.close()
        self.sink.stop()
        self.twilio.stop()


def set_stage(under: Path, start: datetime, say: Callable[[str], None]) -> Stage:
    folder = fresh_folder(under)
    home = folder / "home"
    sink = SmtpSink(folder / "relay.jsonl", home / "inbox" / "bounces").start()
    twilio = TwilioStandIn(folder / "sms.jsonl").start()
    environ = _environment(home, sink, twilio)
    init(environ, civil_now=start)
    stage = Stage(folder, environ, open_desk(environ), sink, twilio, say)
    _enrol(stage)
    return stage


def _environment(home: Path, sink: SmtpSink, twilio: TwilioStandIn) -> dict[str, str]:
    """Ours only: whatever TOCSIN_ or PREFECT_ settings the caller has stay outside."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TOCSIN_", "PREFECT_"))}
    return kept | {
        "TOCSIN_MODE": "exercise",
        "TOCSIN_HOME": str(home),
        "TOCSIN_SMTP_URL": sink.url,
        "TOCSIN_BOUNCE_DOMAIN": "bounce.example.org",
        "TOCSIN_PUBLIC_URL": "https://www.example.org/notice",
        "TOCSIN_TWILIO_API_BASE": twilio.url,
        "TOCSIN_TWILIO_SID": twilio.account_sid,
        "TOCSIN_TWILIO_TOKEN": twilio.token,
        "TOCSIN_TWILIO_FROM": SENDER,
    }


def _enrol(stage: Stage) -> None:
    keys = stage.folder / "keys"
    keys.mkdir(mode=0o700)
    first = next(iter(SIGNERS))
    for name, seat in SIGNERS.items():
        public = signing.make_key(keys / f"{name}.key")
        by: dict[str, Any] = {} if name == first else {"by": first, "key": keys / f"{first}.key"}
        approvals.enrol(stage.desk, name, seat, public, **by)
