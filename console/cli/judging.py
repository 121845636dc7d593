"""`tocsin judge`: what rests on somebody's judgement, and putting that judgement on record. Wiring only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from console.cli.terminal import AsJson, By, IncidentArg, answer, desk, who
from models.values import NEEDS_PERSON, OK, BadInput


def judge(
    incident: IncidentArg,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="Record the judgement that this file states (TOML).")
    ] = None,
    new: Annotated[
        str, typer.Option("--new", metavar="KIND", help="Print a file to fill in: gdpr_risk, not_to_notify, …")
    ] = "",
    withdraw: Annotated[
        int | None, typer.Option("--withdraw", metavar="N", help="Take judgement N back; needs --reason.")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why it is taken back.")] = "",
    by: By = "",
    as_json: AsJson = False,
) -> int:
    """List what rests on a judgement, or record one: a risk, or a decision not to tell. Exit 3: one is not recorded.

    A recorded judgement counts when two people have signed it: `tocsin approve INCIDENT judgement:N`.
    """
    from flows.steps import judge as step

    if sum((file is not None, bool(new), withdraw is not None)) > 1:
        raise BadInput("judge", "does one thing at a time.", "Give one of --file, --new, --withdraw.")
    with desk() as d:
        if new:
            text = step.draft(d, incident, new)
            answer(as_json, {"incident": incident, "kind": new, "file": text}, lambda: print(text, end=""))
            return OK
        if file is not None:
            recorded = step.record(d, incident, file, who(by)).as_data() | {"incident": incident}
            answer(as_json, recorded, lambda: _recorded(recorded))
            return NEEDS_PERSON
        if withdraw is not None:
            step.withdraw(d, incident, withdraw, reason, who(by))
        found, resting = step.look(d, incident)
    data = {
        "incident": incident,
        "judgements": [one.as_data() for one in found],
        "resting": [{"id": r.id, "facts": r.keys, "because": r.because, "not_recorded": r.missing} for r in resting],
    }
    answer(as_json, data, lambda: _listed(data))
    waits = any(r.missing for r in resting) or any(one.problems and not one.ended for one in found)
    return NEEDS_PERSON if waits else OK


def _recorded(data: Mapping[str, Any]) -> None:
    from console.cli.show import line, typed

    line(f"Recorded as judgement {data['number']}: {data['outcome']}; digest {data['digest'][:8]}.", indent=0)
    for key in data["obligations"]:
        line(f"covers {key}")
    line("It counts when two people who wrote neither it nor the facts have signed it, one legal or dpo:", "warn", 0)
    typed(f"tocsin approve {data['incident']} judgement:{data['number']} --person NAME --key FILE")


def _listed(data: Mapping[str, Any]) -> None:
    from console.cli.show import heading, line, typed

    judgements(data["judgements"])
    open_ = [r for r in data["resting"] if r["not_recorded"]]
    if open_:
        heading("Not owed only by a judgement that is not recorded")
    for row in open_:
        line(f"{row['id']}: {', '.join(row['not_recorded'])}; {'; '.join(row['because'])}", "warn")
    kept = [r["id"] for r in data["resting"] if not r["not_recorded"]]
    if kept:
        line(f"Not owed, by a judgement that is recorded: {', '.join(kept)}", "good", 0)
    if open_:
        typed(f"tocsin judge {data['incident']} --new {_kind_for(open_[0])} > judgement.toml")
    elif not data["judgements"] and not kept:
        line("Nothing rests on a judgement.", indent=0)


def _kind_for(row: Mapping[str, Any]) -> str:
    from models.vocabulary.judgement import kinds_for

    return min(kinds_for(row["not_recorded"][0], row["id"].split("/")[0]))


def judgements(found: list[dict[str, Any]]) -> None:
    """Every judgement of the record: what, why, who signed, and whether it counts."""
    from console.cli.show import heading, line, when

    if found:
        heading("Judgements on record")
    for one in found:
        stands = one["ended"] or ("counts" if one["counts"] else f"does not count yet: {'; '.join(one['problems'])}")
        style = (
            "bad"
            if one["ended"].startswith("lapsed")
            else "dim"
            if one["ended"]
            else "good"
            if one["counts"]
            else "warn"
        )
        line(f"{one['number']}  {one['outcome']} ({one['kind']}): {stands}", style, 0)
        line(f"recorded by {one['by']}, {when(one['at'])}; {_signed(one)}")
        line(one["reasons"])
        for name, text in one["factors"].items():
            line(f"{name.replace('_', ' ')}: {text}")
        line(f"covers {', '.join(one['obligations']) or 'no duty'}")


def _signed(one: Mapping[str, Any]) -> str:
    """Who signed; of one that ended, who had."""
    names = dict.fromkeys(a["person"] for a in one["approvals"] if one["ended"] or not a["voided"])
    return f"{'had been ' if one['ended'] and names else ''}signed by {', '.join(names) or 'nobody'}"
