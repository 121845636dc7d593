"""What the demo proves, checked against what Tocsin did not write: the relay's log, the provider's, the files."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlmodel import select

from console.cli.demo import mass, presence
from console.cli.demo.stage import Stage, examples
from flows.steps import status
from flows.steps.desk import find_incident
from models import ledger
from models.tables import Delivery, LetterBatch
from models.values import Channel, DeliveryState


def prove(stage: Stage) -> list[str]:
    """One sentence for each thing that was checked. AssertionError when one does not hold."""
    return [check(stage) for check in (_sums, _relay, _sms, _letters, _mixed, _leaks, _ledger)]


def _must(holds: bool, sentence: str) -> None:
    if not holds:
        raise AssertionError(sentence)


def _sums(stage: Stage) -> str:
    planned = 0
    for slug in (presence.SLUG, mass.SLUG):
        found = status.status(stage.desk, slug)
        for channel, states in found["deliveries"].items():
            rest = sum(n for name, n in states.items() if name != "planned")
            _must(states["planned"] == rest, f"{slug} {channel}: {states}")
            planned += rest
        people = dict(found["people"])
        _must(people.pop("in_scope") == sum(people.values()), f"{slug}: {people}")
    return f"both sums hold: {planned} deliveries by channel and state, and everybody in scope once"


def _rows(stage: Stage, channel: Channel) -> list[Delivery]:
    with stage.desk.db.read() as session:
        rows = list(session.exec(select(Delivery).where(Delivery.channel == channel)).all())
        session.expunge_all()
    return rows


def _relay(stage: Stage) -> str:
    """Person by person: what the relay says it took, against what the ledger says was accepted."""
    taken = Counter(e["delivery"] for e in _lines(stage.folder / "relay.jsonl") if e["delivery"])
    rows = {r.id: r for r in _rows(stage, Channel.EMAIL)}
    known = {i for i, r in rows.items() if r.accepted_at is not None}
    ours = {i: n for i, n in taken.items() if i in rows}
    _must(known <= set(ours), "the ledger says accepted, and the relay never took it")
    lost = [i for i in ours if i not in known and rows[i].state is not DeliveryState.UNDELIVERABLE]
    _must(not lost, f"the relay took {len(lost)} that the ledger does not know of")
    twice = [i for i, n in ours.items() if n > 1]
    _must(all(rows[i].possible_duplicate for i in twice), "somebody got two copies and is not listed")
    copies = f"{len(twice)} second copies, all listed beforehand"
    return f"the relay's own log agrees person by person: {len(ours)} emails taken, {copies}"


def _sms(stage: Stage) -> str:
    taken = {e["sid"] for e in _lines(stage.folder / "sms.jsonl")}
    rows = _rows(stage, Channel.SMS)
    ours = {r.carrier_ref for r in rows if r.carrier_ref}
    _must(taken == ours, f"the provider took {len(taken)} texts, the ledger knows {len(ours)}")
    return f"the SMS provider's log agrees: {len(taken)} texts, none twice"


def _letters(stage: Stage) -> str:
    rows = [r for r in _rows(stage, Channel.LETTER) if r.accepted_at is not None]
    entries: Counter[str] = Counter()
    for manifest in (stage.folder / "home" / "letters").rglob("manifest.json"):
        entries.update(e["delivery"] for e in json.loads(manifest.read_bytes())["entries"])
    _must(set(entries) == {r.id for r in rows} and max(entries.values(), default=0) <= 1, "letters and ledger differ")
    with stage.desk.db.read() as session:
        batches = session.exec(select(LetterBatch)).all()
        pages = sum(b.pages for b in batches)
    return f"every letter is in exactly one sealed batch: {len(rows)} letters, {pages} pages, {len(batches)} batches"


def _mixed(stage: Stage) -> str:
    """Nobody got somebody else's facts: every mail names the tokens of one person only."""
    mixed = [e["delivery"] for e in _lines(stage.folder / "relay.jsonl") if len(set(e["canaries"])) > 2]
    _must(not mixed, f"{len(mixed)} mails name more than one person")
    return "no mail holds the tokens of more than one person (a child's notice and a shared mailbox have two)"


def tokens() -> list[str]:
    script = examples() / "make_people.py"
    found: list[str] = []
    for case in (presence.SLUG, mass.SLUG):
        command = [sys.executable, str(script), case, "--tokens"]
        made = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own script
        found += made.stdout.split()
    return found


def _leaks(stage: Stage) -> str:
    """No person's token stands in clear in the database, its write-ahead log, or any log of ours."""
    wanted = [t.encode() for t in tokens()]
    places = [p for p in (stage.folder / "home").glob("tocsin.db*")] + [stage.folder / "worker.log"]
    for place in places:
        data = place.read_bytes()
        if b"CNRY-" in data:
            found = sum(t in data for t in wanted)
            _must(not found, f"{place.name} holds {found} people's tokens in clear")
    return f"none of {len(wanted)} people's tokens stands in clear in the database or a log"


def _ledger(stage: Stage) -> str:
    events = 0
    for slug in (presence.SLUG, mass.SLUG):
        target = stage.folder / f"{slug}.ledger.jsonl"
        with stage.desk.db.write() as session:
            incident = find_incident(session, slug)
            verdict = ledger.verify(session, incident.id)
            _must(verdict.ok, f"{slug}: {verdict.problems[:1]}")
            seal = ledger.export(session, incident.id, target, at=stage.desk.now())
            root = seal.root
        copy = ledger.verify_file(target, root)
        _must(copy.ok, f"{slug}: the exported copy does not verify")
        events += copy.events
    return f"the ledger verifies in the database and in an exported copy: {events} events"


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)
