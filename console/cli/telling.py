"""Tell: the people, the public, the authorities; and stop it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from console.cli.terminal import AsJson, By, IncidentArg, Progress, answer, desk, moment, plain, who
from models.values import NEEDS_PERSON, OK, BadInput, Channel, HoldScope, Mode, RecipientKind, Refused

if TYPE_CHECKING:
    from flows.steps.desk import Desk

PANEL = "Tell"


def send(
    incident: IncidentArg,
    wave: Annotated[int, typer.Argument(metavar="WAVE", min=1, help="The wave's number, as `tocsin status` shows it.")],
    live: Annotated[
        bool, typer.Option("--live", help="Yes, to real people. Demanded when the database is live.")
    ] = False,
    proof_to: Annotated[
        str,
        typer.Option(
            "--proof-to", metavar="ADDRESS", help="Send marked samples to this address instead; counts nowhere."
        ),
    ] = "",
    resume: Annotated[
        str, typer.Option("--resume", metavar="REASON", help="Let a wave that stopped itself go on.")
    ] = "",
    at_night: Annotated[
        str,
        typer.Option("--at-night", metavar="REASON", help="Send this wave outside the profile's hours too: say why."),
    ] = "",
    by: By = "",
    as_json: AsJson = False,
) -> int:
    """Send what is approved, the pilot first. Run it again at any time: it picks up what is still to do."""
    with desk() as d, Progress(as_json) as progress:
        _refuse_mode(d, live, bool(proof_to))
        if at_night:
            from flows.steps.night import lift

            lift(d, incident, wave, who(by), at_night)
        if proof_to:
            return _proof(d, incident, wave, proof_to, who(by), as_json)
        return _send(d, incident, wave, resume, who(by), progress, as_json)


def _refuse_mode(d: Desk, live: bool, proof: bool) -> None:
    if live and d.settings.mode is Mode.EXERCISE:
        raise Refused("--live: this is an exercise, and its database can't reach anybody. Leave --live out.")
    if d.settings.mode is Mode.LIVE and not live and not proof:
        raise Refused("This database is live: real people would be written to. Add --live if that is meant.")


def _send(d: Desk, incident: str, wave: int, resume: str, by: str, progress: Progress, as_json: bool) -> int:
    from console.cli import show
    from flows.steps import deliver
    from flows.steps.desk import find_incident
    from flows.steps.launching import find_wave
    from flows.steps.status import status

    with d.db.read() as session:
        already = find_wave(session, find_incident(session, incident), wave).launched_at is not None
    if resume:
        deliver.resume(d, incident, wave, by, resume)
    done = deliver.deliver(d, incident, wave, by, progress)
    state = status(d, incident)
    progress.__exit__()
    answer(as_json, {"launched_before": already} | _sent(done, state), lambda: show.delivered(done, already, state))
    return NEEDS_PERSON if done.stopped else OK


def _sent(done: Any, state: Mapping[str, Any]) -> dict[str, Any]:
    found = {
        name: getattr(done, name)
        for name in ("incident", "wave", "outcomes", "open", "waiting", "stopped", "warnings", "met")
    }
    return found | {"people": state["people"], "deliveries": state["deliveries"]}


def _proof(d: Desk, incident: str, wave: int, address: str, by: str, as_json: bool) -> int:
    from console.cli import show
    from flows.steps.proof import proof

    done = proof(d, incident, wave, address, by)
    answer(as_json, done, lambda: show.proofs(done))
    return OK if not done.failed else NEEDS_PERSON


# --- holds ----------------------------------------------------------------------------------------------------------


def hold(
    incident: IncidentArg,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; whoever reads it at night will ask.")],
    channel: Annotated[Channel | None, typer.Option("--channel", help="Only this channel.")] = None,
    wave: Annotated[int | None, typer.Option("--wave", min=1, metavar="N", help="Only this wave.")] = None,
    kind: Annotated[
        RecipientKind | None,
        typer.Option("--kind", help="Only notices, filings or public notices; a police delay holds notices."),
    ] = None,
    person: Annotated[
        str, typer.Option("--person", metavar="ID", help="Only this person: their id, or their notice's reference.")
    ] = "",
    until: Annotated[str, typer.Option("--until", metavar="ISO", help="Ends by itself then.")] = "",
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Stop what is named, from the next hand-off on. Without --channel, --wave, --kind or --person: everything."""
    from flows.steps import approvals

    chosen: dict[HoldScope, str] = {
        HoldScope.CHANNEL: channel.value if channel else "",
        HoldScope.WAVE: str(wave or ""),
        HoldScope.RECIPIENT_KIND: kind.value if kind else "",
        HoldScope.PERSON: person,
    }
    named = [(scope, target) for scope, target in chosen.items() if target]
    if len(named) > 1:
        raise BadInput("hold", "names several things at once.", "Give one of --channel, --wave, --kind, --person.")
    scope, target = named[0] if named else (HoldScope.INCIDENT, "")
    with desk() as d:
        row = approvals.hold(
            d,
            incident,
            scope,
            _target(d, incident, scope, target),
            reason,
            who(by),
            moment("--until", until) if until else None,
        )
        data = {
            "hold": row.id[:8],
            "on": row.scope,
            "target": target,
            "reason": row.reason,
            "by": row.placed_by,
            "until": row.until,
        }
    told = (
        f"Held: {target or 'the whole incident'} of {incident}. Lift it with: tocsin release {incident} {data['hold']}"
    )
    answer(as_json, data, lambda: print(told))


def _target(d: Desk, slug: str, scope: HoldScope, target: str) -> str:
    """What the row stores: ids of wave and person, words of the others."""
    from sqlmodel import select

    from flows.steps.desk import find_incident
    from flows.steps.launching import find_wave
    from models.tables import Notice, Subject

    if scope not in (HoldScope.WAVE, HoldScope.PERSON):
        return target
    with d.db.read() as session:
        incident = find_incident(session, slug)
        if scope is HoldScope.WAVE:
            return find_wave(session, incident, int(target)).id
        own = select(Subject.id).where(Subject.incident_id == incident.id, Subject.id == target)
        told = select(Notice.subject_id).where(Notice.incident_id == incident.id, Notice.reference == target.upper())
        found = session.exec(own).first() or session.exec(told).first()
    if found is None:
        raise BadInput(
            "--person", "is nobody of this incident.", "Give a person's id or the reference on their notice."
        )
    return found


def release(
    incident: IncidentArg,
    hold_id: Annotated[
        str, typer.Argument(metavar="HOLD", help="One hold, as `tocsin status` names it; all by default.")
    ] = "",
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Lift one hold, or all of the incident."""
    from flows.steps.approvals import release as step

    with desk() as d:
        count = step(d, incident, who(by), hold_id)
    answer(
        as_json,
        {"released": count},
        lambda: print(f"{count} holds of {incident} are lifted." if count else "No hold was active."),
    )


# --- the public -----------------------------------------------------------------------------------------------------


def substitute(incident: IncidentArg, as_json: AsJson = False) -> None:
    """Say whether a public notice is owed or allowed, by which law and why. Reads only."""
    from console.cli import show
    from flows.steps.publish import Kind, judge

    with desk() as d:
        found = judge(d, incident)
    decisions = [{"obligation": key} | plain(decision) for key, decision in found.decisions]
    data = {
        "incident": incident,
        "decisions": decisions,
        "media": found.media,
        "public": found.public,
        "days": found.days(),
    }
    data |= {kind.value: {"owed": found.owed(kind), "serves": found.serves(kind)} for kind in Kind}
    answer(as_json, data, lambda: show.judged(found, incident))


def publish(
    incident: IncidentArg,
    what: Annotated[
        Literal["page", "press"], typer.Option("--what", help="page: your own site. press: a release to the media.")
    ] = "page",
    why: Annotated[
        str, typer.Option("--why", metavar="TEXT", help="Your reason, where the law leaves the choice to you.")
    ] = "",
    changed: Annotated[
        list[str] | None,
        typer.Option("--changed", metavar="LANGUAGE=TEXT", help="What a later version of the page changes; once each."),
    ] = None,
    end: Annotated[
        bool, typer.Option("--end", help="Show that the notice has ended, once the law no longer wants it up.")
    ] = False,
    early: Annotated[str, typer.Option("--early", metavar="REASON", help="With --end: before that day.")] = "",
    given: Annotated[
        list[str] | None,
        typer.Option("--given", metavar="OUTLET", help="You gave the release to this outlet; once for each."),
    ] = None,
    at: Annotated[str, typer.Option("--at", metavar="ISO", help="With --given: when. Default: now.")] = "",
    place: Annotated[str, typer.Option("--place", metavar="PLACE", help="With --given: only for it, US-OH.")] = "",
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Put out the public notice whose words were approved. The same version twice changes nothing."""
    from console.cli import show
    from flows.steps import media, posted
    from flows.steps.publish import Kind
    from flows.steps.publish import publish as step

    with desk() as d:
        if given:
            got = media.give(d, incident, who(by), given, moment("--at", at) if at else None, place)
            answer(as_json, got, lambda: show.given(got))
            return
        if end:
            folder = posted.take_down(d, incident, who(by), early)
            answer(as_json, {"ended": incident, "folder": folder}, lambda: print(f"In {folder}: the notice has ended."))
            return
        done = step(d, incident, who(by), Kind(what), why, _changes(changed or []))
    answer(as_json, done, lambda: show.published(done))


def _changes(said: list[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in said]
    if any(not language.strip() or not text.strip() for language, _, text in pairs):
        raise BadInput("--changed", "names no language or says nothing.", 'Write --changed "en=We now know that …".')
    return {language.strip(): text.strip() for language, _, text in pairs}


# --- the authorities ------------------------------------------------------------------------------------------------


def report(
    incident: IncidentArg,
    obligation: Annotated[
        str, typer.Option("--obligation", metavar="ID", help="Only this one, such as us-hipaa/regulator/US/initial.")
    ] = "",
    late_reasons: Annotated[
        str, typer.Option("--late-reasons", metavar="TEXT", help="Why it is late; a late report needs it.")
    ] = "",
    answers: Annotated[
        Path | None, typer.Option("--answers", metavar="FILE", help="What people judged (TOML): question = answer.")
    ] = None,
    draft: Annotated[
        Path | None,
        typer.Option("--draft", metavar="FOLDER", help="Write each report there as PDF and JSON, marked as a draft."),
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Write the packets of approved reports, for a person to file.")
    ] = False,
    receipt: Annotated[
        str,
        typer.Option("--receipt", metavar="NUMBER", help="Record the authority's receipt; a second person confirms."),
    ] = "",
    at: Annotated[str, typer.Option("--at", metavar="ISO", help="When the authority had it.")] = "",
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Fill the reports owed to authorities; write their packets; record the receipt. Files nothing by itself."""
    from console.cli import reporting

    if receipt:
        reporting.receipt(incident, obligation, receipt, at, who(by), as_json)
    else:
        reporting.fill(incident, obligation, late_reasons, answers, draft, write, who(by), as_json)


def register(app: typer.Typer) -> None:
    steps = (
        ("send", send),
        ("hold", hold),
        ("release", release),
        ("substitute", substitute),
        ("publish", publish),
        ("report", report),
    )
    for name, step in steps:
        app.command(name, rich_help_panel=PANEL)(step)
