"""Act two: a retailer, 5,000 people in eight jurisdictions, every channel, a worker killed mid-wave."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
import tomllib
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from console.cli.demo.stage import RESPONDER, Stage, examples
from flows.steps import (
    deliver,
    erase,
    file_reports,
    open_incident,
    prepare_notices,
    publish,
    scope_subjects,
    settle,
    status,
)
from models.tables import Delivery, Notice, Subject
from models.values import Channel, DeliveryState, NeedsPerson, Refused

SLUG = "mass-case"
START = datetime(2026, 11, 18, 9, 0, tzinfo=ZoneInfo("America/New_York"))
LEASE = 3.0  # seconds; short, so that the demo does not wait for the killed worker's claims
RETURNED = 12  # letters that the post brings back
KILL_AFTER = 300  # emails that the relay has taken


def play(stage: Stage) -> None:
    stage.at(START)
    stage.dress(SLUG)
    folder = examples() / SLUG
    people = make_people(folder.parent, stage.folder / "people.csv")
    opened = open_incident.declare(stage.desk, folder / "incident.toml", RESPONDER)
    stage.say(f"declared   {opened.owed} duties owed, {opened.undetermined} undetermined and treated as owed")
    scoped = scope_subjects.scope(stage.desk, SLUG, people, folder / "people.mapping.toml", RESPONDER)
    w = scoped.waterfall
    stage.say(
        f"scoped     {w.lines} lines: {w.rows} rows = {w.people} people + {w.merged} merged,"
        f" in {len(w.by_residence)} places; now {len(scoped.owed)} owed, {len(scoped.undetermined)} undetermined"
    )
    _regulators(stage)
    wave = prepare_notices.prepare(stage.desk, SLUG, RESPONDER)
    stage.say(
        f"prepared   {wave.notices} notices to {wave.people} people:"
        f" {wave.segments} segments, {wave.wordings} wordings, {wave.errors} linter errors"
    )
    stage.sign(SLUG, f"wave:{wave.wave}")
    _kill_a_worker(stage, wave.wave)
    _finish(stage, wave.wave)
    _public(stage)
    _settle_down(stage)


def make_people(folder: Path, target: Path) -> Path:
    script = folder / "make_people.py"
    subprocess.run([sys.executable, str(script), SLUG, "--out", str(target)], check=True)  # noqa: S603 - our own script
    return target


def _regulators(stage: Stage) -> None:
    """Regulators first, where a law says so: filled, signed, written, and the receipts typed in by two people."""
    desk = stage.desk
    answers = tomllib.loads((examples() / "demo" / "answers.toml").read_text(encoding="utf-8"))
    judged = answers["edpb-art33"] | answers["us-ca-ag"]
    reports = file_reports.prepare_reports(desk, SLUG, RESPONDER, judged=judged)
    filed, left = Counter[str](), []
    for report in reports:
        if report.missing or report.problems:
            left.append(report.obligation)
            continue
        stage.sign(SLUG, f"filing:{report.obligation}")
        file_reports.write(desk, SLUG, report.obligation)
        filed[report.form] += 1
        if "/initial" in report.obligation:
            for person in ("counsel", "privacy-officer"):
                file_reports.record_receipt(
                    desk, SLUG, report.obligation, f"EX-{sum(filed.values()):04}", person, desk.now()
                )
    forms = ", ".join(sorted(filed))
    stage.say(f"reported   {sum(filed.values())} reports as PDF and JSON ({forms}); {len(left)} wait for answers")


def _kill_a_worker(stage: Stage, wave: int) -> None:
    """A worker process sends; after some hundred emails it is killed with signal 9, in the middle of what it does."""
    before = len(stage.sink.accepted)
    log = stage.folder / "worker.log"
    with log.open("wb") as out:
        worker = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "flows.steps.worker", SLUG, str(wave), str(LEASE)],
            env=stage.environ,
            stdout=out,
            stderr=out,
        )
        deadline = time.monotonic() + 60
        while len(stage.sink.accepted) - before < KILL_AFTER and worker.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
    sent = len(stage.sink.accepted) - before
    stage.say(f"killed     the sending worker (signal 9) after {sent} emails")
    time.sleep(LEASE + 0.5)


def _finish(stage: Stage, wave: int) -> None:
    """Another worker takes over, by what is still to do; doubts are looked into, bounces open the next rung."""
    desk = stage.desk
    done = deliver.deliver(desk, SLUG, wave, RESPONDER, lease_seconds=LEASE)
    settled = settle.Settled()
    for _ in range(12):
        stage.at(desk.now() + timedelta(minutes=70))
        for one in (settle.settle_all(desk),):
            settled.evidence.update(one.evidence)
            settled.resolved.update(one.resolved)
            settled.opened += one.opened
        done = deliver.deliver(desk, SLUG, wave, RESPONDER, lease_seconds=LEASE)
        if not done.open:
            break
    found = status.status(desk, SLUG)
    flagged = len(found["exceptions"]["possible_duplicates"])
    stage.say(
        f"resumed    by another worker: {flagged} hand-offs were in doubt, sent once more under the same Message-ID"
        f" and listed; {settled.opened} bounces opened the next rung"
    )


def _public(stage: Stage) -> None:
    people = status.status(stage.desk, SLUG)["people"]
    why = "Nobody else can be reached: every channel of these people was tried and failed."
    try:
        page = publish.publish(stage.desk, SLUG, RESPONDER, publish.Kind.PAGE, why)
    except (NeedsPerson, Refused) as error:
        raise AssertionError(f"the public notice did not go out: {error}") from None
    publish.publish(stage.desk, SLUG, RESPONDER, publish.Kind.PRESS, why)
    unreached = people["unreached"]
    stage.say(
        f"published  page and release in {len(page.languages)} languages, for {unreached} people no channel reaches"
    )


def _settle_down(stage: Stage) -> None:
    """Time passes: waits for soft bounces end, some letters come back, and the report that waited can be filled."""
    desk = stage.desk
    stage.at(desk.now() + timedelta(days=6))
    settle.settle_all(desk)
    deliver.deliver(desk, SLUG, 1, RESPONDER, lease_seconds=LEASE)
    back = settle.returned_letters(desk, SLUG, _some_letters(stage))
    called = deliver.deliver(desk, SLUG, 1, RESPONDER, lease_seconds=LEASE)
    listed = called.outcomes["call_list_accepted"]
    stage.say(f"returned   {sum(back.evidence.values())} letters; {listed} of these people are called now")
    _calls(stage)
    _california(stage)
    p = status.status(desk, SLUG)["people"]
    stage.say(
        f"people     {p['in_scope']} in scope = {p['told']} told + {p['public_only']} by public notice only"
        f" + {p['suppressed']} suppressed + {p['unreached']} unreached + {p['open']} open"
    )
    erase.close(desk, SLUG, RESPONDER, "the demo ends here")


def _some_letters(stage: Stage) -> list[str]:
    """References of letters to people in New York, where the law takes a logged call for notice."""
    with stage.desk.db.read() as session:
        query = (
            select(Notice.reference)
            .join(Delivery, col(Delivery.notice_id) == Notice.id)
            .join(Subject, col(Notice.subject_id) == Subject.id)
            .where(Subject.residence == "US-NY", Subject.has_phone, Delivery.channel == Channel.LETTER)
            .where(Delivery.state == DeliveryState.ACCEPTED)
        )
        return list(session.exec(query.order_by(Notice.reference).limit(RETURNED)).all())


def _calls(stage: Stage) -> None:
    """The people on the list are called, and what came of it is typed in."""
    for sheet in sorted((stage.folder / "home" / "lists").rglob("calls.csv")):
        rows = list(csv.DictReader(sheet.read_text(encoding="utf-8-sig").splitlines()))
        typed = stage.folder / "calls-typed-in.csv"
        with typed.open("w", encoding="utf-8", newline="") as file:
            out = csv.DictWriter(file, fieldnames=list(rows[0]))
            out.writeheader()
            out.writerows(row | {"outcome": "reached"} for row in rows)
        settle.call_outcomes(stage.desk, SLUG, typed)


def _california(stage: Stage) -> None:
    """Its report asks for the day of the notice and a sample, so it is filled when people were told."""
    key = "us-ca/regulator/US-CA/initial"
    report = file_reports.prepare_reports(stage.desk, SLUG, RESPONDER, only=key)[0]
    if report.missing or report.problems:
        raise AssertionError(f"{key} still lacks {report.missing} {report.problems}")
    stage.sign(SLUG, f"filing:{key}")
    file_reports.write(stage.desk, SLUG, key)
    stage.say("reported   to California, with the day of the notice and a sample of its words")
