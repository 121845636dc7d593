"""Set up: the database with its key and profile, the people who may decide, the clock of an exercise, the demo."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from console.cli import alike
from console.cli.terminal import AsJson, answer, desk, moment
from models.values import Seat

PANEL = "Set up"


def init(
    now: Annotated[
        str, typer.Option("--now", metavar="ISO", help="Where an exercise's clock starts; with offset.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Make the database, its key file, the folders and the profile to fill in. Running it again changes nothing."""
    from console.cli import show
    from flows.steps.setup import init as step

    settings = step(os.environ, civil_now=moment("--now", now) if now else None)
    files = {"key_file": settings.key_file, "profile": settings.profile, "home": settings.home}
    answer(as_json, {"mode": settings.mode} | files, lambda: show.made(settings.mode, files))


def clock(
    to: Annotated[str, typer.Option("--to", metavar="ISO", help="Move an exercise's clock forward to this time.")] = "",
    as_json: AsJson = False,
) -> None:
    """Show the civil time that deadlines are counted by; move it forward, in an exercise."""
    from console.cli import show
    from models.session import advance

    with desk() as d:
        now = advance(d.db, moment("--to", to)).now() if to else d.now()
        data = {"now": now, "mode": d.settings.mode, "virtual": d.settings.mode == "exercise"}
    answer(as_json, data, lambda: show.clock(now, str(data["mode"])))


def demo(
    home: Annotated[
        Path | None, typer.Option("--home", metavar="FOLDER", help="Where it plays; a fresh folder by default.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Play two incidents from beginning to end with invented people, on this machine only."""
    from importlib import import_module

    return int(import_module("console.cli.demo").run(home, as_json))


# --- people ---------------------------------------------------------------------------------------------------------


def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="How the record names this person.")],
    role: Annotated[Seat, typer.Option("--role", help="Their seat. Approvals need one legal or dpo.")],
    public_key: Annotated[Path, typer.Option("--public-key", metavar="FILE", help="Their .pub file.")],
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who enrols them; needed after the first.")] = "",
    key: Annotated[Path | None, typer.Option("--key", metavar="FILE", help="The private key of --by.")] = None,
    as_json: AsJson = False,
) -> None:
    """Enrol a person who can approve. After the first, an enrolled person signs for the new one."""
    from flows.steps.approvals import enrol

    with desk() as d:
        row = enrol(d, name, role, public_key, by, key)
        data = {"name": row.name, "role": row.seat, "public_key": row.public_key, "enrolled": row.enrolled_at}
    answer(as_json, data, lambda: print(f"{name} is enrolled as {role.value}, key {str(row.public_key)[:8]}…"))


def retire(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who signs no more.")],
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Another enrolled person, who signs for it.")],
    key: Annotated[Path, typer.Option("--key", metavar="FILE", help="The private key of --by.")],
    as_json: AsJson = False,
) -> None:
    """End a person's seat: they left, or their key is lost. What they signed before holds; name and key stay taken."""
    from flows.steps import approvals

    with desk() as d:
        row = approvals.retire(d, name, by, key)
        data = {"name": row.name, "role": row.seat, "public_key": row.public_key, "retired": row.retired_at}
    answer(as_json, data, lambda: print(f"{name} signs no more."))


def make_key(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the private key goes; never overwritten.")],
    as_json: AsJson = False,
) -> None:
    """Make a key pair: FILE for its owner alone, FILE.pub to enrol with. Needs no database."""
    from models import signing

    public = signing.make_key(file)
    data = {"private": file, "public": public, "public_key": signing.read_public(public)}
    answer(
        as_json, data, lambda: print(f"Private key {file}: keep it to yourself.\nPublic key  {public}: enrol with it.")
    )


def list_people(as_json: AsJson = False) -> None:
    """List who may approve, and in which seat."""
    from sqlmodel import select

    from console.cli import show
    from models.tables import Approver

    with desk() as d, d.db.read() as session:
        rows = session.exec(select(Approver).order_by(Approver.name)).all()
    data = [
        {"name": r.name, "role": r.seat, "public_key": r.public_key, "enrolled": r.enrolled_at, "retired": r.retired_at}
        for r in rows
    ]
    answer(as_json, data, lambda: show.people(data))


def register(app: typer.Typer) -> None:
    people = typer.Typer(help="Who may approve; and people in scope who may be one.", rich_markup_mode=None)
    people.command("add")(add)
    people.command("retire")(retire)
    people.command("key")(make_key)
    people.command("list")(list_people)
    alike.register(people)
    app.command("init", rich_help_panel=PANEL)(init)
    app.add_typer(people, name="people", rich_help_panel=PANEL)
    app.command("clock", rich_help_panel=PANEL)(clock)
    app.command("demo", rich_help_panel=PANEL)(demo)
