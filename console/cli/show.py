"""What a person sees. Plain sentences and tables; rich is imported only when a table is drawn."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.cli.advice import next_steps

if TYPE_CHECKING:
    from flows.steps.erase import Erased
    from flows.steps.file_reports import ReportState
    from flows.steps.media import Given
    from flows.steps.open_incident import Opened
    from flows.steps.prepare_notices import Prepared
    from flows.steps.preview import Previewed
    from flows.steps.proof import Proofs
    from flows.steps.publish import Judged, Published
    from flows.steps.run import Delivered
    from flows.steps.scope_subjects import Scoped
    from flows.steps.settle import Settled
    from flows.steps.watch_deadlines import Watched
    from models.chain import Verdict

WIDTH = 100  # where there is no terminal to ask
STYLES = {"bad": "bold red", "warn": "yellow", "good": "green", "dim": "dim", "head": "bold"}


def console() -> Any:
    """Rich without its guessing: no markup, no emoji, no highlighting in what we print."""
    from rich.console import Console

    width = None if sys.stdout.isatty() or os.environ.get("COLUMNS") else WIDTH
    return Console(width=width, markup=False, emoji=False, highlight=False)


def table(
    heads: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    title: str = "",
    right: Sequence[int] = (),
    narrow: int | None = None,
) -> None:
    """A table without lines. A cell is a text, or (text, style of STYLES); `narrow` is the first column's most."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for number, head in enumerate(heads):
        most = None if number else narrow
        drawn.add_column(head, justify="right" if number in right else "left", overflow="fold", max_width=most)
    for row in rows:
        cells = [cell if isinstance(cell, tuple) else (str(cell), "") for cell in row]
        drawn.add_row(*(Text(text, style=STYLES.get(style, "")) for text, style in cells))
    if title:
        heading(title)
    out = console()
    with out.capture() as held:
        out.print(drawn)
    print("\n".join(row.rstrip() for row in held.get().splitlines()))


def heading(text: str) -> None:
    from rich.text import Text

    console().print(Text(f"\n{text}", style="bold"))


def line(text: str, style: str = "", indent: int = 2) -> None:
    """One paragraph, wrapped under its own beginning."""
    from rich.text import Text

    out = console()
    wrapped = Text(text, style=STYLES.get(style, "")).wrap(out, max(out.width - indent, 20))
    for part in wrapped:
        part.rstrip()
        out.print(Text(" " * indent) + part)


def typed(command: str, indent: int = 5) -> None:
    """A command to type: never broken into lines, so that it can be copied."""
    from rich.text import Text

    console().print(Text(" " * indent + command, style="bold"), soft_wrap=True)


def steps(state: Mapping[str, Any]) -> None:
    """What to do next, with the command to type."""
    heading("What to do next")
    for number, step in enumerate(next_steps(state), 1):
        line(f"{number}. {step.why}")
        typed(step.command)


def when(at: datetime | str | None) -> str:
    """A time as people read it: weekday, date, time, offset."""
    if not at:
        return ""
    moment = datetime.fromisoformat(at) if isinstance(at, str) else at
    return f"{moment:%a %Y-%m-%d %H:%M} {moment.isoformat()[-6:]}"


# --- setting up -----------------------------------------------------------------------------------------------------


def made(mode: str, files: Mapping[str, Path]) -> None:
    print(f"Tocsin is set up for {mode}.")
    print(f"  key      {files['key_file']}  (keep a copy in a safe place: without it nobody can be written to)")
    print(f"  profile  {files['profile']}  (fill in who you are before anything is prepared)")
    print(f"  home     {files['home']}")
    print("Next: tocsin people key FILE, tocsin people add NAME --role legal --public-key FILE.pub, tocsin doctor")


def clock(now: datetime, mode: str) -> None:
    whose = "the exercise's own clock" if mode == "exercise" else "this computer's clock"
    print(f"{when(now)}, {whose}")


def people(rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        print("Nobody is enrolled yet: tocsin people add NAME --role legal --public-key FILE.pub")
        return
    cells = [(r["name"], r["role"].value, r["public_key"][:8], when(r["enrolled"]), when(r["retired"])) for r in rows]
    table(("name", "seat", "key", "enrolled", "retired"), cells)


# --- owed -----------------------------------------------------------------------------------------------------------


def opened(found: Opened, state: Mapping[str, Any]) -> None:
    what = "stored as" if found.new_facts else "unchanged since"
    print(f"{found.incident}: facts {what} revision {found.facts_number}.")
    print(f"{amount(found.owed, 'duty', 'duties')} owed, {found.undetermined} more for which a fact is missing.")
    for warning in found.warnings:
        line(f"Warning: {warning}", "warn", 0)
    deadlines(state)
    steps(state)


def scoped(found: Scoped, state: Mapping[str, Any]) -> None:
    print(found.waterfall.as_text())
    print(
        "\nAgainst the list before: "
        + ", ".join(f"{n:,} {word.replace('_', ' ')}" for word, n in found.changes.items())
    )
    if found.waterfall.rejected:
        line(f"Rejected records, with line and reason: {found.rejects}", "warn", 0)
    for sentence in found.contradictions:
        line(f"Contradiction: {sentence}; the list's number is used from here on", "bad", 0)
    for sentence in found.fallen:
        line(f"No longer owed because of it: {sentence}", "bad", 0)
    if found.fallen:
        line("If the list is not complete, add who is missing and read it again.", "warn", 0)
    deadlines(state)
    steps(state)


# --- writing and sending --------------------------------------------------------------------------------------------


SHOWN = 20  # segments in a table; `preview` writes them all


def prepared(
    found: Prepared,
    segments: Sequence[Mapping[str, Any]],
    findings: Sequence[Mapping[str, Any]],
    state: Mapping[str, Any],
) -> None:
    print(f"Wave {found.wave} ({found.kind.value.replace('_', ' ')}) of {found.incident} is drafted; nothing was sent.")
    words = f"{amount(found.segments, 'segment')}, {amount(found.wordings, 'wording')}"
    print(f"  people    {found.people:,}, with {amount(found.notices, 'notice')} in {words}")
    print("  first     " + _amounts({c.value if hasattr(c, "value") else c: n for c, n in found.first_rung.items()}))
    print("  ladders   " + _amounts(found.ladders))
    print(f"  digest    {found.digest[:8]}")
    if found.no_channel:
        line(
            f"{found.no_channel:,} people can be reached by no channel that is permitted for them: only publicly.",
            "warn",
        )
    if found.texting is not None:
        t = found.texting
        line(f"Text messages: at most {t.messages:,} of {t.parts:,} parts in all, about {t.cost:,.2f} {t.currency}.")
        for against in t.sender:
            line(f"Sender's name: {against}.", "warn")
    for language, count in found.held_back.items():
        line(f"NOT TOLD YET: {count:,} people who are written in {language} are held back; prepare them next.", "bad")
    good = [s["segment"].split("/")[1] for s in segments if s["segment"].split("/")[1] not in found.errors_in]
    if found.errors_in and good:
        only = " ".join(f"--language {language}" for language in sorted(set(good)))
        line(
            f"Errors stand in {', '.join(sorted(found.errors_in))} only: {only} drafts the others, and those wait.",
            "warn",
        )
    for against in found.guard:
        severity, _, what = against.partition(": ")
        line(
            f"Guard: {what}; tocsin guard {found.incident} {found.wave} says more",
            "bad" if severity == "error" else "warn",
        )
    if found.dropped:
        line(f"Answered for in the draft before, and to be answered for again: {', '.join(found.dropped)}.", "warn")
    for why, count in found.problems.items():
        line(f"{count:,} people lost a channel: {why}", "warn")
    if found.unprintable:
        line(f"No font has {', '.join(found.unprintable)}: letters to people with it in name or address fail.", "warn")
    for language, count in found.untranslated.items():
        line(f"{count:,} people read {language}, for which there are no words; they get another language.", "warn")
    rows = [(s["segment"], ", ".join(s["laws"]), s["channel"], f"{s['people']:,}") for s in segments[:SHOWN]]
    table(("segment", "laws", "channel", "first"), rows, title="Segments: people who get the same words", right=(3,))
    if len(segments) > SHOWN:
        line(f"and {len(segments) - SHOWN} more; tocsin preview writes them all")
    print()
    lint_findings(findings)
    steps(state)


def amount(count: int, one: str, many: str = "") -> str:
    """`1 report`, `2 reports`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _amounts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items()) or "none"


def lint_findings(found: Sequence[Mapping[str, Any]]) -> None:
    """What the linter found, each cause once with its places and the ids to answer by, errors first."""
    if not found:
        print("The linter has nothing to say against the words.")
        return
    same: dict[tuple[str, ...], tuple[list[str], list[str]]] = {}
    for f in found:
        law = " ".join(part for part in (f["law"], f["citation"]) if part) or "every text"
        remedy = f["remedy"] + (f" [{f['part']}]" if f.get("part") else "")
        if f.get("overridden_by"):
            remedy = f"{f['overridden_by']} answers for it: {f['reason']}"
        names, where = same.setdefault((f["severity"], law, f["element"], remedy), ([], []))
        names.append(f.get("id", ""))
        where += f.get("places") or [f["where"]]
    rows = [
        (
            (severity, "bad" if severity == "error" else "warn"),
            "\n".join(name for name in dict.fromkeys(names) if name),
            law,
            element,
            ", ".join(dict.fromkeys(where)),
            remedy,
        )
        for (severity, law, element, remedy), (names, where) in same.items()
    ]
    heads = ["", "id", "law", "element", "where", "what to do"]
    shown: list[list[Any]] = [list(row) for row in rows]
    if not any(row[1] for row in shown):  # the findings of a single file have no id: nobody answers for them
        heads, shown = [heads[0], *heads[2:]], [[row[0], *row[2:]] for row in shown]
    table(heads, shown, title="What the linter found")


def files(paths: Sequence[Path], folder: Path, sentence: str) -> None:
    print(sentence)
    for path in paths:
        print(f"  {path.relative_to(folder)}")
    print(f"In {folder}")


def delivered(found: Delivered, already: bool, state: Mapping[str, Any]) -> None:
    for warning in found.warnings:
        line(f"Warning: {warning}", "warn", 0)
    if found.stopped and not found.outcomes:
        print(f"Wave {found.wave} is stopped; nothing was sent.")
    elif already and not found.outcomes:
        print(f"Wave {found.wave} was launched before, and nothing of it is due now.")
        print("Nothing was sent; nobody gets it twice.")
    else:
        print(f"Wave {found.wave} of {found.incident}: " + _amounts(dict(sorted(found.outcomes.items()))))
    if found.open:
        print(f"  still open {found.open:,}, of which {found.waiting:,} wait for a later time")
    if found.stopped:
        line(f"The wave stopped by itself: {found.stopped}.", "bad", 0)
    for key in found.met:
        line(f"Met: {key}", "good", 0)
    sums(state)
    steps(state)


def sums(state: Mapping[str, Any]) -> None:
    from console.cli.status import both_sums

    both_sums(state)


def deadlines(state: Mapping[str, Any]) -> None:
    from console.cli.status import deadlines as shown

    shown(state)


def status(state: Mapping[str, Any]) -> None:
    from console.cli.status import show

    show(state)


# --- receipts, public notice, reports -------------------------------------------------------------------------------


def settled(found: Settled, state: Mapping[str, Any] | None) -> None:
    print("Taken in: " + (_amounts(found.evidence) if found.evidence else "no new evidence"))
    for text, count in (
        ("seen before, counted once", found.repeats),
        ("matched to no delivery of ours; kept and listed", found.orphans),
        ("rungs opened for people whom the first did not reach", found.opened),
        ("taken back from workers that went away", found.released),
    ):
        if count:
            print(f"  {count:,} {text}")
    for outcome, count in found.resolved.items():
        print(f"  {count:,} unknown outcomes: {outcome.replace('_', ' ')}")
    for key in found.met:
        line(f"Met: {key}", "good", 0)
    if state is not None:
        sums(state)
        steps(state)


_KINDS = {"page": "A notice on your own site", "press": "A release to the media"}


def judged(found: Judged, slug: str) -> None:
    from flows.steps.publish import Kind

    for kind in Kind:
        stands = "OWED" if found.owed(kind) else "allowed" if found.serves(kind) else "neither owed nor allowed"
        line(f"{_KINDS[kind]} is {stands}.", {"OWED": "bad", "allowed": "warn"}.get(stands, ""), 0)
    for key, d in found.decisions:
        word, style = ("OWED", "bad") if d.owed else ("allowed", "warn") if d.allowed else ("no", "dim")
        means = d.means_said
        days = f", for {d.days} days" if d.days else ""
        line(f"{word:<8} {key}, {d.citation}: {means}{days}; for {d.people:,} people", style, 0)
        line("; ".join(d.because), indent=9)
        if d.missing:
            line(f"a fact decides it that nobody stated: {', '.join(d.missing)}", "warn", 9)
    for key in (*found.media, *found.public):
        line(f"OWED     {key}: in its own right, whoever was reached", "bad", 0)
    for kind in Kind:
        if found.serves(kind):
            choice = "" if found.owed(kind) else " --why TEXT"
            print(f"To put it out: tocsin publish {slug} --what {kind.value}{choice}")


def published(found: Published) -> None:
    how = "stands as it was published" if found.again else "is published"
    print(f"{found.kind.value}:{found.version} of {found.incident} {how}: {', '.join(found.languages)}.")
    do = (
        "serve this folder"
        if found.kind == "page"
        else "send this release to the outlets of distribution.csv now; for them it counts from this moment"
    )
    print(f"In {found.folder}; {do}.")
    if found.until:
        print(f"It must stay up until {when(found.until)}; `tocsin watch` looks once a day whether it does.")
    if found.toll_free_until:
        print(f"The toll-free number must be answered until {when(found.toll_free_until)}.")
    for warning in found.warnings:
        line(warning, "warn", 0)
    for key in found.met:
        line(f"Met: {key}", "good", 0)


def given(found: Given) -> None:
    print(f"Recorded: press:{found.version} of {found.incident} was given to {', '.join(found.outlets)}.")
    print(f"It counts from {when(found.at)} for {', '.join(found.serves) or 'no duty that waited for it'}.")
    for key in found.met:
        line(f"Met: {key}", "good", 0)
    for key in found.left:
        line(f"Still given to no outlet: {key}", "warn", 0)


def reports(found: Sequence[ReportState], state: Mapping[str, Any]) -> None:
    if not found:
        print("No report is owed that is not filed.")
    for report in found:
        new = "new version" if report.new else "unchanged, version"
        print(f"{report.obligation}  ({report.form}, {new} {report.version}, digest {report.digest[:8]})")
        if report.unknown:
            line(f"{report.unknown} questions are answered “not yet known”", "warn")
        if report.missing:
            line(f"must be answered first: {', '.join(report.missing)}", "bad")
        for problem in (*report.problems, *report.debts):
            line(problem, "bad")
        if report.folder:
            line(f"packet: {report.folder}", "good")
    steps(state)


# --- watching and proving -------------------------------------------------------------------------------------------


def watched(found: Watched) -> None:
    for alarm in found.raised:
        line(alarm.sentence, "bad" if alarm.threshold == "due" else "warn", 0)
    if not found.raised:
        print("No deadline has passed a new threshold.")
    if found.raised and not found.told:
        line("Nobody on call was told by email: set TOCSIN_SMTP_URL and [[on_call]] in the profile.", "warn", 0)
    if found.told:
        print(f"{found.told} people on call were told by email.")
    for key in found.missed:
        line(f"PAST DUE and not met: {key}", "bad", 0)
    for sentence in found.pages:
        line(sentence, "bad", 0)
    for slug, sentence in found.next_actions.items():
        line(f"{slug}: {sentence}", indent=0)


def verdict(found: Verdict, export: Path | None) -> None:
    if found.ok:
        line(
            f"The record holds: {found.events:,} entries in {len(found.lanes)} lanes, none changed, none missing.",
            "good",
            0,
        )
    else:
        line(f"THE RECORD DOES NOT HOLD: {len(found.problems)} problems in {found.events:,} entries.", "bad", 0)
    for problem in found.problems:
        line(problem, "bad")
    print(f"  root      {found.root or 'none; nothing is sealed yet'}")
    if found.unsealed:
        print(f"  unsealed  {found.unsealed:,} entries are newer than the last seal")
    if export:
        print(f"  export    {export}; keep the root elsewhere, and check with both:")
        typed(f"tocsin verify --file {export} --root {found.root}", 12)


def erased(found: Erased) -> None:
    print(
        f"{found.incident}: {found.people:,} people and {found.notices:,} notices erased, {found.files} files removed."
    )
    print("What we can't reach, and you have to see to:")
    for place in found.beyond_us:
        line(f"- {place}")


# --- previews, proofs, signatures -----------------------------------------------------------------------------------


def previewed(found: Previewed) -> None:
    print(f"Wave {found.wave} of {found.incident} to read, with invented people; every file is marked PREVIEW:")
    table(("file", "people"), [(name, f"{people:,}" if people else "") for name, people in found.files], right=(1,))
    for number, segment in found.segments.items():
        line(f"{number:02d} is segment {segment}", "dim")
    print(f"In {found.folder}")


def proofs(found: Proofs) -> None:
    sent = f"{amount(found.sent, 'marked sample')} of wave {found.wave} sent"
    print(f"{sent} ({_amounts(found.by_channel)}); they count nowhere.")
    for sentence in found.failed:
        line(f"Not sent: {sentence}", "bad", 0)


def approved(data: Mapping[str, Any]) -> None:
    print(f"{data['person']} approved {data['what']} of {data['incident']}, digest {data['digest'][:8]}.")
    if "people" in data:
        line(f"{data['people']:,} people, a pilot of {data['pilot']:,} first, open until {when(data['window_until'])}")
    elif data.get("unknown"):
        line(f"{data['unknown']} questions are answered “not yet known”")
    for problem in data["still_missing"] or ():
        line(f"Still missing: {problem}", "warn")
    if data["still_missing"] == []:
        line("All approvals stand. Send it within 24 hours:", "good")
        live = " --live" if data["mode"] == "live" else ""
        typed(f"tocsin send {data['incident']} {data['what'].partition(':')[2]}{live}")


def classified(found: Sequence[Mapping[str, Any]]) -> None:
    rows = [(f["file"], r["address"], r["status"], r["class"]) for f in found for r in f["recipients"] or [_NOTHING]]
    table(("file", "address", "status", "class"), rows)


_NOTHING = {"address": "", "status": "", "class": "no bounce"}


def reconciled(found: Settled, left: Sequence[str], slug: str) -> None:
    settled(found, None)
    for identity in left:
        line(f"Unknown, a person decides: {identity}", "warn", 0)
    if left:
        print("To decide one (accepted: it arrived; deferred: send it again; refused: go on to the next channel):")
        typed(f'tocsin reconcile {slug} --delivery ID --as accepted --reason "how you know"')
