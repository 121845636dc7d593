"""Find out what is owed: from facts alone, then from facts and the list of people."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from console.cli.judging import judge
from console.cli.law_commands import law
from console.cli.terminal import AsJson, By, IncidentArg, Progress, answer, desk, emit, who
from models.values import BadInput

PANEL = "Find out what is owed"


def assess(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The facts of an incident (TOML).")],
    only: Annotated[
        str, typer.Argument(metavar="[ONLY]", help="Only this: a regime, a duty, or an obligation's id.")
    ] = "",
    on: Annotated[str, typer.Option("--on", metavar="DATE", help="Ask the law in force on this day instead.")] = "",
    as_of: Annotated[str, typer.Option("--as-of", metavar="ISO", help="The present to count from; with offset.")] = "",
    explain: Annotated[
        bool, typer.Option("--explain", help="Add every reason, citation and step of counting.")
    ] = False,
    ics: Annotated[
        Path | None, typer.Option("--ics", metavar="FILE", help="Write the deadlines with alarms as a calendar.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say who must be told, by when and by which law. Needs no database and stores nothing."""
    from console.cli.assessed import said, warned
    from console.cli.law import assessment

    facts, found = assessment(file, as_of or None, on or None, explain)
    answer = said(facts, found, as_json, explain, only)
    if ics is not None:  # first: what can't be written is the one thing said
        from console.cli.alarms import write_ics

        print(f"{ics}: {write_ics(ics, facts, found)} deadlines", file=sys.stderr)
    emit(answer) if as_json else print(answer)
    if as_json:
        for line in warned(facts, found):
            print(f"warning: {line.removeprefix('warning: ')}", file=sys.stderr)


def declare(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The facts of an incident (TOML).")],
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Open an incident from its facts, or store what changed in them, and count its deadlines anew."""
    from console.cli import show
    from flows.steps.open_incident import declare as step
    from flows.steps.status import status

    with desk() as d:
        opened = step(d, file, who(by))
        state = status(d, opened.incident)
    answer(as_json, opened, lambda: show.opened(opened, state))


def scope(
    incident: IncidentArg,
    mapping: Annotated[Path, typer.Option("--mapping", metavar="FILE", help="What the list's columns mean (TOML).")],
    people: Annotated[
        Path | None, typer.Option("--people", metavar="FILE", help="The list: .csv, .tsv, .parquet or .xlsx.")
    ] = None,
    sql_url: Annotated[
        str, typer.Option("--sql-url", metavar="URL", help="Or a database; the mapping holds the query.")
    ] = "",
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Whoever is missing from this list is meant to be: withdraw them.")
    ] = False,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Read the list of people: who they are, what each of them lost, and what that makes owed."""
    from console.cli import show
    from flows.steps.scope_subjects import scope as step
    from flows.steps.status import status
    from models.intake import SqlSource

    if (people is None) == (not sql_url):
        raise BadInput("--people", "and --sql-url: exactly one is needed.", "Give a file or a database, not both.")
    with desk() as d, Progress(as_json) as progress:
        scoped = step(d, incident, people or SqlSource(sql_url), mapping, who(by), progress, withdraw=withdraw)
        state = status(d, incident)
    data = {
        "incident": scoped.incident,
        "scope": scoped.number,
        "waterfall": scoped.waterfall.as_data(),
        "changes": scoped.changes,
        "contradictions": scoped.contradictions,
        "no_longer_owed": scoped.fallen,
        "owed": scoped.owed,
        "undetermined": scoped.undetermined,
        "rejects": scoped.rejects if scoped.waterfall.rejected else None,
    }
    answer(as_json, data, lambda: show.scoped(scoped, state))


def register(app: typer.Typer) -> None:
    app.command("assess", rich_help_panel=PANEL)(assess)
    app.command("declare", rich_help_panel=PANEL)(declare)
    app.command("scope", rich_help_panel=PANEL)(scope)
    app.command("judge", rich_help_panel=PANEL)(judge)
    app.add_typer(law(), name="law", rich_help_panel=PANEL)
