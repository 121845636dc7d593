"""People of a list who may be one person: shown, and decided by somebody."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from console.cli.terminal import AsJson, By, IncidentArg, answer, desk, who

One = Annotated[str, typer.Argument(metavar="ONE", help="Stays. An id, or its first six signs or more.")]
Other = Annotated[str, typer.Argument(metavar="OTHER", help="The other of the pair.")]
Why = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for the record; no personal data.")]


def alike(
    incident: IncidentArg,
    least: Annotated[int, typer.Option("--least", min=50, max=100, help="How alike two names must be, percent.")] = 85,
    most: Annotated[int, typer.Option("--most", min=1, help="How many pairs to show.")] = 200,
    show: Annotated[
        bool, typer.Option("--show", help="Show names and contacts: personal data, on this screen.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List people in scope who may be one person, likeliest first. Until somebody decides, each gets a notice."""
    from flows.steps.likely import likely

    with desk() as d:
        pairs, large = likely(d, incident, least, most)
    data = {"incident": incident, "too_large": large, "pairs": [_pair(pair, show) for pair in pairs]}
    answer(as_json, data, lambda: _print(data))


def _pair(pair: Any, show: bool) -> dict[str, Any]:
    shown = {"one": pair.one, "other": pair.other, "names_alike": pair.alike, "shares": list(pair.shares)}
    return shown | ({"records": [_record(record) for record in pair.records]} if show else {})


def _record(record: Any) -> dict[str, Any]:
    names = ("name", "born", "email", "phone", "address", "customer_name")
    return {name: value for name in names if (value := getattr(record, name))}


def _print(data: dict[str, Any]) -> None:
    for pair in data["pairs"]:
        shares = ", ".join(pair["shares"]) or "a birthday or town"
        print(f"{pair['one'][:12]}  {pair['other'][:12]}  names {pair['names_alike']} % alike, same {shares}")
        for record in pair.get("records", ()):
            print("    " + "; ".join(" / ".join(v) if isinstance(v, tuple) else v for v in record.values()))
    if data["too_large"]:
        print(f"{data['too_large']} groups of people with one address, email or birthday are too large to compare.")
    if not data["pairs"]:
        print("Nobody looks like somebody else.")
        return
    incident = data["incident"]
    print(f"One person: tocsin people same {incident} ONE OTHER --reason TEXT. Two: tocsin people apart …")


def same(incident: IncidentArg, one: One, other: Other, reason: Why, by: By = "", as_json: AsJson = False) -> None:
    """Decide that two are one person. ONE stands for both; OTHER leaves the scope, and no later list undoes it."""
    _decide(incident, (one, other), reason, by, as_json, same=True)


def apart(incident: IncidentArg, one: One, other: Other, reason: Why, by: By = "", as_json: AsJson = False) -> None:
    """Decide that two are two people. Each is told, and the pair is not shown again."""
    _decide(incident, (one, other), reason, by, as_json, same=False)


def _decide(incident: str, pair: tuple[str, str], why: str, by: str, as_json: bool, *, same: bool) -> None:
    from flows.steps.likely import decide

    with desk() as d:
        one, other = decide(d, incident, *pair, who(by), why, same=same)
    said = f"{one[:12]} now stands for {other[:12]} too." if same else f"{one[:12]} and {other[:12]} are two people."
    answer(as_json, {"one": one, "other": other, "same": same}, lambda: print(said))


def register(people: typer.Typer) -> None:
    for command in (alike, same, apart):
        people.command(command.__name__)(command)
