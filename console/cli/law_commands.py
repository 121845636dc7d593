"""`tocsin law`: the law as it is kept here. Each command imports what it needs when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from console.cli.terminal import AsJson, emit
from models.values import BadInput


def law_list(
    markdown: Annotated[bool, typer.Option("--markdown", help="As docs/reference/regimes.md has it.")] = False,
    as_json: AsJson = False,
) -> None:
    """List every regime with its duties, thresholds, clocks, sources and confidence."""
    from console.cli import law

    if markdown:
        from console.cli.law_table import markdown as table

        print(table(), end="")
        return
    found = law.law_list(as_json)
    emit(found) if as_json else print(found)


def law_show(
    regime: Annotated[str, typer.Argument(metavar="REGIME", help="Such as us-hipaa; `tocsin law list` names them.")],
    as_json: AsJson = False,
) -> None:
    """Show one regime in full: versions, duties, what a notice must say, substitute notice, reports."""
    from console.cli import law

    emit(law.law_data(regime)) if as_json else print(law.law_show(regime))


def law_check(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="One instrument; all of them by default.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Load the law strictly; name what rests on memory or on sources that disagree, and what is left open."""
    from console.cli.law import law_check as checked

    text, data = checked(file)
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
    print(f"{path}: fill it in, run `tocsin law check {path}`, then rename it to {path.with_suffix('').name}")


def law_vocabulary(
    table: Annotated[
        str, typer.Argument(metavar="[TABLE]", help="elements, sectors or free_zones; all by default.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """List the closed words that a facts file may use, with the other spellings that stand for them."""
    from models.vocabulary import load

    words: dict[str, dict[str, list[str]]] = load("data")
    if table and table not in words:
        raise BadInput(f"vocabulary {table!r}", "is unknown.", f"Known: {', '.join(words)}.")
    chosen = {name: found for name, found in words.items() if table in ("", name)}
    if as_json:
        emit(chosen)
        return
    for name, found in chosen.items():
        print(f"{name}:")
        for word, others in found.items():
            print(f"  {word}" + (f"  ({', '.join(others)})" if others else ""))


def law() -> typer.Typer:
    """The group of these commands."""
    group = typer.Typer(help="The law as it is kept here, with its sources.", rich_markup_mode=None)
    for command in (law_list, law_show, law_check, law_stale, law_diff, law_new, law_vocabulary):
        group.command(command.__name__.removeprefix("law_"))(command)
    return group
