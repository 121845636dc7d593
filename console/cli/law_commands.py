"""`tocsin law`: the law as it is kept here. Each command imports what it needs when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from console.cli.terminal import AsJson, emit


def law_list(
    word: Annotated[
        str, typer.Argument(metavar="[WORD]", help="Only regimes with this in their id, name or place: us-, Texas, DE.")
    ] = "",
    markdown: Annotated[bool, typer.Option("--markdown", help="As docs/reference/regimes.md has it.")] = False,
    as_json: AsJson = False,
) -> None:
    """List every regime with its duties; with --json also thresholds, clocks, sources and confidence."""
    from console.cli import law

    if markdown:
        from console.cli.law_table import markdown as table

        print(table(), end="")
        return
    found = law.law_list(as_json, word)
    emit(found) if as_json else print(found)


def law_show(
    regime: Annotated[str, typer.Argument(metavar="REGIME", help="Such as us-hipaa; `tocsin law list` names them.")],
    on: Annotated[str, typer.Option("--on", metavar="DATE", help="Only the version in force on this day.")] = "",
    part: Annotated[
        str,
        typer.Option(
            "--part", metavar="PART", help="Only law, scope, duty, order, notice, substitute, report or notes."
        ),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Show everything that is held of a regime, the latest version first: sources, scope, duties, notice, reports."""
    from console.cli import law

    emit(law.law_data(regime, on, part)) if as_json else print(law.law_show(regime, on, part))


def law_check(
    regime: Annotated[
        str, typer.Argument(metavar="[REGIME|FILE]", help="One regime, or a file; all of the law by default.")
    ] = "",
    everything: Annotated[bool, typer.Option("--all", help="Name each weak or open point.")] = False,
    as_json: AsJson = False,
) -> None:
    """Load the law strictly; count what rests on memory or on sources that disagree, and what is left open."""
    from console.cli.law_check import law_check as checked

    text, data = checked(regime, everything)
    emit(data) if as_json else print(text)


def law_stale(
    days: Annotated[int, typer.Option("--days", min=0, help="How old a check may be.")] = 180,
    as_json: AsJson = False,
) -> None:
    """List the versions that nobody has checked against a source for so many days, or ever."""
    from datetime import UTC, datetime

    from console.cli.law_tools import stale

    rows = stale(datetime.now(UTC).date(), days)
    if as_json:
        emit(rows)
        return
    print(f"{len(rows)} versions not checked within {days} days")
    for row in rows:
        print(f"  {row['checked'] or 'never     '}  {row['version']}  ({row['confidence']}: {row['citation']})")


def law_diff(
    first: Annotated[str, typer.Argument(metavar="REGIME|DATE", help="A regime, or the earlier of two days.")],
    second: Annotated[str, typer.Argument(metavar="[DATE]", help="The later of two days.")] = "",
    facts: Annotated[
        Path | None, typer.Option("--facts", metavar="FILE", help="An incident: what the change does to it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what an amendment changes: the text of a regime's versions, or what an incident owes under two days' law."""
    from console.cli.law import law_diff as differ

    text, data = differ(first, second, facts)
    emit(data) if as_json else print(text)


def law_new(
    name: Annotated[str, typer.Argument(metavar="CC/NAME", help="Such as us/xx or eu/new_act.")],
    folder: Annotated[Path, typer.Option("--folder", metavar="DIR", help="Where instruments are kept.")] = Path(
        "regimes"
    ),
    as_json: AsJson = False,
) -> None:
    """Write an instrument to fill in: a draft until it is renamed to .toml; `law check FILE` says what is missing."""
    from console.cli.law_tools import new

    path = new(name, folder)
    if as_json:
        emit({"draft": path})
        return
    print(f"{path}: fill it in; `tocsin law check {path}` says what is missing.")
    print(
        f"When it finds nothing more, rename it to {path.with_suffix('').name}. "
        "All steps: docs/how-to/change-the-law.md"
    )


def law_vocabulary(
    table: Annotated[
        str,
        typer.Argument(metavar="[TABLE]", help="Such as elements, duties or times; without it, what tables there are."),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """List the closed words that a facts file and an instrument of law may use, with what they mean."""
    from console.cli import law_words

    emit(law_words.tables(table)) if as_json else print(law_words.text(table))


def law() -> typer.Typer:
    """The group of these commands."""
    group = typer.Typer(help="The law as it is kept here, with its sources.", rich_markup_mode=None)
    for command in (law_list, law_show, law_check, law_stale, law_diff, law_new, law_vocabulary):
        group.command(command.__name__.removeprefix("law_"))(command)
    return group
