"""Letters at the print house: hand sealed batches over, take in what became of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.cli.terminal import AsJson, IncidentArg, answer, desk
from models.values import NEEDS_PERSON, OK, BadInput

if TYPE_CHECKING:
    from flows.steps.letters import Acknowledged, HandedOver

PANEL = "Tell"


def hand_over(incident: IncidentArg, as_json: AsJson = False) -> None:
    """Give the print house every sealed batch of letters that it does not have yet."""
    from flows.steps import letters

    with desk() as d:
        done = letters.hand_over(d, incident)
    answer(as_json, done, lambda: _handed(done))


def acknowledged(
    incident: IncidentArg,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="CSV with reference, state and at. Default: the print house is asked."),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Take in what the print house says of letters: accepted, printed, posted, returned or failed, and when.

    Times ahead of now or before the sealing are refused. Exit 3: references are on no letter of the incident.
    """
    from flows.steps import letters

    if file is not None and not file.is_file():
        raise BadInput(str(file), "is no file that can be read.", "Give what the print house sent.")
    with desk() as d:
        done = letters.acknowledge(d, incident, file)
    answer(as_json, done, lambda: _said(done))
    return NEEDS_PERSON if done.unknown else OK


def _handed(done: HandedOver) -> None:
    from console.cli.show import amount

    batches = amount(done.batches, "batch", "batches")
    print(f"Handed over: {amount(done.letters, 'letter')} in {batches}, for the print day {done.print_day}")
    if done.before:
        print(f"  {done.before:,} batches were there before")
    if done.held:
        print(f"  {done.held:,} batches stay here: their wave is held")


def _said(done: Acknowledged) -> None:
    from console.cli.show import amount

    if not done.letters and not done.unknown:
        print("The print house says nothing yet.")
    for state, count in done.letters.items():
        print(f"{amount(count, 'letter')} {state}")
    if done.known:
        print(f"  {done.known:,} of them were known")
    if done.backwards:
        print(f"  {done.backwards:,} of them say less than before, and were not taken: a batch only moves forward")
    if done.settled.opened:
        print(f"  {done.settled.opened:,} rungs opened for people whom the first did not reach")
    if done.unknown:
        print(f"{len(done.unknown):,} references are on no letter of this incident: {', '.join(done.unknown[:5])}")


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Letters at the print house.", rich_markup_mode=None)
    group.command("hand-over")(hand_over)
    group.command("acknowledged")(acknowledged)
    app.add_typer(group, name="letters", rich_help_panel=PANEL)
