"""The guard before anything leaves, and what is reached from outside: codes, calls, the page that is out."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from console.cli.terminal import AsJson, By, IncidentArg, answer, desk, plain, who
from models.values import ERROR, NEEDS_PERSON, OK, BadInput

TELL, WATCH = "Tell", "Watch and prove"
WaveArg = Annotated[int, typer.Argument(metavar="WAVE", min=1, help="The wave's number, as `tocsin status` shows it.")]


def guard(
    incident: IncidentArg,
    wave: WaveArg,
    override: Annotated[
        str, typer.Option("--override", metavar="FINDING", help="Answer for this warning; approvals given are void.")
    ] = "",
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="What was looked at, and why it is right.")
    ] = "",
    by: By = "",
    as_json: AsJson = False,
) -> int:
    """Look whether any notice would reach or speak of the wrong person. Exit 1: an error stands; 3: a warning does."""
    from flows.steps import guarding

    with desk() as d:
        voided = guarding.override(d, incident, wave, override, who(by), reason) if override else 0
        seen = guarding.look(d, incident, wave)
    errors = [f for f in seen.standing if f["severity"] == "error"]
    data = {"incident": incident, "wave": wave, "notices": seen.notices, "findings": seen.findings, "voided": voided}
    answer(as_json, data, lambda: _guarded(seen, voided))
    return ERROR if errors else NEEDS_PERSON if seen.standing else OK


def _guarded(seen: Any, voided: int) -> None:
    from console.cli import show

    rows = [
        (
            (f["severity"], "bad" if f["severity"] == "error" else "warn"),
            f["id"],
            f["what"],
            f"let pass by {f['overridden_by']}: {f['reason']}" if f.get("overridden_by") else f["remedy"],
        )
        for f in seen.findings
    ]
    if rows:
        show.table(("", "finding", "what", "what to do"), rows, title=f"{seen.notices:,} notices of wave {seen.wave}")
    else:
        print(f"{seen.notices:,} notices of wave {seen.wave}: each fits the person whose row it was made from.")
    if voided:
        print(f"{voided} approvals are void: they were given without this.")


def verify_notice(
    code: Annotated[
        str, typer.Argument(metavar="CODE", help="As it is printed on the notice, or as somebody reads it.")
    ],
    as_json: AsJson = False,
) -> int:
    """Say whether a notice with this code is ours. For whoever answers the telephone. Exit 1: it is not."""
    from flows.steps.verify_notice import verify_code

    with desk() as d:
        found = verify_code(d, code, d.now())
    ours = f"Ours: a {str(found.kind or '').replace('_', '-')} notice, sent {found.sent}, about: {found.incident}."
    answer(
        as_json, plain(found), lambda: print(ours if found.ours else "Not ours: no notice that we sent has this code.")
    )
    return OK if found.ours else ERROR


def check_page(incident: IncidentArg, as_json: AsJson = False) -> int:
    """Fetch the public notice from where readers find it and compare it with what was published. Exit 1: it differs."""
    from flows.steps.posted import check_page as step

    with desk() as d:
        found = step(d, incident, force=True)
    if found is None:
        raise BadInput(incident, "has no page that is out.", "`tocsin publish` puts one out.")
    answer(as_json, plain(found), lambda: print("\n".join([found.sentence, *found.problems[1:]])))
    return ERROR if found.problems else OK


def serve(
    host: Annotated[str, typer.Option("--host", help="Where to listen; put a proxy with TLS in front.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535)] = 8701,
) -> None:
    """Answer from outside, until stopped: the page that checks codes, spoken calls, receipts of the app."""
    import uvicorn

    from console.web.outside import create_app

    with desk() as d:
        uvicorn.run(create_app(d), host=host, port=port, log_level="warning", access_log=False, server_header=False)


def register(app: typer.Typer) -> None:
    app.command("guard", rich_help_panel=TELL)(guard)
    app.command("answer", rich_help_panel=TELL)(serve)
    app.command("verify-notice", rich_help_panel=WATCH)(verify_notice)
    app.command("check-page", rich_help_panel=WATCH)(check_page)
