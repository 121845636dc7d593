"""The program's commands, in the order of the work. Each module below is cheap to import; commands import the rest."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from console.cli import after, doctor, letters, outside, owed, records, setup, telling, writing

PURPOSE = """Tocsin: who must be told of a data breach, by when and by which law; and proof that they were.

Start with `tocsin init`, then `tocsin declare FILE`. `tocsin status INCIDENT` always says what to do next.
Exit codes: 0 ok, 1 error, 2 usage, 3 needs a person, 4 deadline missed, 5 refused by a rule."""


class Grouped(TyperGroup):
    """Lists commands under the headings of the work instead of as one column."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.commands)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        panels: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            found = self.commands[name]
            panel = getattr(found, "rich_help_panel", None)
            heading = panel if isinstance(panel, str) else "Commands"
            panels.setdefault(heading, []).append((name, found.get_short_help_str(200)))
        for heading, rows in panels.items():
            with formatter.section(heading):
                formatter.write_dl(rows)


def command() -> Any:
    """The whole program as a click command."""
    app = typer.Typer(
        name="tocsin",
        help=PURPOSE,
        cls=Grouped,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    for module in (setup, owed, writing, telling, letters, outside, after, records, doctor):
        module.register(app)
    return typer.main.get_command(app)
