"""What came back: bounces, returned letters, calls, outcomes that a crash hid."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.cli.terminal import AsJson, By, IncidentArg, answer, desk, who
from models.values import NEEDS_PERSON, OK, BadInput, Outcome

if TYPE_CHECKING:
    from flows.steps.desk import Desk
    from flows.steps.settle import Settled

PANEL = "Take in what came back"


def classify(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="One mail, or a folder of mails.")],
    as_json: AsJson = False,
) -> None:
    """Say what returned mails mean, address by address. Needs no database and stores nothing."""
    from console.cli import show
    from notifiers.email.bounces import receipts_classify

    found = receipts_classify(path)
    answer(as_json, found, lambda: show.classified(found))


def take(
    incident: IncidentArg,
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Returned mails, one a file; read ones move to FOLDER.done.")
    ],
    as_json: AsJson = False,
) -> None:
    """Take in mails that came back: each counts once, and opens the next way of reaching its person."""
    from flows.steps.settle import bounces

    if not folder.is_dir():
        raise BadInput(str(folder), "is no folder.", "Give the folder that holds the returned mails.")
    with desk() as d:
        _told(d, incident, bounces(d, incident, folder), as_json)


def returned(
    incident: IncidentArg,
    references: Annotated[list[str], typer.Argument(metavar="REFERENCE...", help="The references printed on them.")],
    as_json: AsJson = False,
) -> None:
    """Take in letters that came back, by the reference printed on each."""
    from flows.steps.settle import returned_letters

    with desk() as d:
        _told(d, incident, returned_letters(d, incident, references), as_json)


def calls(
    incident: IncidentArg,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The call list with its outcomes filled in.")],
    as_json: AsJson = False,
) -> None:
    """Take in a call list that people have dialled from."""
    from flows.steps.settle import call_outcomes

    if not file.is_file():
        raise BadInput(str(file), "is no file that can be read.", "Give the filled-in call list.")
    with desk() as d:
        _told(d, incident, call_outcomes(d, incident, file), as_json)


def settle(
    incident: Annotated[str, typer.Argument(metavar="INCIDENT", help="Default: every open incident.")] = "",
    as_json: AsJson = False,
) -> None:
    """Take in what lies in inbox/bounces, ask about unknown outcomes, end waits that are over."""
    from flows.steps import settle as steps
    from flows.steps import texted

    with desk() as d:
        if incident:
            done = steps.bounces(d, incident, d.settings.folder("inbox") / "bounces")
            done = texted.texts(d, incident, steps.reconcile(d, incident, done))
        else:
            done = steps.settle_all(d)
        _told(d, incident, done, as_json)


def _told(d: Desk, slug: str, done: Settled, as_json: bool) -> None:
    from console.cli import show
    from flows.steps.status import status

    state: Mapping[str, Any] | None = status(d, slug) if slug else None
    answer(as_json, done, lambda: show.settled(done, state))


def reconcile(
    incident: IncidentArg,
    delivery: Annotated[str, typer.Option("--delivery", metavar="ID", help="Decide this one yourself.")] = "",
    as_: Annotated[
        Outcome | None, typer.Option("--as", help="What became of it: accepted, deferred (send again) or refused.")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="How you know.")] = "",
    by: By = "",
    as_json: AsJson = False,
) -> int:
    """Resolve outcomes that a crash hid, by each channel's rule; list those that only a person can decide (exit 3)."""
    from console.cli import show
    from flows.steps import settle as steps
    from flows.steps.status import status

    if bool(delivery) != (as_ is not None):
        raise BadInput("--delivery", "and --as go together.", "Name the delivery and what became of it.")
    with desk() as d:
        if as_ is not None:
            steps.decide_unknown(d, incident, delivery, as_, who(by), reason)
        done = steps.reconcile(d, incident)
        left = status(d, incident)["exceptions"]["unknown"]
    answer(as_json, {"settled": done, "needs_person": left}, lambda: show.reconciled(done, left, incident))
    return NEEDS_PERSON if left else OK


def register(app: typer.Typer) -> None:
    receipts = typer.Typer(help="Returned mails and letters, calls made.", rich_markup_mode=None)
    for name, step in (("classify", classify), ("take", take), ("returned", returned), ("calls", calls)):
        receipts.command(name)(step)
    app.add_typer(receipts, name="receipts", rich_help_panel=PANEL)
    app.command("settle", rich_help_panel=PANEL)(settle)
    app.command("reconcile", rich_help_panel=PANEL)(reconcile)
