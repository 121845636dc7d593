"""Watch and prove: where an incident stands, which deadlines come near, whether the record holds, and its end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.cli.advice import missed
from console.cli.terminal import AsJson, By, IncidentArg, answer, desk, who
from models.values import DEADLINE_MISSED, ERROR, OK, BadInput

if TYPE_CHECKING:
    from flows.steps.desk import Desk
    from models.chain import Verdict

PANEL = "Watch and prove"


def status(incident: IncidentArg, as_json: AsJson = False) -> int:
    """Show both sums, every deadline, what is held, what needs a person, and the next step. Exit 4: one is missed."""
    from console.cli import show
    from flows.steps.status import status as step

    with desk() as d:
        state = step(d, incident)
    answer(as_json, state, lambda: show.status(state))
    return DEADLINE_MISSED if missed(state) else OK


def watch(as_json: AsJson = False) -> int:
    """Warn about deadlines that come near or have passed, once for each threshold. Exit 4: one is missed."""
    from console.cli import show
    from flows.steps.watch_deadlines import watch as step

    with desk() as d:
        found = step(d)
    answer(as_json, found, lambda: show.watched(found))
    return DEADLINE_MISSED if found.missed else OK


def verify(
    incident: Annotated[str, typer.Argument(metavar="INCIDENT", help="Whose record to check.")] = "",
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="Check an export; no database needed.")
    ] = None,
    export: Annotated[
        Path | None, typer.Option("--export", metavar="FILE", help="Also write the record to a new file.")
    ] = None,
    root: Annotated[
        str, typer.Option("--root", metavar="HEX", help="A root that was kept elsewhere; it must be found.")
    ] = "",
    as_json: AsJson = False,
) -> int:
    """Check that nothing in the record was changed, removed or put in between. Exit 1 when something was."""
    from console.cli import show

    if bool(incident) == (file is not None):
        raise BadInput("INCIDENT", "and --file: exactly one is needed.", "Name an incident, or an export to check.")
    verdict = _of_file(file, root) if file is not None else _of_incident(incident, export, root)
    data = {"ok": verdict.ok, "problems": verdict.problems, "events": verdict.events, "lanes": verdict.lanes}
    data |= {"root": verdict.root, "unsealed": verdict.unsealed, "export": export}
    answer(as_json, data, lambda: show.verdict(verdict, export))
    return OK if verdict.ok else ERROR


_EXPORTED = "Give the file that `tocsin verify --export` wrote."


def _of_file(file: Path, root: str) -> Verdict:
    from models.chain import verify_file

    if not file.is_file():
        raise BadInput(str(file), "is no file that can be read.", _EXPORTED)
    try:
        return verify_file(file, root or None)
    except OSError as error:
        raise BadInput(str(file), f"can't be read ({error.strerror}).", _EXPORTED) from None
    except (RecursionError, ValueError, TypeError, OverflowError):
        raise BadInput(str(file), "holds a line that no ledger has.", _EXPORTED) from None


def _of_incident(slug: str, export: Path | None, root: str) -> Verdict:
    from models import ledger

    with desk() as d:
        with d.db.read() as session:
            identity = _lanes_of(session, slug)
        if export is not None:
            _export(d, identity, export)
        with d.db.read() as session:
            return ledger.verify(session, identity, root or None)


def _export(d: Desk, identity: str, export: Path) -> None:
    from models import ledger

    try:
        with d.db.write() as session:
            ledger.export(session, identity, export, at=d.now())
    except OSError as error:
        raise BadInput(
            f"--export {export}", f"can't be written ({error.strerror}).", "Name a new file in a folder that exists."
        ) from None


def _lanes_of(session: Any, slug: str) -> str:
    """The enrolments of people have a record of their own, named `people`."""
    from flows.steps.desk import find_incident

    return slug if slug == "people" else str(find_incident(session, slug).id)


def close(
    incident: IncidentArg,
    by: By = "",
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why it is closed while something is open.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Close an incident and seal its record. Asks for a reason while something is open."""
    from flows.steps.erase import close as step

    with desk() as d:
        step(d, incident, who(by), reason)
        data = {"incident": incident, "closed": d.now(), "retention_days": d.profile.retention.people_days}
    days = f"Its people are kept for {data['retention_days']} more days"
    told = f"{incident} is closed. {days}; then: tocsin erase {incident}"
    answer(as_json, data, lambda: print(told))


def erase(
    incident: IncidentArg,
    early: Annotated[
        str, typer.Option("--early", metavar="REASON", help="Erase before retention is over, and say why.")
    ] = "",
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Erase names, contacts and every file that holds them. What proves what happened stays, and still verifies."""
    from console.cli import show
    from flows.steps.erase import erase as step

    with desk() as d:
        erased = step(d, incident, who(by), early=early)
    answer(as_json, erased, lambda: show.erased(erased))


def register(app: typer.Typer) -> None:
    for name, step in (("status", status), ("watch", watch), ("verify", verify), ("close", close), ("erase", erase)):
        app.command(name, rich_help_panel=PANEL)(step)
