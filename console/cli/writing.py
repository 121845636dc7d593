"""Write and decide: draft the notices, read them, check them against the law, sign them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.cli.terminal import AsJson, By, IncidentArg, Progress, answer, desk, who
from models.values import ERROR, NEEDS_PERSON, OK, BadInput, Channel, Role

if TYPE_CHECKING:
    from flows.steps.desk import Desk
    from models.facts import Facts
    from regimes.schema import Version

PANEL = "Write and decide"


def prepare(
    incident: IncidentArg,
    by: By = "",
    limit: Annotated[
        int, typer.Option("--limit", min=1, metavar="N", help="Most segments; more is refused, with what causes them.")
    ] = 2000,
    language: Annotated[
        list[str] | None,
        typer.Option(
            "--language", metavar="LANG", help="Only people who are written in it; others wait. May come twice."
        ),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Draft a notice for everybody who has none: segments, words, ladders, findings. Sends nothing."""
    from console.cli import show
    from flows.steps.prepare_notices import prepare as step
    from flows.steps.status import status

    with desk() as d, Progress(as_json) as progress:
        made = step(d, incident, who(by), progress, limit, tuple(language or ()))
        segments, found = wave_segments(d, incident, made.wave), wave_findings(d, incident, made.wave)
        state = status(d, incident)
    data = {"prepared": made, "segments": segments, "findings": found}
    answer(as_json, data, lambda: show.prepared(made, segments, found, state))
    return NEEDS_PERSON if made.errors else OK


def wave_segments(d: Desk, slug: str, number: int) -> list[dict[str, Any]]:
    """The segments of a wave with their laws, channel and the people whose first rung it is, the largest first."""
    import json

    from sqlmodel import select

    from flows.steps.desk import find_incident
    from flows.steps.launching import find_wave
    from models.tables import Segment

    with d.db.read() as session:
        wave = find_wave(session, find_incident(session, slug), number)
        rows = session.exec(select(Segment).where(Segment.wave_id == wave.id)).all()
    found = [
        {"segment": r.key, "laws": json.loads(r.laws), "channel": r.channel.value, "people": r.people} for r in rows
    ]
    return sorted(found, key=lambda row: (-row["people"], row["segment"], row["channel"]))


def wave_findings(d: Desk, slug: str, number: int) -> list[dict[str, Any]]:
    """What the linter says of a wave, each finding once with the segments it is about."""
    from flows.steps.desk import find_incident
    from flows.steps.findings import findings
    from flows.steps.launching import find_wave

    once: dict[str, dict[str, Any]] = {}
    with d.db.read() as session:
        for place, found in findings(session, find_wave(session, find_incident(session, slug), number)):
            own = once.setdefault(found["id"], {**found, "places": [], "segments": []})
            own.pop("segment", None)
            if found["where"] not in own["places"]:
                own["places"].append(found["where"])
            if (said := f"{place.channel}: {place.key}") not in own["segments"]:
                own["segments"].append(said)
    return list(once.values())


def preview(
    incident: IncidentArg,
    wave: Annotated[int | None, typer.Option("--wave", min=1, metavar="N", help="Default: the newest.")] = None,
    segment: Annotated[str, typer.Option("--segment", metavar="TEXT", help="Only segments whose name has this.")] = "",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="Default: previews/ in TOCSIN_HOME.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write every text of a wave into files to read, filled with invented people and marked PREVIEW."""
    from console.cli import show
    from flows.steps.preview import preview as step

    with desk() as d:
        try:
            made = step(d, incident, wave, segment, out)
        except OSError as error:
            if out is None or error.filename is None:
                raise
            raise BadInput(
                f"--out {out}", f"can't be written to ({error.strerror}).", "Name a folder, or one that can be made."
            ) from None
    answer(as_json, made, lambda: show.previewed(made))


def approve(
    incident: IncidentArg,
    what: Annotated[
        str, typer.Argument(metavar="WHAT", help="wave:N, page:N, press:N, judgement:N or filing:OBLIGATION.")
    ],
    person: Annotated[str, typer.Option("--person", metavar="NAME", help="Who approves, as enrolled.")],
    key: Annotated[Path, typer.Option("--key", metavar="FILE", help="Their private key.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="A note for the record.")] = "",
    as_json: AsJson = False,
) -> None:
    """Sign what is to go out, as it stands now. Two different people, one of them legal or dpo."""
    from console.cli import show
    from flows.steps.approvals import approve as step

    with desk() as d:
        signed = step(d, incident, what, person, key, reason)
        about = _about(d, incident, what)
        about["mode"] = d.settings.mode
    data = {"incident": incident, "what": what, "person": person, "digest": signed.digest, "at": signed.at} | about
    answer(as_json, data, lambda: show.approved(data))


def override(
    incident: IncidentArg,
    finding: Annotated[
        str, typer.Argument(metavar="FINDING", help="Its id, as `tocsin prepare` and the preview show.")
    ],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why the words may stay as they are.")],
    wave: Annotated[int | None, typer.Option("--wave", min=1, metavar="N", help="Default: the newest.")] = None,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Answer for a warning of the linter. It becomes part of what is signed; an error can only be mended."""
    from flows.steps.findings import override as step

    with desk() as d:
        made = step(d, incident, finding, who(by), reason, wave)
    answer(as_json, made, lambda: _overridden(made))


def _overridden(made: Mapping[str, Any]) -> None:
    print(f"{made['overridden_by']} answers for {made['id']} ({made['element']}): {made['reason']}")
    again = f" {made['void']} approvals given before are void." if made["void"] else ""
    print(f"Wave {made['wave']} has a new digest, {made['digest'][:16]}…; sign that one.{again}")


def _about(d: Desk, slug: str, what: str) -> dict[str, Any]:
    """What was signed, in numbers, and what is still missing."""
    from flows.steps.approvals import find_approvable
    from flows.steps.desk import find_incident
    from flows.steps.status import status
    from models.tables import Filing, Judgement, Wave

    with d.db.read() as session:
        row = find_approvable(session, find_incident(session, slug), what)
    if isinstance(row, Filing):
        return {"version": row.version, "unknown": row.unknown, "still_missing": None}
    if isinstance(row, Judgement):
        one = next(one for one in status(d, slug)["judgements"] if one["number"] == row.number)
        return {"version": row.number, "still_missing": one["problems"] or None}
    if not isinstance(row, Wave):
        return {"version": row.version, "still_missing": None}
    wave = next(w for w in status(d, slug)["waves"] if w["number"] == row.number)
    return {
        "people": row.people,
        "pilot": row.pilot,
        "window_until": row.window_until,
        "still_missing": wave["blocked"],
    }


# --- lint -----------------------------------------------------------------------------------------------------------

AXES = ("law", "channel", "language", "role", "exposed")


def lint(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A finished text: .txt, .html, .eml or .pdf.")],
    facts: Annotated[Path, typer.Option("--facts", metavar="INCIDENT.toml", help="The incident's facts.")],
    segment: Annotated[
        list[str],
        typer.Option(
            "--segment",
            metavar="KEY=VALUE",
            help="Who reads it, an option for each: law (needed), channel (needed), language (needed), role, exposed.",
        ),
    ],
    as_json: AsJson = False,
) -> int:
    """Check a finished text against what the laws of its readers demand. Exit 1: errors were found."""
    from dataclasses import asdict

    from console.cli import show
    from models.facts import load_facts
    from planning.lint import lint_parts, read_parts
    from templates.pdf_type import smallest_type
    from templates.readback import pdf_text
    from templates.words import languages

    axes = read_axes(segment)
    stated = load_facts(facts)
    overlay = Path(os.environ["TOCSIN_TEMPLATES"]) if os.environ.get("TOCSIN_TEMPLATES") else None
    language = _one_of("language", axes["language"][0], languages(overlay))
    printed = file.suffix.lower() == ".pdf"
    parts = {"text": pdf_text(file)} if printed else read_parts(file)
    points = smallest_type(file) if printed else None
    found = lint_parts(
        parts,
        axes["law"],
        channel=Channel(_one_of("channel", axes["channel"][0], list(Channel))),
        language=language,
        role=Role(_one_of("role", (axes["role"] or ["self"])[0], list(Role))),
        exposed=_exposed(axes["exposed"]),
        facts=stated,
        versions=_versions(axes["law"], stated),
        cues=_cues(language, overlay),
        sizes={"text": points} if points else {},
    )
    rows = [asdict(f) for f in found]
    answer(as_json, rows, lambda: show.lint_findings(rows))
    return ERROR if any(f["severity"] == "error" for f in rows) else OK


def read_axes(given: list[str]) -> dict[str, list[str]]:
    """`key=value` as typed; a key may come twice, and a value may hold several after commas."""
    axes: dict[str, list[str]] = {axis: [] for axis in AXES}
    for text in given:
        key, sign, value = text.partition("=")
        if key not in axes or not sign or not value.strip():
            raise BadInput(f"--segment {text!r}", "is not understood.", f"Write KEY=VALUE; keys: {', '.join(AXES)}.")
        axes[key] += [part.strip() for part in value.split(",") if part.strip()]
    for axis in ("law", "channel", "language"):
        if not axes[axis]:
            raise BadInput(f"--segment {axis}", "is missing.", f"Add --segment {axis}=….")
    return axes


def _one_of(axis: str, word: str, known: Any) -> str:
    if word not in [str(k) for k in known]:
        raise BadInput(f"--segment {axis}={word}", "is unknown.", f"Known: {', '.join(sorted(map(str, known)))}.")
    return word


def _exposed(words: list[str]) -> list[str]:
    from models.intake.mapping import element_word

    return [element_word(word, "--segment exposed") for word in words]


def _cues(language: str, overlay: Path | None) -> Mapping[str, Any]:
    from templates.render import cues

    return cues(language, overlay)


def _versions(laws: list[str], facts: Facts) -> dict[str, Version]:
    """The version of each law that applies to this incident; the one of today where no duty of it is owed."""
    from datetime import UTC, datetime

    from flows.steps.law import telling_people, versions
    from regimes.assess import assess
    from regimes.load import instruments, law_on

    now = datetime.now(UTC)
    assessed = assess(facts, now)
    terms, held = versions(assessed, facts), instruments()
    found = {o.regime: terms[o.id] for o in telling_people(assessed)}
    for law in laws:
        standing = law_on(held[law], now.date()) if law in held else None
        if law not in found and standing is not None:
            found[law] = standing
    return found


def register(app: typer.Typer) -> None:
    first = (("prepare", prepare), ("preview", preview), ("lint", lint))
    for name, step in (*first, ("override", override), ("approve", approve)):
        app.command(name, rich_help_panel=PANEL)(step)
