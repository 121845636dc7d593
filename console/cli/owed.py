"""Find out what is owed: from facts alone, then from facts and the list of people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from console.cli.terminal import AsJson, By, IncidentArg, Progress, answer, desk, emit, who
from models.values import BadInput

PANEL = "Find out what is owed"


def assess(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The facts of an incident (TOML).")],
    on: Annotated[str, typer.Option("--on", metavar="DATE", help="Ask the law in force on this day instead.")] = "",
    as_of: Annotated[str, typer.Option("--as-of", metavar="ISO", help="The present to count from; with offset.")] = "",
    explain: Annotated[bool, typer.Option("--explain", help="Add every reason, citation and step of counting.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say who must be told, by when and by which law. Needs no database and stores nothing."""
    from console.cli.law import assess_command

    found = assess_command(file, as_of or None, on or None, as_json, explain)
    emit(found) if as_json else print(found)


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
        scoped = step(d, incident, people or SqlSource(sql_url), mapping, who(by), progress)
        state = status(d, incident)
    data = {
        "incident": scoped.incident,
        "scope": scoped.number,
        "waterfall": scoped.waterfall.as_data(),
        "changes": scoped.changes,
        "contradictions": scoped.contradictions,
        "owed": scoped.owed,
        "undetermined": scoped.undetermined,
        "rejects": scoped.rejects if scoped.waterfall.rejected else None,
    }
    answer(as_json, data, lambda: show.scoped(scoped, state))


# --- law ------------------------------------------------------------------------------------------------------------


def law_list(as_json: AsJson = False) -> None:
    """List every regime with its duties, thresholds, clocks, sources and confidence."""
    from console.cli.law import law_list as listed

    found = listed(as_json)
    emit(found) if as_json else print(found)


def law_show(
    regime: Annotated[str, typer.Argument(metavar="REGIME", help="Such as us-hipaa; `tocsin law list` names them.")],
    as_json: AsJson = False,
) -> None:
    """Show one regime in full: versions, duties, what a notice must say, substitute notice, reports."""
    from console.cli import law

    if as_json:
        law.law_show(regime)  # BadInput names the nearest known id
        emit(next(row for row in law.law_list(True) if isinstance(row, dict) and row["id"] == regime))
    else:
        print(law.law_show(regime))


def law_check(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="One instrument; all of them by default.")] = None,
    as_json: AsJson = False,
) -> None:
    """Load the law strictly, and name what rests on memory or on sources that disagree."""
    from console.cli.law import law_check as checked

    text, data = checked(file)
    emit(data) if as_json else print(text)


def register(app: typer.Typer) -> None:
    law = typer.Typer(help="The law as it is kept here, with its sources.", rich_markup_mode=None)
    law.command("list")(law_list)
    law.command("show")(law_show)
    law.command("check")(law_check)
    app.command("assess", rich_help_panel=PANEL)(assess)
    app.command("declare", rich_help_panel=PANEL)(declare)
    app.command("scope", rich_help_panel=PANEL)(scope)
    app.add_typer(law, name="law", rich_help_panel=PANEL)
