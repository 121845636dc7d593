"""Act one: Presence Health, 2013–14. 836 patients of one State, paper records, everybody told too late.

Public facts: found on 2013-10-22, the Secretary told on 2014-01-31, the people on 02-03, the media on 02-05. All three
were due on 2013-12-21. The alarms ring before; here nobody listens until January.
"""

from __future__ import annotations

import tomllib
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from console.cli.demo.stage import RESPONDER, Stage, examples
from flows.steps import (
    deliver,
    erase,
    file_reports,
    guarding,
    open_incident,
    prepare_notices,
    publish,
    scope_subjects,
    settle,
    status,
    watch_deadlines,
)

SLUG = "presence-health"
HOME = ZoneInfo("America/Chicago")
START = datetime(2013, 10, 22, 17, 0, tzinfo=HOME)
ALARMS = (date(2013, 11, 22), date(2013, 12, 10), date(2013, 12, 19), date(2013, 12, 22))
EXPECTED = {  # obligation -> days late, as the public record has it
    "us-hipaa/regulator/US/initial": 41,
    "us-hipaa/individuals/US/initial": 44,
    "us-hipaa/media/US-IL/initial": 46,
}


def noon(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 12, 0, tzinfo=HOME)


def play(stage: Stage) -> None:
    desk, say = stage.desk, stage.say
    stage.dress(SLUG)
    folder = examples() / SLUG
    facts = _as_known_then(folder / "incident.toml", stage.folder / "incident-as-known-then.toml")
    opened = open_incident.declare(desk, facts, RESPONDER)
    say(f"declared   {opened.owed} duties owed, all due 2013-12-21")
    scoped = scope_subjects.scope(desk, SLUG, folder / "people.csv", folder / "people.mapping.toml", RESPONDER)
    w = scoped.waterfall
    say(
        f"scoped     {w.lines} lines = 1 heading + {w.rows} rows; {w.rows} rows = {w.people} people + {w.merged} merged"
    )
    _alarms(stage)
    _report(stage)
    _notices(stage)
    _public(stage)
    erase.close(desk, SLUG, RESPONDER, "the demo ends here")
    say("closed     and the ledger sealed")


def _as_known_then(source: Path, target: Path) -> Path:
    """The case's facts without what was told later: in the demo the ledger records that itself."""
    lines, skip = [], False
    for line in source.read_text(encoding="utf-8").splitlines(keepends=True):
        if line.startswith("["):
            skip = line.startswith("[[submission]]")
        if not skip and not line.startswith("individuals_notified"):
            lines.append(line)
    text = "".join(lines)
    tomllib.loads(text)
    target.write_text(text, encoding="utf-8")
    return target


def _alarms(stage: Stage) -> None:
    rung = []
    for day in ALARMS:
        stage.at(noon(day.year, day.month, day.day))
        watched = watch_deadlines.watch(stage.desk)
        if watched.raised:
            rung.append(f"{watched.raised[0].threshold} on {day}")
    if len(rung) != len(ALARMS):
        raise AssertionError(f"alarms rang only: {rung}")
    stage.say(f"alarms     {', '.join(rung)} (per cent of the time to 2013-12-21; by email to the people on call)")


def _report(stage: Stage) -> None:
    """The Secretary of HHS, on 2014-01-31."""
    stage.at(noon(2014, 1, 31))
    key = "us-hipaa/regulator/US/initial"
    answers = tomllib.loads((examples() / "demo" / "answers.toml").read_text(encoding="utf-8"))
    why = "Paper records: who was affected had to be established by hand."
    report = file_reports.prepare_reports(
        stage.desk, SLUG, RESPONDER, late_reasons=why, only=key, judged=answers["us-hhs"]
    )[0]
    stage.sign(SLUG, f"filing:{key}")
    file_reports.write(stage.desk, SLUG, key)
    for person in ("counsel", "privacy-officer"):
        file_reports.record_receipt(stage.desk, SLUG, key, "HHS-EXERCISE-0001", person, stage.desk.now())
    open_ = report.unknown
    stage.say(f"reported   to HHS on 2014-01-31: {open_} answers not yet known and said so, reasons for lateness given")


def _notices(stage: Stage) -> None:
    """The people, on 2014-02-03: prepared and signed the day before, as an approval is good for 24 hours."""
    desk = stage.desk
    stage.at(noon(2014, 2, 2))
    wave = prepare_notices.prepare(desk, SLUG, RESPONDER)
    stage.say(
        f"prepared   {wave.people} people in {wave.segments} segments, {wave.wordings} wordings,"
        f" {wave.errors} linter errors; {wave.no_channel} people with no contact at all"
    )
    guarding.override(desk, SLUG, wave.wave, "guard.list_days", RESPONDER, "The lost schedules name these people.")
    stage.say("guard      the list is 103 days old, more than 60: a person answered for it by name, with the reason")
    stage.sign(SLUG, f"wave:{wave.wave}")
    stage.at(datetime(2014, 2, 3, 9, 0, tzinfo=HOME))
    deliver.deliver(desk, SLUG, wave.wave, RESPONDER)
    bounced = settle.settle_all(desk)
    done = deliver.deliver(desk, SLUG, wave.wave, RESPONDER)
    for hour in range(10, 24):
        if not done.open:
            break
        stage.at(datetime(2014, 2, 3, hour, 30, tzinfo=HOME))
        done = deliver.deliver(desk, SLUG, wave.wave, RESPONDER)
    page = publish.publish(desk, SLUG, RESPONDER, publish.Kind.PAGE)
    people = status.status(desk, SLUG)["people"]
    stage.say(
        f"told       {people['told']} people on 2014-02-03; {bounced.opened} bounces became letters;"
        f" {people['public_only']} unreachable, so a page for 90 days (the tenth makes it owed):"
        f" {len(page.met)} duty met"
    )


def _public(stage: Stage) -> None:
    """The media, on 2014-02-05."""
    stage.at(noon(2014, 2, 5))
    publish.publish(stage.desk, SLUG, RESPONDER, publish.Kind.PRESS)
    deadlines = status.status(stage.desk, SLUG)["deadlines"]
    late = {d["id"]: d["late_by"] if d["met"] else "not met" for d in deadlines if d["id"] in EXPECTED}
    if late != {key: f"P{days}D" for key, days in EXPECTED.items()}:
        raise AssertionError(f"lateness is {late}")
    stage.say("late       individuals by 44 days, HHS by 41, media by 46: as the public record has it")
